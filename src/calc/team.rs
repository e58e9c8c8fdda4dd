//! How far a team or the people of a territory are: what each member is credited with as one of them, and its part of
//! its quota for the days that it is one. Parts sum to the whole, and what somebody does in two teams one after the
//! other to what it does.

use crate::domain::date::{Day, Period, Window};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::MeasureId;
use crate::domain::measure::{CreditKind, Measure, Source};
use crate::domain::money::Currency;
use crate::domain::quota::Goal;

use super::pace::{self, Days, Pace};
use super::pipeline::{Outlook, outlook};
use super::problem::Problem;
use super::quota::{QuotaFault, Quotas, weight};
use super::subject::Subject;
use super::{Calculation, outside};

/// Somebody of a team or a territory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// By index.
    pub payee: u32,
    /// The days `[from, to)` on which it is one, in order; the last may be open.
    pub days: Vec<(Day, Option<Day>)>,
}

/// A member's part of the figures of a window, or all parts together. In minor units of one currency, or millionths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// Credited up to the day; `None`: an outside measure without a value.
    pub credited: Option<Exact>,
    /// `None` where nobody set one.
    pub quota: Option<Exact>,
    /// How fast it goes.
    pub pace: Pace,
    /// What open deals bring to the rest of it; `None` where it cannot be told, or is not asked for.
    pub outlook: Option<Outlook>,
}

/// Those who are members on some day of a window on which they are assigned, by id.
pub fn members(facts: &Facts, subject: &Subject, window: Window) -> Vec<Member> {
    let one = |payee: u32| Member { payee, days: subject.days(facts, payee) };
    let all = subject.members(facts).into_iter().map(one);
    all.filter(|member| !held(facts, member, window).is_empty()).collect()
}

/// The days of a window on which somebody is a member and assigned.
fn held(facts: &Facts, member: &Member, window: Window) -> Vec<Days> {
    let assigned = pace::assigned(facts, member.payee, window);
    assigned.into_iter().flat_map(|days| within(member, days)).collect()
}

/// The days of a span on which somebody is a member.
fn within(member: &Member, (from, to): Days) -> Vec<Days> {
    let clipped =
        member.days.iter().map(|(start, end)| (from.max(*start), end.map_or(to, |end| to.min(end))));
    clipped.filter(|(from, to)| from < to).collect()
}

/// Whether parts of a measure sum to a whole: of direct credits, and of outside values that add up. Credits that come up
/// the reporting line would count for everyone in it.
pub fn sums(measure: &Measure) -> bool {
    match &measure.source {
        Source::Credits(selection) => selection.credit == CreditKind::Direct,
        Source::Outside(_) => pace::adds_up(measure),
    }
}

/// A member's part of the figures of a window up to a day that the calculation reaches, told in a currency; `None` if it
/// is none on any day of it, or the measure is not defined.
pub fn part(
    calculation: &Calculation,
    member: &Member,
    measure: &MeasureId,
    window: Window,
    on: Day,
    currency: Currency,
) -> Result<Option<Part>, Problem> {
    let (facts, payee) = (calculation.facts, member.payee);
    let held = held(facts, member, window);
    if held.is_empty() || !facts.measures.contains_key(measure) {
        return Ok(None);
    }
    let quotas = Quotas::of(facts, payee, measure, currency);
    let weights = quotas.seasonality(window);
    let weight = |period: Period| weight(&facts.calendar, weights, period);
    let elapsed = pace::elapsed(weight, window, &held, on);
    let credited =
        credited(calculation, member, measure, (window.start(), window.end().min(on.next())), currency)?;
    let told = |fault: QuotaFault| fault.problem(facts.payee_id(payee), measure);
    let basis = quotas.basis(window).map_err(told)?;
    // What others' quotas sum to is in the sum already, where they are members.
    let own = basis.filter(|basis| !matches!(basis.quota.goal, Goal::SumOfReports(_)));
    let quota = match own {
        None => None,
        Some(_) => {
            let whole = quotas.effective(window).map_err(told)?.map_or(Exact::ZERO, Exact::whole);
            let assigned = pace::assigned(facts, payee, window);
            pace::share(weight, window, &held, &assigned).map(|share| whole.mul(&share))
        }
    };
    let pace = Pace::of(credited.as_ref(), quota.as_ref(), elapsed, pace::days_left(&held, on));
    Ok(Some(Part { credited, quota, pace, outlook: None }))
}

