//! Proposals of quotas as the contract says them.

use crate::api::convert::{small, text};
use crate::api::v1;
use crate::api::v1::quota_allocation::Weigh as WireWeigh;
use crate::api::v1::quota_projection::By;
use crate::api::v1::quota_proposal::{State, Way as WireWay};
use crate::app::proposal::{Compared, Standing, Told};
use crate::domain::date::Calendar;
use crate::domain::exact::Exact;
use crate::domain::id::PayeeId;
use crate::domain::number::{Percent, Quantity};
use crate::domain::proposal::{
    Allocation, Bound, Limits, Projection, Proposal, Season, Terms, Way, Weigh, envelope,
};
use crate::domain::quality::{Assessment, Lack, QualityKind};

/// Most warnings of an answer.
const MAX_WARNINGS: usize = 100;
/// Decimals of a percentage shown.
const SHOWN: u32 = 6;

fn state(proposal: &Proposal) -> State {
    if proposal.body.published { State::Published } else { State::Open }
}

/// A proposal as the contract says it.
pub fn wire(standing: &Standing, calendar: &Calendar) -> v1::QuotaProposal {
    let proposal = &standing.proposal;
    let terms = &proposal.body.terms;
    let told = |figure: i64| terms.text(figure.into());
    let percents = |percents: &[Percent]| percents.iter().map(Percent::to_string).collect();
    let way = match &terms.way {
        Way::Allocate(allocation) => WireWay::Allocation(allocation_wire(allocation, terms)),
        Way::Project(projection) => WireWay::Projection(v1::QuotaProjection {
            by: Some(match projection {
                Projection::Growth(percent) => By::GrowthPercent(percent.to_string()),
                Projection::Trend => By::Trend(true),
                Projection::Given(figures) => {
                    let figure = |(payee, figure): (&PayeeId, &i64)| v1::PayeeFigure {
                        payee_id: payee.to_string(),
                        figure: told(*figure),
                    };
                    By::Given(v1::PayeeFigures { figures: figures.iter().map(figure).collect() })
                }
            }),
        }),
    };
    let limits_wire = |limits: &Limits| v1::QuotaLimits {
        floor: text(limits.floor.map(told)),
        ceiling: text(limits.ceiling.map(told)),
        least_percent: text(limits.least_percent),
        most_percent: text(limits.most_percent),
    };
    let of_payee = |(payee, limits): (&PayeeId, &Limits)| v1::PayeeLimits {
        payee_id: payee.to_string(),
        limits: Some(limits_wire(limits)),
    };
    v1::QuotaProposal {
        proposal_id: proposal.id.to_string(),
        root_payee_id: terms.root.to_string(),
        measure_id: terms.measure.to_string(),
        team_measure_id: text(terms.team_measure.as_ref()),
        window: calendar.window_text(terms.window),
        currency_code: text(terms.currency),
        step: told(terms.step),
        history: Some(v1::QuotaHistory {
            measure_id: terms.history.measure.to_string(),
            first_period: terms.history.first.to_string(),
            last_period: terms.history.last.to_string(),
        }),
        limits: Some(&terms.limits).filter(|limits| **limits != Limits::default()).map(limits_wire),
        payee_limits: terms.payee_limits.iter().map(of_payee).collect(),
        seasonality_percents: match &terms.season {
            Season::Given(weights) => percents(weights),
            Season::Even | Season::History => Vec::new(),
        },
        computed_seasonality_percents: match &proposal.body.seasonality {
            Some(weights) if terms.season == Season::History => percents(weights),
            Some(_) | None => Vec::new(),
        },
        seasonality_from_history: terms.season == Season::History,
        etag: standing.etag,
        state: state(proposal).into(),
        computed_as_of_change: proposal.body.computed_as_of,
        way: Some(way),
    }
}

fn allocation_wire(allocation: &Allocation, terms: &Terms) -> v1::QuotaAllocation {
    let percents = |percents: &[Percent]| percents.iter().map(Percent::to_string).collect();
    let weight = |(payee, weight): (&PayeeId, &Quantity)| v1::PayeeWeight {
        payee_id: payee.to_string(),
        weight: weight.to_string(),
    };
    let (weigh, ramp) = match &allocation.weigh {
        Weigh::Equal => (WireWeigh::Equal, &[][..]),
        Weigh::History => (WireWeigh::History, &[][..]),
        Weigh::TerritoryPotential => (WireWeigh::TerritoryPotential, &[][..]),
        Weigh::RampedCapacity(ramp) => (WireWeigh::RampedCapacity, ramp.as_slice()),
        Weigh::Given => (WireWeigh::Given, &[][..]),
    };
    v1::QuotaAllocation {
        goal: terms.text(allocation.goal.into()),
        weigh: weigh.into(),
        weights: allocation.weights.iter().map(weight).collect(),
        over_assignment_percents: percents(&allocation.over_assignment),
        ramp_percents: percents(ramp),
    }
}

