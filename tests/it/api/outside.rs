//! Outside measures: values recorded, listed, corrected and taken back.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, plan};

/// A company that measures satisfaction by its mean: change 8.
async fn company() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let csat = json!({"measureId": "csat", "name": "Satisfaction", "step": "0.1", "outside": {"combine": "COMBINE_AVERAGE"}});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [csat]})).await;
    tenant
}

fn value(payee: &str, date: &str, value: &str) -> Value {
    json!({"payeeId": payee, "measureId": "csat", "date": date, "value": value})
}

fn removed(payee: &str, date: &str) -> Value {
    json!({"payeeId": payee, "measureId": "csat", "date": date, "removed": true})
}

async fn record(tenant: &Tenant, values: &[Value]) -> Value {
    tenant.write("MeasureService/RecordValues", json!({ "values": values })).await["receipt"].clone()
}

async fn listed(tenant: &Tenant, asked: Value) -> Vec<String> {
    let listed = tenant.get("MeasureService/ListValues", asked).await["values"].clone();
    let text = |value: &Value| {
        let field = |name: &str| value[name].as_str().unwrap().to_string();
        [field("payeeId"), field("date"), field("value"), field("etag")].join(" ")
    };
    listed.as_array().into_iter().flatten().map(text).collect()
}

#[tokio::test]
async fn values_are_listed_as_they_are_and_as_they_were() {
    let tenant = company().await;
    let first = [
        value("bob", "2026-01-31", "4.60"),
        value("ann", "2026-02-01", "-1"),
        value("ann", "2026-01-31", "5"),
    ];
    assert_eq!(record(&tenant, &first).await, json!({"changeNumber": "9", "written": "3"}));
    let second =
        [value("ann", "2026-01-31", "4"), removed("ann", "2026-02-01"), value("bob", "2026-01-31", "4.6")];
    let receipt = json!({"changeNumber": "10", "written": "2", "unchanged": "1"});
    assert_eq!(record(&tenant, &second).await, receipt);
    let now = ["ann 2026-01-31 4 10", "bob 2026-01-31 4.6 9"];
    assert_eq!(listed(&tenant, json!({})).await, now);
    let then = ["ann 2026-01-31 5 9", "ann 2026-02-01 -1 9", "bob 2026-01-31 4.6 9"];
    assert_eq!(listed(&tenant, json!({"asOfChange": "9"})).await, then);
    for (asked, expected) in [
        (json!({"payeeId": "bob"}), &then[2..]),
        (json!({"measureId": "csat", "startDate": "2026-02-01"}), &then[1..2]),
        (json!({"endDate": "2026-02-01", "payeeId": "ann"}), &then[..1]),
        (json!({"measureId": "own"}), &[]),
    ] {
        let mut asked = asked;
        asked["asOfChange"] = json!("9");
        assert_eq!(listed(&tenant, asked.clone()).await, expected, "{asked}");
    }
    let read = tenant.get("MeasureService/ListMeasures", json!({})).await["measures"][0].clone();
    let defined = json!({"measureId": "csat", "name": "Satisfaction", "step": "0.1", "etag": "8",
        "outside": {"combine": "COMBINE_AVERAGE"}});
    assert_eq!(read, defined);
    let touched = tenant.get("AdminService/ListChanges", json!({"afterChange": "9"})).await;
    assert_eq!(
        touched["changes"][0]["touched"],
        json!([{"noun": "NOUN_OUTSIDE_VALUE", "added": "2", "superseded": "2",
            "keys": ["ann/csat/2026-01-31", "ann/csat/2026-02-01"]}])
    );
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn the_highest_source_version_stands_and_what_is_taken_back_stays_so() {
    let tenant = company().await;
    let at = |mut value: Value, version: i64| {
        value["sourceVersion"] = json!(version.to_string());
        value
    };
    record(&tenant, &[at(value("ann", "2026-01-31", "4"), 2), value("bob", "2026-01-31", "3")]).await;
    let stale = record(&tenant, &[at(value("ann", "2026-01-31", "5"), 1)]).await;
    let receipt = json!({"changeNumber": "10", "stale": "1", "firstStaleIds": ["ann/csat/2026-01-31"]});
    assert_eq!(stale, receipt);
    record(&tenant, &[at(removed("ann", "2026-01-31"), 3)]).await;
    assert_eq!(record(&tenant, &[at(value("ann", "2026-01-31", "4"), 2)]).await["stale"], "1");
    assert_eq!(listed(&tenant, json!({})).await, ["bob 2026-01-31 3 9"]);
    // What was taken back has the number of that change.
    let mut late = at(value("ann", "2026-01-31", "4.5"), 4);
    late["etag"] = json!("9");
    let message = "expects change 9, but value ann/csat/2026-01-31 was last written by change 11";
    assert_eq!(
        tenant.refused_write("MeasureService/RecordValues", json!({"values": [late]})).await,
        format!(
            "Aborted ETAG_MISMATCH: values[0].etag {message}\nactual=11\ncount=1\nexpected=9\n\
             id=ann/csat/2026-01-31\nresource=value\nvalues[0].etag: {message}"
        )
    );
    late["etag"] = json!("11");
    assert_eq!(record(&tenant, &[late]).await["written"], "1");
}

#[tokio::test]
async fn values_name_payees_and_outside_measures_that_exist() {
    let tenant = company().await;
    let head = tenant.head().await;
    let mut values =
        [value("eve", "2026-01-31", "1"), value("ann", "2026-01-31", "1"), value("ann", "2026-02-01", "1")];
    values[1]["measureId"] = json!("nps");
    let unknown = "FailedPrecondition REFERENCE_UNKNOWN: 2 names are unknown, the first: values[0].payee_id payee eve does not exist\n\
                   count=2\n\
                   values[0].payee_id: payee eve does not exist\n\
                   values[1].measure_id: measure nps does not exist";
    let refused = async |values: &[Value]| {
        tenant.refused_write("MeasureService/RecordValues", json!({ "values": values })).await
    };
    assert_eq!(refused(&values).await, unknown);
    values[2]["measureId"] = json!("own");
    assert_eq!(
        refused(&values[2..]).await,
        "FailedPrecondition REFERENCE_UNFIT: values[0].measure_id must be an outside measure, own counts credits\n\
         count=1\n\
         values[0].measure_id: must be an outside measure, own counts credits"
    );
    assert_eq!(tenant.head().await, head);
}

#[tokio::test]
async fn a_measure_with_values_never_changes() {
    let tenant = company().await;
    let last = json!({"measures": [{"measureId": "csat", "name": "Satisfaction", "outside": {"combine": "COMBINE_LAST"}}]});
    tenant.write("MeasureService/DefineMeasures", last.clone()).await;
    record(&tenant, &[value("ann", "2026-01-31", "4")]).await;
    tenant.write("MeasureService/DefineMeasures", last.clone()).await;
    let mut credits = last;
    credits["measures"][0] = json!({"measureId": "csat", "name": "Satisfaction", "eventType": "TYPE_BOOKED",
        "credit": "CREDIT_DIRECT", "value": "VALUE_AMOUNT"});
    assert_eq!(
        tenant.refused_write("MeasureService/DefineMeasures", credits).await,
        "FailedPrecondition MEASURE_IN_USE: a plan, a quota or a value names csat, which therefore cannot change\n\
         measures=csat\n\
         measures[0]: csat is named by a plan, a quota or a value and never changes: define another"
    );
}

#[tokio::test]
async fn rates_are_paid_on_credits_only() {
    let tenant = company().await;
    let mut rates = plan("fixed", "csat", "WINDOW_MONTH", &[]);
    let component = &mut rates["plan"]["components"][0];
    component["rates"]["rateKind"] = json!("RATE_KIND_PER_UNIT");
    component["rates"]["tiers"] = json!([{"edgePercent": "0", "rateAmount": "1"}]);
    let mut second = component.clone();
    second["componentId"] = json!("second");
    second["rates"] = json!({"measureId": "own", "lineMeasureId": "csat", "mode": "MODE_MARGINAL",
        "tiers": [{"edgePercent": "0", "ratePercent": "1"}]});
    rates["plan"]["components"].as_array_mut().unwrap().push(second);
    let rule = "must be a measure of credits, csat is an outside measure";
    assert_eq!(
        tenant.refused_write("PlanService/PublishPlan", rates).await,
        format!(
            "FailedPrecondition REFERENCE_UNFIT: 2 fields do not fit what they name, the first: \
             plan.components[0].rates.measure_id {rule}\n\
             count=2\n\
             plan.components[0].rates.measure_id: {rule}\n\
             plan.components[1].rates.line_measure_id: {rule}"
        )
    );
}

#[tokio::test]
async fn attainment_follows_every_value_at_once() {
    let tenant = company().await;
    let goal = json!({"payeeId": "ann", "measureId": "csat", "window": "FY2026-Q1", "units": "4"});
    tenant.write("QuotaService/SetQuotas", json!({"quotas": [goal]})).await;
    tenant.deals(&[deal("d", "ann", "2026-01-10", "1.00")]).await;
    let read = async |on: &str| {
        let asked = json!({"payeeId": "ann", "measureIds": ["csat"], "onDate": on});
        let figures = tenant.get("EarningsService/GetAttainment", asked).await["attainments"].clone();
        let quarter =
            figures.as_array().unwrap().iter().find(|figure| figure["window"] == "FY2026-Q1").cloned();
        let quarter = quarter.unwrap();
        assert_eq!((&quarter["quota"], &quarter["unit"]), (&json!("4"), &json!("UNIT_NUMBER")));
        (quarter["credited"].clone(), quarter["attainmentPercent"].clone())
    };
    assert_eq!(read("2026-01-31").await, (Value::Null, Value::Null));
    record(&tenant, &[value("ann", "2026-01-31", "4"), value("ann", "2026-02-28", "3")]).await;
    assert_eq!(read("2026-01-30").await, (Value::Null, Value::Null));
    assert_eq!(read("2026-01-31").await, (json!("4"), json!("100")));
    assert_eq!(read("2026-02-28").await, (json!("3.5"), json!("87.5")));
    record(&tenant, &[value("ann", "2026-02-28", "4.5"), removed("ann", "2026-01-31")]).await;
    assert_eq!(read("2026-02-28").await, (json!("4.5"), json!("112.5")));
}
