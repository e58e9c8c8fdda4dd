//! The explanation: a tree from the amount to the deals, over the same figures that made it.
//!
//! Nodes are described when they are asked for, so a long list of credits costs only the page shown.

mod words;

use std::cell::Cell;

use crate::domain::date::Period;
use crate::domain::explanation::Explanation;
use crate::domain::money::Currency;
use crate::domain::number::Number;
use crate::domain::plan::Axis;
use crate::domain::statement::StepFigures;

use super::Calculation;
use super::earn::{KeyEarnings, Line, PayeeEarnings, SegmentEarnings};

/// Most nodes of an answer: a node has a few hundred bytes, and an answer stays far below 4 MiB.
pub(super) const MOST_NODES: usize = 4000;

/// How much of the tree to give.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// Levels of children.
    pub depth: usize,
    /// Children of the first node to skip.
    pub skip: usize,
    /// Most children of each node.
    pub size: usize,
}

/// Explains earnings with lines from the node at `path` (empty: the whole) down, at most 4,000 nodes; `None` if
/// there is no such node.
pub fn explain(
    calculation: &Calculation,
    earnings: &PayeeEarnings,
    path: &str,
    extent: Extent,
) -> Option<Explanation> {
    let (facts, left) = (calculation.facts, Cell::new(MOST_NODES));
    let currency = facts.paid_in(earnings.payee, calculation.through.last_day());
    let mut tree = Tree { calculation, earnings, currency, left: &left };
    let mut node = Node::Root;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        node = tree.children(node).find(|child| tree.name(*child) == name)?;
        tree = tree.within(node);
    }
    Some(tree.give(node, path.trim_matches('/'), extent))
}

