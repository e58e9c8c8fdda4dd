//! Finds a small company that still shows what a large one does.

use attain::domain::deal::{Deal, OVERLAY};
use attain::domain::id::{MeasureId, PayeeId};
use attain::domain::money::Rounding;
use attain::domain::payee::{Assignment, Payee};
use attain::domain::plan::{Component, Modifiers, Payout, Rates};
use attain::domain::quota::{Goal, Proration, Quota};
use attain::domain::territory::{Receiver, RuleCredit};

use crate::company::Company;
use crate::tree::Tree;

/// Takes away from a company whatever it can, as long as `fails` says so of what is left.
pub fn smallest(mut company: Company, fails: impl Fn(&Company) -> bool) -> Company {
    loop {
        let sound = |other: &Company| other.refused_or_dangling().is_none() && fails(other);
        match smaller(&company).into_iter().find(sound) {
            Some(next) => company = next,
            None => return company,
        }
    }
}

impl Company {
    /// What the service would refuse, names that nothing bears among it.
    fn refused_or_dangling(&self) -> Option<String> {
        let measured = |id: MeasureId| self.measures.iter().any(|measure| measure.id == id);
        let named = |id: &PayeeId| self.payees.iter().any(|payee| payee.id == *id);
        let plans = self.plans.iter().all(|version| version.plan.measures().into_iter().all(measured));
        let held =
            |payee: &Payee| payee.assignments.iter().all(|held| held.manager.as_ref().is_none_or(named));
        let dealt = |deal: &Deal| named(&deal.owner) && deal.splits.iter().all(|split| named(&split.payee));
        let goal = |quota: &Quota| {
            let summed = match &quota.goal {
                Goal::SumOfReports(of) => measured(of.clone()),
                Goal::Amount(_) => true,
            };
            summed && measured(quota.key.measure.clone()) && named(&quota.key.payee)
        };
        let receiver = |credit: &RuleCredit| match &credit.to {
            Receiver::Payee(payee) => named(payee),
            // Of one that nobody has heard of there is no holder.
            Receiver::Holder(_) => true,
        };
        let holders = self.territories.iter().flat_map(|territory| &territory.holders);
        let ruled = self.rules.iter().flat_map(|rule| &rule.rule.credits).all(receiver)
            && holders.into_iter().all(|holder| named(&holder.payee));
        let whole = plans
            && ruled
            && self.payees.iter().all(held)
            && self.deals.iter().all(dealt)
            && self.quotas.iter().all(goal)
            && self.values.iter().all(|told| measured(told.key.measure.clone()) && named(&told.key.payee));
        if whole { self.refused() } else { Some("names what is not there".into()) }
    }
}

fn smaller(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Company)| {
        let mut other = company.clone();
        change(&mut other);
        all.push(other);
    };
    (0..company.deals.len()).for_each(|at| with(&|c| _ = c.deals.remove(at)));
    (0..company.payees.len()).for_each(|at| with(&|c| remove_payee(c, at)));
    (0..company.plans.len()).for_each(|at| with(&|c| _ = c.plans.remove(at)));
    (0..company.quotas.len()).for_each(|at| with(&|c| _ = c.quotas.remove(at)));
    (0..company.values.len()).for_each(|at| with(&|c| _ = c.values.remove(at)));
    (0..company.measures.len()).for_each(|at| with(&|c| remove_measure(c, at)));
    with(&|c| c.calendar.rounding = Rounding::HalfAwayFromZero);
    if company.last > company.calendar.first_period {
        with(&|c| c.last = c.last.plus(-1));
    }
    (0..company.rates.len()).for_each(|at| with(&|c| _ = c.rates.remove(at)));
    (0..company.territories.len()).for_each(|at| with(&|c| _ = c.territories.remove(at)));
    (0..company.rules.len()).for_each(|at| with(&|c| _ = c.rules.remove(at)));
    all.extend(smaller_texts(company));
    all.extend(smaller_deals(company));
    all.extend(smaller_payees(company));
    all.extend(smaller_plans(company));
    all.extend(smaller_quotas(company));
    let told = company.to_string();
    all.retain(|other| other.to_string() != told);
    all
}

fn smaller_texts(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    let mut with = |change: &dyn Fn(&mut Company)| {
        let mut other = company.clone();
        change(&mut other);
        all.push(other);
    };
    for (id, tree) in &company.conditions {
        with(&|c| _ = c.conditions.remove(id));
        tree.parts().iter().for_each(|part| with(&|c| _ = c.conditions.insert(id.clone(), part.clone())));
    }
    for (id, tree) in &company.expressions {
        tree.parts().iter().for_each(|part| with(&|c| _ = c.expressions.insert(id.clone(), part.clone())));
    }
    for (at, rule) in company.rules.iter().enumerate() {
        with(&|c| c.rules[at].condition = None);
        with(&|c| c.rules[at].rule.to = None);
        for part in rule.condition.iter().flat_map(Tree::parts) {
            with(&|c| c.rules[at].condition = Some(part.clone()));
        }
    }
    for (at, territory) in company.territories.iter().enumerate() {
        (0..territory.holders.len()).for_each(|one| with(&|c| _ = c.territories[at].holders.remove(one)));
    }
    all
}

