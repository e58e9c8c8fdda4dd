//! The ladder drawn: a step for each tier, as far along the line as its edge and as high as its rate, filled as far as
//! the line has come.

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::figures::{grouped, percent};
use super::scale::{across, of, rough};
use super::tier::{edge_text, rate_text};
use crate::api::v1;
use crate::api::v1::rates::{Axis, RateKind};

/// Pixels: where the highest step ends, how high it is and how high the lowest, and room for the edges below.
const TOP: i64 = 44;
const HIGHEST: i64 = 104;
const LOWEST: i64 = 18;
const BELOW: i64 = 24;
/// Thousandths of the width that a character takes on the narrowest screen.
const CHARACTER: i64 = 22;

/// A tier as it is drawn.
struct Step<'s> {
    tier: &'s v1::TierLine,
    /// From where to where, in thousandths of the width.
    left: i64,
    right: i64,
    /// Pixels from the top.
    top: i64,
}

/// The ladder of a segment. `None` where nothing is to be climbed: a single tier, or no line that decides the tier.
pub fn ladder(segment: &v1::Segment) -> Option<Markup> {
    let (line, edges) = placed(segment)?;
    let last = edges.iter().max().copied()?;
    if edges.len() < 2 || last <= Decimal::ZERO {
        return None;
    }
    // The last tier is open: it gets a quarter of what is below it, and more if the line is further.
    let beyond = |figure: Decimal, part: i64| figure.checked_add(figure.checked_div(Decimal::from(part))?);
    let end = beyond(last, 4)?.max(beyond(line, 12)?);
    let x = |figure: Decimal| of(figure, end, 1000);
    let rates: Vec<Decimal> = segment.tiers.iter().map(|tier| rate(segment, tier)).collect();
    let highest = rates.iter().max().copied().unwrap_or_default();
    let ends = edges.iter().skip(1).copied().chain([end]);
    let steps =
        segment.tiers.iter().zip(&edges).zip(ends).zip(&rates).map(|(((tier, from), to), rate)| Step {
            tier,
            left: x(*from),
            right: x(to),
            top: TOP + HIGHEST - LOWEST - of(*rate, highest, HIGHEST - LOWEST),
        });
    let at = match &segment.attainment_percent {
        Some(attained) if by_attainment(segment) => percent(attained),
        _ => grouped(segment.line.as_ref().unwrap_or(&segment.credited)),
    };
    Some(drawing(segment, &steps.collect::<Vec<_>>(), x(line), &at))
}

fn drawing(segment: &v1::Segment, steps: &[Step], at: i64, at_text: &str) -> Markup {
    let base = TOP + HIGHEST;
    let label = format!("The tiers, and where the line stands: {at_text}");
    let half = width(at_text) / 2;
    let anchor = if at < half {
        "start"
    } else if at > 1000 - half {
        "end"
    } else {
        "middle"
    };
    let mut free = 0;
    let edges: Vec<_> =
        steps.iter().filter(|step| room(step.left, width(&edge_text(step.tier)), &mut free)).collect();
    let rated = steps.iter().filter(|step| step.right - step.left >= width(&rate_text(segment, step.tier)));
    html! {
        svg.ladder role="img" aria-label=(label) width="100%" height=(base + BELOW) {
            title { (label) }
            @for step in steps {
                @let (x, width) = (across(step.left), across((step.right - step.left).max(0)));
                @let filled = across((at.min(step.right) - step.left).max(0));
                rect.step x=(x) width=(width) y=(step.top) height=(base - step.top) {}
                rect.filled x=(x) width=(filled) y=(step.top) height=(base - step.top) {}
            }
            // Under the rates, which stay readable.
            line.stand x1=(across(at)) x2=(across(at)) y1="20" y2=(base) {}
            @for step in rated {
                text.rate x=(across((step.left + step.right) / 2)) y=(step.top - 6) text-anchor="middle" {
                    (rate_text(segment, step.tier))
                }
            }
            line.base x1="0" x2="100%" y1=(base) y2=(base) {}
            @for step in edges {
                text.edge x=(across(step.left)) y=(base + 16)
                    text-anchor=(if step.left == 0 { "start" } else { "middle" }) { (edge_text(step.tier)) }
            }
            circle.stand cx=(across(at)) cy=(base) r="5" {}
            text.stand x=(across(at)) y="14" text-anchor=(anchor) { (at_text) }
        }
    }
}

/// Thousandths of the width that a text takes.
fn width(text: &str) -> i64 {
    i64::try_from(text.chars().count()).map_or(1000, |characters| characters * CHARACTER)
}

