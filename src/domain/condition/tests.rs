use std::time::{Duration, Instant};

use super::*;
use crate::domain::date::Day;
use crate::domain::exact::Exact;

fn exact(text: &str) -> Exact {
    Exact::scaled(crate::domain::number::parse(text, 15, 6).unwrap(), 6)
}

/// A deal of a cloud product over 12,500.50, of which 1,000 are invoiced.
fn known(field: &Field) -> Option<Value<'_>> {
    let number = |text| Some(Value::Number(exact(text)));
    let date = |text| Some(Value::Date(Day::parse(text).unwrap()));
    match field {
        Field::DealProduct => Some(Value::Text("cloud-basic")),
        Field::DealStage => Some(Value::Text("Überprüft")),
        Field::DealAmount => number("12500.50"),
        Field::DealQuantity => number("0"),
        Field::DealOpened => date("2026-01-10"),
        Field::Attribute(name) => match name.as_str() {
            "seats" => Some(Value::Text("25")),
            "renewal" => Some(Value::Text("true")),
            "signed-on" => Some(Value::Text("2026-02-01")),
            "region" => Some(Value::Text("north")),
            _ => None,
        },
        Field::EventType => Some(Value::Text("INVOICED")),
        Field::EventAmount => number("1000"),
        Field::EventDate => date("2026-02-09"),
        Field::CreditRole => Some(Value::Text("AE")),
        Field::CreditPercent => number("33.333333"),
        Field::PayeeTitle => Some(Value::Text("Senior AE")),
        _ => None,
    }
}

/// Whether a condition holds, or why that cannot be told, or what is wrong with it.
fn said(text: &str) -> String {
    match Formula::condition(text, &Root::ALL) {
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        Ok(formula) => match formula.holds(&known) {
            Ok(holds) => holds.to_string(),
            Err(unclear) => unclear.to_string(),
        },
    }
}

#[test]
fn conditions_hold_or_not_exactly() {
    for (text, holds) in [
        ("true", true),
        ("deal.product == \"cloud-basic\"", true),
        ("deal.product == 'cloud-basic'", true),
        ("deal.product != \"cloud-basic\"", false),
        ("deal.product in [\"onsite\", \"cloud-basic\"]", true),
        ("deal.product in []", false),
        ("deal.product.startsWith(\"cloud\")", true),
        ("deal.product.endsWith(\"cloud\")", false),
        ("deal.product.contains(\"-\")", true),
        ("deal.stage == \"Überprüft\" && deal.amount == 12500.50", true),
        ("deal.amount == 12500.5", true),
        ("deal.amount > 12500.499999999999", true),
        ("deal.amount >= 12500.50 && deal.amount <= 12500.50", true),
        ("deal.amount < 12500.5 || deal.amount > 12500.5", false),
        ("0.1 + 0.2 == 0.3", true),
        ("1 / 3 * 3 == 1", true),
        ("1.0 == 1", true),
        ("-5 < -4.5 && - 5 == -5 && -deal.amount < 0", true),
        ("10 - 3 - 2 == 5", true),
        ("2 + 3 * 4 == 14 && (2 + 3) * 4 == 20", true),
        ("credit.percent * 3 == 99.999999", true),
        ("event.amount * 2 < deal.amount", true),
        ("event.date - deal.open_date == 30", true),
        ("event.date < date(\"2026-02-10\") && event.date >= date(\"2026-02-09\")", true),
        ("event.date in [date(\"2026-02-09\")]", true),
        ("date(deal.attributes[\"signed-on\"]) > deal.open_date", true),
        ("number(deal.attributes.seats) >= 25", true),
        ("deal.attributes.seats == \"25\"", true),
        ("deal.attributes.renewal == \"true\"", true),
        ("has(deal.attributes.seats) && !has(deal.attributes.colour)", true),
        ("\"signed-on\" in deal.attributes", true),
        ("has(deal.cost)", false),
        ("min(3, 1, 2) == 1 && max(deal.amount, 20000) == 20000", true),
        ("deal.amount > 10000 ? credit.role == \"AE\" : false", true),
        ("(deal.quantity == 0) == true", true),
        ("payee.title.contains(\"AE\") && credit.role != \"OVERLAY\"", true),
        // What is known decides, whatever cannot be told beside it.
        ("deal.attributes.colour == \"red\" || deal.amount > 1", true),
        ("deal.attributes.colour == \"red\" && deal.amount < 1", false),
        ("has(deal.attributes.colour) && deal.attributes.colour == \"red\"", false),
    ] {
        assert_eq!(said(text), holds.to_string(), "{text}");
    }
}

