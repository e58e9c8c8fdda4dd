//! Source versions through the services: what is stale is counted and passed over, and is no error.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, payee};

fn versioned(mut fact: Value, version: i64) -> Value {
    fact["sourceVersion"] = json!(version.to_string());
    fact
}

#[tokio::test]
async fn a_stale_deal_is_passed_over_and_counted() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let at = |version, amount: &str| versioned(deal("d", "ann", "2026-01-10", amount), version);
    tenant.deals(&[at(5, "50.00")]).await;
    let other = deal("e", "bob", "2026-01-10", "1.00");
    let answer = tenant.deals(&[at(4, "40.00"), other]).await;
    let receipt = json!({"changeNumber": "9", "written": "1", "stale": "1", "firstStaleIds": ["d"]});
    assert_eq!(answer, json!({"receipt": receipt, "eventsWritten": "1", "eventsStale": "1"}));
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d"})).await["deal"].clone();
    assert_eq!((&read["sourceVersion"], &read["etag"]), (&json!("5"), &json!("8")));
    // An event that says no version of its own has its deal's.
    assert_eq!(
        (&read["events"][0]["amount"], &read["events"][0]["sourceVersion"]),
        (&json!("50.00"), &json!("5"))
    );
    // Without a version it is older than any with one, but an event that is new is told all the same.
    let mut refund = deal("d", "bob", "2026-01-10", "1.00");
    refund["events"] = json!([{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-02-01",
        "reverses": [{"eventId": "b", "amount": "5.00"}]}]);
    let answer = tenant.deals(&[refund]).await;
    let receipt = json!({"changeNumber": "10", "stale": "1", "firstStaleIds": ["d"]});
    assert_eq!(answer, json!({"receipt": receipt, "eventsWritten": "1"}));
    // A correction by hand: the version that was read, plus one. Told again, the source's own does not undo it.
    tenant.deals(&[at(6, "60.00")]).await;
    let again = tenant.deals(&[at(5, "50.00")]).await;
    assert_eq!(again["receipt"], json!({"changeNumber": "12", "stale": "1", "firstStaleIds": ["d"]}));
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d"})).await["deal"].clone();
    assert_eq!((&read["ownerId"], &read["events"][0]["amount"]), (&json!("ann"), &json!("60.00")));
    assert_eq!(read["events"].as_array().unwrap().len(), 2);
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn an_import_counts_what_is_stale_and_takes_the_best_of_a_deal_that_comes_twice() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let at = |id: &str, version, amount: &str| versioned(deal(id, "ann", "2026-01-10", amount), version);
    let old: Vec<_> = (100..160).map(|number| at(&format!("x{number}"), 9, "9.00")).collect();
    tenant.deals(&old).await;
    let mut deals = vec![at("d", 2, "2.00"), at("d", 3, "3.00"), at("d", 1, "1.00")];
    deals.push(deal("d", "bob", "2026-01-10", "0.50"));
    deals.extend((100..160).map(|number| at(&format!("x{number}"), 8, "8.00")));
    let rows: Vec<_> =
        (1..).zip(deals).map(|(row, deal): (i64, _)| json!({"rowNumber": row, "deal": deal})).collect();
    let header = json!({"header": {"requestId": "import"}});
    let stream = vec![header, json!({"batch": {"rows": rows}})];
    let answer = tenant.stream("DealService/ImportDeals", stream).await.unwrap().remove(0);
    let ids: Vec<_> = (100..150).map(|number| format!("x{number}")).collect();
    let receipt = json!({"changeNumber": "9", "written": "1", "stale": "60", "firstStaleIds": ids});
    assert_eq!(answer["receipt"], receipt);
    assert_eq!((&answer["eventsWritten"], &answer["eventsStale"]), (&json!("1"), &json!("60")));
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d"})).await["deal"].clone();
    assert_eq!((&read["sourceVersion"], &read["events"][0]["amount"]), (&json!("3"), &json!("3.00")));
}

