//! Deals, payees and plans in several currencies, and the rates between them.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, payee, plan, quota};

async fn rates(tenant: &Tenant, rates: &[(&str, &str, &str)]) -> Value {
    let rate =
        |(code, date, rate): &(&str, &str, &str)| json!({"currencyCode": code, "date": date, "rate": rate});
    let rates: Vec<_> = rates.iter().map(rate).collect();
    tenant.write("AdminService/SetExchangeRates", json!({ "exchangeRates": rates })).await
}

fn in_currency(mut resource: Value, code: &str) -> Value {
    resource["currencyCode"] = json!(code);
    resource
}

/// A payee who is paid by a plan in a currency from a day on.
fn paid(id: &str, plan: &str, code: &str) -> Value {
    let mut payee = payee(id, plan, "");
    payee["assignments"][0]["currencyCode"] = json!(code);
    payee
}

fn plan_in(id: &str, code: &str) -> Value {
    let mut plan = plan(id, "own", "WINDOW_MONTH", &[("0", "10")]);
    plan["plan"]["currencyCode"] = json!(code);
    plan
}

#[tokio::test]
async fn rates_are_set_corrected_and_listed_as_of_a_day_and_a_change() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let told = [("EUR", "2026-01-01", "1.05"), ("EUR", "2026-02-01", "1.10"), ("GBP", "2026-01-15", "1.27")];
    let receipt = rates(&tenant, &told).await["receipt"].clone();
    assert_eq!((&receipt["changeNumber"], &receipt["written"]), (&json!("8"), &json!("3")));
    let receipt = rates(&tenant, &[told[0], ("GBP", "2026-01-15", "1.28")]).await["receipt"].clone();
    assert_eq!((&receipt["written"], &receipt["unchanged"]), (&json!("1"), &json!("1")));
    let list = async |asked: Value| -> Vec<String> {
        let listed = tenant.get("AdminService/ListExchangeRates", asked).await;
        let listed = listed["exchangeRates"].as_array().cloned().unwrap_or_default();
        let text = |rate: &Value, field: &str| rate[field].as_str().unwrap().to_string();
        let line =
            |rate: &Value| ["currencyCode", "date", "rate", "etag"].map(|field| text(rate, field)).join(" ");
        listed.iter().map(line).collect()
    };
    let all = ["EUR 2026-01-01 1.05 8", "EUR 2026-02-01 1.1 8", "GBP 2026-01-15 1.28 9"];
    assert_eq!(list(json!({})).await, all);
    assert_eq!(list(json!({"onDate": "2026-01-15"})).await, [all[0], all[2]]);
    assert_eq!(list(json!({"onDate": "2026-01-14"})).await, [all[0]]);
    assert_eq!(list(json!({"onDate": "2025-12-31"})).await, [""; 0]);
    assert_eq!(list(json!({"currencyCode": "EUR", "onDate": "2026-03-01"})).await, [all[1]]);
    assert_eq!(list(json!({"asOfChange": 8, "currencyCode": "GBP"})).await, ["GBP 2026-01-15 1.27 8"]);
    let first = tenant.get("AdminService/ListExchangeRates", json!({"pageSize": 2})).await;
    rates(&tenant, &[("AUD", "2026-01-01", "0.66")]).await;
    let token = first["nextPageToken"].clone();
    assert_eq!(list(json!({"pageSize": 2, "pageToken": token})).await, [all[2]]);
    let changes = json!({"filter": {"noun": "NOUN_EXCHANGE_RATE", "key": "GBP/2026-01-15"}});
    let changes = tenant.get("AdminService/ListChanges", changes).await;
    let touched: Vec<_> =
        changes["changes"].as_array().unwrap().iter().map(|c| &c["touched"][0]["keys"]).collect();
    assert_eq!(
        touched,
        [&json!(["EUR/2026-01-01", "EUR/2026-02-01", "GBP/2026-01-15"]), &json!(["GBP/2026-01-15"])]
    );
}

