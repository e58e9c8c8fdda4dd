//! Rates and their tiers: which field of a tier is asked for is said by the axis and the kind of rate, and what the
//! others hold is refused.

use super::{Check, text};
use crate::api::v1;
use crate::domain::money::Currency;
use crate::domain::number::{Number, PERCENT_DECIMALS, Percent, QUANTITY_DECIMALS, Quantity};
use crate::domain::plan::{Axis, MAX_PARTS, RateKind, RateMode, Rates, Tier};

// Percents are numbers too: their decimals are the same.
const _: () = assert!(PERCENT_DECIMALS == QUANTITY_DECIMALS);

/// Reads a text unless it is empty; inside `None` what could not be read.
pub(super) fn optional<T>(text: &str, read: impl FnOnce(&str) -> Option<T>) -> Option<Option<T>> {
    (!text.is_empty()).then(|| read(text))
}

/// Absent, or there and read; `None` if it could not be read.
pub(super) fn present<T>(value: Option<Option<T>>) -> Option<Option<T>> {
    match value {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

/// Reads rates.
pub(super) fn rates(check: &mut Check, wire: &v1::Rates, currency: Currency) -> Option<Rates> {
    let measure = check.id("measure_id", &wire.measure_id);
    let line = optional(&wire.line_measure_id, |text| check.id("line_measure_id", text));
    let mode = check.choice("mode", wire.mode, |mode| match mode {
        v1::rates::Mode::Unspecified => None,
        v1::rates::Mode::Marginal => Some(RateMode::Marginal),
        v1::rates::Mode::Retroactive => Some(RateMode::Retroactive),
        v1::rates::Mode::WholeCredit => Some(RateMode::WholeCredit),
    });
    let axis = axis(check, wire.axis);
    let kind = check.choice("rate_kind", wire.rate_kind, |kind| match kind {
        v1::rates::RateKind::Unspecified | v1::rates::RateKind::Percent => Some(RateKind::Percent),
        v1::rates::RateKind::PerUnit => Some(RateKind::PerUnit),
        v1::rates::RateKind::PerBlock => Some(RateKind::PerBlock(Quantity(0))),
        v1::rates::RateKind::BaseRate => Some(RateKind::BaseRate),
    });
    let pays = kind.map(|kind| block(check, wire, kind));
    let retroactive_to = axis.map(|axis| {
        let at = "retroactive_to";
        let texts = [&wire.retroactive_to_percent, &wire.retroactive_to_amount, &wire.retroactive_to_units];
        edge(check, at, texts.map(String::as_str), axis, false, currency)
    });
    let tiers = check.list("tiers", &wire.tiers, MAX_PARTS, |check, wire| {
        // Which fields a tier has is the axis' and the rate kind's: without these nothing can be said about it.
        let (axis, kind) = (axis?, kind?);
        let texts = [wire.edge_percent.as_str(), &wire.edge_amount, &wire.edge_units];
        let edge = edge(check, "edge", texts, axis, true, currency);
        let rate = rate(check, wire, kind);
        let flat = optional(&wire.flat_amount, |text| check.take("flat_amount", currency.parse_amount(text)));
        Some(Tier { edge: edge??, edge_lower: wire.edge_lower, rate: rate?, flat: present(flat)? })
    });
    Some(Rates {
        measure: measure?,
        line: present(line)?,
        mode: mode?,
        retroactive_to: retroactive_to??,
        axis: axis?,
        pays: pays??,
        tiers: tiers?,
    })
}

/// Reads what edges are on.
pub(super) fn axis(check: &mut Check, axis: i32) -> Option<Axis> {
    check.choice("axis", axis, |axis| match axis {
        v1::rates::Axis::Unspecified | v1::rates::Axis::Attainment => Some(Axis::Attainment),
        v1::rates::Axis::Amount => Some(Axis::Amount),
        v1::rates::Axis::Units => Some(Axis::Units),
        v1::rates::Axis::DealAmount => Some(Axis::DealAmount),
        v1::rates::Axis::MarginPercent => Some(Axis::MarginPercent),
    })
}

/// A rate kind with its block, where it has one.
fn block(check: &mut Check, wire: &v1::Rates, kind: RateKind) -> Option<RateKind> {
    match kind {
        RateKind::PerBlock(_) => {
            check.take("block_quantity", Quantity::parse(&wire.block_quantity)).map(RateKind::PerBlock)
        }
        RateKind::Percent | RateKind::PerUnit | RateKind::BaseRate => {
            if !wire.block_quantity.is_empty() {
                check.add("block_quantity", "must be empty where rates are not per block");
            }
            Some(kind)
        }
    }
}

/// The one of three texts, `…_percent`, `…_amount` and `…_units`, that an axis asks for; the others must be empty.
/// Inside `None` an absent one that need not be there, outside one that could not be read.
pub(super) fn edge(
    check: &mut Check,
    name: &str,
    texts: [&str; 3],
    axis: Axis,
    required: bool,
    currency: Currency,
) -> Option<Option<Number>> {
    let mut value = None;
    for (suffix, text) in ["percent", "amount", "units"].into_iter().zip(texts) {
        let field = format!("{name}_{suffix}");
        if suffix != axis.suffix() {
            if !text.is_empty() {
                check.add(&field, format!("must be empty: the axis is {}", axis_wire(axis).as_str_name()));
            }
            continue;
        }
        value = match suffix {
            _ if text.is_empty() && !required => Some(None),
            "percent" => check.percent(&field, text).map(|percent| Some(Number(percent.0.into()))),
            "amount" => {
                check.take(&field, currency.parse_amount(text)).map(|minor| Some(major(minor, currency)))
            }
            _ => check.take(&field, Number::parse(text)).map(Some),
        };
    }
    value
}

/// The one rate that a rate kind asks for; the others must be empty.
fn rate(check: &mut Check, wire: &v1::Tier, kind: RateKind) -> Option<Number> {
    let asked = match kind {
        RateKind::Percent => "rate_percent",
        RateKind::PerUnit | RateKind::PerBlock(_) => "rate_amount",
        RateKind::BaseRate => "rate_multiple",
    };
    let fields = [
        ("rate_percent", &wire.rate_percent),
        ("rate_amount", &wire.rate_amount),
        ("rate_multiple", &wire.rate_multiple),
    ];
    let mut value = None;
    for (field, text) in fields {
        if field == asked {
            let percent = |text| Percent::parse(text).map(|percent| Number(percent.0.into()));
            let parsed = if field == "rate_percent" { percent(text) } else { Number::parse(text) };
            value = check.take(field, parsed);
        } else if !text.is_empty() {
            let kind = rate_kind_wire(kind).as_str_name();
            check.add(field, format!("must be empty: the rate kind is {kind}"));
        }
    }
    value
}

/// How many minor units are a millionth of the currency, turned round: no currency has more decimals than a number.
fn millionths(currency: Currency) -> i128 {
    10_i128.pow(QUANTITY_DECIMALS.saturating_sub(currency.minor_digits()))
}

/// Minor units as the number that domain values hold edges in.
fn major(minor: i64, currency: Currency) -> Number {
    Number(i128::from(minor) * millionths(currency))
}

/// An axis as the contract says it.
pub(super) fn axis_wire(axis: Axis) -> v1::rates::Axis {
    match axis {
        Axis::Attainment => v1::rates::Axis::Attainment,
        Axis::Amount => v1::rates::Axis::Amount,
        Axis::Units => v1::rates::Axis::Units,
        Axis::DealAmount => v1::rates::Axis::DealAmount,
        Axis::MarginPercent => v1::rates::Axis::MarginPercent,
    }
}

/// A rate kind as the contract says it.
pub(super) fn rate_kind_wire(kind: RateKind) -> v1::rates::RateKind {
    match kind {
        RateKind::Percent => v1::rates::RateKind::Percent,
        RateKind::PerUnit => v1::rates::RateKind::PerUnit,
        RateKind::PerBlock(_) => v1::rates::RateKind::PerBlock,
        RateKind::BaseRate => v1::rates::RateKind::BaseRate,
    }
}

/// An edge in the field that its axis asks for: percent, amount, units.
pub(super) fn edge_wire(edge: Number, axis: Axis, currency: Currency) -> [String; 3] {
    let none = String::new;
    match axis.suffix() {
        "percent" => [edge.to_string(), none(), none()],
        "amount" => [none(), currency.amount(edge.0 / millionths(currency)), none()],
        _ => [none(), none(), edge.to_string()],
    }
}

/// A rate in the field that its kind asks for: percent, amount, multiple.
pub(super) fn rate_wire(rate: Number, kind: RateKind) -> [String; 3] {
    let (none, rate) = (String::new, rate.to_string());
    match kind {
        RateKind::Percent => [rate, none(), none()],
        RateKind::PerUnit | RateKind::PerBlock(_) => [none(), rate, none()],
        RateKind::BaseRate => [none(), none(), rate],
    }
}

/// Rates as the contract says them.
pub(super) fn rates_wire(rates: &Rates, currency: Currency) -> v1::Rates {
    let mode = match rates.mode {
        RateMode::Marginal => v1::rates::Mode::Marginal,
        RateMode::Retroactive => v1::rates::Mode::Retroactive,
        RateMode::WholeCredit => v1::rates::Mode::WholeCredit,
    };
    let [to_percent, to_amount, to_units] = match rates.retroactive_to {
        Some(edge) => edge_wire(edge, rates.axis, currency),
        None => Default::default(),
    };
    let block_quantity = match rates.pays {
        RateKind::PerBlock(block) => block.to_string(),
        RateKind::Percent | RateKind::PerUnit | RateKind::BaseRate => String::new(),
    };
    // What is as usual is left out, so that a plan reads as short as it was written.
    let axis = Some(rates.axis).filter(|axis| *axis != Axis::default()).map(axis_wire);
    let kind = Some(rates.pays).filter(|kind| *kind != RateKind::default()).map(rate_kind_wire);
    v1::Rates {
        measure_id: rates.measure.to_string(),
        mode: mode.into(),
        tiers: rates.tiers.iter().map(|tier| tier_wire(tier, rates.axis, rates.pays, currency)).collect(),
        line_measure_id: text(rates.line.as_ref()),
        axis: axis.unwrap_or_default().into(),
        rate_kind: kind.unwrap_or_default().into(),
        block_quantity,
        retroactive_to_percent: to_percent,
        retroactive_to_amount: to_amount,
        retroactive_to_units: to_units,
    }
}

/// A tier as the contract says it.
pub(super) fn tier_wire(tier: &Tier, axis: Axis, pays: RateKind, currency: Currency) -> v1::Tier {
    let [edge_percent, edge_amount, edge_units] = edge_wire(tier.edge, axis, currency);
    let [rate_percent, rate_amount, rate_multiple] = rate_wire(tier.rate, pays);
    v1::Tier {
        edge_percent,
        edge_amount,
        edge_units,
        edge_lower: tier.edge_lower,
        rate_percent,
        rate_amount,
        rate_multiple,
        flat_amount: tier.flat.map_or_else(String::new, |flat| currency.amount(flat.into())),
    }
}
