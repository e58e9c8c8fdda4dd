//! Quota planning: proposals computed from real credits, talked over by whoever may, published, moved; and everything
//! that is refused.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::client::{Client, reason};
use crate::harness::company::{deal, payee, quota};

/// `boss` over `lead` over `ann` and `bob`, and over `west` over `cid` and `dee`. In the first quarter ann booked 6,000,
/// bob 3,000, cid 1,000.
pub(super) async fn company() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let payees = [
        payee("boss", "lead", ""),
        payee("lead", "lead", "boss"),
        payee("west", "lead", "boss"),
        payee("cid", "rep", "west"),
        payee("dee", "rep", "west"),
    ];
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": payees })).await;
    tenant
        .deals(&[
            deal("d1", "ann", "2026-01-10", "5000.00"),
            deal("d2", "ann", "2026-03-31", "1000.00"),
            deal("d3", "bob", "2026-02-10", "3000.00"),
            deal("d4", "cid", "2026-02-11", "1000.00"),
            // Outside the history.
            deal("d5", "dee", "2026-04-01", "9000.00"),
        ])
        .await;
    tenant
}

/// 10,000 by history in steps of 100, 5,000 at most for whoever has no reports.
pub(super) fn by_history() -> Value {
    json!({
        "proposalId": "q2", "rootPayeeId": "boss", "measureId": "own", "teamMeasureId": "team",
        "window": "FY2026-Q2", "currencyCode": "USD", "step": "100",
        "allocation": {"goal": "10000", "weigh": "WEIGH_HISTORY"},
        "limits": {"ceiling": "5000"},
    })
}

pub(super) async fn proposed(tenant: &Tenant) -> Value {
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": by_history()})).await
}

/// Figures by payee.
async fn figures(client: &Client, id: &str) -> Vec<(String, String)> {
    let listed = client.get("QuotaService/ListProposalFigures", json!({"proposalId": id})).await;
    let text = |figure: &Value, field: &str| figure[field].as_str().unwrap().to_string();
    let figures = listed["figures"].as_array().unwrap().iter();
    figures.map(|figure| (text(figure, "payeeId"), text(figure, "figure"))).collect()
}

fn expected(figures: &[(&str, &str)]) -> Vec<(String, String)> {
    figures.iter().map(|(payee, figure)| (payee.to_string(), figure.to_string())).collect()
}

pub(super) fn change(payee: &str, figure: &str) -> Value {
    json!({"payeeId": payee, "figure": figure})
}

/// Has a key change figures: the reason of a refusal and its message, or nothing.
async fn adjust(tenant: &Tenant, client: &Client, changes: Value) -> Option<(String, String)> {
    let request = tenant.signed(json!({"proposalId": "q2", "changes": changes}));
    let answer = client.ask("QuotaService/AdjustQuotaProposal", request).await;
    answer.err().map(|status| (reason(&status), status.message().to_string()))
}

fn refused(reason: &str, message: &str) -> Option<(String, String)> {
    Some((reason.to_string(), message.to_string()))
}

