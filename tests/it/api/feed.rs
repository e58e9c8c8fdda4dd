//! The journal as a feed: what each change touched, selections of it, and following it as it grows.

use std::time::Duration;

use attain::api::v1;
use attain::api::v1::admin_service_client::AdminServiceClient;
use attain::storage::touched;
use serde_json::{Value, json};
use tonic::{Code, Request, Streaming};

use crate::harness::client::{Keyed, reason};
use crate::harness::company::{deal, payee, quota};
use crate::harness::tenant::number;
use crate::harness::{Server, Tenant, refusal};

/// What a change touched: kind, rows added and superseded, keys.
fn told(change: &Value) -> Vec<String> {
    let touched = change["touched"].as_array().cloned().unwrap_or_default();
    let line = |touched: &Value| {
        let count = |name: &str| number(&touched[name]);
        let keys = touched["keys"].as_array().cloned().unwrap_or_default();
        let keys: Vec<_> = keys.iter().map(|key| key.as_str().unwrap().to_string()).collect();
        let noun = touched["noun"].as_str().unwrap().strip_prefix("NOUN_").unwrap().to_string();
        format!("{noun} +{} -{} {}", count("added"), count("superseded"), keys.join(" "))
    };
    touched.iter().map(line).collect()
}

async fn changes(tenant: &Tenant, asked: Value) -> Vec<Value> {
    tenant.get("AdminService/ListChanges", asked).await["changes"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_change_says_what_it_touched() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "100.00"), deal("d2", "bob", "2026-01-11", "5.00")]).await;
    // Another owner: the deal is another, its event is not.
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "100.00")]).await;
    // The first assignment ends a day earlier than the second began; the payee itself is the same.
    let mut ann = payee("ann", "rep", "lead");
    ann["assignments"] = json!([{"startDate": "2026-02-01", "planId": "rep"}]);
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [ann]})).await;
    // Nothing new.
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "100.00")]).await;
    tenant.close("2026-01").await;
    let listed = changes(&tenant, json!({})).await;
    let all: Vec<_> = listed.iter().map(told).collect();
    let key = tenant.admin.key.split('_').nth(2).unwrap();
    let expected: Vec<Vec<String>> = vec![
        vec![format!("KEY +1 -0 {key}")],
        vec!["CALENDAR +1 -0 calendar".into()],
        vec!["MEASURE +2 -0 own team".into()],
        vec!["PLAN +1 -0 rep/1".into()],
        vec!["PLAN +1 -0 lead/1".into()],
        vec![
            "PAYEE +3 -0 ann bob lead".into(),
            "ASSIGNMENT +3 -0 ann/2026-01-01 bob/2026-01-01 lead/2026-01-01".into(),
        ],
        vec!["QUOTA +3 -0 ann/own/FY2026-Q1 bob/own/FY2026 lead/team/FY2026".into()],
        vec!["DEAL +2 -0 d1 d2".into(), "DEAL_EVENT +2 -0 d1/b d2/b".into()],
        vec!["DEAL +1 -1 d1".into()],
        vec!["ASSIGNMENT +1 -1 ann/2026-01-01 ann/2026-02-01".into()],
        vec![],
        vec![
            "CLOSE +1 -0 2026-01".into(),
            "POSTING +4 -0 bob/rep/commission/FY2026-Q1 lead/lead/commission/2026-01".into(),
            // Ann has no assignment before February.
            "STATEMENT +2 -0 bob/2026-01 lead/2026-01".into(),
        ],
    ];
    assert_eq!(all, expected);
}

