//! Steps from a price to what is earned, put in words as they are made: the figures in them are those that counted.

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::money::Currency;
use crate::domain::number::Percent;
use crate::domain::plan::{Axis, Curve, Gate};
use crate::domain::statement::{StepFigures, StepKind};

use super::attainment;
use super::gauge::{self, Reading};
use super::statement::{exact_amount, figure, percent_text};

/// Puts steps in words, money in a currency.
pub struct Words {
    pub currency: Currency,
}

impl Words {
    /// An exact amount of minor units as text.
    pub fn money(&self, minor: &Exact) -> String {
        exact_amount(self.currency, minor)
    }

    /// A part of one as percent.
    pub fn percent(&self, part: &Exact) -> String {
        format!("{}%", part.mul(&Exact::whole(100)).text(6))
    }

    /// A step.
    pub fn step(
        &self,
        kind: StepKind,
        title: impl Into<String>,
        value: String,
        formula: Option<String>,
    ) -> StepFigures {
        StepFigures { kind, title: title.into(), value, formula, inputs: Vec::new() }
    }

    /// What a reading says: of an attainment its percent, else the figure.
    pub fn read(&self, reading: &Reading, upto: Period) -> String {
        let Some(at) = reading.figure(upto) else { return "undefined".into() };
        match reading.axis {
            Axis::Attainment => {
                let quota = reading.quota.as_ref().map(|quota| quota.amount);
                let percent = attainment::percent(at, quota);
                percent.map_or("undefined".into(), |percent| format!("{}%", percent_text(&percent)))
            }
            Axis::Amount | Axis::Units | Axis::DealAmount | Axis::MarginPercent => {
                figure(self.currency, reading.unit, at)
            }
        }
    }

    /// A reading as a step of its own.
    pub fn reading(&self, reading: &Reading, upto: Period) -> StepFigures {
        let formula = match (reading.axis, reading.figure(upto), &reading.quota) {
            (Axis::Attainment, Some(at), Some(quota)) => Some(format!(
                "{} x 100 / {}",
                figure(self.currency, reading.unit, at),
                figure(self.currency, reading.unit, &Exact::whole(quota.amount))
            )),
            (Axis::Attainment, _, None) => Some("undefined: no quota is set".into()),
            (_, None, _) => Some("undefined: nothing was sent".into()),
            (_, Some(_), _) => None,
        };
        StepFigures {
            kind: StepKind::Figure,
            title: format!("{} of {}", axis(reading.axis), reading.measure),
            value: self.read(reading, upto),
            formula,
            inputs: vec![format!("measure:{}", reading.measure)],
        }
    }

    pub(super) fn multiplier(&self, reading: &Reading, curve: &Curve, upto: Period) -> StepFigures {
        let percent = gauge::give(curve, reading.place(upto).as_ref());
        let read = self.reading(reading, upto);
        let title = format!("multiplier by {}", read.title);
        StepFigures {
            kind: StepKind::Multiplier,
            title,
            value: self.percent(&percent),
            formula: Some(format!("{} gives {}", read.value, self.percent(&percent))),
            inputs: read.inputs,
        }
    }

    pub(super) fn credit_limit(&self, name: &str, limit: &Exact) -> StepFigures {
        let title = format!("{name} of each credit with its reversals");
        self.step(StepKind::CreditLimit, title, self.money(limit), None)
    }

    pub(super) fn gate(&self, reading: &Reading, gate: &Gate, open: bool, upto: Period) -> StepFigures {
        let read = self.reading(reading, upto);
        let edge = edge(reading.axis, gate.edge.to_string());
        let how = if gate.edge_lower { "above" } else { "from" };
        let limit = gate.limit_percent.map(|percent: Percent| format!(": at most {percent}% of the target"));
        let closed = limit.unwrap_or_else(|| ": nothing is paid".into());
        StepFigures {
            kind: StepKind::Gate,
            title: format!("gate on {}", read.title),
            value: if open { "open".into() } else { "closed".into() },
            formula: Some(format!(
                "{}, opens {how} {edge}{}",
                read.value,
                if open { String::new() } else { closed }
            )),
            inputs: read.inputs,
        }
    }

    pub(super) fn carried(&self, carried: &Exact) -> StepFigures {
        self.step(StepKind::Carried, "withheld by the cap of windows before", self.money(carried), None)
    }

    pub(super) fn window_cap(&self, cap: &Exact, withheld: &Exact, carries: bool) -> StepFigures {
        let formula = match (withheld.is_zero(), carries) {
            (true, _) => "not reached".into(),
            (false, true) => format!("{} withheld, carried to the next window", self.money(withheld)),
            (false, false) => format!("{} withheld and lost", self.money(withheld)),
        };
        self.step(StepKind::WindowCap, "cap of the window", self.money(cap), Some(formula))
    }

    pub(super) fn window_floor(&self, floor: &Exact, lifts: bool) -> StepFigures {
        let formula = if lifts { "counts: less was earned" } else { "does not count" };
        self.step(StepKind::WindowFloor, "floor of the window", self.money(floor), Some(formula.into()))
    }

    pub(super) fn not_due(&self, due: Period, so_far: &Exact) -> StepFigures {
        let title = format!("due in {due}");
        self.step(
            StepKind::Payout,
            title,
            self.money(&Exact::ZERO),
            Some(format!("{} so far", self.money(so_far))),
        )
    }
}

/// An axis in words.
pub fn axis(axis: Axis) -> &'static str {
    match axis {
        Axis::Attainment => "attainment",
        Axis::Amount | Axis::Units => "figure",
        Axis::DealAmount => "deal amount",
        Axis::MarginPercent => "margin percent",
    }
}

fn edge(axis: Axis, edge: String) -> String {
    if axis.in_percent() { format!("{edge}%") } else { edge }
}
