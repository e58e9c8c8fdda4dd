//! Gives every part of a text its type, and every fault its place.

use super::evaluate::{Arithmetic, Comparison, Literal, Match, Node};
use super::field::ATTRIBUTES;
use super::read::{Form, Source, Syntax};
use super::{Field, Root, TextFault, Type};
use crate::domain::date::Day;
use crate::domain::id;

/// The functions there are, for those who look for another.
const FUNCTIONS: &str = "contains, date, endsWith, has, max, min, number or startsWith";

/// The tree that is evaluated and the fields it reads, or everything that is wrong, in order.
pub(super) fn check(
    source: &Source,
    roots: &[Root],
    wanted: Type,
) -> Result<(Node, Vec<Field>), Vec<TextFault>> {
    let mut checker = Checker { source, roots, faults: Vec::new(), fields: Vec::new() };
    let node = checker.typed(&source.tree, wanted);
    let Checker { mut faults, mut fields, .. } = checker;
    match node {
        Some(node) if faults.is_empty() => {
            fields.sort_unstable();
            fields.dedup();
            Ok((node, fields))
        }
        _ => {
            faults.sort_by_key(|fault| (fault.line, fault.column));
            Err(faults)
        }
    }
}

struct Checker<'s> {
    source: &'s Source<'s>,
    roots: &'s [Root],
    faults: Vec<TextFault>,
    fields: Vec<Field>,
}

/// What there is of a part; absent where something in it is wrong, which is noted.
type Typed = Option<(Node, Type)>;

