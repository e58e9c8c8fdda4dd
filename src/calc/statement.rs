//! The statement: the figures of a payee's earnings, put in the words that are shown and kept.

use std::collections::BTreeMap;

use crate::domain::encode::hex;
use crate::domain::exact::Exact;
use crate::domain::ledger::{Posted, Posting, PostingKind};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::statement::{
    Adjustment, ComponentFigures, LineFigures, OtherTotal, ReportFigures, SegmentFigures, Statement,
    TierFigures,
};

use super::earn::{KeyEarnings, Line, PayeeEarnings, SegmentEarnings};
use super::{Calculation, RULES_REVISION, attainment, posting};

/// Decimals that an exact figure is shown with: a credit has at most eight beyond the minor unit.
const EXACT_DECIMALS: u32 = 20;
/// Decimals of an attainment.
const ATTAINMENT_DECIMALS: u32 = 6;
/// Decimals of a base rate as shown.
const BASE_RATE_DECIMALS: u32 = 12;

/// The statement for the calculation's last period, from earnings with lines. Adjustments of closed periods
/// belong to the period that closes next: for it, `posted` is what was posted to the payee; for others `None`.
pub fn statement(calculation: &Calculation, earnings: &PayeeEarnings, posted: Option<&Posted>) -> Statement {
    let (facts, period) = (calculation.facts, calculation.through);
    let currency = facts.paid_in(earnings.payee, period.last_day());
    let other = |of: Currency| Some(of).filter(|of| *of != currency);
    let component = |key: &KeyEarnings| {
        let currency = facts.plan_currency(&key.key.plan);
        let figures = Show { calculation, currency }.component(earnings.payee, key);
        ComponentFigures { currency: other(currency), ..figures }
    };
    let counts = |key: &&KeyEarnings| {
        (key.key.window.first() <= period && period <= key.key.window.last())
            || key.earned_in.contains_key(&period)
    };
    let components: Vec<_> = earnings.keys.iter().filter(counts).map(component).collect();
    // Earned and adjusted by currency.
    let mut sums = BTreeMap::from([(currency, (0, 0))]);
    for key in &earnings.keys {
        if let Some(earned) = key.earned_in.get(&period) {
            sums.entry(facts.plan_currency(&key.key.plan)).or_default().0 += earned;
        }
    }
    let due = |posted| posting::postings(facts, std::slice::from_ref(earnings), posted, period.plus(-1));
    let mut due = posted.map_or_else(Vec::new, due);
    due.retain(|posting| posting.kind == PostingKind::Earned);
    for posting in &due {
        sums.entry(posting.currency).or_default().1 += posting.amount;
    }
    let (earned, adjusted) = sums.remove(&currency).unwrap_or_default();
    let total = |(currency, (earned, adjusted)): (Currency, (i128, i128))| OtherTotal {
        currency,
        earned: currency.amount(earned),
        adjusted: currency.amount(adjusted),
        total: currency.amount(earned + adjusted),
    };
    let adjustment = |posting: Posting| Adjustment {
        for_period: posting.for_period,
        plan: posting.key.plan,
        component: posting.key.component,
        window: facts.calendar.window_text(posting.key.window),
        currency: other(posting.currency),
        amount: posting.currency.amount(posting.amount),
    };
    let mut adjustments: Vec<_> = due.into_iter().map(adjustment).collect();
    adjustments
        .sort_by(|a, b| (a.for_period, &a.plan, &a.component).cmp(&(b.for_period, &b.plan, &b.component)));
    let problems = calculation.problems().chain(&earnings.problems);
    Statement {
        payee: facts.payee_id(earnings.payee).clone(),
        period,
        currency,
        as_of: facts.as_of,
        rules_revision: RULES_REVISION,
        digest: hex(&earnings.digest),
        earned: currency.amount(earned),
        adjusted: currency.amount(adjusted),
        total: currency.amount(earned + adjusted),
        components,
        adjustments,
        problems: problems.map(ToString::to_string).collect(),
        others: sums.into_iter().map(total).collect(),
    }
}

