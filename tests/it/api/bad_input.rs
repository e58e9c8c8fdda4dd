//! Bad input: one clear error that lists everything wrong with the request, and nothing changed.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{calendar, deal, payee, plan};

/// A refusal of a request that is wrong in itself, from its violations.
fn invalid(violations: &[(&str, &str)]) -> String {
    let (field, message) = violations[0];
    let mut text = match violations.len() {
        1 => format!("InvalidArgument INVALID_REQUEST: {field} {message}"),
        many => {
            format!("InvalidArgument INVALID_REQUEST: {many} fields are wrong, the first: {field} {message}")
        }
    };
    for (field, message) in violations {
        text.push_str(&format!("\n{field}: {message}"));
    }
    text
}

#[tokio::test]
async fn splits_sum_to_exactly_one_hundred() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut bad = deal("d", "ann", "2026-01-10", "100.00");
    bad["splits"] =
        json!([{"payeeId": "ann", "splitPercent": "59.99"}, {"payeeId": "bob", "splitPercent": "40"}]);
    let expected =
        invalid(&[("deals[0].splits", "must sum to exactly 100 percent without overlays, got 99.99")]);
    assert_eq!(tenant.refused_write("DealService/UpsertDeals", json!({"deals": [bad]})).await, expected);
}

#[tokio::test]
async fn assignments_of_one_payee_do_not_overlap() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut bad = payee("ann", "rep", "lead");
    bad["assignments"] = json!([
        {"startDate": "2026-03-01"},
        {"startDate": "2026-01-01", "endDate": "2026-03-02"},
        {"startDate": "2026-05-01", "endDate": "2026-05-01"},
    ]);
    let expected = invalid(&[
        ("payees[0].assignments[2].end_date", "must be after start_date 2026-05-01, got 2026-05-01"),
        (
            "payees[0].assignments[0].start_date",
            "2026-03-01 overlaps the assignment 2026-01-01..2026-03-02 of payee ann",
        ),
        (
            "payees[0].assignments[2].start_date",
            "2026-05-01 overlaps the assignment 2026-03-01..open of payee ann",
        ),
    ]);
    assert_eq!(tenant.refused_write("PayeeService/UpsertPayees", json!({"payees": [bad]})).await, expected);
}

#[tokio::test]
async fn tiers_ascend_from_zero() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    for (tiers, violations) in [
        (
            &[("0", "1"), ("50", "2"), ("50", "3")][..],
            vec![("tiers[2]", "must be above the edge before it, 50, got 50")],
        ),
        (&[("10", "1")], vec![("tiers[0]", "the first edge must be 0, got 10")]),
        (
            &[("10", "1"), ("5", "1")],
            vec![
                ("tiers[0]", "the first edge must be 0, got 10"),
                ("tiers[1]", "must be above the edge before it, 10, got 5"),
            ],
        ),
    ] {
        let violations: Vec<(String, &str)> = violations
            .into_iter()
            .map(|(tier, message)| (format!("plan.components[0].rates.{tier}.edge_percent"), message))
            .collect();
        let violations: Vec<_> =
            violations.iter().map(|(field, message)| (field.as_str(), *message)).collect();
        let bad = plan("new", "own", "WINDOW_MONTH", tiers);
        assert_eq!(
            tenant.refused_write("PlanService/PublishPlan", bad).await,
            invalid(&violations),
            "{tiers:?}"
        );
    }
}

#[tokio::test]
async fn amounts_are_plain_decimals() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let plain = |text: &str| format!("must be plain decimal text such as \"1250.00\", got {text:?}");
    for (amount, message) in [
        ("1250.001", "must have at most 2 decimals, got \"1250.001\"".to_string()),
        ("1.000", "must have at most 2 decimals, got \"1.000\"".to_string()),
        ("1000000000000000", "must have at most 15 integer digits, got \"1000000000000000\"".to_string()),
        ("1e3", plain("1e3")),
        ("1E3", plain("1E3")),
        ("NaN", plain("NaN")),
        ("Infinity", plain("Infinity")),
        ("-0", "must not be minus zero, got \"-0\"".to_string()),
        ("-0.00", "must not be minus zero, got \"-0.00\"".to_string()),
        ("-1.00", "must not be below zero, got \"-1.00\"".to_string()),
        ("1,000.00", plain("1,000.00")),
        ("0x10", plain("0x10")),
        (" 1", plain(" 1")),
        (".5", plain(".5")),
        ("01", plain("01")),
        ("１", plain("１")),
    ] {
        let bad = json!({"deals": [deal("d", "ann", "2026-01-10", amount)]});
        let expected = invalid(&[("deals[0].events[0].amount", &message)]);
        assert_eq!(tenant.refused_write("DealService/UpsertDeals", bad).await, expected, "{amount}");
    }
    // The largest and the smallest that there is.
    tenant
        .deals(&[deal("d", "ann", "2026-01-10", "999999999999999.99"), deal("e", "ann", "2026-01-10", "0")])
        .await;
}

