//! `PerformanceService`: figures worked by hand over the wire, parts, members, places, who may see what.

mod moved;
mod told;

use serde_json::{Value, json};

use crate::harness::client::Client;
use crate::harness::company::{deal, payee};
use crate::harness::{Server, Tenant};

const PERFORMANCE: &str = "PerformanceService/GetPerformance";
const PARTS: &str = "PerformanceService/ListPerformance";
const TEAM: &str = "PerformanceService/GetTeamPerformance";
const BOARD: &str = "PerformanceService/GetLeaderboard";

fn quarter(subject: Value) -> Value {
    json!({"subject": subject, "fromPeriod": "2026-01", "toPeriod": "2026-03", "onDate": "2026-03-31"})
}

fn with(mut asked: Value, more: Value) -> Value {
    for (field, value) in more.as_object().unwrap() {
        asked[field] = value.clone();
    }
    asked
}

fn person(id: &str, title: &str, manager: &str, territory: &str) -> Value {
    let mut person = payee(id, if title == "AE" { "rep" } else { "lead" }, manager);
    person["assignments"][0]["title"] = json!(title);
    person["assignments"][0]["territoryId"] = json!(territory);
    person
}

fn sold(id: &str, owner: &str, day: &str, amount: &str, more: Value) -> Value {
    let told = json!({"amount": amount, "closeDate": day, "customerId": "c1", "productId": "p1"});
    with(with(deal(id, owner, day, amount), told), more)
}

/// The company with titles and a territory, cat beside ann and bob, and a quarter of deals.
async fn company() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let territories = json!([{"territoryId": "north", "name": "North"}]);
    tenant.write("TerritoryService/UpsertTerritories", json!({ "territories": territories })).await;
    let people = [
        person("ann", "AE", "lead", "north"),
        person("bob", "AE", "lead", ""),
        person("cat", "AE", "lead", ""),
        person("dan", "AE", "", "north"),
        person("lead", "Manager", "", ""),
    ];
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": people })).await;
    let open = |id: &str, owner: &str, more: Value| {
        with(json!({"dealId": id, "ownerId": owner, "outcome": "OUTCOME_OPEN", "amount": "1000.00"}), more)
    };
    tenant
        .deals(&[
            sold("d1", "ann", "2026-01-31", "400.00", json!({"openDate": "2026-01-21", "cost": "100.00", "quantity": "4"})),
            sold("d2", "bob", "2026-02-10", "1000.00", json!({"openDate": "2026-02-05", "customerId": "c2",
                "attributes": {"sector": "retail"}, "splits": [{"payeeId": "ann", "role": "AE", "splitPercent": "33.333333"},
                {"payeeId": "bob", "role": "AE", "splitPercent": "66.666667"}]})),
            json!({"dealId": "d3", "ownerId": "ann", "outcome": "OUTCOME_LOST", "closeDate": "2026-03-02"}),
            open("d4", "ann", json!({"stage": "Proposal", "probabilityPercent": "25", "closeDate": "2026-03-20"})),
            open("d5", "cat", json!({"stage": "Discovery", "probabilityPercent": "10", "attributes": {"sector": "retail"}})),
            sold("d6", "dan", "2026-03-03", "50.00", json!({"customerId": "c1", "productId": "p2"})),
        ])
        .await;
    tenant
}

