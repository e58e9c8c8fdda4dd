//! Attainment of a team or a territory: in total, and of each member as one of it.

use crate::auth::Role;
use crate::calc::problem::Problem;
use crate::calc::subject::Subject;
use crate::calc::team::{self, Member, Part};
use crate::calc::{Calculation, RULES_REVISION, pace};
use crate::domain::date::{Day, Period, Window, WindowKind};
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::{MeasureId, PayeeId, TerritoryId};
use crate::domain::measure::{Measure, Unit};
use crate::domain::money::Currency;
use crate::storage;

use super::earnings::{AttainmentFigures, Told, blocked, index, shown, subject};
use super::facts::{calculate_for, check_period};
use super::write::{unfit, unknown};
use super::{App, Call, Listed, Page};

/// Whose attainment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// A manager and everyone below; absent: the actor's own team.
    Team(Option<PayeeId>),
    /// Everyone whose assignment names it.
    Territory(TerritoryId),
}

/// What attainment of a team is asked for; see [`super::earnings::AttainmentQuery`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamQuery {
    pub group: Group,
    pub period: Option<Period>,
    pub on: Option<Day>,
    pub measures: Vec<MeasureId>,
    /// Whether open deals are looked at.
    pub pipeline: bool,
}

/// What attainment of a team answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamAttainments {
    /// Of all members together.
    pub totals: Vec<AttainmentFigures>,
    /// By id.
    pub members: Listed<(PayeeId, Vec<AttainmentFigures>)>,
    pub period: Period,
    /// The last day counted.
    pub on: Day,
    pub rules_revision: u32,
}

impl App {
    /// Attainment of a team or territory in the windows that a period is in.
    pub async fn team_attainment(
        &self,
        call: &Call,
        query: TeamQuery,
        page: Page,
    ) -> Result<TeamAttainments, Fault> {
        let seen = self.see(call, page.as_of).await?;
        let on = match query.on.or(query.period.map(Period::last_day)) {
            Some(on) => on,
            None => self.today(call, &seen).await?,
        };
        let period = query.period.unwrap_or(on.period());
        let manager = match &query.group {
            Group::Team(manager) => {
                let manager = subject(call, manager.clone())?;
                self.authorise(call, &seen, seen.as_of, &manager, on).await?;
                Some(manager)
            }
            Group::Territory(id) => {
                let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
                let found = storage::territory::get(&mut tx, call.tenant(), seen.as_of, id).await?;
                let found = found.filter(|_| call.actor.role != Role::Payee);
                found.ok_or_else(|| Fault::not_found("territory", id))?;
                None
            }
        };
        let terms = self.terms_seen(call, &seen).await?;
        check_period(&terms.calendar, period)?;
        let year = terms.calendar.window(WindowKind::Year, period);
        let (members, currency) = match (&manager, &query.group) {
            (Some(manager), _) => {
                let manager = index(&terms, manager)?;
                (team::members(&terms, &Subject::Team(manager), year), terms.paid_in(manager, on))
            }
            (None, Group::Territory(id)) => {
                (team::members(&terms, &Subject::Territory(id.clone()), year), terms.calendar.currency)
            }
            (None, Group::Team(_)) => (Vec::new(), terms.calendar.currency),
        };
        let measures = measures(&terms, &members, query.measures)?;
        let payees: Vec<u32> = members.iter().map(|member| member.payee).collect();
        let facts = self.facts_beside(call, &seen, terms, &payees).await?;
        let (after, limit, read) = (page.after::<PayeeId>()?, usize::from(page.size) + 1, payees.clone());
        let work = move |facts: &Facts| {
            let calculation = Calculation::open_for(facts, period, &payees);
            let asked = Asked { members: &members, period, on, currency, pipeline: query.pipeline };
            let columns = columns(&calculation, &asked, measures)?;
            let totals = columns.iter().map(|column| column.total(facts, on, currency)).collect();
            let of_page = |place: &usize| {
                let id = members.get(*place).map(|member| facts.payee_id(member.payee));
                id.is_some_and(|id| after.as_ref().is_none_or(|after| id > after))
            };
            let rows = (0..members.len()).filter(of_page).take(limit);
            Ok((totals, rows.filter_map(|place| row(facts, &members, &columns, place, currency)).collect()))
        };
        let (totals, rows) = calculate_for(facts, &read, work).await?.map_err(blocked)?;
        let key = |(payee, _): &(PayeeId, _)| format!("{period} {on} {payee}");
        let members = Listed::new(rows, &page, seen.as_of, key);
        Ok(TeamAttainments { totals, members, period, on, rules_revision: RULES_REVISION })
    }
}

