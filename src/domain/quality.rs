//! What there is to say about proposed quotas before they are published.

use super::exact::Exact;
use super::id::PayeeId;

/// What a figure of quality says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QualityKind {
    /// Percent of the payees with a history whose comparable history reaches their figure.
    ExpectedToReach,
    /// Percent by which all figures of payees with a history are above their comparable history.
    Stretch,
    /// The stretch in the middle.
    MedianStretch,
    /// How far apart the stretch of the middle half is, in percentage points.
    Dispersion,
    /// Percent of the payees with a history.
    Tested,
    /// Percent of all figures that open deals would bring if they all closed as expected.
    PipelineCoverage,
    /// The same, each deal times its probability.
    WeightedPipelineCoverage,
}

/// A figure of quality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quality {
    /// What it says.
    pub kind: QualityKind,
    /// How much, in percent, exact; absent over nothing.
    pub value: Option<Exact>,
    /// How it was computed.
    pub formula: String,
}

/// What a good quota is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// No component of the payee's plan counts the measure.
    Measure,
    /// The payee is not assigned over the whole window.
    Span,
    /// The figure is more than twice the comparable history.
    Reach,
    /// There is no history to test it by.
    Test,
    /// The figure is zero.
    Goal,
}

/// What is to be looked at again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Concern {
    /// Whose figure.
    pub payee: PayeeId,
    /// What it lacks.
    pub lack: Lack,
    /// The same with its figures.
    pub message: String,
}

/// What there is to say about a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    /// One of each kind.
    pub qualities: Vec<Quality>,
    /// By payee.
    pub concerns: Vec<Concern>,
}
