//! Random plans and their versions.

use attain::domain::date::WindowKind;
use attain::domain::id::ComponentId;
use attain::domain::measure::Unit;
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::plan::{
    Axis, Clawback, ClawbackStep, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates,
    ReversalRule, Tier,
};
use attain::domain::quota::Proration;

use crate::company::Company;
use crate::dice::Dice;

pub fn plans(dice: &mut Dice, company: &Company) -> Vec<PlanVersion> {
    let mut versions = Vec::new();
    let first = company.calendar.first_period;
    let months = i64::from(company.last.months_since(first));
    for id in ["p", "q"].into_iter().take(dice.weighted(&[(3, 1), (2, 2)])) {
        let count = dice.weighted(&[(3, 1), (2, 2)]);
        let components = ["x", "y"][..count].iter().map(|id| component(dice, company, &id.parse().unwrap()));
        let mut plan = Plan {
            id: id.parse().unwrap(),
            name: String::new(),
            currency: company.calendar.currency,
            components: components.collect(),
            cap: None,
        };
        let from = first.plus(dice.weighted(&[(8, -3), (1, 0), (1, 1)]));
        versions.push(PlanVersion { version: 1, effective_from: from, plan: plan.clone() });
        if dice.chance(35) {
            for component in &mut plan.components {
                revise(dice, company, component);
            }
            if dice.chance(20) && plan.components.len() > 1 {
                plan.components.remove(0);
            }
            let from = first.plus(i32::try_from(dice.between(2, months.max(2))).unwrap());
            versions.push(PlanVersion { version: 2, effective_from: from, plan });
        }
    }
    versions
}

fn revise(dice: &mut Dice, company: &Company, component: &mut Component) {
    let Payout::Rates(rates) = &mut component.payout else { panic!() };
    match dice.below(4) {
        0 => *component = self::component(dice, company, &component.id),
        1 => component.clawback = clawback(dice),
        2 => rates.tiers.iter_mut().for_each(|tier| tier.rate = Number(tier.rate.0 * 2)),
        _ => {}
    }
}

fn component(dice: &mut Dice, company: &Company, id: &ComponentId) -> Component {
    let window = dice.weighted(&[
        (2, WindowKind::Deal),
        (3, WindowKind::Month),
        (5, WindowKind::Quarter),
        (2, WindowKind::Half),
        (2, WindowKind::Year),
    ]);
    let rates = rates(dice, company, window);
    let based = rates.pays == RateKind::BaseRate || dice.chance(10);
    Component {
        id: id.clone(),
        name: String::new(),
        window,
        reversal: dice.pick(&[ReversalRule::OwnDate, ReversalRule::AtOrigin]),
        clawback: if dice.chance(25) { clawback(dice) } else { None },
        line_kept: dice.chance(20),
        target_percent: based.then(|| Percent(dice.pick(&[100_000_000, 50_000_000, 33_333_333]))),
        payout: Payout::Rates(rates),
        proration: Proration::Days,
        modifiers: Modifiers::default(),
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
    let measure = dice.pick(&company.measures);
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
        let other = dice.pick(&company.measures);
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
