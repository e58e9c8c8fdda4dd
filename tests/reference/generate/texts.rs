//! Random conditions and expressions, and what they read of random deals.

use std::collections::BTreeMap;

use attain::domain::measure::{MeasureValue, Source, Unit};

use super::day;
use crate::company::Company;
use crate::dice::Dice;
use crate::tree::{Read, Tree};

pub const TITLES: [&str; 3] = ["AE", "Senior AE", "ae"];
pub const TERRITORIES: [&str; 2] = ["north", "south"];
pub const CUSTOMERS: [&str; 2] = ["c1", "c2"];
pub const PRODUCTS: [&str; 3] = ["cloud", "cloud-plus", "onsite"];
pub const STAGES: [&str; 2] = ["Won", "Überprüft"];
const SEATS: [&str; 12] = ["25", "3", "0", "-2", "2.5", "2.5000001", "007", "many", "", "1e3", "+1", "-0"];
const TIERS: [&str; 6] = ["gold", "goldig", "it's", "say \"x\"", "back\\slash", "ü"];
const NUMBERS: [&str; 12] =
    ["0", "0.5", "0.25", "1", "1.00", "2", "2.5", "0.333333", "33.33", "100", "-1", "-0.000000000001"];
const FIELDS: [(&str, &[&str]); 6] = [
    ("deal.product", &PRODUCTS),
    ("deal.stage", &STAGES),
    ("deal.customer", &CUSTOMERS),
    ("deal.currency", &["USD", "EUR", "JPY", "KWD"]),
    ("deal.outcome", &["WON", "OPEN", "LOST"]),
    ("event.type", &["BOOKED", "INVOICED", "PAID"]),
];
const OTHERS: [(&str, &[&str]); 9] = [
    ("deal.id", &["d", "D", "d-2", "9"]),
    ("deal.owner", &["b", "B", "a1", "10", "9", "z"]),
    ("event.id", &["e", "E", "1", "e2"]),
    ("credit.payee", &["b", "B", "a1", "10", "9", "z"]),
    ("credit.role", &["AE", "SE", "OWNER", "OVERLAY"]),
    ("payee.id", &["b", "B", "a1", "10", "9", "z"]),
    ("payee.title", &TITLES),
    ("payee.territory", &TERRITORIES),
    ("payee.plan", &["p", "q"]),
];
const FIGURES: [&str; 8] = [
    "event.amount",
    "event.cost",
    "event.quantity",
    "deal.amount",
    "deal.cost",
    "deal.quantity",
    "deal.margin_percent",
    "deal.probability",
];

/// Free attributes that are there or not, and mostly what their readers expect.
pub fn attributes(dice: &mut Dice, company: &Company) -> BTreeMap<String, String> {
    let mut attributes = BTreeMap::new();
    if dice.chance(75) {
        attributes.insert("seats".into(), dice.pick(&SEATS).into());
    }
    if dice.chance(60) {
        attributes.insert("tier".into(), dice.pick(&TIERS).into());
    }
    if dice.chance(60) {
        let dates = [day(dice, company).to_string(), "2024-02-30".into(), "2024-2-1".into(), "soon".into()];
        let place: usize = dice.weighted(&[(7, 0), (1, 1), (1, 2), (1, 3)]);
        attributes.insert("signed-on".into(), dates[place].clone());
    }
    attributes
}

/// Gives the newest measure a condition, or makes it one of an expression, now and then.
pub fn read(dice: &mut Dice, company: &mut Company) {
    let id = company.measures.last().unwrap().id.clone();
    if dice.chance(35) {
        let condition = condition(dice, company, true);
        company.conditions.insert(id.clone(), condition);
    }
    if dice.chance(20) {
        let unit = dice.pick(&[Unit::Money, Unit::Number]);
        let expression = Writer { dice, company, all: false }.number(3);
        company.expressions.insert(id, expression);
        let measure = company.measures.last_mut().unwrap();
        let Source::Credits(credits) = &mut measure.source else { panic!("no credits") };
        credits.value = MeasureValue::Expression(unit);
        measure.step = measure.step.filter(|_| unit == Unit::Number);
    }
}

/// A condition over all there is, or over deal and event alone.
pub fn condition(dice: &mut Dice, company: &Company, all: bool) -> Tree {
    let depth = dice.weighted(&[(2, 0), (3, 1), (3, 2), (1, 3)]);
    let mut writer = Writer { dice, company, all };
    let tree = writer.truth(depth);
    // One that nothing meets tells little.
    let more = writer.dice.chance(35).then(|| writer.comparison());
    more.map_or(tree.clone(), |more| Tree::Either(Box::new(tree), Box::new(more)))
}

struct Writer<'d> {
    dice: &'d mut Dice,
    company: &'d Company,
    /// Whether credit and payee may be read.
    all: bool,
}

