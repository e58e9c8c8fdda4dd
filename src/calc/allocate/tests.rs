//! Properties of splitting: sums, bounds, infeasible sets, order and weight do what they must, and the division is that
//! of the rule as it is told: fix whoever is out of bounds, share the rest again, until nobody is.

use proptest::prelude::*;

use super::tree::{Member, Tree, Why};
use super::{Part, Share, Unsplit, allocate};
use crate::domain::exact::Exact;
use crate::domain::number::{Percent, WHOLE};
use crate::domain::proposal::{Bound, envelope};

fn part(weight: i128, floor: i128, ceiling: Option<i128>) -> Part {
    Part { weight: Exact::whole(weight), floor, ceiling }
}

fn steps(shares: &[Share]) -> Vec<i128> {
    shares.iter().map(|share| share.steps).collect()
}

#[test]
fn what_is_left_goes_to_the_largest_remainders() {
    for (whole, parts, expected) in [
        // 10 x 1/3 = 3.33 each: the first of the ties has the one left.
        (10, vec![part(1, 0, None), part(1, 0, None), part(1, 0, None)], vec![4, 3, 3]),
        // 10 x 5/8 = 6.25, 10 x 2/8 = 2.5, 10 x 1/8 = 1.25: one is left, 0.5 is the largest.
        (10, vec![part(5, 0, None), part(2, 0, None), part(1, 0, None)], vec![6, 3, 1]),
        // At most 4: 6 are left for 2 and 1, 4 and 2.
        (10, vec![part(5, 0, Some(4)), part(2, 0, None), part(1, 0, None)], vec![4, 4, 2]),
        // At least 3: 7 are left for 5 and 2, 5 and 2.
        (10, vec![part(5, 0, None), part(2, 0, None), part(1, 3, None)], vec![5, 2, 3]),
        // Nothing for whoever weighs nothing.
        (10, vec![part(0, 0, None), part(3, 0, None)], vec![0, 10]),
        // Fixing one bound moves the other back: by weight 1.43, 2.86, 5.71 with at most 3 and at least 2. Ceiling first:
        // 7 for 1 and 2 are 2.33 and 4.67, which the floor of 2 no longer holds.
        (10, vec![part(1, 2, None), part(2, 0, None), part(4, 0, Some(3))], vec![2, 5, 3]),
        (0, vec![part(0, 0, None), part(0, 0, Some(0))], vec![0, 0]),
        (0, vec![], vec![]),
        (5, vec![part(1, 5, Some(5)), part(1, 0, None)], vec![5, 0]),
    ] {
        assert_eq!(steps(&allocate(whole, &parts).unwrap()), expected, "{whole} {parts:?}");
    }
}

#[test]
fn a_whole_that_cannot_be_given_is_refused_with_the_bounds() {
    for (whole, parts, why) in [
        (10, vec![part(3, 9, None), part(1, 2, None)], Unsplit::FloorsAbove(11)),
        (10, vec![part(3, 0, Some(4)), part(1, 0, Some(5))], Unsplit::CeilingsBelow(9)),
        (10, vec![part(0, 0, None), part(0, 0, None)], Unsplit::Weightless(10)),
        // Four are all that whoever weighs something may have.
        (10, vec![part(1, 0, Some(4)), part(0, 0, None)], Unsplit::Weightless(6)),
        (1, vec![], Unsplit::CeilingsBelow(0)),
        (i128::MAX, vec![part(1, i128::MAX, None), part(1, 1, None)], Unsplit::TooLarge),
    ] {
        assert_eq!(allocate(whole, &parts), Err(why), "{whole} {parts:?}");
    }
}

#[test]
fn a_bound_is_named_where_it_holds() {
    let parts =
        [part(5, 0, Some(4)), part(2, 0, Some(4)), part(1, 2, None), part(0, 1, None), part(0, 0, None)];
    let shares = allocate(11, &parts).unwrap();
    // The first is at most 4, the fourth at least 1; 6 for 2 and 1 are just 4 and 2: in proportion, nothing holds them.
    let bounds: Vec<_> = shares.iter().map(|share| share.bound).collect();
    assert_eq!(steps(&shares), [4, 4, 2, 1, 0]);
    assert_eq!(bounds, [Some(Bound::Ceiling), None, None, Some(Bound::Floor), None]);
}

