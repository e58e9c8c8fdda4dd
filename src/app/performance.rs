//! Performance: computed at every read from the facts in memory, or from all of them loaded in a queue.

mod page;
mod shown;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use crate::auth::Role;
use crate::calc::performance::{Goal, Look, Months, Part, Quoted, Span, Tally, growth, medians, peers};
use crate::calc::problem::Problem;
use crate::calc::subject::Subject;
use crate::domain::condition::Field;
use crate::domain::date::{Calendar, Day, Period, WindowKind};
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId, TerritoryId};
use crate::domain::measure::{Measure, Selection, Unit};
use crate::domain::money::Currency;

use super::earnings::AttainmentFigures;
use super::facts::off_thread;
use super::{App, AsOf, Call};

pub use crate::calc::RULES_REVISION;
pub use crate::calc::performance::{Dimension, Figure, Filter};
pub use page::{BoardAnswer, BoardQuery, MemberAnswer, PartsAnswer, TeamAnswer, TeamQuery};
pub use shown::{FigureTexts, PipelineTexts};

/// Most months of a span.
const MAX_MONTHS: i32 = 120;
/// Most stages that stand apart, and most problems that are listed.
const LISTED: usize = 100;

/// Of whom figures are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A payee; absent: the key's.
    Payee(Option<PayeeId>),
    /// A manager's team; absent: of the key's payee.
    Team(Option<PayeeId>),
    /// A territory.
    Territory(TerritoryId),
    /// Everyone.
    Company,
}

/// Over which months.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// From the first, else the last alone, to the last, else the month of the day looked from.
    Months(Option<Period>, Option<Period>),
    /// Those of a window as text; empty: of the quarter of the day looked from.
    Window(String),
}

/// What all of performance is asked for with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerformanceQuery {
    pub subject: Asked,
    pub filter: Filter,
    pub over: Over,
    /// Absent: today, or the last day of a span that is over.
    pub on: Option<Day>,
    /// Absent: the amounts of bookings.
    pub measure: Option<MeasureId>,
    /// Absent: what the payee or manager is paid in, else the tenant's.
    pub currency: Option<Currency>,
    pub as_of: AsOf,
}

/// A subject's figures. Figures are decimal text.
#[derive(Debug, Clone)]
pub struct PerformanceFigures {
    pub months: Months,
    pub measure: Option<MeasureId>,
    pub unit: Unit,
    pub currency: Currency,
    pub totals: FigureTexts,
    /// Each month with its growth.
    pub by_month: Vec<(Period, FigureTexts, Option<String>)>,
    /// Stage, what is in it, and how many stages it stands for, if it is not one.
    pub stages: Vec<(String, PipelineTexts, usize)>,
    pub growth: Option<String>,
    pub goals: Vec<AttainmentFigures>,
    /// Just before, and a year before; absent unless asked for.
    pub past: Option<(FigureTexts, FigureTexts)>,
    /// Figure, median, how many peers have it.
    pub peers: Vec<(Figure, String, usize)>,
    pub undated: usize,
    pub problems: Problems,
}

/// What could not be counted: at most 100, of how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    pub listed: Vec<String>,
    pub count: usize,
}

impl Problems {
    fn of(problems: &BTreeSet<Problem>) -> Self {
        let listed = problems.iter().take(LISTED).map(ToString::to_string).collect();
        Problems { listed, count: problems.len() }
    }
}

/// What is looked at, found and allowed.
struct Sight {
    facts: Arc<Facts>,
    /// Kept as long as facts that were loaded for this answer alone.
    _turn: Option<OwnedSemaphorePermit>,
    subject: Subject,
    months: Months,
    /// The last day that counts, at the latest today: of whom belongs to the subject on it the caller sees all.
    line_day: Day,
    /// Where the pipeline is told, the days that open deals are expected in.
    open: Option<Span>,
    filter: Filter,
    measure: Option<(MeasureId, Selection)>,
    currency: Currency,
    as_of: i64,
}

/// What to compare with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compare {
    pub past: bool,
    pub peers: bool,
}

