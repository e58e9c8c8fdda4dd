//! Attainment, statements, explanations.

use super::measure::unit_wire;
use super::rates::{axis_wire, edge_wire, rate_kind_wire, rate_wire};
use super::{Check, read, small, text};
use crate::api::page::Paging;
use crate::api::v1;
use crate::app::AsOf;
use crate::app::earnings::{AttainmentFigures, AttainmentQuery, Attainments, ExplainQuery, OpenDeals};
use crate::domain::date::{Day, Period};
use crate::domain::explanation::Explanation;
use crate::domain::fault::Fault;
use crate::domain::id::PayeeId;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::statement::{
    ComponentFigures, OtherTotal, SegmentFigures, Statement, StepFigures, StepKind,
};

/// The rpc that explains.
pub const EXPLAIN: &str = "attain.v1.EarningsService/ExplainEarning";
/// Children of each node where no page size is given.
pub(super) const CHILDREN: u16 = 50;
/// Levels of children where no depth is given, and most levels.
const DEPTH: u16 = 3;
const MAX_DEPTH: i32 = 10;
/// Most characters of a node's path.
pub(super) const MAX_PATH: usize = 1000;

/// Reads a request for attainment.
pub fn attainment(request: &v1::GetAttainmentRequest) -> Result<AttainmentQuery, Fault> {
    read(|check| {
        let payee = check.optional_id("payee_id", &request.payee_id);
        let period = check.optional_period("period", &request.period);
        let measures = check.ids("measure_ids", &request.measure_ids);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        let on = check.optional_day("on_date", &request.on_date);
        same_month(check, period, on);
        Some(AttainmentQuery {
            payee,
            period,
            on,
            measures: measures?,
            pipeline: request.include_pipeline,
            as_of: as_of?,
        })
    })
}

/// A period and a day that are both given are of one month.
pub(super) fn same_month(check: &mut Check, period: Option<Period>, on: Option<Day>) {
    if let Some((period, on)) = period.zip(on).filter(|(period, on)| *period != on.period()) {
        check.add("period", format!("must be the month of on_date {on}, got {period}"));
        check.add("on_date", format!("must be a day of period {period}, got {on}"));
    }
}

/// Reads a request for a statement: whose, for which period, as of when.
pub fn statement(
    request: &v1::GetStatementRequest,
) -> Result<(Option<PayeeId>, Option<Period>, AsOf), Fault> {
    read(|check| {
        let payee = check.optional_id("payee_id", &request.payee_id);
        let period = check.optional_period("period", &request.period);
        Some((payee, period, check.as_of(request.as_of_change, request.min_change)?))
    })
}

/// Reads a request for an explanation, its page token still unread.
pub fn explain(request: &v1::ExplainEarningRequest) -> Result<ExplainQuery, Fault> {
    read(|check| {
        let payee = check.optional_id("payee_id", &request.payee_id);
        let period = check.optional_period("period", &request.period);
        let plan = check.optional_id("plan_id", &request.plan_id);
        let component = check.optional_id("component_id", &request.component_id);
        let path = check.text("path", &request.path, MAX_PATH).unwrap_or_default();
        let depth = depth(check, request.depth);
        let size = check.size(request.page_size, CHILDREN);
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some(ExplainQuery {
            payee,
            period,
            plan,
            component,
            path,
            depth: depth?,
            skip: 0,
            size: size?,
            as_of: as_of?,
        })
    })
}

pub(super) fn depth(check: &mut Check, depth: i32) -> Option<u16> {
    match u16::try_from(depth) {
        Ok(0) => Some(DEPTH),
        Ok(levels) if depth <= MAX_DEPTH => Some(levels),
        _ => {
            check.add("depth", format!("must be 0 to {MAX_DEPTH}, got {depth}"));
            None
        }
    }
}

/// Attainment as the contract says it.
pub fn attainment_wire(answer: Attainments) -> v1::GetAttainmentResponse {
    v1::GetAttainmentResponse {
        attainments: answer.attainments.into_iter().map(figures_wire).collect(),
        as_of_change: answer.as_of,
        rules_revision: small(answer.rules_revision),
        period: answer.period.to_string(),
        on_date: answer.on.to_string(),
    }
}

