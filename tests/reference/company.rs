//! A company as plain facts: what people told it, before anything is interned or sorted.

use std::collections::BTreeMap;
use std::fmt;

use attain::domain::date::{Calendar, Day, Period};
use attain::domain::deal::{Deal, DealEvent};
use attain::domain::exchange::ExchangeRate;
use attain::domain::facts::{Facts, FactsBuilder, Worth};
use attain::domain::fault::Violations;
use attain::domain::id::{MeasureId, PayeeId};
use attain::domain::measure::{Combine, Measure, Source};
use attain::domain::outside::{OutsideValue, ValueKey};
use attain::domain::payee::{Payee, ReportingLine, find_cycle};
use attain::domain::plan::{Component, PlanVersion, check_ids};
use attain::domain::quota::{Goal, Quota};
use attain::domain::territory::{CreditingRule, Territory};

use crate::dice::Dice;
use crate::fractions::{Q, sum, whole};
use crate::tree::Tree;

/// All that a calculation reads, and the last period that is looked at.
#[derive(Debug, Clone)]
pub struct Company {
    pub calendar: Calendar,
    pub last: Period,
    pub payees: Vec<Payee>,
    pub measures: Vec<Measure>,
    pub plans: Vec<PlanVersion>,
    pub quotas: Vec<Quota>,
    pub deals: Vec<Deal>,
    pub values: Vec<OutsideValue>,
    /// What measures' credits are counted where: kept beside the measures, which do not hold them.
    pub conditions: BTreeMap<MeasureId, Tree>,
    /// What measures of expressions count, likewise.
    pub expressions: BTreeMap<MeasureId, Tree>,
    pub rates: Vec<ExchangeRate>,
    pub territories: Vec<Territory>,
    /// In their order.
    pub rules: Vec<Rule>,
}

/// A crediting rule, its condition beside it.
#[derive(Debug, Clone)]
pub struct Rule {
    pub rule: CreditingRule,
    pub condition: Option<Tree>,
}

impl Company {
    /// The periods looked at.
    pub fn periods(&self) -> Vec<Period> {
        let first = self.calendar.first_period;
        (0..=self.last.months_since(first)).map(|months| first.plus(months)).collect()
    }

    pub fn payee(&self, id: &PayeeId) -> &Payee {
        self.payees.iter().find(|payee| payee.id == *id).unwrap()
    }

    /// The measures of credits.
    pub fn credited(&self) -> Vec<Measure> {
        self.measures.iter().filter(|measure| measure.selection().is_some()).cloned().collect()
    }

    /// What the values of an outside measure from a day until before another, and not after a third, come to.
    pub fn outside(&self, payee: &PayeeId, id: &MeasureId, from: Day, to: Day, on: Day) -> Option<Q> {
        let Source::Outside(combine) = &self.measure(id).source else { panic!("a measure of credits") };
        let counts = |key: &ValueKey| {
            (&key.payee, &key.measure) == (payee, id) && from <= key.day && key.day < to && key.day <= on
        };
        let mut values: Vec<(Day, Q)> = Vec::new();
        for told in self.values.iter().filter(|told| counts(&told.key)) {
            values.extend(told.value.map(|value| (told.key.day, whole(value.0))));
        }
        let all = sum(values.iter().map(|(_, value)| value));
        match (combine, values.iter().max()) {
            (_, None) => None,
            (Combine::Sum, Some(_)) => Some(all),
            (Combine::Average, Some(_)) => Some(all / whole(values.len())),
            (Combine::Last, Some((_, last))) => Some(last.clone()),
        }
    }

    pub fn components(&self) -> impl Iterator<Item = &Component> {
        self.plans.iter().flat_map(|version| &version.plan.components)
    }

    pub fn measure(&self, id: &MeasureId) -> &Measure {
        self.measures.iter().find(|measure| measure.id == *id).unwrap()
    }

