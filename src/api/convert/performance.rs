//! Performance figures.

use super::earnings::figures_wire as attainment_wire;
use super::measure::unit_wire;
use super::{Check, count, read, small, text};
use crate::api::v1;
use crate::app::performance::{
    Asked, BoardAnswer, BoardQuery, Compare, Dimension, Figure, FigureTexts, Filter, MemberAnswer, Over,
    PartsAnswer, PerformanceFigures, PerformanceQuery, PipelineTexts, RULES_REVISION, TeamAnswer, TeamQuery,
};
use crate::app::{AsOf, Page};
use crate::domain::condition::Field;
use crate::domain::date::Period;
use crate::domain::fault::Fault;
use crate::domain::id::{self, PayeeId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;

/// The rpc that cuts figures into parts.
pub const PARTS: &str = "attain.v1.PerformanceService/ListPerformance";
/// The rpc that gives a manager's page.
pub const TEAM: &str = "attain.v1.PerformanceService/GetTeamPerformance";
/// The rpc that puts people in order.
pub const BOARD: &str = "attain.v1.PerformanceService/GetLeaderboard";

/// Most characters of a value of a free attribute.
const MAX_VALUE: usize = 500;
/// Most characters of a title.
const MAX_TITLE: usize = 100;

/// The revision of the rules that computed the figures.
pub fn rules_revision() -> i32 {
    small(RULES_REVISION)
}

/// What every request for figures of a subject says alike.
struct Common<'a> {
    subject: Option<&'a v1::Subject>,
    filter: Option<&'a v1::DealFilter>,
    from_period: &'a str,
    to_period: &'a str,
    on_date: &'a str,
    measure_id: &'a str,
    currency_code: &'a str,
}

/// Reads it; `own` is who is asked about where nobody is.
fn common(check: &mut Check, request: &Common, own: Asked) -> Option<PerformanceQuery> {
    let subject = match request.subject {
        Some(subject) => asked(check, subject),
        None => Some(own),
    };
    let filter = match request.filter {
        Some(filter) => check.inner("filter", Some(filter), self::filter),
        None => Some(Filter::default()),
    };
    let first = check.optional_period("from_period", request.from_period);
    let last = check.optional_period("to_period", request.to_period);
    let on = check.optional_day("on_date", request.on_date);
    let measure = check.optional_id("measure_id", request.measure_id);
    let currency = currency(check, request.currency_code);
    let over = Over::Months(first, last);
    let as_of = AsOf::default();
    Some(PerformanceQuery { subject: subject?, filter: filter?, over, on, measure, currency, as_of })
}

fn asked(check: &mut Check, subject: &v1::Subject) -> Option<Asked> {
    use v1::subject::Subject;
    check.inner("subject", subject.subject.as_ref(), |check, subject| match subject {
        Subject::PayeeId(payee) => check.id("payee_id", payee).map(|payee| Asked::Payee(Some(payee))),
        Subject::TeamOfPayeeId(payee) => {
            check.id("team_of_payee_id", payee).map(|payee| Asked::Team(Some(payee)))
        }
        Subject::TerritoryId(territory) => check.id("territory_id", territory).map(Asked::Territory),
        Subject::Company(true) => Some(Asked::Company),
        Subject::Company(false) => {
            check.add("company", "must be true or left out");
            None
        }
    })
}

fn filter(check: &mut Check, filter: &v1::DealFilter) -> Option<Filter> {
    let product = check.optional_id("product_id", &filter.product_id);
    let customer = check.optional_id("customer_id", &filter.customer_id);
    let segment = match &filter.segment {
        Some(segment) => Some(check.inner("segment", Some(segment), |check, segment| {
            let attribute = attribute(check, &segment.attribute);
            let value = check.text("value", &segment.value, MAX_VALUE);
            Some((attribute?, value))
        })?),
        None => None,
    };
    Some(Filter { product, customer, segment })
}

fn attribute(check: &mut Check, name: &str) -> Option<Field> {
    check.take("attribute", id::check(name))?;
    Some(Field::Attribute(name.into()))
}