/// Whether there is room for the name of an edge, so wide, behind the one before, which ends where `free` says.
fn room(left: i64, width: i64, free: &mut i64) -> bool {
    let from = if left == 0 { 0 } else { left - width / 2 };
    let has = from >= *free && from + width <= 1000;
    if has {
        *free = from + width;
    }
    has
}

fn by_attainment(segment: &v1::Segment) -> bool {
    matches!(segment.axis(), Axis::Attainment | Axis::Unspecified)
}

/// Where the line and the edges of the tiers are, on the axis of the edges.
fn placed(segment: &v1::Segment) -> Option<(Decimal, Vec<Decimal>)> {
    let line = || rough(segment.line.as_ref().unwrap_or(&segment.credited));
    let edge: fn(&v1::TierLine) -> &str = match segment.axis() {
        Axis::Attainment | Axis::Unspecified => |tier| &tier.edge_percent,
        Axis::Amount => |tier| &tier.edge_amount,
        Axis::Units => |tier| &tier.edge_units,
        Axis::DealAmount | Axis::MarginPercent => return None,
    };
    let line = if by_attainment(segment) { rough(segment.attainment_percent.as_ref()?) } else { line() };
    let edges: Option<Vec<_>> = segment.tiers.iter().map(|tier| rough(edge(tier))).collect();
    line.zip(edges)
}

fn rate(segment: &v1::Segment, tier: &v1::TierLine) -> Decimal {
    let text = match segment.rate_kind() {
        RateKind::Percent | RateKind::Unspecified => &tier.rate_percent,
        RateKind::PerUnit | RateKind::PerBlock => &tier.rate_amount,
        RateKind::BaseRate => &tier.rate_multiple,
    };
    rough(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(attained: Option<&str>, tiers: &[(&str, &str)]) -> v1::Segment {
        let tier = |(edge, rate): &(&str, &str)| v1::TierLine {
            edge_percent: (*edge).into(),
            rate_percent: (*rate).into(),
            ..v1::TierLine::default()
        };
        v1::Segment {
            attainment_percent: attained.map(str::to_string),
            tiers: tiers.iter().map(tier).collect(),
            ..v1::Segment::default()
        }
    }

    /// What each element of a class has under a name.
    fn all(svg: &str, class: &str, name: &str) -> Vec<String> {
        let (class, name) = (format!("class=\"{class}\""), format!(" {name}=\""));
        let elements = svg.split('<').filter(|element| element.contains(&class));
        let value = |element: &str| Some(element.split_once(&name)?.1.split_once('"')?.0.to_string());
        elements.filter_map(value).collect()
    }

    #[test]
    fn steps_are_as_far_as_their_edges_as_high_as_their_rates_and_filled_as_far_as_the_line() {
        // The last edge is at 120; with a quarter of that the drawing ends at 150.
        let tiers = [("0", "5"), ("75", "10"), ("120", "0")];
        let svg = ladder(&segment(Some("90"), &tiers)).unwrap().into_string();
        assert_eq!(all(&svg, "step", "x"), ["0.0%", "50.0%", "80.0%"]);
        assert_eq!(all(&svg, "step", "width"), ["50.0%", "30.0%", "20.0%"]);
        // 18 pixels for a rate of nothing, 104 for the highest.
        assert_eq!(all(&svg, "step", "height"), ["61", "104", "18"]);
        assert_eq!(all(&svg, "filled", "width"), ["50.0%", "10.0%", "0.0%"]);
        assert_eq!(all(&svg, "stand", "x1"), ["60.0%"]);
    }

    #[test]
    fn the_line_stays_in_the_drawing() {
        let tiers = [("0", "5"), ("100", "10")];
        for (attained, expected) in [("-20", "0.0%"), ("0", "0.0%"), ("125", "92.3%"), ("100000", "92.3%")] {
            let svg = ladder(&segment(Some(attained), &tiers)).unwrap().into_string();
            assert_eq!(all(&svg, "stand", "x1"), [expected], "{attained}");
        }
    }

    #[test]
    fn without_a_line_or_a_second_tier_there_is_nothing_to_climb() {
        let tiers = [("0", "5"), ("100", "10")];
        assert!(ladder(&segment(None, &tiers)).is_none());
        assert!(ladder(&segment(Some("90"), &tiers[..1])).is_none());
        assert!(ladder(&segment(Some("90"), &[])).is_none());
        let mut by_deal = segment(Some("90"), &tiers);
        by_deal.set_axis(Axis::DealAmount);
        assert!(ladder(&by_deal).is_none());
    }

    #[test]
    fn rates_below_zero_are_the_lowest_steps() {
        let svg = ladder(&segment(Some("10"), &[("0", "-5"), ("50", "0")])).unwrap().into_string();
        assert_eq!(all(&svg, "step", "height"), ["18", "18"]);
    }
}
