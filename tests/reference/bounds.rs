//! What holds of payouts and modifiers in any company: parts sum to the whole, bounds hold, gates open backwards.

use std::collections::BTreeMap;

use attain::calc::Calculation;
use attain::domain::date::{Period, Window, WindowKind};
use attain::domain::deal::DealEvent;
use attain::domain::ledger::Key;
use attain::domain::measure::MeasureValue;
use attain::domain::number::Number;
use attain::domain::plan::{
    Component, Fund, Limit, Modifiers, Payout, PlanVersion, RateKind, Rates, ReversalRule, Weight,
};

use crate::agreement::{earned, open_questions};
use crate::company::Company;
use crate::dice::Dice;
use crate::for_companies;

/// What everybody has earned up to a period; nothing where the facts leave something open.
fn told(company: &Company, seed: u64, through: Period) -> Option<BTreeMap<Key, i128>> {
    let facts = company.facts(&mut Dice::new(seed));
    let calculation = Calculation::open(&facts, through);
    let earnings = calculation.earn_all(|| {});
    open_questions(&calculation, &earnings).is_empty().then(|| earned(&earnings, through))
}

fn components(company: &mut Company) -> impl Iterator<Item = &mut Component> {
    company.plans.iter_mut().flat_map(|version| &mut version.plan.components)
}

/// Every window of a component that has ended, with its plan, as the version on its last day has it.
fn ended(company: &Company) -> Vec<(Window, &PlanVersion, &Component)> {
    let mut all = Vec::new();
    for version in &company.plans {
        for component in
            version.plan.components.iter().filter(|component| component.window != WindowKind::Deal)
        {
            for period in company.periods() {
                let window = company.calendar.window(component.window, period);
                let later = company.plans.iter().any(|other| {
                    other.plan.id == version.plan.id
                        && other.effective_from > version.effective_from
                        && other.effective_from <= period
                });
                if window.last() == period && version.effective_from <= period && !later {
                    all.push((window, version, component));
                }
            }
        }
    }
    all
}

/// The members of a component's cohort in a window.
fn members(company: &Company, window: Window, version: &PlanVersion) -> usize {
    let last = window.last().last_day();
    let held = company.payees.iter().filter_map(|payee| company.assignment(&payee.id, last));
    held.filter(|held| held.plan.as_ref() == Some(&version.plan.id)).count()
}

#[test]
fn what_a_cohort_shares_sums_to_the_whole() {
    for_companies(600, |company, seed| {
        let mut company = company.clone();
        company.plans.iter_mut().for_each(|version| version.plan.cap = None);
        components(&mut company).for_each(|component| component.modifiers = Modifiers::default());
        let Some(earned) = told(&company, seed, company.last) else { return Ok(()) };
        for (window, version, component) in ended(&company) {
            let parts = earned.iter().filter(|(key, _)| {
                (key.window, &key.plan, &key.component) == (window, &version.plan.id, &component.id)
            });
            let sum: i128 = parts.map(|(_, amount)| amount).sum();
            let members = members(&company, window, version);
            let whole = match &component.payout {
                Payout::Pool(pool) => match (&pool.fund, &pool.by) {
                    (Fund::Amount(minor), Weight::Equal) if members > 0 => vec![i128::from(*minor)],
                    // Who weighs nothing has no part, and all may.
                    (Fund::Amount(minor), _) => vec![0, i128::from(*minor)],
                    (Fund::Percent { .. }, _) => continue,
                },
                Payout::Rank(rank) => {
                    // So many as are placed.
                    let upto =
                        |count: usize| rank.places.iter().take(count).map(|one| i128::from(*one)).sum();
                    (0..=members).map(upto).collect()
                }
                _ => continue,
            };
            if !whole.contains(&sum) {
                return Err(format!("{window:?} of {}: {sum} is none of {whole:?}", component.id));
            }
        }
        Ok(())
    });
}

#[test]
fn caps_and_budgets_hold_in_every_month() {
    for_companies(600, |company, seed| {
        for through in company.periods() {
            let Some(earned) = told(company, seed, through) else { continue };
            let mut spans: BTreeMap<_, i128> = BTreeMap::new();
            for (key, amount) in &earned {
                let versions = company.plans.iter().filter(|version| version.plan.id == key.plan);
                let caps: Vec<_> = versions.map(|version| version.plan.cap).collect();
                if let Some(cap) = caps[0].filter(|cap| caps.iter().all(|other| *other == Some(*cap)))
                    && let Limit::Amount(most) = cap.limit
                {
                    let span = company.calendar.window(cap.span, key.window.last());
                    *spans.entry((&key.payee, &key.plan, span, i128::from(most))).or_default() += amount;
                }
            }
            if let Some((span, sum)) = spans.iter().find(|((.., most), sum)| *sum > most) {
                return Err(format!("through {through} the cap of {span:?} is passed: {sum}"));
            }
            for (window, version, component) in ended(company) {
                let Some(budget) = component.modifiers.budget else { continue };
                let last = window.last().last_day();
                let is_member = |key: &Key| {
                    let held = company.assignment(&key.payee, last);
                    held.is_some_and(|held| held.plan.as_ref() == Some(&version.plan.id))
                };
                let parts = earned.iter().filter(|(key, amount)| {
                    let here = (key.window, &key.plan, &key.component);
                    here == (window, &version.plan.id, &component.id) && **amount > 0 && is_member(key)
                });
                let sum: i128 = parts.map(|(_, amount)| amount).sum();
                // A plan's cap makes room in the order of components for what a reversal takes back.
                if sum > i128::from(budget) && version.plan.cap.is_none() {
                    return Err(format!("through {through} the budget of {} is passed: {sum}", component.id));
                }
            }
        }
        Ok(())
    });
}