#[test]
fn bounds_below_hold_above() {
    // Two teams of two; one of a team may have 3 at most each, so the team 6 at most, whatever it weighs.
    let leaf = |manager, weight, floor, ceiling| Member {
        manager: Some(manager),
        weight: Some(Exact::whole(weight)),
        floor,
        ceiling,
    };
    let team = |manager| Member { manager, weight: None, floor: 0, ceiling: None };
    let members = [
        team(None),
        team(Some(0)),
        leaf(1, 40, 0, Some(3)),
        leaf(1, 40, 0, Some(3)),
        team(Some(0)),
        leaf(4, 10, 0, None),
        leaf(4, 10, 4, None),
    ];
    let given = Tree::new(&members, &[]).allocate(20).unwrap();
    let figures: Vec<i128> = given.iter().map(|given| given.share.steps).collect();
    assert_eq!(figures, [20, 6, 3, 3, 14, 7, 7]);
    assert_eq!(given[1].share.bound, Some(Bound::Ceiling));
    // 3 x 150 percent is 4.5: five, no more than 6 for the teams, each with 150 percent on top.
    let over = [Percent(WHOLE / 2), Percent::ZERO];
    let given = Tree::new(&members, &over).allocate(9).unwrap();
    let figures: Vec<i128> = given.iter().map(|given| given.share.steps).collect();
    // 13.5 is 14 for both teams: 6 at most, 8.
    assert_eq!(figures, [9, 6, 3, 3, 8, 4, 4]);
    let refused = Tree::new(&members, &[]).allocate(3).unwrap_err();
    assert_eq!((refused.at, refused.why), (0, Why::Unsplit(Unsplit::FloorsAbove(4))));
    let mut crossed = members.clone();
    crossed[4].ceiling = Some(3);
    let refused = Tree::new(&crossed, &[]).allocate(20).unwrap_err();
    assert_eq!((refused.at, refused.why), (4, Why::Crossed(4, 3)));
}

/// The rule as it is told, in rounds: whoever is out of bounds is fixed, those who weigh on the heavier side first.
fn in_rounds(whole: i128, parts: &[Part]) -> Option<Vec<Exact>> {
    let mut fixed: Vec<Option<i128>> = vec![None; parts.len()];
    loop {
        let given: i128 = fixed.iter().flatten().sum();
        let free = || (0..parts.len()).filter(|place| fixed[*place].is_none());
        let weight = free().fold(Exact::ZERO, |sum, place| sum.add(&parts[place].weight));
        let share = |place: usize| Exact::whole(whole - given).mul(&parts[place].weight).div(&weight);
        let mut held = Vec::new();
        let mut out = Exact::ZERO;
        for place in free() {
            let share = share(place).unwrap_or(Exact::ZERO);
            let Part { floor, ceiling, .. } = parts[place];
            if share < Exact::whole(floor) {
                held.push((place, floor, 1));
                out = out.add(&Exact::whole(floor).sub(&share));
            } else if let Some(ceiling) = ceiling.filter(|ceiling| share > Exact::whole(*ceiling)) {
                held.push((place, ceiling, -1));
                out = out.sub(&share.sub(&Exact::whole(ceiling)));
            }
        }
        if held.is_empty() {
            if weight.is_zero() && given != whole {
                return None;
            }
            let exact =
                |place: usize| fixed[place].map_or_else(|| share(place).unwrap_or(Exact::ZERO), Exact::whole);
            return Some((0..parts.len()).map(exact).collect());
        }
        for (place, bound, side) in held {
            if out.is_zero() || (side > 0) == (out > Exact::ZERO) {
                fixed[place] = Some(bound);
            }
        }
    }
}

fn any_part() -> impl Strategy<Value = Part> {
    let weight = prop_oneof![2 => Just(0_i128), 8 => 0_i128..30, 1 => 0_i128..1_000_000_000_000_000_000];
    let bounds = (prop_oneof![Just(0_i128), 0_i128..40], prop::option::of(0_i128..60));
    (weight, 1_i128..7, bounds).prop_map(|(weight, den, (floor, room))| Part {
        weight: Exact::ratio(weight, den).unwrap(),
        floor,
        ceiling: room.map(|room| floor + room),
    })
}

