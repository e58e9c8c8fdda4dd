//! How a segment pays: its payout and modifiers with their figures put in (semantics 8).

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::date::{Period, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::number::Percent;
use crate::domain::plan::{
    Axis, Bonus, Component, Curve, Due, Gauge, Limit, Matrix, MatrixPays, Objectives, Payout, Pool, Rank,
    RateKind, Rates, Source, Target, Weight,
};
use crate::domain::statement::{StepFigures, StepKind};

use super::super::below::Below;
use super::super::clawback::Bounds;
use super::super::cohort::{self, Part};
use super::super::earn::Detail;
use super::super::gauge::{self, Reading};
use super::super::price::cell;
use super::super::problem::Problem;
use super::super::quota::EffectiveQuota;
use super::super::rates::{Ground, Ladder};
use super::super::segment::Segment;
use super::super::step::Words;
use super::super::terms::Terms;
use super::Run;
use super::read::Aim;

/// What prices a segment.
pub enum Pay<'f> {
    /// Rates by tier.
    Ladder(Box<Tiered<'f>>),
    /// A matrix over credits, its axes read unless they are the deal's.
    Cells { matrix: &'f Matrix, rows: Option<Arc<Reading>>, columns: Option<Arc<Reading>> },
    /// Single deals by a curve; the target in minor units.
    Each { target: Exact, curve: &'f Curve },
    /// What is not made of credits: minor units through the end of each period in which it may move, exact.
    Whole {
        at: BTreeMap<Period, Exact>,
        due: Option<Period>,
        undefined: bool,
        /// What decides it.
        looks: Vec<Arc<Reading>>,
        steps: Vec<Step>,
    },
}

/// Rates by tier over a quota.
pub struct Tiered<'f> {
    /// The rates.
    pub rates: Cow<'f, Rates>,
    /// The tiers, laid out; absent where attainment or base rate is undefined: nothing is paid.
    pub ladder: Option<Ladder>,
    /// The effective quota, if attainment decides and one is set.
    pub quota: Option<EffectiveQuota>,
    /// Minor units for each minor unit or millionth at a multiple of one, if rates are multiples of it.
    pub base_rate: Option<Exact>,
}

/// How a figure that is not made of credits came about.
pub enum Step {
    /// What 100 percent pays, and the part of the window that it is for.
    Target { amount: Exact, proration: Exact },
    /// What was looked at.
    Reading(Arc<Reading>, Period),
    /// The percent of the target.
    Percent(Exact),
    /// A score with its weight.
    Score { measure: String, score: Option<Exact>, weight: Percent },
    /// A part of what members share.
    Part(Option<Part>),
}

impl<'f> Pay<'f> {
    /// The amounts of what is not made of credits.
    pub fn whole(&self) -> Option<&BTreeMap<Period, Exact>> {
        match self {
            Pay::Whole { at, .. } => Some(at),
            Pay::Ladder(_) | Pay::Cells { .. } | Pay::Each { .. } => None,
        }
    }

    /// Rates, quota and base rate, where rates price.
    pub fn of_rates(self) -> (Option<Cow<'f, Rates>>, Option<EffectiveQuota>, Option<Exact>) {
        match self {
            Pay::Ladder(tiered) => (Some(tiered.rates), tiered.quota, tiered.base_rate),
            Pay::Cells { .. } | Pay::Each { .. } | Pay::Whole { .. } => (None, None, None),
        }
    }

    /// How the price came about, where no tiers say so.
    pub fn steps(&self, detail: Detail, words: &Words, upto: Period) -> Vec<StepFigures> {
        if detail == Detail::Totals {
            return Vec::new();
        }
        match self {
            Pay::Whole { steps, .. } => steps.iter().map(|step| step.words(words)).collect(),
            Pay::Cells { rows, columns, .. } => {
                rows.iter().chain(columns).map(|reading| words.reading(reading, upto)).collect()
            }
            Pay::Each { target, .. } => {
                vec![words.step(StepKind::Target, "target of each credit", words.money(target), None)]
            }
            Pay::Ladder(_) => Vec::new(),
        }
    }
}

impl Step {
    fn words(&self, words: &Words) -> StepFigures {
        match self {
            Step::Target { amount, proration } => {
                let value = words.money(&amount.mul(proration));
                let formula = format!("{} x {}", words.money(amount), words.percent(proration));
                let formula = (*proration != Exact::whole(1)).then_some(formula);
                words.step(StepKind::Target, "target", value, formula)
            }
            Step::Reading(reading, upto) => words.reading(reading, *upto),
            Step::Percent(percent) => {
                words.step(StepKind::Payout, "percent of the target", words.percent(percent), None)
            }
            Step::Score { measure, score, weight } => {
                let value = score.as_ref().map_or("0%".into(), |score| words.percent(score));
                let missing = if score.is_none() { ", no score was sent" } else { "" };
                let mut step = words.step(StepKind::Figure, format!("score of {measure}"), value, None);
                step.formula = Some(format!("weight {weight}%{missing}"));
                step.inputs = vec![format!("measure:{measure}")];
                step
            }
            Step::Part(part) => part_words(part.as_ref(), words),
        }
    }
}

fn part_words(part: Option<&Part>, words: &Words) -> StepFigures {
    let Some(part) = part else {
        return words.step(
            StepKind::Place,
            "not placed",
            words.money(&Exact::ZERO),
            Some("undefined figure".into()),
        );
    };
    let amount = words.money(&Exact::whole(part.amount));
    match part.place {
        Some(place) => words.step(
            StepKind::Place,
            format!("place {place} of {}", part.of.text(0)),
            amount,
            Some(format!("{} for the places that its ties cover", words.money(&Exact::whole(part.whole)))),
        ),
        None => {
            let whole = words.money(&Exact::whole(part.whole));
            let share = part.weight.div(&part.of).map_or("0%".into(), |share| words.percent(&share));
            words.step(StepKind::Share, "share of the pool", amount, Some(format!("{whole} x {share}")))
        }
    }
}

impl<'f> Run<'_, 'f> {
    /// What prices a segment.
    pub(super) fn pay(&mut self, segment: &Segment<'f>) -> Result<Pay<'f>, Problem> {
        let component = segment.component;
        if let Some(measure) = component.paid() {
            self.select(segment, measure)?;
        }
        match &component.payout {
            Payout::Rates(rates) => self.ladder(segment, Cow::Borrowed(rates)),
            Payout::Override(payout) => self.ladder(segment, Cow::Borrowed(&payout.rates)),
            Payout::Residual(payout) => self.ladder(segment, Cow::Borrowed(&payout.rates)),
            Payout::Spiff(spiff) => self.ladder(segment, Cow::Owned(spiff.rates())),
            Payout::Bonus(bonus) if segment.window.kind() == WindowKind::Deal => {
                Ok(Pay::Each { target: self.target(segment, bonus.target)?.minor(), curve: &bonus.curve })
            }
            Payout::Bonus(bonus) => self.bonus(segment, bonus),
            Payout::Objectives(objectives) => self.objectives(segment, objectives),
            Payout::Matrix(matrix) => self.matrix(segment, matrix),
            Payout::Rank(_) | Payout::Pool(_) => self.shared(segment),
        }
    }

    fn ladder(&mut self, segment: &Segment<'f>, rates: Cow<'f, Rates>) -> Result<Pay<'f>, Problem> {
        let Some(line) = segment.component.line() else { return Ok(self.nothing(None)) };
        self.select(segment, line)?;
        let quota = match rates.axis {
            Axis::Attainment => self.quota(segment, line)?,
            Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => None,
        };
        let base_rate = match rates.pays {
            RateKind::BaseRate => self.base_rate(segment, line)?,
            RateKind::Percent | RateKind::PerUnit | RateKind::PerBlock(_) => None,
        };
        let currency = segment.currency();
        let ground = Ground {
            quota: quota.as_ref().map(|quota| quota.amount),
            line_decimals: self.unit(line).decimals(currency),
            minor_digits: currency.minor_digits(),
            base_rate: base_rate.clone(),
        };
        let ladder = Ladder::lay(&rates, &ground);
        Ok(Pay::Ladder(Box::new(Tiered { rates, ladder, quota, base_rate })))
    }

    fn nothing(&self, due: Option<Period>) -> Pay<'f> {
        Pay::Whole { at: BTreeMap::new(), due, undefined: true, looks: Vec::new(), steps: Vec::new() }
    }

    /// A target x a curve.
    fn bonus(&mut self, segment: &Segment<'f>, bonus: &'f Bonus) -> Result<Pay<'f>, Problem> {
        let aim = self.target(segment, bonus.target)?;
        let reading = self.reading(segment, &bonus.curve.gauge)?;
        let percent = |upto| gauge::give(&bonus.curve, reading.place(upto).as_ref());
        let steps =
            vec![Step::Reading(Arc::clone(&reading), self.through), Step::Percent(percent(self.through))];
        let looks = vec![Arc::clone(&reading)];
        Ok(self.of_target(segment, &aim, bonus.due, &[&reading], percent, looks, steps))
    }

    /// A part of a target by two figures; or credits, each at the cell that is reached.
    fn matrix(&mut self, segment: &Segment<'f>, matrix: &'f Matrix) -> Result<Pay<'f>, Problem> {
        let mut read = |gauge: &'f Gauge| match gauge.axis.by_deal() {
            true => Ok(None),
            false => self.reading(segment, gauge).map(Some),
        };
        let (rows, columns) = (read(&matrix.rows.gauge)?, read(&matrix.columns.gauge)?);
        let MatrixPays::Target { target, due } = &matrix.pays else {
            return Ok(Pay::Cells { matrix, rows, columns });
        };
        let aim = self.target(segment, *target)?;
        let readings: Vec<&Arc<Reading>> = rows.iter().chain(&columns).collect();
        let place = |reading: &Option<Arc<Reading>>, upto| reading.as_ref().and_then(|r| r.place(upto));
        let percent = |upto| {
            let cell = cell(matrix, place(&rows, upto).as_ref(), place(&columns, upto).as_ref());
            cell.map_or(Exact::ZERO, gauge::part)
        };
        let mut steps: Vec<Step> =
            readings.iter().map(|reading| Step::Reading(Arc::clone(reading), self.through)).collect();
        steps.push(Step::Percent(percent(self.through)));
        let looks = readings.iter().map(|reading| Arc::clone(reading)).collect();
        Ok(self.of_target(segment, &aim, *due, &readings, percent, looks, steps))
    }

    /// Target x sum of weight x score; a missing score is zero.
    fn objectives(&mut self, segment: &Segment<'f>, objectives: &'f Objectives) -> Result<Pay<'f>, Problem> {
        let aim = self.target(segment, objectives.target)?;
        let mut scored = Vec::new();
        for objective in &objectives.objectives {
            let of = Some(Source::Measure { measure: objective.measure.clone(), window: None });
            scored.push((objective, self.reading(segment, &Gauge { of, axis: Axis::Units })?));
        }
        // A score is in percent, its figure in millionths of one.
        let score =
            |reading: &Reading, upto| reading.figure(upto).map(|figure| figure.mul(&Exact::scaled(1, 8)));
        let percent = |upto| {
            scored.iter().fold(Exact::ZERO, |sum, (objective, reading)| {
                let score = score(reading, upto).unwrap_or(Exact::ZERO);
                sum.add(&score.mul(&gauge::part(objective.weight)))
            })
        };
        let mut steps: Vec<Step> = scored
            .iter()
            .map(|(objective, reading)| Step::Score {
                measure: objective.measure.to_string(),
                score: score(reading, self.through),
                weight: objective.weight,
            })
            .collect();
        steps.push(Step::Percent(percent(self.through)));
        let readings: Vec<&Arc<Reading>> = scored.iter().map(|(_, reading)| reading).collect();
        Ok(self.of_target(segment, &aim, Due::WindowEnd, &readings, percent, Vec::new(), steps))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one formula, each used once")]
    fn of_target(
        &self,
        segment: &Segment<'f>,
        aim: &Aim,
        due: Due,
        readings: &[&Arc<Reading>],
        percent: impl Fn(Period) -> Exact,
        looks: Vec<Arc<Reading>>,
        mut steps: Vec<Step>,
    ) -> Pay<'f> {
        let due = (due == Due::WindowEnd).then(|| segment.window.last());
        let moved = readings.iter().flat_map(|reading| reading.moved.keys().copied());
        let at = self.moments(segment, moved.chain(due));
        let at = at.into_iter().map(|upto| (upto, aim.minor().mul(&percent(upto)))).collect();
        steps.insert(0, Step::Target { amount: aim.amount.clone(), proration: aim.proration.clone() });
        Pay::Whole { at, due, undefined: false, looks, steps }
    }

    /// Places and pools: the part belongs to the segment of the window's last day.
    fn shared(&mut self, segment: &Segment<'f>) -> Result<Pay<'f>, Problem> {
        if segment.to != segment.window.end() {
            // What an earlier window's cap carried here is due when any part would be.
            return Ok(self.nothing(Some(segment.window.last())));
        }
        if let Payout::Pool(pool) = &segment.component.payout
            && let Some(fund) = cohort::fund(pool)
        {
            // What cannot be read of the fund is the problem of the member that it is read of.
            self.reading(segment, &fund)?;
        }
        let version = segment.version;
        let key = (version.plan.id.clone(), segment.component.id.clone(), segment.window);
        let cohort = self.calculation.cohort(&key);
        let due = segment.window.last();
        let at = self.moments(segment, cohort.moments().chain([due]));
        let part = |upto| match self.calculation.parts(&key, upto).as_ref() {
            Some(parts) => Ok(parts.get(&self.payee).cloned()),
            None => Err(Problem::TooLarge { payee: self.id() }),
        };
        let amount = |upto| Ok((upto, Exact::whole(part(upto)?.map_or(0, |part| part.amount))));
        let at = at.into_iter().filter(|upto| *upto >= due).map(amount).collect::<Result<_, _>>()?;
        let part = part(self.through)?;
        let looks = self.looks(segment)?;
        Ok(Pay::Whole { at, due: Some(due), undefined: false, looks, steps: vec![Step::Part(part)] })
    }

    /// What a member's own place or weight is read from; what that leaves open is a problem of the member's.
    fn looks(&mut self, segment: &Segment<'f>) -> Result<Vec<Arc<Reading>>, Problem> {
        match &segment.component.payout {
            Payout::Rank(Rank { gauge, .. }) | Payout::Pool(Pool { by: Weight::Gauge(gauge), .. }) => {
                Ok(vec![self.reading(segment, gauge)?])
            }
            Payout::Pool(Pool { by: Weight::TargetIncentive, .. }) => {
                self.yearly_incentive(segment).map(|_| Vec::new())
            }
            _ => Ok(Vec::new()),
        }
    }

    /// The first period in which a segment may earn anything: what was before the first period does not exist for pay.
    fn begins(&self, segment: &Segment) -> Period {
        segment.from.period().max(self.calculation.facts.calendar.first_period)
    }

    /// The segment's first period and those of these that it reaches.
    fn moments(&self, segment: &Segment, periods: impl Iterator<Item = Period>) -> BTreeSet<Period> {
        let from = self.begins(segment);
        let mut moments: BTreeSet<Period> = periods.collect();
        moments.insert(from);
        moments.retain(|period| from <= *period && *period <= self.through);
        moments
    }

    /// The segment's modifiers with their figures.
    pub(super) fn terms<'s>(&mut self, segment: &Segment<'f>, pay: &Pay<'f>) -> Result<Terms<'s, 'f>, Problem>
    where
        Self: 's,
    {
        let component: &'f Component = segment.component;
        let modifiers = &component.modifiers;
        let mut multipliers = Vec::new();
        for curve in &modifiers.multipliers {
            multipliers.push((self.reading(segment, &curve.gauge)?, curve));
        }
        let mut gates = Vec::new();
        for gate in &modifiers.gates {
            gates.push((self.reading(segment, &gate.gauge)?, gate));
        }
        let limited = gates.iter().any(|(_, gate)| gate.limit_percent.is_some());
        let gate_target = match component.payout.target() {
            _ if !limited => Exact::ZERO,
            Some(target) => self.target(segment, target)?.minor(),
            None => self.target(segment, Target::Incentive)?.minor(),
        };
        let of_each =
            |limit: &Option<Limit>| limit.map(|limit| self.credit_limit(segment, limit)).transpose();
        let of_window =
            |limit: Option<Limit>| limit.map(|limit| self.window_limit(segment, limit)).transpose();
        let (due, undefined, looks) = match pay {
            Pay::Whole { due, undefined, looks, .. } => (*due, *undefined, looks.clone()),
            Pay::Ladder(tiered) => (None, tiered.ladder.is_none(), Vec::new()),
            Pay::Cells { rows, columns, .. } => (None, false, rows.iter().chain(columns).cloned().collect()),
            Pay::Each { .. } => (None, false, Vec::new()),
        };
        Ok(Terms {
            payee: self.id(),
            through: self.through,
            gate_target,
            bounds: Bounds {
                cap: of_each(&modifiers.credit_cap)?,
                floor: of_each(&modifiers.credit_floor)?,
                limited: component.clawback.is_some(),
            },
            window_cap: of_window(modifiers.window_cap.map(|cap| cap.limit))?,
            window_floor: of_window(modifiers.window_floor)?,
            below: self.below(segment),
            due: due.or(modifiers.budget.map(|_| segment.window.last())),
            carried: self.carry(segment),
            undefined,
            looks,
            begins: self.begins(segment),
            multipliers,
            gates,
            segment: *segment,
        })
    }

    /// What the caps of earlier windows withheld goes to the first segment of the next one.
    pub(super) fn carry(&mut self, segment: &Segment<'f>) -> BTreeMap<Period, Exact> {
        let key = (&segment.version.plan.id, &segment.component.id);
        let Some(kept) = self.carried.get_mut(&key) else { return BTreeMap::new() };
        let before: Vec<_> = kept.extract_if(.., |(window, _)| *window < segment.window).collect();
        let moments: BTreeSet<Period> = before.iter().flat_map(|(_, at)| at.keys().copied()).collect();
        let sum = |upto: Period| {
            let at = before.iter().filter_map(|(_, at)| at.range(..=upto).next_back());
            at.fold(Exact::ZERO, |sum, (_, withheld)| sum.add(withheld))
        };
        moments.into_iter().map(|upto| (upto, sum(upto))).collect()
    }

    fn below<'s>(&self, segment: &Segment<'f>) -> Option<Below<'s, 'f>>
    where
        Self: 's,
    {
        let Payout::Override(payout) = &segment.component.payout else { return None };
        Some(Below::new(self.calculation, self.payee, segment.currency(), &payout.less))
    }
}
