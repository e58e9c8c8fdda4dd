//! Good requests: what is read, and that it is written back the same.

use std::collections::BTreeSet;

use super::{admin, calendar, deal, draft, earnings, import, journal, measure, payee, period, plan, quota};
use crate::api::convert::plan::Publication;
use crate::api::descriptors;
use crate::api::json::from_json;
use crate::api::page::Paging;
use crate::api::v1;
use crate::app::period::{CloseStage, CloseState, Closed};
use crate::app::{AsOf, Call, Page};
use crate::auth::{Actor, Role};
use crate::domain::change::Noun;
use crate::domain::date::Period;
use crate::domain::explanation::Explanation;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;
use crate::domain::ledger::{Key, Posting, PostingKind};
use crate::domain::measure::Amount;
use crate::domain::money::Currency;
use crate::domain::number::Number;
use crate::domain::plan::{Payout, Plan};
use crate::domain::quota::Goal;

fn parse<M: prost::Message + prost::Name + Default>(json: &str) -> M {
    from_json(json).unwrap()
}

#[test]
fn a_payee_reads_and_is_written_back() {
    let request: v1::UpsertPayeesRequest = parse(
        r#"{"requestId": "r", "reason": "why", "validateOnly": true, "payees": [
            {"payeeId": "E-1", "kind": "KIND_PERSON", "name": "Zoë", "email": "z@x", "sourceVersion": 0, "assignments": [
                {"startDate": "2026-01-01", "endDate": "2026-07-01", "title": "AE", "managerId": "M-1",
                 "territoryId": "T", "planId": "P", "targetIncentive": "60000.00", "currencyCode": "USD"},
                {"startDate": "2026-07-01", "currencyCode": "USD"}]}]}"#,
    );
    let (write, payees) = payee::upsert(&request, calendar().currency).unwrap();
    assert_eq!((write.rpc, write.request_id.as_str()), (payee::UPSERT, "r"));
    assert_eq!((write.reason.as_deref(), write.validate_only), (Some("why"), true));
    assert_eq!(payees[0].assignments[0].target_incentive, Some(6_000_000));
    let written = payee::wire(&payees[0], 7);
    assert_eq!(written, v1::Payee { etag: 7, ..request.payees[0].clone() });
}

#[test]
fn the_same_request_has_the_same_digest_and_another_another() {
    let digest = |json: &str| deal::upsert(&parse(json), calendar().currency).unwrap().0.digest;
    let one = r#"{"requestId": "r", "deals": [{"dealId": "D", "ownerId": "E", "outcome": 2, "attributes": {"b": "1", "a": "2"}}]}"#;
    let same = r#"{"deals": [{"attributes": {"a": "2", "b": "1"}, "outcome": "OUTCOME_WON", "ownerId": "E", "dealId": "D"}], "requestId": "r"}"#;
    let other = r#"{"requestId": "r", "deals": [{"dealId": "D", "ownerId": "E", "outcome": 2, "attributes": {"b": "1", "a": "3"}}]}"#;
    assert_eq!(digest(one), digest(same));
    assert_ne!(digest(one), digest(other));
}

