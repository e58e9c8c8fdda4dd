//! Measures: named selections of credits (semantics 6).

use serde::{Deserialize, Serialize};

use super::deal::EventKind;
use super::id::{MeasureId, RoleId};

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

/// What is counted of a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MeasureValue {
    /// Money: the event's amount times the split percent.
    Amount,
}

impl MeasureValue {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            MeasureValue::Amount => "AMOUNT",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        Some(MeasureValue::Amount).filter(|value| value.name() == name)
    }
}

/// A named selection of credits, used by quotas, components and performance figures alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measure {
    /// The measure's name in plans and quotas.
    pub id: MeasureId,
    /// What people call it, at most 200 characters.
    pub name: String,
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
}
