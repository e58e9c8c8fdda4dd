//! What a deal would earn.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::client::{Client, refusal};
use crate::harness::company::deal;

const ESTIMATE: &str = "EarningsService/EstimateDeal";

/// A deal that nobody has stored.
fn made_up(owner: &str, amount: &str) -> Value {
    json!({"dealId": "made-up", "ownerId": owner, "amount": amount, "outcome": "OUTCOME_OPEN"})
}

/// A booking on a day.
fn booking(day: &str) -> Value {
    json!([{"eventDate": day}])
}

/// Each payee with its estimate, and below it each component with what it adds by period.
fn told(answer: &Value) -> Vec<String> {
    let text = |value: &Value, name: &str| value[name].as_str().unwrap().to_string();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut lines = Vec::new();
    for payee in list(&answer["payees"]) {
        lines.push(format!("{} {}", text(&payee, "payeeId"), text(&payee, "estimate")));
        for part in list(&payee["components"]) {
            let periods = list(&part["periods"]);
            let periods: Vec<_> =
                periods.iter().map(|p| format!("{} {}", text(p, "period"), text(p, "estimate"))).collect();
            let (without, with) = (text(&part, "earnedWithout"), text(&part, "earnedWith"));
            lines.push(format!("  {} {without} to {with}: {}", text(&part, "window"), periods.join(", ")));
        }
        lines.extend(
            list(&payee["problems"]).iter().map(|problem| format!("  {}", problem.as_str().unwrap())),
        );
    }
    lines
}

async fn total(tenant: &Client, payee: &str, period: &str) -> String {
    let asked = json!({"payeeId": payee, "period": period});
    let answer = tenant.get("EarningsService/GetStatement", asked).await;
    answer["statement"]["total"].as_str().unwrap().to_string()
}

#[tokio::test]
async fn a_deal_made_up_is_estimated_for_everyone_it_touches_and_is_not_stored() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "60000.00")]).await;
    let head = tenant.head().await;
    let asked = json!({"deal": made_up("ann", "60000.00"), "assumedEvents": booking("2026-02-10")});
    let answer = tenant.get(ESTIMATE, asked.clone()).await;
    // 40,000 x 10 % and 20,000 x 20 %; the lead 60,000 x 1 %.
    assert_eq!(
        told(&answer),
        [
            "ann 8000.00",
            "  FY2026-Q1 6000.00 to 14000.00: 2026-02 8000.00",
            "lead 600.00",
            "  2026-02 0.00 to 600.00: 2026-02 600.00"
        ]
    );
    assert_eq!(answer["totals"], json!([{"currencyCode": "USD", "amount": "8600.00"}]));
    assert_eq!(answer["period"], "2026-12");
    assert_eq!(
        answer["assumedEvents"],
        json!([{"eventId": "assumed-1", "type": "TYPE_BOOKED", "eventDate": "2026-02-10", "amount": "60000.00"}])
    );
    let component = &answer["payees"][0]["components"][0];
    assert_eq!(
        (&component["without"], &component["with"]),
        (
            &json!({"unit": "UNIT_MONEY", "line": "60000.00", "attainmentPercent": "60",
                "tier": {"edgePercent": "0", "ratePercent": "10"},
                "nextTier": {"edgePercent": "100", "ratePercent": "20"}, "missing": "40000.00"}),
            &json!({"unit": "UNIT_MONEY", "line": "120000.00", "attainmentPercent": "120",
                "tier": {"edgePercent": "100", "ratePercent": "20"}}),
        )
    );
    assert_eq!(tenant.head().await, head);
    assert_eq!(total(&tenant, "ann", "2026-02").await, "0.00");
    // Then it is booked, and earns what was said.
    tenant.deals(&[deal("made-up", "ann", "2026-02-10", "60000.00")]).await;
    assert_eq!(total(&tenant, "ann", "2026-02").await, "8000.00");
    assert_eq!(total(&tenant, "lead", "2026-02").await, "600.00");
}

#[tokio::test]
async fn a_deal_that_comes_before_others_moves_what_they_earn() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let deals = [deal("d1", "ann", "2026-01-10", "60000.00"), deal("d2", "ann", "2026-02-10", "50000.00")];
    tenant.deals(&deals).await;
    // January 30,000 x 10 %; February has then 10,000 at 10 % and 40,000 at 20 %, it had 40,000 and 10,000.
    let mut asked =
        json!({"deal": made_up("ann", "30000.00"), "assumedEvents": booking("2026-01-31"), "payeeId": "ann"});
    let february = "  FY2026-Q1 12000.00 to 18000.00: 2026-01 3000.00, 2026-02 3000.00";
    assert_eq!(told(&tenant.get(ESTIMATE, asked.clone()).await), ["ann 6000.00", february]);
    asked["period"] = json!("2026-01");
    let january = "  FY2026-Q1 6000.00 to 9000.00: 2026-01 3000.00";
    assert_eq!(told(&tenant.get(ESTIMATE, asked).await), ["ann 3000.00", january]);
}

