//! What the page of a statement shows: the statement, how far the payee is, and the year month by month, all as of one
//! number. A closed period shows what was known at its close.

use super::{AttainmentFigures, blocked, figures, index};
use crate::app::facts::calculate;
use crate::app::{App, AsOf, Call};
use crate::calc::Calculation;
use crate::calc::months::months;
use crate::calc::statement::figure;
use crate::domain::date::{Day, Period, WindowKind};
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::statement::{ComponentFigures, Statement};

/// Most measures that are shown month by month.
const MEASURES: usize = 6;

/// What the page of a statement shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementSheet {
    pub statement: Statement,
    pub closed: bool,
    /// How far the payee is in the windows that the period is in.
    pub attainments: Vec<AttainmentFigures>,
    /// The fiscal year of measures with a quota; without any, of those that components pay on.
    pub months: Vec<MonthFigures>,
    /// The last day that both count: of an open period today, if it is in it; else the period's last.
    pub on: Day,
    pub as_of: i64,
}

/// A measure in a month. Figures are decimal text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MonthFigures {
    pub measure: MeasureId,
    pub period: Period,
    pub unit: Unit,
    /// Absent of a month that is yet to come.
    pub credited: Option<String>,
    pub quota: Option<String>,
    pub currency: Currency,
}

impl App {
    /// Everything that the page of a statement shows.
    pub async fn statement_sheet(
        &self,
        call: &Call,
        payee: Option<PayeeId>,
        period: Option<Period>,
        as_of: AsOf,
    ) -> Result<StatementSheet, Fault> {
        let (statement, closed, as_of) = self.statement(call, payee, period, as_of).await?;
        let (period, last_day) = (statement.period, statement.period.last_day());
        let seen = self.see(call, as_of).await?;
        let on = match closed {
            true => last_day,
            false => {
                Some(self.today(call, &seen).await?).filter(|day| day.period() == period).unwrap_or(last_day)
            }
        };
        let facts = self.facts(call, &seen, statement.as_of, period, &statement.payee).await?;
        let payee = index(&facts, &statement.payee)?;
        let paid: Vec<MeasureId> = statement.components.iter().flat_map(paid_on).cloned().collect();
        let work = move |facts: &Facts| standing(facts, payee, period, on, paid);
        let (attainments, months) = match calculate(facts, payee, work).await? {
            // The statement names what is open; it is shown without what cannot be told.
            Err(fault) if fault.reason == Reason::RunBlocked => Default::default(),
            done => done?,
        };
        Ok(StatementSheet { statement, closed, attainments, months, on, as_of })
    }
}

/// The measures whose credits a component counts.
fn paid_on(component: &ComponentFigures) -> impl Iterator<Item = &MeasureId> {
    component.segments.iter().filter_map(|segment| segment.line_measure.as_ref().or(segment.measure.as_ref()))
}

/// How far a payee, by index, is, and the months of the fiscal year.
fn standing(
    facts: &Facts,
    payee: u32,
    period: Period,
    on: Day,
    paid: Vec<MeasureId>,
) -> Result<(Vec<AttainmentFigures>, Vec<MonthFigures>), Fault> {
    let attainments = figures(facts, payee, period, on, Vec::new(), false)?;
    let with_quota = attainments.iter().filter(|figures| figures.quota.is_some());
    let mut shown: Vec<MeasureId> = with_quota.map(|figures| figures.measure.clone()).collect();
    if shown.is_empty() {
        shown = paid;
        shown.sort();
    }
    shown.dedup();
    shown.truncate(MEASURES);
    let calculation = Calculation::open_for(facts, period, &[payee]);
    let year = facts.calendar.window(WindowKind::Year, period);
    let mut of_year = Vec::new();
    for measure in shown {
        let Some(found) = months(&calculation, payee, &measure, year, on).map_err(blocked)? else { continue };
        let text = |exact: &Exact| figure(found.currency, found.unit, exact);
        of_year.extend(found.months.iter().map(|month| MonthFigures {
            measure: measure.clone(),
            period: month.period,
            unit: found.unit,
            credited: month.credited.as_ref().map(text),
            quota: month.quota.map(|quota| text(&Exact::whole(quota))),
            currency: found.currency,
        }));
    }
    Ok((attainments, of_year))
}
