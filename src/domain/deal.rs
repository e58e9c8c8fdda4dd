//! Deals, their splits and events (semantics 5).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::date::Day;
use super::fault::Violations;
use super::id::{CustomerId, DealId, EventId, PayeeId, ProductId, RoleId};
use super::money::Currency;
use super::number::{Percent, Quantity};
use super::version::SourceVersion;

/// Most splits of a deal, and most events of a deal in one message.
pub const MAX_PARTS: usize = 100;
/// Most free attributes of a deal.
pub const MAX_ATTRIBUTES: usize = 50;
/// The role of credits that come on top of the whole.
pub const OVERLAY: &str = "OVERLAY";
/// The role of whoever owns a deal without splits.
pub const OWNER: &str = "OWNER";

/// Where a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// Still in the pipeline.
    Open,
    /// Won; what it earns is in its events.
    Won,
    /// Lost.
    Lost,
}

/// What happened to a deal on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EventKind {
    /// The order was booked.
    Booked,
    /// An invoice was issued.
    Invoiced,
    /// Money came in.
    Paid,
    /// Money went back: takes events back.
    Refunded,
    /// The order was cancelled: takes events back.
    Cancelled,
}

impl EventKind {
    /// Whether such an event takes others back.
    pub fn is_reversal(self) -> bool {
        matches!(self, EventKind::Refunded | EventKind::Cancelled)
    }

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            EventKind::Booked => "BOOKED",
            EventKind::Invoiced => "INVOICED",
            EventKind::Paid => "PAID",
            EventKind::Refunded => "REFUNDED",
            EventKind::Cancelled => "CANCELLED",
        }
    }

    /// All kinds.
    pub const ALL: [EventKind; 5] =
        [EventKind::Booked, EventKind::Invoiced, EventKind::Paid, EventKind::Refunded, EventKind::Cancelled];
}

impl Outcome {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Open => "OPEN",
            Outcome::Won => "WON",
            Outcome::Lost => "LOST",
        }
    }
}

/// A deal as the CRM knows it. One fact with its splits; each event is a fact of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deal {
    /// The CRM's id.
    pub id: DealId,
    /// Free text, personal data.
    pub name: Option<String>,
    /// Who is credited where no splits are given.
    pub owner: PayeeId,
    /// The customer's id.
    pub customer: Option<CustomerId>,
    /// Personal data.
    pub customer_name: Option<String>,
    /// What is sold.
    pub product: Option<ProductId>,
    /// Currency of all amounts of the deal.
    pub currency: Currency,
    /// Size of the deal in minor units.
    pub amount: Option<i64>,
    /// What it costs to deliver, in minor units.
    pub cost: Option<i64>,
    /// Units sold.
    pub quantity: Option<Quantity>,
    /// The CRM's own stage, at most 100 characters.
    pub stage: Option<String>,
    /// Open, won or lost.
    pub outcome: Outcome,
    /// Chance of winning, 0 to 100.
    pub probability: Option<Percent>,
    /// When work on it began.
    pub opened: Option<Day>,
    /// Expected while open, actual when won or lost.
    pub closed: Option<Day>,
    /// Free attributes.
    pub attributes: BTreeMap<String, String>,
    /// Who is credited with which part.
    pub splits: Vec<Split>,
    /// Events that this message states; those it does not name stay as they are.
    pub events: Vec<DealEvent>,
    /// Which state of the deal in its source this is.
    pub source_version: Option<SourceVersion>,
}

/// A part of a deal's credit for one payee in one role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Split {
    /// Who is credited.
    pub payee: PayeeId,
    /// In which role.
    pub role: RoleId,
    /// With which part; above 0, at most 100.
    pub percent: Percent,
}

/// Something that happened to a deal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DealEvent {
    /// Unique within the deal.
    pub id: EventId,
    /// What happened.
    pub kind: EventKind,
    /// When.
    pub day: Day,
    /// In minor units of the deal's currency, not below zero; absent for a reversal that takes back all that is left.
    pub amount: Option<i64>,
    /// Its own cost; otherwise it has its part of the deal's.
    pub cost: Option<i64>,
    /// Its own quantity; otherwise it has its part of the deal's.
    pub quantity: Option<Quantity>,
    /// What a reversal takes back; empty: the one event of each type dated on or before it.
    pub reverses: Vec<Reversed>,
    /// Which state of the event in its source this is; where a message says none, it is its deal's.
    pub source_version: Option<SourceVersion>,
}

/// One event taken back by a reversal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reversed {
    /// The event of the same deal.
    pub event: EventId,
    /// How much of it, in minor units, above zero; absent: what is left.
    pub amount: Option<i64>,
}

impl Deal {
    /// Notes what is wrong between the fields of a deal, under `path`; puts splits and events in order.
    pub fn check(&mut self, path: &str, violations: &mut Violations) {
        self.check_splits(path, violations);
        let mut seen = BTreeSet::new();
        if self.events.len() > MAX_PARTS {
            violations.add(
                format!("{path}.events"),
                format!("must be at most {MAX_PARTS}, got {}", self.events.len()),
            );
        }
        for (place, event) in self.events.iter().enumerate() {
            let at = format!("{path}.events[{place}]");
            if !seen.insert(&event.id) {
                violations.add(
                    format!("{at}.event_id"),
                    format!("must be unique in the deal, got {} again", event.id),
                );
            }
            event.check(&at, violations);
        }
        if self.attributes.len() > MAX_ATTRIBUTES {
            let count = self.attributes.len();
            violations
                .add(format!("{path}.attributes"), format!("must be at most {MAX_ATTRIBUTES}, got {count}"));
        }
        self.splits.sort();
        self.events.sort_by(|a, b| (a.day, &a.id).cmp(&(b.day, &b.id)));
    }

