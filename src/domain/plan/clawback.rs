//! What part of a reversal is taken back (semantics 8.4).

use serde::{Deserialize, Serialize};

use super::MAX_PARTS;
use crate::domain::fault::Violations;
use crate::domain::number::Percent;

/// What part of a reversal is taken back, by its age in days: from the credit's date to its own (semantics 8.4).
/// A credit and its reversals together then never earn less than zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Clawback {
    /// The percent of the first step that the age is within; none after the last.
    Steps(Vec<ClawbackStep>),
    /// All within `full_days`, then what is left of `term_days` in proportion, none after.
    ProRata {
        /// Days, inclusive, within which all is taken back.
        full_days: u32,
        /// Days after which nothing is taken back.
        term_days: u32,
    },
}

/// A step of a clawback schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClawbackStep {
    /// Up to this age in days, inclusive.
    pub days: u32,
    /// The part taken back.
    pub percent: Percent,
}

impl Clawback {
    pub(super) fn check(&self, path: &str, violations: &mut Violations) {
        match self {
            Clawback::Steps(steps) => {
                let at = format!("{path}.steps");
                if steps.is_empty() || steps.len() > MAX_PARTS {
                    violations.add(&at, format!("must be 1 to {MAX_PARTS}, got {}", steps.len()));
                }
                for (place, step) in steps.iter().enumerate() {
                    let percent = step.percent;
                    if percent < Percent::ZERO || percent > Percent::HUNDRED {
                        violations.add(
                            format!("{at}[{place}].percent"),
                            format!("must be 0 to 100, got {percent}"),
                        );
                    }
                    let Some(before) = place.checked_sub(1).and_then(|before| steps.get(before)) else {
                        continue;
                    };
                    if step.days <= before.days {
                        let (days, least) = (step.days, before.days);
                        violations
                            .add(format!("{at}[{place}].days"), format!("must be above {least}, got {days}"));
                    }
                    if percent > before.percent {
                        violations.add(
                            format!("{at}[{place}].percent"),
                            format!(
                                "must not be above the step before it, {}, got {percent}",
                                before.percent
                            ),
                        );
                    }
                }
            }
            Clawback::ProRata { full_days, term_days } if term_days <= full_days => violations
                .add(format!("{path}.term_days"), format!("must be above {full_days}, got {term_days}")),
            Clawback::ProRata { .. } => {}
        }
    }
}