#[tokio::test]
async fn a_stored_deal_is_estimated_by_its_id_booked_or_not() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut open = made_up("ann", "20000.00");
    open["splits"] =
        json!([{"payeeId": "ann", "splitPercent": "75"}, {"payeeId": "bob", "splitPercent": "25"}]);
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "90000.00"), open]).await;
    let estimated = async |asked: Value| told(&tenant.get(ESTIMATE, asked).await);
    let booked = json!({"dealId": "made-up", "assumedEvents": booking("2026-01-20")});
    // Ann 10,000 x 10 % and 5,000 x 20 %, Bob 5,000 x 10 %, the lead 20,000 x 1 %.
    assert_eq!(
        estimated(booked.clone()).await,
        [
            "ann 2000.00",
            "  FY2026-Q1 9000.00 to 11000.00: 2026-01 2000.00",
            "bob 500.00",
            "  FY2026-Q1 0.00 to 500.00: 2026-01 500.00",
            "lead 200.00",
            "  2026-01 900.00 to 1100.00: 2026-01 200.00"
        ]
    );
    // What was paid in is read by nothing here; what is booked already is not assumed again.
    let paid =
        json!({"dealId": "made-up", "assumedEvents": [{"type": "TYPE_PAID", "eventDate": "2026-01-20"}]});
    assert_eq!(estimated(paid).await, ["ann 0.00", "bob 0.00", "lead 0.00"]);
    let own = json!({"dealId": "d1", "payeeId": "ann"});
    assert_eq!(estimated(own).await, ["ann 9000.00", "  FY2026-Q1 0.00 to 9000.00: 2026-01 9000.00"]);
    // In the place of the stored one: what 120,000.00 would earn without the 90,000.00.
    let larger = json!({"deal": deal("d1", "ann", "2026-01-10", "120000.00"), "payeeId": "ann"});
    assert_eq!(estimated(larger).await, ["ann 14000.00", "  FY2026-Q1 0.00 to 14000.00: 2026-01 14000.00"]);
    // As it was before the deals came.
    let before = json!({"deal": made_up("ann", "1000.00"), "assumedEvents": booking("2026-01-20"), "payeeId": "ann", "asOfChange": "7"});
    assert_eq!(estimated(before).await, ["ann 100.00", "  FY2026-Q1 0.00 to 100.00: 2026-01 100.00"]);
    // Bob has a quota for the year, Ann only for the first quarter; nobody asks for the quarters after it.
    let late =
        json!({"deal": made_up("ann", "1000.00"), "assumedEvents": booking("2026-04-20"), "payeeId": "ann"});
    let missing = "  payee ann has no quota of measure own for FY2026-Q2 and none for its year";
    assert_eq!(estimated(late).await[1..], ["  FY2026-Q2 0.00 to 0.00: ", missing]);
}

#[tokio::test]
async fn a_payee_hears_of_its_own_part_and_of_those_below_it() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut shared = deal("d1", "ann", "2026-01-10", "1000.00");
    shared["splits"] =
        json!([{"payeeId": "ann", "splitPercent": "50"}, {"payeeId": "bob", "splitPercent": "50"}]);
    tenant.deals(&[shared, deal("d2", "bob", "2026-01-10", "1000.00")]).await;
    let (ann, lead) = (tenant.key("ROLE_PAYEE", "ann").await, tenant.key("ROLE_PAYEE", "lead").await);
    let whom = async |caller: &Client, asked: Value| {
        let answer = caller.ask(ESTIMATE, asked).await;
        answer.map_err(|status| refusal(&status)).map(|answer| {
            let lines = told(&answer).into_iter().filter(|line| !line.starts_with(' '));
            lines.collect::<Vec<_>>().join(", ")
        })
    };
    let by_id = |deal: &str, payee: &str| json!({"dealId": deal, "payeeId": payee});
    let of = |owner: &str| json!({"deal": made_up(owner, "1000.00"), "assumedEvents": booking("2026-02-10")});
    let not_found = |noun: &str, id: &str| {
        Err(format!("NotFound NOT_FOUND: {noun} {id} not found\nid={id}\nresource={noun}"))
    };
    assert_eq!(whom(&ann, by_id("d1", "")).await, Ok("ann 50.00".into()));
    assert_eq!(whom(&lead, by_id("d1", "")).await, Ok("ann 50.00, bob 50.00, lead 10.00".into()));
    assert_eq!(whom(&ann, by_id("d1", "bob")).await, not_found("payee", "bob"));
    assert_eq!(whom(&ann, by_id("d1", "nobody")).await, not_found("payee", "nobody"));
    // A deal of others reads like one that is not there.
    assert_eq!(whom(&ann, by_id("d2", "")).await, not_found("deal", "d2"));
    assert_eq!(whom(&ann, by_id("d3", "")).await, not_found("deal", "d3"));
    assert_eq!(whom(&ann, of("ann")).await, Ok("ann 100.00".into()));
    assert_eq!(whom(&ann, of("bob")).await, not_found("payee", "bob"));
    assert_eq!(whom(&ann, of("nobody")).await, not_found("payee", "nobody"));
    assert_eq!(whom(&lead, of("bob")).await, Ok("bob 100.00, lead 10.00".into()));
}

