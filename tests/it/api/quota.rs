//! `QuotaService` and the calendar.

use serde_json::json;

use crate::harness::Tenant;
use crate::harness::company::{calendar, deal, quota};

#[tokio::test]
async fn a_quota_reads_back_as_it_was_set_and_as_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let set = json!({"quotas": [quota("ann", "own", "FY2026-Q1", "120000.5"), quota("bob", "own", "FY2026", "400000.00")]});
    let written = tenant.write("QuotaService/SetQuotas", set).await;
    assert_eq!(written, json!({"receipt": {"changeNumber": "8", "written": "1", "unchanged": "1"}}));
    let key = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1"});
    let mut expected = quota("ann", "own", "FY2026-Q1", "120000.50");
    expected["etag"] = json!("8");
    let now = tenant.get("QuotaService/GetQuota", key.clone()).await;
    assert_eq!(now, json!({"quota": expected, "asOfChange": "8"}));
    let mut then = key;
    then["asOfChange"] = json!("7");
    let then = tenant.get("QuotaService/GetQuota", then).await;
    assert_eq!(
        (&then["quota"]["amount"]["amount"], &then["quota"]["etag"]),
        (&json!("100000.00"), &json!("7"))
    );
    let absent = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026"});
    assert_eq!(
        tenant.refused("QuotaService/GetQuota", absent).await,
        "NotFound NOT_FOUND: quota ann/own/FY2026 not found\nid=ann/own/FY2026\nresource=quota"
    );
    let listed = tenant.get("QuotaService/ListQuotas", json!({"payeeId": "bob", "measureId": "own"})).await;
    assert_eq!(listed["quotas"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_quota_names_payees_measures_and_windows_that_exist() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let strangers =
        json!({"quotas": [quota("eve", "own", "FY2026", "1.00"), quota("ann", "won", "FY2026", "1.00")]});
    assert_eq!(
        tenant.refused_write("QuotaService/SetQuotas", strangers).await,
        "FailedPrecondition REFERENCE_UNKNOWN: 2 names are unknown, the first: quotas[0].payee_id payee eve does not exist\n\
         count=2\n\
         quotas[0].payee_id: payee eve does not exist\n\
         quotas[1].measure_id: measure won does not exist"
    );
    let mut bad = [
        quota("ann", "own", "FY2026-Q5", "1.00"),
        quota("ann", "own", "2026-13", "-1.00"),
        quota("ann", "own", "FY2026", "1.00"),
        quota("ann", "own", "FY2026", "2.00"),
    ];
    bad[2]["amount"]["currencyCode"] = json!("EURO");
    assert_eq!(
        tenant.refused_write("QuotaService/SetQuotas", json!({ "quotas": bad })).await,
        "InvalidArgument INVALID_REQUEST: 5 fields are wrong, the first: quotas[0].window must be a window such as \
         \"2026-03\", \"FY2026-Q1\", \"FY2026-H1\" or \"FY2026\", got \"FY2026-Q5\"\n\
         quotas[0].window: must be a window such as \"2026-03\", \"FY2026-Q1\", \"FY2026-H1\" or \"FY2026\", got \"FY2026-Q5\"\n\
         quotas[1].window: must be a window such as \"2026-03\", \"FY2026-Q1\", \"FY2026-H1\" or \"FY2026\", got \"2026-13\"\n\
         quotas[1].amount.amount: must not be below zero, got \"-1.00\"\n\
         quotas[2].amount.currency_code: must be an ISO 4217 code of a currency in use such as \"USD\", got \"EURO\"\n\
         quotas[3]: must be given once, got ann own FY2026 as in quotas[2]"
    );
}

#[tokio::test]
async fn quotas_in_full_read_back_as_they_were_set() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let measure = |id: &str, value: &str, step: &str| json!({"measureId": id, "name": id, "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": value, "step": step});
    let measures = [measure("pieces", "VALUE_QUANTITY", "0.5"), measure("wins", "VALUE_COUNT", "1")];
    tenant.write("MeasureService/DefineMeasures", json!({ "measures": measures })).await;
    let money = |amount: &str| json!({"currencyCode": "USD", "amount": amount});
    let weights = ["10", "10", "10", "10", "10", "10", "10", "10", "10", "5", "2.5", "2.5"];
    let mut quotas = json!([
        {"payeeId": "ann", "measureId": "own", "window": "FY2026", "amount": money("120000.00"), "seasonalityPercents": weights,
         "ramp": {"startPeriod": "2026-02", "percents": ["25", "50", "100"]}, "proration": "PRORATION_SEASONAL",
         "reliefs": [{"date": "2026-01-31", "amount": money("0.01")}, {"date": "2026-06-01", "amount": money("500.00")}]},
        {"payeeId": "ann", "measureId": "pieces", "window": "FY2026-H2", "units": "12.5", "proration": "PRORATION_MONTHS",
         "reliefs": [{"date": "2026-08-01", "units": "0.5"}]},
        {"payeeId": "ann", "measureId": "wins", "window": "2026-03", "units": "0"},
        {"payeeId": "lead", "measureId": "wins", "window": "2026-03", "sumOfReportsMeasureId": "pieces", "proration": "PRORATION_NONE"},
    ]);
    let written = tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    assert_eq!(written["receipt"], json!({"changeNumber": "9", "written": "4"}));
    // Reliefs are a set, and a default said is a default left out.
    quotas[0]["reliefs"].as_array_mut().unwrap().reverse();
    quotas[2]["proration"] = json!("PRORATION_DAYS");
    let again = tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    assert_eq!(again["receipt"], json!({"changeNumber": "10", "unchanged": "4"}));
    quotas[0]["reliefs"].as_array_mut().unwrap().reverse();
    quotas[2].as_object_mut().unwrap().remove("proration");
    for quota in quotas.as_array().unwrap() {
        let mut expected = quota.clone();
        expected["etag"] = json!("9");
        let key =
            json!({"payeeId": quota["payeeId"], "measureId": quota["measureId"], "window": quota["window"]});
        assert_eq!(tenant.get("QuotaService/GetQuota", key).await["quota"], expected);
    }
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["sound"], true, "{verified}");
    let attained = tenant
        .get(
            "EarningsService/GetAttainment",
            json!({"payeeId": "ann", "period": "2026-07", "measureIds": ["pieces"]}),
        )
        .await;
    let half = attained["attainments"]
        .as_array()
        .unwrap()
        .iter()
        .find(|found| found["window"] == "FY2026-H2")
        .unwrap();
    // 12.5 less 0.5; units have no currency.
    // Of six months one has passed, 153 days are left.
    let expected = json!({"measureId": "pieces", "window": "FY2026-H2", "unit": "UNIT_NUMBER", "credited": "0", "quota": "12",
        "attainmentPercent": "0", "elapsedPercent": "16.666667", "expected": "2", "pacePercent": "0", "forecastByPace": "0",
        "daysLeft": 153, "neededPerWeek": "0.54902"});
    assert_eq!(*half, expected);
}