/// A node of the tree, by the places of its figures.
#[derive(Clone, Copy)]
enum Node<'a> {
    Root,
    Key(&'a KeyEarnings<'a>),
    Month(Period, i128),
    Segment(&'a SegmentEarnings<'a>),
    Quota(&'a SegmentEarnings<'a>),
    Attainment(&'a SegmentEarnings<'a>),
    BaseRate(&'a SegmentEarnings<'a>),
    Tiers(&'a SegmentEarnings<'a>),
    Tier(&'a SegmentEarnings<'a>, usize),
    Rounding(&'a SegmentEarnings<'a>),
    Credits(&'a SegmentEarnings<'a>),
    Credit(&'a SegmentEarnings<'a>, &'a Line),
    Slice(&'a SegmentEarnings<'a>, &'a Line, usize),
    Split(&'a SegmentEarnings<'a>, &'a Line),
    Event(&'a Line),
    /// A step with its place among its siblings.
    Step(usize, &'a StepFigures),
}

/// What a node says of itself.
struct Words {
    title: String,
    value: Option<String>,
    formula: Option<String>,
    inputs: Vec<String>,
}

struct Tree<'a, 'f> {
    calculation: &'a Calculation<'f>,
    earnings: &'a PayeeEarnings<'a>,
    /// What money is shown in: within a key its plan's currency.
    currency: Currency,
    /// Nodes that may still be given.
    left: &'a Cell<usize>,
}

impl<'a> Tree<'a, '_> {
    /// The tree as a node and all below it show it.
    fn within(&self, node: Node<'a>) -> Self {
        let currency = match node {
            Node::Key(key) => self.calculation.facts.plan_currency(&key.key.plan),
            _ => self.currency,
        };
        Tree { currency, ..*self }
    }

    fn give(&self, node: Node<'a>, path: &str, extent: Extent) -> Explanation {
        let Words { title, value, formula, inputs } = self.words(node);
        let child = |child: Node<'a>| {
            let name = self.name(child);
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            self.within(child).give(child, &path, Extent { depth: extent.depth - 1, skip: 0, ..extent })
        };
        let children = match extent.depth {
            0 => Vec::new(),
            _ => {
                let room = |_: &Node<'a>| match self.left.get().checked_sub(1) {
                    Some(left) => {
                        self.left.set(left);
                        true
                    }
                    None => false,
                };
                self.children(node).skip(extent.skip).take(extent.size).take_while(room).map(child).collect()
            }
        };
        let child_count = self.children(node).count();
        Explanation { path: path.to_string(), title, value, formula, inputs, child_count, children }
    }

    fn children(&self, node: Node<'a>) -> Box<dyn Iterator<Item = Node<'a>> + 'a> {
        match node {
            Node::Root => Box::new(self.earnings.keys.iter().map(Node::Key)),
            Node::Key(key) => {
                let months = key.earned_in.iter().map(|(period, amount)| Node::Month(*period, *amount));
                Box::new(key.segments.iter().map(Node::Segment).chain(steps(&key.steps)).chain(months))
            }
            Node::Segment(s) => {
                let by_quota = s.rates.as_ref().is_some_and(|rates| rates.axis == Axis::Attainment);
                let quota = by_quota.then_some([Node::Quota(s), Node::Attainment(s)]);
                let base = s.base_rate.as_ref().map(|_| Node::BaseRate(s));
                let tiers = s.rates.as_ref().map(|_| Node::Tiers(s));
                let credits = s.component.paid().map(|_| Node::Credits(s));
                let made = quota.into_iter().flatten().chain(base).chain(tiers).chain(steps(&s.steps));
                Box::new(made.chain([Node::Rounding(s)]).chain(credits))
            }
            Node::Tiers(s) => Box::new((0..s.tiers.len()).map(move |tier| Node::Tier(s, tier))),
            Node::Credits(s) => Box::new(s.lines.iter().map(move |line| Node::Credit(s, line))),
            Node::Credit(s, line) => Box::new(
                (0..line.slices.len())
                    .map(move |slice| Node::Slice(s, line, slice))
                    .chain([Node::Split(s, line), Node::Event(line)]),
            ),
            Node::Month(..)
            | Node::Quota(_)
            | Node::Attainment(_)
            | Node::BaseRate(_)
            | Node::Tier(..)
            | Node::Rounding(_)
            | Node::Slice(..)
            | Node::Split(..)
            | Node::Event(_)
            | Node::Step(..) => Box::new(std::iter::empty()),
        }
    }

    fn name(&self, node: Node<'a>) -> String {
        match node {
            Node::Root => String::new(),
            Node::Key(key) => {
                let window = self.calculation.facts.calendar.window_text(key.key.window);
                format!("{}:{}:{window}", key.key.plan, key.key.component)
            }
            Node::Month(period, _) => format!("earned-in-{period}"),
            Node::Segment(segment) => format!("from-{}", segment.from),
            Node::Quota(_) => "quota".into(),
            Node::Attainment(_) => "attainment".into(),
            Node::BaseRate(_) => "base-rate".into(),
            Node::Tiers(_) => "tiers".into(),
            Node::Tier(s, tier) => format!("tier-{}", s.tiers[tier].edge),
            Node::Rounding(_) => "rounding".into(),
            Node::Credits(_) => "credits".into(),
            Node::Credit(_, line) => self.credit_name(line),
            Node::Slice(s, line, slice) => {
                let tier = line.slices[slice].tier;
                let edge = s.tiers.iter().find(|total| total.tier == tier).map_or(Number::ZERO, |t| t.edge);
                format!("slice-{}-{edge}", slice + 1)
            }
            Node::Split(..) => "split".into(),
            Node::Event(_) => "event".into(),
            Node::Step(place, step) => format!("step-{}-{}", place + 1, step.kind.name()),
        }
    }

    /// Deal, event, and what tells apart credits of one event: the origin taken back, the kind, the role.
    fn credit_name(&self, line: &Line) -> String {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let mut name = format!("{}+{}", facts.deal_id(entry.deal), facts.event_id(entry.event));
        if book.is_reversal(line.credit.entry) {
            name = format!("{name}+of+{}", facts.event_id(book.entry(entry.origin).event));
        }
        let role = line.credit.role.and_then(|role| facts.roles.get(usize::from(role)));
        match (line.credit.rolled_up, role) {
            (true, _) => format!("{name}+rolled-up"),
            (false, Some(role)) => format!("{name}+direct+{role}"),
            (false, None) => format!("{name}+direct"),
        }
    }
}

fn steps(steps: &[StepFigures]) -> impl Iterator<Item = Node<'_>> {
    steps.iter().enumerate().map(|(place, step)| Node::Step(place, step))
}
