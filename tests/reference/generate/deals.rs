//! Random deals: splits, events and what takes them back.

use std::collections::BTreeMap;

use attain::domain::date::Day;
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome, Reversed, Split};
use attain::domain::id::{EventId, PayeeId};
use attain::domain::measure::Measure;
use attain::domain::number::{Percent, Quantity};

use super::{day, later, market, texts};
use crate::company::Company;
use crate::dice::Dice;

const AMOUNTS: [i64; 14] = [0, 1, 25, 33, 50, 50, 75, 100, 100, 150, 200, 250, 333, 500];
const COSTS: [i64; 6] = [0, 10, 25, 33, 50, 120];
const QUANTITIES: [i64; 7] = [0, 1_000_000, 1_000_000, 2_000_000, 3_000_000, 500_000, 333_333];

pub fn deals(dice: &mut Dice, company: &Company) -> Vec<Deal> {
    let mut ids: Vec<String> = ["d", "D", "d1", "10", "9", "a", "Z", "d-2"].map(String::from).to_vec();
    dice.shuffle(&mut ids);
    ids.truncate(dice.weighted(&[(2, 1), (3, 3), (4, 5), (3, 7)]));
    ids.iter().map(|id| deal(dice, company, id)).collect()
}

fn deal(dice: &mut Dice, company: &Company, id: &str) -> Deal {
    let payees: Vec<PayeeId> = company.payees.iter().map(|payee| payee.id.clone()).collect();
    let named = |dice: &mut Dice, of: &[&str]| dice.chance(75).then(|| dice.pick(of).to_string());
    let money = |dice: &mut Dice, of: &[i64]| (!dice.chance(2)).then(|| dice.pick(of));
    let mut deal = Deal {
        id: id.parse().unwrap(),
        name: None,
        owner: dice.pick(&payees),
        customer: named(dice, &texts::CUSTOMERS).map(|id| id.parse().unwrap()),
        customer_name: None,
        product: named(dice, &texts::PRODUCTS).map(|id| id.parse().unwrap()),
        currency: market::currency(dice, company),
        amount: money(dice, &AMOUNTS),
        cost: money(dice, &COSTS),
        quantity: money(dice, &QUANTITIES).map(Quantity),
        stage: named(dice, &texts::STAGES),
        outcome: dice.weighted(&[(8, Outcome::Won), (1, Outcome::Open), (1, Outcome::Lost)]),
        probability: dice.chance(60).then(|| Percent(dice.pick(&[0, 33_333_333, 50_000_000, 100_000_000]))),
        opened: dice.chance(70).then(|| day(dice, company)),
        closed: dice.chance(50).then(|| day(dice, company)),
        attributes: texts::attributes(dice, company),
        source_version: None,
        splits: splits(dice, &payees),
        events: Vec::new(),
    };
    let mut ids: Vec<String> = ["e", "E", "1", "e2", "b", "z", "0", "F", "e-1"].map(String::from).to_vec();
    dice.shuffle(&mut ids);
    let mut id = || ids.pop().unwrap().parse::<EventId>().unwrap();
    for kind in [EventKind::Booked, EventKind::Invoiced, EventKind::Paid] {
        let read =
            company.measures.iter().filter_map(Measure::selection).any(|credits| credits.event == kind);
        let count = if read { [(1, 0), (10, 1), (3, 2)] } else { [(8, 0), (2, 1), (1, 2)] };
        for _ in 0..dice.weighted(&count) {
            let day = day(dice, company);
            deal.events.push(event(dice, id(), kind, day));
        }
    }
    let mut reversals: Vec<Day> =
        (0..dice.weighted(&[(5, 0), (4, 1), (2, 2)])).map(|_| when(dice, company, &deal)).collect();
    reversals.sort_unstable();
    let mut left: BTreeMap<EventId, i64> =
        deal.events.iter().map(|event| (event.id.clone(), event.amount.unwrap())).collect();
    let origins = deal.events.clone();
    for day in reversals {
        let kind = dice.pick(&[EventKind::Refunded, EventKind::Cancelled]);
        let mut event = event(dice, id(), kind, day);
        (event.cost, event.quantity) = (None, None);
        take_back(dice, &origins, &mut left, &mut event);
        deal.events.push(event);
    }
    deal.events.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    deal
}