#[tokio::test]
async fn changes_are_selected_by_who_how_and_what() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let other = tenant.key("ROLE_SERVICE", "").await;
    let actor = other.key.split('_').nth(2).unwrap().to_string();
    let deals = json!({"requestId": "service", "deals": [deal("d1", "ann", "2026-01-10", "1.00"), deal("d2", "ann", "2026-01-10", "1.00")]});
    other.get("DealService/UpsertDeals", deals).await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "2.00")]).await;
    let mut moved = deal("d2", "bob", "2026-01-10", "1.00");
    moved["events"] = json!([]);
    tenant.deals(&[moved]).await;
    let mut ann = payee("ann", "rep", "lead");
    ann["assignments"][0]["title"] = json!("AE");
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [ann]})).await;
    tenant.write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026", "9.00")]})).await;
    let selected = async |filter: Value, after: i64, as_of: i64| {
        let asked =
            json!({"filter": filter, "afterChange": after.to_string(), "asOfChange": as_of.to_string()});
        changes(&tenant, asked).await.iter().map(|change| number(&change["number"])).collect::<Vec<_>>()
    };
    for (filter, numbers) in [
        (json!({ "actor": actor }), vec![9]),
        (json!({"actor": "attain"}), vec![1]),
        (json!({"rpc": "attain.v1.DealService/UpsertDeals"}), vec![9, 10, 11]),
        (json!({"rpc": "attain.v1.DealService/UpsertDeals", "actor": actor}), vec![9]),
        (json!({"noun": "NOUN_DEAL"}), vec![9, 11]),
        (json!({"noun": "NOUN_DEAL_EVENT"}), vec![9, 10]),
        (json!({"noun": "NOUN_DEAL", "key": "d2"}), vec![9, 11]),
        (json!({"noun": "NOUN_DEAL", "key": "d1"}), vec![9]),
        (json!({"noun": "NOUN_DEAL_EVENT", "key": "d1"}), vec![9, 10]),
        (json!({"noun": "NOUN_DEAL_EVENT", "key": "d1/b"}), vec![9, 10]),
        (json!({"noun": "NOUN_DEAL_EVENT", "key": "d1/x"}), vec![]),
        (json!({"noun": "NOUN_DEAL_EVENT", "key": "d1/b/x"}), vec![]),
        (json!({"noun": "NOUN_DEAL", "key": "d"}), vec![]),
        (json!({"noun": "NOUN_PAYEE", "key": "ann"}), vec![6]),
        (json!({"noun": "NOUN_ASSIGNMENT", "key": "ann"}), vec![6, 12]),
        (json!({"noun": "NOUN_ASSIGNMENT", "key": "ann/2026-01-01"}), vec![6, 12]),
        (json!({"noun": "NOUN_QUOTA", "key": "ann"}), vec![7, 13]),
        (json!({"noun": "NOUN_QUOTA", "key": "ann/own/FY2026"}), vec![13]),
        (json!({"noun": "NOUN_CALENDAR", "key": "calendar"}), vec![2]),
        (json!({"noun": "NOUN_POSTING"}), vec![]),
        (json!({"noun": "NOUN_KEY", "actor": "attain"}), vec![1]),
    ] {
        assert_eq!(selected(filter.clone(), 0, 0).await, numbers, "{filter}");
    }
    assert_eq!(selected(json!({"noun": "NOUN_QUOTA"}), 7, 0).await, [13]);
    assert_eq!(selected(json!({"noun": "NOUN_QUOTA"}), 0, 12).await, [7]);
}

