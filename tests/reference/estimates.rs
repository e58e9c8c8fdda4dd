//! What a deal would earn, for any company: the difference of two closes, on the part of the facts that it touches.

use std::collections::{BTreeMap, BTreeSet};

use attain::calc::affected::{read_by, touched};
use attain::calc::estimate::estimate;
use attain::calc::{Calculation, posting};
use attain::domain::date::Period;
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::ledger::{Key, Posted, PostingKind};

use crate::company::Company;
use crate::dice::Dice;
use crate::for_companies;

/// What closing everything at once would post as earned.
fn closed(facts: &Facts, through: Period) -> BTreeMap<(Key, Period), i128> {
    let earnings = Calculation::open(facts, through).earn_all(|| {});
    let postings = posting::postings(facts, &earnings, &Posted::new(), through);
    let earned = postings.into_iter().filter(|posting| posting.kind == PostingKind::Earned);
    earned.map(|posting| ((posting.key, posting.for_period), posting.amount)).collect()
}

#[test]
fn an_estimate_is_the_difference_of_two_closes() {
    for_companies(300, |company, seed| {
        let last = company.last;
        for place in 0..company.deals.len().min(3) {
            let (mut others, mut alone) = (company.clone(), company.clone());
            let deal = others.deals.remove(place);
            alone.deals = vec![deal.clone()];
            let facts = |company: &Company| company.facts(&mut Dice::new(seed));
            let (all, rest) = (facts(company), facts(&others));
            let touched = touched(&facts(&alone), last);
            let with = all.part(read_by(&all, touched.iter().copied())).unwrap();
            let mut without = with.clone();
            let none = FactsBuilder::beside(&without, without.as_of);
            without.replace(&[deal.id], none).unwrap();

            let mut expected = closed(&all, last);
            for (posted, amount) in closed(&rest, last) {
                *expected.entry(posted).or_default() -= amount;
            }
            expected.retain(|_, amount| *amount != 0);
            let found = estimate(&with, &without, last, &touched, &BTreeSet::new());
            let components = found.iter().flat_map(|payee| &payee.components);
            let found: BTreeMap<_, _> = components
                .flat_map(|part| {
                    part.periods.iter().map(|(period, amount)| ((part.key.clone(), *period), *amount))
                })
                .collect();
            if found != expected {
                return Err(format!("deal {place}: estimated {found:?}, closes differ by {expected:?}"));
            }
        }
        Ok(())
    });
}
