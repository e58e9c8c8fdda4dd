//! A statement with how far the payee is, and the page that is drawn of both.

use super::earnings::{figures_wire, statement_wire};
use super::measure::unit_wire;
use super::{read, text};
use crate::api::v1;
use crate::app::AsOf;
use crate::app::earnings::{MonthFigures, StatementSheet};
use crate::domain::date::Period;
use crate::domain::fault::Fault;
use crate::domain::id::PayeeId;
use crate::domain::measure::Unit;
use crate::picture::names::Names;
use crate::picture::{self, CONTENT_TYPE};

/// Reads a request for the page of a statement: whose, for which period, as of when.
pub fn asked(
    request: &v1::GetStatementPageRequest,
) -> Result<(Option<PayeeId>, Option<Period>, AsOf), Fault> {
    read(|check| {
        let payee = check.optional_id("payee_id", &request.payee_id);
        let period = check.optional_period("period", &request.period);
        Some((payee, period, check.as_of(request.as_of_change, request.min_change)?))
    })
}

/// The statement and how far the payee is.
pub fn standing_wire(sheet: StatementSheet) -> v1::GetStatementResponse {
    v1::GetStatementResponse {
        statement: Some(statement_wire(sheet.statement, sheet.closed)),
        as_of_change: sheet.as_of,
        attainments: sheet.attainments.into_iter().map(figures_wire).collect(),
        months: sheet.months.into_iter().map(month_wire).collect(),
        on_date: sheet.on.to_string(),
    }
}

/// Payees whom the page shows.
pub fn named(answer: &v1::GetStatementResponse) -> Vec<String> {
    answer.statement.iter().flat_map(picture::statement::named).map(String::from).collect()
}

/// The page, made of what the contract says of it all.
pub fn wire(answer: v1::GetStatementResponse, names: &Names) -> v1::GetStatementPageResponse {
    let v1::GetStatementResponse { statement, as_of_change, attainments, months, on_date } = answer;
    let statement = statement.unwrap_or_default();
    let drawn = picture::statement::Sheet {
        statement: &statement,
        attainments: &attainments,
        months: &months,
        on_date: &on_date,
        names,
    };
    let page = picture::statement::page(&drawn).into_bytes();
    let content_type = CONTENT_TYPE.into();
    v1::GetStatementPageResponse { page, content_type, period: statement.period, on_date, as_of_change }
}

/// A month as an attainment in its window, without a percent.
fn month_wire(month: MonthFigures) -> v1::Attainment {
    v1::Attainment {
        measure_id: month.measure.to_string(),
        window: month.period.to_string(),
        credited: text(month.credited),
        quota: month.quota,
        currency_code: text((month.unit == Unit::Money).then_some(month.currency)),
        unit: unit_wire(month.unit).into(),
        ..v1::Attainment::default()
    }
}