#[test]
fn a_deal_reads_and_is_written_back_in_canonical_text() {
    let request: v1::UpsertDealsRequest = parse(
        r#"{"requestId": "r", "deals": [
            {"dealId": "D-1", "name": "Big", "ownerId": "E-1", "customerId": "C", "customerName": "Co",
             "productId": "P", "amount": "1250.5", "cost": "0", "quantity": "2.50", "stage": "5 - won",
             "outcome": "OUTCOME_WON", "probabilityPercent": "100", "openDate": "2026-01-01",
             "closeDate": "2026-03-31", "attributes": {"region": "EMEA"}, "sourceVersion": 7,
             "splits": [{"payeeId": "E-2", "role": "SE", "splitPercent": "40.0"}, {"payeeId": "E-1", "splitPercent": "60"}],
             "events": [{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-05-01", "reverses": [{"eventId": "b", "amount": "0.50"}]},
                        {"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-03-31", "amount": "1250.5", "cost": "3", "quantity": "1", "sourceVersion": 6}]}]}"#,
    );
    let (_, deals) = deal::upsert(&request, calendar().currency).unwrap();
    let expected: v1::Deal = parse(
        r#"{"dealId": "D-1", "name": "Big", "ownerId": "E-1", "customerId": "C", "customerName": "Co",
            "productId": "P", "currencyCode": "USD", "amount": "1250.50", "cost": "0.00", "quantity": "2.5",
            "stage": "5 - won", "outcome": "OUTCOME_WON", "probabilityPercent": "100", "openDate": "2026-01-01",
            "closeDate": "2026-03-31", "attributes": {"region": "EMEA"}, "etag": "9", "sourceVersion": "7",
            "splits": [{"payeeId": "E-1", "role": "OWNER", "splitPercent": "60"}, {"payeeId": "E-2", "role": "SE", "splitPercent": "40"}],
            "events": [{"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-03-31", "amount": "1250.50", "cost": "3.00", "quantity": "1", "sourceVersion": "6"},
                       {"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-05-01", "reverses": [{"eventId": "b", "amount": "0.50"}], "sourceVersion": "7"}]}"#,
    );
    assert_eq!(deal::wire(&deals[0], 9), expected);
}

#[test]
fn a_bad_row_of_an_import_is_set_aside_with_every_reason() {
    let batch: v1::ImportDealsRequest = parse(
        r#"{"batch": {"rows": [
            {"rowNumber": 7, "deal": {"dealId": "D-1", "ownerId": "E-1", "outcome": "OUTCOME_OPEN"}},
            {"rowNumber": 9, "deal": {"dealId": "D-2", "currencyCode": "EURO", "outcome": "OUTCOME_OPEN"}},
            {"rowNumber": 10}],
            "rejectedRows": [{"rowNumber": 8, "reasons": ["no date"], "raw": "x;y\n"}]}}"#,
    );
    let (read, last) = import::batch(&batch, calendar().currency, 6).unwrap();
    assert_eq!(last, 10);
    assert_eq!(
        read.deals.iter().map(|(row, deal)| (*row, deal.id.as_str())).collect::<Vec<_>>(),
        [(7, "D-1")]
    );
    let rejected: Vec<_> = read.rejected.iter().map(|row| (row.row, row.reasons.join("; "))).collect();
    assert_eq!(
        rejected,
        [
            (8, "no date".to_string()),
            (9, "deal.owner_id must not be empty; deal.currency_code must be an ISO 4217 code of a currency in use such as \"USD\", got \"EURO\"".into()),
            (10, "deal must be given".into()),
        ]
    );
    assert_eq!(read.rejected[0].raw.as_deref(), Some("x;y\n"));
}

