//! What went wrong, in one shape: a reason from a closed list, a sentence with the offending values,
//! and for bad input every violation under the path of its field.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// One thing wrong with one field of a request or row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field: `deals[3].splits[0].split_percent`.
    pub field: String,
    /// The rule and the offending value.
    pub message: String,
}

impl Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.message)
    }
}

/// Collects everything that is wrong before anything is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Adds a violation.
    pub fn add(&mut self, field: impl Into<String>, message: impl Display) {
        self.0.push(Violation { field: field.into(), message: message.to_string() });
    }

    /// Keeps a good value, or notes what is wrong with it.
    pub fn take<T>(&mut self, field: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|fault| self.add(field, fault)).ok()
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many things are wrong.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub fn into_vec(self) -> Vec<Violation> {
        self.0
    }

    /// The one violation, or how many there are of a kind and the first.
    pub fn sentence(&self, many: &str) -> String {
        match self.0.as_slice() {
            [] => format!("0 {many}"),
            [one] => one.to_string(),
            [first, ..] => format!("{} {many}, the first: {first}", self.0.len()),
        }
    }

    /// The value, if nothing is wrong; otherwise the fault that names every violation.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Fault> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            _ => Err(Fault::invalid(self)),
        }
    }
}

/// Why a request was not done. The proto enum `ErrorReason` lists the same reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The request alone is wrong; every violation is listed.
    InvalidRequest,
    /// The page token belongs to another tenant, query or version.
    PageTokenInvalid,
    /// No key, or none that is known.
    KeyInvalid,
    /// The role may never call this.
    RoleNotAllowed,
    /// There is no such thing, or it is not yours.
    NotFound,
    /// The request id was used with another body.
    RequestIdReused,
    /// The request names something that does not exist.
    ReferenceUnknown,
    /// A reporting line would lead back to its start.
    ReportingCycle,
    /// The tenant has no calendar yet.
    CalendarMissing,
    /// The calendar cannot change once a period is closed.
    CalendarFixed,
    /// A measure that a published plan, a quota or a value names never changes.
    MeasureInUse,
    /// A published plan version never changes and versions are published in order.
    PlanVersionExists,
    /// Periods close in order.
    PeriodOutOfOrder,
    /// The facts leave a question open that the calculation will not guess at.
    RunBlocked,
    /// More rows were rejected than the caller allows.
    RejectLimitExceeded,
    /// Another change to the ledger came first, again and again.
    CloseOvertaken,
    /// The server has all the work it can hold.
    Overloaded,
    /// The caller's deadline passed.
    DeadlineExceeded,
    /// The database does not answer.
    DatabaseUnavailable,
    /// A defect of ours; the cause is in the log.
    Internal,
    /// The resource was written by another change than the one that the caller read it at.
    EtagMismatch,
    /// The request names something that is there but does not fit.
    ReferenceUnfit,
    /// The journal did not reach the number that the caller asked to read from, in time.
    ChangeNotReached,
    /// Nobody to move: no such payee reports to the manager.
    NotReporting,
    /// Others still report to the payee, and nobody takes them over.
    ReportsRemain,
    /// The rules are of another revision than those of the closed periods, and nobody has accepted what they move.
    RulesRevisionPending,
    /// Tests that came with a plan fail.
    PlanTestsFailed,
    /// No figures meet a goal and its bounds.
    AllocationInfeasible,
    /// What reports to somebody would not sum to the envelope.
    EnvelopeBroken,
    /// The figures of a published proposal are quotas: they change no longer.
    ProposalPublished,
    /// A period of the window is closed.
    WindowClosed,
}

/// A request that was not done, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The reason, from the closed list.
    pub reason: Reason,
    /// One sentence with the offending values.
    pub message: String,
    /// The values of the message by name.
    pub metadata: BTreeMap<&'static str, String>,
    /// For bad input: every violation.
    pub violations: Vec<Violation>,
}

impl Fault {
    /// A fault with its sentence.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Fault { reason, message: message.into(), metadata: BTreeMap::new(), violations: Vec::new() }
    }

    /// Adds a value of the message under a name.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.metadata.insert(name, value.to_string());
        self
    }

    /// Adds violations by field.
    #[must_use]
    pub fn violating(mut self, violations: Violations) -> Self {
        self.violations.extend(violations.0);
        self
    }

    /// A request that is wrong in itself.
    pub fn invalid(violations: Violations) -> Self {
        let message = violations.sentence("fields are wrong");
        Fault::new(Reason::InvalidRequest, message).violating(violations)
    }

    /// A request with one wrong field.
    pub fn field(field: impl Into<String>, message: impl Display) -> Self {
        let mut violations = Violations::default();
        violations.add(field, message);
        Fault::invalid(violations)
    }

    /// A request that does not fit what is there, unknown names too.
    pub fn unfit(violations: Violations) -> Self {
        let message = violations.sentence("fields do not fit what they name");
        let count = violations.len();
        Fault::new(Reason::ReferenceUnfit, message).with("count", count).violating(violations)
    }

    /// Something absent, or not the caller's: both read the same.
    pub fn not_found(noun: &str, id: impl Display) -> Self {
        Fault::new(Reason::NotFound, format!("{noun} {id} not found")).with("resource", noun).with("id", id)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
