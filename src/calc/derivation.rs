//! How a quota came about: a tree from the effective quota of a window to goal, seasonality, ramp, proration and relief,
//! over the figures of [`super::quota`]; where the goal is the sum of the reports', on into theirs. Nodes are made when
//! they are asked for, so that only the part of a long reporting line that is shown costs anything.

mod words;

use std::cell::Cell;
use std::rc::Rc;

use crate::domain::date::{Period, Window};
use crate::domain::exact::Exact;
use crate::domain::explanation::Explanation;
use crate::domain::facts::Facts;
use crate::domain::id::{MeasureId, ProposalId};
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::proposal::{Figure, Terms};
use crate::domain::quota::{AdjustmentKind, Goal, QuotaKey};

use super::explain::{Extent, MOST_NODES};
use super::pace::Days;
use super::problem::Problem;
use super::quota::{Basis, EffectiveQuota, Quotas, months_of, ramp_percent, weight};
use super::{segment, statement};

/// Whose quota of what is explained.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'f> {
    /// By index.
    pub payee: u32,
    /// Of which measure.
    pub measure: &'f MeasureId,
    /// In which window.
    pub window: Window,
}

/// A version of the quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The change that wrote it.
    pub change: i64,
    /// What it was adjusted for; absent: it was set, or published.
    pub kind: Option<AdjustmentKind>,
    /// The proposal that it was published from.
    pub proposal: Option<ProposalId>,
    /// What it says, where it is to be told: the figures of who it was given down through, from the first that is told
    /// to the payee.
    pub given: Option<(Terms, Vec<Figure>)>,
}

/// Explains a payee's effective quota, in what it is paid in on the window's last day, from the node at `path` (empty:
/// the whole) down, at most 4,000 nodes; `None` if there is no such node. `versions` are those of the quota that the goal
/// is from, by its key.
pub fn explain(
    facts: &Facts,
    subject: Subject,
    versions: Option<(&QuotaKey, &[Version])>,
    path: &str,
    extent: Extent,
) -> Result<Option<Explanation>, Problem> {
    let currency = facts.paid_in(subject.payee, subject.window.last().last_day());
    let tree = Tree { facts, currency, versions, left: Cell::new(MOST_NODES) };
    let derived = tree.derived(subject)?;
    let mut node = Node::Quota(Rc::new(derived), true);
    for name in path.split('/').filter(|name| !name.is_empty()) {
        let found = tree.children(&node).into_iter().find(|child| tree.name(child) == name);
        let Some(found) = found else { return Ok(None) };
        node = tree.opened(found)?;
    }
    tree.give(node, path.trim_matches('/'), extent).map(Some)
}

/// A quota with its figures.
struct Derived<'f> {
    subject: Subject<'f>,
    quotas: Quotas<'f>,
    basis: Option<Basis<'f>>,
    /// Of the window as a whole.
    effective: Option<i128>,
    parts: Vec<(Days, EffectiveQuota)>,
    unit: Unit,
}

