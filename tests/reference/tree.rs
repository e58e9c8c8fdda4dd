//! Conditions and expressions as trees of the second reading's own (semantics 6). They write themselves as CEL with no
//! more brackets than they need, and are evaluated in the plainest way: what is read of the text is told by the product.

use std::cmp::Ordering;
use std::fmt;

use attain::domain::date::Day;
use num_traits::{Signed, ToPrimitive, Zero};

use crate::fractions::{Q, ratio, whole};

/// What a part comes to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    Bool(bool),
    Number(Q),
    Text(String),
    Date(Day),
}

/// What is read: a field by its path, or a free attribute by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    Field(&'static str),
    Attribute(&'static str),
}

/// A part of a text. What it says stands in the names; parts have the types they need.
#[derive(Debug, Clone)]
pub enum Tree {
    Bool(bool),
    /// As it is written.
    Number(&'static str),
    Text(&'static str),
    Date(Day),
    Known(Read),
    Has(Read),
    Not(Box<Tree>),
    Both(Box<Tree>, Box<Tree>),
    Either(Box<Tree>, Box<Tree>),
    Compare(&'static str, Box<Tree>, Box<Tree>),
    OneOf(Box<Tree>, Vec<Tree>),
    Choice(Box<Tree>, Box<Tree>, Box<Tree>),
    Minus(Box<Tree>),
    /// Of two numbers; of two dates the days between them.
    Arithmetic(char, Box<Tree>, Box<Tree>),
    /// `startsWith`, `endsWith` or `contains`.
    Match(&'static str, Box<Tree>, Box<Tree>),
    ToNumber(Box<Tree>),
    ToDate(Box<Tree>),
    /// `min` or `max`.
    Outmost(&'static str, Vec<Tree>),
}

impl Tree {
    /// What it comes to by what `read` says; nothing where that cannot be told.
    pub fn value(&self, read: &dyn Fn(&Read) -> Option<Value>) -> Option<Value> {
        let of = |part: &Tree| part.value(read);
        let truth = |part: &Tree| of(part).map(|value| value == Value::Bool(true));
        Some(match self {
            Tree::Bool(value) => Value::Bool(*value),
            Tree::Number(text) => Value::Number(number(text, 12)?),
            Tree::Text(text) => Value::Text((*text).to_string()),
            Tree::Date(day) => Value::Date(*day),
            Tree::Known(of) => read(of)?,
            Tree::Has(of) => Value::Bool(read(of).is_some()),
            Tree::Not(part) => Value::Bool(!truth(part)?),
            // What is known decides, on whichever side it stands.
            Tree::Both(one, other) => Value::Bool(match (truth(one), truth(other)) {
                (Some(false), _) | (_, Some(false)) => false,
                (one, other) => one? && other?,
            }),
            Tree::Either(one, other) => Value::Bool(match (truth(one), truth(other)) {
                (Some(true), _) | (_, Some(true)) => true,
                (one, other) => one? || other?,
            }),
            Tree::Compare(operator, one, other) => {
                let (one, other) = (of(one)?, of(other)?);
                Value::Bool(match *operator {
                    "==" => one == other,
                    "!=" => one != other,
                    "<" => one < other,
                    "<=" => one <= other,
                    ">" => one > other,
                    _ => one >= other,
                })
            }
            Tree::OneOf(part, list) => {
                let value = of(part)?;
                Value::Bool(list.iter().any(|other| of(other).as_ref() == Some(&value)))
            }
            Tree::Choice(condition, then, other) => of(if truth(condition)? { then } else { other })?,
            Tree::Minus(part) => Value::Number(fitting(-numeric(of(part)?))?),
            Tree::Arithmetic(operator, one, other) => {
                Value::Number(fitting(arithmetic(*operator, of(one)?, of(other)?)?)?)
            }
            Tree::Match(how, text, part) => {
                let (Value::Text(text), Value::Text(part)) = (of(text)?, of(part)?) else {
                    panic!("no texts in {self}")
                };
                Value::Bool(match *how {
                    "startsWith" => text.starts_with(&part),
                    "endsWith" => text.ends_with(&part),
                    _ => text.contains(&part),
                })
            }
            Tree::ToNumber(part) => Value::Number(number(&textual(of(part)?), 6)?),
            Tree::ToDate(part) => Value::Date(Day::parse(&textual(of(part)?)).ok()?),
            Tree::Outmost(name, parts) => {
                let values = parts.iter().map(of).collect::<Option<Vec<_>>>()?;
                if *name == "min" { values.into_iter().min()? } else { values.into_iter().max()? }
            }
        })
    }

    /// Whether a condition holds.
    pub fn holds(&self, read: &dyn Fn(&Read) -> Option<Value>) -> bool {
        self.value(read) == Some(Value::Bool(true))
    }

    /// What an expression comes to, in millionths, half away from zero; 0 where that cannot be told.
    pub fn millionths(&self, read: &dyn Fn(&Read) -> Option<Value>) -> i64 {
        let Some(value) = self.value(read).map(numeric) else { return 0 };
        let size = (value.abs() * whole(1_000_000) + ratio(1, 2)).floor().to_integer().to_i64();
        // What is beyond 64 bits cannot be told either.
        size.map_or(0, |size| if value.is_negative() { -size } else { size })
    }

    /// How tightly its parts are bound in CEL: what binds less stands in brackets.
    fn level(&self) -> u8 {
        match self {
            Tree::Choice(..) => 0,
            Tree::Either(..) => 1,
            Tree::Both(..) => 2,
            Tree::Compare(..) | Tree::OneOf(..) => 3,
            Tree::Has(Read::Attribute(name)) if !plain(name) || name.len() % 2 == 1 => 3,
            Tree::Arithmetic('+' | '-', ..) => 4,
            Tree::Arithmetic(..) => 5,
            Tree::Not(_) | Tree::Minus(_) => 6,
            Tree::Number(text) if text.starts_with('-') => 6,
            _ => 7,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.level() < least {
            write!(f, "(")?;
            self.write(f, 0)?;
            return write!(f, ")");
        }
        match self {
            Tree::Bool(value) => write!(f, "{value}"),
            Tree::Number(text) => write!(f, "{text}"),
            Tree::Text(text) => write_text(f, text),
            Tree::Date(day) => write!(f, "date(\"{day}\")"),
            Tree::Known(read) => write!(f, "{read}"),
            // One way or the other.
            Tree::Has(Read::Attribute(name)) if self.level() == 3 => {
                write_text(f, name)?;
                write!(f, " in deal.attributes")
            }
            Tree::Has(read) => write!(f, "has({read})"),
            Tree::Not(part) => write_before(f, "!", part),
            Tree::Minus(part) => write_before(f, "-", part),
            Tree::Both(one, other) => write_between(f, (one, 2), "&&", (other, 3)),
            Tree::Either(one, other) => write_between(f, (one, 1), "||", (other, 2)),
            Tree::Compare(operator, one, other) => write_between(f, (one, 3), operator, (other, 4)),
            Tree::Arithmetic(operator, one, other) => {
                let level = self.level();
                write_between(f, (one, level), &operator.to_string(), (other, level + 1))
            }
            Tree::OneOf(part, list) => {
                part.write(f, 3)?;
                write!(f, " in [")?;
                write_list(f, list)?;
                write!(f, "]")
            }
            Tree::Choice(condition, then, other) => {
                write_between(f, (condition, 1), "?", (then, 1))?;
                write!(f, " : ")?;
                other.write(f, 0)
            }
            Tree::Match(how, text, part) => {
                text.write(f, 7)?;
                write!(f, ".{how}({part})")
            }
            Tree::ToNumber(part) => write!(f, "number({part})"),
            Tree::ToDate(part) => write!(f, "date({part})"),
            Tree::Outmost(name, parts) => {
                write!(f, "{name}(")?;
                write_list(f, parts)?;
                write!(f, ")")
            }
        }
    }

    /// The parts that could stand in its place, to find what matters of it.
    pub fn parts(&self) -> Vec<Tree> {
        match self {
            Tree::Not(part) | Tree::Minus(part) => vec![(**part).clone()],
            Tree::Both(one, other) | Tree::Either(one, other) => vec![(**one).clone(), (**other).clone()],
            Tree::Arithmetic('+' | '*' | '/', one, other) => vec![(**one).clone(), (**other).clone()],
            Tree::Choice(_, then, other) => vec![(**then).clone(), (**other).clone()],
            Tree::Outmost(_, parts) => parts.clone(),
            _ => Vec::new(),
        }
    }
}

fn numeric(value: Value) -> Q {
    let Value::Number(value) = value else { panic!("{value:?} is no number") };
    value
}

/// Nothing is reckoned with numbers beyond 38 digits.
fn fitting(value: Q) -> Option<Q> {
    let fits = value.numer().to_i128().is_some() && value.denom().to_i128().is_some();
    fits.then_some(value)
}

fn textual(value: Value) -> String {
    let Value::Text(text) = value else { panic!("{value:?} is no text") };
    text
}

fn arithmetic(operator: char, one: Value, other: Value) -> Option<Q> {
    if let (Value::Date(one), Value::Date(other)) = (&one, &other) {
        return Some(whole(one.days_since(*other)));
    }
    let (one, other) = (numeric(one), numeric(other));
    Some(match operator {
        '+' => one + other,
        '-' => one - other,
        '*' => one * other,
        _ if other.is_zero() => return None,
        _ => one / other,
    })
}

/// A plain decimal number of so many decimals: no sign but a minus, no leading zeros, no minus zero.
fn number(text: &str, decimals: usize) -> Option<Q> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (units, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let padded = units.len() > 1 && units.starts_with('0');
    if !plain(units) || !plain(fraction) || padded || units.len() > 15 || fraction.len() > decimals {
        return None;
    }
    let tens = 10_i128.pow(u32::try_from(fraction.len()).unwrap());
    let value = whole(units.parse::<i128>().unwrap()) + ratio(fraction.parse::<i128>().unwrap(), tens);
    match (text.starts_with('-'), value.cmp(&Q::zero())) {
        (true, Ordering::Equal) => None,
        (true, _) => Some(-value),
        (false, _) => Some(value),
    }
}

/// Whether a name may stand behind a point.
fn plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_lowercase())
}

fn write_text(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let escaped = text.replace('\\', "\\\\");
    // Both kinds of quotes.
    match text.len() % 2 {
        0 => write!(f, "\"{}\"", escaped.replace('"', "\\\"")),
        _ => write!(f, "'{}'", escaped.replace('\'', "\\'")),
    }
}

fn write_before(f: &mut fmt::Formatter<'_>, sign: &str, part: &Tree) -> fmt::Result {
    write!(f, "{sign}")?;
    // Signs in a row stand for one another.
    part.write(f, 6)
}

fn write_between(
    f: &mut fmt::Formatter<'_>,
    one: (&Tree, u8),
    operator: &str,
    other: (&Tree, u8),
) -> fmt::Result {
    one.0.write(f, one.1)?;
    write!(f, " {operator} ")?;
    other.0.write(f, other.1)
}

fn write_list(f: &mut fmt::Formatter<'_>, parts: &[Tree]) -> fmt::Result {
    for (place, part) in parts.iter().enumerate() {
        write!(f, "{}{part}", if place > 0 { ", " } else { "" })?;
    }
    Ok(())
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

impl fmt::Display for Read {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Read::Field(path) => write!(f, "{path}"),
            Read::Attribute(name) if plain(name) => write!(f, "deal.attributes.{name}"),
            Read::Attribute(name) => write!(f, "deal.attributes[\"{name}\"]"),
        }
    }
}
