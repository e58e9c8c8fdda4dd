//! Quotas. Their windows read under the tenant's fiscal calendar.

pub mod adjust;

use super::{Check, listed, money, read, text, write};
use crate::api::v1;
use crate::app::quota::QuotaQuery;
use crate::app::{AsOf, Page, Write};
use crate::domain::date::Calendar;
use crate::domain::fault::Fault;
use crate::domain::measure::Amount;
use crate::domain::money::Currency;
use crate::domain::number::Percent;
use crate::domain::quota::{Goal, MAX_PARTS, MONTHS, Proration, Quota, QuotaKey, Ramp, Relief};

/// The rpc that sets quotas.
pub const SET: &str = "attain.v1.QuotaService/SetQuotas";
/// The rpc that lists quotas.
pub const LIST: &str = "attain.v1.QuotaService/ListQuotas";
/// Most quotas of one request.
const MAX_QUOTAS: usize = 10_000;

/// Reads a request to set quotas.
pub fn set(request: &v1::SetQuotasRequest, calendar: &Calendar) -> Result<(Write, Vec<Quota>), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, SET, request, &request.request_id, reason, request.validate_only);
        let key = |wire: &v1::Quota| {
            let parts = [wire.payee_id.as_str(), &wire.measure_id, &wire.window];
            if parts.contains(&"") { String::new() } else { parts.join(" ") }
        };
        let quotas = check.facts("quotas", &request.quotas, MAX_QUOTAS, ("", key), |check, wire| {
            quota(check, wire, calendar)
        });
        let etags = request.quotas.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("quotas", etags));
        Some((write?.expecting(etags), quotas?))
    })
}

/// Reads a request for one quota: as of when, and which.
pub fn get(request: &v1::GetQuotaRequest, calendar: &Calendar) -> Result<(AsOf, QuotaKey), Fault> {
    read(|check| {
        let key = key(check, &request.payee_id, &request.measure_id, &request.window, calendar);
        Some((check.as_of(request.as_of_change, request.min_change)?, key?))
    })
}

/// Reads a request for quotas.
pub fn list(request: &v1::ListQuotasRequest) -> Result<(QuotaQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let payee = check.optional_id("payee_id", &request.payee_id);
        let measure = check.optional_id("measure_id", &request.measure_id);
        let on = check.optional_day("on_date", &request.on_date);
        Some((QuotaQuery { payee, measure, on }, page?))
    })
}

fn key(check: &mut Check, payee: &str, measure: &str, window: &str, calendar: &Calendar) -> Option<QuotaKey> {
    let payee = check.id("payee_id", payee);
    let measure = check.id("measure_id", measure);
    let window = check.take("window", calendar.parse_window(window));
    Some(QuotaKey { payee: payee?, measure: measure?, window: window? })
}

/// Reads a quota.
pub(super) fn quota(check: &mut Check, wire: &v1::Quota, calendar: &Calendar) -> Option<Quota> {
    let fields = |check: &mut Check| {
        let key = key(check, &wire.payee_id, &wire.measure_id, &wire.window, calendar);
        let currency = currency_of(wire.amount.as_ref(), &wire.reliefs, calendar);
        let goal = goal(check, wire, currency);
        let seasonality = match wire.seasonality_percents.len() {
            0 => Some(None),
            MONTHS => percents(check, "seasonality_percents", &wire.seasonality_percents)
                .and_then(|weights| weights.try_into().ok())
                .map(Some),
            count => {
                check.add("seasonality_percents", format!("must be twelve or none, got {count}"));
                None
            }
        };
        let ramp = match &wire.ramp {
            None => Some(None),
            Some(wire) => check.inner("ramp", Some(wire), ramp).map(Some),
        };
        let proration = proration(check, wire.proration);
        let reliefs =
            check.list("reliefs", &wire.reliefs, MAX_PARTS, |check, wire| relief(check, wire, currency));
        Some(Quota {
            key: key?,
            currency,
            goal: goal?,
            seasonality: seasonality?,
            ramp: ramp?,
            proration: proration?,
            reliefs: reliefs?,
        })
    };
    check.whole(fields, |quota, path, violations| quota.check(path, violations))
}

/// Reads what part of a window a part of its days is.
pub(super) fn proration(check: &mut Check, proration: i32) -> Option<Proration> {
    check.choice("proration", proration, |proration| match proration {
        v1::quota::Proration::Unspecified | v1::quota::Proration::Days => Some(Proration::Days),
        v1::quota::Proration::Seasonal => Some(Proration::Seasonal),
        v1::quota::Proration::Months => Some(Proration::Months),
        v1::quota::Proration::None => Some(Proration::None),
    })
}

/// The currency that a quota's money is stated in: of the first amount that names one; without any the tenant's.
fn currency_of(amount: Option<&v1::Money>, reliefs: &[v1::Relief], calendar: &Calendar) -> Currency {
    let amounts = amount.into_iter().chain(reliefs.iter().filter_map(|relief| relief.amount.as_ref()));
    let mut named = amounts.filter_map(|money| Currency::parse(&money.currency_code).ok());
    named.next().unwrap_or(calendar.currency)
}

