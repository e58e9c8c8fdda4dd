//! A bar from left to right: how much of a goal is there, and how much pace asks for.

use maud::{Markup, html};
use rust_decimal::Decimal;

use super::scale::{across, of, rough};

/// The most percent that a bar has room for; what is beyond fills it.
const MOST: i64 = 250;

/// A bar of what is attained in percent, with a mark at what pace asks for, in percent of the same goal. It is as long
/// as the largest of both, the goal, and the `furthest` of the bars that it stands among; where it is longer than the goal,
/// the goal has a mark too. Without a percent it is empty. `label` says to whoever cannot see it what it shows.
pub fn bar(label: &str, attained: Option<&str>, pace: Option<&str>, furthest: Decimal) -> Markup {
    let attained = attained.and_then(rough);
    let pace = pace.and_then(rough);
    let furthest = attained.into_iter().chain(pace).fold(furthest, Decimal::max);
    let full = furthest.clamp(Decimal::ONE_HUNDRED, Decimal::from(MOST));
    let place = |percent: Decimal| across(of(percent, full, 1000));
    let goal = (full > Decimal::ONE_HUNDRED).then(|| place(Decimal::ONE_HUNDRED));
    let reached = attained.is_some_and(|attained| attained >= Decimal::ONE_HUNDRED);
    html! {
        svg.bar role="img" aria-label=(label) width="100%" height="30" {
            title { (label) }
            rect.track x="0" y="8" width="100%" height="14" rx="7" {}
            @if let Some(attained) = attained {
                rect.fill.reached[reached] x="0" y="8" width=(place(attained)) height="14" rx="7" {}
            }
            @if let Some(goal) = goal {
                line.goal x1=(goal) x2=(goal) y1="8" y2="22" {}
            }
            @if let Some(pace) = pace {
                line.pace x1=(place(pace)) x2=(place(pace)) y1="2" y2="28" {}
            }
        }
    }
}

/// A bar of an amount beside its greatest sibling, and in it what of it is likely.
pub fn split(amount: &str, likely: &str, greatest: Decimal) -> Markup {
    let place = |text: &str| across(rough(text).map_or(0, |figure| of(figure, greatest, 1000)));
    html! {
        svg.split aria-hidden="true" width="100%" height="14" {
            rect.track x="0" y="1" width="100%" height="12" rx="6" {}
            rect.half x="0" y="1" width=(place(amount)) height="12" rx="6" {}
            rect.fill x="0" y="1" width=(place(likely)) height="12" rx="6" {}
        }
    }
}

/// A thin bar of a part beside its greatest sibling: nothing of what is not above zero. `lost`: of what was taken back.
pub fn thin(part: &str, greatest: Decimal, lost: bool) -> Markup {
    let width = rough(part).map_or(0, |part| of(part, greatest, 1000));
    html! {
        svg.thin aria-hidden="true" width="100%" height="6" {
            rect.track x="0" y="1" width="100%" height="4" rx="2" {}
            rect.fill.lost[lost] x="0" y="1" width=(across(width)) height="4" rx="2" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where the fill ends, where the goal and where pace stand.
    fn places(attained: Option<&str>, pace: Option<&str>) -> [Option<String>; 3] {
        let svg = bar("label", attained, pace, Decimal::ZERO).into_string();
        let after = |class: &str, name: &str| {
            let (_, rest) = svg.split_once(&format!("class=\"{class}"))?;
            let (_, rest) = rest.split_once(&format!(" {name}=\""))?;
            Some(rest.split_once('"')?.0.to_string())
        };
        [after("fill", "width"), after("goal", "x1"), after("pace", "x1")]
    }

    #[test]
    fn a_bar_stays_within_its_width() {
        for (attained, pace, expected) in [
            (Some("0"), None, [Some("0.0%"), None, None]),
            (Some("-12.5"), None, [Some("0.0%"), None, None]),
            (Some("82.4999"), Some("90"), [Some("82.4%"), None, Some("90.0%")]),
            (Some("100"), Some("100"), [Some("100.0%"), None, Some("100.0%")]),
            // Half of a bar that is as long as 200 percent.
            (Some("200"), Some("50"), [Some("100.0%"), Some("50.0%"), Some("25.0%")]),
            (Some("50"), Some("125"), [Some("40.0%"), Some("80.0%"), Some("100.0%")]),
            (Some("250"), None, [Some("100.0%"), Some("40.0%"), None]),
            (Some("100000"), Some("300"), [Some("100.0%"), Some("40.0%"), Some("100.0%")]),
            (None, Some("90"), [None, None, Some("90.0%")]),
            (None, None, [None, None, None]),
        ] {
            let expected = expected.map(|place| place.map(str::to_string));
            assert_eq!(places(attained, pace), expected, "{attained:?} {pace:?}");
        }
    }

    #[test]
    fn a_label_is_text() {
        let svg = bar("<b>\"&", Some("1"), None, Decimal::ZERO).into_string();
        assert!(svg.contains("aria-label=\"&lt;b&gt;&quot;&amp;\""), "{svg}");
        assert!(svg.contains("<title>&lt;b&gt;&quot;&amp;</title>"), "{svg}");
    }
}
