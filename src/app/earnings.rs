//! Attainment, statements, explanations: computed at every read by the calculation that closes a period.

mod page;

use crate::auth::{Role, policy};
use crate::calc::attainment::{Attainment, attainment, measures};
use crate::calc::earn::Detail;
use crate::calc::explain::{Extent, explain};
use crate::calc::pace::Pace;
use crate::calc::pipeline::{LeftOut, Outlook, outlook};
use crate::calc::problem::Problem;
use crate::calc::statement::{figure, percent_text, rounded_figure, statement};
use crate::calc::{Calculation, RULES_REVISION};
use crate::domain::date::{Day, Period};
use crate::domain::encode::hex;
use crate::domain::exact::Exact;
use crate::domain::explanation::Explanation;
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{ComponentId, MeasureId, PayeeId, PlanId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::statement::Statement;
use crate::storage::{self, ledger};

use super::close::next_period;
use super::facts::{Seen, calculate};
use super::{App, AsOf, Call};

pub use page::{MonthFigures, StatementSheet};

/// How far a payee is in a window. Figures are decimal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttainmentFigures {
    pub measure: MeasureId,
    pub window: String,
    pub unit: Unit,
    pub credited: String,
    pub quota: Option<String>,
    pub attainment_percent: Option<String>,
    pub currency: Currency,
    pub elapsed_percent: Option<String>,
    pub expected: Option<String>,
    pub pace_percent: Option<String>,
    pub forecast_by_pace: Option<String>,
    pub days_left: i64,
    pub needed_per_week: Option<String>,
    pub forecast_by_pipeline: Option<String>,
    pub open_deals: Option<OpenDeals>,
}

/// What a forecast by pipeline is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenDeals {
    /// Deals that count.
    pub deals: usize,
    /// What they are expected to bring.
    pub weighted: String,
    pub without_close_date: usize,
    pub overdue: usize,
    pub without_probability: usize,
    pub without_amount: usize,
    /// The first that are left out, by id.
    pub first_left_out: Vec<String>,
}

/// Most deals that are named as left out.
const LEFT_OUT: usize = 20;

/// What attainment answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attainments {
    pub attainments: Vec<AttainmentFigures>,
    pub period: Period,
    /// The last day counted.
    pub on: Day,
    pub as_of: i64,
    pub rules_revision: u32,
}

/// What attainment is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttainmentQuery {
    /// Absent: the actor's own.
    pub payee: Option<PayeeId>,
    /// Absent: the month of the day.
    pub period: Option<Period>,
    /// The last day counted, within the period; absent: the period's last, or today if that is absent too.
    pub on: Option<Day>,
    /// Empty: all there is.
    pub measures: Vec<MeasureId>,
    /// Whether open deals are looked at.
    pub pipeline: bool,
    pub as_of: AsOf,
}

/// What to explain. `payee` absent: the actor's own. `period` absent: the month of today.
#[derive(Debug, Clone)]
pub struct ExplainQuery {
    pub payee: Option<PayeeId>,
    pub period: Option<Period>,
    pub plan: Option<PlanId>,
    pub component: Option<ComponentId>,
    /// Node to start at; empty: the whole.
    pub path: String,
    /// Levels of children.
    pub depth: u16,
    /// Children of the start node to skip.
    pub skip: usize,
    /// Most children of each node.
    pub size: u16,
    pub as_of: AsOf,
}

/// What explaining answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    pub explanation: Explanation,
    pub period: Period,
    pub as_of: i64,
    pub rules_revision: u32,
    pub digest: String,
}

impl App {
    /// Credits and attainment by measure in the month, quarter, half and year that a period is in.
    pub async fn attainment(&self, call: &Call, query: AttainmentQuery) -> Result<Attainments, Fault> {
        let subject = subject(call, query.payee)?;
        let seen = self.see(call, query.as_of).await?;
        let on = match query.on.or(query.period.map(Period::last_day)) {
            Some(on) => on,
            None => self.today(call, &seen).await?,
        };
        let period = query.period.unwrap_or(on.period());
        self.authorise(call, &seen, seen.as_of, &subject, on).await?;
        let facts = self.facts(call, &seen, seen.as_of, period, &subject).await?;
        let (payee, asked) = (index(&facts, &subject)?, query.measures);
        let mut unknown = Violations::default();
        for (place, measure) in asked.iter().enumerate().filter(|(_, id)| !facts.measures.contains_key(id)) {
            unknown.add(format!("measure_ids[{place}]"), format!("measure {measure} does not exist"));
        }
        super::write::unknown(unknown)?;
        let work = move |facts: &Facts| figures(facts, payee, period, on, asked, query.pipeline);
        let attainments = calculate(facts, payee, work).await??;
        Ok(Attainments { attainments, period, on, as_of: seen.as_of, rules_revision: RULES_REVISION })
    }

