//! Rates of exchange.

use super::{Check, listed, read, write};
use crate::api::v1;
use crate::app::exchange::RateQuery;
use crate::app::{Page, Write};
use crate::domain::exchange::{ExchangeRate, Rate, RateKey};
use crate::domain::fault::Fault;
use crate::domain::money::Currency;

/// The rpc that sets rates.
pub const SET: &str = "attain.v1.AdminService/SetExchangeRates";
/// The rpc that lists rates.
pub const LIST: &str = "attain.v1.AdminService/ListExchangeRates";
/// Most rates of one request.
const MAX_RATES: usize = 10_000;

/// Reads a request to set rates.
pub fn set(request: &v1::SetExchangeRatesRequest) -> Result<(Write, Vec<ExchangeRate>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, SET, request, &request.request_id, reason, request.validate_only);
        let rates = check.facts("exchange_rates", &request.exchange_rates, MAX_RATES, ("", key), rate);
        let etags = request.exchange_rates.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("exchange_rates", etags));
        Some((write?.expecting(etags), rates?))
    })
}

/// What tells one rate from another; empty while a part of it is missing.
pub fn key(wire: &v1::ExchangeRate) -> String {
    let parts = [wire.currency_code.as_str(), &wire.date];
    if parts.contains(&"") { String::new() } else { parts.join(" ") }
}

/// Reads a rate.
pub fn rate(check: &mut Check, wire: &v1::ExchangeRate) -> Option<ExchangeRate> {
    let currency = check.take("currency_code", Currency::parse(&wire.currency_code));
    let day = check.day("date", &wire.date);
    let rate = check.take("rate", Rate::parse(&wire.rate));
    Some(ExchangeRate { key: RateKey { currency: currency?, day: day? }, rate: rate? })
}

/// Reads a request for rates.
pub fn list(request: &v1::ListExchangeRatesRequest) -> Result<(RateQuery, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let code = &request.currency_code;
        let currency =
            if code.is_empty() { None } else { check.take("currency_code", Currency::parse(code)) };
        let on = check.optional_day("on_date", &request.on_date);
        Some((RateQuery { currency, on }, page?))
    })
}

/// A rate as the contract says it.
pub fn wire(rate: &ExchangeRate, etag: i64) -> v1::ExchangeRate {
    v1::ExchangeRate {
        currency_code: rate.key.currency.to_string(),
        date: rate.key.day.to_string(),
        rate: rate.rate.to_string(),
        etag,
    }
}
