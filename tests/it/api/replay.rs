//! Request ids: the same request answers its first answer, another one is refused, many at once make one change.

use serde_json::{Value, json};

use super::validate;
use crate::harness::company::{calendar, deal, measures, payee, plan, quota};
use crate::harness::tenant::number;
use crate::harness::{Tenant, refusal};

/// Writes from a tenant's first on, each with another body for the same request id.
pub fn writes() -> Vec<(&'static str, Value, Value)> {
    let mut july = calendar();
    july["calendar"]["timeZone"] = json!("UTC");
    let mut fewer = measures();
    fewer["measures"].as_array_mut().unwrap().pop();
    let key = |label: &str| json!({"key": {"role": "ROLE_AUDITOR", "label": label}});
    vec![
        ("AdminService/SetCalendar", calendar(), july),
        ("MeasureService/DefineMeasures", measures(), fewer),
        (
            "PlanService/PublishPlan",
            plan("rep", "own", "WINDOW_MONTH", &[("0", "1")]),
            plan("rep", "own", "WINDOW_MONTH", &[("0", "2")]),
        ),
        (
            "PayeeService/UpsertPayees",
            json!({"payees": [payee("ann", "rep", "")]}),
            json!({"payees": [payee("bob", "rep", "")]}),
        ),
        (
            "QuotaService/SetQuotas",
            json!({"quotas": [quota("ann", "own", "FY2026", "1.00")]}),
            json!({"quotas": [quota("ann", "own", "FY2026", "1.0")]}),
        ),
        (
            "DealService/UpsertDeals",
            json!({"deals": [deal("d", "ann", "2026-01-02", "1.00")]}),
            json!({"deals": [deal("d", "ann", "2026-01-03", "1.00")]}),
        ),
        (
            "AdminService/SetExchangeRates",
            json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.1"}]}),
            json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.10"}]}),
        ),
        ("AdminService/CreateKey", key("one"), key("two")),
        ("PeriodService/ClosePeriod", json!({"period": "2026-01"}), json!({"period": "2026-02"})),
    ]
}

#[tokio::test]
async fn a_request_sent_again_is_answered_again_and_with_another_body_refused() {
    let tenant = Tenant::new().await;
    for (place, (rpc, message, other)) in writes().into_iter().enumerate() {
        let (signed, mut other) = (tenant.signed(message), tenant.signed(other));
        let first = tenant.get(rpc, signed.clone()).await;
        let after = tenant.head().await;
        assert_eq!(after, i64::try_from(place).unwrap() + 2, "{rpc}");
        let mut again = tenant.get(rpc, signed.clone()).await;
        if rpc == "AdminService/CreateKey" {
            // A secret is answered once and kept nowhere.
            assert!(again["secretKey"].is_null());
            again["secretKey"] = first["secretKey"].clone();
        }
        assert_eq!(again, first, "{rpc}");
        other["requestId"] = signed["requestId"].clone();
        let refused = tenant.refused(rpc, other).await;
        let id = signed["requestId"].as_str().unwrap();
        assert!(refused.starts_with("AlreadyExists REQUEST_ID_REUSED: "), "{rpc}: {refused}");
        assert!(refused.ends_with(&format!("\nchange={after}\nrequest_id={id}")), "{rpc}: {refused}");
        assert_eq!(tenant.head().await, after, "{rpc}");
    }
    // Nor does another rpc take a name that is used.
    let mut taken = tenant.signed(json!({"payees": [payee("bob", "rep", "")]}));
    taken["requestId"] = json!("r-0");
    let refused = tenant.refused("PayeeService/UpsertPayees", taken).await;
    assert!(refused.starts_with("AlreadyExists REQUEST_ID_REUSED: "), "{refused}");
    assert!(refused.ends_with("\nchange=2\nrequest_id=r-0"), "{refused}");
}

/// All writes there are: those that `validate` tries, and it tries every one.
#[tokio::test]
async fn every_write_is_answered_again_and_with_another_reason_refused() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1000.00")]).await;
    for (rpc, messages, _) in validate::writes() {
        let (_, signed) = validate::signed(&tenant, &messages);
        let mut first = tenant.stream(rpc, signed.clone()).await.unwrap_or_else(|s| panic!("{rpc}: {s}"));
        let after = tenant.head().await;
        if rpc == "AdminService/CreateKey" {
            // A secret is answered once and kept nowhere.
            first[0].as_object_mut().unwrap().remove("secretKey");
        }
        assert_eq!(tenant.stream(rpc, signed.clone()).await.unwrap(), first, "{rpc}");
        let mut other = signed;
        let head = if other[0]["header"].is_null() { &mut other[0] } else { &mut other[0]["header"] };
        head["reason"] = json!("another");
        let refused = refusal(&tenant.stream(rpc, other).await.unwrap_err());
        assert!(refused.starts_with("AlreadyExists REQUEST_ID_REUSED: "), "{rpc}: {refused}");
        assert_eq!(tenant.head().await, after, "{rpc}");
    }
}

