//! What a checked text comes to: exact, bounded by the size of the text, and where it cannot be told why not.

use std::cmp::Ordering;
use std::fmt;

use super::{Field, Value};
use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::number::{self, INTEGER_DIGITS, QUANTITY_DECIMALS};

/// A part of a checked text. Its parts have the types that it needs.
pub(super) enum Node {
    Literal(Literal),
    Field(Field),
    /// Whether a field is known.
    Has(Field),
    Not(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    /// Whether a value is one of a list, which is sorted.
    In(Box<Node>, Vec<Literal>),
    /// Condition, then, else.
    If(Box<Node>, Box<Node>, Box<Node>),
    Negate(Box<Node>),
    Arithmetic(Arithmetic, Box<Node>, Box<Node>),
    /// Days from the second date to the first.
    Days(Box<Node>, Box<Node>),
    Match(Match, Box<Node>, Box<Node>),
    /// A text read as a number.
    Number(Box<Node>),
    /// A text read as a date.
    Date(Box<Node>),
    Least(Vec<Node>),
    Greatest(Vec<Node>),
}

/// A value that stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Literal {
    Bool(bool),
    Number(Exact),
    Text(String),
    Date(Day),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Match {
    StartsWith,
    EndsWith,
    Contains,
}

/// Why a text cannot be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unclear<'a> {
    /// A field that is not known.
    Missing(&'a Field),
    /// Nothing is divided by zero.
    DivisionByZero,
    /// A number beyond 38 digits.
    TooLarge,
    /// A text that was to be read as a number.
    NoNumber(&'a str),
    /// A text that was to be read as a date.
    NoDate(&'a str),
    /// A value of another type than the one that the text was checked with.
    Mistyped,
}

impl fmt::Display for Unclear<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unclear::Missing(field) => write!(f, "{field} is missing"),
            Unclear::DivisionByZero => f.write_str("it divides by zero"),
            Unclear::TooLarge => f.write_str("a number in it is too large"),
            Unclear::NoNumber(text) => write!(f, "{text:?} is no number"),
            Unclear::NoDate(text) => write!(f, "{text:?} is no date"),
            Unclear::Mistyped => f.write_str("a value is of another type"),
        }
    }
}

impl Literal {
    fn value(&self) -> Value<'_> {
        match self {
            Literal::Bool(value) => Value::Bool(*value),
            Literal::Number(value) => Value::Number(value.clone()),
            Literal::Text(text) => Value::Text(text),
            Literal::Date(day) => Value::Date(*day),
        }
    }
}

/// How two values of one type stand to each other.
fn order(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
        (Value::Number(one), Value::Number(other)) => Some(one.cmp(other)),
        (Value::Text(one), Value::Text(other)) => Some(one.cmp(other)),
        (Value::Date(one), Value::Date(other)) => Some(one.cmp(other)),
        (Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::Date(_), _) => None,
    }
}

fn fitting<'a>(number: Exact) -> Result<Exact, Unclear<'a>> {
    if number.is_small() { Ok(number) } else { Err(Unclear::TooLarge) }
}

