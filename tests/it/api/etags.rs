//! Etags: a write that names the change it was read at is refused if another came in between.

use std::collections::BTreeSet;

use attain::api::descriptors;
use prost_reflect::MessageDescriptor;
use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::client::reason;
use crate::harness::company::{calendar, deal, measures, payee, plan, quota};

/// A write of one resource.
struct Write {
    rpc: &'static str,
    /// Where its etag stands in the request.
    etag: &'static str,
    message: Value,
    /// What it is called in refusals.
    resource: &'static str,
    id: &'static str,
    /// The change of the world that wrote it last.
    written: i64,
}

/// A proposal of quotas for a quarter.
fn proposal(id: &str, window: &str) -> Value {
    json!({"proposalId": id, "rootPayeeId": "lead", "measureId": "own", "window": window, "currencyCode": "USD",
        "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}})
}

/// A company with one of everything that has an etag: 19 changes.
async fn world() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1.00")]).await;
    let rates = json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.1"}]});
    tenant.write("AdminService/SetExchangeRates", rates).await;
    let csat = json!({"measureId": "csat", "name": "csat", "outside": {"combine": "COMBINE_LAST"}});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [csat]})).await;
    let value = json!({"payeeId": "ann", "measureId": "csat", "date": "2026-01-31", "value": "4"});
    tenant.write("MeasureService/RecordValues", json!({"values": [value]})).await;
    let north = json!({"territoryId": "north", "name": "North"});
    tenant.write("TerritoryService/UpsertTerritories", json!({"territories": [north]})).await;
    tenant.write("TerritoryService/SetCreditingRules", json!({"rules": [rule("North")]})).await;
    for id in ["kept", "gone", "good"] {
        let plan = plan(id, "own", "WINDOW_MONTH", &[("0", "1")])["plan"].take();
        let draft = json!({"draftId": id, "plan": plan, "effectiveFrom": "2026-01"});
        tenant.write("PlanService/SaveDraft", json!({ "draft": draft })).await;
    }
    for (id, window) in [("q2", "FY2026-Q2"), ("q3", "FY2026-Q3"), ("q4", "FY2026-Q4")] {
        tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": proposal(id, window) })).await;
    }
    assert_eq!(tenant.head().await, 19);
    tenant
}

fn rule(name: &str) -> Value {
    json!({"ruleId": "north", "name": name, "startDate": "2027-01-01",
        "credits": [{"payeeId": "ann", "creditPercent": "100"}]})
}