#[tokio::test]
async fn keys_that_are_too_many_for_a_change_are_paged() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // As bytes `d-9` comes before `d.9`, and both before `d`, were the parts of a key joined to be put in order.
    let ids: Vec<String> =
        (10..29).map(|id| format!("d{id}")).chain(["d".into(), "d-9".into(), "d.9".into()]).collect();
    let deals: Vec<_> = ids.iter().map(|id| deal(id, "ann", "2026-01-10", "1.00")).collect();
    let twenty = tenant.deals(&deals[..20]).await["receipt"]["changeNumber"].clone();
    let more = tenant
        .deals(
            &deals
                .iter()
                .map(|deal| {
                    let mut deal = deal.clone();
                    deal["ownerId"] = json!("bob");
                    deal["events"][0]["amount"] = json!("2.00");
                    deal
                })
                .collect::<Vec<_>>(),
        )
        .await["receipt"]["changeNumber"]
        .clone();
    let listed = changes(&tenant, json!({"afterChange": (number(&twenty) - 1).to_string()})).await;
    let mut sorted: Vec<String> = ids[..20].to_vec();
    sorted.sort();
    assert_eq!(told(&listed[0])[0], format!("DEAL +20 -0 {}", sorted.join(" ")));
    assert_eq!(told(&listed[1]), ["DEAL +22 -20 ", "DEAL_EVENT +22 -20 "]);
    let mut sorted = ids.clone();
    sorted.sort();
    for (noun, expected) in [
        ("NOUN_DEAL", sorted.clone()),
        ("NOUN_DEAL_EVENT", sorted.iter().map(|id| format!("{id}/b")).collect()),
        ("NOUN_QUOTA", vec![]),
    ] {
        let (mut found, mut token) = (Vec::new(), json!(""));
        loop {
            let asked = json!({"changeNumber": more, "noun": noun, "pageSize": 7, "pageToken": token});
            let page = tenant.get("AdminService/ListTouched", asked).await;
            let keys = page["keys"].as_array().cloned().unwrap_or_default();
            found.extend(keys.iter().map(|key| key.as_str().unwrap().to_string()));
            assert_eq!(page["asOfChange"], more);
            if page["nextPageToken"].is_null() {
                break;
            }
            token = page["nextPageToken"].clone();
        }
        assert_eq!(found, expected, "{noun}");
    }
    let none = json!({"changeNumber": "99", "noun": "NOUN_DEAL"});
    let refused = tenant.refused("AdminService/ListTouched", none).await;
    assert_eq!(refused, "NotFound NOT_FOUND: change 99 not found\nid=99\nresource=change");
}

#[tokio::test]
async fn every_table_of_the_journals_rows_is_told_of() {
    let tenant = Tenant::new().await;
    let versioned = "select table_name::text from information_schema.columns
        where table_schema = 'public' and column_name = 'added_in' order by 1";
    let there: Vec<String> =
        sqlx::query_scalar(versioned).fetch_all(&mut tenant.database().await).await.unwrap();
    let mut told: Vec<_> = touched::tables().collect();
    told.sort();
    assert_eq!(told, there);
}

type Feed = Streaming<v1::WatchChangesResponse>;

/// Follows the changes after a number.
async fn watch(tenant: &Tenant, keyed: Keyed, after: i64, filter: Option<v1::ChangeFilter>) -> Feed {
    let request = v1::WatchChangesRequest { after_change: after, filter, until_change: 0 };
    let watched = AdminServiceClient::new(keyed).watch_changes(request).await;
    watched.unwrap_or_else(|status| panic!("{}: {}", tenant.slug, refusal(&status))).into_inner()
}

/// The numbers of the next changes.
async fn take(feed: &mut Feed, count: usize) -> Vec<i64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(feed.message().await.unwrap().expect("the feed goes on").change.unwrap().number);
    }
    numbers
}