#[tokio::test]
async fn a_payee_is_paid_in_the_currency_of_the_plan_and_a_plan_never_pays_in_another() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.write("PlanService/PublishPlan", plan_in("de", "EUR")).await;
    let head = tenant.head().await;
    let wrong =
        json!({"payees": [paid("eva", "de", "USD"), paid("fay", "rep", "EUR"), paid("gus", "none", "EUR")]});
    let refused = tenant.refused_write("PayeeService/UpsertPayees", wrong).await;
    let at = |place: usize, field: &str| format!("payees[{place}].assignments[0].{field}");
    for line in [
        format!("{}: must be EUR, in which plan de pays, got USD", at(0, "currency_code")),
        format!("{}: must be USD, in which plan rep pays, got EUR", at(1, "currency_code")),
        format!("{}: plan none does not exist", at(2, "plan_id")),
    ] {
        assert!(refused.lines().any(|found| found == line), "{line}\n{refused}");
    }
    assert!(
        refused.starts_with("FailedPrecondition REFERENCE_UNFIT") || refused.contains("REFERENCE_UNFIT"),
        "{refused}"
    );
    let mut other = plan_in("de", "USD");
    other["effectiveFrom"] = json!("2026-03");
    let refused = tenant.refused_write("PlanService/PublishPlan", other.clone()).await;
    let says = "plan.currency_code: must be EUR, in which plan de pays ever since, got USD";
    assert!(refused.lines().any(|found| found == says), "{refused}");
    let validated = json!({"plan": other["plan"], "effectiveFrom": "2026-03"});
    let judged = tenant.get("PlanService/ValidatePlan", validated).await;
    assert!(judged["violations"].to_string().contains("in which plan de pays ever since"), "{judged}");
    assert_eq!(tenant.head().await, head);
}

#[tokio::test]
async fn a_deal_in_euros_pays_in_dollars_and_shows_how() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[in_currency(deal("d1", "ann", "2026-01-14", "1000.00"), "EUR")]).await;
    let close = tenant.refused_write("PeriodService/ClosePeriod", json!({"period": "2026-01"})).await;
    let missing = "period: deal d1 needs a rate of EUR on or before 2026-01-14, and there is none";
    assert!(close.contains("RUN_BLOCKED") && close.lines().any(|line| line == missing), "{close}");
    rates(&tenant, &[("EUR", "2026-01-10", "1.0842")]).await;
    let explained = json!({"payeeId": "ann", "period": "2026-01", "depth": 8});
    let explained = tenant.get("EarningsService/ExplainEarning", explained).await.to_string();
    let shown = "1000.00 EUR x 1.0842 = 1084.20 USD, rate of 2026-01-10";
    assert!(explained.contains(shown), "{explained}");
    // The lead sees the same event, in dollars too.
    let attained = json!({"payeeId": "lead", "period": "2026-01", "measureIds": ["team"]});
    let attained = tenant.get("EarningsService/GetAttainment", attained).await;
    assert_eq!(attained["attainments"][0]["credited"], "1084.20");
    let deal = tenant.get("DealService/GetDeal", json!({"dealId": "d1"})).await;
    assert_eq!(
        (&deal["deal"]["currencyCode"], &deal["deal"]["events"][0]["amount"]),
        (&json!("EUR"), &json!("1000.00"))
    );
}