    /// The statement, whether its period is closed, and the journal number read as of.
    pub async fn statement(
        &self,
        call: &Call,
        payee: Option<PayeeId>,
        period: Option<Period>,
        as_of: AsOf,
    ) -> Result<(Statement, bool, i64), Fault> {
        let subject = subject(call, payee)?;
        let seen = self.see(call, as_of).await?;
        let period = self.period(call, &seen, period).await?;
        let closed = seen.closes.iter().find(|close| close.period == period);
        let seen_as_of = closed.map_or(seen.as_of, |close| close.as_of);
        self.authorise(call, &seen, seen_as_of, &subject, period.last_day()).await?;
        if closed.is_some() {
            let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
            if let Some(kept) = ledger::statement(&mut tx, call.tenant(), period, &subject).await? {
                return Ok((serde_json::from_str(&kept).map_err(storage::corrupt)?, true, seen.as_of));
            }
        }
        let facts = self.facts(call, &seen, seen_as_of, period, &subject).await?;
        let payee = index(&facts, &subject)?;
        let posted = match next_period(&facts.calendar, seen.closes.last()) == period {
            true => Some(self.posted(call, &seen, &facts.calendar, &subject).await?),
            false => None,
        };
        let work = move |facts: &Facts| {
            let calculation = Calculation::open_for(facts, period, &[payee]);
            let earnings = calculation.earn(payee, Detail::Shown);
            statement(&calculation, &earnings, posted.as_deref())
        };
        Ok((calculate(facts, payee, work).await?, closed.is_some(), seen.as_of))
    }

    /// The tree from what a payee earned to the deals it was earned with.
    pub async fn explain(&self, call: &Call, query: ExplainQuery) -> Result<Explained, Fault> {
        let subject = subject(call, query.payee)?;
        let seen = self.see(call, query.as_of).await?;
        let period = self.period(call, &seen, query.period).await?;
        self.authorise(call, &seen, seen.as_of, &subject, period.last_day()).await?;
        let facts = self.facts(call, &seen, seen.as_of, period, &subject).await?;
        let payee = index(&facts, &subject)?;
        let (plan, component) = (query.plan, query.component);
        let extent =
            Extent { depth: usize::from(query.depth), skip: query.skip, size: usize::from(query.size) };
        let work = move |facts: &Facts| {
            let calculation = Calculation::open_for(facts, period, &[payee]);
            let mut earnings = calculation.earn(payee, Detail::Lines);
            earnings.keys.retain(|key| {
                plan.as_ref().is_none_or(|id| *id == key.key.plan)
                    && component.as_ref().is_none_or(|id| *id == key.key.component)
            });
            let explanation = explain(&calculation, &earnings, &query.path, extent)
                .ok_or_else(|| Fault::not_found("explanation", &query.path))?;
            Ok((explanation, hex(&earnings.digest)))
        };
        let (explanation, digest) = calculate(facts, payee, work).await??;
        Ok(Explained { explanation, period, as_of: seen.as_of, rules_revision: RULES_REVISION, digest })
    }

    /// The period asked for, else the month of today.
    async fn period(&self, call: &Call, seen: &Seen, asked: Option<Period>) -> Result<Period, Fault> {
        match asked {
            Some(period) => Ok(period),
            None => Ok(self.today(call, seen).await?.period()),
        }
    }

    /// Whether the caller may see a payee's figures: for a payee's key by the reporting line on a day, at the latest today,
    /// for who reports to it only later is not seen before. Not yours reads like absent.
    pub(super) async fn authorise(
        &self,
        call: &Call,
        seen: &Seen,
        as_of: i64,
        subject: &PayeeId,
        day: Day,
    ) -> Result<(), Fault> {
        if call.actor.role != Role::Payee {
            return Ok(());
        }
        let day = day.min(self.today(call, seen).await?);
        let mut line: Vec<PayeeId> = Vec::new();
        match seen.facts(as_of) {
            Some(facts) => {
                let above = facts.payee(subject).map_or(&[][..], |payee| facts.above(payee, day));
                line.extend(above.iter().map(|manager| facts.payee_id(*manager).clone()));
            }
            None => {
                let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
                let managers = storage::payee::managers(&mut tx, call.tenant(), as_of, subject, day).await?;
                line.extend(managers.into_iter().map(|(manager, _)| manager));
            }
        }
        if policy::sees(&call.actor, subject, &line) {
            Ok(())
        } else {
            Err(Fault::not_found("payee", subject))
        }
    }
}