#[test]
fn an_import_begins_with_its_header() {
    let header =
        import::header(&parse(r#"{"header": {"requestId": "r", "source": "a.csv", "rejectLimit": 0}}"#))
            .unwrap();
    assert_eq!((header.source.as_str(), header.reject_limit), ("a.csv", Some(0)));
    let header = import::header(&parse(r#"{"header": {"requestId": "r"}}"#)).unwrap();
    assert_eq!(header.reject_limit, None);
    let fault = import::header(&parse(r#"{"batch": {}}"#)).unwrap_err();
    assert_eq!(fault.to_string(), "header must be the first message of the stream");
    let fault =
        import::batch(&parse(r#"{"header": {"requestId": "r"}}"#), calendar().currency, 0).unwrap_err();
    assert_eq!(fault.to_string(), "batch must follow; the header comes once, first");
    let raw = "x".repeat(64 << 10);
    let row = |number| format!(r#"{{"rowNumber": {number}, "raw": "{raw}"}}"#);
    let rows: Vec<_> = (1..=16).map(row).collect();
    let large: v1::ImportDealsRequest =
        parse(&format!(r#"{{"batch": {{"rejectedRows": [{}]}}}}"#, rows.join(",")));
    let fault = import::batch(&large, calendar().currency, 0).unwrap_err();
    assert!(fault.to_string().starts_with("batch must be at most 1048576 bytes, got "), "{fault}");
}

#[test]
fn measures_quotas_and_plans_read_and_are_written_back() {
    let request: v1::DefineMeasuresRequest = parse(
        r#"{"requestId": "r", "measures": [{"measureId": "m", "name": "M", "eventType": "TYPE_BOOKED",
            "credit": "CREDIT_ROLLED_UP", "levels": 2, "roles": ["AE"], "value": "VALUE_AMOUNT"}]}"#,
    );
    let (_, measures) = measure::define(&request).unwrap();
    assert_eq!(measure::wire(&measures[0], 3), v1::Measure { etag: 3, ..request.measures[0].clone() });

    let request: v1::SetQuotasRequest = parse(
        r#"{"requestId": "r", "reason": "why", "quotas": [{"payeeId": "E-1", "measureId": "m", "window": "FY2026-Q4",
            "amount": {"currencyCode": "USD", "amount": "250000.00"}}]}"#,
    );
    let (_, quotas) = quota::set(&request, &calendar()).unwrap();
    // The fiscal year from February 2025 on is 2026; its fourth quarter begins in November.
    assert_eq!(quotas[0].key.window.first(), Period::parse("2025-11").unwrap());
    assert_eq!(quotas[0].goal, Goal::Amount(Amount::Money(25_000_000)));
    assert_eq!(quota::wire(&quotas[0], 4, &calendar()), v1::Quota { etag: 4, ..request.quotas[0].clone() });

    let request: v1::PublishPlanRequest = parse(
        r#"{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "plan": {"planId": "p", "name": "P",
            "currencyCode": "USD", "components": [{"componentId": "c", "name": "C", "window": "WINDOW_QUARTER",
            "reversal": "REVERSAL_AT_ORIGIN", "rates": {"measureId": "m", "mode": "MODE_MARGINAL", "tiers": [
            {"edgePercent": "0", "ratePercent": "-1.5"}, {"edgePercent": "100", "ratePercent": "10"}]}}]}}"#,
    );
    let (plan, from) = published(&request);
    assert_eq!(from.to_string(), "2026-01");
    assert_eq!(Some(plan::wire(&plan)), request.plan);
    assert_eq!(plan::file(request.plan.as_ref().unwrap(), calendar().currency), Ok(plan));
}

fn published(request: &v1::PublishPlanRequest) -> (Plan, Period) {
    let (_, publication) = plan::publish(request, calendar().currency).unwrap();
    let Publication::Plan(sketch, from) = publication else { panic!("{publication:?}") };
    assert!(
        sketch.violations.is_empty()
            && sketch.components.len() == request.plan.as_ref().unwrap().components.len()
    );
    (sketch.plan.unwrap(), from)
}

#[test]
fn conditions_and_expressions_read_and_are_written_back() {
    let request: v1::DefineMeasuresRequest = parse(
        r#"{"requestId": "r", "measures": [{"measureId": "m", "name": "M", "eventType": "TYPE_PAID",
            "credit": "CREDIT_DIRECT", "value": "VALUE_EXPRESSION", "expression": "event.amount * 0.5",
            "expressionUnit": "UNIT_MONEY", "condition": "deal.product in [\"a\",\n 'b']"}]}"#,
    );
    let (_, measures) = measure::define(&request).unwrap();
    assert_eq!(measure::wire(&measures[0], 0), request.measures[0]);
}

#[test]
fn measures_of_every_value_read_and_are_written_back() {
    for (value, step) in [
        ("VALUE_AMOUNT", ""),
        ("VALUE_MARGIN", ""),
        ("VALUE_QUANTITY", "0.5"),
        ("VALUE_COUNT", "1"),
        ("VALUE_COUNT", ""),
    ] {
        let request: v1::DefineMeasuresRequest = parse(&format!(
            r#"{{"requestId": "r", "measures": [{{"measureId": "m", "name": "M", "eventType": "TYPE_PAID",
                "credit": "CREDIT_DIRECT", "value": "{value}", "step": "{step}"}}]}}"#
        ));
        let (_, measures) = measure::define(&request).unwrap();
        assert_eq!(measure::wire(&measures[0], 0), request.measures[0]);
    }
}