#[tokio::test]
async fn sixteen_callers_with_one_request_id_make_one_change() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let deals = tenant.signed(json!({"deals": [deal("d", "ann", "2026-01-02", "1.00")]}));
    let calls = (0..16).map(|_| {
        let (client, deals) = (tenant.admin.clone(), deals.clone());
        tokio::spawn(async move { client.ask("DealService/UpsertDeals", deals).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    for call in calls {
        let expected = json!({"receipt": {"changeNumber": "8", "written": "1"}, "eventsWritten": "1"});
        assert_eq!(call.await.unwrap(), expected);
    }
    assert_eq!(tenant.head().await, 8);
}

#[tokio::test]
async fn sixteen_callers_with_their_own_request_ids_make_changes_without_gaps() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let calls = (0..16).map(|place| {
        let day = format!("2026-01-{:02}", place + 1);
        let deals = tenant.signed(json!({"deals": [deal("same", "ann", &day, "1.00")]}));
        let client = tenant.admin.clone();
        tokio::spawn(async move { client.ask("DealService/UpsertDeals", deals).await.unwrap() })
    });
    let calls: Vec<_> = calls.collect();
    let mut numbers = Vec::new();
    for call in calls {
        numbers.push(number(&call.await.unwrap()["receipt"]["changeNumber"]));
    }
    numbers.sort();
    assert_eq!(numbers, (8..24).collect::<Vec<_>>());
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn a_refused_request_leaves_its_id_free() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let bad = tenant.signed(json!({"payees": [payee("bob", "no-plan", "")]}));
    tenant.refused("PayeeService/UpsertPayees", bad.clone()).await;
    let mut good = json!({"payees": [payee("bob", "rep", "")]});
    (good["requestId"], good["reason"]) = (bad["requestId"].clone(), bad["reason"].clone());
    tenant.get("PayeeService/UpsertPayees", good).await;
}

#[tokio::test]
async fn an_old_request_sent_again_does_not_undo_a_newer_write() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let told = |amount: &str| tenant.signed(json!({"deals": [deal("d", "ann", "2026-01-02", amount)]}));
    let old = told("1.00");
    let first = tenant.get("DealService/UpsertDeals", old.clone()).await;
    tenant.get("DealService/UpsertDeals", told("2.00")).await;
    assert_eq!(tenant.get("DealService/UpsertDeals", old).await, first);
    assert_eq!(tenant.head().await, 9);
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d"})).await;
    assert_eq!(read["deal"]["events"][0]["amount"], "2.00");
}

#[tokio::test]
async fn a_request_sent_again_is_authorised_again() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let writer = tenant.key("ROLE_SERVICE", "").await;
    let auditor = tenant.key("ROLE_AUDITOR", "").await;
    let deals = tenant.signed(json!({"deals": [deal("d", "ann", "2026-01-02", "1.00")]}));
    let first = writer.get("DealService/UpsertDeals", deals.clone()).await;
    assert_eq!(tenant.get("DealService/UpsertDeals", deals.clone()).await, first);
    let refused = auditor.refused("DealService/UpsertDeals", deals.clone()).await;
    assert!(refused.starts_with("PermissionDenied ROLE_NOT_ALLOWED: "), "{refused}");
    let key = writer.key.split('_').nth(2).unwrap();
    tenant.write("AdminService/RevokeKey", json!({ "keyId": key })).await;
    let refused = writer.refused("DealService/UpsertDeals", deals.clone()).await;
    assert!(refused.starts_with("Unauthenticated KEY_INVALID: "), "{refused}");
    // Nor does the request of one tenant answer another.
    let other = Tenant::new().await;
    other.company().await;
    let answer = other.get("DealService/UpsertDeals", deals).await;
    assert_eq!(answer["receipt"]["changeNumber"], "8");
}

#[tokio::test]
async fn sixteen_imports_of_one_name_make_one_change() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let row = json!({"rowNumber": "2", "deal": deal("d", "ann", "2026-01-02", "1.00")});
    let stream = vec![json!({"header": {"requestId": "import"}}), json!({"batch": {"rows": [row]}})];
    let calls = (0..16).map(|_| {
        let (client, stream) = (tenant.admin.clone(), stream.clone());
        tokio::spawn(async move { client.stream("DealService/ImportDeals", stream).await.unwrap() })
    });
    let mut answers = Vec::new();
    for call in calls.collect::<Vec<_>>() {
        answers.push(call.await.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(answers[0][0]["receipt"], json!({"changeNumber": "8", "written": "1"}));
    assert_eq!(tenant.head().await, 8);
}
