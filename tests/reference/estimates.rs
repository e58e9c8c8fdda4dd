//! What a deal would earn, for any company: the difference of two closes, on the part of the facts that it touches.

use std::collections::{BTreeMap, BTreeSet};

use attain::calc::affected::{read_by, touched};
use attain::calc::estimate::estimate;
use attain::calc::{Calculation, posting};
use attain::domain::date::Period;
use attain::domain::deal::Deal;
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

/// Puts a deal in the place of the one with its id.
fn put(facts: &mut Facts, deal: &Deal) {
    let mut told = FactsBuilder::beside(facts, facts.as_of);
    told.tell(deal).unwrap();
    facts.replace(std::slice::from_ref(&deal.id), told).unwrap();
}

/// What a deal moves by key and period, as it is asked of facts that know it already or have never heard of it.
fn estimated(facts: &Facts, deal: &Deal, through: Period) -> BTreeMap<(Key, Period), i128> {
    let mut alone = facts.part([]).unwrap();
    put(&mut alone, deal);
    let touched = touched(&alone, through);
    let mut without = facts.part(read_by(facts, touched.iter().copied())).unwrap();
    let mut with = without.clone();
    put(&mut with, deal);
    let none = FactsBuilder::beside(&without, without.as_of);
    without.replace(std::slice::from_ref(&deal.id), none).unwrap();
    let found = estimate(&with, &without, through, &touched, &BTreeSet::new());
    let parts = found.iter().flat_map(|payee| &payee.components);
    let moved = parts
        .flat_map(|part| part.periods.iter().map(|(period, amount)| ((part.key.clone(), *period), *amount)));
    moved.collect()
}

#[test]
fn an_estimate_is_the_difference_of_two_closes() {
    for_companies(300, |company, seed| {
        let last = company.last;
        for place in 0..company.deals.len().min(3) {
            let mut others = company.clone();
            let deal = others.deals.remove(place);
            let facts = |company: &Company| company.facts(&mut Dice::new(seed));
            let (all, rest) = (facts(company), facts(&others));
            let mut expected = closed(&all, last);
            for (posted, amount) in closed(&rest, last) {
                *expected.entry(posted).or_default() -= amount;
            }
            expected.retain(|_, amount| *amount != 0);
            for (asked, of) in [("stored", &all), ("made up", &rest)] {
                let found = estimated(of, &deal, last);
                if found != expected {
                    return Err(format!(
                        "{asked} deal {}: estimated {found:?}, closes differ by {expected:?}",
                        deal.id
                    ));
                }
            }
        }
        Ok(())
    });
}