#[test]
fn quotas_in_full_read_and_are_written_back() {
    let request: v1::SetQuotasRequest = parse(
        r#"{"requestId": "r", "reason": "why", "quotas": [
            {"payeeId": "E-1", "measureId": "m", "window": "FY2026", "amount": {"currencyCode": "USD", "amount": "120000.00"},
             "seasonalityPercents": ["10", "10", "10", "10", "10", "10", "10", "10", "10", "5", "2.5", "2.5"],
             "ramp": {"startPeriod": "2025-04", "percents": ["25", "50", "100"]}, "proration": "PRORATION_SEASONAL",
             "reliefs": [{"date": "2025-06-01", "amount": {"currencyCode": "USD", "amount": "500.00"}},
                         {"date": "2026-01-31", "amount": {"currencyCode": "USD", "amount": "0.01"}}]},
            {"payeeId": "E-1", "measureId": "n", "window": "FY2026-H2", "units": "12.5", "proration": "PRORATION_MONTHS",
             "reliefs": [{"date": "2025-08-01", "units": "0.5"}]},
            {"payeeId": "E-2", "measureId": "n", "window": "2025-03", "units": "0"},
            {"payeeId": "E-2", "measureId": "o", "window": "2025-03", "sumOfReportsMeasureId": "n", "proration": "PRORATION_NONE"}]}"#,
    );
    let (_, quotas) = quota::set(&request, &calendar()).unwrap();
    let written: Vec<_> = quotas.iter().map(|read| quota::wire(read, 0, &calendar())).collect();
    assert_eq!(written, request.quotas);
}

/// A component of every kind, with every modifier, in canonical text.
const EVERY: &str = include_str!("../../../../tests/plan-of-every-kind.json");

/// Everything that rates can say, in canonical text.
const FULL: &str = r#"{"planId": "p", "name": "P", "currencyCode": "USD", "components": [
    {"componentId": "quarter", "name": "Q", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE", "lineKept": true,
     "clawback": {"steps": [{"days": 30, "percent": "100"}, {"days": 90, "percent": "33.333333"}]},
     "rates": {"measureId": "own", "lineMeasureId": "team", "mode": "MODE_MARGINAL", "retroactiveToPercent": "50", "tiers": [
        {"edgePercent": "0", "ratePercent": "-1.5"}, {"edgePercent": "50", "ratePercent": "5", "edgeLower": true, "flatAmount": "-100.00"}]}},
    {"componentId": "half", "name": "H", "window": "WINDOW_HALF", "reversal": "REVERSAL_AT_ORIGIN", "clawback": {"fullDays": 30, "termDays": 365},
     "rates": {"measureId": "own", "mode": "MODE_RETROACTIVE", "axis": "AXIS_AMOUNT", "tiers": [
        {"edgeAmount": "0.00", "ratePercent": "5"}, {"edgeAmount": "100000.50", "ratePercent": "7.5", "flatAmount": "1000.00"}]}},
    {"componentId": "units", "name": "U", "window": "WINDOW_YEAR", "reversal": "REVERSAL_OWN_DATE", "clawback": {"termDays": 90},
     "rates": {"measureId": "pieces", "mode": "MODE_MARGINAL", "axis": "AXIS_UNITS", "rateKind": "RATE_KIND_PER_UNIT", "retroactiveToUnits": "10.5",
        "tiers": [{"edgeUnits": "0", "rateAmount": "2.000001"}, {"edgeUnits": "10.5", "rateAmount": "3"}]}},
    {"componentId": "blocks", "name": "B", "window": "WINDOW_MONTH", "reversal": "REVERSAL_OWN_DATE",
     "rates": {"measureId": "pieces", "mode": "MODE_MARGINAL", "axis": "AXIS_AMOUNT", "lineMeasureId": "own", "rateKind": "RATE_KIND_PER_BLOCK",
        "blockQuantity": "12.5", "retroactiveToAmount": "10.00", "tiers": [{"edgeAmount": "0.00", "rateAmount": "25"}]}},
    {"componentId": "deal", "name": "D", "window": "WINDOW_DEAL", "reversal": "REVERSAL_OWN_DATE",
     "rates": {"measureId": "own", "mode": "MODE_WHOLE_CREDIT", "axis": "AXIS_DEAL_AMOUNT", "tiers": [
        {"edgeAmount": "0.00", "ratePercent": "1"}, {"edgeAmount": "999999999999999.99", "ratePercent": "2"}]}},
    {"componentId": "margin", "name": "M", "window": "WINDOW_YEAR", "reversal": "REVERSAL_OWN_DATE",
     "rates": {"measureId": "own", "mode": "MODE_WHOLE_CREDIT", "axis": "AXIS_MARGIN_PERCENT", "tiers": [
        {"edgePercent": "0", "ratePercent": "1"}, {"edgePercent": "30", "ratePercent": "2"}]}},
    {"componentId": "base", "name": "R", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE", "targetPercent": "60",
     "rates": {"measureId": "own", "mode": "MODE_MARGINAL", "rateKind": "RATE_KIND_BASE_RATE", "tiers": [
        {"edgePercent": "0", "rateMultiple": "0.5"}, {"edgePercent": "100", "rateMultiple": "1.5"}]}}]}"#;