#[tokio::test]
async fn a_quota_is_in_the_unit_of_its_measure() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let pieces = json!({"measureId": "pieces", "name": "Pieces", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT",
        "value": "VALUE_QUANTITY"});
    tenant.write("MeasureService/DefineMeasures", json!({ "measures": [pieces] })).await;
    let quotas = json!([
        {"payeeId": "ann", "measureId": "own", "window": "FY2026", "units": "1", "reliefs": [{"date": "2026-01-01", "units": "1"}]},
        quota("ann", "pieces", "FY2026", "1.00"),
        {"payeeId": "lead", "measureId": "own", "window": "FY2026", "sumOfReportsMeasureId": "pieces"},
        {"payeeId": "eve", "measureId": "won", "window": "FY2026", "sumOfReportsMeasureId": "two"},
    ]);
    assert_eq!(
        tenant.refused_write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await,
        "FailedPrecondition REFERENCE_UNFIT: 7 fields do not fit what they name, the first: quotas[3].payee_id payee eve \
         does not exist\ncount=7\n\
         quotas[3].payee_id: payee eve does not exist\n\
         quotas[3].measure_id: measure won does not exist\n\
         quotas[3].sum_of_reports_measure_id: measure two does not exist\n\
         quotas[0].units: must be empty, an amount given: the measure counts money\n\
         quotas[0].reliefs[0].units: must be empty, an amount given: the measure counts money\n\
         quotas[1].amount: must be empty, units given: the measure counts a number\n\
         quotas[2].sum_of_reports_measure_id: must count the same unit as own, got pieces"
    );
}

#[tokio::test]
async fn the_calendar_comes_first_and_is_fixed_once_a_period_is_closed() {
    let tenant = Tenant::new().await;
    assert_eq!(
        tenant.refused("AdminService/GetCalendar", json!({})).await,
        format!("NotFound NOT_FOUND: calendar {0} not found\nid={0}\nresource=calendar", tenant.slug)
    );
    let early = json!({"deals": [deal("d", "ann", "2026-01-01", "1.00")]});
    let missing = "FailedPrecondition CALENDAR_MISSING: the tenant has no calendar yet: set it first";
    assert_eq!(tenant.refused_write("DealService/UpsertDeals", early).await, missing);
    tenant.company().await;
    let mut moved = calendar();
    moved["calendar"]["fiscalFirstMonth"] = json!(7);
    assert_eq!(
        tenant.refused_write("AdminService/SetCalendar", moved).await,
        "FailedPrecondition CALENDAR_FIXED: quotas, deals or rates are stated in the calendar's currency and fiscal year: both \
         are fixed"
    );
    let mut even = calendar();
    even["calendar"]["rounding"] = json!("ROUNDING_HALF_EVEN");
    tenant.write("AdminService/SetCalendar", even.clone()).await;
    let now = tenant.get("AdminService/GetCalendar", json!({})).await;
    let expected = json!({"asOfChange": "8", "calendar": {"currencyCode": "USD", "timeZone": "Europe/Berlin",
        "fiscalFirstMonth": 1, "rounding": "ROUNDING_HALF_EVEN", "firstPeriod": "2026-01", "etag": "8"}});
    assert_eq!(now, expected);
    tenant.close("2026-01").await;
    assert_eq!(
        tenant.refused_write("AdminService/SetCalendar", calendar()).await,
        "FailedPrecondition CALENDAR_FIXED: 2026-01 is closed: the calendar is fixed\nperiod=2026-01"
    );
    // What is there already may be said again.
    tenant.write("AdminService/SetCalendar", even).await;
}
