//! Semantics 6: what conditions and expressions read, and what they come to for a credit.

use attain::domain::condition::{Formula, Root};
use attain::domain::deal::{Deal, DealEvent};
use attain::domain::fault::Violations;
use attain::domain::id::{MeasureId, PayeeId, RoleId};
use attain::domain::measure::{Measure, Source};
use attain::domain::money::Currency;
use attain::domain::number::{Percent, Quantity};
use attain::domain::territory::CreditingRule;

use crate::company::{Company, Rule};
use crate::events::worth;
use crate::fractions::{millionths, ratio, whole};
use crate::tree::{Read, Value};

/// A part of an event given to a payee.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    pub payee: PayeeId,
    pub role: RoleId,
    pub percent: Percent,
}

fn major(minor: Option<i64>, currency: Currency) -> Option<Value> {
    Some(Value::Number(ratio(minor?, 10_i64.pow(currency.minor_digits()))))
}

fn units(quantity: Option<i64>) -> Option<Value> {
    quantity.map(|quantity| Value::Number(millionths(quantity)))
}

fn text(text: impl ToString) -> Value {
    Value::Text(text.to_string())
}

/// What is known of a deal, as it is known now.
fn of_deal(deal: &Deal, field: &str) -> Option<Value> {
    Some(match field {
        "id" => text(&deal.id),
        "owner" => text(&deal.owner),
        "customer" => text(deal.customer.as_ref()?),
        "product" => text(deal.product.as_ref()?),
        "currency" => text(deal.currency),
        "stage" => text(deal.stage.as_ref()?),
        "outcome" => text(deal.outcome.name()),
        "amount" => return major(deal.amount, deal.currency),
        "cost" => return major(deal.cost, deal.currency),
        "quantity" => return units(deal.quantity.map(|quantity| quantity.0)),
        "margin_percent" => {
            let (amount, cost) = (deal.amount.filter(|amount| *amount != 0)?, deal.cost?);
            Value::Number(ratio(amount - cost, amount) * whole(100))
        }
        "probability" => Value::Number(millionths(deal.probability?.0)),
        "open_date" => Value::Date(deal.opened?),
        "close_date" => Value::Date(deal.closed?),
        _ => panic!("deal.{field}"),
    })
}

/// What is known of an event that costs and is so much.
fn of_event(deal: &Deal, event: &DealEvent, (cost, quantity): Worth, field: &str) -> Option<Value> {
    Some(match field {
        "id" => text(&event.id),
        "type" => text(event.kind.name()),
        "date" => Value::Date(event.day),
        "amount" => return major(event.amount, deal.currency),
        "cost" => return major(cost, deal.currency),
        "quantity" => return units(quantity),
        _ => panic!("event.{field}"),
    })
}

fn of_share(share: &Share, field: &str) -> Value {
    match field {
        "payee" => text(&share.payee),
        "role" => text(&share.role),
        "percent" => Value::Number(millionths(share.percent.0)),
        _ => panic!("credit.{field}"),
    }
}

/// Cost and quantity, as far as they are known.
type Worth = (Option<i64>, Option<i64>);

/// What a text reads of a deal and its event alone.
fn known(deal: &Deal, event: &DealEvent, worth: Worth, read: &Read) -> Option<Value> {
    match read {
        Read::Attribute(name) => deal.attributes.get(*name).map(text),
        Read::Field(path) => match path.split_once('.').unwrap() {
            ("deal", field) => of_deal(deal, field),
            ("event", field) => of_event(deal, event, worth, field),
            _ => panic!("{path}"),
        },
    }
}

impl Company {
    /// What is known of who earns, by the assignment in force on the event's date.
    fn of_payee(&self, payee: &PayeeId, event: &DealEvent, field: &str) -> Option<Value> {
        let held = || self.assignment(payee, event.day);
        Some(match field {
            "id" => text(payee),
            "title" => text(held()?.title.as_ref()?),
            "territory" => text(held()?.territory.as_ref()?),
            "plan" => text(held()?.plan.as_ref()?),
            _ => panic!("payee.{field}"),
        })
    }

    /// Whether a measure counts a share of an event for who earns.
    pub fn counts(
        &self,
        measure: &MeasureId,
        deal: &Deal,
        event: &DealEvent,
        share: &Share,
        payee: &PayeeId,
    ) -> bool {
        let Some(condition) = self.conditions.get(measure) else { return true };
        let worth = worth(deal, event);
        let read = |read: &Read| match read {
            Read::Field(path) => match path.split_once('.').unwrap() {
                ("credit", field) => Some(of_share(share, field)),
                ("payee", field) => self.of_payee(payee, event, field),
                _ => known(deal, event, worth, &Read::Field(path)),
            },
            attribute => known(deal, event, worth, attribute),
        };
        condition.holds(&read)
    }

    /// What a measure's expression comes to for an event, millionths.
    pub fn expressed(&self, measure: &MeasureId, deal: &Deal, event: &DealEvent) -> i64 {
        let worth = worth(deal, event);
        self.expressions[measure].millionths(&|read| known(deal, event, worth, read))
    }

    /// A measure with its texts.
    pub fn written(&self, measure: &Measure) -> Measure {
        let mut measure = measure.clone();
        if let Source::Credits(credits) = &mut measure.source {
            let condition = self.conditions.get(&measure.id).map(ToString::to_string);
            let expression = self.expressions.get(&measure.id).map(ToString::to_string);
            credits.condition = condition.map(|text| Formula::condition(&text, &Root::ALL).unwrap());
            credits.expression = expression.map(|text| Formula::expression(&text, &Root::OF_EVENT).unwrap());
        }
        measure
    }

    /// What the service would refuse of the texts.
    pub fn check_texts(&self, violations: &mut Violations) {
        let conditions = self.conditions.values().map(|tree| (tree, &Root::ALL[..]));
        let of_rules =
            self.rules.iter().filter_map(|rule| Some((rule.condition.as_ref()?, &Root::OF_EVENT[..])));
        for (tree, roots) in conditions.chain(of_rules) {
            if let Err(faults) = Formula::condition(&tree.to_string(), roots) {
                violations.add("condition", format!("{tree}: {faults:?}"));
            }
        }
        for tree in self.expressions.values() {
            if let Err(faults) = Formula::expression(&tree.to_string(), &Root::OF_EVENT) {
                violations.add("expression", format!("{tree}: {faults:?}"));
            }
        }
    }
}

impl Rule {
    /// Whether it counts for an event: of cost and quantity only what the event states itself is known to it.
    pub fn counts(&self, deal: &Deal, event: &DealEvent) -> bool {
        let worth = (event.cost, event.quantity.map(|Quantity(units)| units));
        let read = |read: &Read| known(deal, event, worth, read);
        let begun = self.rule.from <= event.day && self.rule.to.is_none_or(|to| event.day < to);
        begun && self.condition.as_ref().is_none_or(|condition| condition.holds(&read))
    }

    /// The rule with its text.
    pub fn written(&self) -> CreditingRule {
        let text = self.condition.as_ref().map(ToString::to_string);
        let condition = text.map(|text| Formula::condition(&text, &Root::OF_EVENT).unwrap());
        CreditingRule { condition, ..self.rule.clone() }
    }
}