#[tokio::test]
async fn a_request_for_an_estimate_that_is_wrong_hears_everything_that_is() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut open = made_up("ann", "");
    open["amount"] = Value::Null;
    tenant.deals(&[open.clone()]).await;
    let mut bad = made_up("ann", "-1");
    bad["etag"] = json!("3");
    let mut strange = made_up("zed", "100.00");
    strange["splits"] = json!([{"payeeId": "yan", "splitPercent": "100"}]);
    for (asked, expected) in [
        (
            json!({}),
            "InvalidArgument INVALID_REQUEST: deal_id must be given, or a deal\ndeal_id: must be given, or a deal",
        ),
        (
            json!({"deal": bad, "payeeId": "a b", "period": "2026-13", "asOfChange": "0",
                "assumedEvents": [{"type": "TYPE_REFUNDED", "eventDate": "2026-02-30", "amount": "x"}]}),
            "InvalidArgument INVALID_REQUEST: 7 fields are wrong, the first: deal.etag must be 0: nothing is written, got 3\n\
             deal.etag: must be 0: nothing is written, got 3\n\
             deal.amount: must not be below zero, got \"-1\"\n\
             assumed_events[0].type: must be booked, invoiced or paid, got REFUNDED\n\
             assumed_events[0].event_date: must be a calendar day such as \"2026-03-31\", got \"2026-02-30\"\n\
             assumed_events[0].amount: must be plain decimal text such as \"1250.00\", got \"x\"\n\
             payee_id: must be a letter or digit followed by letters, digits, \'.\', \'_\', \':\' or \'-\', got \"a b\"\n\
             period: must be a period such as \"2026-03\", got \"2026-13\"",
        ),
        (
            json!({"dealId": "made-up"}),
            "InvalidArgument INVALID_REQUEST: assumed_events must be given with an amount: deal made-up states none\n\
             assumed_events: must be given with an amount: deal made-up states none",
        ),
        (
            json!({"deal": open, "assumedEvents": [{"amount": "1.00"}, {"type": "TYPE_PAID"}]}),
            "InvalidArgument INVALID_REQUEST: assumed_events[1].amount must be given with an amount: deal made-up states none\n\
             assumed_events[1].amount: must be given with an amount: deal made-up states none",
        ),
        (
            json!({"deal": strange}),
            "FailedPrecondition REFERENCE_UNKNOWN: 2 names are unknown, the first: deal.owner_id payee zed does not exist\ncount=2\n\
             deal.owner_id: payee zed does not exist\ndeal.splits: payee yan does not exist",
        ),
        (
            json!({"dealId": "nothing"}),
            "NotFound NOT_FOUND: deal nothing not found\nid=nothing\nresource=deal",
        ),
        (
            json!({"deal": made_up("ann", "1.00"), "payeeId": "zed"}),
            "NotFound NOT_FOUND: payee zed not found\nid=zed\nresource=payee",
        ),
        (
            json!({"deal": deal("d", "ann", "2099-12-31", "1.00")}),
            "InvalidArgument INVALID_REQUEST: period must be within 10 years of 2026-11, events included, got 2099-12\n\
             period: must be within 10 years of 2026-11, events included, got 2099-12",
        ),
        (
            json!({"deal": made_up("ann", "1.00"), "period": "2025-12"}),
            "InvalidArgument INVALID_REQUEST: period must not be before the first period 2026-01, got 2025-12\n\
             period: must not be before the first period 2026-01, got 2025-12",
        ),
    ] {
        let refused = tenant.refused(ESTIMATE, asked.clone()).await;
        // What today is nobody knows beforehand.
        let month = refused.split("years of ").nth(1).map(|rest| rest[..7].to_string());
        let refused = month.map_or(refused.clone(), |month| refused.replace(&month, "2026-11"));
        assert_eq!(refused, expected, "{asked}");
    }
}