#[tokio::test]
async fn an_answer_of_an_import_is_small_whatever_went_wrong() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let rejected: Vec<_> = (1..=200)
        .map(|row| json!({"rowNumber": row, "reasons": ["x".repeat(1000)], "raw": "y".repeat(1000)}))
        .collect();
    let header = json!({"header": {"requestId": "import"}});
    let stream = vec![header, json!({"batch": {"rejectedRows": rejected}})];
    let answer = tenant.stream("DealService/ImportDeals", stream).await.unwrap().remove(0);
    assert_eq!(answer["rejected"], "200");
    assert_eq!(answer["firstRejected"].as_array().unwrap().len(), 8);
    let kept = "select max(length(answer)) from change where tenant_id = (select tenant_id from tenant where slug = $1)";
    let kept = sqlx::query_scalar(kept).bind(&tenant.slug);
    let bytes: i32 = kept.fetch_one(&mut tenant.database().await).await.unwrap();
    assert!(bytes <= 16 << 10, "{bytes}");
}

/// What stands, without the numbers of the changes that wrote it.
async fn stands(tenant: &Tenant) -> Value {
    let mut payees = tenant.get("PayeeService/ListPayees", json!({})).await["payees"].take();
    for payee in payees.as_array_mut().unwrap() {
        payee.as_object_mut().unwrap().remove("etag");
    }
    payees
}

#[tokio::test]
async fn the_same_payees_stand_whatever_their_order() {
    let told = |version: Option<i64>, name: &str, plan: &str| {
        let mut fact = payee("eve", plan, "lead");
        fact["name"] = json!(name);
        version.map_or(fact.clone(), |version| versioned(fact, version))
    };
    // Of the two bodies of version 3 one stands; the later in the order of fields: the name, then assignments.
    let facts = [
        told(Some(3), "Eve", "rep"),
        told(Some(3), "Eve", "lead"),
        told(None, "Zoe", "rep"),
        told(Some(2), "Zoe", "rep"),
        told(Some(0), "Ann", "rep"),
    ];
    for order in [[0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 2, 4, 3], [2, 4, 1, 3, 0], [3, 0, 4, 2, 1]] {
        let tenant = Tenant::new().await;
        tenant.company().await;
        let mut stale = 0;
        for place in order {
            let payees = json!({"payees": [facts[place].clone()]});
            let receipt = tenant.write("PayeeService/UpsertPayees", payees).await["receipt"].clone();
            let outcome = [&receipt["written"], &receipt["stale"]].map(|count| !count.is_null());
            assert_eq!(outcome, [!outcome[1], outcome[1]], "{receipt}");
            assert_eq!(receipt["firstStaleIds"], if outcome[1] { json!(["eve"]) } else { Value::Null });
            stale += i32::from(outcome[1]);
        }
        assert!(stale > 0 || order == [2, 4, 3, 1, 0], "{order:?}");
        let mut eve =
            stands(&tenant).await.as_array().unwrap().iter().find(|p| p["payeeId"] == "eve").unwrap().clone();
        eve.as_object_mut().unwrap().remove("assignmentInForce");
        let mut expected = facts[0].clone();
        expected["assignments"][0]["currencyCode"] = json!("USD");
        assert_eq!(eve, expected, "{order:?}");
        assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
    }
}

#[tokio::test]
async fn a_stale_payee_leaves_the_others_of_its_request_alone() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let ann = |version| versioned(payee("ann", "rep", "lead"), version);
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [ann(7)]})).await;
    let mut bob = payee("bob", "rep", "lead");
    bob["email"] = json!("bob@example.com");
    let payees = json!({"payees": [ann(6), bob, payee("lead", "lead", "")]});
    let answer = tenant.write("PayeeService/UpsertPayees", payees).await;
    let receipt = json!({"changeNumber": "9", "written": "1", "unchanged": "1", "stale": "1", "firstStaleIds": ["ann"]});
    assert_eq!(answer, json!({ "receipt": receipt }));
}