#[tokio::test]
async fn a_deal_takes_a_currency_of_other_digits_only_with_all_its_events() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-14", "10.50")]).await;
    let head = tenant.head().await;
    let mut yen = in_currency(deal("d1", "ann", "2026-01-14", "1050"), "JPY");
    let events = yen["events"].take();
    yen["events"] = json!([]);
    let says = "must be USD, or every event of deal d1 must be stated again in the same row, got JPY";
    let refused = tenant.refused_write("DealService/UpsertDeals", json!({"deals": [yen.clone()]})).await;
    assert!(refused.ends_with(&format!("\ndeals[0].currency_code: {says}")), "{refused}");
    assert_eq!(tenant.head().await, head);
    // An import sets such a row aside, and both of two rows of one deal that differ so.
    let header = json!({"header": {"requestId": "import", "source": "crm"}});
    let two =
        [deal("d2", "ann", "2026-01-14", "0.50"), in_currency(deal("d2", "ann", "2026-01-14", "50"), "JPY")];
    let rows = json!([{"rowNumber": "2", "deal": yen}, {"rowNumber": "3", "deal": two[0]}, {"rowNumber": "4", "deal": two[1]}]);
    let answer =
        tenant.stream("DealService/ImportDeals", vec![header, json!({"batch": {"rows": rows}})]).await;
    let answer = answer.unwrap().remove(0);
    assert_eq!(answer["rejected"], "3", "{answer}");
    assert_eq!(answer["firstRejected"][0]["reasons"][0], format!("deal.currency_code {says}"));
    yen["events"] = events;
    tenant.deals(&[yen]).await;
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d1"})).await;
    assert_eq!(read["deal"]["events"][0]["amount"], "1050");
}

#[tokio::test]
async fn a_close_in_two_currencies_keeps_them_apart() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    rates(&tenant, &[("EUR", "2026-01-01", "1.25"), ("JPY", "2026-01-01", "0.0067")]).await;
    tenant.write("PlanService/PublishPlan", plan_in("de", "EUR")).await;
    tenant.write("PlanService/PublishPlan", plan_in("jp", "JPY")).await;
    let people = [paid("eva", "de", "EUR"), paid("aki", "jp", "JPY")];
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": people })).await;
    let goal = |payee: &str, code: &str, amount: &str| {
        let mut quota = quota(payee, "own", "2026-01", amount);
        quota["amount"]["currencyCode"] = json!(code);
        quota
    };
    let goals = [goal("eva", "USD", "12500.00"), goal("aki", "JPY", "1000000")];
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": goals })).await;
    tenant
        .deals(&[deal("d1", "eva", "2026-01-14", "1000.00"), deal("d2", "aki", "2026-01-14", "67.00")])
        .await;
    // 1000.00 / 1.25 = 800.00 euros, 67.00 / 0.0067 = 10000 yen, a tenth of each.
    let totals =
        json!([{"currencyCode": "EUR", "amount": "80.00"}, {"currencyCode": "JPY", "amount": "1000"}]);
    let preview = tenant.get("PeriodService/PreviewPeriod", json!({"period": "2026-01"})).await;
    assert_eq!(preview["totals"], totals);
    let attained = json!({"payeeId": "eva", "period": "2026-01", "measureIds": ["own"]});
    let attained = tenant.get("EarningsService/GetAttainment", attained).await;
    let month = &attained["attainments"][0];
    let figures = ["credited", "quota", "attainmentPercent", "currencyCode"]
        .map(|field| month[field].as_str().unwrap());
    assert_eq!(figures, ["800.00", "10000.00", "8", "EUR"]);
    let read = tenant
        .get("QuotaService/GetQuota", json!({"payeeId": "eva", "measureId": "own", "window": "2026-01"}))
        .await;
    assert_eq!(read["quota"]["amount"], json!({"currencyCode": "USD", "amount": "12500.00"}));
    let close = tenant.close("2026-01").await;
    assert_eq!(close["totals"], totals);
    let postings = tenant.get("PeriodService/ListPostings", json!({"payeeId": "aki"})).await;
    assert_eq!(postings["postings"][0]["amount"], json!({"currencyCode": "JPY", "amount": "1000"}));
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["sound"], true, "{verified}");
    // What was posted moves with a rate that is corrected.
    rates(&tenant, &[("EUR", "2026-01-01", "1")]).await;
    let statement =
        tenant.get("EarningsService/GetStatement", json!({"payeeId": "eva", "period": "2026-02"})).await;
    assert_eq!(statement["statement"]["adjustments"][0]["amount"], "20.00");
    assert_eq!(statement["statement"]["adjustments"][0]["currencyCode"], "EUR");
}
