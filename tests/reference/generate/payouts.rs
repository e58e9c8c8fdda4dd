//! Random payouts beside rates, and random modifiers.

use attain::domain::date::WindowKind;
use attain::domain::deal::EventKind;
use attain::domain::id::ComponentId;
use attain::domain::measure::{Measure, Unit};
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::plan::{
    Axis, Bonus, Component, Curve, Due, Edge, Fund, Gate, Gauge, Limit, Matrix, MatrixPays, Modifiers,
    Objective, Objectives, Override, Payout, PlanCap, Point, Pool, Rank, Residual, Scale, Shape, Source,
    Spiff, Target, Weight, WindowCap, contains,
};

use super::day;
use super::plans::rates_on;
use crate::company::Company;
use crate::dice::Dice;

const PERCENT: i64 = 1_000_000;

/// Some way to pay; what does not fit becomes a SPIFF or rates.
pub fn payout(
    dice: &mut Dice,
    company: &Company,
    window: WindowKind,
    id: &ComponentId,
    before: &[Component],
) -> Payout {
    let single = window == WindowKind::Deal;
    let kind = dice.weighted(&[(3, 0), (2, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6), (2, 7)]);
    match kind {
        7 if !single && company.measures.iter().any(|measure| measure.selection().is_none()) => {
            let outside = company.measures.iter().find(|measure| measure.selection().is_none()).unwrap();
            let weights = dice.pick(&[vec![100], vec![50, 50], vec![25, 75]]);
            let objective =
                |weight| Objective { measure: outside.id.clone(), weight: Percent(weight * PERCENT) };
            let objectives = weights.into_iter().map(objective).collect();
            Payout::Objectives(Objectives { target: target(dice, false), objectives })
        }
        0 => bonus(dice, company, window, before),
        1 => matrix(dice, company, window, before),
        2 if !single => {
            let places = [100, 50, 33, 25][..usize::try_from(dice.between(1, 4)).unwrap()].to_vec();
            Payout::Rank(Rank { gauge: gauge(dice, company, window, before), places })
        }
        3 if !single => pool(dice, company, window, before),
        // Overrides name what stands before them only, in every plan: so they never go in circles.
        4 if id.as_str() == "z" => {
            let measure = dice.pick(&company.credited());
            let less = ["x", "y"].map(|id| id.parse().unwrap());
            let count = dice.between(1, 2);
            Payout::Override(Override {
                rates: rates_on(dice, company, window, &measure),
                less: dice.some_of(&less, usize::try_from(count).unwrap()),
            })
        }
        5 if company.credited().iter().any(is_paid) => {
            let paid: Vec<Measure> = company.credited().into_iter().filter(is_paid).collect();
            let measure = dice.pick(&paid);
            let mut rates = rates_on(dice, company, window, &measure);
            if rates.line.take().is_some() {
                rates = rates_on(dice, company, WindowKind::Deal, &measure);
            }
            let first_month = u32::try_from(dice.between(1, 3)).unwrap();
            let last_month = first_month + u32::try_from(dice.between(0, 3)).unwrap();
            Payout::Residual(Residual { rates, first_month, last_month })
        }
        _ => spiff(dice, company, window),
    }
}

fn is_paid(measure: &Measure) -> bool {
    measure.selection().is_some_and(|credits| credits.event == EventKind::Paid)
}

fn spiff(dice: &mut Dice, company: &Company, window: WindowKind) -> Payout {
    let numbers: Vec<Measure> =
        company.credited().into_iter().filter(|measure| measure.unit() == Unit::Number).collect();
    if numbers.is_empty() {
        let measure = dice.pick(&company.credited());
        return Payout::Rates(rates_on(dice, company, window, &measure));
    }
    let (one, other) = (day(dice, company), day(dice, company));
    Payout::Spiff(Spiff {
        measure: dice.pick(&numbers).id.clone(),
        amount: Number(money(company, dice.pick(&[5, 10, 33, -7]))),
        first: dice.chance(50).then(|| Quantity(dice.pick(&[1_000_000, 2_000_000, 1_500_000]))),
        from: dice.chance(40).then_some(one.min(other)),
        to: (dice.chance(40) && one != other).then_some(one.max(other)),
    })
}

