//! Ways to pay, each in its own field of the component.

use v1::component::{Due as WireDue, Payout as Wire};

use super::modifier::{curve, curve_wire, gauge, gauge_wire, required_edge};
use super::rates::{edge_wire, optional, present, rates, rates_wire};
use super::{Check, text};
use crate::api::v1;
use crate::domain::money::Currency;
use crate::domain::number::{Number, Percent, Quantity};
use crate::domain::plan::{
    Bonus, Due, Edge, Fund, MAX_PARTS, Matrix, MatrixPays, Objective, Objectives, Override, Payout, Pool,
    Rank, Residual, Scale, Spiff, Target, Weight,
};

/// Reads how a component pays.
pub(super) fn payout(check: &mut Check, wire: Option<&Wire>, currency: Currency) -> Option<Payout> {
    match wire {
        Some(Wire::Rates(wire)) => {
            check.inner("rates", Some(wire), |check, wire| rates(check, wire, currency)).map(Payout::Rates)
        }
        Some(Wire::Bonus(wire)) => {
            check.inner("bonus", Some(wire), |check, wire| bonus(check, wire, currency)).map(Payout::Bonus)
        }
        Some(Wire::Objectives(wire)) => check
            .inner("objectives", Some(wire), |check, wire| objectives(check, wire, currency))
            .map(Payout::Objectives),
        Some(Wire::Spiff(wire)) => check.inner("spiff", Some(wire), spiff).map(Payout::Spiff),
        Some(Wire::Matrix(wire)) => {
            check.inner("matrix", Some(wire), |check, wire| matrix(check, wire, currency)).map(Payout::Matrix)
        }
        Some(Wire::Rank(wire)) => {
            check.inner("rank", Some(wire), |check, wire| rank(check, wire, currency)).map(Payout::Rank)
        }
        Some(Wire::Pool(wire)) => {
            check.inner("pool", Some(wire), |check, wire| pool(check, wire, currency)).map(Payout::Pool)
        }
        Some(Wire::Override(wire)) => check
            .inner("override", Some(wire), |check, wire| override_(check, wire, currency))
            .map(Payout::Override),
        Some(Wire::Residual(wire)) => check
            .inner("residual", Some(wire), |check, wire| residual(check, wire, currency))
            .map(Payout::Residual),
        None => {
            let kinds = "rates, bonus, objectives, spiff, matrix, rank, pool, override, residual";
            check.add("payout", format!("must be given: one of {kinds}"));
            None
        }
    }
}

/// What 100 percent pay: an amount, or what the component's part of the target incentive is.
fn target(check: &mut Check, amount: &str, currency: Currency) -> Option<Target> {
    match amount {
        "" => Some(Target::Incentive),
        amount => check.required_amount("target_amount", amount, currency).map(Target::Amount),
    }
}

fn due(check: &mut Check, due: i32) -> Option<Due> {
    check.choice("due", due, |due| match due {
        WireDue::Unspecified | WireDue::WindowEnd => Some(Due::WindowEnd),
        WireDue::Progressive => Some(Due::Progressive),
    })
}

fn bonus(check: &mut Check, wire: &v1::Bonus, currency: Currency) -> Option<Bonus> {
    let target = target(check, &wire.target_amount, currency);
    let curve = check.inner("curve", wire.curve.as_ref(), |check, wire| curve(check, wire, currency));
    let due = due(check, wire.due);
    Some(Bonus { target: target?, curve: curve?, due: due? })
}

fn objectives(check: &mut Check, wire: &v1::Objectives, currency: Currency) -> Option<Objectives> {
    let target = target(check, &wire.target_amount, currency);
    let objectives = check.list("objectives", &wire.objectives, MAX_PARTS, |check, wire| {
        let measure = check.id("measure_id", &wire.measure_id);
        let weight = check.percent("weight_percent", &wire.weight_percent);
        Some(Objective { measure: measure?, weight: weight? })
    });
    Some(Objectives { target: target?, objectives: objectives? })
}

fn spiff(check: &mut Check, wire: &v1::Spiff) -> Option<Spiff> {
    let measure = check.id("measure_id", &wire.measure_id);
    let amount = check.take("amount", Number::parse(&wire.amount));
    let first = optional(&wire.first_quantity, |text| check.take("first_quantity", Quantity::parse(text)));
    let from = optional(&wire.start_date, |text| check.day("start_date", text));
    let to = optional(&wire.end_date, |text| check.day("end_date", text));
    let (first, from, to) = (present(first), present(from), present(to));
    Some(Spiff { measure: measure?, amount: amount?, first: first?, from: from?, to: to? })
}