impl App {
    /// The figures of a subject, with the journal number read as of.
    pub async fn performance(
        &self,
        call: &Call,
        query: PerformanceQuery,
        compare: Compare,
    ) -> Result<(PerformanceFigures, i64), Fault> {
        let sight = self.sight(call, query, None).await?;
        let as_of = sight.as_of;
        let work = move || {
            let facts = &sight.facts;
            let others = match (compare.peers, sight.person()) {
                (true, Some(person)) => peers(facts, person, sight.months.last.last_day()),
                (false, _) | (true, None) => Vec::new(),
            };
            let payees: Option<Vec<u32>> = sight.person().map(|person| {
                let mut payees: Vec<u32> = others.iter().copied().chain([person]).collect();
                payees.sort_unstable();
                payees
            });
            let look = sight.look(payees.as_deref());
            let sums = Summed::of(&sight, &look, compare.past, &[]);
            PerformanceFigures { peers: sight.peers(&look, &others), ..sums.figures(&sight, &look) }
        };
        Ok((off_thread(work).await?, as_of))
    }

    /// Finds out what is asked for: whose, over which days, whether the caller may see it. `attribute` is read besides
    /// what the filter reads.
    async fn sight(
        &self,
        call: &Call,
        query: PerformanceQuery,
        attribute: Option<&Field>,
    ) -> Result<Sight, Fault> {
        let seen = self.see(call, query.as_of).await?;
        let calendar = self.calendar_seen(call, &seen).await?;
        let today = self.today(call, &seen).await?;
        let months = months(&calendar, &query.over, query.on, today)?;
        let line_day = months.counted().min(today);
        let person = match &query.subject {
            Asked::Payee(payee) | Asked::Team(payee) => {
                let own = payee.clone().or_else(|| call.actor.payee.clone());
                let field = match query.over {
                    Over::Months(..) => "subject",
                    Over::Window(_) => "manager_id",
                };
                let missing = || Fault::field(field, "must be given: this key belongs to no payee");
                Some(own.ok_or_else(missing)?)
            }
            Asked::Territory(_) | Asked::Company => None,
        };
        match &person {
            Some(person) => self.authorise(call, &seen, seen.as_of, person, line_day).await?,
            // Not yours reads like absent.
            None if call.actor.role == Role::Payee => return Err(unseen(&query.subject)),
            None => {}
        }
        let fields = query.filter.segment.as_ref().map(|(field, _)| field).into_iter().chain(attribute);
        let fields: Vec<Field> = fields.cloned().collect();
        // Facts that were changed after a day no longer tell what was open on it.
        let changed = self.changed_on(call, &seen).await?;
        let mut told = changed.is_none_or(|changed| changed <= months.on);
        // Looked at from a later day than counts, what is open is seen by whoever stands above then.
        if let Some(person) = person.as_ref().filter(|_| told && months.counted() < months.on) {
            match self.authorise(call, &seen, seen.as_of, person, months.on.min(today)).await {
                Err(fault) if fault.reason == Reason::NotFound => told = false,
                seen => seen?,
            }
        }
        let (facts, turn) = self.everything(call, &seen, &fields).await?;
        let measure = query.measure.map(|id| selection(&facts, id)).transpose()?;
        let subject = subject(&facts, &query.subject, person.as_ref())?;
        let payee = person.as_ref().and_then(|person| facts.payee(person));
        let paid_in = payee.map(|payee| facts.paid_in(payee, months.last.last_day()));
        Ok(Sight {
            currency: query.currency.or(paid_in).unwrap_or(calendar.currency),
            subject,
            months,
            line_day,
            open: told.then(|| months.whole()),
            filter: query.filter,
            measure,
            as_of: seen.as_of,
            facts,
            _turn: turn,
        })
    }
}

/// What a payee's key reads of what is nobody's own.
fn unseen(asked: &Asked) -> Fault {
    match asked {
        Asked::Territory(territory) => Fault::not_found("territory", territory),
        Asked::Payee(_) | Asked::Team(_) | Asked::Company => Fault::not_found("subject", "company"),
    }
}

/// The subject by index.
fn subject(facts: &Facts, asked: &Asked, person: Option<&PayeeId>) -> Result<Subject, Fault> {
    let index = |id: Option<&PayeeId>| id.and_then(|id| facts.payee(id));
    let missing = || Fault::not_found("payee", person.map_or("", PayeeId::as_str));
    match asked {
        Asked::Payee(_) => index(person).map(Subject::Payee).ok_or_else(missing),
        Asked::Team(_) => index(person).map(Subject::Team).ok_or_else(missing),
        Asked::Territory(id) if facts.has_territory(id) => Ok(Subject::Territory(id.clone())),
        Asked::Territory(id) => Err(Fault::not_found("territory", id)),
        Asked::Company => Ok(Subject::Company),
    }
}