/// A proposal in a list.
pub fn header(proposal: &Proposal, etag: i64, calendar: &Calendar) -> v1::QuotaProposalHeader {
    let terms = &proposal.body.terms;
    v1::QuotaProposalHeader {
        proposal_id: proposal.id.to_string(),
        root_payee_id: terms.root.to_string(),
        measure_id: terms.measure.to_string(),
        window: calendar.window_text(terms.window),
        state: state(proposal).into(),
        etag,
    }
}

/// A figure as the contract says it.
pub fn figure_wire(told: &Told, terms: &Terms) -> v1::ProposalFigure {
    let (figure, made) = (&told.figure.value, &told.figure.value.made);
    let shown = |figure: i64| terms.text(figure.into());
    let step = i128::from(terms.step.max(1));
    let over = terms.over(figure.level.saturating_add(1));
    let below = envelope(i128::from(figure.amount) / step, over).and_then(|steps| steps.checked_mul(step));
    v1::ProposalFigure {
        payee_id: figure.payee.to_string(),
        manager_id: text(figure.manager.as_ref()),
        level: small(figure.level),
        figure: shown(figure.amount),
        proposed: shown(made.proposed),
        has_reports: made.team,
        envelope: text(below.filter(|_| made.team).map(|below| terms.text(below))),
        weight: text(made.weight.as_ref()),
        history: shown(made.history),
        floor: shown(made.floor),
        ceiling: text(made.ceiling.map(shown)),
        bound: match made.bound {
            None => v1::proposal_figure::Bound::Unspecified,
            Some(Bound::Floor) => v1::proposal_figure::Bound::Floor,
            Some(Bound::Ceiling) => v1::proposal_figure::Bound::Ceiling,
        }
        .into(),
        etag: told.figure.added_in,
        changed_by: told.actor.clone(),
        reason: text(told.reason.as_ref()),
    }
}

/// Figures in two proposals as the contract says them.
pub fn compared_wire(compared: &Compared, terms: &Terms) -> v1::FigureComparison {
    let shown = |figure: i64| terms.text(figure.into());
    let part = |figure: Option<i64>| i128::from(figure.unwrap_or_default());
    let difference = part(compared.other) - part(compared.one);
    let percent = compared.one.filter(|one| *one != 0).and_then(|one| {
        let hundred = Exact::whole(difference).mul(&Exact::whole(100));
        hundred.div(&Exact::whole(one.into()))
    });
    v1::FigureComparison {
        payee_id: compared.payee.to_string(),
        figure: compared.one.map(shown),
        other_figure: compared.other.map(shown),
        difference: terms.text(difference),
        difference_percent: percent.map(|percent| percent.text(SHOWN)),
    }
}

/// What there is to say about a proposal, as the contract says it.
pub fn assessed(assessment: &Assessment, as_of_change: i64) -> v1::AssessQuotaProposalResponse {
    let kind = |kind| match kind {
        QualityKind::ExpectedToReach => v1::quota_quality::Kind::ExpectedToReach,
        QualityKind::Stretch => v1::quota_quality::Kind::Stretch,
        QualityKind::MedianStretch => v1::quota_quality::Kind::MedianStretch,
        QualityKind::Dispersion => v1::quota_quality::Kind::Dispersion,
        QualityKind::Tested => v1::quota_quality::Kind::Tested,
        QualityKind::PipelineCoverage => v1::quota_quality::Kind::PipelineCoverage,
        QualityKind::WeightedPipelineCoverage => v1::quota_quality::Kind::WeightedPipelineCoverage,
    };
    let lack = |lack| match lack {
        Lack::Measure => v1::quota_warning::Kind::NoMeasure,
        Lack::Span => v1::quota_warning::Kind::NoSpan,
        Lack::Reach => v1::quota_warning::Kind::OutOfReach,
        Lack::Test => v1::quota_warning::Kind::Untested,
        Lack::Goal => v1::quota_warning::Kind::Zero,
    };
    let qualities = assessment.qualities.iter().map(|quality| v1::QuotaQuality {
        kind: kind(quality.kind).into(),
        value: quality.value.as_ref().map(|value| value.text(SHOWN)),
        formula: quality.formula.clone(),
    });
    let warnings = assessment.concerns.iter().take(MAX_WARNINGS).map(|concern| v1::QuotaWarning {
        payee_id: concern.payee.to_string(),
        kind: lack(concern.lack).into(),
        message: concern.message.clone(),
    });
    v1::AssessQuotaProposalResponse {
        qualities: qualities.collect(),
        warnings: warnings.collect(),
        warning_count: small(assessment.concerns.len()),
        as_of_change,
    }
}
