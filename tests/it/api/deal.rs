//! `DealService`.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::deal;

#[tokio::test]
async fn a_deal_reads_back_in_canonical_text_and_as_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let full = json!({
        "dealId": "D-1", "name": "Rollout", "ownerId": "ann", "customerId": "C-9", "customerName": "Northwind",
        "productId": "P-3", "amount": "1000", "cost": "250.5", "quantity": "2.50", "stage": "Closed won",
        "outcome": "OUTCOME_WON", "probabilityPercent": "100", "openDate": "2026-01-02", "closeDate": "2026-02-28",
        "attributes": {"region": "north"},
        "splits": [{"payeeId": "bob", "role": "SE", "splitPercent": "40.0"}, {"payeeId": "ann", "splitPercent": "60"},
            {"payeeId": "lead", "role": "OVERLAY", "splitPercent": "12.5"}],
        "events": [
            {"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-03-01", "reverses": [{"eventId": "b", "amount": "1.1"}]},
            {"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-02-28", "amount": "1000", "cost": "1", "quantity": "1"}],
    });
    let written = tenant.deals(&[full]).await;
    assert_eq!(written, json!({"receipt": {"changeNumber": "8", "written": "1"}, "eventsWritten": "2"}));
    let canonical = json!({
        "dealId": "D-1", "name": "Rollout", "ownerId": "ann", "customerId": "C-9", "customerName": "Northwind",
        "productId": "P-3", "currencyCode": "USD", "amount": "1000.00", "cost": "250.50", "quantity": "2.5",
        "stage": "Closed won", "outcome": "OUTCOME_WON", "probabilityPercent": "100", "openDate": "2026-01-02",
        "closeDate": "2026-02-28", "attributes": {"region": "north"},
        "splits": [{"payeeId": "ann", "role": "OWNER", "splitPercent": "60"},
            {"payeeId": "bob", "role": "SE", "splitPercent": "40"},
            {"payeeId": "lead", "role": "OVERLAY", "splitPercent": "12.5"}],
        "events": [
            {"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-02-28", "amount": "1000.00", "cost": "1.00", "quantity": "1"},
            {"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-03-01", "reverses": [{"eventId": "b", "amount": "1.10"}]}],
        "etag": "8",
    });
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "D-1"})).await;
    assert_eq!(read, json!({"deal": canonical, "asOfChange": "8"}));

    // Replaced whole, but events it does not name stay; as of before it is what it was.
    let second = json!({"dealId": "D-1", "ownerId": "bob", "outcome": "OUTCOME_LOST"});
    let written = tenant.deals(&[second]).await;
    assert_eq!(written, json!({"receipt": {"changeNumber": "9", "written": "1"}}));
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "D-1"})).await;
    let replaced = json!({"dealId": "D-1", "ownerId": "bob", "currencyCode": "USD", "outcome": "OUTCOME_LOST", "etag": "9",
        "events": canonical["events"]});
    assert_eq!(read, json!({"deal": replaced, "asOfChange": "9"}));
    let then = tenant.get("DealService/GetDeal", json!({"dealId": "D-1", "asOfChange": "8"})).await;
    assert_eq!(then, json!({"deal": canonical, "asOfChange": "8"}));
}

#[tokio::test]
async fn lists_filter_by_owner_outcome_and_close_date() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let dated = |id: &str, owner: &str, outcome: &str, close: &str| json!({"dealId": id, "ownerId": owner, "outcome": outcome, "closeDate": close});
    let deals = [
        dated("a", "ann", "OUTCOME_WON", "2026-01-31"),
        dated("b", "ann", "OUTCOME_OPEN", "2026-02-01"),
        dated("c", "bob", "OUTCOME_WON", "2026-02-28"),
        dated("d", "bob", "OUTCOME_LOST", ""),
    ];
    tenant.deals(&deals).await;
    for (query, expected) in [
        (json!({}), "a b c d"),
        (json!({"ownerId": "ann"}), "a b"),
        (json!({"outcome": "OUTCOME_WON"}), "a c"),
        (json!({"closeDateFrom": "2026-02-01"}), "b c"),
        (json!({"closeDateTo": "2026-02-01"}), "a"),
        (json!({"closeDateFrom": "2026-02-01", "closeDateTo": "2026-02-28", "ownerId": "bob"}), ""),
    ] {
        let listed = tenant.get("DealService/ListDeals", query.clone()).await;
        let deals = listed["deals"].as_array().cloned().unwrap_or_default();
        let ids: Vec<_> = deals.iter().map(|deal| deal["dealId"].as_str().unwrap()).collect();
        assert_eq!(ids.join(" "), expected, "{query}");
    }
}

