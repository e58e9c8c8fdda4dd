//! What a payee has earned: its credits through the segments of every window, rounded once for each
//! segment (semantics 3, 8.4, 9).

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::domain::date::{Day, Period};
use crate::domain::encode::{Digest, Record};
use crate::domain::exact::Exact;
use crate::domain::id::PayeeId;
use crate::domain::ledger::Key;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::plan::{Component, PlanVersion, Rates};
use crate::domain::statement::StepFigures;

pub use super::course::Line;
use super::problem::Problem;
use super::quota::EffectiveQuota;
use super::rates::TierTotal;
use super::run::Run;
use super::{Calculation, settle};

/// How much of the way to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Keys, segments and tiers.
    Totals,
    /// Also a line for every credit that the last period's statement shows, and how figures came about.
    Shown,
    /// The same for every credit.
    Lines,
}

/// What one payee has earned up to a period.
#[derive(Debug, Clone)]
pub struct PayeeEarnings<'f> {
    /// Index of the payee.
    pub payee: u32,
    /// By plan, component and window.
    pub keys: Vec<KeyEarnings<'f>>,
    /// What the facts leave open.
    pub problems: Vec<Problem>,
    /// Digest of all figures.
    pub digest: Digest,
}

/// What one key has earned.
#[derive(Debug, Clone)]
pub struct KeyEarnings<'f> {
    /// Payee, plan, component, window.
    pub key: Key,
    /// The currency it is paid in.
    pub currency: Currency,
    /// Earned in each period, minor units; periods in which nothing moved are left out.
    pub earned_in: BTreeMap<Period, i128>,
    /// The parts of the window with one set of terms each.
    pub segments: Vec<SegmentEarnings<'f>>,
    /// What budget and plan cap made of their sum.
    pub steps: Vec<StepFigures>,
}

/// What one segment has earned.
#[derive(Debug, Clone)]
pub struct SegmentEarnings<'f> {
    /// First day.
    pub from: Day,
    /// First day after it.
    pub to: Day,
    /// The plan version in force.
    pub version: &'f PlanVersion,
    /// The component as that version has it.
    pub component: &'f Component,
    /// Pay at target for a year, minor units.
    pub target_incentive: Option<i64>,
    /// The rates that priced it, if rates did.
    pub rates: Option<Cow<'f, Rates>>,
    /// What credits are counted in.
    pub unit: Unit,
    /// What the line, and the quota, are counted in.
    pub line_unit: Unit,
    /// The effective quota, if attainment decides and one is set.
    pub quota: Option<EffectiveQuota>,
    /// Minor units for each minor unit or millionth at a multiple of one, if rates are multiples of it.
    pub base_rate: Option<Exact>,
    /// Credited, minor units or millionths, exact.
    pub credited: Exact,
    /// Where the line is; the same, unless other credits move it or reversals do not.
    pub position: Exact,
    /// What each tier holds and pays.
    pub tiers: Vec<TierTotal>,
    /// How what is not made of credits came about, and what the modifiers made of the price; with lines.
    pub steps: Vec<StepFigures>,
    /// Paid, minor units, exact.
    pub paid: Exact,
    /// Paid, rounded: what counts. In single deals the sum of what each comes to.
    pub amount: i128,
    /// Of it what was earned in each period.
    pub earned_in: BTreeMap<Period, i128>,
    /// One for each credit in order, with [`Detail::Lines`].
    pub lines: Vec<Line>,
}

impl SegmentEarnings<'_> {
    /// Flat amounts due before any modifier, minor units.
    pub fn flats(&self) -> i128 {
        self.tiers.iter().map(|tier| tier.flat).sum()
    }
}

impl KeyEarnings<'_> {
    /// Earned up to the end of a period, minor units.
    pub fn earned_through(&self, period: Period) -> i128 {
        self.earned_in.range(..=period).map(|(_, amount)| amount).sum()
    }
}

pub(super) fn payee<'f>(calculation: &Calculation<'f>, payee: u32, detail: Detail) -> PayeeEarnings<'f> {
    let mut run = Run::new(calculation, payee, calculation.through);
    let mut keys = run.keys(detail, |_| true);
    let mut problems = run.into_problems();
    problems.extend(settle::settle(calculation, payee, &mut keys));
    problems.sort();
    problems.dedup();
    let digest = digest(calculation, calculation.facts.payee_id(payee), &keys, &problems);
    PayeeEarnings { payee, keys, problems, digest }
}

/// Digest of a payee's figures: keys, periods, segments, tiers. Lines follow from these facts and rules.
fn digest(calculation: &Calculation, payee: &PayeeId, keys: &[KeyEarnings], problems: &[Problem]) -> Digest {
    let calendar = &calculation.facts.calendar;
    let mut bytes = Vec::new();
    for key in keys {
        let mut record = Record::new("key", 1)
            .text(1, key.key.plan.as_str())
            .text(2, key.key.component.as_str())
            .text(3, &calendar.window_text(key.key.window));
        let periods: Vec<_> =
            key.earned_in.iter().map(|(period, amount)| format!("{period}={amount}")).collect();
        record = record.text(4, &periods.join(","));
        let segments: Vec<_> = key.segments.iter().map(segment_text).collect();
        bytes.extend(record.text(5, &segments.join(";")).into_bytes());
    }
    let problems: Vec<_> = problems.iter().map(ToString::to_string).collect();
    Record::new("attain.earnings", 1)
        .text(1, &super::RULES_REVISION.to_string())
        .text(2, payee.as_str())
        .bytes(3, &bytes)
        .text(4, &problems.join("\n"))
        .digest()
}

fn segment_text(segment: &SegmentEarnings<'_>) -> String {
    let Some(rates) = &segment.rates else {
        return format!(
            "{}..{} v{} {} credited={} paid={} amount={}",
            segment.from,
            segment.to,
            segment.version.version,
            segment.component.payout.name(),
            segment.credited.lowest_terms(),
            segment.paid.lowest_terms(),
            segment.amount,
        );
    };
    let quota = segment.quota.as_ref().map_or_else(String::new, |quota| quota.amount.to_string());
    let tier =
        |tier: &TierTotal| format!("{}@{}:{}+{}", tier.edge, tier.rate, tier.paid.lowest_terms(), tier.flat);
    let tiers: Vec<_> = segment.tiers.iter().map(tier).collect();
    format!(
        "{}..{} v{} {} quota={quota} credited={} line={} {} amount={}",
        segment.from,
        segment.to,
        segment.version.version,
        rates.measure,
        segment.credited.lowest_terms(),
        segment.position.lowest_terms(),
        tiers.join(" "),
        segment.amount,
    )
}