fn open_deals_wire(open: OpenDeals) -> v1::OpenDeals {
    v1::OpenDeals {
        deals: small(open.deals),
        weighted: open.weighted,
        without_close_date: small(open.without_close_date),
        overdue: small(open.overdue),
        without_probability: small(open.without_probability),
        without_amount: small(open.without_amount),
        first_left_out_deal_ids: open.first_left_out,
    }
}

/// How far a payee is in a window.
pub(super) fn figures_wire(figures: AttainmentFigures) -> v1::Attainment {
    v1::Attainment {
        measure_id: figures.measure.to_string(),
        window: figures.window,
        credited: figures.credited,
        quota: figures.quota,
        attainment_percent: figures.attainment_percent,
        currency_code: text((figures.unit == Unit::Money).then_some(figures.currency)),
        unit: unit_wire(figures.unit).into(),
        elapsed_percent: figures.elapsed_percent,
        expected: figures.expected,
        pace_percent: figures.pace_percent,
        forecast_by_pace: figures.forecast_by_pace,
        days_left: small(figures.days_left),
        needed_per_week: figures.needed_per_week,
        forecast_by_pipeline: figures.forecast_by_pipeline,
        open_deals: figures.open_deals.map(open_deals_wire),
    }
}

/// A statement as the contract says it.
pub fn statement_wire(statement: Statement, closed: bool) -> v1::Statement {
    let state = if closed { v1::statement::State::Closed } else { v1::statement::State::Open };
    let currency = statement.currency;
    let adjustments = statement.adjustments.into_iter().map(|adjustment| v1::PriorPeriodAdjustment {
        for_period: adjustment.for_period.to_string(),
        plan_id: adjustment.plan.to_string(),
        component_id: adjustment.component.to_string(),
        window: adjustment.window,
        amount: adjustment.amount,
        currency_code: adjustment.currency.unwrap_or(currency).to_string(),
    });
    let other = |total: OtherTotal| v1::OtherTotal {
        currency_code: total.currency.to_string(),
        earned: total.earned,
        adjusted: total.adjusted,
        total: total.total,
    };
    v1::Statement {
        payee_id: statement.payee.to_string(),
        period: statement.period.to_string(),
        state: state.into(),
        currency_code: currency.to_string(),
        earned: statement.earned,
        adjusted: statement.adjusted,
        total: statement.total,
        components: statement.components.into_iter().map(|part| component_wire(part, currency)).collect(),
        adjustments: adjustments.collect(),
        problems: statement.problems,
        as_of_change: statement.as_of,
        rules_revision: small(statement.rules_revision),
        digest: statement.digest,
        other_totals: statement.others.into_iter().map(other).collect(),
    }
}

fn component_wire(component: ComponentFigures, statements: Currency) -> v1::ComponentStatement {
    let currency = component.currency.unwrap_or(statements);
    let lines = component.lines.into_iter().map(|line| v1::StatementLine {
        event_date: line.day.to_string(),
        deal_id: line.deal.to_string(),
        event_id: line.event.to_string(),
        reversed_event_id: text(line.reverses),
        credited: line.credited,
        earned: line.amount,
        limited: line.limited,
    });
    let reports = component.reports.into_iter().map(|report| v1::ReportLine {
        payee_id: report.payee.to_string(),
        credited: report.credited,
        earned: report.amount,
    });
    v1::ComponentStatement {
        plan_id: component.plan.to_string(),
        component_id: component.component.to_string(),
        name: component.name,
        window: component.window,
        earned: component.earned,
        earned_to_date: component.to_date,
        segments: component.segments.into_iter().map(|part| segment_wire(part, currency)).collect(),
        lines: lines.collect(),
        reports: reports.collect(),
        repriced: component.repriced,
        currency_code: currency.to_string(),
    }
}