impl Checker<'_> {
    fn fault<T>(&mut self, at: usize, found: impl Into<String>, expected: impl Into<String>) -> Option<T> {
        self.faults.push(self.source.fault(at, found, expected));
        None
    }

    /// A part that must be of a type.
    fn typed(&mut self, part: &Syntax, wanted: Type) -> Option<Node> {
        let (node, found) = self.part(part)?;
        if found != wanted {
            return self.fault(part.at, found.to_string(), wanted.to_string());
        }
        Some(node)
    }

    fn part(&mut self, part: &Syntax) -> Typed {
        match &part.form {
            Form::Bool(value) => Some((Node::Literal(Literal::Bool(*value)), Type::Bool)),
            Form::Number(value) => Some((Node::Literal(Literal::Number(value.clone())), Type::Number)),
            Form::Text(text) => Some((Node::Literal(Literal::Text(text.clone())), Type::Text)),
            Form::Name(_) | Form::Select(..) | Form::Index(..) => {
                let (field, kind) = self.field(part)?;
                Some((Node::Field(field), kind))
            }
            Form::Has(operand, name) => {
                let (field, _) = self.field_of(part.at, operand, name)?;
                Some((Node::Has(field), Type::Bool))
            }
            Form::List(_) => self.fault(part.at, "a list", "one value; a list stands behind in"),
            Form::Operator(operator, args) => self.operator(part.at, operator, args),
            Form::Call(None, name, args) => self.function(part.at, name, args),
            Form::Call(Some(target), name, args) => self.method(part.at, target, name, args),
            Form::Refused(found, expected) => self.fault(part.at, found.clone(), expected.clone()),
        }
    }

    fn roots(&self) -> String {
        let names: Vec<&str> = self.roots.iter().map(|root| root.name()).collect();
        names.join(", ")
    }

    /// The root that a name is.
    fn root(&mut self, part: &Syntax) -> Option<Root> {
        let Form::Name(name) = &part.form else {
            return self.fault(part.at, "a field of a value", format!("a field of {}", self.roots()));
        };
        let found = self.roots.iter().copied().find(|root| root.name() == name);
        match found {
            Some(root) => Some(root),
            None => {
                self.fault(part.at, format!("unknown name {name}"), format!("a field of {}", self.roots()))
            }
        }
    }

    fn field(&mut self, part: &Syntax) -> Option<(Field, Type)> {
        match &part.form {
            Form::Select(operand, name) => self.field_of(part.at, operand, name),
            Form::Index(operand, index) if is_attributes(operand) => {
                let Form::Text(name) = &index.form else {
                    return self.fault(index.at, "something else", "the name of an attribute in quotes");
                };
                self.field_of(part.at, operand, name)
            }
            Form::Index(..) => self.fault(part.at, "an index", "deal.attributes[\"name\"]"),
            _ => {
                let root = self.root(part)?;
                self.fault(part.at, root.name(), format!("one of its fields: {}", Field::names(root)))
            }
        }
    }

    fn field_of(&mut self, at: usize, operand: &Syntax, name: &str) -> Option<(Field, Type)> {
        if is_attributes(operand) {
            let Form::Select(deal, _) = &operand.form else { return None };
            self.root(deal)?;
            if let Err(fault) = id::check(name) {
                return self.fault(at, "an attribute that no deal has", format!("a name that {fault}"));
            }
            return Some(self.reads(Field::Attribute(name.to_string()), Type::Text));
        }
        let root = self.root(operand)?;
        if (root, name) == (Root::Deal, ATTRIBUTES) {
            return self.fault(at, "deal.attributes", "one of them, such as deal.attributes.segment");
        }
        match Field::find(root, name) {
            Some((field, kind)) => Some(self.reads(field, kind)),
            None => {
                let found = format!("unknown field {}.{name}", root.name());
                self.fault(at, found, format!("one of {}", Field::names(root)))
            }
        }
    }

    fn reads(&mut self, field: Field, kind: Type) -> (Field, Type) {
        self.fields.push(field.clone());
        (field, kind)
    }

    fn operator(&mut self, at: usize, operator: &str, args: &[Syntax]) -> Typed {
        match (operator, args) {
            ("&&", [one, other]) => {
                let (one, other) = self.both(one, other, Type::Bool)?;
                Some((Node::And(one, other), Type::Bool))
            }
            ("||", [one, other]) => {
                let (one, other) = self.both(one, other, Type::Bool)?;
                Some((Node::Or(one, other), Type::Bool))
            }
            ("!", [part]) => Some((Node::Not(Box::new(self.typed(part, Type::Bool)?)), Type::Bool)),
            ("-", [part]) => Some((Node::Negate(Box::new(self.typed(part, Type::Number)?)), Type::Number)),
            ("?:", [condition, then, other]) => self.choice(at, condition, then, other),
            ("in", [part, list]) => self.membership(at, part, list),
            ("-", [one, other]) => self.difference(at, one, other),
            ("+" | "*" | "/", [one, other]) => {
                let (one, other) = self.both(one, other, Type::Number)?;
                let arithmetic = match operator {
                    "+" => Arithmetic::Add,
                    "*" => Arithmetic::Multiply,
                    _ => Arithmetic::Divide,
                };
                Some((Node::Arithmetic(arithmetic, one, other), Type::Number))
            }
            (_, [one, other]) => self.comparison(at, operator, one, other),
            _ => self.fault(at, operator, "an operator between two values"),
        }
    }

    /// Two parts of one type that is known; both are looked at, whatever is wrong with the first.
    fn both(&mut self, one: &Syntax, other: &Syntax, wanted: Type) -> Option<(Box<Node>, Box<Node>)> {
        let (one, other) = (self.typed(one, wanted), self.typed(other, wanted));
        Some((Box::new(one?), Box::new(other?)))
    }

    /// Two parts of whatever type, the same.
    fn alike(&mut self, at: usize, what: &str, one: &Syntax, other: &Syntax) -> Option<(Node, Node, Type)> {
        let (one, other) = (self.part(one), self.part(other));
        let ((one, kind), (other, with)) = (one?, other?);
        if kind != with {
            return self.fault(at, format!("{what} between {kind} and {with}"), "two values of one type");
        }
        Some((one, other, kind))
    }

    fn comparison(&mut self, at: usize, operator: &str, one: &Syntax, other: &Syntax) -> Typed {
        let (one, other, kind) = self.alike(at, operator, one, other)?;
        let comparison = match operator {
            "==" => Comparison::Equal,
            "!=" => Comparison::NotEqual,
            "<" => Comparison::Less,
            "<=" => Comparison::AtMost,
            ">" => Comparison::More,
            _ => Comparison::AtLeast,
        };
        if kind == Type::Bool && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
            let found = format!("{operator} between true or false");
            return self.fault(at, found, "two numbers, texts or dates");
        }
        Some((Node::Compare(comparison, Box::new(one), Box::new(other)), Type::Bool))
    }

    fn difference(&mut self, at: usize, one: &Syntax, other: &Syntax) -> Typed {
        let (one, other, kind) = self.alike(at, "-", one, other)?;
        let (one, other) = (Box::new(one), Box::new(other));
        match kind {
            Type::Number => Some((Node::Arithmetic(Arithmetic::Subtract, one, other), Type::Number)),
            Type::Date => Some((Node::Days(one, other), Type::Number)),
            Type::Bool | Type::Text => {
                self.fault(at, format!("- between {kind} and {kind}"), "two numbers or two dates")
            }
        }
    }

    fn choice(&mut self, at: usize, condition: &Syntax, then: &Syntax, other: &Syntax) -> Typed {
        let condition = self.typed(condition, Type::Bool);
        let (then, other, kind) = self.alike(at, "a choice", then, other)?;
        Some((Node::If(Box::new(condition?), Box::new(then), Box::new(other)), kind))
    }

    fn membership(&mut self, at: usize, part: &Syntax, list: &Syntax) -> Typed {
        if is_attributes(list) {
            let Form::Text(name) = &part.form else {
                return self.fault(part.at, "something else", "the name of an attribute in quotes");
            };
            let (field, _) = self.field_of(list.at, list, name)?;
            return Some((Node::Has(field), Type::Bool));
        }
        let found = self.part(part);
        let Form::List(elements) = &list.form else {
            return self.fault(list.at, "no list", "a list such as [\"A\", \"B\"]");
        };
        let elements: Vec<Option<(Node, Type)>> = elements.iter().map(|element| self.part(element)).collect();
        let (node, kind) = found?;
        let mut literals = Vec::new();
        for element in elements {
            match element? {
                (Node::Literal(literal), with) if with == kind => literals.push(literal),
                (Node::Literal(_), with) => {
                    let found = format!("{kind} in a list with {with}");
                    return self.fault(at, found, "a list of the same type");
                }
                _ => return self.fault(list.at, "a list of fields or sums", "a list of plain values"),
            }
        }
        literals.sort_unstable();
        Some((Node::In(Box::new(node), literals), Type::Bool))
    }

    fn function(&mut self, at: usize, name: &str, args: &[Syntax]) -> Typed {
        match (name, args) {
            ("number", [text]) => {
                let text = self.typed(text, Type::Text)?;
                Some((Node::Number(Box::new(text)), Type::Number))
            }
            ("date", [Syntax { at, form: Form::Text(text) }]) => match Day::parse(text) {
                Ok(day) => Some((Node::Literal(Literal::Date(day)), Type::Date)),
                Err(_) => self.fault(*at, format!("{text:?}"), "a calendar day such as \"2026-03-31\""),
            },
            ("date", [text]) => {
                let text = self.typed(text, Type::Text)?;
                Some((Node::Date(Box::new(text)), Type::Date))
            }
            ("min" | "max", [_, ..]) => {
                let parts: Vec<Option<Node>> =
                    args.iter().map(|part| self.typed(part, Type::Number)).collect();
                let parts = parts.into_iter().collect::<Option<Vec<Node>>>()?;
                let node = if name == "min" { Node::Least(parts) } else { Node::Greatest(parts) };
                Some((node, Type::Number))
            }
            ("number" | "date", _) => self.fault(at, format!("{name} of {} values", args.len()), "one text"),
            ("min" | "max", _) => self.fault(at, format!("{name} of nothing"), "numbers"),
            ("has", _) => self.fault(at, "has", "has(…) of one field"),
            ("startsWith" | "endsWith" | "contains", _) => {
                let expected = format!("deal.product.{name}(\"…\")");
                self.fault(at, format!("{name} without a text before it"), expected)
            }
            _ => self.fault(at, format!("unknown function {name}"), format!("one of {FUNCTIONS}")),
        }
    }

    fn method(&mut self, at: usize, target: &Syntax, name: &str, args: &[Syntax]) -> Typed {
        let how = match name {
            "startsWith" => Match::StartsWith,
            "endsWith" => Match::EndsWith,
            "contains" => Match::Contains,
            _ => return self.fault(at, format!("unknown function {name}"), format!("one of {FUNCTIONS}")),
        };
        let [part] = args else {
            return self.fault(at, format!("{name} of {} values", args.len()), "one text");
        };
        let (text, part) = self.both(target, part, Type::Text)?;
        Some((Node::Match(how, text, part), Type::Bool))
    }
}

/// Whether a part is `deal.attributes`.
fn is_attributes(part: &Syntax) -> bool {
    match &part.form {
        Form::Select(operand, name) => {
            name == ATTRIBUTES && matches!(&operand.form, Form::Name(root) if root == Root::Deal.name())
        }
        _ => false,
    }
}
