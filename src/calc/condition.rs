//! What measures' conditions and expressions read, and what they come to (semantics 6): of a reversal all that of the
//! event it takes back.
//!
//! What reads the deal and the event alone is the same for everyone who is credited: it is decided once for an entry,
//! the first time that somebody's credits of the measure are selected. What reads the credit or who earns is decided
//! for every share.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::domain::condition::{Field, Formula, Root, Unclear, Value};
use crate::domain::date::Day;
use crate::domain::deal::OWNER;
use crate::domain::exact::Exact;
use crate::domain::facts::{Facts, Share, Worth};
use crate::domain::id::MeasureId;
use crate::domain::measure::Selection;
use crate::domain::money::Rounding;
use crate::domain::number::{PERCENT_DECIMALS, QUANTITY_DECIMALS, Quantity};

use super::book::{Book, Entry};
use super::worth;

/// What is decided once for every entry, by measure.
#[derive(Default)]
pub(super) struct Decided {
    conditions: BTreeMap<MeasureId, OnceLock<Arc<[bool]>>>,
    expressions: BTreeMap<MeasureId, OnceLock<Arc<[i64]>>>,
}

/// A measure's condition, made ready.
pub(super) enum Condition {
    /// By entry.
    Decided(Arc<[bool]>),
    /// To be evaluated for each share.
    ForEach(Formula),
}

impl Decided {
    pub fn new(facts: &Facts) -> Self {
        let mut decided = Decided::default();
        for (id, measure) in facts.measures.iter() {
            let Some(Selection { condition, expression, .. }) = measure.selection() else { continue };
            if condition.as_ref().is_some_and(|condition| condition.reads_only(&Root::OF_EVENT)) {
                decided.conditions.insert(id.clone(), OnceLock::new());
            }
            if expression.is_some() {
                decided.expressions.insert(id.clone(), OnceLock::new());
            }
        }
        decided
    }
}

impl Condition {
    /// Makes the condition of a measure ready, if it has one.
    pub fn of(facts: &Facts, book: &Book, id: &MeasureId, measure: &Selection) -> Option<Self> {
        let formula = measure.condition.as_ref()?;
        let Some(decided) = book.decided().conditions.get(id) else {
            return Some(Condition::ForEach(formula.clone()));
        };
        let holds = |(place, entry): (u32, &Entry)| {
            let counts = entry.origin == place && entry.kind == measure.event;
            counts && formula.holds(&|field| of_event(facts, book, place, field)) == Ok(true)
        };
        let decide = || (0_u32..).zip(book.entries()).map(holds).collect();
        Some(Condition::Decided(Arc::clone(decided.get_or_init(decide))))
    }

    /// Whether an entry's deal and event rule its credits out, whoever has them.
    pub fn rules_out(&self, book: &Book, entry: u32) -> bool {
        match self {
            Condition::Decided(holds) => !holds[book.entry(entry).origin as usize],
            Condition::ForEach(_) => false,
        }
    }

    /// Whether a share of an entry counts for a payee.
    pub fn holds(&self, facts: &Facts, book: &Book, entry: u32, share: &Share, payee: u32) -> bool {
        let origin = book.entry(entry).origin;
        match self {
            Condition::Decided(holds) => holds[origin as usize],
            Condition::ForEach(formula) => evaluate(formula, facts, book, origin, share, payee) == Ok(true),
        }
    }
}

/// What a measure's expression comes to for every entry, millionths, if it has one: 0 where that cannot be told; of a
/// reversal its part of the event's.
pub(super) fn figures(facts: &Facts, book: &Book, id: &MeasureId, measure: &Selection) -> Option<Arc<[i64]>> {
    let formula = measure.expression.as_ref()?;
    let figures = book.decided().expressions.get(id)?.get_or_init(|| {
        let entries = book.entries();
        let whole = |(place, entry): (u32, &Entry)| {
            let counts = entry.origin == place && entry.kind == measure.event;
            if counts { figure(formula, facts, book, place).unwrap_or_default() } else { 0 }
        };
        let mut figures: Vec<i64> = (0_u32..).zip(entries).map(whole).collect();
        worth::take_back(facts, entries, &mut figures);
        figures.into()
    });
    Some(Arc::clone(figures))
}

