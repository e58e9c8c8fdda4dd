//! Measures: named selections of credits, or values that are sent to us (semantics 6).

use serde::{Deserialize, Serialize};

use super::condition::Formula;
use super::deal::EventKind;
use super::id::{MeasureId, RoleId};
use super::money::Currency;
use super::number::{QUANTITY_DECIMALS, Quantity};

/// Whose credits a measure takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CreditKind {
    /// The payee's own, from the splits of the deal.
    Direct,
    /// The sum of the direct credits of all who report to the payee, at any level up to `levels`.
    RolledUp,
    /// Both.
    Both,
}

impl CreditKind {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            CreditKind::Direct => "DIRECT",
            CreditKind::RolledUp => "ROLLED_UP",
            CreditKind::Both => "BOTH",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [CreditKind::Direct, CreditKind::RolledUp, CreditKind::Both];
        all.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether direct credits count.
    pub fn direct(self) -> bool {
        matches!(self, CreditKind::Direct | CreditKind::Both)
    }

    /// Whether rolled-up credits count.
    pub fn rolled_up(self) -> bool {
        matches!(self, CreditKind::RolledUp | CreditKind::Both)
    }
}

/// What is counted of a credit (semantics 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MeasureValue {
    /// Money: the event's amount times the split percent.
    Amount,
    /// Money: the event's amount less its cost, times the split percent.
    Margin,
    /// A number: the event's quantity times the split percent.
    Quantity,
    /// A number: 1 at a deal's first event of the type, times the split percent; taken back when reversals
    /// reach the whole of that event.
    Count,
    /// Money in major units or a number: what the measure's expression comes to for the event, rounded to 6 decimals,
    /// times the split percent.
    Expression(Unit),
}

/// What figures of a measure are in: money in minor units, numbers in millionths. Credits, quotas and tier
/// edges of one measure are whole numbers of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Unit {
    /// Money: of the currency that the payee is paid in.
    #[default]
    Money,
    /// A plain number.
    Number,
}

impl Unit {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Money => "MONEY",
            Unit::Number => "NUMBER",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        [Unit::Money, Unit::Number].into_iter().find(|unit| unit.name() == name)
    }

    /// Decimals of the whole numbers that figures are held in.
    pub fn decimals(self, currency: Currency) -> u32 {
        match self {
            Unit::Money => currency.minor_digits(),
            Unit::Number => QUANTITY_DECIMALS,
        }
    }
}

/// A figure of a measure, stated in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Amount {
    /// Minor units of the currency it is stated in.
    Money(i64),
    /// Millionths.
    Number(Quantity),
}

impl Amount {
    /// What it is stated in.
    pub fn unit(self) -> Unit {
        match self {
            Amount::Money(_) => Unit::Money,
            Amount::Number(_) => Unit::Number,
        }
    }

    /// In minor units or millionths.
    pub fn units(self) -> i64 {
        match self {
            Amount::Money(minor) => minor,
            Amount::Number(Quantity(millionths)) => millionths,
        }
    }
}

impl MeasureValue {
    /// All values but expressions.
    pub const PLAIN: [MeasureValue; 4] =
        [MeasureValue::Amount, MeasureValue::Margin, MeasureValue::Quantity, MeasureValue::Count];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            MeasureValue::Amount => "AMOUNT",
            MeasureValue::Margin => "MARGIN",
            MeasureValue::Quantity => "QUANTITY",
            MeasureValue::Count => "COUNT",
            MeasureValue::Expression(_) => "EXPRESSION",
        }
    }

    /// Reads a name; that of an expression with what its figures are in, any other without.
    pub fn parse(name: &str, unit: Option<Unit>) -> Option<Self> {
        match unit {
            None => Self::PLAIN.into_iter().find(|value| value.name() == name),
            Some(unit) => Some(MeasureValue::Expression(unit)).filter(|value| value.name() == name),
        }
    }

    /// What its figures are in.
    pub fn unit(self) -> Unit {
        match self {
            MeasureValue::Amount | MeasureValue::Margin => Unit::Money,
            MeasureValue::Quantity | MeasureValue::Count => Unit::Number,
            MeasureValue::Expression(unit) => unit,
        }
    }
}

/// How the values of an outside measure in a window come to one figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Combine {
    /// Their sum.
    Sum,
    /// Their mean, each value with the same weight; exact.
    Average,
    /// The value of the latest day.
    Last,
}

impl Combine {
    /// All ways.
    pub const ALL: [Combine; 3] = [Combine::Sum, Combine::Average, Combine::Last];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Combine::Sum => "SUM",
            Combine::Average => "AVERAGE",
            Combine::Last => "LAST",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|combine| combine.name() == name)
    }
}

/// A named figure of a payee in a window, used by quotas, components and performance figures alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measure {
    /// The measure's name in plans and quotas.
    pub id: MeasureId,
    /// What people call it, at most 200 characters.
    pub name: String,
    /// Where its figures come from.
    pub source: Source,
    /// What effective quotas of a number are rounded to; absent: a millionth. Money is rounded to the minor unit.
    pub step: Option<Quantity>,
}

/// Where a measure's figures come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Credits of deal events.
    Credits(Selection),
    /// Numbers that are sent to us for a payee and a day.
    Outside(Combine),
}

impl Measure {
    /// What its figures are in; of an outside measure numbers.
    pub fn unit(&self) -> Unit {
        match &self.source {
            Source::Credits(selection) => selection.value.unit(),
            Source::Outside(_) => Unit::Number,
        }
    }

    /// The credits it selects; an outside measure has none.
    pub fn selection(&self) -> Option<&Selection> {
        match &self.source {
            Source::Credits(selection) => Some(selection),
            Source::Outside(_) => None,
        }
    }
}

/// Which credits a measure takes, and what it counts of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The type of event counted, with the reversals that take such events back.
    pub event: EventKind,
    /// Direct, rolled-up or both.
    pub credit: CreditKind,
    /// How many levels down rolled-up credits come from; 0: all.
    pub levels: u32,
    /// Roles counted; empty: all, of rolled-up credits all but `OVERLAY`.
    pub roles: Vec<RoleId>,
    /// What is counted.
    pub value: MeasureValue,
    /// Which credits count, over deal, event, credit and payee; absent: all of them.
    pub condition: Option<Formula>,
    /// What is counted, over deal and event, if the value is an expression.
    pub expression: Option<Formula>,
}

impl Selection {
    /// The texts that read fields of deals.
    pub fn formulas(&self) -> impl Iterator<Item = &Formula> {
        self.condition.iter().chain(&self.expression)
    }
}
