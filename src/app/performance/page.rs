//! Performance in parts, of a team and in order, a page at a time.

use std::collections::{BTreeMap, BTreeSet};

use crate::app::earnings::AttainmentFigures;
use crate::app::facts::off_thread;
use crate::app::{App, Call, Listed, Page};
use crate::calc::performance::{
    Dimension, Figure, Goal, Line, Look, Part, Quoted, Tally, board, percent, shared, title,
};
use crate::calc::problem::Problem;
use crate::calc::subject::Subject;
use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;

use super::shown::{self, FigureTexts};
use super::{PerformanceFigures, PerformanceQuery, Problems, Sight, Summed};

/// Figures in parts: a page of keys with theirs.
#[derive(Debug, Clone)]
pub struct PartsAnswer {
    pub listed: Listed<(usize, (String, FigureTexts))>,
    pub unit: Unit,
    pub currency: Currency,
    pub problems: Problems,
}

/// What a manager's page is asked for, beside the team's figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamQuery {
    pub performance: PerformanceQuery,
    /// Of the quotas; absent: the one that the most members have.
    pub quota: Option<MeasureId>,
    pub rank_by: Figure,
}

/// A manager's page.
#[derive(Debug, Clone)]
pub struct TeamAnswer {
    pub manager: PayeeId,
    pub window: String,
    pub performance: PerformanceFigures,
    /// Of the members' attainment; absent where nobody has a quota.
    pub quota: Option<MeasureId>,
    pub members: Listed<(usize, MemberAnswer)>,
    pub count: usize,
}

/// A member of a team.
#[derive(Debug, Clone)]
pub struct MemberAnswer {
    pub payee: PayeeId,
    pub title: Option<String>,
    pub manager: Option<PayeeId>,
    pub figures: FigureTexts,
    pub attainment: Option<AttainmentFigures>,
    pub place: Option<usize>,
}

/// What a leaderboard is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoardQuery {
    pub performance: PerformanceQuery,
    pub figure: Figure,
    /// Of the quotas, where attainment is asked for; absent: the one that the most members have.
    pub quota: Option<MeasureId>,
    pub title: Option<String>,
}

/// A leaderboard: place, payee, value.
#[derive(Debug, Clone)]
pub struct BoardAnswer {
    pub listed: Listed<(usize, (usize, PayeeId, String))>,
    pub placed: usize,
    pub unplaced: usize,
    /// Of attainment, where that is asked for.
    pub quota: Option<MeasureId>,
    pub unit: Unit,
    pub currency: Currency,
    pub problems: Problems,
}

/// Where a page begins: the first page's day, and how many items came before.
fn begin(query: &mut PerformanceQuery, page: &Page) -> Result<usize, Fault> {
    query.as_of = page.as_of;
    let Some(after) = &page.after else { return Ok(0) };
    let read = || {
        let (on, skip) = after.split_once(' ')?;
        Some((Day::parse(on).ok()?, skip.parse().ok()?))
    };
    let (on, skip) =
        read().ok_or_else(|| Fault::new(Reason::PageTokenInvalid, "page token is none of ours"))?;
    query.on = Some(on);
    Ok(skip)
}

/// A page of items, each with its place among all.
fn listed<T, U>(
    all: Vec<T>,
    skip: usize,
    page: &Page,
    (on, as_of): (Day, i64),
    show: impl Fn(T) -> U,
) -> Listed<(usize, U)> {
    let some = all.into_iter().enumerate().skip(skip).take(usize::from(page.size) + 1);
    let items = some.map(|(place, item)| (place, show(item))).collect();
    Listed::new(items, page, as_of, |(place, _)| format!("{on} {}", place + 1))
}

