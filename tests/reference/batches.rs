//! In whatever batches deals come, and however often they are told anew: facts that are carried on say what facts built
//! at once say.

use std::collections::{BTreeMap, BTreeSet};

use attain::calc::{Calculation, digest};
use attain::domain::deal::Deal;
use attain::domain::encode::Digest;
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::id::DealId;

use crate::agreement::open_questions;
use crate::company::Company;
use crate::dice::Dice;
use crate::for_companies;

/// What a calculation of everybody says: figures, and what the facts leave open.
fn told(facts: &Facts, company: &Company) -> (Digest, BTreeSet<String>) {
    let calculation = Calculation::open(facts, company.last);
    let earnings = calculation.earn_all(|| {});
    (digest(&earnings), open_questions(&calculation, &earnings).into_iter().collect())
}

/// A deal as it might have been told before: other events, credited otherwise, in another currency.
fn before(dice: &mut Dice, deal: &Deal, other: &Deal) -> Deal {
    let mut before = Deal { id: deal.id.clone(), ..other.clone() };
    if dice.chance(50) {
        before.events.clone_from(&deal.events);
        before.events.truncate(dice.below(deal.events.len() + 1));
    }
    before
}

#[test]
fn facts_carried_on_in_any_batches_say_what_facts_built_at_once_say() {
    for_companies(400, |company, seed| {
        let mut dice = Dice::new(seed ^ 0xBA7C4);
        let mut known: BTreeMap<DealId, Deal> = BTreeMap::new();
        let as_known = |known: &BTreeMap<DealId, Deal>| Company {
            deals: known.values().cloned().collect(),
            ..company.clone()
        };
        let mut facts = as_known(&known).facts(&mut Dice::new(seed));
        let batches = dice.between(1, 5);
        for batch in 1..=batches {
            let mut changed = Vec::new();
            for deal in dice.shuffled(&company.deals) {
                if dice.chance(40) && batch < batches {
                    continue;
                }
                let now = match batch < batches && dice.chance(40) {
                    true => before(&mut dice, deal, &company.deals[0]),
                    false => deal.clone(),
                };
                changed.push(now);
            }
            let mut told = FactsBuilder::beside(&facts, facts.as_of);
            let mut gone = Vec::new();
            for deal in changed {
                if batch < batches && dice.chance(15) {
                    known.remove(&deal.id);
                    gone.push(deal.id);
                    continue;
                }
                told.tell(&deal).unwrap();
                known.insert(deal.id.clone(), deal);
            }
            facts.replace(&gone, told).unwrap();
            let now = as_known(&known);
            let (carried, anew) =
                (self::told(&facts, &now), self::told(&now.facts(&mut Dice::new(seed)), &now));
            if carried != anew {
                return Err(format!("batch {batch} of {batches}: carried on {carried:?}, anew {anew:?}"));
            }
        }
        Ok(())
    });
}
