//! Random companies. Numbers are small, so that edges, ties, exact halves and rounding are everywhere.

use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::EventKind;
use attain::domain::id::{MeasureId, PayeeId, PlanId};
use attain::domain::measure::{Amount, Combine, CreditKind, Measure, MeasureValue, Selection, Source, Unit};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Percent, Quantity};
use attain::domain::outside::{OutsideValue, ValueKey};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::PlanVersion;
use attain::domain::quota::{Goal, Proration, Quota, QuotaKey, Ramp, Relief};

use std::collections::BTreeMap;

use crate::company::Company;
use crate::dice::Dice;

mod deals;
mod market;
mod payouts;
mod plans;
mod texts;

/// The company of a seed.
pub fn company(seed: u64) -> Company {
    let mut dice = Dice::new(seed);
    let dice = &mut dice;
    let large = dice.chance(8);
    let currency = dice.weighted(&[(6, "USD"), (2, "JPY"), (2, "KWD")]);
    let first_period = Period::parse("2023-11").unwrap().plus(i32::try_from(dice.below(8)).unwrap());
    let calendar = Calendar {
        currency: Currency::parse(currency).unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: u8::try_from(dice.between(1, 12)).unwrap(),
        rounding: dice.pick(&[Rounding::HalfAwayFromZero, Rounding::HalfEven]),
        first_period,
    };
    let last = first_period.plus(i32::try_from(dice.between(2, 7)).unwrap());
    let mut company = Company {
        calendar,
        last,
        payees: Vec::new(),
        measures: Vec::new(),
        values: Vec::new(),
        conditions: BTreeMap::new(),
        expressions: BTreeMap::new(),
        rates: Vec::new(),
        territories: Vec::new(),
        rules: Vec::new(),
        plans: Vec::new(),
        quotas: Vec::new(),
        deals: Vec::new(),
    };
    // Where people move between plans in different currencies.
    let abroad = !large && dice.chance(12);
    if !large {
        company.rates = market::rates(dice, &company, abroad);
    }
    for place in 0..dice.weighted(&[(4, 1), (4, 2), (2, 3)]) {
        company.measures.push(measure(dice, place));
        texts::read(dice, &mut company);
    }
    if dice.chance(40) {
        let source = Source::Outside(dice.pick(&Combine::ALL));
        company.measures.push(Measure {
            id: "out".parse().unwrap(),
            name: String::new(),
            source,
            step: None,
        });
    }
    company.plans = plans::plans(dice, &company, abroad);
    company.payees = payees(dice, &company, abroad);
    company.values = values(dice, &company);
    company.quotas = quotas(dice, &company);
    if dice.chance(50) {
        company.territories = market::territories(dice, &company);
        company.rules = market::rules(dice, &company);
    }
    company.deals = deals::deals(dice, &company);
    if large {
        enlarge(&mut company);
    }
    company
}

/// Makes all money so large, and so odd, that products of it no longer fit the fast arithmetic.
fn enlarge(company: &mut Company) {
    let enlarged = |minor: &mut i64| *minor *= 999_999_999_937;
    for deal in &mut company.deals {
        deal.amount.iter_mut().chain(&mut deal.cost).for_each(enlarged);
        for event in &mut deal.events {
            let reversed = event.reverses.iter_mut().filter_map(|reversed| reversed.amount.as_mut());
            event.amount.iter_mut().chain(&mut event.cost).chain(reversed).for_each(enlarged);
        }
    }
    for quota in &mut company.quotas {
        let reliefs = quota.reliefs.iter_mut().map(|relief| &mut relief.amount);
        let goal = match &mut quota.goal {
            Goal::Amount(amount) => Some(amount),
            Goal::SumOfReports(_) => None,
        };
        for amount in reliefs.chain(goal) {
            match amount {
                Amount::Money(minor) => enlarged(minor),
                Amount::Number(_) => {}
            }
        }
    }
}

/// Values of the outside measure, if there is one.
fn values(dice: &mut Dice, company: &Company) -> Vec<OutsideValue> {
    let mut values: BTreeMap<ValueKey, Quantity> = BTreeMap::new();
    for measure in company.measures.iter().filter(|measure| measure.selection().is_none()) {
        for _ in 0..dice.between(0, 12) {
            let payee = dice.pick(&company.payees).id;
            let key = ValueKey { payee, measure: measure.id.clone(), day: day(dice, company) };
            let units = dice.pick(&[0, 1, 2, 50, 80, 100, 120, -3]);
            values.insert(key, Quantity(units * 1_000_000 + dice.pick(&[0, 0, 333_333])));
        }
    }
    let told = |(key, value)| OutsideValue { key, value: Some(value), source_version: None };
    values.into_iter().map(told).collect()
}