/// Every write that takes an etag, each once.
fn writes() -> Vec<Write> {
    let mut ann = payee("ann", "rep", "lead");
    ann["email"] = json!("ann@example.com");
    let mut berlin = calendar();
    berlin["calendar"]["rounding"] = json!("ROUNDING_HALF_EVEN");
    // A measure that is in use may be told again as it is.
    let own = measures()["measures"][0].clone();
    let write =
        |rpc, etag, message, resource, id, written| Write { rpc, etag, message, resource, id, written };
    vec![
        write("PayeeService/UpsertPayees", "/payees/0/etag", json!({"payees": [ann]}), "payee", "ann", 6),
        write(
            "DealService/UpsertDeals",
            "/deals/0/etag",
            json!({"deals": [deal("d", "bob", "2026-01-10", "2.00")]}),
            "deal",
            "d",
            8,
        ),
        write(
            "MeasureService/DefineMeasures",
            "/measures/0/etag",
            json!({"measures": [own]}),
            "measure",
            "own",
            3,
        ),
        write(
            "MeasureService/RecordValues",
            "/values/0/etag",
            json!({"values": [{"payeeId": "ann", "measureId": "csat", "date": "2026-01-31", "value": "5"}]}),
            "value",
            "ann/csat/2026-01-31",
            11,
        ),
        write(
            "QuotaService/SetQuotas",
            "/quotas/0/etag",
            json!({"quotas": [quota("ann", "own", "FY2026-Q1", "1.00")]}),
            "quota",
            "ann/own/FY2026-Q1",
            7,
        ),
        write(
            "QuotaService/AdjustQuota",
            "/adjustment/etag",
            json!({"adjustment": {"payeeId": "bob", "measureId": "own", "window": "FY2026",
                "kind": "KIND_CORRECTION", "amount": {"currencyCode": "USD", "amount": "2.00"}}}),
            "quota",
            "bob/own/FY2026",
            7,
        ),
        write(
            "QuotaService/ProposeQuotas",
            "/proposal/etag",
            json!({"proposal": proposal("q2", "FY2026-Q2")}),
            "proposal",
            "q2",
            17,
        ),
        write(
            "QuotaService/AdjustQuotaProposal",
            "/etag",
            json!({"proposalId": "q3", "changes": [
                {"payeeId": "ann", "figure": "60"}, {"payeeId": "bob", "figure": "40"}]}),
            "proposal",
            "q3",
            18,
        ),
        write(
            "QuotaService/PublishQuotaProposal",
            "/etag",
            json!({"proposalId": "q4"}),
            "proposal",
            "q4",
            19,
        ),
        write(
            "TerritoryService/UpsertTerritories",
            "/territories/0/etag",
            json!({"territories": [{"territoryId": "north", "name": "The north"}]}),
            "territory",
            "north",
            12,
        ),
        write(
            "TerritoryService/SetCreditingRules",
            "/etag",
            json!({"rules": [rule("The north")]}),
            "crediting rules",
            "of the tenant",
            13,
        ),
        write(
            "PlanService/SaveDraft",
            "/draft/etag",
            json!({"draft": {"draftId": "kept", "plan": {"planId": "kept"}}}),
            "draft",
            "kept",
            14,
        ),
        write("PlanService/DiscardDraft", "/etag", json!({"draftId": "gone"}), "draft", "gone", 15),
        write("PlanService/PublishPlan", "/draftEtag", json!({"draftId": "good"}), "draft", "good", 16),
        write("AdminService/SetCalendar", "/calendar/etag", berlin, "calendar", "", 2),
        write(
            "AdminService/SetExchangeRates",
            "/exchangeRates/0/etag",
            json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.2"}]}),
            "exchange_rate",
            "EUR/2026-01-01",
            9,
        ),
    ]
}

impl Write {
    /// The request at an etag, and the path that refusals give it.
    fn at(&self, etag: i64) -> (Value, String) {
        let (parent, name) = self.etag.rsplit_once('/').unwrap();
        let mut message = self.message.clone();
        message.pointer_mut(parent).unwrap()[name] = json!(etag.to_string());
        (message, self.path())
    }

    /// `/exchangeRates/0/etag` as `exchange_rates[0].etag`.
    fn path(&self) -> String {
        let mut path = String::new();
        for part in self.etag.split('/').skip(1) {
            if part.parse::<usize>().is_ok() {
                path.push_str(&format!("[{part}]"));
                continue;
            }
            path.push_str(if path.is_empty() { "" } else { "." });
            for letter in part.chars() {
                path.push_str(if letter.is_uppercase() { "_" } else { "" });
                path.push(letter.to_ascii_lowercase());
            }
        }
        path
    }
}

#[tokio::test]
async fn a_write_at_another_etag_is_refused_and_changes_nothing() {
    let tenant = world().await;
    for write in writes() {
        let (rpc, resource, etag) = (write.rpc, write.resource, write.written);
        let id = if resource == "calendar" { tenant.slug.as_str() } else { write.id };
        let (other, path) = write.at(etag + 1);
        let refused = tenant.refused_write(rpc, other).await;
        let says =
            format!("expects change {}, but {resource} {id} was last written by change {etag}", etag + 1);
        let expected = format!(
            "Aborted ETAG_MISMATCH: {path} {says}\nactual={etag}\ncount=1\nexpected={}\nid={id}\nresource={resource}\n\
             {path}: {says}",
            etag + 1
        );
        assert_eq!(refused, expected, "{rpc}");
        let (negative, path) = write.at(-1);
        let refused = tenant.refused_write(rpc, negative).await;
        assert!(refused.ends_with(&format!("\n{path}: must not be below zero, got -1")), "{rpc}: {refused}");
        // At its own it is written, and sent again answered again although it is at another now.
        let signed = tenant.signed(write.at(etag).0);
        let answer = tenant.get(rpc, signed.clone()).await;
        assert_eq!(tenant.get(rpc, signed).await, answer, "{rpc}");
    }
    assert_eq!(tenant.head().await, 35);
}

