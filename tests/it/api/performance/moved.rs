//! Who sees whom in a team that people come to and leave: attainment is of whoever belongs to it on the last day that
//! counts, and nobody sees today by what holds only later.

use super::*;

/// A person who reports to one manager up to a day and to another from it on.
fn moved(id: &str, to: &[(&str, &str, &str)]) -> Value {
    let mut person = payee(id, "rep", "");
    let assignment = |(manager, from, until): &(&str, &str, &str)| {
        let dated = json!({"startDate": from, "planId": "rep", "managerId": manager, "title": "AE"});
        if until.is_empty() { dated } else { with(dated, json!({"endDate": until})) }
    };
    person["assignments"] = to.iter().map(assignment).collect();
    person
}

async fn two_teams() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let people = [
        payee("max", "lead", ""),
        moved("ann", &[("lead", "2026-01-01", "2026-02-01"), ("max", "2026-02-01", "")]),
        moved("eve", &[("max", "2026-01-01", "2090-01-01"), ("lead", "2090-01-01", "")]),
    ];
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": people })).await;
    tenant
        .deals(&[
            sold("d1", "ann", "2026-01-31", "30000.00", json!({})),
            sold("d2", "ann", "2026-02-10", "20000.00", json!({})),
            sold("d3", "bob", "2026-02-10", "1000.00", json!({})),
        ])
        .await;
    tenant
}

/// Members of a page with what they booked in the team and their attainment.
fn members(answer: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or("-").to_string();
    let line = |member: &Value| {
        let percent = text(&member["attainment"]["attainmentPercent"]);
        let (id, booked) = (text(&member["payeeId"]), text(&member["figures"]["booked"]));
        format!("{} {id} {booked} {percent}", member["place"].as_i64().unwrap_or_default())
    };
    answer["members"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn attainment_is_shown_of_whoever_belongs_to_the_team_on_the_last_day_that_counts() {
    let tenant = two_teams().await;
    let (lead, max) = (tenant.key("ROLE_PAYEE", "lead").await, tenant.key("ROLE_PAYEE", "max").await);
    let page = |on: &str| json!({"window": "FY2026-Q1", "onDate": on, "quotaMeasureId": "own"});
    // What ann sold for lead stays lead's; how far ann is by the end of March is told to max alone.
    let left = lead.get(TEAM, page("2026-03-31")).await;
    assert_eq!(members(&left), ["1 bob 1000.00 1", "0 ann 30000.00 -", "0 lead 0.00 -"]);
    let taken = max.get(TEAM, page("2026-03-31")).await;
    assert_eq!(members(&taken), ["1 ann 20000.00 50", "0 eve 0.00 -", "0 max 0.00 -"]);
    let asked = json!({"payeeId": "ann", "period": "2026-03"});
    let refused = lead.refused("EarningsService/GetAttainment", asked).await;
    assert!(refused.starts_with("NotFound"), "{refused}");
    // At the end of January ann was lead's.
    let january = lead.get(TEAM, page("2026-01-31")).await;
    assert_eq!(members(&january), ["1 ann 30000.00 30", "2 bob 0.00 0", "0 lead 0.00 -"]);
    let board = async |key: &Client| {
        let asked = with(quarter(json!(null)), json!({"figure": "FIGURE_ATTAINMENT", "measureId": "own"}));
        let answer = key.get(BOARD, asked).await;
        let lines = answer["lines"].as_array().cloned().unwrap_or_default();
        let lines: Vec<_> = lines.iter().map(|line| line["payeeId"].as_str().unwrap().to_string()).collect();
        (lines, answer["unplaced"].as_i64())
    };
    assert_eq!(board(&lead).await, (vec!["bob".to_string()], Some(2)));
    assert_eq!(board(&max).await, (vec!["ann".to_string()], Some(2)));
    let page = lead.get("PerformanceService/GetTeamPage", page("2026-03-31")).await;
    let page = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, page["page"].as_str().unwrap());
    assert!(!String::from_utf8(page.unwrap()).unwrap().contains("50.0 %"));
}

#[tokio::test]
async fn who_will_report_to_a_manager_is_not_seen_by_it_today() {
    let tenant = two_teams().await;
    let (lead, max) = (tenant.key("ROLE_PAYEE", "lead").await, tenant.key("ROLE_PAYEE", "max").await);
    let later = json!({"subject": {"payeeId": "eve"}, "fromPeriod": "2085-01", "toPeriod": "2090-01"});
    for asked in [later.clone(), with(later, json!({"onDate": "2090-01-31"}))] {
        let refused = lead.refused(PERFORMANCE, asked.clone()).await;
        assert_eq!(refused, "NotFound NOT_FOUND: payee eve not found\nid=eve\nresource=payee");
        assert_eq!(max.get(PERFORMANCE, asked).await["performance"]["toPeriod"], "2090-01");
    }
    // Nor by other calls, of a window in which it will be a member.
    for (rpc, asked) in [
        ("EarningsService/GetAttainment", json!({"payeeId": "eve", "period": "2090-01"})),
        ("EarningsService/GetStatement", json!({"payeeId": "eve", "period": "2090-01"})),
        ("QuotaService/ExplainQuota", json!({"payeeId": "eve", "measureId": "own", "window": "2090-01"})),
    ] {
        let refused = lead.refused(rpc, asked.clone()).await;
        assert_eq!(refused, "NotFound NOT_FOUND: payee eve not found\nid=eve\nresource=payee", "{rpc}");
        max.get(rpc, asked).await;
    }
    // Nor is its attainment on the page.
    let page = json!({"window": "2090-01", "onDate": "2090-01-31", "quotaMeasureId": "own"});
    let quota = json!({"quotas": [crate::harness::company::quota("eve", "own", "2090-01", "100.00")]});
    tenant.write("QuotaService/SetQuotas", quota).await;
    let members = members(&lead.get(TEAM, page).await);
    assert!(members.contains(&"0 eve 0.00 -".to_string()), "{members:?}");
}