impl Node {
    /// What a condition comes to.
    pub fn bool<'a>(&'a self, read: &impl Fn(&'a Field) -> Option<Value<'a>>) -> Result<bool, Unclear<'a>> {
        match self.value(read)? {
            Value::Bool(value) => Ok(value),
            Value::Number(_) | Value::Text(_) | Value::Date(_) => Err(Unclear::Mistyped),
        }
    }

    /// What an expression comes to.
    pub fn number<'a>(
        &'a self,
        read: &impl Fn(&'a Field) -> Option<Value<'a>>,
    ) -> Result<Exact, Unclear<'a>> {
        match self.value(read)? {
            Value::Number(value) => Ok(value),
            Value::Bool(_) | Value::Text(_) | Value::Date(_) => Err(Unclear::Mistyped),
        }
    }

    fn text<'a>(&'a self, read: &impl Fn(&'a Field) -> Option<Value<'a>>) -> Result<&'a str, Unclear<'a>> {
        match self.value(read)? {
            Value::Text(text) => Ok(text),
            Value::Bool(_) | Value::Number(_) | Value::Date(_) => Err(Unclear::Mistyped),
        }
    }

    fn date<'a>(&'a self, read: &impl Fn(&'a Field) -> Option<Value<'a>>) -> Result<Day, Unclear<'a>> {
        match self.value(read)? {
            Value::Date(day) => Ok(day),
            Value::Bool(_) | Value::Number(_) | Value::Text(_) => Err(Unclear::Mistyped),
        }
    }

    fn value<'a>(&'a self, read: &impl Fn(&'a Field) -> Option<Value<'a>>) -> Result<Value<'a>, Unclear<'a>> {
        Ok(match self {
            Node::Literal(literal) => literal.value(),
            Node::Field(field) => read(field).ok_or(Unclear::Missing(field))?,
            Node::Has(field) => Value::Bool(read(field).is_some()),
            Node::Not(part) => Value::Bool(!part.bool(read)?),
            Node::And(one, other) => Value::Bool(decided(one.bool(read), || other.bool(read), false)?),
            Node::Or(one, other) => Value::Bool(decided(one.bool(read), || other.bool(read), true)?),
            Node::Compare(comparison, one, other) => {
                let order = order(&one.value(read)?, &other.value(read)?).ok_or(Unclear::Mistyped)?;
                Value::Bool(comparison.is(order))
            }
            Node::In(part, list) => {
                let value = part.value(read)?;
                let found = |literal: &Literal| order(&literal.value(), &value).unwrap_or(Ordering::Less);
                Value::Bool(list.binary_search_by(found).is_ok())
            }
            Node::If(condition, then, other) => {
                if condition.bool(read)? {
                    then.value(read)?
                } else {
                    other.value(read)?
                }
            }
            Node::Negate(part) => Value::Number(fitting(part.number(read)?.neg())?),
            Node::Arithmetic(arithmetic, one, other) => {
                Value::Number(arithmetic.of(&one.number(read)?, &other.number(read)?)?)
            }
            Node::Days(one, other) => {
                let days = one.date(read)?.days_since(other.date(read)?);
                Value::Number(Exact::whole(i128::from(days)))
            }
            Node::Match(how, one, other) => Value::Bool(how.of(one.text(read)?, other.text(read)?)),
            Node::Number(part) => {
                let text = part.text(read)?;
                let number = number::parse(text, INTEGER_DIGITS, QUANTITY_DECIMALS);
                let number = number.map_err(|_| Unclear::NoNumber(text))?;
                Value::Number(Exact::scaled(number, QUANTITY_DECIMALS))
            }
            Node::Date(part) => {
                let text = part.text(read)?;
                Value::Date(Day::parse(text).map_err(|_| Unclear::NoDate(text))?)
            }
            Node::Least(parts) => most(parts, Ordering::Less, read)?,
            Node::Greatest(parts) => most(parts, Ordering::Greater, read)?,
        })
    }
}

/// Both parts joined, where one that comes to `decides` decides whatever the other is, known or not.
fn decided<'a>(
    one: Result<bool, Unclear<'a>>,
    other: impl FnOnce() -> Result<bool, Unclear<'a>>,
    decides: bool,
) -> Result<bool, Unclear<'a>> {
    match one {
        Ok(one) if one == decides => Ok(decides),
        Ok(_) => other(),
        Err(unclear) => match other() {
            Ok(other) if other == decides => Ok(decides),
            Ok(_) | Err(_) => Err(unclear),
        },
    }
}

/// The first of some numbers than which none lies further to one side.
fn most<'a>(
    parts: &'a [Node],
    side: Ordering,
    read: &impl Fn(&'a Field) -> Option<Value<'a>>,
) -> Result<Value<'a>, Unclear<'a>> {
    let mut best: Option<Exact> = None;
    for part in parts {
        let number = part.number(read)?;
        if best.as_ref().is_none_or(|best| number.cmp(best) == side) {
            best = Some(number);
        }
    }
    best.map(Value::Number).ok_or(Unclear::Mistyped)
}

impl Comparison {
    fn is(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::More => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

impl Arithmetic {
    fn of<'a>(self, one: &Exact, other: &Exact) -> Result<Exact, Unclear<'a>> {
        fitting(match self {
            Arithmetic::Add => one.add(other),
            Arithmetic::Subtract => one.sub(other),
            Arithmetic::Multiply => one.mul(other),
            Arithmetic::Divide => one.div(other).ok_or(Unclear::DivisionByZero)?,
        })
    }
}

impl Match {
    fn of(self, text: &str, part: &str) -> bool {
        match self {
            Match::StartsWith => text.starts_with(part),
            Match::EndsWith => text.ends_with(part),
            Match::Contains => text.contains(part),
        }
    }
}
