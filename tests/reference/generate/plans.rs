//! Random plans and their versions.

use attain::domain::date::{Calendar, WindowKind};
use attain::domain::fault::Violations;
use attain::domain::id::ComponentId;
use attain::domain::measure::{Measure, Unit};
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::plan::{
    Axis, Clawback, ClawbackStep, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates,
    ReversalRule, Tier,
};
use attain::domain::quota::Proration;

use crate::company::Company;
use crate::dice::Dice;

use super::{market, payouts};

pub fn plans(dice: &mut Dice, company: &Company, abroad: bool) -> Vec<PlanVersion> {
    let mut versions: Vec<PlanVersion> = Vec::new();
    let first = company.calendar.first_period;
    let months = i64::from(company.last.months_since(first));
    let count = if abroad { 2 } else { dice.weighted(&[(3, 1), (2, 2)]) };
    for id in ["p", "q"].into_iter().take(count) {
        // What is money in it is of its own currency.
        let currency = match versions.first().filter(|_| abroad) {
            Some(other) => market::other_currency(dice, company, other.plan.currency),
            None => market::currency(dice, company),
        };
        let company = &Company { calendar: Calendar { currency, ..company.calendar }, ..company.clone() };
        let count = dice.weighted(&[(4, 1), (3, 2), (1, 3)]);
        let mut components: Vec<Component> = Vec::new();
        for id in &["x", "y", "z"][..count] {
            components.push(component(dice, company, &id.parse().unwrap(), &components));
        }
        // The same promises in another currency, mostly.
        if let Some(other) = versions.first().filter(|_| abroad && dice.chance(70)) {
            components.clone_from(&other.plan.components);
            for place in 0..components.len() {
                let (before, after) = components.split_at_mut(place);
                revise(dice, company, &mut after[0], before);
                suit(&mut after[0]);
            }
            let (id, name) = (id.parse().unwrap(), String::new());
            let plan = Plan { id, name, currency, components: components.clone(), cap: None };
            if !sound(&plan) {
                components.clone_from(&other.plan.components);
            }
        }
        let mut plan = Plan {
            id: id.parse().unwrap(),
            name: String::new(),
            currency,
            components,
            cap: payouts::plan_cap(dice),
        };
        let from = first.plus(dice.weighted(&[(8, -3), (1, 0), (1, 1)]));
        versions.push(PlanVersion { version: 1, effective_from: from, plan: plan.clone() });
        if dice.chance(35) {
            for place in 0..plan.components.len() {
                let (before, after) = plan.components.split_at_mut(place);
                revise(dice, company, &mut after[0], before);
                suit(&mut after[0]);
            }
            let named: Vec<_> = plan.components.iter().flat_map(Component::references).collect();
            if dice.chance(20) && plan.components.len() > 1 && !named.contains(&&plan.components[0].id) {
                plan.components.remove(0);
            }
            // What others look at may have changed.
            if !sound(&plan) {
                continue;
            }
            if dice.chance(if plan.cap.is_some() { 50 } else { 5 }) {
                plan.cap = if dice.chance(30) { None } else { Some(payouts::some_plan_cap(dice)) };
            }
            let from = first.plus(i32::try_from(dice.between(2, months.max(2))).unwrap());
            versions.push(PlanVersion { version: 2, effective_from: from, plan });
        }
    }
    versions
}

fn sound(plan: &Plan) -> bool {
    let mut faults = Violations::default();
    plan.check("plan", &mut faults);
    faults.is_empty()
}

fn revise(dice: &mut Dice, company: &Company, component: &mut Component, before: &[Component]) {
    match dice.below(5) {
        0 => *component = self::component(dice, company, &component.id, before),
        1 => component.clawback = clawback(dice),
        2 => {
            if let Payout::Rates(rates) = &mut component.payout {
                rates.tiers.iter_mut().for_each(|tier| tier.rate = Number(tier.rate.0 * 2));
            }
        }
        3 => {
            component.modifiers = payouts::modifiers(dice, company, component.window, before);
            component.target_percent = Some(Percent(20_000_000));
        }
        _ => {}
    }
}

/// A component that may look at those before it.
fn component(dice: &mut Dice, company: &Company, id: &ComponentId, before: &[Component]) -> Component {
    let window = dice.weighted(&[
        (2, WindowKind::Deal),
        (3, WindowKind::Month),
        (5, WindowKind::Quarter),
        (2, WindowKind::Half),
        (2, WindowKind::Year),
    ]);
    let payout = match dice.chance(50) {
        true => Payout::Rates(rates(dice, company, window)),
        false => payouts::payout(dice, company, window, id, before),
    };
    let modifiers = match dice.chance(50) {
        true => Modifiers::default(),
        false => payouts::modifiers(dice, company, window, before),
    };
    let mut component = Component {
        id: id.clone(),
        name: String::new(),
        window,
        reversal: dice.pick(&[ReversalRule::OwnDate, ReversalRule::AtOrigin]),
        clawback: if dice.chance(25) { clawback(dice) } else { None },
        line_kept: dice.chance(20),
        target_percent: None,
        payout,
        proration: dice.pick(&[Proration::Days, Proration::Days, Proration::Months, Proration::None]),
        modifiers,
    };
    suit(&mut component);
    if component.needs_incentive() || dice.chance(10) {
        component.target_percent = Some(Percent(dice.pick(&[33_333_333, 30_000_000, 10_000_000])));
    }
    component
}

