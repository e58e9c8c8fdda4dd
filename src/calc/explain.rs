//! The explanation: a tree from the amount to the deals, over the same figures that made it.
//!
//! Nodes are described when they are asked for, so a long list of credits costs only the page shown.

use std::cell::Cell;

use crate::domain::date::Period;
use crate::domain::exact::Exact;
use crate::domain::explanation::Explanation;

use super::earn::{KeyEarnings, Line, PayeeEarnings, SegmentEarnings};
use super::statement::{exact_amount, percent_text};
use super::{Calculation, attainment};

/// Most nodes of an answer: a node has a few hundred bytes, and an answer stays far below 4 MiB.
const MOST_NODES: usize = 4000;

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
    let tree = Tree { calculation, earnings, left: Cell::new(MOST_NODES) };
    let mut node = Node::Root;
    for name in path.split('/').filter(|name| !name.is_empty()) {
        node = tree.children(node).find(|child| tree.name(*child) == name)?;
    }
    Some(tree.give(node, path.trim_matches('/'), extent))
}

/// A node of the tree, by the places of its figures.
#[derive(Clone, Copy)]
enum Node<'a> {
    Root,
    Key(&'a KeyEarnings),
    Month(Period, i128),
    Segment(&'a SegmentEarnings),
    Quota(&'a SegmentEarnings),
    Attainment(&'a SegmentEarnings),
    Tiers(&'a SegmentEarnings),
    Tier(&'a SegmentEarnings, usize),
    Rounding(&'a SegmentEarnings),
    Credits(&'a SegmentEarnings),
    Credit(&'a SegmentEarnings, &'a Line),
    Slice(&'a SegmentEarnings, &'a Line, usize),
    Split(&'a SegmentEarnings, &'a Line),
    Event(&'a Line),
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
    earnings: &'a PayeeEarnings,
    /// Nodes that may still be given.
    left: Cell<usize>,
}

impl<'a> Tree<'a, '_> {
    fn give(&self, node: Node<'a>, path: &str, extent: Extent) -> Explanation {
        let Words { title, value, formula, inputs } = self.words(node);
        let child = |child: Node<'a>| {
            let name = self.name(child);
            let path = if path.is_empty() { name } else { format!("{path}/{name}") };
            self.give(child, &path, Extent { depth: extent.depth - 1, skip: 0, ..extent })
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
                Box::new(key.segments.iter().map(Node::Segment).chain(months))
            }
            Node::Segment(s) => Box::new(
                [Node::Quota(s), Node::Attainment(s), Node::Tiers(s), Node::Rounding(s), Node::Credits(s)]
                    .into_iter(),
            ),
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
            | Node::Tier(..)
            | Node::Rounding(_)
            | Node::Slice(..)
            | Node::Split(..)
            | Node::Event(_) => Box::new(std::iter::empty()),
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
            Node::Tiers(_) => "tiers".into(),
            Node::Tier(s, tier) => format!("tier-{}", s.tiers[tier].edge),
            Node::Rounding(_) => "rounding".into(),
            Node::Credits(_) => "credits".into(),
            Node::Credit(_, line) => self.credit_name(line),
            Node::Slice(s, line, slice) => {
                format!("slice-{}-{}", slice + 1, s.tiers[line.slices[slice].tier].edge)
            }
            Node::Split(..) => "split".into(),
            Node::Event(_) => "event".into(),
        }
    }

    /// Deal, event, and what tells apart credits of one event: the origin taken back, the kind, the place.
    fn credit_name(&self, line: &Line) -> String {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let deal = facts.deal_id(book.deal(line.credit.entry));
        let kind = if line.credit.rolled_up { "rolled-up" } else { "direct" };
        format!("{deal}+{}+{kind}+{}", facts.event_id(entry.event), line.credit.entry)
    }

    fn money(&self, minor: &Exact) -> String {
        exact_amount(self.calculation.facts.calendar.currency, minor)
    }

    fn rounded(&self, minor: i128) -> String {
        self.calculation.facts.calendar.currency.amount(minor)
    }

    fn words(&self, node: Node<'a>) -> Words {
        let words = |title: String, value: Option<String>, formula: Option<String>, inputs: Vec<String>| {
            Words { title, value, formula, inputs }
        };
        match node {
            Node::Root => self.root_words(),
            Node::Key(key) => self.key_words(key),
            Node::Month(period, amount) => words(
                format!("earned in {period}"),
                Some(self.rounded(amount)),
                Some("earned through this period less earned through the one before".into()),
                Vec::new(),
            ),
            Node::Segment(segment) => words(
                format!(
                    "terms of plan version {} from {} to before {}",
                    segment.plan_version, segment.from, segment.to
                ),
                Some(self.rounded(segment.amount)),
                Some("what the tiers pay, rounded once".into()),
                vec![format!("measure:{}", segment.measure)],
            ),
            Node::Quota(segment) => self.quota_words(segment),
            Node::Attainment(segment) => self.attainment_words(segment),
            Node::Tiers(segment) => words(
                "each slice of the credits at its own tier's rate".into(),
                Some(self.money(&segment.paid)),
                Some(self.sum(segment.tiers.iter().map(|tier| &tier.paid))),
                Vec::new(),
            ),
            Node::Tier(segment, tier) => {
                let tier = &segment.tiers[tier];
                let (credited, rate) = (self.money(&tier.credited), tier.rate);
                words(
                    format!("tier from {}% of quota", tier.edge),
                    Some(self.money(&tier.paid)),
                    Some(format!("{credited} x {rate}%")),
                    Vec::new(),
                )
            }
            Node::Rounding(segment) => words(
                "rounded to the minor unit".into(),
                Some(self.rounded(segment.amount)),
                Some(format!(
                    "round({}), {:?}",
                    self.money(&segment.paid),
                    self.calculation.facts.calendar.rounding
                )),
                Vec::new(),
            ),
            Node::Credits(segment) => words(
                format!("{} credits of measure {}", segment.lines.len(), segment.measure),
                Some(self.money(&segment.credited)),
                None,
                Vec::new(),
            ),
            Node::Credit(_, line) => self.credit_words(line),
            Node::Slice(segment, line, slice) => {
                let slice = &line.slices[slice];
                let tier = &segment.tiers[slice.tier];
                words(
                    format!("slice in the tier from {}% of quota", tier.edge),
                    Some(self.money(&slice.paid)),
                    Some(format!("{} x {}%", self.money(&slice.credited), tier.rate)),
                    Vec::new(),
                )
            }
            Node::Split(segment, line) => self.split_words(segment, line),
            Node::Event(line) => self.event_words(line),
        }
    }

    fn sum<'b>(&self, parts: impl Iterator<Item = &'b Exact>) -> String {
        let parts: Vec<_> = parts.map(|part| self.money(part)).collect();
        parts.join(" + ")
    }

    fn root_words(&self) -> Words {
        let through = self.calculation.through;
        let total: i128 = self.earnings.keys.iter().map(|key| key.earned_through(through)).sum();
        let payee = self.calculation.facts.payee_id(self.earnings.payee);
        Words {
            title: format!("earned by {payee} through {through}"),
            value: Some(self.rounded(total)),
            formula: None,
            inputs: vec![format!("payee:{payee}")],
        }
    }

    fn key_words(&self, key: &KeyEarnings) -> Words {
        let through = self.calculation.through;
        let parts: Vec<_> = key.segments.iter().map(|segment| self.rounded(segment.amount)).collect();
        let name = key.segments.last().map_or("", |segment| segment.name.as_str());
        let window = self.calculation.facts.calendar.window_text(key.key.window);
        Words {
            title: format!(
                "{name} ({}) of plan {} in {window}, through {through}",
                key.key.component, key.key.plan
            ),
            value: Some(self.rounded(key.earned_through(through))),
            formula: (parts.len() > 1).then(|| parts.join(" + ")),
            inputs: vec![format!("plan:{}", key.key.plan), format!("component:{}", key.key.component)],
        }
    }

    fn quota_words(&self, segment: &SegmentEarnings) -> Words {
        let title = "effective quota".to_string();
        let inputs = vec![format!("measure:{}", segment.measure)];
        let Some(quota) = &segment.quota else {
            let formula = Some(
                "none is set for the window or its year: attainment is undefined and pays nothing".into(),
            );
            return Words { title, value: None, formula, inputs };
        };
        let window = self.rounded(quota.window_amount);
        let basis = match quota.year_amount {
            Some(year) => format!("{window} (the window's part of the year's {})", self.rounded(year)),
            None => format!("{window} (set for the window)"),
        };
        let formula = if quota.days == quota.window_days {
            basis
        } else {
            format!("{basis} x {} of {} days", quota.days, quota.window_days)
        };
        Words { title, value: Some(self.rounded(quota.amount)), formula: Some(formula), inputs }
    }

    fn attainment_words(&self, segment: &SegmentEarnings) -> Words {
        let quota = segment.quota.as_ref().map(|quota| quota.amount);
        let percent = attainment::percent(&segment.credited, quota);
        let credited = self.money(&segment.credited);
        Words {
            title: "attainment in percent of quota".into(),
            value: percent.as_ref().map(percent_text),
            formula: Some(match quota {
                Some(quota) => format!("{credited} x 100 / {}", self.rounded(quota)),
                None => "undefined: no quota is set".into(),
            }),
            inputs: Vec::new(),
        }
    }

    fn credit_words(&self, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let deal = facts.deal_id(book.deal(line.credit.entry));
        let how = if line.credit.rolled_up { "rolled up" } else { "direct" };
        let credited = self.money(&line.credit.value(book));
        let after = self.money(&line.before.add(&line.credit.value(book)));
        Words {
            title: format!("{} {how} credit of {credited} from deal {deal}", entry.day),
            value: Some(self.rounded(line.amount)),
            formula: Some(format!(
                "{} for credits from {} to {after}, rounded with the lines before it",
                self.money(&line.paid),
                self.money(&line.before),
            )),
            inputs: vec![format!("deal:{deal}"), format!("event:{}", facts.event_id(entry.event))],
        }
    }

    fn split_words(&self, segment: &SegmentEarnings, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let credit = &line.credit;
        let amount = self.rounded(i128::from(book.entry(credit.entry).amount));
        let credited = self.money(&credit.value(book));
        if !credit.rolled_up {
            let percent = credit.percent;
            return Words {
                title: "part of the event".into(),
                value: Some(credited),
                formula: Some(format!("{amount} x {percent}%")),
                inputs: vec![format!("payee:{}", facts.payee_id(self.earnings.payee))],
            };
        }
        let selector = self.calculation.selector(&segment.measure);
        let parts =
            selector.map_or_else(Vec::new, |s| s.parts(facts, book, self.earnings.payee, credit.entry));
        let part = |(report, part): &(u32, Exact)| {
            format!("{} through {}", self.money(part), facts.payee_id(*report))
        };
        let through: Vec<_> = parts.iter().map(part).collect();
        Words {
            title: "sum of the reports' credits in the event".into(),
            value: Some(credited),
            formula: Some(format!("{} of {amount}", through.join(" + "))),
            inputs: parts.iter().map(|(report, _)| format!("payee:{}", facts.payee_id(*report))).collect(),
        }
    }

    fn event_words(&self, line: &Line) -> Words {
        let (facts, book) = (self.calculation.facts, self.calculation.book());
        let entry = book.entry(line.credit.entry);
        let deal = facts.deal_id(book.deal(line.credit.entry));
        let kind = facts.events[entry.event as usize].kind.name();
        let event = facts.event_id(entry.event);
        let mut inputs = vec![format!("deal:{deal}"), format!("event:{event}")];
        let mut title = format!("event {event} of deal {deal}, {kind} on {}", entry.day);
        if entry.origin != line.credit.entry {
            let origin = book.entry(entry.origin);
            let taken = facts.event_id(origin.event);
            title = format!("{title}, takes back event {taken} of {}", origin.day);
            inputs.push(format!("event:{taken}"));
        }
        Words { title, value: Some(self.rounded(i128::from(entry.amount))), formula: None, inputs }
    }
}