/// Credits and attainment of a payee, by index, up to a day in the windows that a period is in.
fn figures(
    facts: &Facts,
    payee: u32,
    period: Period,
    on: Day,
    asked: Vec<MeasureId>,
    pipeline: bool,
) -> Result<Vec<AttainmentFigures>, Fault> {
    let calculation = Calculation::open_for(facts, period, &[payee]);
    let asked = if asked.is_empty() { measures(&calculation, payee) } else { asked };
    let mut attainments = Vec::new();
    for measure in asked {
        for window in facts.calendar.windows(period) {
            let figures = attainment(&calculation, payee, &measure, window, on).map_err(blocked)?;
            let Some(figures) = figures else { continue };
            let outlook = match pipeline {
                true => outlook(&calculation, payee, &measure, window, on, figures.currency, |_| true),
                false => None,
            };
            let window = facts.calendar.window_text(window);
            attainments.push(attained(facts, &measure, window, &figures, outlook.as_ref()));
        }
    }
    Ok(attainments)
}

/// A payee's attainment as it is shown.
pub(super) fn attained(
    facts: &Facts,
    measure: &MeasureId,
    window: String,
    figures: &Attainment,
    outlook: Option<&Outlook>,
) -> AttainmentFigures {
    let quota = figures.quota.map(Exact::whole);
    let told = Told {
        unit: figures.unit,
        currency: figures.currency,
        credited: figures.credited.as_ref(),
        quota: quota.as_ref(),
        percent: figures.percent(),
        pace: &figures.pace,
        outlook,
    };
    shown(facts, measure, window, told)
}

/// Figures of a window before they are shown.
pub(super) struct Told<'a> {
    pub(super) unit: Unit,
    pub(super) currency: Currency,
    pub(super) credited: Option<&'a Exact>,
    pub(super) quota: Option<&'a Exact>,
    pub(super) percent: Option<Exact>,
    pub(super) pace: &'a Pace,
    pub(super) outlook: Option<&'a Outlook>,
}

/// Figures of a window as they are shown: what is credited exactly, everything else rounded to six decimals.
pub(super) fn shown(facts: &Facts, measure: &MeasureId, window: String, told: Told) -> AttainmentFigures {
    let Told { unit, currency, credited, quota, percent, pace, outlook } = told;
    let rounded = |exact: &Exact| rounded_figure(currency, unit, exact);
    AttainmentFigures {
        measure: measure.clone(),
        window,
        unit,
        credited: credited.map_or_else(String::new, |credited| figure(currency, unit, credited)),
        quota: quota.map(rounded),
        attainment_percent: percent.as_ref().map(percent_text),
        currency,
        elapsed_percent: pace.elapsed.as_ref().map(|part| percent_text(&part.mul(&Exact::whole(100)))),
        expected: pace.expected.as_ref().map(rounded),
        pace_percent: pace.percent.as_ref().map(percent_text),
        forecast_by_pace: pace.forecast.as_ref().map(rounded),
        days_left: pace.days_left,
        needed_per_week: pace.needed_per_week.as_ref().map(rounded),
        forecast_by_pipeline: credited
            .zip(outlook)
            .map(|(credited, outlook)| rounded(&credited.add(&outlook.weighted()))),
        open_deals: outlook.map(|outlook| open_deals(facts, outlook, rounded)),
    }
}

fn open_deals(facts: &Facts, outlook: &Outlook, rounded: impl Fn(&Exact) -> String) -> OpenDeals {
    let count = |why| outlook.left_out.values().filter(|left| **left == why).count();
    let left_out = outlook.left_out.keys().take(LEFT_OUT);
    OpenDeals {
        deals: outlook.expected.len(),
        weighted: rounded(&outlook.weighted()),
        without_close_date: count(LeftOut::NoCloseDate),
        overdue: count(LeftOut::Overdue),
        without_probability: count(LeftOut::NoProbability),
        without_amount: count(LeftOut::NoAmount),
        first_left_out: left_out.map(|deal| facts.deal_id(*deal).to_string()).collect(),
    }
}

/// Whose figures are asked for: the one named, else the key's own.
pub(super) fn subject(call: &Call, payee: Option<PayeeId>) -> Result<PayeeId, Fault> {
    let own = payee.or_else(|| call.actor.payee.clone());
    own.ok_or_else(|| Fault::field("payee_id", "must be given: this key belongs to no payee"))
}

/// The fault that names what the facts leave open.
pub(super) fn blocked(problem: Problem) -> Fault {
    let mut violations = Violations::default();
    violations.add("period", &problem);
    let message = format!("a question is open: {problem}");
    Fault::new(Reason::RunBlocked, message).with("problems", 1).violating(violations)
}

/// The index of a payee among the facts.
pub(super) fn index(facts: &Facts, payee: &PayeeId) -> Result<u32, Fault> {
    facts.payee(payee).ok_or_else(|| Fault::not_found("payee", payee))
}
