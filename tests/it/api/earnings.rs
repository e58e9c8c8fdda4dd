//! `EarningsService`.

use attain::calc::RULES_REVISION;
use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, measures, payee, quota};

#[tokio::test]
async fn attainment_is_given_by_month_quarter_and_year() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant
        .deals(&[deal("d1", "ann", "2026-01-10", "60000.00"), deal("d2", "ann", "2026-02-10", "60000.00")])
        .await;
    let attained = async |payee: &str, period: &str, measures: Value| {
        let asked = json!({"payeeId": payee, "period": period, "measureIds": measures});
        let answer = tenant.get("EarningsService/GetAttainment", asked).await;
        assert_eq!((&answer["asOfChange"], &answer["rulesRevision"]), (&json!("8"), &json!(RULES_REVISION)));
        let line = |figures: &Value| {
            let text = |name: &str| figures[name].as_str().unwrap_or("-").to_string();
            ["measureId", "window", "credited", "quota", "attainmentPercent", "currencyCode"]
                .map(text)
                .join(" ")
        };
        answer["attainments"].as_array().unwrap().iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        attained("ann", "2026-02", json!([])).await,
        [
            "own 2026-02 60000.00 - - USD",
            "own FY2026-Q1 120000.00 100000.00 120 USD",
            "own FY2026-H1 120000.00 - - USD",
            "own FY2026 120000.00 - - USD"
        ]
    );
    // A window without a quota of its own has its months' part of the year's: 800,000 / 12 and / 4.
    assert_eq!(
        attained("lead", "2026-01", json!(["team", "own"])).await,
        [
            "team 2026-01 60000.00 66666.67 89.999996 USD",
            "team FY2026-Q1 60000.00 200000.00 30 USD",
            "team FY2026-H1 60000.00 400000.00 15 USD",
            "team FY2026 60000.00 800000.00 7.5 USD",
            "own 2026-01 0.00 - - USD",
            "own FY2026-Q1 0.00 - - USD",
            "own FY2026-H1 0.00 - - USD",
            "own FY2026 0.00 - - USD",
        ]
    );
    let unknown = json!({"payeeId": "ann", "period": "2026-01", "measureIds": ["own", "won"]});
    assert_eq!(
        tenant.refused("EarningsService/GetAttainment", unknown).await,
        "FailedPrecondition REFERENCE_UNKNOWN: measure_ids[1] measure won does not exist\ncount=1\n\
         measure_ids[1]: measure won does not exist"
    );
}

#[tokio::test]
async fn an_open_statement_is_current_and_one_as_of_a_change_is_as_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let statement = async |payee: &str, as_of: &str| {
        let asked = json!({"payeeId": payee, "period": "2026-01", "asOfChange": as_of});
        let statement = tenant.get("EarningsService/GetStatement", asked).await["statement"].clone();
        assert_eq!(statement["state"], "STATE_OPEN");
        format!(
            "{} as of {}",
            statement["total"].as_str().unwrap(),
            statement["asOfChange"].as_str().unwrap()
        )
    };
    assert_eq!(statement("ann", "0").await, "0.00 as of 7");
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    // 100,000 x 10% + 20,000 x 20%; the lead 120,000 x 1%.
    assert_eq!(statement("ann", "0").await, "14000.00 as of 8");
    assert_eq!(statement("lead", "0").await, "1200.00 as of 8");
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026-Q1", "120000.00")]}))
        .await;
    assert_eq!(statement("ann", "0").await, "12000.00 as of 9");
    assert_eq!(statement("ann", "8").await, "14000.00 as of 8");
    assert_eq!(statement("ann", "7").await, "0.00 as of 7");
    let early = json!({"payeeId": "ann", "period": "2025-12"});
    assert_eq!(
        tenant.refused("EarningsService/GetStatement", early).await,
        "InvalidArgument INVALID_REQUEST: period must not be before the first period 2026-01, got 2025-12\n\
         period: must not be before the first period 2026-01, got 2025-12"
    );
}

#[tokio::test]
async fn one_digest_for_the_same_number_and_another_when_a_figure_moves() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "1000.00")]).await;
    let digest = async |payee: &str, as_of: i64| {
        let asked = json!({"payeeId": payee, "period": "2026-01", "asOfChange": as_of.to_string()});
        let statement =
            tenant.get("EarningsService/GetStatement", asked.clone()).await["statement"]["digest"].clone();
        let explained = tenant.get("EarningsService/ExplainEarning", asked).await["digest"].clone();
        assert_eq!(statement, explained);
        statement
    };
    let (ann, bob) = (digest("ann", 8).await, digest("bob", 8).await);
    tenant.deals(&[deal("d2", "ann", "2026-01-11", "0.10")]).await;
    assert_eq!(digest("ann", 8).await, ann);
    assert_ne!(digest("ann", 9).await, ann);
    assert_eq!(digest("bob", 9).await, bob);
}

