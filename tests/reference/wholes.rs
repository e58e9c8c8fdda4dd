//! Parts sum to their whole, and what is limited stays within its limit, in any company.

use std::collections::BTreeMap;

use attain::calc::Calculation;
use attain::calc::attainment::attainment;
use attain::calc::credit::Claim;
use attain::calc::earn::{Detail, SegmentEarnings};
use attain::domain::date::{Window, WindowKind};
use attain::domain::exact::Exact;
use attain::domain::id::MeasureId;
use attain::domain::ledger::Key;
use attain::domain::measure::{CreditKind, MeasureValue, Source};
use attain::domain::plan::{Limit, Modifiers};

use crate::company::Company;
use crate::dice::Dice;
use crate::for_companies;

/// The company with everybody paid in the base currency, and measures that take every credit but overlays.
fn credited_in_one_currency(company: &Company) -> Company {
    let mut company = company.clone();
    company.plans.clear();
    company.conditions.clear();
    for held in company.payees.iter_mut().flat_map(|payee| &mut payee.assignments) {
        (held.plan, held.currency) = (None, company.calendar.currency);
    }
    // An expression may read who owns the deal.
    company.measures.retain(|measure| {
        measure.selection().is_some_and(|credits| !matches!(credits.value, MeasureValue::Expression(_)))
    });
    company.expressions.clear();
    for measure in &mut company.measures {
        let Source::Credits(credits) = &mut measure.source else { continue };
        credits.credit = CreditKind::Direct;
        credits.roles = ["AE", "OWNER", "SE"].map(|role| role.parse().unwrap()).to_vec();
    }
    company.quotas.clear();
    company.values.clear();
    company
}

/// What all together are credited with in a window; nothing where some deal lacks what is counted.
fn credited(calculation: &Calculation<'_>, company: &Company, window: Window) -> Vec<Option<Exact>> {
    let last = window.last().last_day().min(company.last.last_day());
    let sum = |id: &MeasureId| {
        let payees = 0..u32::try_from(company.payees.len()).unwrap();
        let mut sum = Exact::ZERO;
        for payee in payees {
            let told = attainment(calculation, payee, id, window, last).ok()?.unwrap();
            sum = sum.add(&told.credited.unwrap());
        }
        Some(sum)
    };
    company.measures.iter().map(|measure| sum(&measure.id)).collect()
}

#[test]
fn whoever_is_credited_by_splits_and_rules_the_parts_sum_to_what_happened() {
    for_companies(400, |company, seed| {
        let parts = credited_in_one_currency(company);
        let mut whole = parts.clone();
        whole.rules.clear();
        let owner = whole.payees[0].id.clone();
        for deal in &mut whole.deals {
            deal.splits.clear();
            deal.owner = owner.clone();
        }
        let (of_parts, of_whole) = (parts.facts(&mut Dice::new(seed)), whole.facts(&mut Dice::new(seed)));
        let of_parts = Calculation::open(&of_parts, company.last);
        let of_whole = Calculation::open(&of_whole, company.last);
        for period in company.periods() {
            let window = company.calendar.window(WindowKind::Quarter, period);
            let (found, expected) =
                (credited(&of_parts, &parts, window), credited(&of_whole, &whole, window));
            if found != expected {
                return Err(format!("{window:?}: the parts sum to {found:?}, the whole is {expected:?}"));
            }
        }
        Ok(())
    });
}

fn minor(limit: Option<Limit>) -> Option<i64> {
    match limit {
        Some(Limit::Amount(minor)) => Some(minor),
        Some(Limit::Incentive(_)) | None => None,
    }
}

/// The most that something may pay by its cap, if that is an amount: a floor above the cap lifts it.
fn most(cap: Option<Limit>, floor: Option<Limit>) -> Option<Exact> {
    let most = minor(cap)?;
    let most = if floor.is_some() { most.max(minor(floor)?) } else { most };
    Some(Exact::whole(most.into()))
}

/// What a component pays under one claim, a credit and what takes it back: in which segment, for which entry, how much.
type Claimed<'e, 'f> = BTreeMap<(&'e Key, Claim), Vec<(&'e SegmentEarnings<'f>, u32, &'e Exact)>>;

#[test]
fn no_window_and_no_credit_pays_more_than_its_cap() {
    for_companies(400, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        for payee in (0_u32..).take(facts.payees.len()) {
            let earnings = calculation.earn(payee, Detail::Lines);
            let mut claimed: Claimed<'_, '_> = BTreeMap::new();
            for key in &earnings.keys {
                for segment in &key.segments {
                    let Modifiers { window_cap, window_floor, .. } = segment.component.modifiers;
                    let most = most(window_cap.map(|cap| cap.limit), window_floor);
                    let single = key.key.window.kind() == WindowKind::Deal;
                    if most.is_some_and(|most| !single && Exact::whole(segment.amount) > most) {
                        return Err(format!("{:?} pays {} over its cap", key.key, segment.amount));
                    }
                    for line in &segment.lines {
                        let claim = line.credit.claim(calculation.book());
                        claimed.entry((&key.key, claim)).or_default().push((
                            segment,
                            line.credit.entry,
                            &line.paid,
                        ));
                    }
                }
            }
            for ((key, _), lines) in &claimed {
                let segment = lines[0].0;
                let Modifiers { credit_cap, credit_floor, .. } = segment.component.modifiers;
                // A part that stands elsewhere has bounds of its own, and may stand before what it is a part of.
                let whole = lines.iter().all(|(there, ..)| there.from == segment.from)
                    && lines.iter().any(|(_, entry, _)| !calculation.book().is_reversal(*entry));
                let sum = lines.iter().fold(Exact::ZERO, |sum, (.., paid)| sum.add(paid));
                if most(credit_cap, credit_floor).is_some_and(|most| whole && sum > most) {
                    return Err(format!("a credit in {key:?} pays {sum:?} over its cap"));
                }
            }
        }
        Ok(())
    });
}