fn currency(check: &mut Check, code: &str) -> Option<Currency> {
    if code.is_empty() { None } else { check.take("currency_code", Currency::parse(code)) }
}

/// Reads a request for figures.
pub fn performance(request: &v1::GetPerformanceRequest) -> Result<(PerformanceQuery, Compare), Fault> {
    read(|check| {
        let common_fields = Common {
            subject: request.subject.as_ref(),
            filter: request.filter.as_ref(),
            from_period: &request.from_period,
            to_period: &request.to_period,
            on_date: &request.on_date,
            measure_id: &request.measure_id,
            currency_code: &request.currency_code,
        };
        let query = common(check, &common_fields, Asked::Payee(None));
        let as_of = check.as_of(request.as_of_change, request.min_change);
        let compare = Compare { past: request.compare_past, peers: request.compare_peers };
        Some((PerformanceQuery { as_of: as_of?, ..query? }, compare))
    })
}

/// Reads a request for figures in parts, its page token still unread.
pub fn parts(request: &v1::ListPerformanceRequest) -> Result<(PerformanceQuery, Dimension, Page), Fault> {
    use v1::list_performance_request::Dimension as Wire;
    read(|check| {
        let common_fields = Common {
            subject: request.subject.as_ref(),
            filter: request.filter.as_ref(),
            from_period: &request.from_period,
            to_period: &request.to_period,
            on_date: &request.on_date,
            measure_id: &request.measure_id,
            currency_code: &request.currency_code,
        };
        let query = common(check, &common_fields, Asked::Payee(None));
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let segment = request.dimension == i32::from(Wire::Segment);
        let field = match (segment, request.attribute.as_str()) {
            (true, name) => attribute(check, name),
            (false, "") => None,
            (false, name) => {
                check.add("attribute", format!("must be empty without DIMENSION_SEGMENT, got {name:?}"));
                None
            }
        };
        let dimension = check.choice("dimension", request.dimension, |dimension| match dimension {
            Wire::Unspecified => None,
            Wire::Month => Some(Dimension::Month),
            Wire::Member => Some(Dimension::Member),
            Wire::Territory => Some(Dimension::Territory),
            Wire::Product => Some(Dimension::Product),
            Wire::Customer => Some(Dimension::Customer),
            Wire::Segment => Some(field.clone().map_or(Dimension::Stage, Dimension::Segment)),
            Wire::Stage => Some(Dimension::Stage),
        });
        Some((query?, dimension?, page?))
    })
}

/// Reads a request for a manager's page, its page token still unread.
pub fn team(request: &v1::GetTeamPerformanceRequest) -> Result<(TeamQuery, Page), Fault> {
    read(|check| {
        let manager: Option<PayeeId> = check.optional_id("manager_id", &request.manager_id);
        let window = check.text("window", &request.window, 20).unwrap_or_default();
        let on = check.optional_day("on_date", &request.on_date);
        let measure = check.optional_id("measure_id", &request.measure_id);
        let currency = currency(check, &request.currency_code);
        let quota = check.optional_id("quota_measure_id", &request.quota_measure_id);
        let rank_by = match request.rank_by {
            0 => Some(Figure::Attainment),
            number => figure(check, "rank_by", number),
        };
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let performance = PerformanceQuery {
            subject: Asked::Team(manager),
            filter: Filter::default(),
            over: Over::Window(window),
            on,
            measure,
            currency,
            as_of: AsOf::default(),
        };
        Some((TeamQuery { performance, quota, rank_by: rank_by? }, page?))
    })
}

