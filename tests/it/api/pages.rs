//! Lists in pages: nothing twice, nothing missing, all of one journal number, whoever writes meanwhile.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, payee, plan, quota};

const INVALID: &str = "InvalidArgument PAGE_TOKEN_INVALID: the page token is of another query or none of ours: send it \
                       with the same parameters";

/// A list: its rpc, parameters, the field of its items, how many the test makes.
type List = (&'static str, Value, &'static str, usize);

fn lists(import: &Value) -> Vec<List> {
    let day = "2026-02-15";
    vec![
        ("PayeeService/ListPayees", json!({}), "payees", 7),
        ("PayeeService/ListPayees", json!({"managerId": "lead", "onDate": day}), "payees", 6),
        ("PayeeService/ListPayees", json!({"planId": "rep"}), "payees", 6),
        ("PayeeService/GetReportingLine", json!({"payeeId": "lead", "onDate": day}), "reports", 6),
        ("DealService/ListDeals", json!({}), "deals", 5),
        ("DealService/ListDeals", json!({"ownerId": "ann", "outcome": "OUTCOME_WON"}), "deals", 3),
        ("DealService/ListRejectedRows", json!({ "changeNumber": import }), "rejectedRows", 5),
        ("MeasureService/ListMeasures", json!({}), "measures", 6),
        ("MeasureService/ListValues", json!({}), "values", 6),
        ("MeasureService/ListValues", json!({"payeeId": "ann", "endDate": "2026-04-01"}), "values", 3),
        ("QuotaService/ListQuotas", json!({}), "quotas", 7),
        ("QuotaService/ListQuotas", json!({"measureId": "own"}), "quotas", 6),
        ("QuotaService/ListQuotas", json!({ "onDate": day }), "quotas", 7),
        ("PlanService/ListPlans", json!({}), "planVersions", 5),
        ("PlanService/ListPlans", json!({ "onDate": day }), "planVersions", 5),
        (
            "PerformanceService/ListPerformance",
            json!({"subject": {"company": true}, "fromPeriod": "2026-01", "toPeriod": "2026-02", "dimension": "DIMENSION_MEMBER"}),
            "parts",
            2,
        ),
        (
            "PerformanceService/GetTeamPerformance",
            json!({"managerId": "lead", "window": "FY2026-Q1"}),
            "members",
            7,
        ),
        (
            "PerformanceService/GetLeaderboard",
            json!({"subject": {"company": true}, "fromPeriod": "2026-01", "toPeriod": "2026-02", "figure": "FIGURE_BOOKED"}),
            "lines",
            7,
        ),
        ("PeriodService/PreviewPeriod", json!({"period": "2026-02"}), "payees", 3),
        ("PeriodService/ListPostings", json!({}), "postings", 6),
        ("PeriodService/ListPostings", json!({"payeeId": "ann"}), "postings", 2),
        ("AdminService/ListKeys", json!({}), "keys", 5),
        ("AdminService/ListChanges", json!({"afterChange": "2"}), "changes", 17),
        ("AdminService/ListChanges", json!({"filter": {"noun": "NOUN_PAYEE"}}), "changes", 2),
        ("AdminService/ListTouched", json!({"changeNumber": "9", "noun": "NOUN_QUOTA"}), "keys", 4),
    ]
}

fn value(payee: &str, date: &str) -> Value {
    json!({"payeeId": payee, "measureId": "csat", "date": date, "value": "1"})
}

