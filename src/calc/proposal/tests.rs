//! Figures changed by hand, in units and steps of one.

use super::*;
use crate::domain::date::{Calendar, Period, WindowKind};
use crate::domain::money::Rounding;
use crate::domain::proposal::{History, Limits, Weigh};

fn terms(way: Way) -> Terms {
    let calendar = Calendar {
        currency: crate::domain::money::Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfEven,
        first_period: Period::parse("2025-01").unwrap(),
    };
    let measure = "own".parse().unwrap();
    let history = History {
        measure,
        first: Period::parse("2025-07").unwrap(),
        last: Period::parse("2025-09").unwrap(),
    };
    Terms {
        root: "top".parse().unwrap(),
        measure: "own".parse().unwrap(),
        team_measure: None,
        window: calendar.window(WindowKind::Quarter, Period::parse("2025-10").unwrap()),
        currency: None,
        step: 1_000_000,
        way,
        history,
        limits: Limits::default(),
        payee_limits: BTreeMap::new(),
        season: Season::Even,
    }
}

fn given_down(over: &[&str]) -> Terms {
    terms(Way::Allocate(Allocation {
        goal: 0,
        weigh: Weigh::Equal,
        weights: BTreeMap::new(),
        over_assignment: over.iter().map(|percent| Percent::parse(percent).unwrap()).collect(),
    }))
}

/// Payee, manager, level, figure, floor, ceiling; by payee.
type Row<'a> = (&'a str, &'a str, u32, i64, i64, Option<i64>);

fn figures(rows: &[Row]) -> Vec<Figure> {
    let units = |figure: i64| figure * 1_000_000;
    let figure = |(payee, manager, level, amount, floor, ceiling): &Row| Figure {
        payee: payee.parse().unwrap(),
        manager: (!manager.is_empty()).then(|| manager.parse().unwrap()),
        level: *level,
        amount: units(*amount),
        made: Made {
            team: rows.iter().any(|row| row.1 == *payee),
            proposed: units(*amount),
            weight: None,
            history: 0,
            floor: units(*floor),
            ceiling: ceiling.map(units),
            bound: None,
        },
    };
    rows.iter().map(figure).collect()
}

/// The figures after changes as text, or the refusal.
fn adjusted(terms: &Terms, rows: &[Row], changes: &[(&str, i64)]) -> String {
    let mut figures = figures(rows);
    let changes: Vec<(PayeeId, i64)> =
        changes.iter().map(|(payee, amount)| (payee.parse().unwrap(), amount * 1_000_000)).collect();
    match adjust(terms, &mut figures, &changes) {
        Ok(()) => {
            let each = figures.iter().map(|figure| format!("{} {}", figure.payee, figure.amount / 1_000_000));
            each.collect::<Vec<_>>().join(", ")
        }
        Err(fault) => format!("{:?}: {fault}", fault.reason),
    }
}

#[test]
fn an_envelope_that_changes_scales_what_is_in_it() {
    let terms = given_down(&[]);
    let rows: [Row; 4] = [
        ("ann", "west", 2, 30, 0, Some(50)),
        ("bob", "west", 2, 10, 0, None),
        ("top", "", 0, 40, 0, None),
        ("west", "top", 1, 40, 0, None),
    ];
    for (changes, expected) in [
        // 60 x 3/4 = 45, 60 x 1/4 = 15.
        (&[("top", 60)][..], "ann 45, bob 15, top 60, west 60"),
        // 80 x 3/4 = 60 is above 50: bob has the rest.
        (&[("top", 80)], "ann 50, bob 30, top 80, west 80"),
        // 42 x 3/4 = 31.5 and 10.5: the first of the ties has the one left.
        (&[("top", 42)], "ann 32, bob 10, top 42, west 42"),
        (&[("top", 0)], "ann 0, bob 0, top 0, west 0"),
        (&[("ann", 20), ("bob", 20)], "ann 20, bob 20, top 40, west 40"),
        (&[("ann", 20)], "EnvelopeBroken: those who report to west must have 40 together, got 30"),
        (&[("west", 50)], "EnvelopeBroken: those who report to top must have 40 together, got 50"),
        (&[("ann", 51)], "ReferenceUnfit: changes[0] must be at most 50 for ann, got 51"),
        (&[("cid", 1)], "ReferenceUnfit: changes[0] payee cid is not in the proposal"),
    ] {
        assert_eq!(adjusted(&terms, &rows, changes), expected, "{changes:?}");
    }
}

#[test]
fn what_those_may_not_have_who_had_something_goes_evenly_to_those_who_had_nothing() {
    let terms = given_down(&[]);
    let rows: [Row; 4] = [
        ("cid", "top", 1, 40, 0, Some(50)),
        ("dee", "top", 1, 0, 0, None),
        ("eve", "top", 1, 0, 0, Some(3)),
        ("top", "", 0, 40, 0, None),
    ];
    for (to, expected) in [
        // Cid may have it alone.
        (50, "cid 50, dee 0, eve 0, top 50"),
        // Cid keeps all that it may have; 4 are 2 and 2, 10 are 7 and at most 3.
        (54, "cid 50, dee 2, eve 2, top 54"),
        (60, "cid 50, dee 7, eve 3, top 60"),
        (20, "cid 20, dee 0, eve 0, top 20"),
    ] {
        assert_eq!(adjusted(&terms, &rows, &[("top", to)]), expected, "{to}");
    }
    let nothing: [Row; 3] =
        [("ann", "top", 1, 0, 0, None), ("bob", "top", 1, 0, 0, None), ("top", "", 0, 0, 0, None)];
    assert_eq!(adjusted(&terms, &nothing, &[("top", 5)]), "ann 3, bob 2, top 5");
}

#[test]
fn over_assignment_holds_for_what_is_changed_too() {
    let terms = given_down(&["10"]);
    let rows: [Row; 3] =
        [("ann", "top", 1, 11, 0, None), ("bob", "top", 1, 11, 0, None), ("top", "", 0, 20, 0, None)];
    // 40 and 10 percent are 44.
    assert_eq!(adjusted(&terms, &rows, &[("top", 40)]), "ann 22, bob 22, top 40");
    assert_eq!(adjusted(&terms, &rows, &[("ann", 2), ("bob", 20)]), "ann 2, bob 20, top 20");
    let broken = "EnvelopeBroken: those who report to top must have 22 together, got 20";
    assert_eq!(adjusted(&terms, &rows, &[("ann", 9)]), broken);
}

#[test]
fn sums_of_a_proposal_from_below_follow_and_keep_their_bounds() {
    let terms = terms(Way::Project(Projection::Trend));
    let rows: [Row; 3] =
        [("ann", "top", 1, 10, 0, None), ("bob", "top", 1, 5, 0, None), ("top", "", 0, 15, 10, Some(20))];
    for (changes, expected) in [
        (&[("ann", 15)][..], "ann 15, bob 5, top 20"),
        (
            &[("ann", 16)],
            "AllocationInfeasible: those below top must have at least 10 and at most 20 together, got 21",
        ),
        (&[("top", 16)], "ReferenceUnfit: changes[0] payee top has reports: the figure is the sum of theirs"),
    ] {
        assert_eq!(adjusted(&terms, &rows, changes), expected, "{changes:?}");
    }
}