#[tokio::test]
async fn days_and_periods_exist() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    for day in [
        "2026-02-30",
        "2026-02-29",
        "2026-13-01",
        "2026-1-01",
        "26-01-01",
        "2026-01-01T00:00:00Z",
        "",
        "0000-01-01",
    ] {
        let message = format!("must be a calendar day such as \"2026-03-31\", got {day:?}");
        let bad = json!({"deals": [deal("d", "ann", day, "1.00")]});
        let expected = invalid(&[("deals[0].events[0].event_date", &message)]);
        assert_eq!(tenant.refused_write("DealService/UpsertDeals", bad).await, expected);
    }
    for period in ["2026-13", "2026-00", "2026-1", "2026-01-01", "", "FY2026"] {
        let message = format!("must be a period such as \"2026-03\", got {period:?}");
        let expected = invalid(&[("period", &message)]);
        assert_eq!(
            tenant.refused_write("PeriodService/ClosePeriod", json!({ "period": period })).await,
            expected
        );
    }
}

#[tokio::test]
async fn a_request_wrong_in_many_ways_says_all_of_them() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let events = json!([
        {"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-01-10"},
        {"eventId": "b", "type": "TYPE_PAID", "eventDate": "2026-01-10", "amount": "1.00", "reverses": [{"eventId": "b"}]},
        {"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-01-10", "amount": "1.00", "reverses": [{"eventId": "b", "amount": "0"}]},
    ]);
    let between = json!({"dealId": "d1", "ownerId": "ann", "outcome": "OUTCOME_WON", "events": events, "splits": [
        {"payeeId": "ann", "splitPercent": "0"}, {"payeeId": "bob", "splitPercent": "101"}, {"payeeId": "bob", "splitPercent": "-1"}]});
    let alone = json!({"dealId": "d/2", "outcome": 9, "currencyCode": "EURO", "probabilityPercent": "100.5",
        "quantity": "-1", "stage": "x".repeat(101), "name": "a\u{7}b", "attributes": {"": "x"}});
    let bad = json!({"requestId": "", "deals": [between, alone, {"dealId": "d1", "ownerId": "ann", "outcome": "OUTCOME_WON"}]});
    let refused = tenant.refused("DealService/UpsertDeals", bad).await;
    let characters =
        "must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"d/2\"";
    let expected = invalid(&[
        ("request_id", "must not be empty"),
        ("deals[0].splits[0].split_percent", "must be above 0 and at most 100, got 0"),
        ("deals[0].splits[1].split_percent", "must be above 0 and at most 100, got 101"),
        ("deals[0].splits[2].split_percent", "must be above 0 and at most 100, got -1"),
        ("deals[0].splits[2].payee_id", "must have one split in role OWNER, got bob again"),
        ("deals[0].events[0].amount", "must be given for BOOKED"),
        ("deals[0].events[1].event_id", "must be unique in the deal, got b again"),
        ("deals[0].events[1].reverses", "must be empty for PAID"),
        ("deals[0].events[2].amount", "must be absent where reverses lists the events taken back"),
        ("deals[0].events[2].reverses[0].amount", "must be above zero"),
        ("deals[1].deal_id", characters),
        ("deals[1].name", "must have no control characters, got '\\u{7}'"),
        ("deals[1].owner_id", "must not be empty"),
        (
            "deals[1].currency_code",
            "must be an ISO 4217 code of a currency in use such as \"USD\", got \"EURO\"",
        ),
        ("deals[1].quantity", "must not be below zero, got \"-1\""),
        ("deals[1].stage", "must be at most 100 characters, got 101"),
        ("deals[1].outcome", "must be a value of the enum, got 9"),
        ("deals[1].probability_percent", "must be 0 to 100, got 100.5"),
        ("deals[1].attributes", "name must not be empty"),
        ("deals[2].deal_id", "must be given once, got d1 as in deals[0]"),
    ]);
    assert_eq!(refused, expected);
    assert_eq!(tenant.head().await, 7);
}

