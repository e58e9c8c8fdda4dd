//! Pace, forecast, and how far teams and territories are.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, payee, quota};

/// The figures of a quarter, from a list of attainments of one measure.
fn quarter(attainments: &Value) -> String {
    let of_quarter = |figures: &&Value| figures["window"].as_str().unwrap().contains("-Q");
    let figures = attainments.as_array().into_iter().flatten().find(of_quarter).unwrap();
    let names = ["credited", "quota", "attainmentPercent", "elapsedPercent", "expected", "pacePercent"];
    let more = ["forecastByPace", "daysLeft", "neededPerWeek"];
    let text = |name: &str| match &figures[name] {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        // JSON leaves a zero out.
        Value::Null if name == "daysLeft" => "0".to_string(),
        _ => "-".to_string(),
    };
    names.into_iter().chain(more).map(text).collect::<Vec<_>>().join(" ")
}

/// Total and members of a team: who, and the figures of the quarter.
async fn team(tenant: &Tenant, asked: Value) -> Vec<String> {
    let answer = tenant.get("EarningsService/GetTeamAttainment", asked).await;
    let members = answer["members"].as_array().into_iter().flatten();
    let member = |member: &Value| {
        format!("{} {}", member["payeeId"].as_str().unwrap(), quarter(&member["attainments"]))
    };
    std::iter::once(format!("total {}", quarter(&answer["totals"]))).chain(members.map(member)).collect()
}

/// The lead's team, which bob leaves for max's on 15 February; everyone sells.
async fn teams() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut bob = payee("bob", "rep", "lead");
    bob["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-02-15", "planId": "rep", "managerId": "lead", "territoryId": "north"},
        {"startDate": "2026-02-15", "planId": "rep", "managerId": "max"}]);
    let mut ann = payee("ann", "rep", "lead");
    ann["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-02-15", "planId": "rep", "managerId": "lead"},
        {"startDate": "2026-02-15", "planId": "rep", "managerId": "lead", "territoryId": "north"}]);
    let territory = json!({"territoryId": "north", "name": "North"});
    tenant.write("TerritoryService/UpsertTerritories", json!({ "territories": [territory] })).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("max", "lead", ""), ann, bob]})).await;
    let deals = [
        deal("a", "ann", "2026-01-20", "30000.00"),
        deal("b", "bob", "2026-02-10", "20000.00"),
        deal("c", "bob", "2026-02-20", "7000.00"),
        deal("l", "lead", "2026-01-05", "5000.00"),
    ];
    tenant.deals(&deals).await;
    tenant
}

#[tokio::test]
async fn members_of_a_team_sum_to_it_and_who_moves_is_a_part_of_both() {
    let tenant = teams().await;
    let asked = |team: &str, on: &str| json!({"teamOfPayeeId": team, "period": &on[..7], "onDate": on, "measureIds": ["own"]});
    // Of the quarter two months have passed. Bob was in the team on half of it, of which all has passed, with half of his
    // 100,000. The lead has no quota of its own sales: they count, and are not measured.
    assert_eq!(
        team(&tenant, asked("lead", "2026-02-28")).await,
        [
            "total 55000.00 150000.00 36.666667 - 116666.666667 47.142857 72500.00 31 21451.612903",
            "ann 30000.00 100000.00 30 66.666667 66666.666667 45 45000.00 31 15806.451613",
            "bob 20000.00 50000.00 40 100 50000.00 40 20000.00 0 -",
            "lead 5000.00 - - 66.666667 - - 7500.00 31 -",
        ]
    );
    // Half a month of one and a half has passed for bob here.
    assert_eq!(
        team(&tenant, asked("max", "2026-02-28")).await,
        [
            "total 7000.00 50000.00 14 - 16666.666667 42 21000.00 31 9709.677419",
            "bob 7000.00 50000.00 14 33.333333 16666.666667 42 21000.00 31 9709.677419",
            "max 0.00 - - 66.666667 - - 0.00 31 -",
        ]
    );
    // What is taken back counts on its own day in the team that it was credited in.
    let refund = json!({"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-03-05"});
    let mut refunded = deal("b", "bob", "2026-02-10", "20000.00");
    refunded["events"].as_array_mut().unwrap().push(refund);
    tenant.deals(&[refunded]).await;
    let lead = team(&tenant, asked("lead", "2026-03-31")).await;
    assert_eq!(lead[2], "bob 0.00 50000.00 0 100 50000.00 0 0.00 0 -");
    assert_eq!(lead[0], "total 35000.00 150000.00 23.333333 - 150000.00 23.333333 35000.00 0 -");
    assert_eq!(
        team(&tenant, asked("max", "2026-03-31")).await[1],
        "bob 7000.00 50000.00 14 100 50000.00 14 7000.00 0 -"
    );
}

