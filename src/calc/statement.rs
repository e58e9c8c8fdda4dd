//! The statement: the figures of a payee's earnings, put in the words that are shown and kept.

use std::collections::BTreeMap;

use crate::domain::encode::hex;
use crate::domain::exact::Exact;
use crate::domain::ledger::{Posted, Posting, PostingKind};
use crate::domain::money::Currency;
use crate::domain::statement::{
    Adjustment, ComponentFigures, LineFigures, ReportFigures, SegmentFigures, Statement, TierFigures,
};

use super::earn::{KeyEarnings, Line, PayeeEarnings, SegmentEarnings};
use super::{Calculation, RULES_REVISION, attainment, posting};

/// Decimals that an exact figure is shown with: a credit has at most eight beyond the minor unit.
const EXACT_DECIMALS: u32 = 20;
/// Decimals of an attainment.
const ATTAINMENT_DECIMALS: u32 = 6;

/// The statement for the calculation's last period, from earnings with lines. Adjustments of closed periods
/// belong to the period that closes next: for it, `posted` is what was posted to the payee; for others `None`.
pub fn statement(calculation: &Calculation, earnings: &PayeeEarnings, posted: Option<&Posted>) -> Statement {
    let (facts, period) = (calculation.facts, calculation.through);
    let currency = facts.calendar.currency;
    let show = Show { calculation, currency };
    let counts = |key: &&KeyEarnings| {
        (key.key.window.first() <= period && period <= key.key.window.last())
            || key.earned_in.contains_key(&period)
    };
    let components: Vec<_> =
        earnings.keys.iter().filter(counts).map(|key| show.component(earnings.payee, key)).collect();
    let earned: i128 = earnings.keys.iter().filter_map(|key| key.earned_in.get(&period)).sum();
    let due = |posted| posting::postings(std::slice::from_ref(earnings), posted, period.plus(-1));
    let mut due = posted.map_or_else(Vec::new, due);
    due.retain(|posting| posting.kind == PostingKind::Earned);
    let adjusted: i128 = due.iter().map(|posting| posting.amount).sum();
    let adjustment = |posting: Posting| Adjustment {
        for_period: posting.for_period,
        plan: posting.key.plan,
        component: posting.key.component,
        window: facts.calendar.window_text(posting.key.window),
        amount: currency.amount(posting.amount),
    };
    let mut adjustments: Vec<_> = due.into_iter().map(adjustment).collect();
    adjustments
        .sort_by(|a, b| (a.for_period, &a.plan, &a.component).cmp(&(b.for_period, &b.plan, &b.component)));
    let problems = calculation.problems().iter().chain(&earnings.problems);
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
    }
}

/// An exact amount in minor units as text in major ones, without trailing zeros beyond the minor digits.
pub fn exact_amount(currency: Currency, minor: &Exact) -> String {
    let major = minor.mul(&Exact::scaled(1, currency.minor_digits()));
    let text = major.text(EXACT_DECIMALS);
    let digits = usize::try_from(currency.minor_digits()).unwrap_or_default();
    let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    match digits.saturating_sub(decimals) {
        0 => text,
        missing if decimals == 0 => format!("{text}.{}", "0".repeat(missing)),
        missing => format!("{text}{}", "0".repeat(missing)),
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
        let shown: i128 = lines.iter().map(|(_, line)| line.amount).sum();
        let (rolled_up, direct): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|(_, line)| line.credit.rolled_up);
        ComponentFigures {
            plan: key.key.plan.clone(),
            component: key.key.component.clone(),
            name: key.segments.last().map_or_else(String::new, |segment| segment.name.clone()),
            window: facts.calendar.window_text(key.key.window),
            earned: self.currency.amount(earned),
            to_date: self.currency.amount(key.earned_through(*through)),
            segments: key.segments.iter().map(|segment| self.segment(segment)).collect(),
            lines: direct.into_iter().map(|(_, line)| self.line(line)).collect(),
            reports: self.reports(payee, &rolled_up),
            repriced: (earned != shown).then(|| self.currency.amount(earned - shown)),
        }
    }

    fn segment(&self, segment: &SegmentEarnings) -> SegmentFigures {
        let quota = segment.quota.as_ref().map(|quota| quota.amount);
        let percent = attainment::percent(&segment.credited, quota);
        let tier = |tier: &super::rates::TierTotal| TierFigures {
            edge: tier.edge,
            rate: tier.rate,
            credited: exact_amount(self.currency, &tier.credited),
            amount: exact_amount(self.currency, &tier.paid),
        };
        SegmentFigures {
            from: segment.from,
            to: segment.to,
            plan_version: segment.plan_version,
            measure: segment.measure.clone(),
            quota: quota.map(|quota| self.currency.amount(quota)),
            credited: exact_amount(self.currency, &segment.credited),
            attainment_percent: percent.as_ref().map(percent_text),
            tiers: segment.tiers.iter().map(tier).collect(),
            amount: self.currency.amount(segment.amount),
        }
    }

    fn line(&self, line: &Line) -> LineFigures {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let reverses = (entry.origin != line.credit.entry).then(|| book.entry(entry.origin).event);
        LineFigures {
            day: entry.day,
            deal: facts.deal_id(book.deal(line.credit.entry)).to_string(),
            event: facts.event_id(entry.event).to_string(),
            reverses: reverses.map(|event| facts.event_id(event).to_string()),
            credited: exact_amount(self.currency, &line.credit.value(book)),
            amount: self.currency.amount(line.amount),
        }
    }

    /// Rolled-up lines by the direct report they came through. Each line is shared out in proportion to
    /// the credit; the lines' sum is split so that the parts sum to it (semantics 9, place 4).
    fn reports(&self, payee: u32, lines: &[(&SegmentEarnings, &Line)]) -> Vec<ReportFigures> {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let mut reports: BTreeMap<u32, (Exact, Exact)> = BTreeMap::new();
        let mut selectors = BTreeMap::new();
        for (segment, line) in lines {
            let select = || self.calculation.selector(&segment.measure);
            let Some(selector) = selectors.entry(&segment.measure).or_insert_with(select) else { continue };
            let whole = line.credit.value(book);
            for (report, part) in selector.parts(facts, book, payee, line.credit.entry) {
                let paid = line.paid.mul(&part).div(&whole).unwrap_or(Exact::ZERO);
                let sums = reports.entry(report).or_insert((Exact::ZERO, Exact::ZERO));
                *sums = (sums.0.add(&part), sums.1.add(&paid));
            }
        }
        let whole: i128 = lines.iter().map(|(_, line)| line.amount).sum();
        let exact: Vec<Exact> = reports.values().map(|(_, paid)| paid.clone()).collect();
        let amounts = crate::domain::exact::settle(whole, &exact);
        reports
            .into_iter()
            .zip(amounts)
            .map(|((report, (credited, _)), amount)| ReportFigures {
                payee: facts.payee_id(report).clone(),
                credited: exact_amount(self.currency, &credited),
                amount: self.currency.amount(amount),
            })
            .collect()
    }
}