#[tokio::test]
async fn what_must_be_given_is_asked_for() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let must = |fields: &[&str], message: &str| -> Vec<(String, String)> {
        fields.iter().map(|field| (field.to_string(), message.to_string())).collect()
    };
    let one_to = |field: &str, most: u32| (field.to_string(), format!("must be 1 to {most}, got 0"));
    let id = || must(&["request_id"], "must not be empty");
    let reason = || must(&["reason"], "must not be empty");
    /// Call, request, and the violations it is refused with.
    type Case = (&'static str, Value, Vec<(String, String)>);
    let table: Vec<Case> = vec![
        ("PayeeService/UpsertPayees", json!({}), [id(), vec![one_to("payees", 1000)]].concat()),
        ("DealService/UpsertDeals", json!({}), [id(), vec![one_to("deals", 1000)]].concat()),
        ("MeasureService/DefineMeasures", json!({}), [id(), vec![one_to("measures", 1000)]].concat()),
        ("QuotaService/SetQuotas", json!({}), [reason(), id(), vec![one_to("quotas", 10000)]].concat()),
        (
            "PlanService/PublishPlan",
            json!({}),
            [
                reason(),
                id(),
                must(&["plan"], "must be given"),
                must(&["effective_from"], "must be a period such as \"2026-03\", got \"\""),
            ]
            .concat(),
        ),
        ("AdminService/SetCalendar", json!({}), [id(), must(&["calendar"], "must be given")].concat()),
        (
            "AdminService/SetExchangeRates",
            json!({"exchangeRates": [
                {"currencyCode": "EUR", "date": "2026-01-01", "rate": "0"},
                {"currencyCode": "EURO", "date": "2026-13-01", "rate": "-1.1"},
                {"currencyCode": "GBP", "date": "2026-01-01", "rate": "1.12345678901"},
                {"currencyCode": "GBP", "date": "2026-01-01", "rate": "123456789", "etag": -1},
            ]}),
            [
                id(),
                must(&["exchange_rates[0].rate"], "must be above zero, got \"0\""),
                must(&["exchange_rates[1].currency_code"], "must be an ISO 4217 code of a currency in use such as \"USD\", got \"EURO\""),
                must(&["exchange_rates[1].date"], "must be a calendar day such as \"2026-03-31\", got \"2026-13-01\""),
                must(&["exchange_rates[1].rate"], "must be above zero, got \"-1.1\""),
                must(&["exchange_rates[2].rate"], "must have at most 10 decimals, got \"1.12345678901\""),
                must(&["exchange_rates[3].rate"], "must have at most 8 integer digits, got \"123456789\""),
                must(&["exchange_rates[3]"], "must be given once, got GBP 2026-01-01 as in exchange_rates[2]"),
                must(&["exchange_rates[3].etag"], "must not be below zero, got -1"),
            ]
            .concat(),
        ),
        (
            "AdminService/SetExchangeRates",
            json!({"requestId": "r", "exchangeRates": [{"currencyCode": "USD", "date": "2026-01-01", "rate": "1"}]}),
            must(&["exchange_rates[0].currency_code"], "must be another than the tenant's USD, whose rate is 1"),
        ),
        ("AdminService/CreateKey", json!({}), [id(), must(&["key"], "must be given")].concat()),
        ("AdminService/RevokeKey", json!({}), [reason(), id(), must(&["key_id"], "must not be empty")].concat()),
        (
            "PeriodService/ClosePeriod",
            json!({}),
            [id(), must(&["period"], "must be a period such as \"2026-03\", got \"\"")].concat(),
        ),
        ("EarningsService/GetStatement", json!({"period": "2026-01"}), must(&["payee_id"], "must be given: this key belongs to no payee")),
        (
            "AdminService/CreateKey",
            json!({"requestId": "k", "key": {"role": "ROLE_PAYEE", "keyId": "a/b"}}),
            [
                must(&["key.key_id"], "must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"a/b\""),
                must(&["key.payee_id"], "must be given for ROLE_PAYEE"),
            ]
            .concat(),
        ),
        (
            "AdminService/CreateKey",
            json!({"requestId": "k", "key": {"role": "ROLE_AUDITOR", "payeeId": "ann"}}),
            must(&["key.payee_id"], "must be empty for ROLE_AUDITOR"),
        ),
    ];
    for (rpc, message, violations) in table {
        let violations: Vec<_> =
            violations.iter().map(|(field, message)| (field.as_str(), message.as_str())).collect();
        assert_eq!(tenant.refused(rpc, message).await, invalid(&violations), "{rpc}");
    }
    let mut bad = calendar();
    bad["calendar"] = json!({"currencyCode": "XXX", "timeZone": "Europe/Atlantis", "fiscalFirstMonth": 13, "firstPeriod": "2026"});
    let expected = invalid(&[
        (
            "calendar.currency_code",
            "must be an ISO 4217 code of a currency in use such as \"USD\", got \"XXX\"",
        ),
        (
            "calendar.time_zone",
            "must be an IANA time zone such as \"Europe/Berlin\", got \"Europe/Atlantis\"",
        ),
        ("calendar.fiscal_first_month", "must be 1 to 12, got 13"),
        ("calendar.rounding", "must be given"),
        ("calendar.first_period", "must be a period such as \"2026-03\", got \"2026\""),
    ]);
    assert_eq!(tenant.refused_write("AdminService/SetCalendar", bad).await, expected);
}
