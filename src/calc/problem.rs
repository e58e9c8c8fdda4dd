//! Questions that the facts leave open and the calculation will not guess at. Any one of them stops a close.

use std::fmt;

use crate::domain::date::Day;
use crate::domain::id::{ComponentId, MeasureId, PayeeId, PlanId};
use crate::domain::money::Currency;

/// One open question.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Problem {
    /// A component needs a quota that nobody set (semantics 7).
    QuotaMissing { payee: PayeeId, measure: MeasureId, window: String },
    /// A plan reads a measure that is not defined.
    MeasureMissing { plan: PlanId, measure: MeasureId },
    /// A component looks at what no measure moves.
    Unreadable { plan: PlanId, component: ComponentId },
    /// A reversal without a list where the deal has several events of a type (semantics 5).
    ReversalAmbiguous { deal: String, event: String, kind: &'static str },
    /// A reversal names an event that the deal does not have, or that is itself a reversal.
    ReversalUnknown { deal: String, event: String, names: String },
    /// A reversal is dated before the event it takes back.
    ReversalEarly { deal: String, event: String, names: String, day: Day },
    /// Reversals of one event exceed it.
    ReversalExceeds { deal: String, event: String, names: String },
    /// A component reads what a deal does not state.
    Unstated { deal: String, figure: &'static str },
    /// A component reads an amount in a currency that has no rate on or before the day of its event (semantics 5).
    RateMissing { deal: String, currency: Currency, day: Day },
    /// A quota in another currency than the payee is paid in has no rate on its window's first day.
    QuotaRateMissing { payee: PayeeId, measure: MeasureId, currency: Currency, day: Day },
    /// An amount of a deal is too large in the currency it is converted into.
    Unconvertible { deal: String, currency: Currency },
    /// A component pays multiples of a base rate to a payee without a target incentive.
    TargetIncentiveMissing { payee: PayeeId, plan: PlanId, from: Day },
    /// A figure is beyond what can be posted.
    TooLarge { payee: PayeeId },
}

impl Problem {
    /// A deal lacks a figure.
    pub fn unstated(deal: &str, figure: &'static str) -> Self {
        Problem::Unstated { deal: deal.to_string(), figure }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::QuotaMissing { payee, measure, window } => {
                write!(
                    f,
                    "payee {payee} has no quota of measure {measure} for {window} and none for its year"
                )
            }
            Problem::MeasureMissing { plan, measure } => {
                write!(f, "plan {plan} reads measure {measure}, which is not defined")
            }
            Problem::Unreadable { plan, component } => {
                write!(f, "component {component} of plan {plan} looks at what no measure moves")
            }
            Problem::ReversalAmbiguous { deal, event, kind } => write!(
                f,
                "reversal {event} of deal {deal} does not say which of several {kind} events it takes back"
            ),
            Problem::ReversalUnknown { deal, event, names } => {
                write!(
                    f,
                    "reversal {event} of deal {deal} names event {names}, which is none that can be taken back"
                )
            }
            Problem::ReversalEarly { deal, event, names, day } => {
                write!(f, "reversal {event} of deal {deal} is dated before event {names} of {day}")
            }
            Problem::ReversalExceeds { deal, event, names } => {
                write!(f, "reversal {event} of deal {deal} takes back more than is left of event {names}")
            }
            Problem::Unstated { deal, figure } => {
                write!(f, "deal {deal} states no {figure}, which a component reads")
            }
            Problem::RateMissing { deal, currency, day } => {
                write!(f, "deal {deal} needs a rate of {currency} on or before {day}, and there is none")
            }
            Problem::QuotaRateMissing { payee, measure, currency, day } => write!(
                f,
                "the quota of payee {payee} of measure {measure} needs a rate of {currency} on or before {day}, and there is none"
            ),
            Problem::Unconvertible { deal, currency } => {
                write!(f, "an amount of deal {deal} is too large in {currency}")
            }
            Problem::TargetIncentiveMissing { payee, plan, from } => write!(
                f,
                "payee {payee} has no target incentive from {from} on, of which plan {plan} pays a part"
            ),
            Problem::TooLarge { payee } => {
                write!(f, "a figure of payee {payee} is beyond what can be posted")
            }
        }
    }
}