#[tokio::test]
async fn a_territory_is_whoever_is_assigned_to_it_on_the_day() {
    let tenant = teams().await;
    let asked = json!({"territoryId": "north", "period": "2026-02", "measureIds": ["own"]});
    // Bob half the quarter, ann the other half: 14 of 28 days and one month of one and a half.
    assert_eq!(
        team(&tenant, asked).await,
        [
            "total 20000.00 100000.00 20 - 66666.666667 30 20000.00 31 18064.516129",
            "ann 0.00 50000.00 0 33.333333 16666.666667 0 0.00 31 11290.322581",
            "bob 20000.00 50000.00 40 100 50000.00 40 20000.00 0 -",
        ]
    );
}

#[tokio::test]
async fn members_come_in_pages_with_the_same_total() {
    let tenant = teams().await;
    let mut asked = json!({"teamOfPayeeId": "lead", "onDate": "2026-02-28", "pageSize": 1});
    let (mut members, mut totals) = (Vec::new(), Vec::new());
    loop {
        let page = tenant.get("EarningsService/GetTeamAttainment", asked.clone()).await;
        assert_eq!((&page["period"], &page["onDate"]), (&json!("2026-02"), &json!("2026-02-28")));
        members.extend(page["members"].as_array().unwrap().iter().map(|member| member["payeeId"].clone()));
        totals.push(page["totals"].clone());
        if page["nextPageToken"].is_null() {
            break;
        }
        // What is written meanwhile is not on the pages begun before.
        tenant.deals(&[deal("z", "ann", "2026-01-21", "1.00")]).await;
        asked["pageToken"] = page["nextPageToken"].clone();
    }
    assert_eq!(members, ["ann", "bob", "lead"]);
    // Without measures named those that members have a quota for and that sum: not what comes up the reporting line.
    assert_eq!((&totals[0][0]["measureId"], totals[0].as_array().unwrap().len()), (&json!("own"), 4));
    assert!(totals.iter().all(|total| *total == totals[0]));
}

#[tokio::test]
async fn a_team_is_seen_by_its_manager_and_those_above() {
    let tenant = teams().await;
    let rpc = "EarningsService/GetTeamAttainment";
    let (lead, ann) = (tenant.key("ROLE_PAYEE", "lead").await, tenant.key("ROLE_PAYEE", "ann").await);
    let own = lead.get(rpc, json!({"period": "2026-02"})).await;
    assert_eq!(own["members"].as_array().unwrap().len(), 3);
    // A payee without reports is a team of one.
    assert_eq!(ann.get(rpc, json!({"period": "2026-02"})).await["members"].as_array().unwrap().len(), 1);
    for (asked, noun, id) in [
        (json!({"teamOfPayeeId": "lead", "period": "2026-02"}), "payee", "lead"),
        (json!({"territoryId": "north", "period": "2026-02"}), "territory", "north"),
    ] {
        let expected = format!("NotFound NOT_FOUND: {noun} {id} not found\nid={id}\nresource={noun}");
        assert_eq!(ann.refused(rpc, asked).await, expected);
    }
    let absent = json!({"territoryId": "south", "period": "2026-02"});
    let expected = "NotFound NOT_FOUND: territory south not found\nid=south\nresource=territory";
    assert_eq!(tenant.refused(rpc, absent).await, expected);
    let unfit = json!({"teamOfPayeeId": "lead", "period": "2026-02", "measureIds": ["own", "won", "team"]});
    assert_eq!(
        tenant.refused(rpc, unfit).await,
        "FailedPrecondition REFERENCE_UNFIT: 2 fields do not fit what they name, the first: measure_ids[1] measure won does \
         not exist\ncount=2\nmeasure_ids[1]: measure won does not exist\n\
         measure_ids[2]: must count direct credits, or values that add up, to be summed, got team"
    );
}

#[tokio::test]
async fn a_sum_of_reports_is_not_counted_beside_what_it_is_the_sum_of() {
    let tenant = teams().await;
    let sum =
        json!({"payeeId": "lead", "measureId": "own", "window": "FY2026-Q1", "sumOfReportsMeasureId": "own"});
    let quotas = json!({"quotas": [sum, quota("ann", "own", "FY2026-Q1", "60000.00")]});
    tenant.write("QuotaService/SetQuotas", quotas).await;
    let asked = json!({"teamOfPayeeId": "lead", "period": "2026-03", "measureIds": ["own"]});
    let figures = team(&tenant, asked).await;
    assert_eq!(figures[0], "total 55000.00 110000.00 50 - 110000.00 50 55000.00 0 -");
    assert_eq!(figures[3], "lead 5000.00 - - 100 - - 5000.00 0 -");
}