#[test]
fn a_plan_with_everything_reads_and_is_written_back() {
    let request: v1::PublishPlanRequest = parse(&format!(
        r#"{{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "plan": {FULL}}}"#
    ));
    let (plan, _) = published(&request);
    assert_eq!(Some(plan::wire(&plan)), request.plan);
    // As it is stored, too.
    let body = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&body).unwrap(), plan);
}

#[test]
fn a_plan_of_every_kind_reads_and_is_written_back() {
    let request: v1::PublishPlanRequest = parse(&format!(
        r#"{{"requestId": "r", "reason": "why", "effectiveFrom": "2026-01", "plan": {EVERY}}}"#
    ));
    let (plan, _) = published(&request);
    assert_eq!(Some(plan::wire(&plan)), request.plan);
    let body = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&body).unwrap(), plan);
    let kinds: BTreeSet<_> = plan.components.iter().map(|component| component.payout.name()).collect();
    let contract = descriptors().get_message_by_name("attain.v1.Component").unwrap();
    let payouts = contract.oneofs().find(|oneof| oneof.name() == "payout").unwrap();
    let of_contract: BTreeSet<_> = payouts.fields().map(|field| field.name().to_string()).collect();
    assert_eq!(kinds, of_contract.iter().map(String::as_str).collect());
}

/// What every path of the domain's own rules is spelt like is a field of the contract.
#[test]
fn gauges_and_measures_stand_under_fields_of_the_contract() {
    let plan = plan::file(&parse::<v1::Plan>(EVERY), calendar().currency).unwrap();
    let json: serde_json::Value = serde_json::from_str(EVERY).unwrap();
    for (place, component) in plan.components.iter().enumerate() {
        let gauges = component.gauges().into_iter().map(|(path, _)| path);
        let measures = component.measures().into_iter().map(|(path, _)| path);
        for path in gauges.chain(measures) {
            let camel = path.replace("measure_id", "measureId").replace(['.', '['], "/").replace(']', "");
            let pointer = format!("/components/{place}/{camel}");
            assert!(json.pointer(&pointer).is_some(), "{pointer}");
        }
    }
}