    /// The same facts as the calculation reads them, told in an order that `dice` decides.
    pub fn facts(&self, dice: &mut Dice) -> Facts {
        let mut payees = self.payees.clone();
        dice.shuffle(&mut payees);
        let mut builder = FactsBuilder::new(1, self.calendar, payees).unwrap();
        for measure in dice.shuffled(&self.measures) {
            builder.measure(self.written(measure));
        }
        for territory in dice.shuffled(&self.territories) {
            builder.territory(territory.clone());
        }
        for rule in &self.rules {
            builder.crediting_rule(rule.written()).unwrap();
        }
        for rate in dice.shuffled(&self.rates) {
            builder.exchange_rate(rate);
        }
        for plan in dice.shuffled(&self.plans) {
            builder.plan(plan.clone());
        }
        for quota in dice.shuffled(&self.quotas) {
            builder.quota(quota.clone()).unwrap();
        }
        for value in dice.shuffled(&self.values) {
            builder.value(value).unwrap();
        }
        let mut events = Vec::new();
        for deal in dice.shuffled(&self.deals) {
            let splits = dice.shuffled(&deal.splits).into_iter();
            let splits = splits.map(|split| (split.payee.as_str(), split.role.clone(), split.percent));
            let worth = Worth { amount: deal.amount, cost: deal.cost, quantity: deal.quantity };
            let handle =
                builder.deal(deal.id.as_str(), deal.owner.as_str(), deal.currency, worth, splits).unwrap();
            builder.describe(handle, |field| deal.detail(field)).unwrap();
            events.extend(deal.events.iter().map(|event| (handle, event)));
        }
        for (handle, event) in dice.shuffled(&events) {
            let worth = Worth { amount: event.amount, cost: event.cost, quantity: event.quantity };
            let reversed = dice.shuffled(&event.reverses).into_iter();
            let reversed = reversed.map(|reversed| (reversed.event.as_str(), reversed.amount));
            builder.event(*handle, event.id.as_str(), event.kind, event.day, worth, reversed).unwrap();
        }
        builder.build().unwrap()
    }

    /// What the service would refuse of these facts, if anything.
    pub fn refused(&self) -> Option<String> {
        let mut violations = Violations::default();
        self.payees.clone().iter_mut().for_each(|payee| payee.check("payee", &mut violations));
        self.deals.clone().iter_mut().for_each(|deal| deal.check("deal", &mut violations));
        for quota in &mut self.quotas.clone() {
            quota.check("quota", &mut violations);
            let unit = self.measure(&quota.key.measure).unit();
            quota.check_unit(unit, "quota", &mut violations);
            if let Goal::SumOfReports(of) = &quota.goal
                && self.measure(of).unit() != unit
            {
                violations.add("quota.measure", "must be of the same unit");
            }
        }
        let unit = |id: &MeasureId| Some(self.measure(id).unit());
        for version in &self.plans {
            let ids = version.plan.components.iter().map(|component| component.id.as_str());
            check_ids(ids, "plan", &mut violations);
            version.plan.check("plan", &mut violations);
            for component in &version.plan.components {
                component.check("plan", &mut violations);
                component.check_units("plan", unit, &mut violations);
            }
        }
        self.check_texts(&mut violations);
        self.territories.clone().iter_mut().for_each(|one| one.check("territory", &mut violations));
        self.rules.clone().iter_mut().for_each(|one| one.rule.check("rule", &mut violations));
        for held in self.payees.iter().flat_map(|payee| &payee.assignments) {
            let mut plans = self.plans.iter().filter(|version| Some(&version.plan.id) == held.plan.as_ref());
            if plans.any(|version| version.plan.currency != held.currency) {
                violations.add("payee.currency_code", "must be the plan's");
            }
        }
        if self.has_circle() {
            violations.add("payee", "reporting lines have a circle");
        }
        (!violations.is_empty()).then(|| format!("{violations:?}"))
    }

    pub fn has_circle(&self) -> bool {
        let lines: Vec<_> = self.payees.iter().flat_map(lines).collect();
        find_cycle(&lines).is_some()
    }
}

fn lines(payee: &Payee) -> impl Iterator<Item = ReportingLine> {
    payee.assignments.iter().filter_map(|assignment| {
        let manager = assignment.manager.clone()?;
        Some(ReportingLine { payee: payee.id.clone(), manager, from: assignment.from, to: assignment.to })
    })
}

