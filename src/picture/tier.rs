//! The ladder of a segment: what its tiers begin at and pay, which of them the line has reached, and how far the next is.

use rust_decimal::{Decimal, RoundingStrategy};

use super::figures::grouped;
use crate::api::v1;
use crate::api::v1::rates::{Axis, RateKind};
use crate::domain::money::Currency;

/// Whether a segment pays by a quota. What a version before the rates in full has kept says no axis and does.
pub fn needs_quota(segment: &v1::Segment) -> bool {
    let by_quota = matches!(segment.axis(), Axis::Attainment | Axis::Unspecified)
        || segment.rate_kind() == RateKind::BaseRate;
    by_quota && matches!(segment.payout.as_str(), "rates" | "override" | "residual")
}

/// A tier's lower edge in words.
pub fn edge_text(tier: &v1::TierLine) -> String {
    match (tier.edge_percent.as_str(), tier.edge_amount.as_str()) {
        ("", "") => format!("{} units", grouped(&tier.edge_units)),
        ("", amount) => grouped(amount),
        (percent, _) => format!("{percent} %"),
    }
}

/// What a tier pays in words.
pub fn rate_text(segment: &v1::Segment, tier: &v1::TierLine) -> String {
    match segment.rate_kind() {
        RateKind::Percent | RateKind::Unspecified => format!("{} %", tier.rate_percent),
        RateKind::PerUnit => format!("{} a unit", grouped(&tier.rate_amount)),
        RateKind::PerBlock => format!("{} a block", grouped(&tier.rate_amount)),
        RateKind::BaseRate => format!("{} x", tier.rate_multiple),
    }
}

/// Whether a segment's line has reached a tier; one on the edge is in the upper tier.
pub fn reached(segment: &v1::Segment, tier: &v1::TierLine) -> bool {
    edge(segment, tier).zip(position(segment)).is_some_and(|(edge, position)| edge <= position)
}

/// Where the line is.
pub fn position(segment: &v1::Segment) -> Option<Decimal> {
    decimal(segment.line.as_ref().unwrap_or(&segment.credited))
}

/// Where on the line a tier begins; `None` where there is no quota to measure against, or the deal decides the tier.
pub fn edge(segment: &v1::Segment, tier: &v1::TierLine) -> Option<Decimal> {
    match segment.axis() {
        Axis::Attainment | Axis::Unspecified => {
            segment.attainment_percent.as_ref()?;
            let quota = decimal(segment.quota.as_ref()?)?;
            quota.checked_mul(decimal(&tier.edge_percent)?)?.checked_div(Decimal::ONE_HUNDRED)
        }
        Axis::Amount => decimal(&tier.edge_amount),
        Axis::Units => decimal(&tier.edge_units),
        Axis::DealAmount | Axis::MarginPercent => None,
    }
}

/// The next tier and what is missing to its edge, rounded up to the minor unit.
pub fn next_tier<'s>(segment: &'s v1::Segment, currency: &str) -> Option<(&'s v1::TierLine, String)> {
    let position = position(segment)?;
    let next = segment.tiers.iter().find(|tier| edge(segment, tier).is_some_and(|edge| edge > position))?;
    let missing = edge(segment, next)?.checked_sub(position)?;
    if segment.line_unit() == v1::Unit::Number {
        return Some((next, missing.normalize().to_string()));
    }
    let digits = Currency::parse(currency).ok()?.minor_digits();
    let mut missing = missing.round_dp_with_strategy(digits, RoundingStrategy::AwayFromZero);
    missing.rescale(digits);
    Some((next, missing.to_string()))
}

/// A figure's text as an exact number; `None` where that has more digits than can be held.
pub fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}
