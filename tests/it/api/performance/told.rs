//! What is told and what is not: pipelines of the past, growth of months that are not over, medians of few, problems of
//! others, measures of attainment.

use super::*;

async fn company_of(people: &[Value], deals: &[Value]) -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    if !people.is_empty() {
        tenant.write("PayeeService/UpsertPayees", json!({ "payees": people })).await;
    }
    tenant.deals(deals).await;
    tenant
}

fn months(answer: &Value) -> Vec<String> {
    let month = |month: &Value| {
        let (period, booked) = (month["period"].as_str().unwrap(), &month["figures"]["booked"]);
        format!("{period} {} {}", booked.as_str().unwrap(), month["growthPercent"].as_str().unwrap_or("-"))
    };
    answer["performance"]["months"].as_array().unwrap().iter().map(month).collect()
}

#[tokio::test]
async fn a_month_that_is_not_over_grows_against_the_same_days_of_the_one_before() {
    let deals = [
        sold("d1", "ann", "2026-01-10", "40000.00", json!({})),
        sold("d2", "ann", "2026-01-11", "70000.00", json!({})),
        sold("d3", "ann", "2026-02-10", "50000.00", json!({})),
        sold("d4", "bob", "2026-02-01", "100.00", json!({})),
        sold("d5", "bob", "2026-02-11", "200.00", json!({})),
        sold("d6", "bob", "2026-03-10", "150.00", json!({})),
    ];
    let tenant = company_of(&[], &deals).await;
    let of = async |who: &str, more: Value| {
        tenant.get(PERFORMANCE, with(quarter(json!({"payeeId": who})), more)).await
    };
    // 50,000 against 40,000 by the 10th; March has not begun.
    let cut = of("ann", json!({"onDate": "2026-02-10"})).await;
    assert_eq!(months(&cut), ["2026-01 110000.00 -", "2026-02 50000.00 25", "2026-03 0.00 -"]);
    let over = of("ann", json!({})).await;
    assert_eq!(months(&over), ["2026-01 110000.00 -", "2026-02 50000.00 -54.545455", "2026-03 0.00 -100"]);
    // 150 against 100 by the 10th, the month as the span.
    let march = of("bob", json!({"fromPeriod": "2026-03", "onDate": "2026-03-10"})).await;
    assert_eq!(months(&march), ["2026-03 150.00 50"]);
    assert_eq!(march["performance"]["growthPercent"], "50");
    // A span that is over is compared in whole months: 150 against 300.
    let later = of("bob", json!({"fromPeriod": "2026-03", "onDate": "2026-05-10"})).await;
    assert_eq!(months(&later), ["2026-03 150.00 -50"]);
}

#[tokio::test]
async fn a_pipeline_is_of_now_and_the_past_has_none() {
    let tenant = company().await;
    let later = json!({"dealId": "d8", "ownerId": "ann", "outcome": "OUTCOME_OPEN", "amount": "500.00", "closeDate": "2090-03-01"});
    tenant.deals(&[later]).await;
    let at = |from: &str, to: &str, on: &str| json!({"subject": {"company": true}, "fromPeriod": from, "toPeriod": to, "onDate": on});
    let past = at("2020-01", "2020-03", "2020-03-31");
    let cut = at("2020-01", "2029-12", "2020-03-31");
    let ahead = at("2090-01", "2090-03", "2090-03-31");
    let answer = tenant.get(PERFORMANCE, past.clone()).await;
    assert_eq!(
        (&answer["performance"]["totals"]["pipeline"], &answer["performance"]["stages"]),
        (&json!(null), &json!(null))
    );
    assert!(tenant.get(PERFORMANCE, cut).await["performance"]["totals"]["pipeline"].is_null());
    // Looked at from a later day, the same span has what is open then; nothing of it is expected in it.
    let since = tenant.get(PERFORMANCE, with(past.clone(), json!({"onDate": "2090-03-31"}))).await;
    let open = &since["performance"]["totals"]["pipeline"];
    assert_eq!((&open["deals"], &open["expectedAmount"]), (&json!("3"), &json!("0.00")));
    let now = tenant.get(PERFORMANCE, with(ahead.clone(), json!({"onDate": "2090-02-28"}))).await;
    // d4 with its chance of a quarter, d5 with that of a tenth and no day, d8 after the day, of a known customer.
    let whole = json!({"deals": "3", "amount": "2500.00", "weightedAmount": "350.00", "unlikelyAmount": "500.00",
        "expectedAmount": "500.00", "expectedWeightedAmount": "0.00"});
    let stage = |name: &str, amount: &str, weighted: &str| {
        json!({"stage": name, "pipeline": {"deals": "1", "amount": amount,
        "weightedAmount": weighted, "unlikelyAmount": "0.00", "expectedAmount": "0.00", "expectedWeightedAmount": "0.00"}})
    };
    assert_eq!(now["performance"]["totals"]["pipeline"], whole);
    assert_eq!(now["performance"]["stages"][0], stage("Proposal", "1000.00", "250.00"));
    assert_eq!(now["performance"]["stages"][1], stage("Discovery", "1000.00", "100.00"));
    // Nor have its parts, its members, its order.
    let parts = json!({"dimension": "DIMENSION_STAGE"});
    assert!(tenant.get(PARTS, with(past.clone(), parts.clone())).await["parts"].is_null());
    let stages = tenant.get(PARTS, with(ahead.clone(), parts)).await;
    assert_eq!(stages["parts"][1]["figures"]["pipeline"]["amount"], "1000.00");
    let board = json!({"figure": "FIGURE_PIPELINE"});
    let placed = async |asked: Value| tenant.get(BOARD, with(asked, board.clone())).await["placed"].clone();
    assert_eq!((placed(past).await, placed(ahead).await), (json!(null), json!(5)));
    let page = async |window: &str| tenant.get(TEAM, json!({"managerId": "lead", "window": window})).await;
    let (then, later) = (page("2026-01").await, page("2090-01").await);
    let member = |page: &Value| page["members"][0]["figures"]["pipeline"].clone();
    assert_eq!((&then["performance"]["totals"]["pipeline"], member(&then)), (&json!(null), json!(null)));
    assert!(later["performance"]["totals"]["pipeline"].is_object() && member(&later).is_object());
}