#[test]
fn what_is_as_usual_is_left_out_in_canonical_text() {
    let spelt: v1::Plan = parse(
        r#"{"planId": "p", "name": "P", "cap": {"limit": {"amount": "5"}, "span": "WINDOW_YEAR"}, "components": [
            {"componentId": "c", "name": "C", "window": "WINDOW_QUARTER", "proration": "PRORATION_DAYS", "modifiers": {},
             "bonus": {"targetAmount": "1000", "due": "DUE_WINDOW_END", "curve": {"shape": "SHAPE_LINEAR",
              "gauge": {"measureId": "m", "axis": "AXIS_ATTAINMENT"}, "points": [{"edgePercent": "0.50", "percent": "1.0"}]}}}]}"#,
    );
    let canonical: v1::Plan = parse(
        r#"{"planId": "p", "name": "P", "currencyCode": "USD", "cap": {"limit": {"amount": "5.00"}}, "components": [
            {"componentId": "c", "name": "C", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE",
             "bonus": {"targetAmount": "1000.00", "curve": {"shape": "SHAPE_LINEAR",
              "gauge": {"measureId": "m"}, "points": [{"edgePercent": "0.5", "percent": "1"}]}}}]}"#,
    );
    let usd = calendar().currency;
    let sketch = plan::sketch(&spelt, usd);
    assert!(sketch.plan.is_some(), "{:?}", sketch.violations);
    assert_eq!(plan::canonical(&spelt, &sketch, usd), canonical);
    assert_eq!(plan::wire(&sketch.plan.unwrap()), canonical);
}

#[test]
fn a_currency_without_minor_digits_has_whole_edges() {
    let yen = Currency::parse("JPY").unwrap();
    let wire: v1::Plan = parse(
        r#"{"planId": "p", "name": "P", "currencyCode": "JPY", "components": [{"componentId": "c", "name": "C", "window": "WINDOW_YEAR",
            "reversal": "REVERSAL_OWN_DATE", "rates": {"measureId": "m", "mode": "MODE_MARGINAL", "axis": "AXIS_AMOUNT", "tiers": [
            {"edgeAmount": "0", "ratePercent": "1"}, {"edgeAmount": "1000", "ratePercent": "2", "flatAmount": "50"}]}}]}"#,
    );
    let read = plan::file(&wire, yen).unwrap();
    let Payout::Rates(rates) = &read.components[0].payout else { panic!() };
    assert_eq!((rates.tiers[1].edge, rates.tiers[1].flat), (Number(1_000_000_000), Some(50)));
    assert_eq!(plan::wire(&read), wire);
}

#[test]
fn a_draft_keeps_its_plan_as_it_came() {
    let request: v1::SaveDraftRequest = parse(
        r#"{"requestId": "r", "draft": {"draftId": "next", "effectiveFrom": "2026-07", "plan": {"name": "P\u0000", "components": [
            {"componentId": "c", "window": 9, "rates": {"measureId": "m", "tiers": [{"ratePercent": "many"}]}}, {}]}}}"#,
    );
    let (write, kept, sketch) = draft::save(&request, calendar().currency).unwrap();
    assert_eq!((write.rpc, kept.id.as_str(), write.etags.len()), (draft::SAVE, "next", 0));
    assert_eq!(sketch.violations.len(), 11, "{:?}", sketch.violations);
    assert!(sketch.plan.is_none() && sketch.components.is_empty() && sketch.id.is_none());
    let body = draft::body(&kept).unwrap();
    let sent = request.draft.unwrap();
    assert_eq!(Some(&body), sent.plan.as_ref());
    assert_eq!(draft::wire(&kept, body, 0), sent);
}