fn any_parts() -> impl Strategy<Value = (i128, Vec<Part>)> {
    (0_i128..400, prop::collection::vec(any_part(), 0..12))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn shares_sum_to_the_whole_within_bounds_by_the_rule((whole, parts) in any_parts()) {
        let floors: i128 = parts.iter().map(|part| part.floor).sum();
        let ceilings: Option<i128> = parts.iter().map(|part| part.ceiling).sum();
        match allocate(whole, &parts) {
            Ok(shares) => {
                prop_assert_eq!(steps(&shares).iter().sum::<i128>(), whole);
                let exact = in_rounds(whole, &parts).unwrap();
                for ((share, part), exact) in shares.iter().zip(&parts).zip(&exact) {
                    prop_assert!(share.steps >= part.floor);
                    prop_assert!(part.ceiling.is_none_or(|ceiling| share.steps <= ceiling));
                    // Within one step of the exact division, and never more than rounding up gives.
                    prop_assert!(Exact::whole(share.steps) >= exact.floor() && Exact::whole(share.steps) <= exact.ceil());
                }
            }
            Err(Unsplit::FloorsAbove(sum)) => prop_assert!(sum == floors && floors > whole),
            Err(Unsplit::CeilingsBelow(sum)) => prop_assert!(Some(sum) == ceilings && sum < whole),
            Err(Unsplit::Weightless(left)) => prop_assert!(left > 0 && in_rounds(whole, &parts).is_none()),
            Err(Unsplit::TooLarge) => prop_assert!(false),
        }
    }

    #[test]
    fn the_order_of_the_parts_breaks_ties_only((whole, parts) in any_parts()) {
        let mut turned = parts.clone();
        turned.reverse();
        match (allocate(whole, &parts), allocate(whole, &turned)) {
            (Ok(shares), Ok(mut turned)) => {
                turned.reverse();
                let exact = in_rounds(whole, &parts).unwrap();
                for (place, (one, other)) in shares.iter().zip(&turned).enumerate() {
                    prop_assert_eq!(one.bound, other.bound);
                    let rest = |place: usize| exact[place].sub(&exact[place].floor());
                    let tied = (0..parts.len()).filter(|other| rest(*other) == rest(place)).count() > 1;
                    prop_assert!(one.steps == other.steps || tied);
                }
            }
            (one, other) => prop_assert_eq!(one, other),
        }
    }

    #[test]
    fn who_weighs_more_never_has_less((whole, mut parts) in any_parts(), more in 0_i128..50) {
        prop_assume!(!parts.is_empty());
        if let Ok(before) = allocate(whole, &parts) {
            parts[0].weight = parts[0].weight.add(&Exact::whole(more));
            let after = allocate(whole, &parts).unwrap();
            prop_assert!(after[0].steps >= before[0].steps, "{:?} {:?}", before, after);
        }
    }

    #[test]
    fn every_level_sums_to_its_envelope(
        goal in 0_i128..2000,
        managers in prop::collection::vec(0_usize..12, 0..40),
        parts in prop::collection::vec(any_part(), 41),
        over in prop::collection::vec(0_i64..WHOLE, 0..4),
        floored: bool,
    ) {
        let mut members = vec![Member { manager: None, weight: None, floor: 0, ceiling: None }];
        for (place, manager) in managers.iter().enumerate() {
            let Part { weight, floor, ceiling } = parts[place].clone();
            let floor = if floored { floor } else { 0 };
            // Whoever is before, so that all lead to the top; bounds of those with reports hold beside those below.
            let manager = Some(manager % members.len());
            members.push(Member { manager, weight: Some(weight), floor, ceiling });
        }
        let over: Vec<Percent> = over.into_iter().map(Percent).collect();
        let tree = Tree::new(&members, &over);
        if let Ok(given) = tree.allocate(goal) {
            prop_assert_eq!(given[0].share.steps, goal);
            for (place, member) in members.iter().enumerate() {
                let steps = given[place].share.steps;
                prop_assert!(steps >= member.floor);
                prop_assert!(member.ceiling.is_none_or(|ceiling| steps <= ceiling) );
                let reports = tree.reports(place);
                if !reports.is_empty() {
                    let sum: i128 = reports.iter().map(|report| given[*report].share.steps).sum();
                    let level = usize::try_from(tree.level(place)).unwrap();
                    let over = over.get(level).copied().unwrap_or(Percent::ZERO);
                    prop_assert_eq!(Some(sum), envelope(steps, over));
                }
            }
        } else if let Err(refused) = tree.allocate(goal) {
            // With bounds held above, only the top refuses, or who has floors that cannot be met.
            let inner = matches!(refused.why, Why::Crossed(..) | Why::Unsplit(Unsplit::Weightless(_)));
            prop_assert!(refused.at == 0 || inner && floored, "{:?}", refused);
        }
    }
}