#[tokio::test]
async fn a_goal_goes_down_the_line_and_is_published() {
    let tenant = company().await;
    let answer = proposed(&tenant).await;
    assert_eq!(
        (&answer["payees"], &answer["total"], &answer["bound"]),
        (&json!(7), &json!("10000.00"), &json!(1))
    );
    // 9,000 of 10,000 was booked below lead: 9,000. Ann would have 6,000, and may have 5,000; bob has the rest.
    let whole = [
        ("ann", "5000.00"),
        ("bob", "4000.00"),
        ("boss", "10000.00"),
        ("cid", "1000.00"),
        ("dee", "0.00"),
        ("lead", "9000.00"),
        ("west", "1000.00"),
    ];
    assert_eq!(figures(&tenant.admin, "q2").await, expected(&whole));
    let team = json!({"proposalId": "q2", "managerId": "lead"});
    let listed = tenant.get("QuotaService/ListProposalFigures", team).await;
    assert_eq!(listed["figures"].as_array().unwrap().len(), 2);
    let ann = &listed["figures"][0];
    for (field, value) in [
        ("managerId", json!("lead")),
        ("level", json!(2)),
        ("proposed", json!("5000.00")),
        ("weight", json!("6000")),
        ("history", json!("6000.00")),
        ("floor", json!("0.00")),
        ("ceiling", json!("5000.00")),
        ("bound", json!("BOUND_CEILING")),
        ("reason", json!("a test")),
        ("etag", answer["receipt"]["changeNumber"].clone()),
    ] {
        assert_eq!(ann[field], value, "{field}");
    }
    let got = tenant.get("QuotaService/GetQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(
        got["proposal"]["history"],
        json!({"measureId": "own", "firstPeriod": "2026-01", "lastPeriod": "2026-03"})
    );
    assert_eq!(got["proposal"]["state"], "STATE_OPEN");
    let head = tenant.head().await;
    let published = tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    assert_eq!(published["receipt"]["written"], "7");
    assert_eq!(tenant.head().await, head + 1);
    let quotas = tenant.get("QuotaService/ListQuotas", json!({"onDate": "2026-05-01"})).await;
    let quotas = quotas["quotas"].as_array().unwrap().iter().filter(|quota| quota["window"] == "FY2026-Q2");
    let quotas: Vec<_> = quotas
        .map(|quota| {
            (
                quota["payeeId"].as_str().unwrap(),
                quota["measureId"].as_str().unwrap(),
                quota["amount"]["amount"].as_str().unwrap(),
            )
        })
        .collect();
    let measure = |payee: &str| if ["boss", "lead", "west"].contains(&payee) { "team" } else { "own" };
    assert_eq!(quotas, whole.map(|(payee, amount)| (payee, measure(payee), amount)));
    let again = tenant.refused_write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    let message = "FailedPrecondition PROPOSAL_PUBLISHED: proposal q2 is published: its figures are quotas\nproposal=q2";
    assert_eq!(again, message);
    let replaced =
        tenant.refused_write("QuotaService/ProposeQuotas", json!({"proposal": by_history()})).await;
    assert_eq!(replaced, message);
    let listed = tenant.get("QuotaService/ListQuotaProposals", json!({})).await;
    assert_eq!(listed["proposals"][0]["state"], "STATE_PUBLISHED");
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn a_proposal_says_how_good_its_quotas_would_be() {
    let tenant = company().await;
    proposed(&tenant).await;
    // Two may close in the quarter; one is expected before it, one after it, and one does not say.
    let open = |id: &str, amount: &str, closes: &str| json!({"dealId": id, "ownerId": "ann", "outcome": "OUTCOME_OPEN", "amount": amount, "closeDate": closes});
    let mut deals = [
        open("o1", "20000.00", "2026-05-10"),
        open("o2", "4000.00", "2026-06-30"),
        open("o3", "8000.00", "2026-03-31"),
        open("o4", "8000.00", "2026-07-01"),
        open("o5", "8000.00", ""),
    ];
    deals[0]["probabilityPercent"] = json!("25");
    deals[1]["splits"] =
        json!([{"payeeId": "cid", "splitPercent": "75"}, {"payeeId": "dee", "splitPercent": "25"}]);
    tenant.deals(&deals).await;
    let assessed = tenant.get("QuotaService/AssessQuotaProposal", json!({"proposalId": "q2"})).await;
    let qualities = assessed["qualities"].as_array().unwrap().iter();
    let qualities: Vec<_> = qualities
        .map(|quality| {
            (
                quality["kind"].as_str().unwrap(),
                quality["value"].as_str(),
                quality["formula"].as_str().unwrap(),
            )
        })
        .collect();
    // Ann 5,000 after 6,000: -16.67 percent; bob 4,000 after 3,000: 33.33; cid 1,000 after 1,000: 0. Dee has no history.
    assert_eq!(
        qualities,
        [
            (
                "KIND_EXPECTED_TO_REACH",
                Some("66.666667"),
                "2 of 3 payees, whose history 2026-01 to 2026-03 x 3 / 3 is at least the figure"
            ),
            (
                "KIND_STRETCH",
                Some("0"),
                "(10000 of figures / 10000 of history 2026-01 to 2026-03 x 3 / 3 - 1) x 100"
            ),
            (
                "KIND_MEDIAN_STRETCH",
                Some("0"),
                "place 2 of 3 payees in order of (figure / comparable - 1) x 100"
            ),
            (
                "KIND_DISPERSION",
                Some("50"),
                "place 3 less place 1 of 3 payees in order of (figure / comparable - 1) x 100: 33.333333 less -16.666667"
            ),
            ("KIND_TESTED", Some("75"), "3 of 4 payees have a history 2026-01 to 2026-03"),
            (
                "KIND_PIPELINE_COVERAGE",
                Some("240"),
                "24000 of open deals expected to close in FY2026-Q2 / 10000 of figures x 100"
            ),
            (
                "KIND_WEIGHTED_PIPELINE_COVERAGE",
                Some("50"),
                "5000 of open deals expected to close in FY2026-Q2, each x its probability / 10000 of figures x 100"
            ),
        ]
    );
    let quarterly = "no component of the plan on 2026-04-01 counts team in windows like FY2026-Q2";
    let warnings = assessed["warnings"].as_array().unwrap().iter();
    let warnings: Vec<_> = warnings
        .map(|warning| {
            (
                warning["payeeId"].as_str().unwrap(),
                warning["kind"].as_str().unwrap(),
                warning["message"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        warnings,
        [
            // Leads are paid by the month: a quarter's quota pays nothing.
            ("boss", "KIND_NO_MEASURE", quarterly),
            ("dee", "KIND_ZERO", "the figure is zero: attainment is undefined"),
            ("dee", "KIND_UNTESTED", "nothing done from 2026-01 to 2026-03"),
            ("lead", "KIND_NO_MEASURE", quarterly),
            ("west", "KIND_NO_MEASURE", quarterly),
        ]
    );
    // A measure that nobody's plan counts, half a quarter, and more than twice what was done.
    let mut leaver = payee("cid", "rep", "west");
    leaver["assignments"][0]["endDate"] = json!("2026-05-16");
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [leaver]})).await;
    let other = json!({"measureId": "other", "name": "other", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": "VALUE_AMOUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [other]})).await;
    let mut odd = by_history();
    odd["proposalId"] = json!("odd");
    odd["measureId"] = json!("other");
    odd["rootPayeeId"] = json!("west");
    odd["limits"] = json!({});
    odd["allocation"]["goal"] = json!("2100");
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": odd})).await;
    let assessed = tenant.get("QuotaService/AssessQuotaProposal", json!({"proposalId": "odd"})).await;
    let of_cid =
        assessed["warnings"].as_array().unwrap().iter().filter(|warning| warning["payeeId"] == "cid");
    let of_cid: Vec<_> = of_cid.map(|warning| warning["message"].as_str().unwrap()).collect();
    assert_eq!(
        of_cid,
        [
            "no component of the plan on 2026-04-01 counts other in windows like FY2026-Q2",
            "assigned on 45 of the window's 91 days",
            "2100 is more than twice the comparable 1000",
        ]
    );
    // What counts bookings under a condition is not known before the booking.
    let large = json!({"measureId": "large", "name": "large", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT",
        "value": "VALUE_AMOUNT", "condition": "event.amount > 1"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [large]})).await;
    odd["proposalId"] = json!("large");
    odd["measureId"] = json!("large");
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": odd})).await;
    let assessed = tenant.get("QuotaService/AssessQuotaProposal", json!({"proposalId": "large"})).await;
    let unknown = "large cannot be told before the booking";
    for (place, kind) in [(5, "KIND_PIPELINE_COVERAGE"), (6, "KIND_WEIGHTED_PIPELINE_COVERAGE")] {
        assert_eq!(assessed["qualities"][place], json!({"kind": kind, "formula": unknown}));
    }
}