fn remove_payee(company: &mut Company, at: usize) {
    let gone = company.payees.remove(at).id;
    company.values.retain(|told| told.key.payee != gone);
    company.quotas.retain(|quota| quota.key.payee != gone);
    company.territories.iter_mut().for_each(|one| one.holders.retain(|holder| holder.payee != gone));
    let held = company.payees.iter_mut().flat_map(|payee| &mut payee.assignments);
    held.filter(|held| held.manager.as_ref() == Some(&gone)).for_each(|held| held.manager = None);
}

fn remove_measure(company: &mut Company, at: usize) {
    let gone = company.measures.remove(at).id;
    company.quotas.retain(|quota| quota.key.measure != gone);
    company.conditions.remove(&gone);
    company.expressions.remove(&gone);
}

fn smaller_deals(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    for (at, deal) in company.deals.iter().enumerate() {
        let mut with = |change: &dyn Fn(&mut Deal)| {
            let mut other = company.clone();
            change(&mut other.deals[at]);
            all.push(other);
        };
        with(&|deal| deal.splits.clear());
        with(&|deal| deal.currency = company.calendar.currency);
        with(&|deal| deal.attributes.clear());
        with(&|deal| (deal.customer, deal.product, deal.stage) = (None, None, None));
        with(&|deal| (deal.probability, deal.opened, deal.closed) = (None, None, None));
        with(&|deal| deal.splits.retain(|split| split.role.as_str() != OVERLAY));
        for event in 0..deal.events.len() {
            with(&|deal| {
                let gone = deal.events.remove(event).id;
                deal.events.iter_mut().for_each(|event| event.reverses.retain(|named| named.event != gone));
            });
            with(&|deal| (deal.events[event].cost, deal.events[event].quantity) = (None, None));
            with(&|deal| deal.events[event].reverses.clear());
        }
    }
    all
}

fn smaller_payees(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    for (at, payee) in company.payees.iter().enumerate() {
        for held in 0..payee.assignments.len() {
            let mut with = |change: &dyn Fn(&mut Vec<Assignment>)| {
                let mut other = company.clone();
                change(&mut other.payees[at].assignments);
                all.push(other);
            };
            with(&|all| _ = all.remove(held));
            with(&|all| all[held].manager = None);
            with(&|all| (all[held].title, all[held].territory) = (None, None));
            with(&|all| all[held].target_incentive = Some(1200));
            with(&|all| all[held].to = all.get(held + 1).map(|next| next.from));
        }
    }
    all
}

fn smaller_plans(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    for (at, version) in company.plans.iter().enumerate() {
        let mut other = company.clone();
        other.plans[at].plan.cap = None;
        all.push(other);
        for place in 0..version.plan.components.len() {
            let mut with = |change: &dyn Fn(&mut Component)| {
                let mut other = company.clone();
                change(&mut other.plans[at].plan.components[place]);
                all.push(other);
            };
            with(&|component| component.clawback = None);
            with(&|component| component.line_kept = false);
            with(&|component| component.proration = Proration::None);
            with(&|component| component.modifiers = Modifiers::default());
            with(&|component| component.modifiers.multipliers = Vec::new());
            with(&|component| component.modifiers.gates = Vec::new());
            with(&|component| _ = component.modifiers.gates.pop());
            with(&|component| component.modifiers.credit_cap = None);
            with(&|component| component.modifiers.credit_floor = None);
            with(&|component| component.modifiers.window_cap = None);
            with(&|component| component.modifiers.window_floor = None);
            with(&|component| component.modifiers.budget = None);
            let component = &version.plan.components[place];
            for tier in 0..component.payout.rates().map_or(0, |rates| rates.tiers.len()) {
                with(&|component| rates(component, |rates| rates.tiers[tier].flat = None));
                with(&|component| rates(component, |rates| rates.tiers[tier].edge_lower = false));
                with(&|component| rates(component, |rates| _ = rates.tiers.remove(tier)));
            }
            with(&|component| rates(component, |rates| rates.retroactive_to = None));
            with(&|component| rates(component, |rates| rates.line = None));
            if let Some(plain) = component.payout.rates() {
                let plain = Payout::Rates(plain.into_owned());
                with(&|component| component.payout = plain.clone());
            }
            let mut other = company.clone();
            other.plans[at].plan.components.remove(place);
            all.push(other);
        }
    }
    all
}

/// Changes rates, if that is how a component pays.
fn rates(component: &mut Component, change: impl Fn(&mut Rates)) {
    match &mut component.payout {
        Payout::Rates(rates) => change(rates),
        Payout::Override(payout) => change(&mut payout.rates),
        Payout::Residual(payout) => change(&mut payout.rates),
        _ => {}
    }
}

fn smaller_quotas(company: &Company) -> Vec<Company> {
    let mut all = Vec::new();
    for at in 0..company.quotas.len() {
        let changes: [&dyn Fn(&mut Quota); 4] = [
            &|quota| quota.seasonality = None,
            &|quota| quota.ramp = None,
            &|quota| quota.reliefs.clear(),
            &|quota| quota.proration = Proration::Days,
        ];
        for change in changes {
            let mut other = company.clone();
            change(&mut other.quotas[at]);
            all.push(other);
        }
    }
    all
}