impl App {
    /// The figures of a subject in parts.
    pub async fn performance_parts(
        &self,
        call: &Call,
        mut query: PerformanceQuery,
        dimension: Dimension,
        page: Page,
    ) -> Result<PartsAnswer, Fault> {
        let skip = begin(&mut query, &page)?;
        let attribute = match &dimension {
            Dimension::Segment(field) => Some(field),
            _ => None,
        };
        let sight = self.sight(call, query, attribute).await?;
        let work = move || {
            let person: Option<Vec<u32>> = sight.person().map(|person| vec![person]);
            let look = sight.look(person.as_deref());
            let (currency, unit, months) = (sight.currency, look.unit(), sight.months);
            let cuts = [dimension];
            let sums = look.sums(&sight.subject, &[months.span()], sight.open, &cuts);
            let parts: Vec<(Part, Tally)> =
                sums.parts.iter().flatten().map(|(part, tally)| (*part, tally.clone())).collect();
            let listed = listed(parts, skip, &page, (months.on, sight.as_of), |(part, tally)| match part {
                Part::Month(period) => (period.to_string(), FigureTexts::of(&tally, currency, unit)),
                Part::Text(text) => (text.to_string(), sight.texts(&tally, unit)),
            });
            PartsAnswer { listed, unit, currency, problems: Problems::of(&sums.problems) }
        };
        off_thread(work).await
    }

    /// A manager's page.
    pub async fn team_performance(
        &self,
        call: &Call,
        mut query: TeamQuery,
        page: Page,
    ) -> Result<TeamAnswer, Fault> {
        let skip = begin(&mut query.performance, &page)?;
        let sight = self.sight(call, query.performance, None).await?;
        off_thread(move || team(&sight, query.quota.as_ref(), query.rank_by, skip, &page)).await
    }

    /// People in order.
    pub async fn leaderboard(
        &self,
        call: &Call,
        mut query: BoardQuery,
        page: Page,
    ) -> Result<BoardAnswer, Fault> {
        let skip = begin(&mut query.performance, &page)?;
        let sight = self.sight(call, query.performance, None).await?;
        if query.figure == Figure::Attainment && sight.months.window(&sight.facts.calendar).is_none() {
            return Err(Fault::field(
                "from_period",
                "must be in one fiscal year with to_period for attainment",
            ));
        }
        let BoardQuery { figure, quota, title, .. } = query;
        off_thread(move || leaderboard(&sight, figure, quota.as_ref(), title.as_deref(), skip, &page)).await
    }
}

/// Everyone who is there on a day of the span or adds to the figures, each with its part of them.
fn members(sight: &Sight, parts: &BTreeMap<Part, Tally>) -> BTreeMap<u32, Tally> {
    let facts = &sight.facts;
    let whole = sight.months.whole();
    let present = sight.subject.present(facts, whole.from, whole.to).into_iter();
    let mut members: BTreeMap<u32, Tally> = present.map(|payee| (payee, Tally::default())).collect();
    for (part, tally) in parts {
        if let Part::Text(id) = part
            && let Ok(payee) = facts.payees.binary_search_by(|payee| payee.id.as_str().cmp(id))
            && let Ok(payee) = u32::try_from(payee)
        {
            members.insert(payee, tally.clone());
        }
    }
    members
}

/// The measure of a list's goals, and that of each member who belongs to the subject on the day that decides whom the
/// caller sees all of. What keeps one from being told is a problem.
fn goals(
    sight: &Sight,
    look: &Look,
    members: &BTreeMap<u32, Tally>,
    quota: Option<&MeasureId>,
    problems: &mut BTreeSet<Problem>,
) -> (Option<MeasureId>, BTreeMap<u32, Goal>) {
    let facts = &sight.facts;
    let Some(window) = sight.months.window(&facts.calendar) else { return (None, BTreeMap::new()) };
    let there = |payee: &u32| sight.subject.holds(facts, *payee, sight.line_day);
    let there: BTreeSet<u32> = members.keys().copied().filter(there).collect();
    let Some(measure) = quota.or_else(|| shared(facts, &there, window)) else {
        return (None, BTreeMap::new());
    };
    let (there, when): (Vec<u32>, _) = (there.into_iter().collect(), (window, sight.months.counted()));
    let (goals, open) = Quoted::of(facts).each(&look.calculation, &there, measure, when);
    problems.extend(open);
    (Some(measure.clone()), goals)
}

