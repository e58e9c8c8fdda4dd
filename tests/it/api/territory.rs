//! `TerritoryService`: holders by day, crediting rules as one list, and who would be credited for a deal.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::deal;

/// A company with a territory that ann holds until bob does, and one that nobody holds: change 8.
async fn company() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let holders = json!([{"payeeId": "bob", "startDate": "2026-02-10"},
        {"payeeId": "ann", "startDate": "2026-01-01", "endDate": "2026-02-10"}]);
    let territories = json!([{"territoryId": "north", "name": "North", "holders": holders}, {"territoryId": "south", "name": "South"}]);
    tenant.write("TerritoryService/UpsertTerritories", json!({ "territories": territories })).await;
    tenant
}

fn rule(id: &str, condition: &str, credits: Value) -> Value {
    json!({"ruleId": id, "name": id, "startDate": "2026-01-01", "condition": condition, "credits": credits})
}

fn rules() -> Value {
    let mut past = rule("past", "", json!([{"payeeId": "lead", "creditPercent": "100"}]));
    past["endDate"] = json!("2026-01-02");
    json!({"rules": [past,
        rule("region", "deal.attributes.region == \"north\"", json!([{"payeeId": "lead", "creditPercent": "100"}])),
        rule("huge", "deal.amount > 1000000", json!([{"payeeId": "lead", "creditPercent": "100"}])),
        rule("south", "", json!([{"territoryId": "south", "creditPercent": "100"}])),
        rule("north", "event.type == \"BOOKED\"", json!([
            {"territoryId": "north", "role": "AE", "creditPercent": "60"}, {"payeeId": "lead", "role": "MGR", "creditPercent": "40"}]))]})
}

#[tokio::test]
async fn a_territory_has_one_holder_on_a_day() {
    let tenant = company().await;
    let holder = async |on: &str, as_of: &str| {
        let asked = json!({"territoryId": "north", "onDate": on, "asOfChange": as_of});
        tenant.get("TerritoryService/GetTerritory", asked).await["territory"]["holderId"].clone()
    };
    assert_eq!(holder("2025-12-31", "0").await, Value::Null);
    assert_eq!(holder("2026-02-09", "0").await, "ann");
    assert_eq!(holder("2026-02-10", "0").await, "bob");
    let only_ann = json!([{"territoryId": "north", "name": "North", "etag": "8",
        "holders": [{"payeeId": "ann", "startDate": "2026-01-01"}]}]);
    tenant.write("TerritoryService/UpsertTerritories", json!({ "territories": only_ann })).await;
    assert_eq!(
        (holder("2026-02-10", "0").await, holder("2026-02-10", "8").await),
        (json!("ann"), json!("bob"))
    );
    let listed = tenant.get("TerritoryService/ListTerritories", json!({"onDate": "2026-03-01"})).await;
    assert_eq!(
        listed["territories"],
        json!([{"territoryId": "north", "name": "North", "etag": "9", "holderId": "ann",
            "holders": [{"payeeId": "ann", "startDate": "2026-01-01"}]},
            {"territoryId": "south", "name": "South", "etag": "8"}])
    );
    let head = tenant.head().await;
    let two = json!([{"territoryId": "east", "name": "East", "holders": [
        {"payeeId": "ann", "startDate": "2026-01-01", "endDate": "2026-03-01"}, {"payeeId": "bob", "startDate": "2026-02-28"}]}]);
    let message = "east has two holders: bob from this day on, and ann over 2026-01-01..2026-03-01";
    assert_eq!(
        tenant.refused_write("TerritoryService/UpsertTerritories", json!({ "territories": two })).await,
        format!(
            "InvalidArgument INVALID_REQUEST: territories[0].holders[1].start_date {message}\n\
             territories[0].holders[1].start_date: {message}"
        )
    );
    let unknown = json!([{"territoryId": "east", "name": "East", "holders": [{"payeeId": "eve", "startDate": "2026-01-01"}]}]);
    let refused =
        tenant.refused_write("TerritoryService/UpsertTerritories", json!({ "territories": unknown })).await;
    let says = "territories[0].holders[0].payee_id: payee eve does not exist";
    assert!(
        refused.starts_with("FailedPrecondition REFERENCE_UNKNOWN: ") && refused.ends_with(says),
        "{refused}"
    );
    assert_eq!(tenant.head().await, head);
}