/// What a measure selects; refused where it is not there, or counts no credits.
fn selection(facts: &Facts, id: MeasureId) -> Result<(MeasureId, Selection), Fault> {
    let mut violations = Violations::default();
    let refused = match facts.measures.get(&id).map(Measure::selection) {
        Some(Some(selection)) => return Ok((id, selection.clone())),
        Some(None) => {
            violations.add("measure_id", format!("must count credits: {id} is an outside measure"));
            super::write::unfit(violations)
        }
        None => {
            violations.add("measure_id", format!("measure {id} does not exist"));
            super::write::unknown(violations)
        }
    };
    refused.and_then(|()| Err(Fault::not_found("measure", &id)))
}

/// The months asked for and the day they are looked at from.
fn months(calendar: &Calendar, over: &Over, on: Option<Day>, today: Day) -> Result<Months, Fault> {
    let near = on.unwrap_or(today).period();
    let (first, last) = match over {
        Over::Months(first, last) => {
            let last = last.unwrap_or(near);
            (first.unwrap_or(last), last)
        }
        Over::Window(text) if text.is_empty() => {
            let quarter = calendar.window(WindowKind::Quarter, near);
            (quarter.first(), quarter.last())
        }
        Over::Window(text) => {
            let fault = |message: String| Fault::field("window", message);
            let window = calendar.parse_window(text).map_err(|wrong| fault(wrong.to_string()))?;
            if window.kind() == WindowKind::Deal {
                return Err(fault("must be a month, quarter, half or year, got single deals".to_string()));
            }
            (window.first(), window.last())
        }
    };
    let months = Months { first, last, on: on.unwrap_or(today.min(last.last_day()).max(first.start())) };
    let mut violations = Violations::default();
    if last < first {
        violations.add("from_period", format!("must not be after to_period {last}, got {first}"));
        violations.add("to_period", format!("must not be before from_period {first}, got {last}"));
    } else if months.count() > MAX_MONTHS {
        let count = months.count();
        violations.add("from_period", format!("must be at most {MAX_MONTHS} months to {last}, got {count}"));
    } else if months.on < first.start() {
        let day = first.start();
        violations.add("on_date", format!("must not be before the first day {day}, got {}", months.on));
    }
    violations.finish(Some(months))
}

impl Sight {
    /// The payee, or the manager of the team.
    fn person(&self) -> Option<u32> {
        match self.subject {
            Subject::Payee(payee) | Subject::Team(payee) => Some(payee),
            Subject::Territory(_) | Subject::Company => None,
        }
    }

    fn look(&self, payees: Option<&[u32]>) -> Look<'_> {
        let (filter, on) = (self.filter.clone(), self.months.on);
        let measure = self.measure.as_ref().map(|(id, selection)| (id, selection));
        Look::open(&self.facts, payees, measure, filter, self.currency, on)
    }

    /// Whether a figure is told.
    fn tells(&self, figure: Figure) -> bool {
        self.open.is_some() || !figure.is_open()
    }

    /// A tally with what is open, where that is told.
    fn texts(&self, tally: &Tally, unit: Unit) -> FigureTexts {
        let texts = FigureTexts::of(tally, self.currency, unit);
        if self.open.is_some() { texts.with_pipeline(tally, self.currency) } else { texts }
    }

    /// The figures' medians over those peers of whom all could be counted.
    fn peers(&self, look: &Look, others: &[u32]) -> Vec<(Figure, String, usize)> {
        let tally = |peer: &u32| {
            let subject = match self.subject {
                Subject::Team(_) => Subject::Team(*peer),
                Subject::Payee(_) | Subject::Territory(_) | Subject::Company => Subject::Payee(*peer),
            };
            let mut sums = look.sums(&subject, &[self.months.span()], self.open, &[]);
            sums.totals.pop().filter(|_| sums.problems.is_empty())
        };
        let tallies: Vec<Tally> = others.iter().filter_map(tally).collect();
        let medians = medians(&tallies).into_iter().filter(|(figure, _)| self.tells(*figure));
        let shown = medians.map(|(figure, (median, count))| {
            (figure, shown::value(self.currency, look.unit(), figure, &median), count)
        });
        shown.collect()
    }
}