#[tokio::test]
async fn a_follower_gets_every_change_once_whoever_writes_it() {
    let mut tenant = Tenant::alone().await;
    tenant.company().await;
    let options = tenant.options.clone();
    let replica = Server::start(&options, &[]);
    let elsewhere = attain_client(&tenant, &replica);
    let mut feed = watch(&tenant, tenant.keyed(), 0, None).await;
    assert_eq!(take(&mut feed, 7).await, [1, 2, 3, 4, 5, 6, 7]);
    // Live: by its own server, and by another one.
    for id in 8..12 {
        let writer = if id % 2 == 0 { &tenant.admin } else { &elsewhere };
        let deals = json!({"requestId": format!("live-{id}"), "deals": [deal(&format!("d{id}"), "ann", "2026-01-10", "1.00")]});
        writer.get("DealService/UpsertDeals", deals).await;
        let change = feed.message().await.unwrap().unwrap().change.unwrap();
        assert_eq!((change.number, change.request_id), (id, format!("live-{id}")));
        let deals = &change.touched[0];
        assert_eq!((deals.noun(), deals.added, &deals.keys), (v1::Noun::Deal, 1, &vec![format!("d{id}")]));
    }
    // It leaves and comes back: nothing twice, nothing missing; the change in between touched nothing.
    drop(feed);
    tenant.deals(&[deal("d8", "ann", "2026-01-10", "1.00")]).await;
    let mut feed = watch(&tenant, tenant.keyed(), 11, None).await;
    assert_eq!(take(&mut feed, 1).await, [12]);
    // Its server dies, and another one goes on.
    tenant.server().kill();
    assert!(feed.message().await.is_err());
    let mut feed = watch(&tenant, elsewhere.keyed(), 12, None).await;
    elsewhere
        .get(
            "DealService/UpsertDeals",
            json!({"requestId": "last", "deals": [deal("z", "ann", "2026-01-10", "1.00")]}),
        )
        .await;
    assert_eq!(take(&mut feed, 1).await, [13]);
}

fn attain_client(tenant: &Tenant, server: &Server) -> crate::harness::client::Client {
    crate::harness::client::Client { channel: server.channel(), key: tenant.key.clone() }
}

#[tokio::test]
async fn a_follower_that_is_slow_or_picks_misses_nothing() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let picked = v1::ChangeFilter { noun: v1::Noun::Deal.into(), key: "d30".into(), ..Default::default() };
    let mut picking = watch(&tenant, tenant.keyed(), 0, Some(picked)).await;
    let mut slow = watch(&tenant, tenant.keyed(), 0, None).await;
    assert_eq!(take(&mut slow, 1).await, [1]);
    // More than one batch while the follower does not read.
    for id in 0..50 {
        tenant.deals(&[deal(&format!("d{id}"), "ann", "2026-01-10", "1.00")]).await;
    }
    assert_eq!(take(&mut slow, 56).await, (2..58).collect::<Vec<_>>());
    assert_eq!(take(&mut picking, 1).await, [38]);
    tenant.deals(&[deal("d30", "bob", "2026-01-10", "1.00")]).await;
    assert_eq!(take(&mut picking, 1).await, [58]);
    // One that ends by itself: at its last change, not at the last that it picks.
    let until = json!({"afterChange": "5", "untilChange": "9", "filter": {"rpc": "attain.v1.DealService/UpsertDeals"}});
    let answers = tenant.stream("AdminService/WatchChanges", vec![until]).await.unwrap();
    let numbers: Vec<_> = answers.iter().map(|answer| number(&answer["change"]["number"])).collect();
    assert_eq!(numbers, [8, 9]);
}

#[tokio::test]
async fn a_stream_ends_with_its_key() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let auditor = tenant.key("ROLE_AUDITOR", "").await;
    let mut feed = watch(&tenant, auditor.keyed(), 7, None).await;
    assert_eq!(take(&mut feed, 1).await, [8]);
    let id = auditor.key.split('_').nth(2).unwrap();
    tenant.write("AdminService/RevokeKey", json!({ "keyId": id })).await;
    let ended = feed.message().await.unwrap_err();
    assert_eq!((ended.code(), reason(&ended).as_str()), (Code::Unauthenticated, "KEY_INVALID"));
}

#[tokio::test]
async fn a_follower_that_is_ahead_of_the_journal_is_told_so() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let request = v1::WatchChangesRequest { after_change: 9, ..Default::default() };
    let mut request = Request::new(request);
    request.set_timeout(Duration::from_secs(2));
    let refused = AdminServiceClient::new(tenant.keyed()).watch_changes(request).await.unwrap_err();
    assert_eq!(
        refusal(&refused),
        "Unavailable CHANGE_NOT_REACHED: change 9 is not there yet: the journal ends at change 7\n\
         last_change=7\nmin_change=9"
    );
}
