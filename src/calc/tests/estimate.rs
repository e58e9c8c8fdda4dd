//! An estimate is the difference of two closes, on no more facts than it needs.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::calc::affected::{read_by, touched};
use crate::calc::estimate::{ComponentEstimate, PayeeEstimate, estimate};
use crate::domain::ledger::Key;

/// The estimate of a deal, on the parts of both facts that those whom it touches need.
fn estimated(with: &Facts, without: &Facts, alone: &Facts, through: Period) -> Vec<PayeeEstimate> {
    let touched = touched(alone, through);
    let part = |facts: &Facts| facts.part(read_by(facts, touched.iter().copied())).unwrap();
    let windows: BTreeSet<_> =
        alone.events.iter().flat_map(|event| calendar().windows(event.day.period())).collect();
    estimate(&part(with), &part(without), through, &touched, &windows)
}

/// What closing everything at once would post as earned.
fn closed(facts: &Facts, through: Period) -> BTreeMap<(Key, Period), i128> {
    let mut posted = Posted::new();
    post(&mut posted, facts, through);
    let earned = posted.into_iter().filter(|((kind, _, _), _)| *kind == PostingKind::Earned);
    earned.map(|((_, key, period), amount)| ((key, period), amount)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn an_estimate_is_the_difference_of_two_closes(
        deals in any_deals(), rule in any_rule(), pick in any::<prop::sample::Index>(), months in 0..12
    ) {
        prop_assume!(!deals.is_empty());
        let through = period("2026-01").plus(months);
        let mut others = deals.clone();
        let deal = others.remove(pick.index(deals.len()));
        let (with, without) = (facts(&deals, rule), facts(&others, rule));
        let found = estimated(&with, &without, &facts(&[deal], rule), through);
        let mut difference = closed(&with, through);
        for (posted, amount) in closed(&without, through) {
            *difference.entry(posted).or_default() -= amount;
        }
        difference.retain(|_, amount| *amount != 0);
        let components = found.iter().flat_map(|payee| &payee.components);
        let estimated: BTreeMap<_, _> = components
            .clone()
            .flat_map(|part| part.periods.iter().map(|(period, amount)| ((part.key.clone(), *period), *amount)))
            .collect();
        prop_assert_eq!(estimated, difference);
        for component in components {
            prop_assert_eq!(component.amount(), component.periods.values().sum::<i128>());
        }
    }

    #[test]
    fn a_part_of_the_facts_earns_its_payees_what_the_whole_does(
        deals in any_deals(), rule in any_rule(), payee in 0_u32..4
    ) {
        let whole = facts(&deals, rule);
        let part = whole.part(read_by(&whole, [payee])).unwrap();
        let through = period("2026-12");
        let earned = |facts: &Facts| Calculation::open_for(facts, through, &[payee]).earn(payee, Detail::Totals).digest;
        prop_assert_eq!(earned(&part), earned(&whole));
        prop_assert!(part.deal_count() <= whole.deal_count());
    }
}

#[test]
fn an_estimate_says_where_the_line_stands_and_what_is_missing() {
    // A quarter's quota of 100,000.00: 5 %, from 50 % on 8 %, from 100 % on 12 %.
    let deals = [booked("jan", "2026-01-20", 4_000_000), booked("feb", "2026-02-20", 3_500_000)];
    let rule = ReversalRule::OwnDate;
    let (with, without, alone) = (facts(&deals, rule), facts(&deals[..1], rule), facts(&deals[1..], rule));
    let found = estimated(&with, &without, &alone, period("2026-03"));
    // Ann and, over a year's quota of 100,000.00 each, the two above her.
    let [ann, dora, max] = &found[..] else { panic!("{found:?}") };
    assert_eq!((ann.payee, dora.payee, max.payee), (0, 2, 3));
    let part = &ann.components[0];
    // 10,000 x 5 % and 25,000 x 8 %.
    assert_eq!((part.without, part.with, part.amount()), (200_000, 450_000, 250_000));
    assert_eq!(part.periods, BTreeMap::from([(period("2026-02"), 250_000)]));
    let (before, after) = part.standing.as_ref().unwrap();
    let figures = |standing: &crate::calc::estimate::Standing| {
        let (next, missing) = standing.next.as_ref().unwrap();
        let (percent, rates) = (standing.percent.as_ref().unwrap(), (standing.tier.rate, next.rate));
        format!(
            "{} {} % {} to {}, {}",
            standing.line.text(0),
            percent.text(6),
            rates.0,
            rates.1,
            missing.text(0)
        )
    };
    assert_eq!(figures(before), "4000000 40 % 5 to 8, 1000000");
    assert_eq!(figures(after), "7500000 75 % 8 to 12, 2500000");
    let total = |of: &PayeeEstimate| of.components.iter().map(ComponentEstimate::amount).sum::<i128>();
    assert_eq!((total(max), total(dora)), (250_000, 250_000));
    assert!(found.iter().all(|payee| payee.problems.is_empty()), "{found:?}");
}