#[tokio::test]
async fn a_payee_reads_its_quarter_month_by_month() {
    let tenant = company().await;
    let asked = with(quarter(json!({"payeeId": "ann"})), json!({"comparePast": true, "comparePeers": true}));
    let answer = tenant.get(PERFORMANCE, asked).await;
    // 400; a third of 1,000; nothing in March, which is a hundred percent less.
    let nothing = json!({"booked": "0.00", "wonAmount": "0.00"});
    let expected = json!({
        "fromPeriod": "2026-01", "toPeriod": "2026-03", "onDate": "2026-03-31", "unit": "UNIT_MONEY", "currencyCode": "USD",
        "totals": {
            "booked": "733.33333", "marginAmount": "300.00", "marginBaseAmount": "400.00", "marginPercent": "75", "units": "4",
            "dealsWon": "1", "dealsLost": "1", "winRatePercent": "50", "averageDealAmount": "400.00", "dealsWithAmount": "1",
            "wonAmount": "400.00", "meanCycleDays": "10", "medianCycleDays": "10", "dealsWithCycle": "1", "newCustomers": "1",
        },
        "months": [
            {"period": "2026-01", "figures": {"booked": "400.00", "marginAmount": "300.00", "marginBaseAmount": "400.00",
                "marginPercent": "75", "units": "4", "dealsWon": "1", "winRatePercent": "100", "averageDealAmount": "400.00",
                "dealsWithAmount": "1", "wonAmount": "400.00", "meanCycleDays": "10", "medianCycleDays": "10",
                "dealsWithCycle": "1", "newCustomers": "1"}},
            {"period": "2026-02", "growthPercent": "-16.666668", "figures": {"booked": "333.33333", "wonAmount": "0.00"}},
            {"period": "2026-03", "growthPercent": "-100",
                "figures": {"booked": "0.00", "dealsLost": "1", "winRatePercent": "0", "wonAmount": "0.00"}},
        ],
        // 733.33333 of 100,000.
        "goals": [{"measureId": "own", "window": "FY2026-Q1", "credited": "733.33333", "quota": "100000.00",
            "attainmentPercent": "0.733333", "currencyCode": "USD", "unit": "UNIT_MONEY", "elapsedPercent": "100",
            "expected": "100000.00", "pacePercent": "0.733333", "forecastByPace": "733.33333"}],
        "spanBefore": nothing, "yearBefore": nothing,
    });
    assert_eq!(answer["performance"], expected);
    assert_eq!(answer["asOfChange"], tenant.head().await.to_string());
    // The same of a measure is what attainment credits; the team's is not ann's own.
    let booked =
        async |asked: Value| tenant.get(PERFORMANCE, asked).await["performance"]["totals"]["booked"].clone();
    let measure = |subject, id| with(quarter(subject), json!({"measureId": id}));
    assert_eq!(booked(measure(json!({"payeeId": "lead"}), "team")).await, "1400.00");
    assert_eq!(booked(measure(json!({"payeeId": "lead"}), "own")).await, "0.00");
    assert_eq!(booked(quarter(json!({"territoryId": "north"}))).await, "783.33333");
    assert_eq!(booked(quarter(json!({"company": true}))).await, "1450.00");
    assert_eq!(
        booked(with(quarter(json!({"company": true})), json!({"filter": {"productId": "p2"}}))).await,
        "50.00"
    );
    let retail = json!({"filter": {"segment": {"attribute": "sector", "value": "retail"}}});
    assert_eq!(booked(with(quarter(json!({"company": true})), retail)).await, "1000.00");
}

#[tokio::test]
async fn parts_of_all_pages_sum_to_the_whole() {
    let tenant = company().await;
    // Up to a day that is not over: there are open deals then.
    let asked = json!({"subject": {"company": true}, "fromPeriod": "2026-01", "toPeriod": "2035-12", "onDate": "2035-12-31"});
    let keys = async |dimension: &str, more: Value| {
        let asked = with(asked.clone(), json!({"dimension": dimension, "pageSize": 1}));
        let (mut asked, mut found) = (with(asked, more), Vec::new());
        loop {
            let page = tenant.get(PARTS, asked.clone()).await;
            for part in page["parts"].as_array().into_iter().flatten() {
                let figures = &part["figures"];
                let key = part["key"].as_str().unwrap_or_default();
                let pipeline = figures["pipeline"]["weightedAmount"].as_str().unwrap_or("-");
                found.push(format!("{key}|{}|{pipeline}", figures["booked"].as_str().unwrap()));
            }
            if page["nextPageToken"].is_null() {
                break;
            }
            asked["pageToken"] = page["nextPageToken"].clone();
        }
        found
    };
    assert_eq!(
        keys("DIMENSION_MONTH", json!({})).await,
        ["2026-01|400.00|-", "2026-02|1000.00|-", "2026-03|50.00|-"]
    );
    assert_eq!(
        keys("DIMENSION_MEMBER", json!({})).await,
        ["ann|733.33333|250.00", "bob|666.66667|0.00", "cat|0.00|100.00", "dan|50.00|0.00"]
    );
    assert_eq!(keys("DIMENSION_TERRITORY", json!({})).await, ["|666.66667|100.00", "north|783.33333|250.00"]);
    assert_eq!(
        keys("DIMENSION_PRODUCT", json!({})).await,
        ["|0.00|350.00", "p1|1400.00|0.00", "p2|50.00|0.00"]
    );
    assert_eq!(
        keys("DIMENSION_CUSTOMER", json!({})).await,
        ["|0.00|350.00", "c1|450.00|0.00", "c2|1000.00|0.00"]
    );
    assert_eq!(
        keys("DIMENSION_STAGE", json!({})).await,
        ["|1450.00|0.00", "Discovery|0.00|100.00", "Proposal|0.00|250.00"]
    );
    assert_eq!(
        keys("DIMENSION_SEGMENT", json!({"attribute": "sector"})).await,
        ["|450.00|250.00", "retail|1000.00|100.00"]
    );
}