fn event(dice: &mut Dice, id: EventId, kind: EventKind, day: Day) -> DealEvent {
    DealEvent {
        id,
        kind,
        day,
        amount: Some(dice.pick(&AMOUNTS)),
        cost: dice.chance(15).then(|| dice.pick(&COSTS)),
        quantity: dice.chance(15).then(|| Quantity(dice.pick(&QUANTITIES))),
        reverses: Vec::new(),
        source_version: None,
    }
}

/// A day for a reversal: mostly some days after an event.
fn when(dice: &mut Dice, company: &Company, deal: &Deal) -> Day {
    if deal.events.is_empty() {
        return day(dice, company);
    }
    let of = dice.pick(&deal.events).day;
    later(of, dice.weighted(&[(2, 0), (2, 1), (3, 30), (2, 31), (2, 45), (3, 62), (1, 90), (1, 91)]))
}

/// Decides what a reversal takes back; now and then something that does not fit.
fn take_back(
    dice: &mut Dice,
    origins: &[DealEvent],
    left: &mut BTreeMap<EventId, i64>,
    event: &mut DealEvent,
) {
    let known: Vec<&DealEvent> = origins.iter().filter(|origin| origin.day <= event.day).collect();
    let kinds: std::collections::BTreeSet<EventKind> = known.iter().map(|origin| origin.kind).collect();
    let odd = dice.chance(3);
    event.amount = None;
    if (kinds.len() == known.len() && dice.chance(50)) || odd {
        // Without a list: all that is left, or the same part of each.
        let least = known.iter().map(|origin| left[&origin.id]).min().unwrap_or(0);
        if dice.chance(40) {
            event.amount = Some(dice.between(0, least));
        }
        for origin in known {
            let left = left.get_mut(&origin.id).unwrap();
            *left -= event.amount.unwrap_or(*left);
        }
        return;
    }
    let count = dice.between(1, 2).min(i64::try_from(known.len()).unwrap());
    for origin in dice.some_of(&known, usize::try_from(count).unwrap()) {
        let left = left.get_mut(&origin.id).unwrap();
        let part = if *left == 0 || dice.chance(40) { None } else { Some(dice.between(1, *left)) };
        let half = if *left > 1 && dice.chance(30) { Some(*left / 2) } else { part };
        event.reverses.push(Reversed { event: origin.id.clone(), amount: half });
        *left -= half.unwrap_or(*left);
    }
}

fn splits(dice: &mut Dice, payees: &[PayeeId]) -> Vec<Split> {
    let split = |payee: PayeeId, role: &str, percent: i64| Split {
        payee,
        role: role.parse().unwrap(),
        percent: Percent(percent),
    };
    let mut splits = Vec::new();
    let role = |dice: &mut Dice| dice.pick(&["AE", "SE", "OWNER"]);
    match dice.weighted(&[(4, 0), (1, 1), (2, 2), (1, 3)]) {
        0 => {}
        1 => splits.push(split(dice.pick(payees), role(dice), 100_000_000)),
        2 => {
            let part = dice.pick(&[50_000_000, 33_333_333, 60_000_000]);
            splits.push(split(dice.pick(payees), "AE", part));
            splits.push(split(dice.pick(payees), "SE", 100_000_000 - part));
        }
        _ => {
            let parts = [33_333_333, 33_333_333, 33_333_334];
            for (role, part) in ["AE", "SE", "OWNER"].into_iter().zip(parts) {
                splits.push(split(dice.pick(payees), role, part));
            }
        }
    }
    if dice.chance(25) {
        splits.push(split(dice.pick(payees), "OVERLAY", dice.pick(&[100_000_000, 50_000_000, 12_500_000])));
    }
    splits.sort();
    splits
}