/// An exact amount in minor units as text in major ones, without trailing zeros beyond the minor digits.
pub fn exact_amount(currency: Currency, minor: &Exact) -> String {
    amount_text(currency, minor, EXACT_DECIMALS)
}

fn amount_text(currency: Currency, minor: &Exact, decimals: u32) -> String {
    let major = minor.mul(&Exact::scaled(1, currency.minor_digits()));
    let text = major.text(decimals);
    let digits = usize::try_from(currency.minor_digits()).unwrap_or_default();
    let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match digits.saturating_sub(decimals) {
        0 => text,
        missing if decimals == 0 => format!("{text}.{}", "0".repeat(missing)),
        missing => format!("{text}{}", "0".repeat(missing)),
    }
}

/// A figure of a measure that a quotient is in, as text rounded to six decimals of the major unit, half away from zero,
/// for display alone.
pub fn rounded_figure(currency: Currency, unit: Unit, figure: &Exact) -> String {
    match unit {
        Unit::Money => amount_text(currency, figure, ATTAINMENT_DECIMALS),
        Unit::Number => figure.mul(&Exact::scaled(1, unit.decimals(currency))).text(ATTAINMENT_DECIMALS),
    }
}

/// A figure of a measure as text: money as [`exact_amount`], a number without trailing zeros.
pub fn figure(currency: Currency, unit: Unit, figure: &Exact) -> String {
    match unit {
        Unit::Money => exact_amount(currency, figure),
        Unit::Number => figure.mul(&Exact::scaled(1, unit.decimals(currency))).text(EXACT_DECIMALS),
    }
}

/// An attainment as shown: percent to six decimals.
pub fn percent_text(percent: &Exact) -> String {
    percent.text(ATTAINMENT_DECIMALS)
}

struct Show<'a, 'f> {
    calculation: &'a Calculation<'f>,
    currency: Currency,
}

