//! The one file that knows the parser of CEL: its tree becomes ours at once, with the place of every part and the exact
//! text of every number, of which the parser itself makes floats.

use std::thread;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::parser::Parser;

use super::{MAX_DEPTH, MAX_LENGTH, TextFault};
use crate::domain::exact::Exact;
use crate::domain::number::{self, INTEGER_DIGITS};

/// Most decimals of a number in a text.
const DECIMALS: u32 = 12;
/// Most operators in a row that the parser is given: it goes down as deep as they pile up.
const MAX_ROW: usize = 4 * MAX_DEPTH;
/// Bytes of stack for the parser: twice what the deepest text took without optimisation.
const STACK: usize = 16 << 20;

/// A part of a text and where it begins.
pub(super) struct Syntax {
    /// In bytes.
    pub at: usize,
    pub form: Form,
}

/// What a part of a text says.
pub(super) enum Form {
    Bool(bool),
    Number(Exact),
    Text(String),
    Name(String),
    Select(Box<Syntax>, String),
    Has(Box<Syntax>, String),
    Index(Box<Syntax>, Box<Syntax>),
    List(Vec<Syntax>),
    Operator(&'static str, Vec<Syntax>),
    Call(Option<Box<Syntax>>, String, Vec<Syntax>),
    /// What CEL has and we have not: what it is, and what may stand there.
    Refused(String, String),
}

/// A text with its tree.
pub(super) struct Source<'t> {
    pub text: &'t str,
    pub tree: Syntax,
}

impl Source<'_> {
    /// What is wrong at a place.
    pub fn fault(&self, at: usize, found: impl Into<String>, expected: impl Into<String>) -> TextFault {
        fault(self.text, at, found, expected)
    }
}

fn fault(text: &str, at: usize, found: impl Into<String>, expected: impl Into<String>) -> TextFault {
    let before = text.get(..at).unwrap_or(text);
    let line = before.split('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    TextFault { line, column, found: found.into(), expected: expected.into() }
}

/// Reads a text.
pub(super) fn read(text: &str) -> Result<Source<'_>, TextFault> {
    if let Some((at, _)) = text.char_indices().nth(MAX_LENGTH) {
        let found = format!("{} characters", text.chars().count());
        return Err(fault(text, at, found, format!("at most {MAX_LENGTH}")));
    }
    let control = |(_, character): &(usize, char)| character.is_control() && !character.is_whitespace();
    if let Some((at, character)) = text.char_indices().find(control) {
        return Err(fault(text, at, format!("the control character {character:?}"), "CEL"));
    }
    if let Some(fault) = beyond(text) {
        return Err(fault);
    }
    // The parser goes down several frames for every bracket, more than a thread of the runtime may have room for. It is
    // young, too: should a text ever bring it down, that text is refused like any other that it cannot read.
    let tree = thread::scope(|scope| {
        let parser = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, || parse(text));
        parser.ok().and_then(|parser| parser.join().ok()).unwrap_or_else(|| Err(unreadable(text)))
    })?;
    Ok(Source { text, tree })
}

fn parse(text: &str) -> Result<Syntax, TextFault> {
    let (expr, info) = Parser::new().parse_with_source_info(text).map_err(|faults| {
        let first = faults.errors.into_iter().next();
        first.map_or_else(|| unreadable(text), |first| syntax_fault(text, first.pos, &first.msg))
    })?;
    Ok(Reader { text, info }.part(&expr, 0))
}

fn unreadable(text: &str) -> TextFault {
    fault(text, 0, "a text that the parser of CEL cannot read", "CEL")
}

fn syntax_fault(text: &str, (line, column): (isize, isize), message: &str) -> TextFault {
    let place = |from_one: isize| usize::try_from(from_one).unwrap_or(1).max(1);
    let (line, column) = (place(line), place(column));
    let rest: String =
        text.split('\n').nth(line - 1).unwrap_or("").chars().skip(column - 1).take(20).collect();
    let found = if rest.trim().is_empty() { "the end of the line".to_string() } else { format!("{rest:?}") };
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    let message: String = message.chars().take(200).collect();
    TextFault { line, column, found, expected: format!("CEL ({message})") }
}

fn deep(text: &str, at: usize) -> TextFault {
    fault(text, at, "parts nested too deep", format!("at most {MAX_DEPTH} one within the other"))
}

/// Where brackets, choices and operators pile up beyond what the parser is given, or a bracket closes that is not open:
/// looking for what may have been meant, the parser goes down for each. Quoted text does not count.
fn beyond(text: &str) -> Option<TextFault> {
    /// What closes it, and choices and operators since it was opened.
    #[derive(Default)]
    struct Open {
        closed_by: Option<char>,
        choices: usize,
        row: usize,
    }
    let mut open = vec![Open::default()];
    let mut quote = None;
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        let last = open.last_mut()?;
        match (quote, character) {
            (Some(_), '\\') => {
                characters.next();
            }
            (Some(mark), _) if mark == character => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(character),
            (None, '(' | '[' | '{') => {
                let closed_by = Some(match character {
                    '(' => ')',
                    '[' => ']',
                    _ => '}',
                });
                open.push(Open { closed_by, ..Open::default() });
            }
            (None, ')' | ']' | '}') if last.closed_by == Some(character) => drop(open.pop()),
            (None, ')' | ']' | '}') => {
                let expected =
                    last.closed_by.map_or("a bracket to be open".into(), |mark| format!("{mark:?}"));
                return Some(fault(text, at, format!("{character:?}"), expected));
            }
            (None, '?') => last.choices += 1,
            // Parts joined by these stand beside each other.
            (None, '&' | '|' | ',') => last.row = 0,
            (None, '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '.') => last.row += 1,
            (None, _) => {}
        }
        let within = open.len() - 1 + open.iter().map(|open| open.choices).sum::<usize>();
        if within > MAX_DEPTH || open.iter().map(|open| open.row).sum::<usize>() > MAX_ROW {
            return Some(deep(text, at));
        }
    }
    None
}

