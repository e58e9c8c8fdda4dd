//! Values of outside measures: a number for a payee and a day, sent to us (semantics 6).

use super::date::Day;
use super::id::{MeasureId, PayeeId};
use super::number::Quantity;
use super::version::{SourceVersion, Standing};

/// What a value is told for. There is one at most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ValueKey {
    /// Whose.
    pub payee: PayeeId,
    /// Of which outside measure.
    pub measure: MeasureId,
    /// When it counts.
    pub day: Day,
}

/// A value of an outside measure, or that there is none any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideValue {
    /// What it is told for.
    pub key: ValueKey,
    /// In millionths, of either sign; absent: what was told before is taken back.
    pub value: Option<Quantity>,
    /// Which state in its source it is.
    pub source_version: Option<SourceVersion>,
}

impl OutsideValue {
    /// What becomes of it, given the one that is known.
    pub fn standing(&self, known: &OutsideValue) -> Standing {
        Standing::of((self.source_version, &self.value), (known.source_version, &known.value))
    }
}