#[tokio::test]
async fn an_upsert_with_an_unknown_payee_writes_nothing() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut split = deal("d2", "ann", "2026-01-10", "100.00");
    split["splits"] =
        json!([{"payeeId": "eve", "splitPercent": "50"}, {"payeeId": "mal", "splitPercent": "50"}]);
    let deals = json!({"deals": [deal("d1", "ann", "2026-01-10", "100.00"), split, deal("d3", "eve", "2026-01-10", "1.00")]});
    assert_eq!(
        tenant.refused_write("DealService/UpsertDeals", deals).await,
        "FailedPrecondition REFERENCE_UNKNOWN: 3 names are unknown, the first: deals[1] deal d2 names payee eve, which does \
         not exist\n\
         count=3\n\
         deals[1]: deal d2 names payee eve, which does not exist\n\
         deals[1]: deal d2 names payee mal, which does not exist\n\
         deals[2]: deal d3 names payee eve, which does not exist"
    );
    assert_eq!(tenant.get("DealService/ListDeals", json!({})).await, json!({"asOfChange": "7"}));
}

fn header(id: &str, limit: Option<u32>) -> Value {
    json!({"header": {"requestId": id, "source": "crm", "reason": "nightly", "rejectLimit": limit}})
}

#[tokio::test]
async fn an_import_sets_bad_rows_aside_with_every_reason() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut bad = deal("d4", "ann", "2026-02-30", "1e3");
    bad["splits"] = json!([{"payeeId": "ann", "splitPercent": "99.99"}]);
    let mut paid = deal("d6", "bob", "2026-02-03", "50.00");
    paid["events"][0]["type"] = json!("TYPE_PAID");
    let stream = vec![
        header("import-1", None),
        json!({"batch": {
            "rows": [{"rowNumber": "2", "deal": deal("d2", "ann", "2026-01-10", "100.00")},
                {"rowNumber": "3", "deal": deal("d3", "eve", "2026-01-10", "100.00")},
                {"rowNumber": "4", "deal": bad}],
            "rejectedRows": [{"rowNumber": "5", "reasons": ["no owner", "no date"], "raw": "x;;"}]}}),
        json!({"batch": {"rows": [{"rowNumber": "6", "deal": paid},
            {"rowNumber": "7", "deal": deal("d7", "ann", "2026-02-04", "25.50")}]}}),
    ];
    let answer = tenant.stream("DealService/ImportDeals", stream.clone()).await.unwrap();
    let rejected = json!([
        {"rowNumber": "3", "reasons": ["payee eve does not exist"]},
        {"rowNumber": "4", "reasons": [
            "deal.events[0].event_date must be a calendar day such as \"2026-03-31\", got \"2026-02-30\"",
            "deal.events[0].amount must be plain decimal text such as \"1250.00\", got \"1e3\""]},
        {"rowNumber": "5", "reasons": ["no owner", "no date"]},
    ]);
    let expected = json!({
        "receipt": {"changeNumber": "8", "written": "3"}, "eventsWritten": "3", "rows": "6", "rejected": "3",
        "controlTotals": [
            {"type": "TYPE_BOOKED", "events": "2", "sum": {"currencyCode": "USD", "amount": "125.50"}},
            {"type": "TYPE_PAID", "events": "1", "sum": {"currencyCode": "USD", "amount": "50.00"}}],
        "firstRejected": rejected,
    });
    assert_eq!(answer, std::slice::from_ref(&expected));
    let mut kept = tenant.get("DealService/ListRejectedRows", json!({"changeNumber": "8"})).await;
    assert_eq!(kept["rejectedRows"][2]["raw"].take(), "x;;");
    kept["rejectedRows"][2].as_object_mut().unwrap().remove("raw");
    assert_eq!(kept["rejectedRows"], rejected);
    let listed = tenant.get("DealService/ListDeals", json!({})).await;
    assert_eq!(listed["deals"].as_array().unwrap().len(), 3);
    // Sent again it answers the first answer; nothing is written.
    assert_eq!(tenant.stream("DealService/ImportDeals", stream).await.unwrap(), [expected]);
    assert_eq!(tenant.head().await, 8);
}

