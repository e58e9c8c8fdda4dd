//! What the nodes of an explanation say of themselves, with their figures put in.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::measure::MeasureValue;
use crate::domain::number::Number;
use crate::domain::plan::{Axis, Modifiers, Payout, RateKind, RateMode, Rates};
use crate::domain::quota::Proration;

use super::super::book::Entry;
use super::super::earn::{KeyEarnings, Line, SegmentEarnings};
use super::super::statement::{exact_amount, percent_text};
use super::super::{attainment, statement};
use super::{Node, Tree, Words};

impl<'a> Tree<'a, '_> {
    fn money(&self, minor: &Exact) -> String {
        exact_amount(self.currency, minor)
    }

    /// What a segment's credits are counted in.
    fn counted(&self, segment: &SegmentEarnings, figure: &Exact) -> String {
        statement::figure(self.currency, segment.unit, figure)
    }

    /// What a segment's line is counted in.
    fn on_line(&self, segment: &SegmentEarnings, figure: &Exact) -> String {
        statement::figure(self.currency, segment.line_unit, figure)
    }

    fn rounded(&self, minor: i128) -> String {
        self.currency.amount(minor)
    }

    pub(super) fn words(&self, node: Node<'a>) -> Words {
        let words = |title: String, value: Option<String>, formula: Option<String>, inputs: Vec<String>| {
            Words { title, value, formula, inputs }
        };
        match node {
            Node::Root => self.root_words(),
            Node::Key(key) => self.key_words(key),
            Node::Month(period, amount) => words(
                format!("earned in {period}"),
                Some(self.rounded(amount)),
                Some("earned through this period less earned through the one before".into()),
                Vec::new(),
            ),
            Node::Segment(segment) => words(
                format!(
                    "terms of plan version {} from {} to before {}",
                    segment.version.version, segment.from, segment.to
                ),
                Some(self.rounded(segment.amount)),
                Some(paid_words(segment)),
                segment.component.paid().map(|measure| format!("measure:{measure}")).into_iter().collect(),
            ),
            Node::Quota(segment) => self.quota_words(segment),
            Node::Attainment(segment) => self.attainment_words(segment),
            Node::BaseRate(segment) => self.base_rate_words(segment),
            Node::Tiers(segment) => words(
                tiers_title(segment),
                Some(self.money(&segment.paid)),
                Some(self.sum(segment.tiers.iter().map(|tier| tier.paid.add(&Exact::whole(tier.flat))))),
                Vec::new(),
            ),
            Node::Tier(segment, tier) => {
                let tier = &segment.tiers[tier];
                let mut formula = self.priced(segment, &tier.credited, tier.rate);
                if tier.flat != 0 {
                    formula = format!("{formula} + {} for having reached it", self.rounded(tier.flat));
                }
                words(
                    tier_title(segment, tier.edge),
                    Some(self.money(&tier.paid.add(&Exact::whole(tier.flat)))),
                    Some(formula),
                    Vec::new(),
                )
            }
            Node::Rounding(segment) => words(
                "rounded to the minor unit".into(),
                Some(self.rounded(segment.amount)),
                Some(format!(
                    "round({}), {:?}",
                    self.money(&segment.paid),
                    self.calculation.facts.calendar.rounding
                )),
                Vec::new(),
            ),
            Node::Credits(segment) => words(
                format!("{} credits{}", segment.lines.len(), of_measure(segment)),
                Some(self.counted(segment, &segment.credited)),
                self.left_out(segment),
                Vec::new(),
            ),
            Node::Credit(segment, line) => self.credit_words(segment, line),
            Node::Slice(segment, line, slice) => {
                let slice = &line.slices[slice];
                let tier = segment.tiers.iter().find(|total| total.tier == slice.tier);
                let (edge, rate) = tier.map_or((Number::ZERO, Number::ZERO), |tier| (tier.edge, tier.rate));
                words(
                    format!("slice in the {}", tier_title(segment, edge)),
                    Some(self.money(&slice.paid)),
                    Some(self.priced(segment, &slice.credited, rate)),
                    Vec::new(),
                )
            }
            Node::Split(segment, line) => self.split_words(segment, line),
            Node::Event(line) => self.event_words(line),
            Node::Step(_, step) => {
                words(step.title.clone(), Some(step.value.clone()), step.formula.clone(), step.inputs.clone())
            }
        }
    }

    /// How a tier prices what it holds.
    fn priced(&self, segment: &SegmentEarnings, credited: &Exact, rate: Number) -> String {
        let credited = self.counted(segment, credited);
        match segment.rates.as_ref().map(|rates| rates.pays).unwrap_or_default() {
            RateKind::Percent => format!("{credited} x {rate}%"),
            RateKind::PerUnit => format!("{credited} x {rate} a unit"),
            RateKind::PerBlock(block) => format!("{credited} in started blocks of {block} x {rate}"),
            RateKind::BaseRate => format!("{credited} x {rate} x base rate"),
        }
    }

    fn base_rate_words(&self, segment: &SegmentEarnings) -> Words {
        let one = Exact::whole(10_i128.pow(segment.unit.decimals(self.currency)));
        let rate = segment.base_rate.as_ref().map(|rate| self.money(&rate.mul(&one)));
        Words {
            title: "base rate, for one unit credited".into(),
            value: rate,
            formula: Some("yearly target incentive x the component's part of it / yearly quota".into()),
            inputs: line_of(segment),
        }
    }

    fn sum(&self, parts: impl Iterator<Item = Exact>) -> String {
        let parts: Vec<_> = parts.map(|part| self.money(&part)).collect();
        parts.join(" + ")
    }

    fn root_words(&self) -> Words {
        let through = self.calculation.through;
        let facts = self.calculation.facts;
        let mut totals = BTreeMap::from([(self.currency, 0)]);
        for key in &self.earnings.keys {
            *totals.entry(facts.plan_currency(&key.key.plan)).or_default() += key.earned_through(through);
        }
        let value = match totals.len() {
            1 => self.rounded(totals.values().sum()),
            _ => {
                let shown =
                    totals.iter().map(|(currency, sum)| format!("{} {currency}", currency.amount(*sum)));
                shown.collect::<Vec<_>>().join(" + ")
            }
        };
        let payee = facts.payee_id(self.earnings.payee);
        Words {
            title: format!("earned by {payee} through {through}"),
            value: Some(value),
            formula: None,
            inputs: vec![format!("payee:{payee}")],
        }
    }

    fn key_words(&self, key: &KeyEarnings) -> Words {
        let through = self.calculation.through;
        let parts: Vec<_> = key.segments.iter().map(|segment| self.rounded(segment.amount)).collect();
        let name = key.segments.last().map_or("", |segment| segment.component.name.as_str());
        let window = self.calculation.facts.calendar.window_text(key.key.window);
        Words {
            title: format!(
                "{name} ({}) of plan {} in {window}, through {through}",
                key.key.component, key.key.plan
            ),
            value: Some(self.rounded(key.earned_through(through))),
            formula: (parts.len() > 1).then(|| parts.join(" + ")),
            inputs: vec![format!("plan:{}", key.key.plan), format!("component:{}", key.key.component)],
        }
    }

    fn quota_words(&self, segment: &SegmentEarnings) -> Words {
        let title = "effective quota".to_string();
        let inputs = line_of(segment);
        let Some(quota) = &segment.quota else {
            let formula = Some(
                "none is set for the window or its year: attainment is undefined and pays nothing".into(),
            );
            return Words { title, value: None, formula, inputs };
        };
        let shown = |units: i128| self.on_line(segment, &Exact::whole(units));
        let window = shown(quota.window_amount);
        let mut formula = match (quota.year_amount, &quota.reports) {
            (Some(year), None) => format!("{window} (the window's part of the year's {})", shown(year)),
            (Some(year), Some(measure)) => {
                format!("{window} (the window's part of the reports' {} of {measure})", shown(year))
            }
            (None, None) => format!("{window} (set for the window)"),
            (None, Some(measure)) => format!("{window} (the reports' effective quotas of {measure})"),
        };
        let percent = |part: &Exact| part.mul(&Exact::whole(100)).text(6);
        let whole = Exact::whole(1);
        if quota.ramp != whole {
            formula = format!("{formula} x ramp {}%", percent(&quota.ramp));
        }
        if quota.proration != whole {
            formula = match quota.by {
                Proration::Days => format!("{formula} x {} of {} days", quota.days, quota.window_days),
                Proration::Seasonal => {
                    format!("{formula} x {}% by days and season", percent(&quota.proration))
                }
                Proration::Months => format!("{formula} x {}% by months", percent(&quota.proration)),
                Proration::None => formula,
            };
        }
        if quota.relief != 0 {
            formula = format!("{formula} - relief {}", shown(quota.relief));
        }
        Words { title, value: Some(shown(quota.amount)), formula: Some(formula), inputs }
    }

    fn attainment_words(&self, segment: &SegmentEarnings) -> Words {
        let quota = segment.quota.as_ref().map(|quota| quota.amount);
        let percent = attainment::percent(&segment.position, quota);
        let credited = self.on_line(segment, &segment.position);
        Words {
            title: "attainment in percent of quota".into(),
            value: percent.as_ref().map(percent_text),
            formula: Some(match quota {
                Some(quota) => {
                    format!("{credited} x 100 / {}", self.on_line(segment, &Exact::whole(quota)))
                }
                None => "undefined: no quota is set".into(),
            }),
            inputs: Vec::new(),
        }
    }

    fn credit_words(&self, segment: &SegmentEarnings, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let deal = facts.deal_id(entry.deal);
        let how = if line.credit.rolled_up { "rolled up" } else { "direct" };
        let credited = self.counted(segment, &line.value);
        let paid = self.money(&line.paid);
        let before = self.on_line(segment, &line.before);
        let limited = if line.limited { ", no more than its credit has earned" } else { "" };
        let modified = match line.priced == line.paid {
            true => String::new(),
            false => format!(" after modifiers of {}", self.money(&line.priced)),
        };
        Words {
            title: format!("{} {how} credit of {credited} from deal {deal}", entry.day),
            value: Some(self.rounded(line.amount)),
            formula: Some(format!(
                "{paid}{modified} for {credited} with the line at {before}{limited}, rounded with the lines before it"
            )),
            inputs: vec![format!("deal:{deal}"), format!("event:{}", facts.event_id(entry.event))],
        }
    }

    /// The events that the measure's condition cannot be evaluated for, which therefore count nothing.
    fn left_out(&self, segment: &SegmentEarnings) -> Option<String> {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let selector = self.calculation.selector(segment.component.paid()?)?;
        let mut unclear = selector.unclear(facts, book, self.earnings.payee);
        unclear.retain(|(entry, _)| (segment.from..segment.to).contains(&book.entry(*entry).day));
        let why = |(entry, why): &(u32, String)| format!("{}: {why}", facts.deal_id(book.deal(*entry)));
        let first: Vec<String> = unclear.iter().take(3).map(why).collect();
        let count = unclear.len();
        (count > 0)
            .then(|| format!("{count} left out, for the condition cannot be evaluated: {}", first.join("; ")))
    }

    fn split_words(&self, segment: &SegmentEarnings, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let credit = &line.credit;
        let selector = segment.component.paid().and_then(|measure| self.calculation.selector(measure));
        let whole =
            selector.as_ref().and_then(|selector| selector.whole(book, credit.entry, self.currency).ok());
        let whole = whole.map_or_else(String::new, |whole| self.counted(segment, &whole));
        let told =
            selector.as_ref().map_or_else(Vec::new, |selector| selector.told(facts, book, credit.entry));
        let told: String = told.iter().map(|told| format!(", {told}")).collect();
        let credited = Some(self.counted(segment, &line.value));
        if !credit.rolled_up {
            return Words {
                title: "part of the event".into(),
                value: credited,
                formula: Some(format!("{whole} x {}%{told}", credit.percent)),
                inputs: vec![format!("payee:{}", facts.payee_id(self.earnings.payee))],
            };
        }
        let parts = selector.map_or_else(Vec::new, |s| {
            s.parts(facts, book, self.earnings.payee, credit.entry, self.currency)
        });
        let part = |(report, part): &(u32, Exact)| {
            format!("{} through {}", self.counted(segment, part), facts.payee_id(*report))
        };
        let through: Vec<_> = parts.iter().map(part).collect();
        Words {
            title: "sum of the reports' credits in the event".into(),
            value: credited,
            formula: Some(format!("{} of {whole}{told}", through.join(" + "))),
            inputs: parts.iter().map(|(report, _)| format!("payee:{}", facts.payee_id(*report))).collect(),
        }
    }

    fn event_words(&self, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let deal = facts.deal_id(book.deal(line.credit.entry));
        let kind = facts.events[entry.event as usize].kind.name();
        let event = facts.event_id(entry.event);
        let mut inputs = vec![format!("deal:{deal}"), format!("event:{event}")];
        let mut title = format!("event {event} of deal {deal}, {kind} on {}", entry.day);
        if book.is_reversal(line.credit.entry) {
            let origin = book.entry(entry.origin);
            let taken = facts.event_id(origin.event);
            title = format!("{title}, takes back event {taken} of {}", origin.day);
            inputs.push(format!("event:{taken}"));
        }
        let formula = self.conversion(line.credit.entry);
        let amount = book.figure(line.credit.entry, MeasureValue::Amount, self.currency);
        let value = amount.ok().map(|minor| self.rounded(i128::from(minor)));
        Words { title, value, formula, inputs }
    }

    /// How an amount stated in another currency was converted, so that it multiplies out.
    fn conversion(&self, entry: u32) -> Option<String> {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let (from, to, day) = (facts.currency(book.deal(entry)), self.currency, book.origin_day(entry));
        if from == to {
            return None;
        }
        let (times, over) = (facts.exchange.on(from, day)?, facts.exchange.on(to, day)?);
        let mut rates = String::new();
        for (sign, counts) in [("x", times), ("/", over)] {
            if counts.since.is_some() {
                rates.push_str(&format!(" {sign} {}", counts.rate));
            }
        }
        let days: BTreeSet<_> = [times, over].iter().filter_map(|counts| counts.since).collect();
        let days = days.iter().map(Day::to_string).collect::<Vec<_>>().join(" and ");
        let shown = |minor: i64| {
            let converted = book.converted(entry, minor, to).ok()?;
            let (minor, converted) = (from.amount(minor.into()), to.amount(converted.into()));
            Some(format!("{minor} {from}{rates} = {converted} {to}"))
        };
        let Entry { amount, taken, .. } = *book.entry(entry);
        let text = match (book.is_reversal(entry), taken) {
            (false, _) => shown(amount)?,
            (true, 0) => format!("taken back {}", shown(-amount)?),
            (true, taken) => format!("taken back so far {} less {}", shown(taken - amount)?, shown(taken)?),
        };
        Some(format!("{text}, rate of {days}"))
    }
}