#[tokio::test]
async fn rules_are_one_list_in_its_order() {
    let tenant = company().await;
    let receipt = tenant.write("TerritoryService/SetCreditingRules", rules()).await["receipt"].clone();
    assert_eq!(receipt, json!({"changeNumber": "9", "written": "5"}));
    let ids = async |asked: Value| {
        let listed = tenant.get("TerritoryService/ListCreditingRules", asked).await;
        let ids =
            listed["rules"].as_array().into_iter().flatten().map(|rule| rule["ruleId"].as_str().unwrap());
        (ids.collect::<Vec<_>>().join(" "), listed["etag"].as_str().unwrap_or("0").to_string())
    };
    assert_eq!(ids(json!({})).await, ("past region huge south north".into(), "9".into()));
    assert_eq!(ids(json!({"onDate": "2026-01-02"})).await.0, "region huge south north");
    // The last first, two gone: the others are where they were.
    let mut turned = rules();
    let list = turned["rules"].as_array_mut().unwrap();
    list.reverse();
    list.truncate(3);
    turned["etag"] = json!("8");
    let says = "etag expects change 8, but crediting rules of the tenant was last written by change 9";
    let refused = tenant.refused_write("TerritoryService/SetCreditingRules", turned.clone()).await;
    assert!(refused.starts_with(&format!("Aborted ETAG_MISMATCH: {says}")), "{refused}");
    turned["etag"] = json!("9");
    tenant.write("TerritoryService/SetCreditingRules", turned).await;
    assert_eq!(ids(json!({})).await, ("north south huge".into(), "10".into()));
    assert_eq!(ids(json!({"asOfChange": "9"})).await, ("past region huge south north".into(), "9".into()));
    let bad = json!({"rules": [rule("x", "", json!([{"payeeId": "eve", "creditPercent": "50"}, {"territoryId": "west", "creditPercent": "50"}]))]});
    assert_eq!(
        tenant.refused_write("TerritoryService/SetCreditingRules", bad).await,
        "FailedPrecondition REFERENCE_UNKNOWN: 2 names are unknown, the first: rules[0].credits[0].payee_id payee eve does not exist\n\
         count=2\n\
         rules[0].credits[0].payee_id: payee eve does not exist\n\
         rules[0].credits[1].territory_id: territory west does not exist"
    );
    tenant.write("TerritoryService/SetCreditingRules", json!({})).await;
    assert_eq!(ids(json!({})).await, (String::new(), "11".into()));
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn it_is_said_who_would_be_credited_and_why_not_by_the_rules_before() {
    let tenant = company().await;
    tenant.write("TerritoryService/SetCreditingRules", rules()).await;
    let mut stored = deal("d", "lead", "2026-02-09", "1000.00");
    stored["amount"] = json!("1000.00");
    stored["splits"] = json!([{"payeeId": "bob", "role": "OVERLAY", "splitPercent": "5"}]);
    tenant.deals(&[stored]).await;
    let head = tenant.head().await;
    let explain =
        async |asked: Value| tenant.get("TerritoryService/ExplainCrediting", asked).await["credits"].clone();
    let passed = json!([
        {"ruleId": "past", "why": "WHY_NOT_IN_FORCE"},
        {"ruleId": "region", "why": "WHY_CONDITION_UNCLEAR", "message": "deal.attributes.region is missing"},
        {"ruleId": "huge", "why": "WHY_CONDITION_FALSE"},
        {"ruleId": "south", "why": "WHY_NO_HOLDER", "message": "south"}]);
    let north = |event: &str, holder: &str, date: &str| {
        json!({"eventId": event, "date": date, "source": "SOURCE_RULE", "ruleId": "north", "passedRules": passed,
            "shares": [{"payeeId": holder, "role": "AE", "creditPercent": "60", "territoryId": "north"},
                {"payeeId": "lead", "role": "MGR", "creditPercent": "40"}]})
    };
    let mut expected = north("b", "ann", "2026-02-09");
    expected["shares"]
        .as_array_mut()
        .unwrap()
        .push(json!({"payeeId": "bob", "role": "OVERLAY", "creditPercent": "5"}));
    assert_eq!(explain(json!({"dealId": "d"})).await, json!([expected]));
    let mut made_up = deal("new", "lead", "2026-02-10", "1.00");
    made_up["amount"] = json!("1.00");
    assert_eq!(explain(json!({"deal": made_up})).await, json!([north("b", "bob", "2026-02-10")]));
    let mut split = made_up.clone();
    split["splits"] = json!([{"payeeId": "ann", "role": "AE", "splitPercent": "100"}]);
    let shares = json!([{"payeeId": "ann", "role": "AE", "creditPercent": "100"}]);
    assert_eq!(
        explain(json!({"deal": split})).await,
        json!([{"eventId": "b", "date": "2026-02-10", "source": "SOURCE_SPLITS", "shares": shares}])
    );
    // Open: as of today, and what an event would say is not known.
    let open = json!({"dealId": "open", "ownerId": "ann", "amount": "1.00", "outcome": "OUTCOME_OPEN"});
    let today = explain(json!({"deal": open})).await[0].clone();
    assert_eq!((&today["source"], &today["eventId"]), (&json!("SOURCE_OWNER"), &Value::Null));
    assert_eq!(today["shares"], json!([{"payeeId": "ann", "role": "OWNER", "creditPercent": "100"}]));
    assert_eq!(today["passedRules"][4]["why"], "WHY_CONDITION_UNCLEAR");
    let mut unknown = made_up;
    unknown["ownerId"] = json!("eve");
    let refused = tenant.refused("TerritoryService/ExplainCrediting", json!({"deal": unknown})).await;
    assert!(refused.ends_with("\ndeal.owner_id: payee eve does not exist"), "{refused}");
    let nowhere = tenant.refused("TerritoryService/ExplainCrediting", json!({"dealId": "x"})).await;
    assert!(nowhere.starts_with("NotFound NOT_FOUND: deal x not found"), "{nowhere}");
    assert_eq!(tenant.head().await, head);
}

#[tokio::test]
async fn attainment_follows_rules_and_holders_at_once() {
    let tenant = company().await;
    tenant
        .deals(&[deal("d", "lead", "2026-02-09", "1000.00"), deal("e", "lead", "2026-02-10", "500.00")])
        .await;
    // Of the past, which is read from the database, as well as of now.
    let credited = async |payee: &str, as_of: &str| {
        let asked =
            json!({"payeeId": payee, "measureIds": ["own"], "period": "2026-02", "asOfChange": as_of});
        tenant.get("EarningsService/GetAttainment", asked).await["attainments"][0]["credited"].clone()
    };
    assert_eq!((credited("ann", "0").await, credited("lead", "0").await), (json!("0.00"), json!("1500.00")));
    tenant.write("TerritoryService/SetCreditingRules", rules()).await;
    assert_eq!((credited("ann", "0").await, credited("bob", "0").await), (json!("600.00"), json!("300.00")));
    assert_eq!(credited("lead", "0").await, "600.00");
    // A late event, put in its place, is credited by the same rules.
    tenant.deals(&[deal("f", "lead", "2026-02-01", "100.00")]).await;
    assert_eq!((credited("ann", "0").await, credited("bob", "0").await), (json!("660.00"), json!("300.00")));
    let all_bob = json!([{"territoryId": "north", "name": "North", "holders": [{"payeeId": "bob", "startDate": "2026-01-01"}]}]);
    tenant.write("TerritoryService/UpsertTerritories", json!({ "territories": all_bob })).await;
    assert_eq!((credited("ann", "0").await, credited("bob", "0").await), (json!("0.00"), json!("960.00")));
    assert_eq!(
        (credited("ann", "11").await, credited("bob", "11").await),
        (json!("660.00"), json!("300.00"))
    );
    assert_eq!((credited("ann", "9").await, credited("lead", "9").await), (json!("0.00"), json!("1500.00")));
}