#[tokio::test]
async fn a_median_is_of_five_peers_whose_figures_are_all_told() {
    let people: Vec<Value> =
        ["ann", "bob", "cat", "dan", "eve", "fay"].map(|id| person(id, "AE", "lead", "")).to_vec();
    let deals = [
        sold("d1", "ann", "2026-01-31", "400.00", json!({})),
        sold("d2", "bob", "2026-02-10", "600.00", json!({})),
        sold("d3", "dan", "2026-03-01", "50.00", json!({})),
        sold("d4", "eve", "2026-03-01", "70.00", json!({})),
        sold("d5", "fay", "2026-03-01", "10.00", json!({})),
    ];
    let tenant = company_of(&people, &deals).await;
    tenant
        .write(
            "TerritoryService/UpsertTerritories",
            json!({"territories": [{"territoryId": "t", "name": "T"}]}),
        )
        .await;
    let asked = with(quarter(json!({"payeeId": "ann"})), json!({"comparePeers": true}));
    // 0, 10, 50, 70, 600; a win rate have four.
    let medians = json!([
        {"figure": "FIGURE_BOOKED", "value": "50.00", "peers": 5},
        {"figure": "FIGURE_DEALS_WON", "value": "1", "peers": 5},
        {"figure": "FIGURE_NEW_CUSTOMERS", "value": "0", "peers": 5},
    ]);
    assert_eq!(tenant.get(PERFORMANCE, asked.clone()).await["performance"]["peerMedians"], medians);
    // What fay sold cannot be told, and is not nothing: four are too few. That is no problem of ann's.
    let euros = sold("d5", "fay", "2026-03-01", "10.00", json!({"currencyCode": "EUR"}));
    tenant.deals(&[euros]).await;
    let answer = tenant.get(PERFORMANCE, asked).await;
    assert_eq!(answer["performance"]["peerMedians"], json!(null));
    assert_eq!(answer["performance"]["problems"], json!(null));
}

#[tokio::test]
async fn only_what_is_asked_for_has_problems() {
    let euros = |id: &str, day: &str| sold(id, "ann", day, "10.00", json!({"currencyCode": "EUR"}));
    let tenant = company_of(&[], &[euros("d1", "2026-03-01"), euros("d2", "2027-03-01")]).await;
    let asked = json!({"subject": {"payeeId": "ann"}, "toPeriod": "2027-03", "onDate": "2027-03-31"});
    let problems = async |more: Value| {
        tenant.get(PERFORMANCE, with(asked.clone(), more)).await["performance"]["problems"].clone()
    };
    let lacks = |deal: &str, on: &str| {
        format!("deal {deal} needs a rate of EUR on or before {on}, and there is none")
    };
    let (first, second) = (lacks("d1", "2026-03-01"), lacks("d2", "2027-03-01"));
    assert_eq!(problems(json!({})).await, json!([second]));
    assert_eq!(problems(json!({"comparePast": true})).await, json!([first, second]));
}

#[tokio::test]
async fn places_by_attainment_are_of_one_measure() {
    let tenant = company().await;
    let calls = json!({"measureId": "calls", "name": "calls", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": "VALUE_COUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [calls]})).await;
    let number =
        |id: &str, window: &str| json!({"payeeId": id, "measureId": "calls", "window": window, "units": "1"});
    // Before `own` by id, but of ann alone in the quarter.
    let quotas = [number("ann", "FY2026-Q1"), number("bob", "FY2026-Q3"), number("cat", "FY2026-Q3")];
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    let page = async |more: Value| {
        let asked = json!({"managerId": "lead", "window": "FY2026-Q1", "onDate": "2026-03-31"});
        let answer = tenant.get(TEAM, with(asked, more)).await;
        let place = |member: &Value| {
            let attainment = &member["attainment"];
            let percent = attainment["attainmentPercent"].as_str().unwrap_or("-").to_string();
            format!(
                "{} {} {percent}",
                member["place"].as_i64().unwrap_or_default(),
                member["payeeId"].as_str().unwrap()
            )
        };
        let members: Vec<String> = answer["members"].as_array().unwrap().iter().map(place).collect();
        (answer["quotaMeasureId"].clone(), members)
    };
    let (measure, members) = page(json!({})).await;
    assert_eq!(measure, "own");
    assert_eq!(members, ["1 ann 0.733333", "2 bob 0.666667", "0 cat -", "0 lead -"]);
    // One deal, and a third of another.
    let (measure, members) = page(json!({"quotaMeasureId": "calls"})).await;
    assert_eq!((measure, members[0].as_str()), (json!("calls"), "1 ann 133.333333"));
    let asked = with(quarter(json!({"teamOfPayeeId": "lead"})), json!({"figure": "FIGURE_ATTAINMENT"}));
    let board = tenant.get(BOARD, asked).await;
    assert_eq!(
        (&board["quotaMeasureId"], &board["placed"], &board["unplaced"]),
        (&json!("own"), &json!(2), &json!(2))
    );
}