#[tokio::test]
async fn figures_are_changed_within_envelopes_by_whoever_gave_them() {
    let tenant = company().await;
    proposed(&tenant).await;
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let boss = tenant.key("ROLE_PAYEE", "boss").await;
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    let before = tenant.head().await;
    let seen: Vec<_> = figures(&lead, "q2").await.into_iter().map(|(payee, _)| payee).collect();
    assert_eq!(seen, ["ann", "bob", "lead"]);
    let none = ann.refused("QuotaService/ListProposalFigures", json!({"proposalId": "q2"})).await;
    assert_eq!(none, "NotFound NOT_FOUND: proposal q2 not found\nid=q2\nresource=proposal");
    for (client, changes, reason, message) in [
        // The envelope.
        (
            &lead,
            json!([change("bob", "4100")]),
            "ENVELOPE_BROKEN",
            "those who report to lead must have 9000.00 together, got 9100.00",
        ),
        (
            &boss,
            json!([change("lead", "8000")]),
            "ENVELOPE_BROKEN",
            "those who report to boss must have 10000.00 together, got 9000.00",
        ),
        // Whose.
        (
            &lead,
            json!([change("cid", "900"), change("dee", "100")]),
            "NOT_REPORTING",
            "2 payees do not report to the manager, the first: changes[0] cid does not report to lead",
        ),
        (&lead, json!([change("lead", "9100")]), "NOT_REPORTING", "changes[0] lead does not report to lead"),
        (&lead, json!([change("nobody", "1")]), "NOT_REPORTING", "changes[0] nobody does not report to lead"),
        (&ann, json!([change("ann", "0")]), "NOT_FOUND", "proposal q2 not found"),
        // Bounds and steps.
        (
            &lead,
            json!([change("ann", "5100"), change("bob", "3900")]),
            "REFERENCE_UNFIT",
            "changes[0] must be at most 5000.00 for ann, got 5100.00",
        ),
        (
            &lead,
            json!([change("ann", "4950"), change("bob", "4050")]),
            "REFERENCE_UNFIT",
            "2 fields do not fit what they name, the first: changes[0] must be a multiple of the step 100.00, got 4950.00",
        ),
        (
            &tenant.admin,
            json!([change("nobody", "100")]),
            "REFERENCE_UNFIT",
            "changes[0] payee nobody is not in the proposal",
        ),
        (
            &tenant.admin,
            json!([change("boss", "20100")]),
            "REFERENCE_UNFIT",
            "changes[0] must be at most 20000.00 for boss, got 20100.00",
        ),
        (
            &lead,
            json!([change("ann", "-1")]),
            "INVALID_REQUEST",
            "changes[0].figure must not be below zero, got \"-1\"",
        ),
        (&lead, json!([]), "INVALID_REQUEST", "changes must be 1 to 1000, got 0"),
    ] {
        assert_eq!(adjust(&tenant, client, changes).await, refused(reason, message));
    }
    assert_eq!(tenant.head().await, before);
    let halves = json!([change("ann", "4500"), change("bob", "4500")]);
    assert_eq!(adjust(&tenant, &lead, halves).await, None);
    // The director gives lead 8,000: both have half of it, as they had before. West has 2,000, and it was all cid's.
    let other = json!([change("lead", "8000"), change("west", "2000")]);
    assert_eq!(adjust(&tenant, &boss, other).await, None);
    assert_eq!(tenant.head().await, before + 2);
    let now = [
        ("ann", "4000.00"),
        ("bob", "4000.00"),
        ("boss", "10000.00"),
        ("cid", "2000.00"),
        ("dee", "0.00"),
        ("lead", "8000.00"),
        ("west", "2000.00"),
    ];
    assert_eq!(figures(&tenant.admin, "q2").await, expected(&now));
    let listed = tenant.get("QuotaService/ListProposalFigures", json!({"proposalId": "q2"})).await;
    let changed: Vec<_> =
        listed["figures"].as_array().unwrap().iter().map(|figure| figure["etag"].as_str().unwrap()).collect();
    let (first, second) = ((before - 3).to_string(), (before + 2).to_string());
    assert_eq!(changed, [&second, &second, &first, &second, &first, &second, &second]);
    // Whoever read it before that has to look again.
    let stale = json!({"proposalId": "q2", "etag": before.to_string()});
    let refused = tenant.refused_write("QuotaService/PublishQuotaProposal", stale).await;
    assert!(refused.starts_with("Aborted ETAG_MISMATCH: "), "{refused}");
    // The goal itself: everybody in proportion, nobody above 5,000.
    assert_eq!(adjust(&tenant, &tenant.admin, json!([change("boss", "12500")])).await, None);
    let now = [
        ("ann", "5000.00"),
        ("bob", "5000.00"),
        ("boss", "12500.00"),
        ("cid", "2500.00"),
        ("dee", "0.00"),
        ("lead", "10000.00"),
        ("west", "2500.00"),
    ];
    assert_eq!(figures(&tenant.admin, "q2").await, expected(&now));
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn proposals_from_below_are_added_up_and_compared() {
    let tenant = company().await;
    proposed(&tenant).await;
    let mut grown = by_history();
    grown["proposalId"] = json!("grown");
    grown.as_object_mut().unwrap().remove("allocation");
    grown["limits"] = json!({});
    // A figure may be as large as a quota, their sum not larger.
    let most = json!([change("ann", "999999999999900"), change("bob", "999999999999900")]);
    grown["projection"] = json!({"given": {"figures": most}});
    let beyond = "FailedPrecondition ALLOCATION_INFEASIBLE: a figure would be above the most there may be, 999999999999999.99\n\
                  bound=999999999999999.99";
    let refused = tenant.refused_write("QuotaService/ProposeQuotas", json!({"proposal": grown})).await;
    assert_eq!(refused, beyond);
    grown["projection"] = json!({"growthPercent": "10"});
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": grown})).await;
    let now = [
        ("ann", "6600.00"),
        ("bob", "3300.00"),
        ("boss", "11000.00"),
        ("cid", "1100.00"),
        ("dee", "0.00"),
        ("lead", "9900.00"),
        ("west", "1100.00"),
    ];
    assert_eq!(figures(&tenant.admin, "grown").await, expected(&now));
    let compared = json!({"proposalId": "q2", "otherProposalId": "grown", "pageSize": 3});
    let compared = tenant.get("QuotaService/CompareQuotaProposals", compared).await;
    assert_eq!(
        compared["figures"],
        json!([
            {"payeeId": "ann", "figure": "5000.00", "otherFigure": "6600.00", "difference": "1600.00", "differencePercent": "32"},
            {"payeeId": "bob", "figure": "4000.00", "otherFigure": "3300.00", "difference": "-700.00", "differencePercent": "-17.5"},
            {"payeeId": "boss", "figure": "10000.00", "otherFigure": "11000.00", "difference": "1000.00", "differencePercent": "10"}])
    );
    // A figure below moves the sums above; a sum is nobody's to set.
    let request = json!({"proposalId": "grown", "changes": [change("dee", "400")]});
    tenant.write("QuotaService/AdjustQuotaProposal", request).await;
    let sums = figures(&tenant.admin, "grown").await;
    assert_eq!((&*sums[2].1, &*sums[6].1), ("11400.00", "1500.00"));
    let request = json!({"proposalId": "grown", "changes": most});
    assert_eq!(tenant.refused_write("QuotaService/AdjustQuotaProposal", request).await, beyond);
    let request = json!({"proposalId": "grown", "changes": [change("west", "400")]});
    let refused = tenant.refused_write("QuotaService/AdjustQuotaProposal", request).await;
    assert!(refused.starts_with("FailedPrecondition REFERENCE_UNFIT: changes[0] payee west has reports: the figure is the sum of theirs"), "{refused}");
}

#[tokio::test]
async fn a_quota_moves_between_those_who_report_to_one_manager() {
    let tenant = company().await;
    proposed(&tenant).await;
    tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let boss = tenant.key("ROLE_PAYEE", "boss").await;
    let moved = |from: &str, to: &str, amount: &str| {
        let money = json!({"currencyCode": "USD", "amount": amount});
        tenant.signed(json!({"fromPayeeId": from, "toPayeeId": to, "measureId": "own", "window": "FY2026-Q2", "amount": money}))
    };
    let quota = async |payee: &str| {
        let key = json!({"payeeId": payee, "measureId": "own", "window": "FY2026-Q2"});
        tenant.get("QuotaService/GetQuota", key).await["quota"]["amount"]["amount"]
            .as_str()
            .unwrap()
            .to_string()
    };
    let head = tenant.head().await;
    for (client, request, message) in [
        (
            &lead,
            moved("ann", "cid", "1"),
            "FailedPrecondition NOT_REPORTING: to_payee_id cid does not report to lead on 2026-06-30",
        ),
        (
            &lead,
            moved("lead", "bob", "1"),
            "FailedPrecondition NOT_REPORTING: from_payee_id lead does not report to lead on 2026-06-30",
        ),
        (
            &lead,
            moved("nobody", "bob", "1"),
            "FailedPrecondition NOT_REPORTING: from_payee_id nobody does not report to lead on 2026-06-30",
        ),
        (
            &boss,
            moved("ann", "cid", "1"),
            "FailedPrecondition NOT_REPORTING: to_payee_id cid reports to west on 2026-06-30, ann to lead\nmanager=lead",
        ),
        (
            &lead,
            moved("ann", "bob", "5000.01"),
            "FailedPrecondition REFERENCE_UNFIT: from_payee_id quota of ann is only 5000.00",
        ),
        (&lead, moved("ann", "bob", "0"), "InvalidArgument INVALID_REQUEST: amount must be above zero"),
        (
            &lead,
            moved("ann", "ann", "1"),
            "InvalidArgument INVALID_REQUEST: to_payee_id must be another payee, got ann",
        ),
    ] {
        let refused = client.refused("QuotaService/MoveQuota", request).await;
        assert!(refused.starts_with(&format!("{message}\n")), "{message}\n{refused}");
    }
    assert_eq!(tenant.head().await, head);
    lead.get("QuotaService/MoveQuota", moved("ann", "bob", "750.50")).await;
    assert_eq!((quota("ann").await, quota("bob").await), ("4249.50".to_string(), "4750.50".to_string()));
    // Whoever is above may do the same.
    boss.get("QuotaService/MoveQuota", moved("bob", "ann", "750.50")).await;
    assert_eq!((quota("ann").await, quota("bob").await), ("5000.00".to_string(), "4000.00".to_string()));
}

#[tokio::test]
async fn what_has_paid_is_not_planned_again() {
    let tenant = company().await;
    proposed(&tenant).await;
    tenant.write("QuotaService/ProposeQuotas", json!({"proposal": {
        "proposalId": "q1", "rootPayeeId": "lead", "measureId": "own", "window": "FY2026-Q1", "currencyCode": "USD",
        "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}}})).await;
    tenant
        .write(
            "QuotaService/SetQuotas",
            json!({"quotas": [
        quota("cid", "own", "FY2026", "1.00"),
        quota("dee", "own", "FY2026", "1.00"),
        quota("boss", "team", "FY2026", "1.00"),
        quota("west", "team", "FY2026", "1.00"),
        quota("bob", "own", "FY2026-Q1", "1.00")]}),
        )
        .await;
    tenant.close("2026-01").await;
    let head = tenant.head().await;
    let closed = "FailedPrecondition WINDOW_CLOSED: periods up to 2026-01 are closed, among them some of FY2026-Q1\nclosed=2026-01\nwindow=FY2026-Q1";
    let refused =
        tenant.refused_write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q1"})).await;
    assert_eq!(refused, closed);
    let money = json!({"currencyCode": "USD", "amount": "1"});
    let part = json!({"fromPayeeId": "ann", "toPayeeId": "bob", "measureId": "own", "window": "FY2026-Q1", "amount": money});
    assert_eq!(tenant.refused_write("QuotaService/MoveQuota", part).await, closed);
    assert_eq!(tenant.head().await, head);
    // The quarter after it is open.
    tenant.write("QuotaService/PublishQuotaProposal", json!({"proposalId": "q2"})).await;
}

#[tokio::test]
async fn what_cannot_be_proposed_is_refused_and_nothing_is_changed() {
    let tenant = company().await;
    let head = tenant.head().await;
    let with = |path: &str, value: Value| {
        let mut proposal = by_history();
        *proposal.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        proposal
    };
    let and = |field: &str, value: Value| {
        let mut proposal = by_history();
        proposal[field] = value;
        proposal
    };
    let twelve = |first: &str| {
        let mut weights = vec![first];
        weights.extend(["8"; 11]);
        json!(weights)
    };
    let floors = json!({"floor": "3000"});
    for (proposal, expected) in [
        (with("/step", json!("0")), "INVALID_REQUEST: proposal.step must be above zero, got 0.00"),
        (with("/step", json!("-100")), "INVALID_REQUEST: proposal.step must not be below zero, got \"-100\""),
        (
            with("/allocation/goal", json!("10050")),
            "INVALID_REQUEST: proposal.allocation.goal must be a multiple of the step 100.00, got 10050.00",
        ),
        (
            and("seasonalityPercents", twelve("11")),
            "INVALID_REQUEST: proposal.seasonality_percents must be twelve weights, none below zero, that sum to exactly 100, got a sum of 99",
        ),
        (
            and("seasonalityPercents", json!(["100"])),
            "INVALID_REQUEST: proposal.seasonality_percents must be twelve or none, got 1",
        ),
        (
            and("history", json!({"firstPeriod": "2026-03", "lastPeriod": "2026-04"})),
            "INVALID_REQUEST: proposal.history.last_period must be before the window begins, 2026-04, got 2026-04",
        ),
        (
            and("seasonalityFromHistory", json!(true)),
            "INVALID_REQUEST: proposal.history must span whole years, where seasonality comes from it, got 3 months",
        ),
        (
            with(
                "/allocation",
                json!({"goal": "10000", "weigh": "WEIGH_GIVEN", "weights": [{"payeeId": "ann", "weight": "0"}]}),
            ),
            "INVALID_REQUEST: proposal.allocation.weights must name somebody who weighs more than zero",
        ),
        (
            with("/limits", json!({"floor": "2", "ceiling": "1"})),
            "INVALID_REQUEST: proposal.limits.ceiling must not be below floor 2.00, got 1.00",
        ),
        (
            and("rootPayeeId", json!("nobody")),
            "REFERENCE_UNKNOWN: proposal.root_payee_id payee nobody does not exist",
        ),
        (
            with(
                "/allocation",
                json!({"goal": "10000", "weigh": "WEIGH_GIVEN", "weights": [{"payeeId": "eve", "weight": "1"}]}),
            ),
            "REFERENCE_UNKNOWN: proposal.allocation.weights[eve] payee eve does not exist",
        ),
        (and("measureId", json!("none")), "REFERENCE_UNFIT: proposal.measure_id measure none does not exist"),
        (
            and("currencyCode", json!("")),
            "REFERENCE_UNFIT: 2 fields do not fit what they name, the first: proposal.measure_id measure own counts money, and currency_code is empty",
        ),
        // 4 x 3,000 is above 10,000.
        (
            with("/limits", floors),
            "ALLOCATION_INFEASIBLE: 10000.00 of boss is below the floors, which come to 12000.00: ann 3000.00, bob 3000.00, cid 3000.00, dee 3000.00",
        ),
        (
            with("/limits", json!({"ceiling": "2000"})),
            "ALLOCATION_INFEASIBLE: 10000.00 of boss is above the ceilings, which come to 8000.00: ann 2000.00, bob 2000.00, cid 2000.00, dee 2000.00",
        ),
        (
            and("history", json!({"firstPeriod": "2025-01", "lastPeriod": "2025-12"})),
            "REFERENCE_UNFIT: proposal.history.first_period must not be before the first period 2026-01, got 2025-01",
        ),
        // Half of eleven times the goal has sixteen digits.
        (
            json!({"proposalId": "q2", "rootPayeeId": "boss", "measureId": "own", "window": "FY2026-Q2",
                "currencyCode": "USD", "step": "100", "allocation": {"goal": "999999999999900", "weigh": "WEIGH_EQUAL",
                "overAssignmentPercents": ["1000"]}}),
            "ALLOCATION_INFEASIBLE: a figure would be above the most there may be, 999999999999999.99",
        ),
        // The months before the window, when nobody had done anything.
        (
            and("window", json!("FY2026-Q1")),
            "ALLOCATION_INFEASIBLE: 10000.00 of the 10000.00 of boss is left for those who weigh nothing: ann, bob, cid, dee",
        ),
        (
            and("window", json!("FY2025-Q2")),
            "REFERENCE_UNFIT: proposal.root_payee_id must be assigned on the window's first day 2025-04-01, payee boss is not",
        ),
    ] {
        let refused = tenant.refused_write("QuotaService/ProposeQuotas", json!({"proposal": proposal})).await;
        let first = refused.lines().next().unwrap();
        assert_eq!(first.split_once(' ').unwrap().1, expected, "{refused}");
    }
    assert_eq!(tenant.head().await, head);
    // The same request again gives its first answer.
    let request = tenant.signed(json!({"proposal": by_history()}));
    let first = tenant.get("QuotaService/ProposeQuotas", request.clone()).await;
    assert_eq!(tenant.get("QuotaService/ProposeQuotas", request).await, first);
    assert_eq!(tenant.head().await, head + 1);
}