impl Writer<'_> {
    fn truth(&mut self, depth: u32) -> Tree {
        if depth == 0 || self.dice.chance(20) {
            return self.comparison();
        }
        let depth = depth - 1;
        let mut one = || Box::new(self.truth(depth));
        let (first, second, third) = (one(), one(), one());
        match self.dice.weighted(&[(4, 0), (4, 1), (2, 2), (1, 3), (1, 4)]) {
            0 => Tree::Both(first, second),
            1 => Tree::Either(first, second),
            2 => Tree::Not(first),
            3 => Tree::Choice(first, second, third),
            _ => Tree::Compare(self.dice.pick(&["==", "!="]), first, second),
        }
    }

    fn comparison(&mut self) -> Tree {
        let operator = self.dice.pick(&["==", "!=", "<", "<=", ">", ">="]);
        match self.dice.weighted(&[(5, 0), (4, 1), (3, 2), (2, 3), (2, 4), (2, 5), (1, 6), (1, 7)]) {
            0 => {
                let depth = self.dice.weighted(&[(3, 0), (2, 1), (1, 2)]);
                Tree::Compare(operator, Box::new(self.number(depth)), Box::new(self.number(0)))
            }
            1 => {
                let (text, literal) = self.text();
                let operator = if self.dice.chance(70) { "==" } else { operator };
                Tree::Compare(operator, Box::new(text), Box::new(literal))
            }
            2 => {
                let (text, literal) = self.text();
                let more = self.text().1;
                Tree::OneOf(Box::new(text), vec![literal, more])
            }
            3 => {
                let (text, literal) = self.text();
                let how = self.dice.pick(&["startsWith", "endsWith", "contains"]);
                let part = if self.dice.chance(50) {
                    literal
                } else {
                    Tree::Text(self.dice.pick(&["c", "A", "", "1"]))
                };
                Tree::Match(how, Box::new(text), Box::new(part))
            }
            4 => Tree::Compare(operator, Box::new(self.date()), Box::new(self.date())),
            5 => {
                let field =
                    self.dice.pick(&["deal.cost", "deal.product", "deal.open_date", "event.quantity"]);
                let attribute = self.dice.pick(&["seats", "tier", "signed-on", "none"]);
                Tree::Has(self.dice.pick(&[Read::Field(field), Read::Attribute(attribute)]))
            }
            6 => {
                let list =
                    (0..self.dice.between(0, 3)).map(|_| Tree::Number(self.dice.pick(&NUMBERS))).collect();
                Tree::OneOf(Box::new(self.number(1)), list)
            }
            _ => Tree::Bool(self.dice.chance(50)),
        }
    }

    fn number(&mut self, depth: u32) -> Tree {
        if depth == 0 || self.dice.chance(25) {
            return match self.dice.weighted(&[(5, 0), (3, 1), (2, 2)]) {
                0 => self.figure(),
                1 => Tree::Number(self.dice.pick(&NUMBERS)),
                _ => Tree::ToNumber(Box::new(Tree::Known(Read::Attribute("seats")))),
            };
        }
        let depth = depth - 1;
        let mut one = || Box::new(self.number(depth));
        let (first, second) = (one(), one());
        match self.dice.weighted(&[
            (3, '+'),
            (3, '-'),
            (4, '*'),
            (2, '/'),
            (1, 'n'),
            (1, 'o'),
            (1, 'd'),
            (1, '?'),
        ]) {
            'n' => Tree::Minus(first),
            'o' => Tree::Outmost(self.dice.pick(&["min", "max"]), vec![*first, *second]),
            'd' => Tree::Arithmetic('-', Box::new(self.date()), Box::new(self.date())),
            '?' => Tree::Choice(Box::new(self.comparison()), first, second),
            operator => Tree::Arithmetic(operator, first, second),
        }
    }

    fn figure(&mut self) -> Tree {
        if self.all && self.dice.chance(10) {
            return Tree::Known(Read::Field("credit.percent"));
        }
        // The event's own amount more often than anything else.
        let field = if self.dice.chance(30) { FIGURES[0] } else { self.dice.pick(&FIGURES) };
        Tree::Known(Read::Field(field))
    }

    fn date(&mut self) -> Tree {
        let signed = Tree::ToDate(Box::new(Tree::Known(Read::Attribute("signed-on"))));
        let field = |path| Tree::Known(Read::Field(path));
        let day = Tree::Date(day(self.dice, self.company));
        let dates = [(4, field("event.date")), (2, field("deal.open_date")), (1, field("deal.close_date"))];
        let mut all = dates.to_vec();
        all.extend([(3, day), (2, signed)]);
        self.dice.weighted(&all)
    }

    /// What is a text, and one that it may be.
    fn text(&mut self) -> (Tree, Tree) {
        if self.dice.chance(25) {
            let tier = Tree::Known(Read::Attribute("tier"));
            return (tier, Tree::Text(self.dice.pick(&TIERS)));
        }
        let others = if self.all { &OTHERS[..] } else { &OTHERS[..3] };
        let (path, texts) = match self.dice.chance(50) {
            true => self.dice.pick(&FIELDS),
            false => self.dice.pick(others),
        };
        (Tree::Known(Read::Field(path)), Tree::Text(self.dice.pick(texts)))
    }
}