/// Leaves out what would have no effect.
fn suit(component: &mut Component) {
    if component.paid().is_none() {
        (component.modifiers.credit_cap, component.modifiers.credit_floor) = (None, None);
    }
}

fn clawback(dice: &mut Dice) -> Option<Clawback> {
    let step = |days, percent: i64| ClawbackStep { days, percent: Percent(percent * 1_000_000) };
    dice.pick(&[
        None,
        Some(Clawback::Steps(vec![step(30, 100)])),
        Some(Clawback::Steps(vec![step(0, 100), step(31, 50), step(90, 33)])),
        Some(Clawback::ProRata { full_days: 0, term_days: 90 }),
        Some(Clawback::ProRata { full_days: 31, term_days: 62 }),
    ])
}

fn rates(dice: &mut Dice, company: &Company, window: WindowKind) -> Rates {
    let measure = dice.pick(&company.credited());
    rates_on(dice, company, window, &measure)
}

/// Rates on a measure.
pub fn rates_on(dice: &mut Dice, company: &Company, window: WindowKind, measure: &Measure) -> Rates {
    let pays = match measure.unit() {
        Unit::Money => dice.weighted(&[(5, RateKind::Percent), (1, RateKind::BaseRate)]),
        Unit::Number => {
            let block = RateKind::PerBlock(Quantity(dice.pick(&[1_000_000, 2_000_000, 1_500_000])));
            dice.weighted(&[(2, RateKind::PerUnit), (2, block), (1, RateKind::BaseRate)])
        }
    };
    let mode =
        dice.weighted(&[(4, RateMode::Marginal), (3, RateMode::Retroactive), (3, RateMode::WholeCredit)]);
    let axis = axis(dice, window, mode);
    let mut rates = Rates {
        measure: measure.id.clone(),
        line: None,
        mode,
        retroactive_to: None,
        axis,
        pays,
        tiers: Vec::new(),
    };
    let mut line = measure.clone();
    if window != WindowKind::Deal && !axis.by_deal() && dice.chance(35) {
        let other = dice.pick(&company.credited());
        if pays != RateKind::BaseRate || other.unit() == measure.unit() {
            (line, rates.line) = (other.clone(), Some(other.id));
        }
    }
    if axis == Axis::Amount && line.unit() == Unit::Number {
        rates.axis = Axis::Units;
    }
    rates.tiers = tiers(dice, company, &rates);
    if mode == RateMode::Marginal && !axis.by_deal() && dice.chance(30) {
        let edge = dice.pick(&rates.tiers).edge;
        rates.retroactive_to = Some(Number(edge.0 + i128::from(dice.weighted(&[(3, 0), (1, 1)]))));
    }
    rates
}

fn axis(dice: &mut Dice, window: WindowKind, mode: RateMode) -> Axis {
    let mut axes = vec![(3, Axis::Amount)];
    if window != WindowKind::Deal {
        axes.push((6, Axis::Attainment));
    }
    if mode != RateMode::Retroactive {
        axes.push((1, Axis::DealAmount));
    }
    if mode == RateMode::WholeCredit {
        axes.push((1, Axis::MarginPercent));
    }
    dice.weighted(&axes)
}

fn tiers(dice: &mut Dice, company: &Company, rates: &Rates) -> Vec<Tier> {
    let minor = 1_000_000 / 10_i128.pow(company.calendar.currency.minor_digits());
    let money = |of: &[i128]| of.iter().map(|edge| edge * minor).collect::<Vec<_>>();
    let edges = match rates.axis {
        Axis::Attainment => [25, 50, 75, 100, 120, 150].map(|edge| edge * 1_000_000).to_vec(),
        Axis::MarginPercent => vec![10_000_000, 20_000_000, 33_333_333, 50_000_000, 75_000_000],
        Axis::Units => vec![500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000],
        Axis::Amount | Axis::DealAmount => money(&[50, 100, 150, 200, 333, 500]),
    };
    let count = dice.between(0, 3);
    let mut picked = vec![0];
    picked.extend(dice.some_of(&edges, usize::try_from(count).unwrap()));
    let steps = match rates.pays {
        RateKind::Percent => [0, 1, 5, 8, 10, 25, 50, 100, -10]
            .map(|rate| rate * 1_000_000)
            .into_iter()
            .chain([12_500_000, 33_333_333])
            .collect(),
        RateKind::PerUnit | RateKind::PerBlock(_) => money(&[0, 1, 5, 10, 33, 250, -7]),
        RateKind::BaseRate => vec![0, 500_000, 1_000_000, 1_500_000, 2_000_000],
    };
    let tier = |edge| Tier {
        edge: Number(edge),
        edge_lower: dice.chance(30),
        rate: Number(dice.pick(&steps)),
        flat: (!rates.axis.by_deal() && dice.chance(15)).then(|| dice.pick(&[1, 25, 100, 333])),
    };
    picked.into_iter().map(tier).collect()
}
