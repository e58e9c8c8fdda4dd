//! Etags: a write that names the change it was read at is refused if another came in between.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::client::reason;
use crate::harness::company::{calendar, deal, measures, payee, quota};

/// A write of one resource: its rpc, the list or field it stands in, the resource, its name in refusals.
fn writes() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    let mut ann = payee("ann", "rep", "lead");
    ann["email"] = json!("ann@example.com");
    let mut berlin = calendar()["calendar"].clone();
    berlin["rounding"] = json!("ROUNDING_HALF_EVEN");
    // A measure that is in use may be told again as it is.
    let own = measures()["measures"][0].clone();
    vec![
        ("PayeeService/UpsertPayees", "payees", ann, "payee ann"),
        ("DealService/UpsertDeals", "deals", deal("d", "bob", "2026-01-10", "2.00"), "deal d"),
        ("MeasureService/DefineMeasures", "measures", own, "measure own"),
        (
            "QuotaService/SetQuotas",
            "quotas",
            quota("ann", "own", "FY2026-Q1", "1.00"),
            "quota ann/own/FY2026-Q1",
        ),
        ("AdminService/SetCalendar", "calendar", berlin, "calendar"),
        (
            "AdminService/SetExchangeRates",
            "exchangeRates",
            json!({"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.2"}),
            "exchange_rate EUR/2026-01-01",
        ),
    ]
}

/// The request with the resource at an etag, and the path of that.
fn at(list: &str, resource: &Value, etag: i64) -> (Value, String) {
    let mut resource = resource.clone();
    resource["etag"] = json!(etag.to_string());
    match list {
        "calendar" => (json!({"calendar": resource}), "calendar.etag".into()),
        "exchangeRates" => (json!({list: [resource]}), "exchange_rates[0].etag".into()),
        list => (json!({list: [resource]}), format!("{list}[0].etag")),
    }
}

#[tokio::test]
async fn a_write_at_another_etag_is_refused_and_changes_nothing() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1.00")]).await;
    let rates = json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.1"}]});
    tenant.write("AdminService/SetExchangeRates", rates).await;
    for ((rpc, list, resource, name), etag) in writes().into_iter().zip([6, 8, 3, 7, 2, 9]) {
        let name = if list == "calendar" { format!("calendar {}", tenant.slug) } else { name.to_string() };
        let (other, path) = at(list, &resource, etag + 1);
        let refused = tenant.refused_write(rpc, other).await;
        let says = format!("expects change {}, but {name} was last written by change {etag}", etag + 1);
        let (noun, id) = name.split_once(' ').unwrap();
        let expected = format!(
            "Aborted ETAG_MISMATCH: {path} {says}\nactual={etag}\ncount=1\nexpected={}\nid={id}\nresource={noun}\n\
             {path}: {says}",
            etag + 1
        );
        assert_eq!(refused, expected);
        let (negative, path) = at(list, &resource, -1);
        let refused = tenant.refused_write(rpc, negative).await;
        assert!(refused.ends_with(&format!("\n{path}: must not be below zero, got -1")), "{refused}");
        // At its own it is written, and sent again answered again although it is at another now.
        let signed = tenant.signed(at(list, &resource, etag).0);
        let answer = tenant.get(rpc, signed.clone()).await;
        assert_eq!(tenant.get(rpc, signed).await, answer, "{rpc}");
    }
    assert_eq!(tenant.head().await, 15);
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