/// A company with a few of everything, a month closed, and an import that set rows aside: its change.
async fn furnished(tenant: &Tenant) -> Value {
    tenant.company().await;
    let payees: Vec<_> = ["p1", "p2", "p3", "p4"].iter().map(|id| payee(id, "rep", "lead")).collect();
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": payees })).await;
    let quotas: Vec<_> =
        ["p1", "p2", "p3", "p4"].iter().map(|id| quota(id, "own", "FY2026", "1000.00")).collect();
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    let measure = |id: &str| json!({"measureId": id, "name": id, "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH", "value": "VALUE_AMOUNT"});
    let csat = json!({"measureId": "csat", "name": "csat", "outside": {"combine": "COMBINE_SUM"}});
    let measures = json!({"measures": [measure("m1"), measure("m2"), measure("m3"), csat]});
    tenant.write("MeasureService/DefineMeasures", measures).await;
    for id in ["x1", "x2", "x3"] {
        let plan = plan(id, "own", "WINDOW_MONTH", &[("0", "1")]);
        tenant.write("PlanService/PublishPlan", plan).await;
    }
    for role in ["ROLE_AUDITOR", "ROLE_PAYROLL", "ROLE_SERVICE", "ROLE_ADMIN"] {
        tenant.key(role, "").await;
    }
    let deals = [
        deal("d1", "ann", "2026-01-10", "1000.00"),
        deal("d2", "bob", "2026-01-11", "2000.00"),
        deal("d3", "ann", "2026-02-10", "3000.00"),
        deal("d4", "bob", "2026-02-11", "4000.00"),
        deal("d5", "ann", "2026-02-12", "5000.00"),
    ];
    tenant.deals(&deals).await;
    let months = |payee: &'static str, months| {
        (1..=months).map(move |month| value(payee, &format!("2026-{month:02}-28")))
    };
    let values: Vec<_> = months("ann", 4).chain(months("bob", 2)).collect();
    tenant.write("MeasureService/RecordValues", json!({ "values": values })).await;
    tenant.close("2026-01").await;
    let header = json!({"header": {"requestId": "import", "source": "crm"}});
    let rows: Vec<_> = (2..7).map(|row| json!({"rowNumber": row, "deal": {"dealId": "-"}})).collect();
    let answer =
        tenant.stream("DealService/ImportDeals", vec![header, json!({"batch": {"rows": rows}})]).await;
    answer.unwrap().remove(0)["receipt"]["changeNumber"].clone()
}

