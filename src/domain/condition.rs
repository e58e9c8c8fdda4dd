//! Conditions and expressions: texts of CEL over what is known of a credit (semantics 6).
//!
//! A text is read once, when it is saved or loaded: length and depth first, then the parser's tree becomes ours
//! (`read`), then every part gets a type and every fault its place (`check`). What is left is evaluated exactly, without
//! allocating for plain comparisons and without a step that can fail otherwise than by saying why (`evaluate`).

mod check;
mod evaluate;
mod field;
mod read;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use super::date::Day;
use super::exact::Exact;

pub use evaluate::Unclear;
pub use field::{Field, Root, Type};

/// Most characters of a text.
pub const MAX_LENGTH: usize = 2000;
/// Most parts of a text that stand one within the other.
pub const MAX_DEPTH: usize = 32;

/// A condition or expression that was checked: what it says, and ready to be evaluated.
#[derive(Clone)]
pub struct Formula(Arc<Checked>);

struct Checked {
    text: String,
    node: evaluate::Node,
    fields: Vec<Field>,
}

/// What a part of a text comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A number; money in major units.
    Number(Exact),
    /// A text, compared by bytes.
    Text(&'a str),
    /// A day.
    Date(Day),
}

/// What is wrong at one place of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at {line}:{column}: found {found}, expected {expected}")]
pub struct TextFault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What stands there.
    pub found: String,
    /// What may stand there.
    pub expected: String,
}

impl Formula {
    /// Reads a condition, which may read the fields of `roots`: it comes to true or false. Otherwise everything that is
    /// wrong, in order.
    pub fn condition(text: &str, roots: &[Root]) -> Result<Self, Vec<TextFault>> {
        Self::of(text, roots, Type::Bool)
    }

    /// Reads an arithmetic expression, which comes to a number.
    pub fn expression(text: &str, roots: &[Root]) -> Result<Self, Vec<TextFault>> {
        Self::of(text, roots, Type::Number)
    }

    fn of(text: &str, roots: &[Root], wanted: Type) -> Result<Self, Vec<TextFault>> {
        let syntax = read::read(text).map_err(|fault| vec![fault])?;
        let (node, fields) = check::check(&syntax, roots, wanted)?;
        Ok(Formula(Arc::new(Checked { text: text.to_string(), node, fields })))
    }

    /// The text as it was told.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The fields it reads, each once.
    pub fn fields(&self) -> &[Field] {
        &self.0.fields
    }

    /// Whether it reads no other roots than these.
    pub fn reads_only(&self, roots: &[Root]) -> bool {
        self.fields().iter().all(|field| roots.contains(&field.root()))
    }

    /// Whether a condition holds for what `read` says of each field; absent: it is not known. Otherwise why that cannot
    /// be told.
    pub fn holds<'a>(&'a self, read: &impl Fn(&'a Field) -> Option<Value<'a>>) -> Result<bool, Unclear<'a>> {
        self.0.node.bool(read)
    }

    /// What an expression comes to.
    pub fn figure<'a>(
        &'a self,
        read: &impl Fn(&'a Field) -> Option<Value<'a>>,
    ) -> Result<Exact, Unclear<'a>> {
        self.0.node.number(read)
    }
}

impl PartialEq for Formula {
    fn eq(&self, other: &Self) -> bool {
        self.text() == other.text()
    }
}
impl Eq for Formula {}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl fmt::Debug for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.text())
    }
}