/// Reads a request for a leaderboard, its page token still unread.
pub fn board(request: &v1::GetLeaderboardRequest) -> Result<(BoardQuery, Page), Fault> {
    read(|check| {
        let figure = figure(check, "figure", request.figure);
        let attainment = figure == Some(Figure::Attainment);
        // The measure of quotas may be an outside one, of which nothing is booked.
        let booked = if attainment { "" } else { request.measure_id.as_str() };
        let quota = check.optional_id("measure_id", &request.measure_id).filter(|_| attainment);
        let common_fields = Common {
            subject: request.subject.as_ref(),
            filter: request.filter.as_ref(),
            from_period: &request.from_period,
            to_period: &request.to_period,
            on_date: &request.on_date,
            measure_id: booked,
            currency_code: &request.currency_code,
        };
        let performance = common(check, &common_fields, Asked::Team(None));
        let title = check.text("title", &request.title, MAX_TITLE);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let performance = performance?;
        if matches!(performance.subject, Asked::Payee(_)) {
            check.add("subject.payee_id", "must be a team, a territory or the company for a leaderboard");
        }
        if attainment && performance.filter != Filter::default() {
            check.add("filter", "must be empty for FIGURE_ATTAINMENT: quotas are of all deals");
        }
        Some((BoardQuery { performance, figure: figure?, quota, title }, page?))
    })
}

fn figure(check: &mut Check, field: &str, number: i32) -> Option<Figure> {
    use v1::Figure as Wire;
    check.choice(field, number, |figure| match figure {
        Wire::Unspecified => None,
        Wire::Booked => Some(Figure::Booked),
        Wire::MarginAmount => Some(Figure::MarginAmount),
        Wire::MarginPercent => Some(Figure::MarginPercent),
        Wire::Units => Some(Figure::Units),
        Wire::DealsWon => Some(Figure::DealsWon),
        Wire::WinRate => Some(Figure::WinRate),
        Wire::AverageDeal => Some(Figure::AverageDeal),
        Wire::MeanCycle => Some(Figure::MeanCycle),
        Wire::NewCustomers => Some(Figure::NewCustomers),
        Wire::Pipeline => Some(Figure::Pipeline),
        Wire::WeightedPipeline => Some(Figure::WeightedPipeline),
        Wire::Attainment => Some(Figure::Attainment),
    })
}

fn figure_wire(figure: Figure) -> i32 {
    use v1::Figure as Wire;
    let wire = match figure {
        Figure::Booked => Wire::Booked,
        Figure::MarginAmount => Wire::MarginAmount,
        Figure::MarginPercent => Wire::MarginPercent,
        Figure::Units => Wire::Units,
        Figure::DealsWon => Wire::DealsWon,
        Figure::WinRate => Wire::WinRate,
        Figure::AverageDeal => Wire::AverageDeal,
        Figure::MeanCycle => Wire::MeanCycle,
        Figure::NewCustomers => Wire::NewCustomers,
        Figure::Pipeline => Wire::Pipeline,
        Figure::WeightedPipeline => Wire::WeightedPipeline,
        Figure::Attainment => Wire::Attainment,
    };
    wire.into()
}

/// Figures as the contract says them.
fn figures_wire(figures: FigureTexts) -> v1::Figures {
    v1::Figures {
        booked: figures.booked,
        margin_amount: figures.margin_amount,
        margin_base_amount: figures.margin_base_amount,
        margin_percent: figures.margin_percent,
        units: figures.units,
        deals_won: count(figures.won),
        deals_lost: count(figures.lost),
        win_rate_percent: figures.win_rate,
        average_deal_amount: figures.average_deal,
        mean_cycle_days: figures.mean_cycle,
        median_cycle_days: figures.median_cycle,
        new_customers: count(figures.new_customers),
        pipeline: figures.pipeline.map(pipeline_wire),
        deals_with_amount: count(figures.deals_with_amount),
        won_amount: figures.won_amount,
        deals_with_cycle: count(figures.deals_with_cycle),
    }
}

fn pipeline_wire(pipeline: PipelineTexts) -> v1::Pipeline {
    v1::Pipeline {
        deals: count(pipeline.deals),
        amount: pipeline.amount,
        weighted_amount: pipeline.weighted,
        unlikely_amount: pipeline.unlikely,
        expected_amount: pipeline.expected,
        expected_weighted_amount: pipeline.expected_weighted,
    }
}