/// What an expression comes to for an event, in millionths, half away from zero; or why that cannot be told.
pub(super) fn figure<'a>(
    formula: &'a Formula,
    facts: &'a Facts,
    book: &Book,
    event: u32,
) -> Result<i64, Unclear<'a>> {
    let exact = formula.figure(&|field| of_event(facts, book, event, field))?;
    let millionths = exact.mul(&Exact::whole(Quantity::ONE.0.into())).round(Rounding::HalfAwayFromZero);
    millionths.ok().and_then(|millionths| i64::try_from(millionths).ok()).ok_or(Unclear::TooLarge)
}

/// Whether a condition holds for a share of an event and a payee who earns, or why that cannot be told.
pub(super) fn evaluate<'a>(
    formula: &'a Formula,
    facts: &'a Facts,
    book: &Book,
    event: u32,
    share: &Share,
    payee: u32,
) -> Result<bool, Unclear<'a>> {
    let day = book.entry(event).day;
    formula.holds(&|field| match field.root() {
        Root::Deal | Root::Event => of_event(facts, book, event, field),
        Root::Credit => of_share(facts, share, field),
        Root::Payee => of_payee(facts, payee, day, field),
    })
}

/// What is known of an entry that is an event, and of its deal.
pub(super) fn of_event<'a>(facts: &'a Facts, book: &Book, entry: u32, field: &Field) -> Option<Value<'a>> {
    let &Entry { deal, event, day, kind, amount, .. } = book.entry(entry);
    let money = |minor: Option<i64>| {
        let decimals = facts.currency(deal).minor_digits();
        minor.map(|minor| Value::Number(Exact::scaled(i128::from(minor), decimals)))
    };
    let number = |quantity: Option<Quantity>| {
        quantity.map(|units| Value::Number(Exact::scaled(i128::from(units.0), QUANTITY_DECIMALS)))
    };
    match field {
        Field::DealId => Some(Value::Text(facts.deal_id(deal))),
        Field::DealOwner => Some(Value::Text(facts.payee_id(facts.owner(deal)).as_str())),
        Field::DealAmount => money(facts.worth(deal).amount),
        Field::DealCost => money(facts.worth(deal).cost),
        Field::DealQuantity => number(facts.worth(deal).quantity),
        Field::DealMarginPercent => margin_percent(facts.worth(deal)).map(Value::Number),
        Field::EventId => Some(Value::Text(facts.event_id(event))),
        Field::EventType => Some(Value::Text(kind.name())),
        Field::EventDate => Some(Value::Date(day)),
        Field::EventAmount => money(Some(amount)),
        Field::EventCost => money(book.cost(entry)),
        Field::EventQuantity => number(book.quantity(entry).map(Quantity)),
        detail => facts.detail(deal, detail),
    }
}

/// Absent where the deal does not say, or over an amount of zero.
fn margin_percent(worth: Worth) -> Option<Exact> {
    let whole = |minor: Option<i64>| minor.map(|minor| Exact::whole(i128::from(minor)));
    let (amount, cost) = (whole(worth.amount)?, whole(worth.cost)?);
    amount.sub(&cost).mul(&Exact::whole(100)).div(&amount)
}

fn of_share<'a>(facts: &'a Facts, share: &Share, field: &Field) -> Option<Value<'a>> {
    match field {
        Field::CreditPayee => Some(Value::Text(facts.payee_id(share.payee).as_str())),
        Field::CreditRole => Some(Value::Text(match share.role {
            Some(role) => facts.roles.get(usize::from(role))?.as_str(),
            None => OWNER,
        })),
        Field::CreditPercent => {
            Some(Value::Number(Exact::scaled(i128::from(share.percent.0), PERCENT_DECIMALS)))
        }
        _ => None,
    }
}

/// Of the assignment in force on a day; without one only the id is known.
fn of_payee<'a>(facts: &'a Facts, payee: u32, day: Day, field: &Field) -> Option<Value<'a>> {
    let payee = &facts.payees[payee as usize];
    let assignment = || payee.assignments.iter().find(|assignment| assignment.covers(day));
    match field {
        Field::PayeeId => Some(Value::Text(payee.id.as_str())),
        Field::PayeeTitle => assignment()?.title.as_deref().map(Value::Text),
        Field::PayeeTerritory => assignment()?.territory.as_ref().map(|id| Value::Text(id.as_str())),
        Field::PayeePlan => assignment()?.plan.as_ref().map(|id| Value::Text(id.as_str())),
        _ => None,
    }
}