#[tokio::test]
async fn a_managers_page_has_every_member_with_its_place() {
    let tenant = company().await;
    let asked = json!({"managerId": "lead", "window": "FY2026-Q1", "onDate": "2026-03-31", "pageSize": 3});
    let first = tenant.get(TEAM, asked.clone()).await;
    assert_eq!((first["window"].as_str(), first["memberCount"].as_i64()), (Some("FY2026-Q1"), Some(4)));
    assert_eq!(first["performance"]["totals"]["booked"], "1400.00");
    assert_eq!(first["performance"]["goals"][0]["credited"], "1400.00");
    let rest = tenant.get(TEAM, with(asked.clone(), json!({"pageToken": first["nextPageToken"]}))).await;
    assert!(rest["nextPageToken"].is_null());
    let line = |member: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_string();
        let (place, figures) = (member["place"].as_i64().unwrap_or_default(), &member["figures"]);
        let percent = text(&member["attainment"]["attainmentPercent"]);
        let (booked, manager) = (text(&figures["booked"]), text(&member["managerId"]));
        format!(
            "{place} {} {} {manager} {booked} {percent}",
            text(&member["payeeId"]),
            text(&member["title"])
        )
    };
    let members = [&first, &rest].into_iter().flat_map(|page| page["members"].as_array().unwrap());
    // 666.66667 of 100,000, a quarter of bob's year; cat has no quota, and the lead none of own bookings.
    assert_eq!(
        members.map(line).collect::<Vec<_>>(),
        [
            "1 ann AE lead 733.33333 0.733333",
            "2 bob AE lead 666.66667 0.666667",
            "0 cat AE lead 0.00 -",
            "0 lead Manager - 0.00 -"
        ]
    );
    let by_win_rate =
        tenant.get(TEAM, with(asked, json!({"rankBy": "FIGURE_WIN_RATE", "pageSize": 0}))).await;
    let places = by_win_rate["members"].as_array().unwrap().iter();
    let places: Vec<_> =
        places.map(|member| (member["payeeId"].as_str().unwrap(), member["place"].as_i64())).collect();
    assert_eq!(places, [("bob", Some(1)), ("ann", Some(2)), ("cat", None), ("lead", None)]);
}

#[tokio::test]
async fn equals_share_a_place_on_a_leaderboard() {
    let tenant = company().await;
    let board = async |more: Value| {
        let asked = with(quarter(json!({"company": true})), json!({"figure": "FIGURE_DEALS_WON"}));
        let answer = tenant.get(BOARD, with(asked, more)).await;
        let line = |line: &Value| {
            format!(
                "{} {} {}",
                line["place"],
                line["payeeId"].as_str().unwrap(),
                line["value"].as_str().unwrap()
            )
        };
        let lines: Vec<String> = answer["lines"].as_array().into_iter().flatten().map(line).collect();
        (lines, answer)
    };
    let (lines, answer) = board(json!({})).await;
    assert_eq!(lines, ["1 ann 1", "1 bob 1", "1 dan 1", "4 cat 0", "4 lead 0"]);
    assert_eq!((answer["placed"].as_i64(), answer["unit"].as_str()), (Some(5), Some("UNIT_NUMBER")));
    assert!(answer["currencyCode"].is_null());
    let (lines, answer) = board(json!({"figure": "FIGURE_AVERAGE_DEAL", "title": "AE"})).await;
    assert_eq!(lines, ["1 bob 1000.00", "2 ann 400.00", "3 dan 50.00"]);
    assert_eq!((answer["unplaced"].as_i64(), answer["currencyCode"].as_str()), (Some(1), Some("USD")));
    let (lines, _) = board(json!({"figure": "FIGURE_MEAN_CYCLE"})).await;
    assert_eq!(lines, ["1 bob 5", "2 ann 10"]);
    let (lines, _) = board(json!({"figure": "FIGURE_ATTAINMENT", "measureId": "own"})).await;
    assert_eq!(lines, ["1 ann 0.733333", "2 bob 0.666667"]);
    let (lines, answer) = board(json!({"pageSize": 2})).await;
    let (rest, _) = board(json!({"pageSize": 2, "pageToken": answer["nextPageToken"]})).await;
    assert_eq!([lines, rest].concat(), ["1 ann 1", "1 bob 1", "1 dan 1", "4 cat 0"]);
}