/// An amount of minor units as a plain number of major ones.
fn money(company: &Company, minor: i128) -> i128 {
    minor * (1_000_000 / 10_i128.pow(company.calendar.currency.minor_digits()))
}

fn gauge(dice: &mut Dice, company: &Company, window: WindowKind, before: &[Component]) -> Gauge {
    let larger = |kind: &WindowKind| contains(*kind, window) && *kind != WindowKind::Deal;
    let kinds: Vec<WindowKind> = WindowKind::ALL.into_iter().filter(larger).collect();
    let others: Vec<&Component> = before
        .iter()
        .filter(|other| other.payout.rates().is_some() && contains(other.window, window))
        .collect();
    let (of, measure) = if !others.is_empty() && dice.chance(50) {
        let other = dice.pick(&others);
        (Source::Component(other.id.clone()), company.measure(other.line().unwrap()))
    } else {
        let measure = dice.pick(&company.measures).id;
        let own = window != WindowKind::Deal && dice.chance(60);
        let window = if own { None } else { Some(dice.pick(&kinds)) };
        let found = company.measure(&measure);
        (Source::Measure { measure, window }, found)
    };
    let axis = if dice.chance(60) { Axis::Attainment } else { plain(measure) };
    Gauge { of: Some(of), axis }
}

/// The figure itself.
fn plain(measure: &Measure) -> Axis {
    match measure.unit() {
        Unit::Money => Axis::Amount,
        Unit::Number => Axis::Units,
    }
}

fn edges(company: &Company, axis: Axis) -> Vec<Number> {
    let edges = match axis {
        Axis::Attainment => [25, 50, 75, 100, 120, 150].map(|edge| edge * 1_000_000).to_vec(),
        Axis::MarginPercent => vec![10_000_000, 20_000_000, 33_333_333, 50_000_000, 75_000_000],
        Axis::Units => vec![500_000, 1_000_000, 2_000_000, 3_000_000, 5_000_000],
        Axis::Amount | Axis::DealAmount => {
            [50, 100, 150, 200, 333, 500].map(|edge| money(company, edge)).to_vec()
        }
    };
    edges.into_iter().map(Number).collect()
}

/// A curve that begins at zero now and then, where it may.
fn curve(dice: &mut Dice, company: &Company, gauge: Gauge, from_zero: bool) -> Curve {
    let shape = dice.pick(&[Shape::Step, Shape::Linear]);
    let count = dice.between(1, 3);
    let mut picked = dice.some_of(&edges(company, gauge.axis), usize::try_from(count).unwrap());
    if from_zero && dice.chance(30) {
        picked.insert(0, Number(0));
    }
    let mut points = Vec::new();
    for (place, edge) in picked.into_iter().enumerate() {
        let edge_lower = dice.chance(25) && (shape == Shape::Step || place == 0);
        let percent = Percent(dice.pick(&[0, 50, 80, 100, 100, 150, 200]) * PERCENT);
        points.push(Point { edge, edge_lower, percent });
    }
    Curve { gauge, shape, points }
}

fn target(dice: &mut Dice, single: bool) -> Target {
    if single || dice.chance(60) { Target::Amount(dice.pick(&[10, 33, 100, 333])) } else { Target::Incentive }
}

fn due(dice: &mut Dice) -> Due {
    dice.pick(&[Due::WindowEnd, Due::Progressive])
}

fn bonus(dice: &mut Dice, company: &Company, window: WindowKind, before: &[Component]) -> Payout {
    if window == WindowKind::Deal {
        let measure = dice.pick(&company.credited());
        let axis = plain(&measure);
        let of = Some(Source::Measure { measure: measure.id, window: None });
        let curve = curve(dice, company, Gauge { of, axis }, false);
        return Payout::Bonus(Bonus { target: target(dice, true), curve, due: Due::WindowEnd });
    }
    let gauge = gauge(dice, company, window, before);
    let curve = curve(dice, company, gauge, true);
    Payout::Bonus(Bonus { target: target(dice, false), curve, due: due(dice) })
}