/// The measures asked for, each of which sums over members; if none is, all that members have a quota for.
fn measures(facts: &Facts, members: &[Member], asked: Vec<MeasureId>) -> Result<Vec<MeasureId>, Fault> {
    if asked.is_empty() {
        return Ok(team::measures(facts, members));
    }
    let mut violations = Violations::default();
    for (place, id) in asked.iter().enumerate().filter(|(_, id)| !facts.measures.contains_key(id)) {
        violations.add(format!("measure_ids[{place}]"), format!("measure {id} does not exist"));
    }
    let unknowns = violations.len();
    for (place, id) in asked.iter().enumerate() {
        if facts.measures.get(id).is_some_and(|measure| !team::sums(measure)) {
            let message = format!("must count direct credits, or values that add up, to be summed, got {id}");
            violations.add(format!("measure_ids[{place}]"), message);
        }
    }
    if violations.len() == unknowns { unknown(violations) } else { unfit(violations) }?;
    Ok(asked)
}

/// A measure in a window: the part of every member, in their order, who is one in it.
struct Column {
    measure: MeasureId,
    unit: Unit,
    window: Window,
    parts: Vec<Option<Part>>,
}

/// What is asked of whom.
#[derive(Clone, Copy)]
struct Asked<'a> {
    members: &'a [Member],
    period: Period,
    on: Day,
    currency: Currency,
    pipeline: bool,
}

fn columns(
    calculation: &Calculation,
    asked: &Asked,
    measures: Vec<MeasureId>,
) -> Result<Vec<Column>, Problem> {
    let (facts, Asked { members, period, on, currency, pipeline }) = (calculation.facts, *asked);
    let mut columns = Vec::new();
    for measure in measures {
        let unit = facts.measures.get(&measure).map_or(Unit::Money, Measure::unit);
        for window in facts.calendar.windows(period) {
            let part = |member| {
                let mut part = team::part(calculation, member, &measure, window, on, currency)?;
                if let Some(part) = part.as_mut().filter(|_| pipeline) {
                    part.outlook = team::expected(calculation, member, &measure, window, on, currency);
                }
                Ok(part)
            };
            let parts = members.iter().map(part).collect::<Result<_, _>>()?;
            columns.push(Column { measure: measure.clone(), unit, window, parts });
        }
    }
    Ok(columns)
}

impl Column {
    fn total(&self, facts: &Facts, on: Day, currency: Currency) -> AttainmentFigures {
        let parts: Vec<Part> = self.parts.iter().flatten().cloned().collect();
        self.shown(facts, &team::total(&parts, self.window, on), currency)
    }

    fn shown(&self, facts: &Facts, part: &Part, currency: Currency) -> AttainmentFigures {
        let Part { credited, quota, pace, outlook } = part;
        let percent = credited.as_ref().zip(quota.as_ref());
        let percent = percent.and_then(|(credited, quota)| pace::percent(credited, quota));
        let window = facts.calendar.window_text(self.window);
        let told = Told {
            unit: self.unit,
            currency,
            credited: credited.as_ref(),
            quota: quota.as_ref(),
            percent,
            pace,
            outlook: outlook.as_ref(),
        };
        shown(facts, &self.measure, window, told)
    }
}

/// A member's parts of all columns.
fn row(
    facts: &Facts,
    members: &[Member],
    columns: &[Column],
    place: usize,
    currency: Currency,
) -> Option<(PayeeId, Vec<AttainmentFigures>)> {
    let part = |column: &Column| {
        let part = column.parts.get(place)?.as_ref()?;
        Some(column.shown(facts, part, currency))
    };
    let payee = facts.payee_id(members.get(place)?.payee).clone();
    Some((payee, columns.iter().filter_map(part).collect()))
}