fn paid_words(segment: &SegmentEarnings) -> String {
    let pays = match segment.component.payout {
        Payout::Rates(_) => "what the tiers pay".to_string(),
        ref payout => format!("what {} pays", payout.name()),
    };
    match segment.component.modifiers == Modifiers::default() {
        true => format!("{pays}, rounded once"),
        false => format!("{pays} after its modifiers, rounded once"),
    }
}

fn of_measure(segment: &SegmentEarnings) -> String {
    segment.component.paid().map_or_else(String::new, |measure| format!(" of measure {measure}"))
}

fn line_of(segment: &SegmentEarnings) -> Vec<String> {
    segment.component.line().map(|measure| format!("measure:{measure}")).into_iter().collect()
}

fn tiers_title(segment: &SegmentEarnings) -> String {
    let Some(rates) = segment.rates.as_deref() else { return String::new() };
    let Rates { mode, retroactive_to, .. } = rates;
    match (mode, retroactive_to) {
        (RateMode::Marginal, None) => "each slice of the credits at its own tier's rate".into(),
        (RateMode::Marginal, Some(edge)) => {
            format!("tiers up to the edge {edge} as one from the first unit, slices above at their own rate")
        }
        (RateMode::Retroactive, _) => "everything from the first unit at the rate of the tier reached".into(),
        (RateMode::WholeCredit, _) => "each credit wholly at the rate of its tier".into(),
    }
}

fn tier_title(segment: &SegmentEarnings, edge: Number) -> String {
    match segment.rates.as_ref().map(|rates| rates.axis).unwrap_or_default() {
        Axis::Attainment => format!("tier from {edge}% of quota"),
        Axis::Amount | Axis::Units => format!("tier from {edge}"),
        Axis::DealAmount => format!("tier from a deal amount of {edge}"),
        Axis::MarginPercent => format!("tier from a margin of {edge}%"),
    }
}