fn matrix(check: &mut Check, wire: &v1::Matrix, currency: Currency) -> Option<Matrix> {
    let mut scale = |field: &str, wire: Option<&v1::Scale>| {
        check.inner(field, wire, |check, wire| scale(check, wire, currency))
    };
    let (rows, columns) = (scale("rows", wire.rows.as_ref()), scale("columns", wire.columns.as_ref()));
    let cells = check.list("cells", &wire.cells, MAX_PARTS, |check, row| {
        check.list("percents", &row.percents, MAX_PARTS, |check, text| check.percent("", text))
    });
    let pays = if wire.measure_id.is_empty() {
        let (target, due) = (target(check, &wire.target_amount, currency), due(check, wire.due));
        target.zip(due).map(|(target, due)| MatrixPays::Target { target, due })
    } else {
        for (field, given) in
            [("target_amount", !wire.target_amount.is_empty()), ("due", wire.due() != WireDue::Unspecified)]
        {
            if given {
                check.add(field, "must be absent where a measure is named: its credits are paid on");
            }
        }
        check.id("measure_id", &wire.measure_id).map(MatrixPays::Credits)
    };
    Some(Matrix { rows: rows?, columns: columns?, cells: cells?, pays: pays? })
}

fn scale(check: &mut Check, wire: &v1::Scale, currency: Currency) -> Option<Scale> {
    let (gauge, axis) = gauge(check, wire.gauge.as_ref());
    let edges = check.list("edges", &wire.edges, MAX_PARTS, |check, wire| {
        let texts = [&wire.edge_percent, &wire.edge_amount, &wire.edge_units];
        let edge = required_edge(check, texts, axis, currency)?;
        Some(Edge { edge, edge_lower: wire.edge_lower })
    });
    Some(Scale { gauge: gauge?, edges: edges? })
}

fn rank(check: &mut Check, wire: &v1::Rank, currency: Currency) -> Option<Rank> {
    let (gauge, _) = gauge(check, wire.gauge.as_ref());
    let places = check.list("place_amounts", &wire.place_amounts, MAX_PARTS, |check, text| {
        check.required_amount("", text, currency)
    });
    Some(Rank { gauge: gauge?, places: places? })
}

fn pool(check: &mut Check, wire: &v1::Pool, currency: Currency) -> Option<Pool> {
    let fund = if wire.amount.is_empty() {
        if wire.measure_id.is_empty() && wire.percent.is_empty() {
            check.add("amount", "must be given, or measure_id and percent");
            None
        } else {
            let measure = check.id("measure_id", &wire.measure_id);
            let percent = check.percent("percent", &wire.percent);
            measure.zip(percent).map(|(measure, percent)| Fund::Percent { measure, percent })
        }
    } else {
        for (field, text) in [("measure_id", &wire.measure_id), ("percent", &wire.percent)] {
            if !text.is_empty() {
                check.add(field, "must be empty where an amount is given");
            }
        }
        check.required_amount("amount", &wire.amount, currency).map(Fund::Amount)
    };
    let weight = check.choice("weight", wire.weight, |weight| match weight {
        v1::pool::Weight::Unspecified => None,
        v1::pool::Weight::Equal => Some(Some(Weight::Equal)),
        v1::pool::Weight::TargetIncentive => Some(Some(Weight::TargetIncentive)),
        v1::pool::Weight::Gauge => Some(None),
    });
    let by = match weight {
        Some(None) => gauge(check, wire.gauge.as_ref()).0.map(Weight::Gauge),
        Some(Some(_)) if wire.gauge.is_some() => {
            check.add("gauge", "must be absent unless the weight is WEIGHT_GAUGE");
            None
        }
        Some(weight) => weight,
        None => None,
    };
    Some(Pool { fund: fund?, by: by? })
}

fn override_(check: &mut Check, wire: &v1::Override, currency: Currency) -> Option<Override> {
    let rates = check.inner("rates", wire.rates.as_ref(), |check, wire| rates(check, wire, currency));
    let less = check.ids("less_component_ids", &wire.less_component_ids);
    check.once("less_component_ids", &wire.less_component_ids);
    Some(Override { rates: rates?, less: less? })
}

fn residual(check: &mut Check, wire: &v1::Residual, currency: Currency) -> Option<Residual> {
    let rates = check.inner("rates", wire.rates.as_ref(), |check, wire| rates(check, wire, currency));
    Some(Residual { rates: rates?, first_month: wire.first_month, last_month: wire.last_month })
}