/// A subject's figures as the contract says them.
pub fn performance_wire(figures: PerformanceFigures) -> v1::Performance {
    let month = |(period, figures, growth_percent): (Period, FigureTexts, Option<String>)| v1::MonthFigures {
        period: period.to_string(),
        figures: Some(figures_wire(figures)),
        growth_percent,
    };
    let stage = |(stage, pipeline, others): (String, PipelineTexts, usize)| v1::StagePipeline {
        stage,
        pipeline: Some(pipeline_wire(pipeline)),
        other_stages: small(others),
    };
    let peer = |(figure, value, peers): (Figure, String, usize)| v1::PeerMedian {
        figure: figure_wire(figure),
        value,
        peers: small(peers),
    };
    let (span_before, year_before) =
        figures.past.map_or((None, None), |(span, year)| (Some(span), Some(year)));
    v1::Performance {
        from_period: figures.months.first.to_string(),
        to_period: figures.months.last.to_string(),
        on_date: figures.months.on.to_string(),
        measure_id: text(figures.measure),
        unit: unit_wire(figures.unit).into(),
        currency_code: figures.currency.to_string(),
        totals: Some(figures_wire(figures.totals)),
        months: figures.by_month.into_iter().map(month).collect(),
        stages: figures.stages.into_iter().map(stage).collect(),
        growth_percent: figures.growth,
        goals: figures.goals.into_iter().map(attainment_wire).collect(),
        span_before: span_before.map(figures_wire),
        year_before: year_before.map(figures_wire),
        peer_medians: figures.peers.into_iter().map(peer).collect(),
        undated_deals: count(figures.undated),
        problems: figures.problems.listed,
        problem_count: small(figures.problems.count),
    }
}

/// A part as the contract says it.
pub fn part_wire((key, figures): &(String, FigureTexts)) -> v1::PerformancePart {
    v1::PerformancePart { key: key.clone(), figures: Some(figures_wire(figures.clone())) }
}

/// What stands beside a page of parts.
pub fn parts_wire(answer: &PartsAnswer) -> v1::ListPerformanceResponse {
    v1::ListPerformanceResponse {
        unit: unit_wire(answer.unit).into(),
        currency_code: answer.currency.to_string(),
        as_of_change: answer.listed.as_of,
        rules_revision: rules_revision(),
        problems: answer.problems.listed.clone(),
        problem_count: small(answer.problems.count),
        ..v1::ListPerformanceResponse::default()
    }
}

/// A member as the contract says it.
pub fn member_wire(member: &MemberAnswer) -> v1::MemberPerformance {
    v1::MemberPerformance {
        payee_id: member.payee.to_string(),
        title: text(member.title.as_ref()),
        manager_id: text(member.manager.as_ref()),
        figures: Some(figures_wire(member.figures.clone())),
        attainment: member.attainment.clone().map(attainment_wire),
        place: member.place.map_or(0, small),
    }
}

/// What stands beside a page of members.
pub fn team_wire(answer: TeamAnswer, rank_by: Figure) -> v1::GetTeamPerformanceResponse {
    v1::GetTeamPerformanceResponse {
        manager_id: answer.manager.to_string(),
        window: answer.window,
        as_of_change: answer.members.as_of,
        performance: Some(performance_wire(answer.performance)),
        member_count: small(answer.count),
        rank_by: figure_wire(rank_by),
        quota_measure_id: text(answer.quota),
        rules_revision: rules_revision(),
        ..v1::GetTeamPerformanceResponse::default()
    }
}

/// A line of a leaderboard as the contract says it.
pub fn line_wire((place, payee, value): &(usize, PayeeId, String)) -> v1::LeaderboardLine {
    v1::LeaderboardLine { place: small(*place), payee_id: payee.to_string(), value: value.clone() }
}

/// What stands beside a page of a leaderboard.
pub fn board_wire(answer: &BoardAnswer, figure: Figure) -> v1::GetLeaderboardResponse {
    v1::GetLeaderboardResponse {
        quota_measure_id: text(answer.quota.as_ref()),
        placed: small(answer.placed),
        unplaced: small(answer.unplaced),
        figure: figure_wire(figure),
        unit: unit_wire(answer.unit).into(),
        currency_code: text((answer.unit == Unit::Money).then_some(answer.currency)),
        as_of_change: answer.listed.as_of,
        rules_revision: rules_revision(),
        problems: answer.problems.listed.clone(),
        problem_count: small(answer.problems.count),
        ..v1::GetLeaderboardResponse::default()
    }
}