/// A day of the periods looked at, now and then of the one before.
fn day(dice: &mut Dice, company: &Company) -> Day {
    let first = company.calendar.first_period;
    let before = if dice.chance(6) { 1 } else { 0 };
    let months = company.last.months_since(first);
    let period = first.plus(i32::try_from(dice.between(0, i64::from(months))).unwrap() - before);
    let last = period.last_day().days_since(period.start());
    let into = dice.weighted(&[(3, 0), (2, 14), (2, 15), (2, last), (1, 1), (3, dice_day(last))]);
    later(period.start(), into)
}

/// Some day in the middle that no other rule aims at.
fn dice_day(last: i64) -> i64 {
    last / 3
}

pub fn later(day: Day, days: i64) -> Day {
    let days = chrono::Days::new(u64::try_from(days).unwrap());
    Day::from_date(day.date().checked_add_days(days).unwrap()).unwrap()
}

fn measure(dice: &mut Dice, place: usize) -> Measure {
    let value = dice.weighted(&[
        (5, MeasureValue::Amount),
        (2, MeasureValue::Margin),
        (2, MeasureValue::Quantity),
        (2, MeasureValue::Count),
    ]);
    let roles = ["AE", "SE", "OVERLAY", "OWNER"].map(|role| role.parse().unwrap());
    let count = dice.weighted(&[(6, 0), (1, 1), (2, 2), (1, 3)]);
    let step = dice.weighted(&[(2, None), (1, Some(1_000_000)), (1, Some(500_000)), (1, Some(300_000))]);
    Measure {
        id: format!("m{place}").parse().unwrap(),
        name: String::new(),
        source: Source::Credits(Selection {
            event: dice.weighted(&[(5, EventKind::Booked), (2, EventKind::Invoiced), (2, EventKind::Paid)]),
            credit: dice.weighted(&[
                (5, CreditKind::Direct),
                (2, CreditKind::RolledUp),
                (3, CreditKind::Both),
            ]),
            levels: dice.weighted(&[(4, 0), (2, 1), (1, 2)]),
            roles: dice.some_of(&roles, count),
            value,
            condition: None,
            expression: None,
        }),
        step: step.filter(|_| value.unit() == Unit::Number).map(Quantity),
    }
}

fn payees(dice: &mut Dice, company: &Company, abroad: bool) -> Vec<Payee> {
    let names = ["b", "B", "a1", "10", "9", "z"].map(|name| name.parse::<PayeeId>().unwrap());
    let count = dice.weighted(&[(3, 1), (4, 2), (4, 3), (2, 4)]);
    let mut ids = dice.some_of(&names, count);
    dice.shuffle(&mut ids);
    let plans: Vec<PlanId> = company.plans.iter().map(|version| version.plan.id.clone()).collect();
    let payee = |dice: &mut Dice, free: bool| -> Vec<Payee> {
        let ranks = ids.iter().enumerate();
        ranks
            .map(|(rank, id)| {
                person(dice, company, (&plans, abroad), id, if free { &ids } else { &ids[..rank] })
            })
            .collect()
    };
    let mut company = Company { payees: payee(dice, true), ..company.clone() };
    if company.has_circle() {
        company.payees = payee(dice, false);
    }
    company.payees
}

