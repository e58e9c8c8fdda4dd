//! Quotas: a goal for a payee, a measure and a window (semantics 7).

use super::date::Window;
use super::id::{MeasureId, PayeeId};

/// What a quota is set for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct QuotaKey {
    /// Whose goal.
    pub payee: PayeeId,
    /// What is counted towards it.
    pub measure: MeasureId,
    /// Over which span.
    pub window: Window,
}

/// A goal, in minor units of the tenant's currency; never below zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// What it is set for.
    pub key: QuotaKey,
    /// The goal in minor units.
    pub amount: i64,
}