/// A subject's sums over its span and over what came before it.
struct Summed<'f> {
    total: Tally,
    span_before: Tally,
    /// Before the first month.
    month_before: Tally,
    /// Before the last month that counts, up to the same day.
    reached_before: Tally,
    /// Where it was asked for.
    year_before: Option<Tally>,
    months: BTreeMap<Part<'f>, Tally>,
    stages: BTreeMap<Part<'f>, Tally>,
    /// By what else was asked for.
    parts: Vec<BTreeMap<Part<'f>, Tally>>,
    goals: Vec<Goal>,
    undated: usize,
    problems: BTreeSet<Problem>,
}

impl<'f> Summed<'f> {
    fn of(sight: &Sight, look: &Look<'f>, past: bool, dimensions: &[Dimension]) -> Self {
        let Sight { months, subject, .. } = sight;
        let first = months.first.plus(-1);
        let month_before = Span { from: first.start(), to: first.end() };
        let spans = [months.span(), months.before(months.count()), month_before, months.reached().before(1)];
        let year_before = past.then(|| months.before(12));
        let spans: Vec<Span> = spans.into_iter().chain(year_before).collect();
        let cuts: Vec<Dimension> =
            [Dimension::Month, Dimension::Pipeline].into_iter().chain(dimensions.iter().cloned()).collect();
        let mut sums = look.sums(subject, &spans, sight.open, &cuts);
        let mut totals = sums.totals.into_iter();
        let mut total = || totals.next().unwrap_or_default();
        let mut parts = sums.parts.into_iter();
        let (by_month, stages) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let mut goals = Vec::new();
        let window = months.window(&sight.facts.calendar).filter(|_| sight.filter == Filter::default());
        if let Some((person, window)) = sight.person().zip(window) {
            let quoted = Quoted::of(&sight.facts);
            for goal in quoted.goals(&look.calculation, person, None, (window, months.counted())) {
                match goal {
                    Ok(goal) => goals.push(goal),
                    Err(problem) => drop(sums.problems.insert(problem)),
                }
            }
        }
        Summed {
            total: total(),
            span_before: total(),
            month_before: total(),
            reached_before: total(),
            year_before: totals.next(),
            months: by_month,
            stages,
            parts: parts.collect(),
            goals,
            undated: look.undated(subject),
            problems: sums.problems,
        }
    }

    /// The figures as they are shown, without peers.
    fn figures(&self, sight: &Sight, look: &Look) -> PerformanceFigures {
        let (currency, unit, months) = (sight.currency, look.unit(), sight.months);
        let none = Tally::default();
        let texts = |tally: &Tally| FigureTexts::of(tally, currency, unit);
        let rate = |booked: &Tally, before: &Tally| {
            growth(&booked.booked, &before.booked).as_ref().map(shown::percent)
        };
        let (mut before, reached) = (&self.month_before, months.reached().last);
        let by_month = months.each().map(|period| {
            let month = self.months.get(&Part::Month(period)).unwrap_or(&none);
            let growth = match period.cmp(&reached) {
                Ordering::Less => rate(month, before),
                // It may not be over: then neither is what it is compared with.
                Ordering::Equal => rate(month, &self.reached_before),
                Ordering::Greater => None,
            };
            before = month;
            (period, texts(month), growth)
        });
        PerformanceFigures {
            months,
            measure: sight.measure.as_ref().map(|(id, _)| id.clone()),
            unit,
            currency,
            totals: sight.texts(&self.total, unit),
            by_month: by_month.collect(),
            stages: shown::stages(&self.stages, currency, LISTED),
            growth: rate(&self.total, &self.span_before),
            goals: self.goals.iter().map(|goal| shown::goal(&sight.facts, goal)).collect(),
            past: self.year_before.as_ref().map(|year| (texts(&self.span_before), texts(year))),
            peers: Vec::new(),
            undated: self.undated,
            problems: Problems::of(&self.problems),
        }
    }
}