#[test]
fn what_cannot_be_told_says_why() {
    for (text, why) in [
        ("deal.attributes.colour == \"red\"", "deal.attributes.colour is missing"),
        ("deal.attributes[\"key-account\"] == \"x\"", "deal.attributes[\"key-account\"] is missing"),
        ("deal.cost > 5", "deal.cost is missing"),
        ("!(deal.cost > 5)", "deal.cost is missing"),
        ("deal.attributes.colour == \"red\" && deal.amount > 1", "deal.attributes.colour is missing"),
        ("1 / deal.quantity > 0", "it divides by zero"),
        ("number(deal.attributes.region) > 0", "\"north\" is no number"),
        ("date(deal.attributes.region) > event.date", "\"north\" is no date"),
        ("99999999999999 * 99999999999999 * 99999999999999 > 0", "a number in it is too large"),
    ] {
        assert_eq!(said(text), why, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (text, fault) in [
        ("", "at 1:1: found the end of the line, expected CEL ("),
        ("deal.amount >", "at 1:14: found the end of the line, expected CEL ("),
        ("deal.amount ! 5", "at 1:13: found \"! 5\", expected CEL ("),
        (
            "deal.produkt == \"x\"",
            "at 1:1: found unknown field deal.produkt, expected one of amount, attributes, close_date, cost, \
             currency, customer, id, margin_percent, open_date, outcome, owner, probability, product, quantity, stage",
        ),
        (
            "quota.amount > 5",
            "at 1:1: found unknown name quota, expected a field of deal, event, credit, payee",
        ),
        ("deal > 5", "at 1:1: found deal, expected one of its fields: amount, attributes, "),
        ("deal.attributes == \"x\"", "at 1:1: found deal.attributes, expected one of them"),
        (
            "payee.name == \"x\"",
            "at 1:1: found unknown field payee.name, expected one of id, plan, territory, title",
        ),
        (
            "deal.amount == \"x\"",
            "at 1:13: found == between a number and a text, expected two values of one type",
        ),
        (
            "deal.attributes.seats > 25",
            "at 1:23: found > between a text and a number, expected two values of one type",
        ),
        ("event.date == \"2026-01-31\"", "at 1:12: found == between a date and a text"),
        ("deal.amount", "at 1:1: found a number, expected true or false"),
        ("deal.product && true", "at 1:1: found a text, expected true or false"),
        ("deal.product + \"x\" == \"y\"", "at 1:1: found a text, expected a number"),
        ("true < false", "at 1:6: found < between true or false, expected two numbers, texts or dates"),
        ("deal.amount in [1, \"x\"]", "at 1:13: found a number in a list with a text"),
        ("deal.amount in [deal.cost]", "at 1:16: found a list of fields or sums"),
        ("deal.amount in deal.cost", "at 1:16: found no list"),
        ("[1].exists(x, x == 1)", "found a comprehension such as all, exists, filter or map"),
        (
            "deal.product.matches(\"x\")",
            "at 1:1: found unknown function matches, expected one of contains, date",
        ),
        ("true && size(deal.product) == 1", "at 1:9: found unknown function size, expected one of"),
        ("deal.product == \"a\0\"", "at 1:19: found the control character '\\0', expected CEL"),
        ("deal.amount % 2 == 0", "at 1:13: found %, expected +, -, * or /"),
        (
            "deal.amount == 1e3",
            "at 1:16: found the number 1e3, expected a number that must be plain decimal text",
        ),
        ("deal.amount == 0x10", "at 1:16: found the number 0x10"),
        ("deal.amount == 5u", "at 1:16: found an unsigned number"),
        (
            "deal.amount == 1234567890123456.5",
            "at 1:16: found the number 1234567890123456.5, expected a number that must have at most 15",
        ),
        ("deal.product == null", "at 1:17: found null, expected has(…) of a field"),
        ("date(\"2026-02-30\") == event.date", "at 1:6: found \"2026-02-30\", expected a calendar day"),
        ("{\"a\": 1}.a == 1", "found a field of a value"),
        // Places are counted in lines and characters.
        ("deal.stage == \"Überprüft\" &&\n  deal.stage < 5", "at 2:14: found < between a text and a number"),
        ("deal.stage == \"Überprüft\" && deal.stage < 5", "at 1:41: found < between a text and a number"),
    ] {
        let said = said(text);
        assert!(said.contains(fault), "{text}\n{said}\n{fault}");
    }
}

#[test]
fn everything_wrong_is_told_at_once_in_order() {
    let said = said("deal.produkt == \"x\" && deal.amount > \"5\" && event.size == 1");
    let places: Vec<&str> = said.lines().map(|line| line.split_once(": ").unwrap().0).collect();
    assert_eq!(places, ["at 1:1", "at 1:36", "at 1:45"], "{said}");
}

#[test]
fn a_text_reads_only_what_it_may() {
    let faults = Formula::condition("payee.title == \"AE\" && deal.amount > 5", &Root::OF_EVENT).unwrap_err();
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["at 1:1: found unknown name payee, expected a field of deal, event"]);
    let formula = Formula::condition("deal.amount > 5 && deal.amount < event.amount", &Root::ALL).unwrap();
    assert_eq!(formula.fields(), [Field::DealAmount, Field::EventAmount]);
    assert!(formula.reads_only(&Root::OF_EVENT));
    assert!(!Formula::condition("credit.role == \"AE\"", &Root::ALL).unwrap().reads_only(&Root::OF_EVENT));
}

#[test]
fn expressions_come_to_exact_numbers() {
    for (text, figure) in [
        ("event.amount / 3", Ok("1000/3")),
        ("event.amount * 0.15 + number(deal.attributes.seats)", Ok("175/1")),
        ("deal.amount > 10000 ? 2.5 : 1", Ok("5/2")),
        ("deal.cost * 2", Err("deal.cost is missing")),
        ("event.amount / (event.amount - 1000)", Err("it divides by zero")),
    ] {
        let formula = Formula::expression(text, &Root::OF_EVENT).unwrap();
        let found = formula.figure(&known).map(|exact| exact.lowest_terms());
        assert_eq!(
            found.as_deref().map_err(ToString::to_string),
            figure.map_err(ToString::to_string),
            "{text}"
        );
    }
    let faults = Formula::expression("deal.amount > 5", &Root::OF_EVENT).unwrap_err();
    assert_eq!(faults[0].to_string(), "at 1:13: found true or false, expected a number");
}

#[test]
fn texts_beyond_reason_are_refused_quickly() {
    let chain = |part: &str, times: usize| vec![part; times].join("");
    let begun = Instant::now();
    for (text, fault) in [
        ("x".repeat(2001), "at 1:2001: found 2001 characters, expected at most 2000"),
        (chain("(", 1000) + "1", "nested too deep"),
        (chain("(", 40) + "true" + &chain(")", 40), "nested too deep"),
        (chain("[", 1000), "nested too deep"),
        (format!("1{} == 1", chain("+1", 900)), "nested too deep"),
        (format!("1{} == 1", chain("+1", 40)), "nested too deep"),
        (chain("true?true:", 190) + "true", "nested too deep"),
        (chain("deal.", 390) + "x", "nested too deep"),
        (chain("!", 1990) + "true", "nested too deep"),
        (chain("-", 1990) + "1 == 1", "nested too deep"),
        (chain("{1:", 600), "nested too deep"),
        (chain("has(", 400), "nested too deep"),
        (format!("deal.amount == {}", "9".repeat(1900)), "at 1:16: found"),
    ] {
        let said = said(&text);
        assert!(said.contains(fault), "{text}\n{said}");
    }
    let wide = vec!["deal.amount == 1"; 90].join(" || ");
    assert_eq!(said(&wide), "false");
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}
