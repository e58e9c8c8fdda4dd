//! The ladder of a segment: what its tiers begin at and pay, which of them the line has reached, and how far the next is.

use rust_decimal::{Decimal, RoundingStrategy};

use super::figures::{counts, grouped};
use crate::api::v1;
use crate::api::v1::rates::{Axis, RateKind};
use crate::api::v1::statement::State;
use crate::domain::date::Day;
use crate::domain::money::Currency;

/// Whether a segment pays by a quota. What a version before the rates in full has kept says no axis and does.
pub fn needs_quota(segment: &v1::Segment) -> bool {
    let by_quota = matches!(segment.axis(), Axis::Attainment | Axis::Unspecified)
        || segment.rate_kind() == RateKind::BaseRate;
    by_quota && matches!(segment.payout.as_str(), "rates" | "override" | "residual")
}

/// A tier's lower edge in words: `100 %`, or `above 100 %` where it must be exceeded. Zero and all below it is in the first
/// tier whatever its edge says.
pub fn edge_text(tier: &v1::TierLine) -> String {
    let edge = match (tier.edge_percent.as_str(), tier.edge_amount.as_str()) {
        ("", "") => format!("{} units", grouped(&tier.edge_units)),
        ("", amount) => grouped(amount),
        (percent, _) => format!("{percent} %"),
    };
    if exceeds(tier) { format!("above {edge}") } else { edge }
}

/// Whether a tier's edge must be exceeded.
fn exceeds(tier: &v1::TierLine) -> bool {
    tier.edge_lower
        && [&tier.edge_percent, &tier.edge_amount, &tier.edge_units].iter().any(|edge| counts(edge))
}

/// Where a tier begins in words: `from 100 %`, or `above 100 %`.
pub fn from_text(tier: &v1::TierLine) -> String {
    let edge = edge_text(tier);
    if exceeds(tier) { edge } else { format!("from {edge}") }
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

/// Whether a segment's line has reached a tier (semantics 8.1): zero and all below it has reached the first, and a line on
/// an edge the upper one, unless that must be exceeded.
pub fn reached(segment: &v1::Segment, tier: &v1::TierLine) -> bool {
    let place = edge(segment, tier).zip(position(segment));
    place.is_some_and(|(edge, position)| {
        edge.is_zero() || edge < position || edge == position && !tier.edge_lower
    })
}

/// Whether a segment's terms are over, so that no tier of it is within reach any more: they end by a day, and those of a
/// closed month with it.
pub fn over(statement: &v1::Statement, segment: &v1::Segment, on_date: &str) -> bool {
    let days = Day::parse(on_date).ok().zip(Day::parse(&segment.end_date).ok());
    let closed = statement.state() == State::Closed;
    days.is_some_and(|(on, end)| end <= on || closed && end <= on.next())
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

/// The next tier and what is missing to be in it, rounded up to the minor unit. Of a number there is no next one above an
/// edge that must be exceeded: what is missing is more than that.
pub fn next_tier<'s>(segment: &'s v1::Segment, currency: &str) -> Option<(&'s v1::TierLine, String)> {
    let next = segment.tiers.iter().find(|tier| edge(segment, tier).is_some() && !reached(segment, tier))?;
    let missing = edge(segment, next)?.checked_sub(position(segment)?)?;
    if segment.line_unit() == v1::Unit::Number {
        let missing = grouped(&missing.normalize().to_string());
        return Some((next, if next.edge_lower { format!("more than {missing}") } else { missing }));
    }
    let digits = Currency::parse(currency).ok()?.minor_digits();
    let mut rounded = missing.round_dp_with_strategy(digits, RoundingStrategy::AwayFromZero);
    if next.edge_lower && rounded == missing {
        rounded = rounded.checked_add(Decimal::new(1, digits))?;
    }
    rounded.rescale(digits);
    Some((next, grouped(&rounded.to_string())))
}

/// A figure's text as an exact number; `None` where that has more digits than can be held.
pub fn decimal(text: &str) -> Option<Decimal> {
    Decimal::from_str_exact(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::tests::statement::segment;

    /// The place of the tier that is marked, what is missing to the next and where that begins.
    fn standing(segment: &v1::Segment) -> (Option<usize>, Option<(String, String)>) {
        let here = segment.tiers.iter().rposition(|tier| reached(segment, tier));
        (here, next_tier(segment, "USD").map(|(tier, missing)| (missing, edge_text(tier))))
    }

    fn missing(amount: &str, edge: &str) -> Option<(String, String)> {
        Some((amount.into(), edge.into()))
    }

    /// Of a quota of 75,000.00, with tiers from 0, 100 and 120 percent.
    fn credited(text: &str) -> v1::Segment {
        v1::Segment { credited: text.into(), ..segment() }
    }

    #[test]
    fn on_an_edge_the_line_is_in_the_upper_tier() {
        assert_eq!(standing(&credited("74999.99")), (Some(0), missing("0.01", "100 %")));
        assert_eq!(standing(&credited("75000.00")), (Some(1), missing("15,000.00", "120 %")));
        assert_eq!(standing(&credited("90000.00")), (Some(2), None));
        // A third of a cent is a cent.
        assert_eq!(standing(&credited("74999.996666")), (Some(0), missing("0.01", "100 %")));
    }

    #[test]
    fn zero_and_all_below_it_is_in_the_first_tier() {
        assert_eq!(standing(&credited("0.00")), (Some(0), missing("75,000.00", "100 %")));
        assert_eq!(standing(&credited("-500.00")), (Some(0), missing("75,500.00", "100 %")));
    }

    #[test]
    fn an_edge_that_must_be_exceeded_is_in_the_lower_tier() {
        let mut segment = credited("75000.00");
        for tier in &mut segment.tiers {
            tier.edge_lower = true;
        }
        assert_eq!(standing(&segment), (Some(0), missing("0.01", "above 100 %")));
        segment.credited = "75000.01".into();
        assert_eq!(standing(&segment), (Some(1), missing("15,000.00", "above 120 %")));
        assert_eq!([0, 2].map(|place| from_text(&segment.tiers[place])), ["from 0 %", "above 120 %"]);
        segment.credited = "-1.00".into();
        assert_eq!(standing(&segment), (Some(0), missing("75,001.01", "above 100 %")));
    }

    #[test]
    fn a_number_above_an_edge_has_no_smallest() {
        let mut segment = v1::Segment { credited: "12".into(), quota: Some("16".into()), ..segment() };
        segment.set_line_unit(v1::Unit::Number);
        assert_eq!(standing(&segment), (Some(0), missing("4", "100 %")));
        segment.tiers[1].edge_lower = true;
        assert_eq!(standing(&segment), (Some(0), missing("more than 4", "above 100 %")));
    }

    #[test]
    fn terms_are_over_when_they_end_and_with_their_closed_month() {
        let statement = |state: State| v1::Statement { state: state.into(), ..v1::Statement::default() };
        let segment = v1::Segment { end_date: "2026-04-01".into(), ..segment() };
        for (state, on, expected) in [
            (State::Open, "2026-03-31", false),
            (State::Open, "2026-04-01", true),
            (State::Closed, "2026-03-30", false),
            (State::Closed, "2026-03-31", true),
            (State::Closed, "", false),
        ] {
            assert_eq!(over(&statement(state), &segment, on), expected, "{state:?} {on}");
        }
    }
}