#[tokio::test]
async fn a_mean_has_no_pace() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    for (id, combine) in [("csat", "COMBINE_AVERAGE"), ("calls", "COMBINE_SUM")] {
        let measure = json!({"measureId": id, "name": id, "outside": {"combine": combine}});
        tenant.write("MeasureService/DefineMeasures", json!({ "measures": [measure] })).await;
        let value = json!({"payeeId": "ann", "measureId": id, "date": "2026-01-31", "value": "4.5"});
        tenant.write("MeasureService/RecordValues", json!({ "values": [value] })).await;
        let goal = json!({"payeeId": "ann", "measureId": id, "window": "FY2026-Q1", "units": "9"});
        tenant.write("QuotaService/SetQuotas", json!({ "quotas": [goal] })).await;
    }
    let read = async |measure: &str| {
        let asked = json!({"payeeId": "ann", "period": "2026-01", "measureIds": [measure]});
        quarter(&tenant.get("EarningsService/GetAttainment", asked).await["attainments"])
    };
    assert_eq!(read("csat").await, "4.5 9 50 33.333333 - - - 59 -");
    assert_eq!(read("calls").await, "4.5 9 50 33.333333 3 150 13.5 59 0.533898");
}

#[tokio::test]
async fn open_deals_are_forecast_by_their_probability() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let open = |id: &str, owner: &str, amount: &str, probability: &str, closes: &str| {
        json!({"dealId": id, "ownerId": owner,
        "outcome": "OUTCOME_OPEN", "amount": amount, "probabilityPercent": probability, "closeDate": closes})
    };
    let mut shared = open("shared", "bob", "40000.00", "50", "2026-03-31");
    shared["splits"] =
        json!([{"payeeId": "ann", "splitPercent": "25"}, {"payeeId": "bob", "splitPercent": "75"}]);
    let deals = [
        deal("won", "ann", "2026-01-20", "30000.00"),
        open("tomorrow", "ann", "10000.00", "80", "2026-02-01"),
        shared,
        // Out of the quarter; overdue, be it by a day; without this or that.
        open("later", "ann", "1000.00", "90", "2026-04-01"),
        open("today", "ann", "1000.00", "90", "2026-01-31"),
        open("undated", "ann", "1000.00", "90", ""),
        open("unlikely", "ann", "1000.00", "", "2026-02-10"),
        open("worthless", "ann", "", "50", "2026-02-10"),
    ];
    tenant.deals(&deals).await;
    let read = async |payee: &str, measure: &str| {
        let asked =
            json!({"payeeId": payee, "period": "2026-01", "measureIds": [measure], "includePipeline": true});
        tenant.get("EarningsService/GetAttainment", asked).await["attainments"][1].clone()
    };
    // 10,000 x 80% + 40,000 x 25% x 50%.
    let ann = read("ann", "own").await;
    let expected = json!({"deals": 2, "weighted": "13000.00", "withoutCloseDate": 1, "overdue": 1, "withoutProbability": 1,
        "withoutAmount": 1, "firstLeftOutDealIds": ["today", "undated", "unlikely", "worthless"]});
    assert_eq!((&ann["forecastByPipeline"], &ann["openDeals"]), (&json!("43000.00"), &expected));
    // 40,000 x 75% x 50%; the lead has all of it.
    assert_eq!(read("bob", "own").await["forecastByPipeline"], "15000.00");
    let lead = read("lead", "team").await;
    assert_eq!((&lead["forecastByPipeline"], &lead["openDeals"]["deals"]), (&json!("58000.00"), &json!(2)));
    let asked =
        json!({"teamOfPayeeId": "lead", "period": "2026-01", "measureIds": ["own"], "includePipeline": true});
    let team = tenant.get("EarningsService/GetTeamAttainment", asked).await["totals"][1].clone();
    assert_eq!((&team["forecastByPipeline"], &team["openDeals"]["deals"]), (&json!("58000.00"), &json!(2)));
    // Not asked for, not told; nor of what is not the amount of a booking.
    let plain = json!({"payeeId": "ann", "period": "2026-01", "measureIds": ["own"]});
    let plain = tenant.get("EarningsService/GetAttainment", plain).await["attainments"][1].clone();
    assert_eq!((&plain["forecastByPipeline"], &plain["openDeals"]), (&Value::Null, &Value::Null));
    let wins = json!({"measureId": "wins", "name": "wins", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": "VALUE_COUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({ "measures": [wins] })).await;
    assert_eq!(read("ann", "wins").await["openDeals"], Value::Null);
}