fn matrix(dice: &mut Dice, company: &Company, window: WindowKind, before: &[Component]) -> Payout {
    let money: Vec<&Measure> =
        company.measures.iter().filter(|measure| measure.unit() == Unit::Money).collect();
    let on_credits = !money.is_empty() && (window == WindowKind::Deal || dice.chance(60));
    if window == WindowKind::Deal && !on_credits {
        return spiff(dice, company, window);
    }
    let scale = |dice: &mut Dice| {
        let gauge = match on_credits && dice.chance(50) {
            true => Gauge { of: None, axis: dice.pick(&[Axis::DealAmount, Axis::MarginPercent]) },
            false => gauge(dice, company, window, before),
        };
        let count = dice.between(0, 2);
        let mut picked = vec![Number(0)];
        picked.extend(dice.some_of(&edges(company, gauge.axis), usize::try_from(count).unwrap()));
        let edges = picked.into_iter().map(|edge| Edge { edge, edge_lower: dice.chance(25) }).collect();
        Scale { gauge, edges }
    };
    let (rows, columns) = (scale(dice), scale(dice));
    let mut cell = |_| Percent(dice.pick(&[0, 1, 5, 10, 25, 50, 100]) * PERCENT);
    let mut row = |_| columns.edges.iter().map(&mut cell).collect();
    let cells = rows.edges.iter().map(&mut row).collect();
    let pays = match on_credits {
        true => MatrixPays::Credits(dice.pick(&money).id.clone()),
        false => MatrixPays::Target { target: target(dice, false), due: due(dice) },
    };
    Payout::Matrix(Matrix { rows, columns, cells, pays })
}

fn pool(dice: &mut Dice, company: &Company, window: WindowKind, before: &[Component]) -> Payout {
    let money: Vec<&Measure> =
        company.measures.iter().filter(|measure| measure.unit() == Unit::Money).collect();
    let fund = if money.is_empty() || dice.chance(50) {
        Fund::Amount(dice.pick(&[0, 1, 10, 100, 333]))
    } else {
        let percent = Percent(dice.pick(&[1, 10, 33]) * PERCENT);
        Fund::Percent { measure: dice.pick(&money).id.clone(), percent }
    };
    let by = match dice.below(3) {
        0 => Weight::Equal,
        1 => Weight::TargetIncentive,
        _ => Weight::Gauge(gauge(dice, company, window, before)),
    };
    Payout::Pool(Pool { fund, by })
}

fn limit(dice: &mut Dice) -> Limit {
    match dice.chance(75) {
        true => Limit::Amount(dice.pick(&[0, 1, 5, 10, 25, 50, 100])),
        false => Limit::Incentive(Percent(dice.pick(&[0, 1, 5, 10, 25]) * PERCENT)),
    }
}

/// One or two modifiers, now and then more.
pub fn modifiers(dice: &mut Dice, company: &Company, window: WindowKind, before: &[Component]) -> Modifiers {
    let single = window == WindowKind::Deal;
    let mut modifiers = Modifiers::default();
    for _ in 0..dice.weighted(&[(5, 1), (3, 2), (1, 4)]) {
        match dice.below(8) {
            0 => {
                let gauge = gauge(dice, company, window, before);
                modifiers.multipliers.push(curve(dice, company, gauge, true));
            }
            1 => modifiers.credit_cap = Some(limit(dice)),
            2 => modifiers.credit_floor = Some(limit(dice)),
            3 | 4 => {
                let gauge = gauge(dice, company, window, before);
                let edge = dice.pick(&edges(company, gauge.axis));
                let percent = dice.chance(30).then(|| Percent(dice.pick(&[0, 5, 20, 100]) * PERCENT));
                let (edge_lower, limit_percent) = (dice.chance(25), percent);
                modifiers.gates.push(Gate { gauge, edge, edge_lower, limit_percent });
            }
            5 => {
                let carried = !single && dice.chance(50);
                modifiers.window_cap = Some(WindowCap { limit: limit(dice), carried });
            }
            6 => modifiers.window_floor = Some(limit(dice)),
            _ if !single => modifiers.budget = Some(dice.pick(&[0, 10, 33, 100, 200])),
            _ => {}
        }
    }
    modifiers
}

pub fn plan_cap(dice: &mut Dice) -> Option<PlanCap> {
    dice.chance(12).then(|| some_plan_cap(dice))
}

pub fn some_plan_cap(dice: &mut Dice) -> PlanCap {
    let spans = [WindowKind::Month, WindowKind::Quarter, WindowKind::Half, WindowKind::Year];
    PlanCap { limit: limit(dice), span: dice.pick(&spans) }
}