/// What a member is credited with on the days `[from, to)` as one: by the day of what an entry is, or takes back.
fn credited(
    calculation: &Calculation,
    member: &Member,
    measure: &MeasureId,
    (from, to): Days,
    currency: Currency,
) -> Result<Option<Exact>, Problem> {
    let (facts, book) = (calculation.facts, calculation.book());
    let Some(selector) = calculation.selector(measure) else {
        let spans = within(member, (from, to)).into_iter();
        let values = spans.filter_map(|(from, to)| outside::combined(facts, member.payee, measure, from, to));
        return Ok(values.reduce(|sum, value| sum.add(&value)));
    };
    let mut credited = Exact::ZERO;
    for credit in selector.credits(facts, book, member.payee) {
        let day = book.entry(credit.entry).day;
        if from <= day && day < to && is_member(member, book.origin_day(credit.entry)) {
            credited = credited.add(&selector.value(book, &credit, currency)?);
        }
    }
    Ok(Some(credited))
}

fn is_member(member: &Member, day: Day) -> bool {
    member.days.iter().any(|(start, end)| *start <= day && end.is_none_or(|end| day < end))
}

/// All parts together. What is undefined of a part adds nothing; what is undefined of every part is of the whole. What is
/// needed per week is needed of all together: who is above the quota helps who is below.
pub fn total(parts: &[Part], window: Window, on: Day) -> Part {
    let sum = |of: &dyn Fn(&Part) -> Option<&Exact>| {
        parts.iter().filter_map(of).cloned().reduce(|sum, figure| sum.add(&figure))
    };
    let credited = sum(&|part| part.credited.as_ref());
    let quota = sum(&|part| part.quota.as_ref());
    let expected = sum(&|part| part.pace.expected.as_ref());
    let days_left = pace::days_left(&[(window.start(), window.end())], on);
    let both = || quota.as_ref().zip(credited.as_ref());
    let pace = Pace {
        elapsed: None,
        percent: credited
            .as_ref()
            .zip(expected.as_ref())
            .and_then(|(credited, of)| pace::percent(credited, of)),
        needed_per_week: both()
            .and_then(|(quota, credited)| pace::needed_per_week(quota, credited, days_left)),
        forecast: sum(&|part| part.pace.forecast.as_ref()),
        expected,
        days_left,
    };
    let mut outlook: Option<Outlook> = None;
    for other in parts.iter().filter_map(|part| part.outlook.as_ref()) {
        outlook.get_or_insert_default().join(other);
    }
    Part { credited, quota, pace, outlook }
}

/// What open deals bring a member in the rest of a window, of those that close on a day on which it is one.
pub fn expected(
    calculation: &Calculation,
    member: &Member,
    measure: &MeasureId,
    window: Window,
    on: Day,
    currency: Currency,
) -> Option<Outlook> {
    let counts = |day: Day| is_member(member, day);
    outlook(calculation, member.payee, measure, window, on, currency, counts)
}

/// The measures that sum and that members have a quota for, by id.
pub fn measures(facts: &Facts, members: &[Member]) -> Vec<MeasureId> {
    let has = |measure: &MeasureId| {
        members.iter().any(|member| facts.quotas.contains_key(&(member.payee, measure.clone())))
    };
    let sums = facts.measures.iter().filter(|(_, measure)| sums(measure)).map(|(id, _)| id);
    sums.filter(|id| has(id)).cloned().collect()
}