/// How a component pays, as the contract says it.
pub(super) fn payout_wire(payout: &Payout, currency: Currency) -> Wire {
    match payout {
        Payout::Rates(rates) => Wire::Rates(rates_wire(rates, currency)),
        Payout::Bonus(bonus) => Wire::Bonus(v1::Bonus {
            target_amount: target_wire(bonus.target, currency),
            curve: Some(curve_wire(&bonus.curve, currency)),
            due: due_wire(bonus.due).into(),
        }),
        Payout::Objectives(objectives) => {
            let objective = |objective: &Objective| v1::Objective {
                measure_id: objective.measure.to_string(),
                weight_percent: objective.weight.to_string(),
            };
            Wire::Objectives(v1::Objectives {
                target_amount: target_wire(objectives.target, currency),
                objectives: objectives.objectives.iter().map(objective).collect(),
            })
        }
        Payout::Spiff(spiff) => Wire::Spiff(v1::Spiff {
            measure_id: spiff.measure.to_string(),
            amount: spiff.amount.to_string(),
            first_quantity: text(spiff.first),
            start_date: text(spiff.from),
            end_date: text(spiff.to),
        }),
        Payout::Matrix(matrix) => Wire::Matrix(matrix_wire(matrix, currency)),
        Payout::Rank(rank) => Wire::Rank(v1::Rank {
            gauge: Some(gauge_wire(&rank.gauge)),
            place_amounts: rank.places.iter().map(|amount| currency.amount((*amount).into())).collect(),
        }),
        Payout::Pool(pool) => Wire::Pool(pool_wire(pool, currency)),
        Payout::Override(payout) => Wire::Override(v1::Override {
            rates: Some(rates_wire(&payout.rates, currency)),
            less_component_ids: payout.less.iter().map(ToString::to_string).collect(),
        }),
        Payout::Residual(payout) => Wire::Residual(v1::Residual {
            rates: Some(rates_wire(&payout.rates, currency)),
            first_month: payout.first_month,
            last_month: payout.last_month,
        }),
    }
}

fn target_wire(target: Target, currency: Currency) -> String {
    match target {
        Target::Amount(minor) => currency.amount(minor.into()),
        Target::Incentive => String::new(),
    }
}

/// What is as usual is left out, so that a plan reads as short as it was written.
fn due_wire(due: Due) -> WireDue {
    match due {
        Due::WindowEnd => WireDue::Unspecified,
        Due::Progressive => WireDue::Progressive,
    }
}

fn matrix_wire(matrix: &Matrix, currency: Currency) -> v1::Matrix {
    let scale = |scale: &Scale| {
        let edge = |edge: &Edge| {
            let [edge_percent, edge_amount, edge_units] = edge_wire(edge.edge, scale.gauge.axis, currency);
            v1::Edge { edge_percent, edge_amount, edge_units, edge_lower: edge.edge_lower }
        };
        v1::Scale { gauge: Some(gauge_wire(&scale.gauge)), edges: scale.edges.iter().map(edge).collect() }
    };
    let (measure, target_amount, due) = match &matrix.pays {
        MatrixPays::Credits(measure) => (Some(measure), String::new(), Due::default()),
        MatrixPays::Target { target, due } => (None, target_wire(*target, currency), *due),
    };
    let row = |row: &Vec<Percent>| v1::MatrixRow { percents: row.iter().map(Percent::to_string).collect() };
    v1::Matrix {
        rows: Some(scale(&matrix.rows)),
        columns: Some(scale(&matrix.columns)),
        cells: matrix.cells.iter().map(row).collect(),
        measure_id: text(measure),
        target_amount,
        due: due_wire(due).into(),
    }
}

fn pool_wire(pool: &Pool, currency: Currency) -> v1::Pool {
    let (amount, measure, percent) = match &pool.fund {
        Fund::Amount(minor) => (currency.amount((*minor).into()), None, None),
        Fund::Percent { measure, percent } => (String::new(), Some(measure), Some(*percent)),
    };
    let (weight, gauge) = match &pool.by {
        Weight::Equal => (v1::pool::Weight::Equal, None),
        Weight::TargetIncentive => (v1::pool::Weight::TargetIncentive, None),
        Weight::Gauge(gauge) => (v1::pool::Weight::Gauge, Some(gauge_wire(gauge))),
    };
    v1::Pool { amount, measure_id: text(measure), percent: text(percent), weight: weight.into(), gauge }
}