#[test]
fn the_calendar_keys_and_anchors_read() {
    let request: v1::SetCalendarRequest = parse(
        r#"{"requestId": "r", "calendar": {"currencyCode": "JPY", "timeZone": "Asia/Tokyo", "fiscalFirstMonth": 4,
            "rounding": "ROUNDING_HALF_EVEN", "firstPeriod": "2026-04"}}"#,
    );
    let (_, calendar) = admin::set_calendar(&request).unwrap();
    let written = admin::calendar_wire(&calendar, 2);
    assert_eq!(written, v1::Calendar { etag: 2, ..request.calendar.unwrap() });

    let request =
        parse(r#"{"requestId": "r", "key": {"role": "ROLE_PAYEE", "payeeId": "E-1", "label": "Ann"}}"#);
    let (_, key) = admin::create_key(&request).unwrap();
    assert_eq!((key.id, key.role, key.label.as_deref()), (None, Role::Payee, Some("Ann")));
    assert_eq!(key.payee.unwrap().as_str(), "E-1");
    for role in Role::ALL {
        assert_eq!(admin::role_wire(role.name()).as_str_name(), format!("ROLE_{}", role.name()));
    }

    let anchor = format!("17:{}ff", "0".repeat(62));
    let json = format!(r#"{{"anchors": ["{anchor}", "{anchor}"], "minChange": "3"}}"#);
    let (anchors, min) = journal::verify(&parse(&json)).unwrap();
    assert_eq!((anchors.len(), anchors[1].to_string(), min), (2, anchor, 3));
    assert_eq!(journal::verify(&v1::VerifyJournalRequest::default()), Ok((Vec::new(), 0)));
}

#[test]
fn pages_have_a_usual_size_and_changes_start_after_a_number() {
    let (query, page) = payee::list(&v1::ListPayeesRequest::default()).unwrap();
    assert_eq!(page, Page { as_of: AsOf { change: 0, min: 0 }, after: None, size: 100 });
    assert_eq!((query.on, query.filter.is_open()), (None, true));
    let json =
        r#"{"pageSize": 1000, "asOfChange": 5, "minChange": 5, "onDate": "2026-01-31", "planId": "p"}"#;
    let (query, page) = payee::list(&parse(json)).unwrap();
    assert_eq!(page, Page { as_of: AsOf { change: 5, min: 5 }, after: None, size: 1000 });
    assert_eq!((query.on.unwrap().to_string().as_str(), query.filter.is_open()), ("2026-01-31", false));
    let (_, page) = journal::list_changes(&parse(r#"{"afterChange": 12}"#)).unwrap();
    assert_eq!(page.after.as_deref(), Some("12"));
    let (query, _) = deal::list(&parse(r#"{"ownerId": "E-1"}"#)).unwrap();
    assert_eq!((query.owner.unwrap().as_str(), query.outcome), ("E-1", None));
    let query = earnings::explain(&parse(r#"{"period": "2026-01"}"#)).unwrap();
    assert_eq!((query.depth, query.size, query.skip, query.path.as_str()), (3, 50, 0, ""));
    let query = journal::watch_changes(&parse(r#"{"filter": {"noun": "NOUN_DEAL", "key": "D-1"}}"#)).unwrap();
    assert_eq!((query.after, query.until, query.filter.noun), (0, None, Some(Noun::Deal)));
    let json = r#"{"time": "2026-01-31T23:00:00.5Z", "minChange": "4"}"#;
    let (instant, as_of) = journal::find_change(&parse(json)).unwrap();
    assert_eq!((instant.to_rfc3339(), as_of), ("2026-01-31T23:00:00.500+00:00".into(), AsOf::since(4)));
}

#[test]
fn a_close_is_written_in_every_stage() {
    let period = Period::parse("2026-03").unwrap();
    let wire = |stage| period::close_wire(&CloseState { period, stage });
    let running = wire(CloseStage::Running { done: 2, total: 5 });
    assert_eq!(
        (running.state(), running.payees_done, running.payees_total),
        (v1::close::State::Running, 2, 5)
    );
    let failed = wire(CloseStage::Failed(Fault::new(Reason::RunBlocked, "quota missing")));
    assert_eq!((failed.state(), failed.failure.as_str()), (v1::close::State::Failed, "quota missing"));
    let closed = wire(CloseStage::Closed(Closed {
        change: 9,
        as_of: 8,
        payees: 5,
        postings: 11,
        totals: [(calendar().currency, -1250)].into(),
        digest: "ab".into(),
        rules_revision: 1,
    }));
    let expected: v1::Close = parse(
        r#"{"period": "2026-03", "state": "STATE_CLOSED", "payeesDone": "5", "payeesTotal": "5", "changeNumber": "9",
            "asOfChange": "8", "postingCount": "11", "totals": [{"currencyCode": "USD", "amount": "-12.50"}],
            "digest": "ab", "rulesRevision": 1}"#,
    );
    assert_eq!(closed, expected);
}

#[test]
fn a_posting_names_its_accounts_and_its_window() {
    let calendar = calendar();
    let period = Period::parse("2026-03").unwrap();
    let window = calendar.parse_window("FY2027-Q1").unwrap();
    let [payee, plan, component] = ["E-1", "p", "c"];
    let key = Key {
        payee: payee.parse().unwrap(),
        plan: plan.parse().unwrap(),
        component: component.parse().unwrap(),
        window,
    };
    let (for_period, kind, currency) = (period.plus(-1), PostingKind::Released, calendar.currency);
    let posting = Posting { key, for_period, kind, currency, amount: -5 };
    let place = period::Place { change: 4, entry: 2, period };
    let expected: v1::Posting = parse(
        r#"{"changeNumber": "4", "entry": "2", "period": "2026-03", "forPeriod": "2026-02", "kind": "KIND_RELEASED",
            "debit": "ACCOUNT_HELD", "credit": "ACCOUNT_PAYABLE", "payeeId": "E-1", "planId": "p", "componentId": "c",
            "window": "FY2027-Q1", "amount": {"currencyCode": "USD", "amount": "-0.05"}}"#,
    );
    assert_eq!(period::posting_wire(place, &posting, &calendar), expected);
}

#[test]
fn an_explanation_reads_as_a_tree_and_goes_on_at_any_node() {
    let node = |path: &str, title: &str, value: Option<&str>, child_count, children| Explanation {
        path: path.into(),
        title: title.into(),
        value: value.map(Into::into),
        formula: None,
        inputs: Vec::new(),
        child_count,
        children,
    };
    let mut tier = node("/c/t1", "Tier 0%", Some("100.00"), 4, vec![]);
    tier.formula = Some("2000.00 × 5%".into());
    let credit = node("/c/t0/d", "Credit", Some("7"), 0, vec![]);
    let mut first = node("/c/t0", "Tier 50%", None, 3, vec![credit]);
    first.inputs = vec!["plan:p".into(), "quota:q".into()];
    let root = node("/c", "Commission", Some("312.50"), 9, vec![first, tier]);

    let text = "Commission: 312.50\n  Tier 50% [plan:p, quota:q]\n    Credit: 7\n    … and 2 more\n  \
                Tier 0%: 100.00 = 2000.00 × 5%\n    … and 4 more\n  … and 3 more\n";
    assert_eq!(earnings::explanation_text(&root, 4), text);

    let actor = Actor {
        tenant: TenantId(uuid::Uuid::from_u128(1)),
        tenant_slug: "acme".into(),
        key: "k".parse().unwrap(),
        role: Role::Admin,
        payee: None,
    };
    let call = Call { actor, deadline: None, own_deadline: false };
    let paging = |path: &str| {
        let parameters = v1::ExplainEarningRequest { path: path.into(), ..Default::default() };
        Paging::new(&call, earnings::EXPLAIN, &parameters)
    };
    let march = Period::parse("2026-03").unwrap();
    let wire = earnings::explanation_wire(&root, 4, (33, march), &paging);
    let opened = |path: &str, token: &str| {
        let page = paging(path).open(Page { as_of: 0.into(), after: None, size: 2 }, token).unwrap();
        (page.as_of.change, earnings::children_after(&page.after.unwrap()))
    };
    // Four children were on pages before, two are here, three are left.
    assert_eq!(opened("/c", &wire.next_page_token), (33, Some((march, 6))));
    assert_eq!(opened("/c/t0", &wire.children[0].next_page_token), (33, Some((march, 1))));
    // Where the depth ends, asking for the node itself goes on.
    assert_eq!(wire.children[1].next_page_token, "");
    assert_eq!((wire.child_count, wire.children[1].child_count), (9, 4));
}