fn team(sight: &Sight, quota: Option<&MeasureId>, rank_by: Figure, skip: usize, page: &Page) -> TeamAnswer {
    let facts = &sight.facts;
    let everyone: Vec<u32> = sight.subject.members(facts);
    let look = sight.look(Some(&everyone));
    let mut summed = Summed::of(sight, &look, true, &[Dimension::Member]);
    let members = members(sight, &summed.parts.pop().unwrap_or_default());
    let (quota, goals) = goals(sight, &look, &members, quota, &mut summed.problems);
    let value = |payee: &u32, tally: &Tally| match rank_by {
        Figure::Attainment => percent(goals.get(payee)),
        figure => tally.value(figure).filter(|_| sight.tells(figure)),
    };
    let lines =
        board(members.iter().map(|(payee, tally)| (*payee, value(payee, tally))), rank_by.least_first());
    let (day, count) = (sight.months.last.last_day(), lines.len());
    let none = Tally::default();
    let member = |line: Line| {
        let (payee, tally) = (line.payee, members.get(&line.payee).unwrap_or(&none));
        MemberAnswer {
            payee: facts.payee_id(payee).clone(),
            title: title(facts, payee, day).map(String::from),
            manager: facts.above(payee, day).first().map(|manager| facts.payee_id(*manager).clone()),
            figures: sight.texts(tally, look.unit()),
            attainment: goals.get(&payee).map(|goal| shown::goal(facts, goal)),
            place: line.place,
        }
    };
    let window = sight.months.window(&facts.calendar);
    let manager = sight.person().map(|manager| facts.payee_id(manager).clone());
    TeamAnswer {
        manager: manager.unwrap_or_else(|| facts.payee_id(0).clone()),
        window: window.map_or_else(String::new, |window| facts.calendar.window_text(window)),
        performance: summed.figures(sight, &look),
        quota,
        members: listed(lines, skip, page, (sight.months.on, sight.as_of), member),
        count,
    }
}

fn leaderboard(
    sight: &Sight,
    figure: Figure,
    quota: Option<&MeasureId>,
    wanted: Option<&str>,
    skip: usize,
    page: &Page,
) -> BoardAnswer {
    let facts: &Facts = &sight.facts;
    let everyone: Vec<u32> = sight.subject.members(facts);
    // Credits of everyone by name are needed for attainment alone.
    let noted = match &sight.subject {
        Subject::Payee(_) | Subject::Team(_) => Some(everyone.as_slice()),
        Subject::Territory(_) | Subject::Company => {
            (figure == Figure::Attainment).then_some(everyone.as_slice())
        }
    };
    let look = sight.look(noted);
    let mut sums = look.sums(&sight.subject, &[sight.months.span()], sight.open, &[Dimension::Member]);
    let parts = sums.parts.pop().unwrap_or_default();
    let mut members = members(sight, &parts);
    let day = sight.months.last.last_day();
    members.retain(|payee, _| wanted.is_none_or(|wanted| title(facts, *payee, day) == Some(wanted)));
    let (quota, values): (_, BTreeMap<u32, Option<Exact>>) = match figure {
        Figure::Attainment => {
            let (quota, goals) = goals(sight, &look, &members, quota, &mut sums.problems);
            (quota, members.keys().map(|payee| (*payee, percent(goals.get(payee)))).collect())
        }
        figure => {
            let value = |tally: &Tally| tally.value(figure).filter(|_| sight.tells(figure));
            (None, members.iter().map(|(payee, tally)| (*payee, value(tally))).collect())
        }
    };
    let lines = board(values, figure.least_first());
    let all = lines.len();
    let lines: Vec<(usize, u32, Exact)> =
        lines.into_iter().filter_map(|line| Some((line.place?, line.payee, line.value?))).collect();
    let (currency, unit, placed) = (sight.currency, look.unit(), lines.len());
    let show = |(place, payee, value): (usize, u32, Exact)| {
        (place, facts.payee_id(payee).clone(), shown::value(currency, unit, figure, &value))
    };
    BoardAnswer {
        listed: listed(lines, skip, page, (sight.months.on, sight.as_of), show),
        placed,
        unplaced: all - placed,
        quota,
        unit: shown::unit_of(unit, figure),
        currency,
        problems: Problems::of(&sums.problems),
    }
}