/// What the parser calls its operators, and how they are written.
const OPERATORS: [(&str, &str); 16] = [
    (operators::CONDITIONAL, "?:"),
    (operators::LOGICAL_AND, "&&"),
    (operators::LOGICAL_OR, "||"),
    (operators::LOGICAL_NOT, "!"),
    (operators::SUBSTRACT, "-"),
    (operators::NEGATE, "-"),
    (operators::ADD, "+"),
    (operators::MULTIPLY, "*"),
    (operators::DIVIDE, "/"),
    (operators::EQUALS, "=="),
    (operators::NOT_EQUALS, "!="),
    (operators::GREATER_EQUALS, ">="),
    (operators::LESS_EQUALS, "<="),
    (operators::GREATER, ">"),
    (operators::LESS, "<"),
    (operators::IN, "in"),
];

struct Reader<'t> {
    text: &'t str,
    info: SourceInfo,
}

impl Reader<'_> {
    /// The first and last byte of a part; of an operator its own, of a call those of its bracket.
    fn span(&self, id: u64) -> (usize, usize) {
        let (start, end) = self.info.offset_for(id).unwrap_or_default();
        let place = |at| usize::try_from(at).unwrap_or(usize::MAX).min(self.text.len());
        (place(start), place(end))
    }

    fn part(&self, expr: &IdedExpr, depth: usize) -> Syntax {
        let at = self.span(expr.id).0;
        if depth >= MAX_DEPTH {
            let TextFault { found, expected, .. } = deep(self.text, at);
            return Syntax { at, form: Form::Refused(found, expected) };
        }
        let part = |expr: &IdedExpr| self.part(expr, depth + 1);
        let refused = |what: &str| {
            let expected = "comparisons and arithmetic of fields, numbers, texts and dates".into();
            Syntax { at, form: Form::Refused(what.into(), expected) }
        };
        match &expr.expr {
            Expr::Literal(literal) => Syntax { at, form: self.literal(expr.id, literal) },
            Expr::Ident(name) => Syntax { at, form: Form::Name(name.clone()) },
            Expr::Select(select) => {
                let operand = Box::new(part(&select.operand));
                let (at, field) = (operand.at, select.field.clone());
                let form = if select.test { Form::Has } else { Form::Select };
                Syntax { at, form: form(operand, field) }
            }
            Expr::List(list) => Syntax { at, form: Form::List(list.elements.iter().map(part).collect()) },
            Expr::Call(call) => self.call(at, call, part),
            Expr::Comprehension(_) => refused("a comprehension such as all, exists, filter or map"),
            Expr::Map(_) | Expr::Struct(_) => refused("a map or message"),
            Expr::Unspecified => refused("nothing"),
        }
    }

    fn call(&self, at: usize, call: &CallExpr, part: impl Fn(&IdedExpr) -> Syntax) -> Syntax {
        let mut args: Vec<Syntax> = call.args.iter().map(&part).collect();
        let name = call.func_name.as_str();
        if let Some((_, written)) = OPERATORS.iter().find(|(operator, _)| *operator == name) {
            return Syntax { at, form: Form::Operator(written, args) };
        }
        if name == operators::INDEX && args.len() == 2 {
            let index = args.pop().into_iter();
            if let Some((operand, index)) = args.pop().into_iter().zip(index).next() {
                return Syntax { at: operand.at, form: Form::Index(Box::new(operand), Box::new(index)) };
            }
        }
        if name == operators::MODULO {
            let expected = "+, -, * or /".to_string();
            return Syntax { at, form: Form::Refused("%".into(), expected) };
        }
        let target = call.target.as_ref().map(|target| Box::new(part(target)));
        // The name stands before the bracket.
        let before = self.text.get(..at).map_or(0, |text| text.trim_end().len());
        let at = target.as_ref().map_or(before.saturating_sub(name.len()), |target| target.at);
        Syntax { at, form: Form::Call(target, name.to_string(), args) }
    }

    fn literal(&self, id: u64, literal: &LiteralValue) -> Form {
        let minus = match literal {
            LiteralValue::Boolean(value) => return Form::Bool(*value.inner()),
            LiteralValue::String(text) => return Form::Text(text.inner().to_string()),
            LiteralValue::Int(value) => *value.inner() < 0,
            // Sign alone: the number itself is read from the text.
            LiteralValue::Double(value) => value.inner().is_sign_negative(),
            LiteralValue::Bytes(_) => return Form::Refused("bytes".into(), "a text such as \"AE\"".into()),
            LiteralValue::Null => return Form::Refused("null".into(), "has(…) of a field".into()),
            LiteralValue::UInt(_) => {
                return Form::Refused("an unsigned number".into(), "a number without u".into());
            }
        };
        let (start, end) = self.span(id);
        let text = self.text.get(start..=end).unwrap_or("");
        let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let decimals = u32::try_from(decimals).unwrap_or(u32::MAX).min(DECIMALS);
        match number::parse(text, INTEGER_DIGITS, decimals) {
            Ok(value) => Form::Number(Exact::scaled(if minus { -value } else { value }, decimals)),
            Err(fault) => Form::Refused(format!("the number {text}"), format!("a number that {fault}")),
        }
    }
}