/// A payee with the assignments of a career, who may report to some of `above`.
fn person(
    dice: &mut Dice,
    company: &Company,
    (plans, abroad): (&[PlanId], bool),
    id: &PayeeId,
    above: &[PayeeId],
) -> Payee {
    let first = company.calendar.first_period;
    let count = if abroad { 1 } else { 0 } + dice.weighted(&[(4, 0), (3, 1), (2, 2), (1, 3)]);
    let mut cuts: Vec<Day> = (0..count).map(|_| day(dice, company)).collect();
    cuts.push(if dice.chance(85) { first.plus(-2).start() } else { day(dice, company) });
    cuts.sort_unstable();
    cuts.dedup();
    let mut above = above.to_vec();
    above.retain(|other| other != id);
    let end = dice.chance(12).then(|| later(company.last.start(), 10));
    let home = dice.pick(plans);
    let mut assignments = Vec::new();
    for (place, from) in cuts.iter().enumerate() {
        let to = cuts.get(place + 1).copied().or(end.filter(|end| from < end));
        if place > 0 && dice.chance(15) {
            continue;
        }
        let plan = match dice.weighted(&[(8, if abroad { 1 } else { 0 }), (2, 1), (1, 2)]) {
            0 => Some(home.clone()),
            1 => Some(dice.pick(plans)),
            _ => None,
        };
        let paying = company.plans.iter().find(|version| Some(&version.plan.id) == plan.as_ref());
        let currency = paying.map_or_else(|| market::currency(dice, company), |paid| paid.plan.currency);
        let named = |dice: &mut Dice, of: &[&str]| dice.chance(70).then(|| dice.pick(of).to_string());
        assignments.push(Assignment {
            from: *from,
            to,
            title: named(dice, &texts::TITLES),
            manager: (!above.is_empty() && dice.chance(70)).then(|| dice.pick(&above)),
            territory: named(dice, &texts::TERRITORIES).map(|id| id.parse().unwrap()),
            plan,
            target_incentive: dice.weighted(&[
                (40, Some(1200)),
                (10, Some(1000)),
                (10, Some(999)),
                (1, None),
            ]),
            currency,
        });
    }
    Payee {
        id: id.clone(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        source_version: None,
        assignments,
    }
}

fn quotas(dice: &mut Dice, company: &Company) -> Vec<Quota> {
    let Company { calendar, last, measures, .. } = company;
    let mut keys: Vec<QuotaKey> = Vec::new();
    let used = |measure: &MeasureId, kind: WindowKind| {
        let components = company.plans.iter().flat_map(|version: &PlanVersion| &version.plan.components);
        let mut read = components.into_iter().flat_map(|component| {
            let gauged = component.line().map(|line| (line.clone(), component.window));
            component.quotas().into_iter().chain(gauged)
        });
        read.any(|read| read == (measure.clone(), kind))
    };
    for payee in &company.payees {
        for measure in measures {
            for period in company.periods() {
                for kind in WindowKind::ALL.into_iter().filter(|kind| *kind != WindowKind::Deal) {
                    let window = calendar.window(kind, period);
                    let first = window.first() == period || period == calendar.first_period;
                    let often = match kind {
                        WindowKind::Year => 99,
                        _ if used(&measure.id, kind) => 35,
                        _ => 3,
                    };
                    if first && window.first() <= *last && dice.chance(often) {
                        keys.push(QuotaKey { payee: payee.id.clone(), measure: measure.id.clone(), window });
                    }
                }
            }
        }
    }
    keys.into_iter().map(|key| quota(dice, company, key)).collect()
}

fn quota(dice: &mut Dice, company: &Company, key: QuotaKey) -> Quota {
    let unit = company.measure(&key.measure).unit();
    let alike: Vec<MeasureId> =
        company.measures.iter().filter(|m| m.unit() == unit).map(|m| m.id.clone()).collect();
    let last = key.window.last().last_day();
    let leads = company.payees.iter().any(|payee| company.manager(&payee.id, last) == Some(&key.payee));
    let goal = match dice.chance(if leads { 40 } else { 1 }) {
        true => Goal::SumOfReports(dice.pick(&alike)),
        false => Goal::Amount(goal(dice, unit)),
    };
    let currency = match dice.chance(80) {
        true => company.paid_in(&key.payee, key.window.last().last_day()),
        false => market::currency(dice, company),
    };
    let mut quota = Quota::stated(key, currency, Amount::Money(0));
    quota.goal = goal;
    quota.seasonality = dice.chance(25).then(|| seasonality(dice));
    quota.proration = dice.pick(&Proration::ALL);
    if dice.chance(25) {
        let start = company.calendar.first_period.plus(i32::try_from(dice.between(-2, 4)).unwrap());
        let percents = (0..dice.between(1, 3)).map(|_| dice.pick(&[0, 25, 50, 75, 100, 150]) * 1_000_000);
        let percents = percents.collect::<Vec<_>>().into_iter().map(Percent).collect();
        quota.ramp = Some(Ramp { start, percents });
    }
    for _ in 0..dice.weighted(&[(8, 0), (2, 1), (1, 2)]) {
        let window = quota.key.window;
        let last = window.days() - 1;
        let day = later(window.start(), dice.pick(&[0, last / 2, last]));
        let amount = match unit {
            Unit::Money => Amount::Money(dice.pick(&[1, 10, 33, 500])),
            Unit::Number => Amount::Number(Quantity(dice.pick(&[1, 500_000, 1_000_000]))),
        };
        quota.reliefs.push(Relief { day, amount });
    }
    quota
}

fn goal(dice: &mut Dice, unit: Unit) -> Amount {
    match unit {
        Unit::Money => Amount::Money(dice.pick(&[0, 50, 100, 100, 200, 200, 300, 333, 600, 1000, 1200])),
        Unit::Number => {
            let units = dice.pick(&[0, 1, 2, 2, 3, 5, 10]);
            Amount::Number(Quantity(units * 1_000_000 + dice.weighted(&[(8, 0), (1, 500_000), (1, 333_333)])))
        }
    }
}

fn seasonality(dice: &mut Dice) -> [Percent; 12] {
    let mut weights = [0_i64; 12].map(|_| dice.weighted(&[(3, 0), (3, 5), (2, 10), (1, 20)]) * 1_000_000);
    let mut left = 100_000_000 - weights.iter().sum::<i64>();
    for weight in &mut weights {
        let change = left.clamp(-*weight, 50_000_000);
        *weight += change;
        left -= change;
    }
    weights.map(Percent)
}