/// A node of the tree.
enum Node<'f> {
    /// A quota; whether it is the one asked for.
    Quota(Rc<Derived<'f>>, bool),
    /// The quota of somebody who reports to the one above, its figures not worked out yet.
    Report(Subject<'f>),
    Goal(Rc<Derived<'f>>),
    Year(Rc<Derived<'f>>),
    Season(Rc<Derived<'f>>, Period),
    Part(Rc<Derived<'f>>, usize),
    Ramp(Rc<Derived<'f>>, usize),
    RampMonth(Rc<Derived<'f>>, Period),
    Proration(Rc<Derived<'f>>, usize),
    /// By its place among the quota's reliefs.
    Relief(Rc<Derived<'f>>, usize),
    Versions,
    /// By its place.
    Version(usize),
    /// A figure of the proposal that a version was published from, by the places of both.
    Given(usize, usize),
}

struct Tree<'f, 'v> {
    facts: &'f Facts,
    currency: Currency,
    versions: Option<(&'v QuotaKey, &'v [Version])>,
    /// Nodes that may still be given.
    left: Cell<usize>,
}

impl<'f> Tree<'f, '_> {
    fn derived<'s: 'f>(&self, subject: Subject<'s>) -> Result<Derived<'f>, Problem> {
        let Subject { payee, measure, window } = subject;
        let quotas = Quotas::of(self.facts, payee, measure, self.currency);
        let problem = |fault: super::quota::QuotaFault| fault.problem(self.facts.payee_id(payee), measure);
        let spans = segment::spans(self.facts, payee);
        let parts = quotas.parts_of(window, &spans).map_err(problem)?.unwrap_or_default();
        let days = spans.iter().filter_map(|span| span.within(window));
        let parts = days.zip(parts).collect();
        let basis = quotas.basis(window).map_err(problem)?;
        let effective = quotas.effective(window).map_err(problem)?;
        let unit = self.facts.measures.get(measure).map_or(Unit::Money, |measure| measure.unit());
        Ok(Derived { subject, quotas, basis, effective, parts, unit })
    }

    fn version(&self, place: usize) -> Option<&Version> {
        self.versions?.1.get(place)
    }

    /// A node with its figures worked out.
    fn opened(&self, node: Node<'f>) -> Result<Node<'f>, Problem> {
        match node {
            Node::Report(subject) => Ok(Node::Quota(Rc::new(self.derived(subject)?), false)),
            node => Ok(node),
        }
    }

    fn give(&self, node: Node<'f>, path: &str, extent: Extent) -> Result<Explanation, Problem> {
        let node = self.opened(node)?;
        let (title, value, formula, inputs) = self.words(&node);
        let all = self.children(&node);
        let (child_count, mut children) = (all.len(), Vec::new());
        let shown = if extent.depth == 0 { 0 } else { extent.size };
        for child in all.into_iter().skip(extent.skip).take(shown) {
            let Some(left) = self.left.get().checked_sub(1) else { break };
            self.left.set(left);
            let name = self.name(&child);
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            let below = Extent { depth: extent.depth - 1, skip: 0, ..extent };
            children.push(self.give(child, &path, below)?);
        }
        Ok(Explanation { path: path.to_string(), title, value, formula, inputs, child_count, children })
    }

    fn children(&self, node: &Node<'f>) -> Vec<Node<'f>> {
        match node {
            Node::Quota(quota, asked) => {
                let goal = quota.basis.is_some().then(|| Node::Goal(Rc::clone(quota)));
                let parts = (0..quota.parts.len()).map(|part| Node::Part(Rc::clone(quota), part));
                let versions = self.versions.filter(|_| *asked).map(|_| Node::Versions);
                goal.into_iter().chain(parts).chain(versions).collect()
            }
            Node::Goal(quota) => match quota.basis.as_ref().and_then(|basis| basis.year_amount) {
                Some(_) => {
                    let months =
                        quota.subject.window.periods().map(|month| Node::Season(Rc::clone(quota), month));
                    std::iter::once(Node::Year(Rc::clone(quota))).chain(months).collect()
                }
                None => self.reports(quota, quota.subject.window),
            },
            Node::Year(quota) => self.reports(quota, quota.quotas.year(quota.subject.window)),
            Node::Part(quota, part) => {
                let (Some(basis), Some((days, figures))) = (&quota.basis, quota.parts.get(*part)) else {
                    return Vec::new();
                };
                let ramp = basis.quota.ramp.as_ref().map(|_| Node::Ramp(Rc::clone(quota), *part));
                let whole = figures.proration == Exact::whole(1);
                let proration = (!whole).then(|| Node::Proration(Rc::clone(quota), *part));
                let within = |place: &usize| {
                    basis
                        .quota
                        .reliefs
                        .get(*place)
                        .is_some_and(|relief| days.0 <= relief.day && relief.day < days.1)
                };
                let reliefs = (0..basis.quota.reliefs.len()).filter(within);
                let reliefs = reliefs.map(|place| Node::Relief(Rc::clone(quota), place));
                ramp.into_iter().chain(proration).chain(reliefs).collect()
            }
            Node::Ramp(quota, part) => {
                let days = quota.parts.get(*part).map(|(days, _)| *days);
                let months = days.into_iter().flat_map(|days| months_of(quota.subject.window, days));
                months.map(|month| Node::RampMonth(Rc::clone(quota), month)).collect()
            }
            Node::Versions => {
                let count = self.versions.map_or(0, |(_, versions)| versions.len());
                (0..count).map(Node::Version).collect()
            }
            Node::Version(place) => {
                let given = self.version(*place).and_then(|version| version.given.as_ref());
                (0..given.map_or(0, |(_, line)| line.len())).map(|of| Node::Given(*place, of)).collect()
            }
            Node::Report(_)
            | Node::Season(..)
            | Node::RampMonth(..)
            | Node::Proration(..)
            | Node::Relief(..)
            | Node::Given(..) => Vec::new(),
        }
    }

    /// The quotas that a goal is the sum of, if it is one.
    fn reports(&self, quota: &Derived<'f>, window: Window) -> Vec<Node<'f>> {
        let Some(Goal::SumOfReports(measure)) = quota.basis.as_ref().map(|basis| &basis.quota.goal) else {
            return Vec::new();
        };
        let measure = quota.quotas.measure_of(measure);
        quota.quotas.reports(window).map(|payee| Node::Report(Subject { payee, measure, window })).collect()
    }

    fn name(&self, node: &Node) -> String {
        match node {
            Node::Quota(quota, _) => format!("report-{}", self.facts.payee_id(quota.subject.payee)),
            Node::Report(subject) => format!("report-{}", self.facts.payee_id(subject.payee)),
            Node::Goal(_) => "goal".into(),
            Node::Year(_) => "year".into(),
            Node::Season(_, month) | Node::RampMonth(_, month) => month.to_string(),
            Node::Part(quota, part) => {
                quota.parts.get(*part).map_or_else(String::new, |(days, _)| format!("from-{}", days.0))
            }
            Node::Ramp(..) => "ramp".into(),
            Node::Proration(..) => "proration".into(),
            Node::Relief(_, place) => format!("relief-{}", place + 1),
            Node::Versions => "versions".into(),
            Node::Version(place) => {
                self.version(*place).map_or_else(String::new, |version| format!("change-{}", version.change))
            }
            Node::Given(_, place) => format!("given-{}", place + 1),
        }
    }
}