#[test]
fn a_gate_pays_all_of_a_window_or_nothing_and_what_opens_late_pays_what_was_earned_before() {
    for_companies(600, |company, seed| {
        let mut gated = company.clone();
        gated.deals.iter_mut().for_each(|deal| deal.events.retain(|event| !event.kind.is_reversal()));
        gated.plans.iter_mut().for_each(|version| version.plan.cap = None);
        for component in components(&mut gated) {
            let mut gates = std::mem::take(&mut component.modifiers.gates);
            gates.truncate(1);
            gates.iter_mut().for_each(|gate| gate.limit_percent = None);
            component.modifiers = Modifiers { gates, ..Modifiers::default() };
            // An override takes off what those below have earned, behind their gates.
            let rates = match &component.payout {
                Payout::Override(payout) => Some(payout.rates.clone()),
                _ => None,
            };
            component.payout = rates.map_or_else(|| component.payout.clone(), Payout::Rates);
        }
        let mut open = gated.clone();
        components(&mut open).for_each(|component| component.modifiers.gates.clear());
        for through in company.periods() {
            let (Some(gated_), Some(open)) = (told(&gated, seed, through), told(&open, seed, through)) else {
                continue;
            };
            for (key, amount) in &open {
                // One segment, one gate: more of them may be shut apart.
                let spans = company.spans(&key.payee, key.window);
                if spans.len() != 1 || key.window.kind() == WindowKind::Deal {
                    continue;
                }
                let paid = gated_.get(key).copied().unwrap_or_default();
                if paid != *amount && paid > 0 {
                    return Err(format!("through {through} {key:?} pays {paid} of {amount}"));
                }
            }
        }
        Ok(())
    });
}

/// Whether a component pays more for more: percents that rise with the tier, and nothing else.
fn rises(company: &Company, component: &Component) -> bool {
    let Payout::Rates(rates) = &component.payout else { return false };
    let money =
        |rates: &Rates| company.measure(&rates.measure).selection().unwrap().value == MeasureValue::Amount;
    let rising = rates.tiers.is_sorted_by_key(|tier| tier.rate);
    rates.pays == RateKind::Percent
        && rising
        && rates.tiers[0].rate >= Number::ZERO
        && money(rates)
        && rates.line.is_none()
}

#[test]
fn with_rising_tiers_and_no_modifier_a_larger_credit_never_pays_less() {
    for_companies(1000, |company, seed| {
        let mut company = company.clone();
        for version in &mut company.plans {
            version.plan.cap = None;
            for component in &mut version.plan.components {
                component.modifiers = Modifiers::default();
                (component.reversal, component.clawback) = (ReversalRule::AtOrigin, None);
            }
        }
        // Nothing that a larger amount decides but the tiers.
        company.conditions.clear();
        company.rules.clear();
        let plain = company.clone();
        for version in &mut company.plans {
            version.plan.components.retain(|component| rises(&plain, component));
        }
        company.plans.retain(|version| !version.plan.components.is_empty());
        company.deals.iter_mut().for_each(|deal| deal.events.retain(|event| !event.kind.is_reversal()));
        let Some(before) = told(&company, seed, company.last) else { return Ok(()) };
        let mut dice = Dice::new(seed);
        let events = company.deals.iter_mut().flat_map(|deal| &mut deal.events);
        let mut events: Vec<&mut DealEvent> = events.collect();
        if events.is_empty() {
            return Ok(());
        }
        let at = dice.below(events.len());
        let amount = events[at].amount.as_mut().unwrap();
        *amount += dice.pick(&[1, 10, 100, 1000]);
        let after = told(&company, seed, company.last).unwrap();
        let less = before.iter().find(|(key, amount)| after.get(*key).is_none_or(|after| after < *amount));
        match less {
            Some((key, amount)) => Err(format!("{key:?} pays {:?} instead of {amount}", after.get(key))),
            None => Ok(()),
        }
    });
}