#[tokio::test]
async fn a_payees_key_sees_itself_its_team_and_those_below() {
    let tenant = company().await;
    let (ann, lead) = (tenant.key("ROLE_PAYEE", "ann").await, tenant.key("ROLE_PAYEE", "lead").await);
    let own = json!({"fromPeriod": "2026-01", "toPeriod": "2026-03"});
    let booked = |answer: Value| answer["performance"]["totals"]["booked"].clone();
    assert_eq!(booked(ann.get(PERFORMANCE, own.clone()).await), "733.33333");
    assert_eq!(booked(lead.get(PERFORMANCE, quarter(json!({"payeeId": "ann"}))).await), "733.33333");
    assert_eq!(booked(lead.get(PERFORMANCE, quarter(json!({"teamOfPayeeId": "lead"}))).await), "1400.00");
    assert_eq!(lead.get(TEAM, json!({"window": "FY2026-Q1"})).await["memberCount"], 4);
    let of = |resource: &str, id: &str| {
        format!("NotFound NOT_FOUND: {resource} {id} not found\nid={id}\nresource={resource}")
    };
    for (key, subject, resource, id) in [
        (&ann, json!({"payeeId": "bob"}), "payee", "bob"),
        (&ann, json!({"teamOfPayeeId": "lead"}), "payee", "lead"),
        (&ann, json!({"territoryId": "north"}), "territory", "north"),
        (&lead, json!({"payeeId": "dan"}), "payee", "dan"),
        (&lead, json!({"payeeId": "eve"}), "payee", "eve"),
        (&lead, json!({"company": true}), "subject", "company"),
    ] {
        assert_eq!(key.refused(PERFORMANCE, quarter(subject)).await, of(resource, id));
    }
    assert_eq!(tenant.refused(PERFORMANCE, quarter(json!({"payeeId": "eve"}))).await, of("payee", "eve"));
    assert_eq!(
        tenant.refused(PERFORMANCE, quarter(json!({"territoryId": "west"}))).await,
        of("territory", "west")
    );
}

#[tokio::test]
async fn figures_from_memory_are_those_of_the_database_and_of_the_past() {
    let tenant = company().await;
    let plain = Server::start(&tenant.options, &["--facts-memory", "0"]);
    let plain = Client { channel: plain.channel(), key: tenant.key.clone() };
    let all = json!({"company": true});
    // Up to a day that is not over: there are open deals then.
    let quarter =
        |subject: Value| with(quarter(subject), json!({"toPeriod": "2035-12", "onDate": "2035-12-31"}));
    let asked = [
        (PERFORMANCE, quarter(all.clone())),
        (PERFORMANCE, quarter(json!({"teamOfPayeeId": "lead"}))),
        (PARTS, with(quarter(all.clone()), json!({"dimension": "DIMENSION_SEGMENT", "attribute": "sector"}))),
        (TEAM, json!({"managerId": "lead", "window": "FY2026-Q1"})),
        (BOARD, with(quarter(all), json!({"figure": "FIGURE_WEIGHTED_PIPELINE"}))),
    ];
    let told = async |client: &Client, as_of: i64| {
        let mut told = Vec::new();
        for (rpc, asked) in &asked {
            told.push(client.get(rpc, with(asked.clone(), json!({"asOfChange": as_of.to_string()}))).await);
        }
        told
    };
    let before = tenant.head().await;
    let first = told(&tenant, 0).await;
    assert_eq!(first, told(&plain, 0).await);
    // The open deal is won, by somebody else; another one comes.
    let won = sold("d4", "bob", "2026-03-20", "1000.00", json!({}));
    let open = json!({"dealId": "d7", "ownerId": "ann", "outcome": "OUTCOME_OPEN", "amount": "7.00", "probabilityPercent": "50"});
    tenant.deals(&[won, open]).await;
    let second = told(&tenant, 0).await;
    assert_ne!(second, first);
    assert_eq!(second, told(&plain, 0).await);
    assert_eq!(told(&tenant, before).await, first);
    assert_eq!(second[0]["performance"]["totals"]["pipeline"]["weightedAmount"], "103.50");
}