impl Show<'_, '_> {
    fn component(&self, payee: u32, key: &KeyEarnings) -> ComponentFigures {
        let Calculation { facts, through, .. } = self.calculation;
        let earned = key.earned_in.get(through).copied().unwrap_or_default();
        let book = self.calculation.book();
        let in_period = |line: &&Line| book.entry(line.credit.entry).period == *through;
        let of = |segment| move |line| (segment, line);
        let lines: Vec<(&SegmentEarnings, &Line)> = key
            .segments
            .iter()
            .flat_map(|segment| segment.lines.iter().filter(in_period).map(of(segment)))
            .collect();
        // What is made of no credits has no lines: its steps say what it is.
        let credited = key.segments.iter().any(|segment| segment.component.paid().is_some());
        let shown: i128 = lines.iter().map(|(_, line)| line.amount).sum();
        let (rolled_up, direct): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|(_, line)| line.credit.rolled_up);
        let mut segments: Vec<_> = key.segments.iter().map(|segment| self.segment(segment)).collect();
        if let Some(last) = segments.last_mut() {
            last.steps.extend(key.steps.iter().cloned());
        }
        ComponentFigures {
            plan: key.key.plan.clone(),
            component: key.key.component.clone(),
            name: key.segments.last().map_or_else(String::new, |segment| segment.component.name.clone()),
            window: facts.calendar.window_text(key.key.window),
            currency: None,
            earned: self.currency.amount(earned),
            to_date: self.currency.amount(key.earned_through(*through)),
            segments,
            lines: direct.into_iter().map(|(segment, line)| self.line(segment, line)).collect(),
            reports: self.reports(payee, &rolled_up),
            repriced: (earned != shown && credited).then(|| self.currency.amount(earned - shown)),
        }
    }

    fn segment(&self, segment: &SegmentEarnings) -> SegmentFigures {
        let quota = segment.quota.as_ref().map(|quota| quota.amount);
        let percent = attainment::percent(&segment.position, quota);
        let rates = segment.rates.as_deref();
        let credited = |exact: &Exact| figure(self.currency, segment.unit, exact);
        let on_line = |exact: &Exact| figure(self.currency, segment.line_unit, exact);
        let tier = |tier: &super::rates::TierTotal| TierFigures {
            edge: tier.edge,
            edge_lower: tier.edge_lower,
            rate: tier.rate,
            credited: credited(&tier.credited),
            amount: exact_amount(self.currency, &tier.paid),
            flat: (tier.flat != 0).then(|| self.currency.amount(tier.flat)),
        };
        let base_rate = |rate: &Exact| {
            let one = Exact::whole(10_i128.pow(segment.unit.decimals(self.currency)));
            let money = rate.mul(&one).mul(&Exact::scaled(1, self.currency.minor_digits()));
            money.text(BASE_RATE_DECIMALS)
        };
        let apart = segment.position != segment.credited || segment.unit != segment.line_unit;
        SegmentFigures {
            from: segment.from,
            to: segment.to,
            plan_version: segment.version.version,
            payout: segment.component.payout.name().into(),
            measure: segment.component.paid().cloned(),
            line_measure: rates.and_then(|rates| rates.line.clone()),
            axis: rates.map(|rates| rates.axis).unwrap_or_default(),
            pays: rates.map(|rates| rates.pays).unwrap_or_default(),
            unit: segment.unit,
            line_unit: segment.line_unit,
            quota: quota.map(|quota| on_line(&Exact::whole(quota))),
            credited: credited(&segment.credited),
            line: apart.then(|| on_line(&segment.position)),
            attainment_percent: percent.as_ref().map(percent_text),
            base_rate: segment.base_rate.as_ref().map(base_rate),
            tiers: segment.tiers.iter().map(tier).collect(),
            steps: segment.steps.clone(),
            amount: self.currency.amount(segment.amount),
        }
    }

    fn line(&self, segment: &SegmentEarnings, line: &Line) -> LineFigures {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let reverses = book.is_reversal(line.credit.entry).then(|| book.entry(entry.origin).event);
        LineFigures {
            day: entry.day,
            deal: facts.deal_id(book.deal(line.credit.entry)).to_string(),
            event: facts.event_id(entry.event).to_string(),
            reverses: reverses.map(|event| facts.event_id(event).to_string()),
            credited: figure(self.currency, segment.unit, &line.value),
            amount: self.currency.amount(line.amount),
            limited: line.limited,
        }
    }

    /// Rolled-up lines by the direct report they came through. Each line is shared out in proportion to
    /// the credit; the lines' sum is split so that the parts sum to it (semantics 9, place 4).
    fn reports(&self, payee: u32, lines: &[(&SegmentEarnings, &Line)]) -> Vec<ReportFigures> {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let mut reports: BTreeMap<u32, (Exact, Exact)> = BTreeMap::new();
        let mut selectors = BTreeMap::new();
        for (segment, line) in lines {
            let Some(measure) = segment.component.paid() else { continue };
            let select = || self.calculation.selector(measure);
            let Some(selector) = selectors.entry(measure).or_insert_with(select) else { continue };
            let parts = selector.parts(facts, book, payee, line.credit.entry, self.currency);
            let alone = parts.len() == 1;
            let whole = parts.iter().fold(Exact::ZERO, |sum, (_, part)| sum.add(part));
            for (report, part) in parts {
                // Mostly all of a credit came through one report.
                let of = |figure: &Exact| match alone {
                    true => figure.clone(),
                    false => figure.mul(&part).div(&whole).unwrap_or(Exact::ZERO),
                };
                let sums = reports.entry(report).or_insert((Exact::ZERO, Exact::ZERO));
                *sums = (sums.0.add(&of(&line.value)), sums.1.add(&of(&line.paid)));
            }
        }
        let unit = lines.last().map(|(segment, _)| segment.unit).unwrap_or_default();
        let whole: i128 = lines.iter().map(|(_, line)| line.amount).sum();
        let exact: Vec<Exact> = reports.values().map(|(_, paid)| paid.clone()).collect();
        let amounts = crate::domain::exact::settle(whole, &exact);
        reports
            .into_iter()
            .zip(amounts)
            .map(|((report, (credited, _)), amount)| ReportFigures {
                payee: facts.payee_id(report).clone(),
                credited: figure(self.currency, unit, &credited),
                amount: self.currency.amount(amount),
            })
            .collect()
    }
}