fn until(to: Option<Day>) -> String {
    to.map_or_else(String::new, |to| to.to_string())
}

fn stated(name: &str, value: Option<impl fmt::Debug>) -> String {
    value.map_or_else(String::new, |value| format!(" {name} {value:?}"))
}

/// Written out to be read: amounts in minor units, quantities in millionths.
impl fmt::Display for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Calendar { currency, fiscal_first_month, rounding, first_period, .. } = self.calendar;
        writeln!(
            f,
            "{currency} {rounding:?}, fiscal year from month {fiscal_first_month}, {first_period} to {}",
            self.last
        )?;
        for measure in &self.measures {
            writeln!(f, "{:?}", self.written(measure))?;
        }
        for rate in &self.rates {
            writeln!(f, "rate {} {} {}", rate.key.currency, rate.key.day, rate.rate)?;
        }
        for territory in &self.territories {
            writeln!(f, "territory {} {:?}", territory.id, territory.holders)?;
        }
        for rule in &self.rules {
            writeln!(f, "{:?}", rule.written())?;
        }
        for version in &self.plans {
            writeln!(
                f,
                "plan {} in {} version {} from {}",
                version.plan.id, version.plan.currency, version.version, version.effective_from
            )?;
            if let Some(cap) = version.plan.cap {
                writeln!(f, "  at most {cap:?}")?;
            }
            for component in &version.plan.components {
                writeln!(f, "  {component:?}")?;
            }
        }
        for payee in &self.payees {
            writeln!(f, "payee {}", payee.id)?;
            for held in &payee.assignments {
                write!(f, "  {}..{}", held.from, until(held.to))?;
                write!(f, "{}", stated("manager", held.manager.as_ref()))?;
                write!(f, "{} {}", stated("plan", held.plan.as_ref()), held.currency)?;
                write!(
                    f,
                    "{}{}",
                    stated("title", held.title.as_ref()),
                    stated("in", held.territory.as_ref())
                )?;
                writeln!(f, "{}", stated("target incentive", held.target_incentive))?;
            }
        }
        for quota in &self.quotas {
            let window = self.calendar.window_text(quota.key.window);
            writeln!(
                f,
                "quota {} {} {window} {:?} {} {:?}",
                quota.key.payee, quota.key.measure, quota.goal, quota.currency, quota.proration
            )?;
            if quota.seasonality.is_some() || quota.ramp.is_some() || !quota.reliefs.is_empty() {
                writeln!(f, "  {:?} {:?} {:?}", quota.seasonality, quota.ramp, quota.reliefs)?;
            }
        }
        for OutsideValue { key, value, .. } in &self.values {
            writeln!(f, "value {} {} {} {value:?}", key.payee, key.measure, key.day)?;
        }
        for deal in &self.deals {
            write!(f, "deal {} of {}", deal.id, deal.owner)?;
            write!(f, "{}", stated("amount", deal.amount.map(|amount| (amount, deal.currency))))?;
            writeln!(f, "{}{}", stated("cost", deal.cost), stated("quantity", deal.quantity.map(|q| q.0)))?;
            let Deal { customer, product, stage, outcome, probability, opened, closed, .. } = deal;
            write!(f, "  {outcome:?}{}", stated("customer", customer.as_ref()))?;
            write!(f, "{}{}", stated("product", product.as_ref()), stated("stage", stage.as_ref()))?;
            write!(f, "{}{}", stated("probability", *probability), stated("open", *opened))?;
            writeln!(f, "{} {:?}", stated("close", *closed), deal.attributes)?;
            for split in &deal.splits {
                writeln!(f, "  split {} {} {}", split.payee, split.role, split.percent)?;
            }
            for event in &deal.events {
                let DealEvent { id, kind, day, amount, cost, quantity, reverses, .. } = event;
                write!(
                    f,
                    "  {} {id} {day}{}{}",
                    kind.name(),
                    stated("amount", *amount),
                    stated("cost", *cost)
                )?;
                writeln!(
                    f,
                    "{}{}",
                    stated("quantity", quantity.map(|q| q.0)),
                    if reverses.is_empty() { String::new() } else { format!(" {reverses:?}") }
                )?;
            }
        }
        Ok(())
    }
}