#[tokio::test]
async fn what_is_wrong_with_a_request_is_all_said_at_once() {
    let tenant = company().await;
    let bad = json!({"subject": {"company": false}, "filter": {"productId": "a b", "segment": {"value": "x"}},
        "fromPeriod": "2026-13", "onDate": "soon", "currencyCode": "usd", "measureId": "-"});
    let refused = tenant.refused(PERFORMANCE, bad).await;
    for field in [
        "subject.company",
        "filter.product_id",
        "filter.segment.attribute",
        "from_period",
        "on_date",
        "currency_code",
        "measure_id",
    ] {
        assert!(refused.contains(&format!("\n{field}: ")), "{field} in {refused}");
    }
    let company = json!({"company": true});
    for (rpc, more, expected) in [
        (
            PERFORMANCE,
            json!({"fromPeriod": "2026-04"}),
            "to_period: must not be before from_period 2026-04, got 2026-03",
        ),
        (
            PERFORMANCE,
            json!({"fromPeriod": "2016-03"}),
            "from_period: must be at most 120 months to 2026-03, got 121",
        ),
        (
            PERFORMANCE,
            json!({"onDate": "2025-12-31"}),
            "on_date: must not be before the first day 2026-01-01, got 2025-12-31",
        ),
        (PERFORMANCE, json!({"measureId": "nope"}), "measure_id: measure nope does not exist"),
        (PERFORMANCE, json!({"subject": null}), "subject: must be given: this key belongs to no payee"),
        (PARTS, json!({}), "dimension: must be given"),
        (
            PARTS,
            json!({"dimension": "DIMENSION_STAGE", "attribute": "x"}),
            "attribute: must be empty without DIMENSION_SEGMENT, got \"x\"",
        ),
        (PARTS, json!({"dimension": "DIMENSION_SEGMENT"}), "attribute: must not be empty"),
        (BOARD, json!({}), "figure: must be given"),
        (
            BOARD,
            json!({"figure": "FIGURE_BOOKED", "subject": {"payeeId": "ann"}}),
            "subject.payee_id: must be a team, a territory or the company for a leaderboard",
        ),
        (
            BOARD,
            json!({"figure": "FIGURE_ATTAINMENT", "filter": {"productId": "p1"}}),
            "filter: must be empty for FIGURE_ATTAINMENT: quotas are of all deals",
        ),
        (
            BOARD,
            json!({"figure": "FIGURE_ATTAINMENT", "fromPeriod": "2025-12"}),
            "from_period: must be in one fiscal year with to_period for attainment",
        ),
    ] {
        let refused = tenant.refused(rpc, with(quarter(company.clone()), more)).await;
        assert!(refused.ends_with(&format!("\n{expected}")), "{refused}");
    }
    let window = tenant.refused(TEAM, json!({"managerId": "lead", "window": "Q1"})).await;
    assert!(window.ends_with("\"FY2026-H1\" or \"FY2026\", got \"Q1\""), "{window}");
    let csat = json!({"measureId": "csat", "name": "csat", "outside": {"combine": "COMBINE_SUM"}});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [csat]})).await;
    let refused = tenant.refused(PERFORMANCE, with(quarter(company), json!({"measureId": "csat"}))).await;
    assert!(refused.ends_with("measure_id: must count credits: csat is an outside measure"), "{refused}");
}