#[tokio::test]
async fn an_import_beyond_its_reject_limit_writes_nothing() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let rows = json!({"batch": {"rows": [{"rowNumber": "2", "deal": deal("d2", "ann", "2026-01-10", "100.00")},
        {"rowNumber": "3", "deal": deal("d3", "eve", "2026-01-10", "100.00")},
        {"rowNumber": "4", "deal": deal("d4", "mal", "2026-01-10", "100.00")}]}});
    let status =
        tenant.stream("DealService/ImportDeals", vec![header("i", Some(1)), rows.clone()]).await.unwrap_err();
    assert_eq!(
        crate::harness::refusal(&status),
        "FailedPrecondition REJECT_LIMIT_EXCEEDED: 2 rows were rejected and at most 1 may be: nothing was written\n\
         limit=1\nrejected=2\nrow 3: payee eve does not exist\nrow 4: payee mal does not exist"
    );
    assert_eq!(tenant.head().await, 7);
    // The name was not used up: with another limit it is the first.
    let answer = tenant.stream("DealService/ImportDeals", vec![header("i", Some(2)), rows]).await.unwrap();
    assert_eq!((&answer[0]["rejected"], &answer[0]["receipt"]["changeNumber"]), (&json!("2"), &json!("8")));
}

#[tokio::test]
async fn a_stream_that_is_no_import_is_refused_whole() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let row = |number: i64| json!({"rowNumber": number.to_string(), "deal": deal("d", "ann", "2026-01-10", "1.00")});
    let batch = |rows: Vec<Value>| json!({"batch": {"rows": rows}});
    let large: Vec<Value> = (0..2000)
        .map(|number| {
            let mut row = row(number + 1);
            row["deal"]["name"] = json!("x".repeat(500));
            row["deal"]["stage"] = json!("y".repeat(100));
            row
        })
        .collect();
    let large_bytes = "batch: must be at most 1048576 bytes, got ";
    for (stream, expected) in [
        (vec![], "header: must be the first message of the stream"),
        (vec![batch(vec![row(2)])], "header: must be the first message of the stream"),
        (vec![json!({})], "header: must be the first message of the stream"),
        (vec![header("", None)], "header.request_id: must not be empty"),
        (vec![header("i", None), header("i", None)], "batch: must follow; the header comes once, first"),
        (
            vec![header("i", None), batch(vec![row(3), row(2)])],
            "batch.rows[1].row_number: must be above the row before it, 3, got 2",
        ),
        (
            vec![header("i", None), batch(vec![row(3)]), batch(vec![row(3)])],
            "batch.rows[0].row_number: must be above the row before it, 3, got 3",
        ),
        (vec![header("i", None), batch(large)], large_bytes),
    ] {
        let status = tenant.stream("DealService/ImportDeals", stream).await.unwrap_err();
        let refusal = crate::harness::refusal(&status);
        let (first, violation) = refusal.split_once('\n').unwrap();
        assert!(first.starts_with("InvalidArgument INVALID_REQUEST: "), "{refusal}");
        assert!(
            violation == expected || expected == large_bytes && violation.starts_with(expected),
            "{refusal}"
        );
    }
    assert_eq!(tenant.head().await, 7);
}