    fn check_splits(&self, path: &str, violations: &mut Violations) {
        if self.splits.len() > MAX_PARTS {
            violations.add(
                format!("{path}.splits"),
                format!("must be at most {MAX_PARTS}, got {}", self.splits.len()),
            );
        }
        let mut seen = BTreeSet::new();
        for (place, split) in self.splits.iter().enumerate() {
            let at = format!("{path}.splits[{place}]");
            if split.percent <= Percent::ZERO || split.percent > Percent::HUNDRED {
                violations.add(
                    format!("{at}.split_percent"),
                    format!("must be above 0 and at most 100, got {}", split.percent),
                );
            }
            if !seen.insert((&split.payee, &split.role)) {
                let (payee, role) = (&split.payee, &split.role);
                violations.add(
                    format!("{at}.payee_id"),
                    format!("must have one split in role {role}, got {payee} again"),
                );
            }
        }
        let whole: Vec<_> = self.splits.iter().filter(|split| split.role.as_str() != OVERLAY).collect();
        let sum: i128 = whole.iter().map(|split| i128::from(split.percent.0)).sum();
        if !whole.is_empty() && sum != i128::from(Percent::HUNDRED.0) {
            let sum = super::number::trimmed(sum, super::number::PERCENT_DECIMALS);
            violations.add(
                format!("{path}.splits"),
                format!("must sum to exactly 100 percent without overlays, got {sum}"),
            );
        }
    }
}

impl DealEvent {
    fn check(&self, path: &str, violations: &mut Violations) {
        let listed = !self.reverses.is_empty();
        match (self.kind.is_reversal(), self.amount) {
            (false, None) => {
                violations.add(format!("{path}.amount"), format!("must be given for {}", self.kind.name()))
            }
            (true, Some(_)) if listed => {
                violations.add(
                    format!("{path}.amount"),
                    "must be absent where reverses lists the events taken back",
                );
            }
            (false, Some(_)) | (true, _) => {}
        }
        if !self.kind.is_reversal() && listed {
            violations.add(format!("{path}.reverses"), format!("must be empty for {}", self.kind.name()));
        }
        if self.reverses.len() > MAX_PARTS {
            violations.add(
                format!("{path}.reverses"),
                format!("must be at most {MAX_PARTS}, got {}", self.reverses.len()),
            );
        }
        if let Some(amount) = self.amount.filter(|amount| *amount < 0) {
            violations.add(
                format!("{path}.amount"),
                format!("must not be below zero (a reversal takes back), got {amount} minor units"),
            );
        }
        let mut seen = BTreeSet::new();
        for (place, reversed) in self.reverses.iter().enumerate() {
            let at = format!("{path}.reverses[{place}]");
            if !seen.insert(&reversed.event) {
                violations.add(
                    format!("{at}.event_id"),
                    format!("must be listed once, got {} again", reversed.event),
                );
            }
            if reversed.amount.is_some_and(|amount| amount <= 0) {
                violations.add(format!("{at}.amount"), "must be above zero");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal(splits: &[(&str, &str, &str)]) -> Deal {
        let split = |(payee, role, percent): &(&str, &str, &str)| Split {
            payee: payee.parse().unwrap(),
            role: role.parse().unwrap(),
            percent: Percent::parse(percent).unwrap(),
        };
        Deal {
            id: "D-1".parse().unwrap(),
            name: None,
            owner: "a".parse().unwrap(),
            customer: None,
            customer_name: None,
            product: None,
            currency: Currency::parse("USD").unwrap(),
            amount: None,
            cost: None,
            quantity: None,
            stage: None,
            outcome: Outcome::Won,
            probability: None,
            opened: None,
            closed: None,
            attributes: BTreeMap::new(),
            splits: splits.iter().map(split).collect(),
            events: Vec::new(),
            source_version: None,
        }
    }

    #[test]
    fn splits_without_overlays_sum_to_exactly_one_hundred() {
        for (splits, faults) in [
            (vec![], 0),
            (vec![("a", "AE", "100")], 0),
            (vec![("a", "AE", "33.333333"), ("b", "AE", "66.666667")], 0),
            (vec![("a", "AE", "99.99")], 1),
            (vec![("a", "AE", "60"), ("b", "AE", "40.000001")], 1),
            (vec![("a", "OVERLAY", "30")], 0),
            (vec![("a", "AE", "100"), ("b", "OVERLAY", "50")], 0),
            (vec![("a", "AE", "70"), ("b", "OVERLAY", "30")], 1),
            (vec![("a", "AE", "50"), ("a", "AE", "50")], 1),
            (vec![("a", "AE", "50"), ("a", "SE", "50")], 0),
            (vec![("a", "AE", "0"), ("b", "AE", "100")], 1),
            (vec![("a", "AE", "-10"), ("b", "AE", "110")], 2),
        ] {
            let mut violations = Violations::default();
            deal(&splits).check("deals[0]", &mut violations);
            assert_eq!(violations.len(), faults, "{splits:?}: {violations:?}");
        }
    }
}