fn segment_wire(segment: SegmentFigures, currency: Currency) -> v1::Segment {
    let SegmentFigures { axis, pays, .. } = segment;
    let tiers = segment.tiers.into_iter().map(|tier| {
        let [edge_percent, edge_amount, edge_units] = edge_wire(tier.edge, axis, currency);
        let [rate_percent, rate_amount, rate_multiple] = rate_wire(tier.rate, pays);
        v1::TierLine {
            edge_percent,
            rate_percent,
            credited: tier.credited,
            earned: tier.amount,
            edge_amount,
            edge_units,
            rate_amount,
            rate_multiple,
            flat_amount: tier.flat,
            edge_lower: tier.edge_lower,
        }
    });
    v1::Segment {
        start_date: segment.from.to_string(),
        end_date: segment.to.to_string(),
        plan_version: small(segment.plan_version),
        measure_id: text(segment.measure),
        quota: segment.quota,
        credited: segment.credited,
        attainment_percent: segment.attainment_percent,
        tiers: tiers.collect(),
        earned: segment.amount,
        line_measure_id: text(segment.line_measure),
        axis: axis_wire(axis).into(),
        rate_kind: rate_kind_wire(pays).into(),
        unit: unit_wire(segment.unit).into(),
        line_unit: unit_wire(segment.line_unit).into(),
        line: segment.line,
        base_rate_amount: segment.base_rate,
        payout: segment.payout,
        steps: segment.steps.into_iter().map(step_wire).collect(),
    }
}

fn step_wire(step: StepFigures) -> v1::Step {
    use v1::step::Kind;
    let kind = match step.kind {
        StepKind::Target => Kind::Target,
        StepKind::Figure => Kind::Figure,
        StepKind::Payout => Kind::Payout,
        StepKind::Multiplier => Kind::Multiplier,
        StepKind::CreditLimit => Kind::CreditLimit,
        StepKind::Gate => Kind::Gate,
        StepKind::WindowCap => Kind::WindowCap,
        StepKind::Carried => Kind::Carried,
        StepKind::WindowFloor => Kind::WindowFloor,
        StepKind::Budget => Kind::Budget,
        StepKind::PlanCap => Kind::PlanCap,
        StepKind::Place => Kind::Place,
        StepKind::Share => Kind::Share,
    };
    v1::Step {
        kind: kind.into(),
        title: step.title,
        value: step.value,
        formula: text(step.formula),
        inputs: step.inputs,
    }
}

/// The token of a node's children after so many. It holds the period too: pages stay in the month of the first,
/// whatever month it is by then.
pub fn children_token(paging: &Paging, (as_of, period): (i64, Period), given: usize) -> String {
    paging.token(as_of, Some(&format!("{period} {given}")))
}

/// Reads where a page of children goes on: the period, and how many came before.
pub fn children_after(after: &str) -> Option<(Period, usize)> {
    let (period, given) = after.split_once(' ')?;
    Some((Period::parse(period).ok()?, given.parse().ok()?))
}

/// An explanation as the contract says it: `skip` children of the node were on pages before, and `paging` makes
/// the token under which a node's further children are asked for, given the node's path. `place`: the journal number
/// and the period explained.
pub fn explanation_wire(
    node: &Explanation,
    skip: usize,
    place: (i64, Period),
    paging: &impl Fn(&str) -> Paging,
) -> v1::Explanation {
    let given = skip.saturating_add(node.children.len());
    let more = !node.children.is_empty() && given < node.child_count;
    v1::Explanation {
        path: node.path.clone(),
        title: node.title.clone(),
        value: text(node.value.as_ref()),
        formula: text(node.formula.as_ref()),
        inputs: node.inputs.clone(),
        children: node.children.iter().map(|child| explanation_wire(child, 0, place, paging)).collect(),
        child_count: small(node.child_count),
        next_page_token: if more { children_token(&paging(&node.path), place, given) } else { String::new() },
    }
}

/// An explanation to read: a line for each node with its figure and how it is made, two spaces deeper a level.
pub fn explanation_text(node: &Explanation, skip: usize) -> String {
    let mut lines = String::new();
    write_node(node, skip, 0, &mut lines);
    lines
}

fn write_node(node: &Explanation, skip: usize, level: usize, lines: &mut String) {
    let indent = "  ".repeat(level);
    lines.push_str(&indent);
    lines.push_str(&node.title);
    for (before, part) in [(": ", &node.value), (" = ", &node.formula)] {
        if let Some(part) = part {
            lines.push_str(before);
            lines.push_str(part);
        }
    }
    if !node.inputs.is_empty() {
        lines.push_str(&format!(" [{}]", node.inputs.join(", ")));
    }
    lines.push('\n');
    for child in &node.children {
        write_node(child, 0, level + 1, lines);
    }
    let left = node.child_count.saturating_sub(skip.saturating_add(node.children.len()));
    if left > 0 {
        lines.push_str(&format!("{indent}  … and {left} more\n"));
    }
}