fn goal(check: &mut Check, wire: &v1::Quota, currency: Currency) -> Option<Goal> {
    let reports = check.optional_id("sum_of_reports_measure_id", &wire.sum_of_reports_measure_id);
    let stated = wire.amount.is_some() || !wire.units.is_empty();
    if stated && !wire.sum_of_reports_measure_id.is_empty() {
        check.add("sum_of_reports_measure_id", "must be empty where the goal is stated");
    }
    let figure = figure(check, wire.amount.as_ref(), &wire.units, currency);
    match (figure, reports) {
        (Some(figure), _) => Some(Goal::Amount(figure)),
        (None, Some(measure)) => Some(Goal::SumOfReports(measure)),
        (None, None) => {
            if !stated && wire.sum_of_reports_measure_id.is_empty() {
                check.add("amount", "must be given, or units, or sum_of_reports_measure_id");
            }
            None
        }
    }
}

/// A figure in the unit that the caller states it in, which one of two fields says; `None` if neither does.
fn figure(check: &mut Check, amount: Option<&v1::Money>, units: &str, currency: Currency) -> Option<Amount> {
    if amount.is_some() && !units.is_empty() {
        check.add("units", "must be empty where an amount is given");
    }
    if amount.is_none() {
        return check.quantity("units", units).map(Amount::Number);
    }
    let minor = check.inner("amount", amount, |check, wire| {
        let stated = check.take("currency_code", Currency::parse(&wire.currency_code));
        if let Some(stated) = stated.filter(|stated| *stated != currency) {
            check.add(
                "currency_code",
                format!("must be {currency} as in the quota's first amount, got {stated}"),
            );
        }
        check.required_amount("amount", &wire.amount, currency)
    });
    minor.map(Amount::Money)
}

fn relief(check: &mut Check, wire: &v1::Relief, currency: Currency) -> Option<Relief> {
    let day = check.day("date", &wire.date);
    let amount = figure(check, wire.amount.as_ref(), &wire.units, currency);
    if amount.is_none() && wire.amount.is_none() && wire.units.is_empty() {
        check.add("amount", "must be given, or units");
    }
    Some(Relief { day: day?, amount: amount? })
}

fn ramp(check: &mut Check, wire: &v1::Ramp) -> Option<Ramp> {
    let start = check.period("start_period", &wire.start_period);
    let percents = percents(check, "percents", &wire.percents);
    Some(Ramp { start: start?, percents: percents? })
}

fn percents(check: &mut Check, field: &str, texts: &[String]) -> Option<Vec<Percent>> {
    if texts.len() > MAX_PARTS {
        check.add(field, format!("must be at most {MAX_PARTS}, got {}", texts.len()));
        return None;
    }
    let each = |(place, text): (usize, &String)| check.percent(&format!("{field}[{place}]"), text);
    let percents: Vec<Option<Percent>> = texts.iter().enumerate().map(each).collect();
    percents.into_iter().collect()
}

/// A quota as the contract says it.
pub fn wire(quota: &Quota, etag: i64, calendar: &Calendar) -> v1::Quota {
    let (figure, reports) = match &quota.goal {
        Goal::Amount(amount) => (Some(*amount), None),
        Goal::SumOfReports(measure) => (None, Some(measure)),
    };
    let (amount, units) = figure.map_or_else(Default::default, |figure| figure_wire(figure, quota.currency));
    let texts = |percents: &[Percent]| percents.iter().map(Percent::to_string).collect();
    v1::Quota {
        payee_id: quota.key.payee.to_string(),
        measure_id: quota.key.measure.to_string(),
        window: calendar.window_text(quota.key.window),
        amount,
        etag,
        units,
        sum_of_reports_measure_id: text(reports),
        seasonality_percents: quota.seasonality.as_ref().map_or_else(Vec::new, |weights| texts(weights)),
        ramp: quota
            .ramp
            .as_ref()
            .map(|ramp| v1::Ramp { start_period: ramp.start.to_string(), percents: texts(&ramp.percents) }),
        proration: proration_wire(quota.proration).into(),
        reliefs: quota.reliefs.iter().map(|relief| relief_wire(relief, quota.currency)).collect(),
    }
}

fn relief_wire(relief: &Relief, currency: Currency) -> v1::Relief {
    let (amount, units) = figure_wire(relief.amount, currency);
    v1::Relief { date: relief.day.to_string(), amount, units }
}

/// What is as usual is left out, so that a quota or a plan reads as short as it was written.
pub(super) fn proration_wire(proration: Proration) -> v1::quota::Proration {
    match proration {
        Proration::Days => v1::quota::Proration::Unspecified,
        Proration::Seasonal => v1::quota::Proration::Seasonal,
        Proration::Months => v1::quota::Proration::Months,
        Proration::None => v1::quota::Proration::None,
    }
}

/// A figure in the field of its unit: an amount, or units.
fn figure_wire(figure: Amount, currency: Currency) -> (Option<v1::Money>, String) {
    match figure {
        Amount::Money(minor) => (Some(money(minor.into(), currency)), String::new()),
        Amount::Number(units) => (None, units.to_string()),
    }
}