/// Writes something into the middle of every list but those of the past.
async fn meddle(tenant: &Tenant, number: usize) {
    let id = |before: &str| format!("{before}-{number}");
    let payees = json!({"payees": [payee(&id("ann"), "rep", "lead"), payee(&id("p2"), "rep", "lead")]});
    tenant.write("PayeeService/UpsertPayees", payees).await;
    let quotas = json!({"quotas": [quota(&id("ann"), "own", "FY2026", "5.00"), quota("p3", "own", "FY2026-Q1", "5.00")]});
    tenant.write("QuotaService/SetQuotas", quotas).await;
    let values = json!({"values": [value("ann", &format!("2026-02-{:02}", number % 27 + 1))]});
    tenant.write("MeasureService/RecordValues", values).await;
    let measure = json!({"measureId": id("m1"), "name": "n", "eventType": "TYPE_PAID", "credit": "CREDIT_DIRECT",
        "value": "VALUE_AMOUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [measure]})).await;
    tenant.write("PlanService/PublishPlan", plan(&id("x1"), "own", "WINDOW_MONTH", &[("0", "1")])).await;
    tenant.key("ROLE_AUDITOR", "").await;
    tenant
        .deals(&[
            deal(&id("d1"), &id("ann"), "2026-02-10", "100.00"),
            deal(&id("d4"), "ann", "2026-02-11", "1.00"),
        ])
        .await;
}

#[tokio::test]
async fn pages_hold_everything_once_while_others_write() {
    let tenant = Tenant::new().await;
    let import = furnished(&tenant).await;
    for (place, (rpc, parameters, field, count)) in lists(&import).into_iter().enumerate() {
        let asked = |size: u32, token: &Value| {
            let mut asked = parameters.clone();
            asked["pageSize"] = json!(size);
            asked["pageToken"] = token.clone();
            asked
        };
        let whole = tenant.get(rpc, asked(1000, &json!(""))).await;
        let expected = whole[field].as_array().unwrap_or_else(|| panic!("{rpc}: {whole}")).clone();
        assert!(whole["nextPageToken"].is_null());
        let (mut found, mut token, mut pages) = (Vec::new(), json!(""), 0);
        loop {
            let page = tenant.get(rpc, asked(2, &token)).await;
            let items = page[field].as_array().unwrap().clone();
            assert!(items.len() <= 2, "{rpc}");
            found.extend(items);
            pages += 1;
            assert_eq!(page["asOfChange"], whole["asOfChange"], "{rpc}");
            if page["nextPageToken"].is_null() {
                break;
            }
            token = page["nextPageToken"].clone();
            if pages == 1 {
                meddle(&tenant, place).await;
            }
        }
        assert_eq!(found, expected, "{rpc} {parameters}");
        assert_eq!(pages, expected.len().div_ceil(2), "{rpc} {parameters}");
        assert!(expected.len() >= count && whole["asOfChange"].is_string(), "{rpc}: {}", expected.len());
    }
}

#[tokio::test]
async fn a_page_token_serves_its_own_query_only() {
    let (tenant, other) = (Tenant::new().await, Tenant::new().await);
    let import = furnished(&tenant).await;
    furnished(&other).await;
    let mut earlier: Option<Value> = None;
    for (rpc, parameters, field, ..) in lists(&import) {
        let mut first = parameters.clone();
        first["pageSize"] = json!(1);
        let token = tenant.get(rpc, first).await["nextPageToken"].clone();
        let with = |token: &str| {
            let mut asked = parameters.clone();
            asked["pageToken"] = json!(token);
            asked
        };
        let text = token.as_str().unwrap_or_else(|| panic!("{rpc} has one page"));
        // Another page size is no other query.
        let mut wider = with(text);
        wider["pageSize"] = json!(1000);
        assert!(!tenant.get(rpc, wider).await[field].as_array().unwrap().is_empty());
        let cut = &text[..text.len() - 4];
        for bad in [cut, "AAAA", "%%%", &format!("{text}="), &text.to_lowercase()] {
            assert_eq!(tenant.refused(rpc, with(bad)).await, INVALID, "{rpc} {bad}");
        }
        assert_eq!(other.refused(rpc, with(text)).await, INVALID, "{rpc} of another tenant");
        if let Some(earlier) = &earlier {
            let foreign = with(earlier.as_str().unwrap());
            assert_eq!(tenant.refused(rpc, foreign).await, INVALID, "{rpc} with the token of another list");
        }
        earlier = Some(token);
    }
    let first = json!({"ownerId": "ann", "pageSize": 1});
    let token = tenant.get("DealService/ListDeals", first).await["nextPageToken"].clone();
    for other in [json!({"ownerId": "bob"}), json!({}), json!({"ownerId": "ann", "asOfChange": "9"})] {
        let mut asked = other;
        asked["pageToken"] = token.clone();
        assert_eq!(tenant.refused("DealService/ListDeals", asked).await, INVALID);
    }
}

#[tokio::test]
async fn page_sizes_are_bounded() {
    let tenant = Tenant::new().await;
    for size in [-1, 1001] {
        let refused = tenant.refused("PayeeService/ListPayees", json!({ "pageSize": size })).await;
        let expected = format!(
            "InvalidArgument INVALID_REQUEST: page_size must be 0 to 1000, got {size}\n\
             page_size: must be 0 to 1000, got {size}"
        );
        assert_eq!(refused, expected);
    }
    let nothing = tenant.get("PayeeService/ListPayees", json!({"pageSize": 1000})).await;
    assert_eq!(nothing, json!({"asOfChange": "1"}));
}

#[tokio::test]
async fn a_page_of_large_items_is_cut_and_goes_on() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // Some 50 KB each: twenty to the 1 MiB of a page, and 100 of them more than an answer may hold.
    let attributes: Value =
        (0..50).map(|n| (format!("a{n}"), json!("x".repeat(500)))).collect::<serde_json::Map<_, _>>().into();
    let large = |number: usize| {
        let mut deal = deal(&format!("d{number:03}"), "ann", "2026-01-10", "1.00");
        deal["attributes"] = attributes.clone();
        deal["name"] = json!("ü".repeat(500));
        deal
    };
    for part in 0..4 {
        let deals: Vec<_> = (0..50).map(|number| large(part * 50 + number)).collect();
        tenant.deals(&deals).await;
    }
    let (mut found, mut token, mut pages) = (Vec::new(), json!(""), 0);
    loop {
        let page = tenant.get("DealService/ListDeals", json!({"pageSize": 1000, "pageToken": token})).await;
        let deals = page["deals"].as_array().unwrap().clone();
        let bytes: usize = deals.iter().map(|deal| deal.to_string().len()).sum();
        assert!(bytes < 2 << 20, "{bytes}");
        found.extend(deals.iter().map(|deal| deal["dealId"].as_str().unwrap().to_string()));
        pages += 1;
        token = page["nextPageToken"].clone();
        if token.is_null() {
            break;
        }
    }
    assert_eq!(found, (0..200).map(|number| format!("d{number:03}")).collect::<Vec<_>>());
    assert_eq!(pages, 6);
}
