//! Random currencies with their rates, and random territories and crediting rules.

use std::collections::BTreeSet;

use attain::domain::date::Day;
use attain::domain::exchange::{ExchangeRate, Rate, RateKey};
use attain::domain::id::PayeeId;
use attain::domain::money::Currency;
use attain::domain::number::Percent;
use attain::domain::territory::{CreditingRule, Holder, Receiver, RuleCredit, Territory};

use super::{day, texts};
use crate::company::{Company, Rule};
use crate::dice::Dice;

/// Rates of one or two foreign currencies, mostly from before all that is looked at on.
pub fn rates(dice: &mut Dice, company: &Company, surely: bool) -> Vec<ExchangeRate> {
    if !surely && !dice.chance(45) {
        return Vec::new();
    }
    let first = company.calendar.first_period;
    let mut foreign: Vec<&str> = vec!["USD", "EUR", "JPY", "KWD"];
    foreign.retain(|code| *code != company.calendar.currency.code());
    let count = dice.weighted(&[(3, 1), (2, 2)]);
    let mut rates = Vec::new();
    for code in dice.some_of(&foreign, count) {
        // A year's quota is converted on its first day.
        let begins = if dice.chance(90) { first.plus(-14).start() } else { day(dice, company) };
        let mut days: BTreeSet<Day> = BTreeSet::from([begins]);
        for _ in 0..dice.weighted(&[(2, 0), (3, 1), (2, 3)]) {
            days.insert(day(dice, company));
        }
        for day in days {
            let key = RateKey { currency: Currency::parse(code).unwrap(), day };
            let rate = dice.pick(&["1", "0.5", "2", "1.0842", "0.3333333333", "1.5", "0.0067", "1.11"]);
            rates.push(ExchangeRate { key, rate: Rate::parse(rate).unwrap() });
        }
    }
    rates
}

/// The base currency, or one of those there is a rate of.
pub fn currency(dice: &mut Dice, company: &Company) -> Currency {
    let foreign: BTreeSet<Currency> = company.rates.iter().map(|rate| rate.key.currency).collect();
    let foreign: Vec<Currency> = foreign.into_iter().collect();
    match !foreign.is_empty() && dice.chance(45) {
        true => dice.pick(&foreign),
        false => company.calendar.currency,
    }
}

/// One of those, but another one.
pub fn other_currency(dice: &mut Dice, company: &Company, than: Currency) -> Currency {
    let foreign = company.rates.iter().map(|rate| rate.key.currency);
    let mut others: BTreeSet<Currency> = foreign.chain([company.calendar.currency]).collect();
    others.remove(&than);
    dice.pick(&others.into_iter().collect::<Vec<_>>())
}

/// Territories whose holders change, and which nobody holds now and then.
pub fn territories(dice: &mut Dice, company: &Company) -> Vec<Territory> {
    let ids: Vec<PayeeId> = company.payees.iter().map(|payee| payee.id.clone()).collect();
    let mut territories = Vec::new();
    for id in texts::TERRITORIES {
        let first = company.calendar.first_period.plus(-2).start();
        let mut cuts: Vec<Day> = (0..dice.between(0, 3)).map(|_| day(dice, company)).collect();
        cuts.push(if dice.chance(80) { first } else { day(dice, company) });
        cuts.sort_unstable();
        cuts.dedup();
        let mut holders = Vec::new();
        for (place, from) in cuts.iter().enumerate() {
            let to = cuts.get(place + 1).copied();
            if !dice.chance(20) {
                holders.push(Holder { payee: dice.pick(&ids), from: *from, to });
            }
        }
        territories.push(Territory {
            id: id.parse().unwrap(),
            name: String::new(),
            potential: None,
            holders,
        });
    }
    territories
}

/// Rules in an order of their own; the ids say nothing of it.
pub fn rules(dice: &mut Dice, company: &Company) -> Vec<Rule> {
    let mut ids = ["r", "R", "b", "1"].to_vec();
    dice.shuffle(&mut ids);
    ids.truncate(dice.weighted(&[(2, 1), (3, 2), (2, 3), (1, 4)]));
    ids.into_iter().map(|id| rule(dice, company, id)).collect()
}

fn rule(dice: &mut Dice, company: &Company, id: &str) -> Rule {
    let (one, other) = (day(dice, company), day(dice, company));
    let from = if dice.chance(70) { company.calendar.first_period.plus(-3).start() } else { one.min(other) };
    let to = (dice.chance(30) && from < one.max(other)).then_some(one.max(other));
    let parts = dice.pick(&[vec![100_000_000], vec![60_000_000, 40_000_000], vec![33_333_333, 66_666_667]]);
    let mut credits: Vec<RuleCredit> = Vec::new();
    for (part, roles) in parts.into_iter().zip([["AE", "SE"], ["SE", "AE"]]) {
        let role = dice.weighted(&[(4, roles[0]), (1, roles[1])]);
        credits.push(credit(dice, company, role, part));
    }
    if credits.len() > 1 && (&credits[0].to, &credits[0].role) == (&credits[1].to, &credits[1].role) {
        credits[1].role = "OWNER".parse().unwrap();
    }
    if dice.chance(20) {
        credits.push(credit(dice, company, "OVERLAY", 12_500_000));
    }
    let condition = dice.chance(50).then(|| texts::condition(dice, company, false));
    let rule =
        CreditingRule { id: id.parse().unwrap(), name: String::new(), from, to, condition: None, credits };
    Rule { rule, condition }
}

fn credit(dice: &mut Dice, company: &Company, role: &str, part: i64) -> RuleCredit {
    let ids: Vec<PayeeId> = company.payees.iter().map(|payee| payee.id.clone()).collect();
    let to = match dice.chance(65) {
        true => Receiver::Holder(dice.pick(&texts::TERRITORIES).parse().unwrap()),
        false => Receiver::Payee(dice.pick(&ids)),
    };
    RuleCredit { to, role: role.parse().unwrap(), percent: Percent(part) }
}
