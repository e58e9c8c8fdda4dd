//! What a text may read. Names and e-mail addresses of people are not among it.

use std::fmt;

/// What a part of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// True or false.
    Bool,
    /// An exact number.
    Number,
    /// A text.
    Text,
    /// A calendar day.
    Date,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "true or false",
            Type::Number => "a number",
            Type::Text => "a text",
            Type::Date => "a date",
        })
    }
}

/// What fields are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Root {
    /// The deal as it is known now.
    Deal,
    /// The event; of a reversal the one it takes back.
    Event,
    /// The direct credit: of a rolled-up one each report's.
    Credit,
    /// Who earns, by the assignment in force on the event's date.
    Payee,
}

impl Root {
    /// All that a condition of a measure may read.
    pub const ALL: [Root; 4] = [Root::Deal, Root::Event, Root::Credit, Root::Payee];
    /// What is the same for everyone who is credited: what expressions and crediting rules may read.
    pub const OF_EVENT: [Root; 2] = [Root::Deal, Root::Event];

    /// The name in a text.
    pub fn name(self) -> &'static str {
        match self {
            Root::Deal => "deal",
            Root::Event => "event",
            Root::Credit => "credit",
            Root::Payee => "payee",
        }
    }
}

/// One thing that a text reads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    DealId,
    DealOwner,
    DealCustomer,
    DealProduct,
    DealCurrency,
    DealAmount,
    DealCost,
    DealQuantity,
    DealMarginPercent,
    DealStage,
    DealOutcome,
    DealProbability,
    DealOpened,
    DealClosed,
    /// A free attribute by name.
    Attribute(String),
    EventId,
    EventType,
    EventDate,
    EventAmount,
    EventCost,
    EventQuantity,
    CreditPayee,
    CreditRole,
    CreditPercent,
    PayeeId,
    PayeeTitle,
    PayeeTerritory,
    PayeePlan,
}

/// The field of a deal that holds its free attributes.
pub const ATTRIBUTES: &str = "attributes";

/// Every field but the attributes.
const FIELDS: [(Root, &str, Type, Field); 27] = [
    (Root::Deal, "id", Type::Text, Field::DealId),
    (Root::Deal, "owner", Type::Text, Field::DealOwner),
    (Root::Deal, "customer", Type::Text, Field::DealCustomer),
    (Root::Deal, "product", Type::Text, Field::DealProduct),
    (Root::Deal, "currency", Type::Text, Field::DealCurrency),
    (Root::Deal, "amount", Type::Number, Field::DealAmount),
    (Root::Deal, "cost", Type::Number, Field::DealCost),
    (Root::Deal, "quantity", Type::Number, Field::DealQuantity),
    (Root::Deal, "margin_percent", Type::Number, Field::DealMarginPercent),
    (Root::Deal, "stage", Type::Text, Field::DealStage),
    (Root::Deal, "outcome", Type::Text, Field::DealOutcome),
    (Root::Deal, "probability", Type::Number, Field::DealProbability),
    (Root::Deal, "open_date", Type::Date, Field::DealOpened),
    (Root::Deal, "close_date", Type::Date, Field::DealClosed),
    (Root::Event, "id", Type::Text, Field::EventId),
    (Root::Event, "type", Type::Text, Field::EventType),
    (Root::Event, "date", Type::Date, Field::EventDate),
    (Root::Event, "amount", Type::Number, Field::EventAmount),
    (Root::Event, "cost", Type::Number, Field::EventCost),
    (Root::Event, "quantity", Type::Number, Field::EventQuantity),
    (Root::Credit, "payee", Type::Text, Field::CreditPayee),
    (Root::Credit, "role", Type::Text, Field::CreditRole),
    (Root::Credit, "percent", Type::Number, Field::CreditPercent),
    (Root::Payee, "id", Type::Text, Field::PayeeId),
    (Root::Payee, "title", Type::Text, Field::PayeeTitle),
    (Root::Payee, "territory", Type::Text, Field::PayeeTerritory),
    (Root::Payee, "plan", Type::Text, Field::PayeePlan),
];

impl Field {
    /// The field of a name.
    pub fn find(root: Root, name: &str) -> Option<(Field, Type)> {
        let found = FIELDS.iter().find(|field| (field.0, field.1) == (root, name));
        found.map(|(_, _, kind, field)| (field.clone(), *kind))
    }

    /// What it is of.
    pub fn root(&self) -> Root {
        let known = FIELDS.iter().find(|field| field.3 == *self);
        known.map_or(Root::Deal, |field| field.0)
    }

    /// The names that fields of a root have.
    pub fn names(root: Root) -> String {
        let fields = FIELDS.iter().filter(|field| field.0 == root).map(|field| field.1);
        let mut names: Vec<&str> = fields.chain((root == Root::Deal).then_some(ATTRIBUTES)).collect();
        names.sort_unstable();
        names.join(", ")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Field::Attribute(name) = self {
            let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return match plain {
                true => write!(f, "deal.{ATTRIBUTES}.{name}"),
                false => write!(f, "deal.{ATTRIBUTES}[{name:?}]"),
            };
        }
        let known = FIELDS.iter().find(|field| field.3 == *self);
        known.map_or(Ok(()), |(root, name, _, _)| write!(f, "{}.{name}", root.name()))
    }
}