/// A node of a tree by its path.
fn find<'a>(node: &'a Value, path: &str) -> Option<&'a Value> {
    if node["path"] == path {
        return Some(node);
    }
    node["children"].as_array()?.iter().find_map(|child| find(child, path))
}

#[tokio::test]
async fn an_earning_explains_itself_down_to_the_deals_in_pages() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let deals: Vec<_> =
        (1..=5).map(|day| deal(&format!("d{day}"), "ann", &format!("2026-01-0{day}"), "30000.00")).collect();
    tenant.deals(&deals).await;
    let explain = async |more: Value| {
        let mut asked = json!({"payeeId": "ann", "period": "2026-01", "pageSize": 2});
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        tenant.get("EarningsService/ExplainEarning", asked).await
    };
    let root = explain(json!({"depth": 10})).await;
    let credits_path = "rep:commission:FY2026-Q1/from-2026-01-01/credits";
    let top = find(&root["explanation"], "rep:commission:FY2026-Q1").unwrap();
    // 100,000 x 10% + 50,000 x 20%.
    assert_eq!(top["value"], "20000.00");
    // Pages of a segment's children cut off the credits: they are asked for by their path.
    assert!(find(&root["explanation"], credits_path).is_none());
    let (mut token, mut titles, mut earned) = (json!(""), Vec::new(), Vec::new());
    loop {
        let page =
            explain(json!({"path": credits_path, "depth": 1, "pageToken": token})).await["explanation"]
                .clone();
        assert_eq!(page["childCount"], 5);
        for child in page["children"].as_array().unwrap() {
            earned.push(child["value"].as_str().unwrap().to_string());
            titles.push(child["title"].as_str().unwrap().to_string());
        }
        if page["nextPageToken"].is_null() {
            break;
        }
        // What is written meanwhile is not on the pages begun before.
        tenant.deals(&[deal("d0", "ann", "2026-01-01", "1.00")]).await;
        token = page["nextPageToken"].clone();
    }
    // The fourth reaches 120,000: 10,000 x 10% + 20,000 x 20%.
    assert_eq!(earned, ["3000.00", "3000.00", "3000.00", "5000.00", "6000.00"]);
    let title = |day: usize| format!("2026-01-0{day} direct credit of 30000.00 from deal d{day}");
    assert_eq!(titles, [1, 2, 3, 4, 5].map(title));
    let text = "\
earned by ann through 2026-01: 20000.00 [payee:ann]
  Commission (commission) of plan rep in FY2026-Q1, through 2026-01: 20000.00 [plan:rep, component:commission]
    terms of plan version 1 from 2026-01-01 to before 2026-04-01: 20000.00 = what the tiers pay, rounded once [measure:own]
      effective quota: 100000.00 = 100000.00 (set for the window) [measure:own]
      attainment in percent of quota: 150 = 150000.00 x 100 / 100000.00
      … and 3 more
    earned in 2026-01: 20000.00 = earned through this period less earned through the one before
";
    assert_eq!(root["text"], text);
    let absent = json!({"payeeId": "ann", "period": "2026-01", "path": "rep:commission:FY2026-Q2"});
    let refused = tenant.refused("EarningsService/ExplainEarning", absent).await;
    assert_eq!(
        refused,
        "NotFound NOT_FOUND: explanation rep:commission:FY2026-Q2 not found\nid=rep:commission:FY2026-Q2\nresource=explanation"
    );
}

#[tokio::test]
async fn a_payee_without_a_plan_earns_nothing_and_is_told_so() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.write("MeasureService/DefineMeasures", measures()).await;
    let mut cat = payee("cat", "", "lead");
    cat["assignments"][0]["startDate"] = json!("2026-02-01");
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [cat]})).await;
    tenant.deals(&[deal("d", "cat", "2026-01-10", "1000.00")]).await;
    let statement =
        tenant.get("EarningsService/GetStatement", json!({"payeeId": "cat", "period": "2026-01"})).await;
    let statement = &statement["statement"];
    assert_eq!((&statement["total"], &statement["components"]), (&json!("0.00"), &Value::Null));
    let preview = tenant.get("PeriodService/PreviewPeriod", json!({"period": "2026-01"})).await;
    let uncredited = json!([{"dealId": "d", "eventId": "b", "eventDate": "2026-01-10", "payeeId": "cat"}]);
    assert_eq!((&preview["uncredited"], &preview["payees"]), (&uncredited, &Value::Null));
}