/// Paths below a message at which an etag stands.
fn etags(message: &MessageDescriptor, path: &str, depth: usize) -> Vec<String> {
    let below = message.fields().flat_map(|field| match field.kind().as_message() {
        Some(inner) if depth > 0 => etags(inner, &format!("{path}{}.", field.name()), depth - 1),
        _ if field.name() == "etag" || field.name().ends_with("_etag") => {
            vec![format!("{path}{}", field.name())]
        }
        _ => Vec::new(),
    });
    below.collect()
}

#[test]
fn every_write_that_takes_an_etag_is_tried_here() {
    let mut taken = BTreeSet::new();
    for method in descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>()) {
        let (input, service) = (method.input(), method.parent_service().name().to_string());
        // An import takes none: below. What the tests of a plan assume is not written.
        if input.get_field_by_name("request_id").is_some() {
            let paths = etags(&input, "", 3).into_iter().filter(|path| !path.starts_with("tests."));
            taken.extend(paths.map(|path| format!("{service}/{} {path}", method.name())));
        }
    }
    let tried =
        writes().into_iter().map(|write| format!("{} {}", write.rpc, write.path().replace("[0]", "")));
    assert_eq!(tried.collect::<BTreeSet<_>>(), taken);
}

#[tokio::test]
async fn every_resource_at_another_etag_is_named() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "1.00"), deal("d2", "ann", "2026-01-10", "1.00")]).await;
    // An event moves its deal's etag.
    tenant.deals(&[deal("d2", "ann", "2026-01-11", "1.00")]).await;
    let at = |id: &str, etag: i64| {
        let mut deal = deal(id, "bob", "2026-01-10", "1.00");
        deal["etag"] = json!(etag.to_string());
        deal
    };
    let deals = json!({"deals": [at("d1", 8), at("d2", 8), at("d3", 8), at("d4", 0)]});
    assert_eq!(
        tenant.refused_write("DealService/UpsertDeals", deals).await,
        "Aborted ETAG_MISMATCH: 2 etags are not those of the resources, the first: deals[1].etag expects change 8, but \
         deal d2 was last written by change 9\n\
         actual=9\ncount=2\nexpected=8\nid=d2\nresource=deal\n\
         deals[1].etag: expects change 8, but deal d2 was last written by change 9\n\
         deals[2].etag: expects change 8, but deal d3 does not exist"
    );
    // So it is with an assignment that was taken away.
    let mut ann = payee("ann", "rep", "lead");
    ann["assignments"] = json!([]);
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": [ann] })).await;
    let mut ann = payee("ann", "rep", "lead");
    ann["etag"] = json!("6");
    let refused = tenant.refused_write("PayeeService/UpsertPayees", json!({ "payees": [ann] })).await;
    assert!(refused.contains("payee ann was last written by change 10"), "{refused}");
}

#[tokio::test]
async fn an_import_takes_no_etags() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut deal = deal("d", "ann", "2026-01-10", "1.00");
    deal["etag"] = json!("8");
    let rows = json!({"batch": {"rows": [{"rowNumber": "1", "deal": deal}]}});
    let answer =
        tenant.stream("DealService/ImportDeals", vec![json!({"header": {"requestId": "i"}}), rows]).await;
    assert_eq!(
        answer.unwrap()[0]["firstRejected"][0]["reasons"],
        json!(["deal.etag must be 0 in an import, which checks none, got 8"])
    );
}

#[tokio::test]
async fn of_two_writers_at_one_etag_one_wins() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1.00")]).await;
    for round in 0..5 {
        let holder = tenant.hold_head().await;
        let etag = tenant.get("DealService/GetDeal", json!({"dealId": "d"})).await["deal"]["etag"].clone();
        let writers = ["2.00", "3.00"].map(|amount| {
            let mut deal = deal("d", "ann", "2026-01-10", &format!("{}{amount}", round + 1));
            deal["etag"] = etag.clone();
            let (client, message) = (tenant.admin.clone(), tenant.signed(json!({ "deals": [deal] })));
            tokio::spawn(async move { client.ask("DealService/UpsertDeals", message).await })
        });
        drop(holder);
        let mut outcomes = Vec::new();
        for writer in writers {
            outcomes.push(writer.await.unwrap().map_err(|status| reason(&status)));
        }
        let lost: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
        assert_eq!(lost, ["ETAG_MISMATCH"], "round {round}: {outcomes:?}");
        assert_eq!(tenant.head().await, 9 + round);
    }
}
