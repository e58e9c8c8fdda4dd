//! Whatever text comes in is read or refused: nothing panics, nothing takes long, what is read is written again as the
//! same canonical text, and what is refused is named in the refusal. Bounded numbers of cases; texts without sense,
//! good texts with something wrong, nests and lengths beyond reason.

use std::fmt::Display;
use std::time::{Duration, Instant};

use attain::api::convert;
use attain::api::json::{from_json, plan_from_json, to_json};
use attain::api::page::Paging;
use attain::api::v1;
use attain::app::{Call, Page};
use attain::auth::key::{ParsedKey, generate};
use attain::auth::{Actor, Role};
use attain::domain::condition::{Field, Formula, Root, Value};
use attain::domain::date::{Calendar, Day, Period};
use attain::domain::exact::Exact;
use attain::domain::id::{KeyId, PayeeId, TenantId};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{self, Percent, Quantity};
use attain::ingest::{self, Mapping};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Longest that reading a text of at most a mebibyte may take, on a busy machine and without optimisation.
const PATIENCE: Duration = Duration::from_secs(5);

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Characters that readers trip over more often than over others.
fn character() -> impl Strategy<Value = char> {
    let marks: Vec<char> =
        "0019.-+eE,_:/ \"'\\{}[]=#\0\t\r\n\u{feff}\u{202e}\u{ff11}\u{661}\u{301}éß歩😀".chars().collect();
    prop_oneof![3 => select(marks), 1 => any::<char>(), 2 => proptest::char::range('0', 'z')]
}

/// Texts without sense, short ones more often than long ones.
fn nonsense() -> impl Strategy<Value = String> {
    let of = |most| prop::collection::vec(character(), 0..most).prop_map(String::from_iter);
    prop_oneof![4 => of(24), 1 => of(400)]
}

/// What is done to a good text.
#[derive(Debug, Clone)]
enum Edit {
    Insert(Index, char),
    Replace(Index, char),
    Delete(Index),
    Truncate(Index),
    /// A part once more, so many times.
    Repeat(Index, Index, u8),
}

fn edit() -> impl Strategy<Value = Edit> {
    let place = any::<Index>;
    prop_oneof![
        3 => (place(), character()).prop_map(|(at, c)| Edit::Insert(at, c)),
        3 => (place(), character()).prop_map(|(at, c)| Edit::Replace(at, c)),
        3 => place().prop_map(Edit::Delete),
        1 => place().prop_map(Edit::Truncate),
        1 => (place(), place(), 1_u8..40).prop_map(|(from, to, times)| Edit::Repeat(from, to, times)),
    ]
}

fn edited(text: &str, edits: &[Edit]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for edit in edits {
        let end = chars.len();
        match edit {
            Edit::Insert(at, c) => chars.insert(at.index(end + 1), *c),
            _ if end == 0 => {}
            Edit::Replace(at, c) => chars[at.index(end)] = *c,
            Edit::Delete(at) => drop(chars.remove(at.index(end))),
            Edit::Truncate(at) => chars.truncate(at.index(end)),
            Edit::Repeat(from, to, times) => {
                let (from, to) = (from.index(end), to.index(end));
                let part = chars[from.min(to)..from.max(to)].to_vec();
                for _ in 0..*times {
                    chars.splice(from.min(to)..from.min(to), part.iter().copied());
                }
            }
        }
    }
    chars.into_iter().collect()
}

/// One of some good texts, as it is or with a few things wrong.
fn nearly(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    (select(texts), prop::collection::vec(edit(), 0..4)).prop_map(|(text, edits)| edited(text, &edits))
}

/// A text for one small value.
fn value(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let long = (character(), 100_usize..100_000).prop_map(|(c, times)| String::from_iter(vec![c; times]));
    prop_oneof![6 => nearly(texts), 3 => nonsense(), 1 => long]
}

/// What was read is written as a text that reads the same and is written the same; what was refused is shown, the
/// start of it, in a refusal that is no page.
fn agrees<T: PartialEq + std::fmt::Debug, E: Display>(
    text: &str,
    read: impl Fn(&str) -> Result<T, E>,
    write: impl Fn(&T) -> String,
) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    match read(text) {
        Ok(value) => {
            let canonical = write(&value);
            let again = read(&canonical);
            prop_assert_eq!(again.as_ref().ok(), Some(&value), "{:?} was written {:?}", text, &canonical);
            prop_assert_eq!(again.ok().map(|value| write(&value)), Some(canonical));
        }
        Err(fault) => {
            let said = fault.to_string();
            let start: String = text.chars().take(20).collect();
            let shown = format!("{start:?}");
            prop_assert!(
                text.is_empty() || said.contains(shown.trim_matches('"')),
                "{:?} of {:?}",
                said,
                start
            );
            prop_assert!(said.chars().count() < 1200, "{} characters for {:?}", said.chars().count(), start);
        }
    }
    prop_assert!(begun.elapsed() < PATIENCE);
    Ok(())
}

const DECIMALS: &[&str] = &[
    "0",
    "1250.00",
    "-3800.5",
    "0.000001",
    "999999999999999.99",
    "-999999999999999.999999",
    "9223372036854.775807",
    "9223372036854775807",
    "1e3",
    "-0",
    "007",
    "1,000.00",
    "1_000",
    "NaN",
    "１２",
    "+1",
    ".5",
    "5.",
];
const DAYS: &[&str] = &[
    "2026-03-31",
    "2024-02-29",
    "1900-01-01",
    "2199-12-31",
    "2026-02-30",
    "2026-3-1",
    "20260331",
    "2026-03-31T00:00:00Z",
];
const PERIODS: &[&str] = &["2026-03", "1900-01", "2199-12", "2026-13", "2026-3"];
const WINDOWS: &[&str] =
    &["2026-03", "FY2026-Q1", "FY2026-H1", "FY2026", "FY1900", "FY2199-Q4", "FY2026-Q5", "fy2026"];
const IDS: &[&str] = &["E-1001", "a.b_c:d-e", "7", "0061t00000Q2dZ3AAJ", "-a", "a b"];

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn decimals(text in value(DECIMALS), decimals in 0_u32..8, digits in 1_usize..20) {
        let read = |text: &str| number::parse(text, digits, decimals);
        agrees(&text, read, |value| number::padded(*value, decimals))?;
        agrees(&text, read, |value| number::trimmed(*value, decimals))?;
        agrees(&text, Percent::parse, Percent::to_string)?;
        agrees(&text, Quantity::parse, Quantity::to_string)?;
        for currency in ["JPY", "USD", "KWD"].map(|code| Currency::parse(code).unwrap()) {
            agrees(&text, |text| currency.parse_amount(text), |minor| currency.amount(i128::from(*minor)))?;
        }
    }

    #[test]
    fn currencies(text in value(&["USD", "usd", "KWD", "XAU", "US"])) {
        agrees(&text, Currency::parse, Currency::to_string)?;
    }

    #[test]
    fn days(text in value(DAYS)) {
        agrees(&text, Day::parse, Day::to_string)?;
        // A day that is read is written as it came: there is one text for each.
        prop_assert!(Day::parse(&text).map_or(true, |day| day.to_string() == text));
    }

    #[test]
    fn periods_and_windows(period in value(PERIODS), window in value(WINDOWS), fiscal_first_month in 1_u8..=12) {
        agrees(&period, Period::parse, Period::to_string)?;
        let calendar = Calendar {
            currency: Currency::parse("USD").unwrap(),
            zone: chrono_tz::UTC,
            fiscal_first_month,
            rounding: Rounding::HalfEven,
            first_period: Period::parse("2026-01").unwrap(),
        };
        agrees(&window, |text| calendar.parse_window(text), |window| calendar.window_text(*window))?;
        if let Ok(read) = calendar.parse_window(&window) {
            prop_assert!(read.start() < read.end() && read.days() >= 28, "{:?}", read);
        }
    }

    #[test]
    fn ids(text in value(IDS)) {
        agrees(&text, PayeeId::try_new, PayeeId::to_string)?;
        prop_assert!(PayeeId::try_new(&text).map_or(true, |id| id.as_str() == text));
    }

    #[test]
    fn keys(text in nonsense(), edits in prop::collection::vec(edit(), 0..3), id in "[A-Za-z0-9][A-Za-z0-9._:-]{0,63}") {
        let id = KeyId::try_new(&id).unwrap();
        let made = generate("acme-2", &id).unwrap();
        let near = edited(made.text.reveal(), &edits);
        for text in [text.as_str(), &format!("attain_{text}"), &near, &near.repeat(50)] {
            if let Some(key) = ParsedKey::parse(text) {
                prop_assert_eq!(format!("attain_{}_{}_{}", key.tenant_slug, key.id, key.secret.reveal()), text);
                let same = key.secret.reveal() == made.text.reveal().rsplit_once('_').unwrap().1;
                prop_assert_eq!(key.matches(&made.secret_hash), same);
            }
        }
        prop_assert!(ParsedKey::parse(made.text.reveal()).is_some());
    }

    #[test]
    fn page_tokens(text in nonsense(), edits in prop::collection::vec(edit(), 1..3), cursor in nonsense(), as_of in 0..i64::MAX) {
        let actor = Actor {
            tenant: TenantId("00000000-0000-4000-8000-000000000001".parse().unwrap()),
            tenant_slug: "acme".into(),
            key: KeyId::try_new("k").unwrap(),
            role: Role::Admin,
            payee: None,
        };
        let call = Call { actor, deadline: None, own_deadline: false };
        let paging = Paging::new(&call, "a.B/C", &v1::ListDealsRequest::default());
        let first = Page { as_of: 0.into(), after: None, size: 7 };
        let token = paging.token(as_of, Some(&cursor));
        // Tokens have a bound: our own cursors are far below it.
        if token.len() <= 1024 {
            let page = Page { as_of: as_of.into(), after: Some(cursor), size: 7 };
            prop_assert_eq!(paging.open(first.clone(), &token), Ok(page));
        }
        for other in [text, edited(&token, &edits)] {
            if other != token && !other.is_empty() {
                prop_assert!(paging.open(first.clone(), &other).is_err(), "{:?}", other);
            }
        }
    }
}

const CONDITIONS: &[&str] = &[
    "deal.product in [\"a\", 'b'] && number(deal.attributes.seats) >= 25.5",
    "has(deal.attributes.x) ? event.amount / deal.cost > -1.5e3 : !(event.date < date(\"2026-02-30\"))",
    "min(1, deal.quantity, 2) * (3 - deal.amount) == 1/3 || payee.title.startsWith(credit.role + \"Ü\")",
    "[1,2].exists(x, x in {1: null}) || b'x' == 5u || deal.attributes[\"y\"].matches(r'\\d') % 0x1F",
    "event.date - deal.open_date <= 30 && \"x\" in deal.attributes && -(-deal.amount) > 0.1",
];
/// What texts of CEL are made of.
const PARTS: &[&str] = &[
    "deal",
    ".",
    "amount",
    "attributes",
    "has(",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "\"x\"",
    "1",
    "0.5",
    "9999999",
    "+",
    "-",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<",
    ">=",
    "&&",
    "||",
    "!",
    "?",
    ":",
    ",",
    "in",
    "true",
    "null",
    "event.date",
    " ",
    "\n",
    "\\",
    "//",
    "`",
    "@",
    "map(x,",
    "min(",
    "date(",
    "Ü",
    "😀",
    "\0",
];

/// Reads a condition: what is wrong has a place in it and a few words, what is right is evaluated.
fn condition(text: &str) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    let lines = text.split('\n').count();
    match Formula::condition(text, &Root::ALL) {
        Ok(formula) => {
            let huge = Exact::whole(i128::from(i64::MAX));
            let zero = |_: &Field| Some(Value::Number(Exact::ZERO));
            let large = |field: &Field| match field {
                Field::Attribute(_) => None,
                _ => Some(Value::Number(huge.clone())),
            };
            let _ = (formula.holds(&zero).map_err(|why| why.to_string()), formula.holds(&large).is_ok());
            prop_assert!(text.chars().count() <= 2000);
        }
        Err(faults) => {
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!((1..=lines).contains(&fault.line), "{:?}: {}", text, fault);
                prop_assert!(fault.column >= 1 && fault.to_string().len() < 4000, "{:?}: {}", text, fault);
            }
        }
    }
    prop_assert!(begun.elapsed() < PATIENCE, "{:?} took {:?}", text, begun.elapsed());
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn conditions(
        near in value(CONDITIONS),
        parts in prop::collection::vec(select(PARTS), 0..60),
        repeated in (select(PARTS), select(PARTS), 1_usize..900),
    ) {
        condition(&near)?;
        condition(&parts.concat())?;
        let (one, other, times) = repeated;
        condition(&format!("{one}{other}").repeat(times))?;
        condition(&format!("{}1{}", one.repeat(times), other.repeat(times)))?;
        condition(&"){".repeat(times))?;
    }
}

const MAPPINGS: &[&str] = &[
    include_str!("../examples/crm/deals.toml"),
    include_str!("../examples/crm/offices.toml"),
    include_str!("../examples/crm/quotas.toml"),
    "kind = 'quotas'\nwindows = ['FY2026']\n[fields]\npayee_id = { column = 'id' }\nmeasure_id = { constant = 'own' }\n\
     amount = { column = 'goal', number = { decimal = ',', group = '.' } }\n",
];
const CSV: &[&str] =
    &["opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n\
     1C1I7A6R,Moses Frase,GTX Plus Basic,Cancity,Won,2016-10-20,2017-03-01,1054.00\n\
     Z063OYW0,Darcel Schlecht,GTXPro,Isdom,Lost,2016-10-25,2017-03-11,\n\
     EC4QE1BX,\"Schlecht, Darcel\",MG Special,\"Can\"\"city\",Engaging,2016-10-25,,\r\n\
     1C1I7A6R,Moses Frase,GTX Plus Basic,Cancity,Won,2016-10-20,2017-03-01,1054.00\n"];
const PLANS: &[&str] = &[
    include_str!("../examples/demo/plans/account-executive.json"),
    include_str!("../examples/demo/plans/partner.json"),
    include_str!("../examples/demo/plans/sales-director.json"),
    include_str!("plan-of-every-kind.json"),
];

const PLAN_FILES: &[&str] = &[
    include_str!("../plans/saas-ae.json"),
    include_str!("../plans/channel-partner.json"),
    include_str!("../plans/new-hire-ramp.json"),
];

/// Reads a mapping file; what is wrong with it is named by key.
fn mapping(text: &str) -> Result<Option<Mapping>, TestCaseError> {
    let begun = Instant::now();
    let read = Mapping::parse(text);
    prop_assert!(begun.elapsed() < PATIENCE);
    match read {
        Ok(mapping) => Ok(Some(mapping)),
        Err(faults) => {
            let faults = faults.into_vec();
            prop_assert!(!faults.is_empty());
            for fault in faults {
                prop_assert!(!fault.field.is_empty() && !fault.message.is_empty(), "{:?}", fault);
                prop_assert!(fault.message.len() < 4000, "{} bytes in {}", fault.message.len(), fault.field);
            }
            Ok(None)
        }
    }
}

/// Reads a file under a mapping, twice: every row is counted, and the same bytes give the same rows.
fn rows(mapping: &Mapping, bytes: &[u8]) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    let read = || -> Result<_, TestCaseError> {
        let mut reader = match ingest::read(mapping, bytes) {
            Ok(reader) => reader,
            Err(fault) => return Ok((Vec::new(), Some(fault))),
        };
        let (mut rows, mut broken) = (Vec::new(), None);
        for row in reader.by_ref() {
            match row {
                Ok(row) => rows.push(row),
                Err(fault) => broken = Some(fault),
            }
        }
        let totals = reader.totals();
        prop_assert_eq!(totals.rows, totals.accepted + totals.rejected + totals.duplicates);
        let taken = rows.iter().filter(|row| row.is_ok()).count();
        prop_assert_eq!((totals.accepted, totals.rejected), (taken as u64, (rows.len() - taken) as u64));
        for rejected in rows.iter().filter_map(|row| row.as_ref().err()) {
            prop_assert!(!rejected.reasons.is_empty() && rejected.row > 1, "{:?}", rejected);
        }
        Ok((rows, broken))
    };
    prop_assert_eq!(read()?, read()?);
    prop_assert!(begun.elapsed() < PATIENCE);
    Ok(())
}

/// Reads a plan file as `PublishPlan` would: what is wrong stands under `plan`, what is right reads back.
fn plan(text: &str) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    let usd = Currency::parse("USD").unwrap();
    if let Ok(wire) = plan_from_json(text) {
        let again = plan_from_json(&to_json(&wire).unwrap()).unwrap();
        prop_assert_eq!(&again, &wire);
        match convert::plan::file(&wire, usd) {
            Ok(read) => prop_assert_eq!(convert::plan::file(&again, usd), Ok(read)),
            Err(fault) => {
                prop_assert!(!fault.violations.is_empty());
                for violation in fault.violations {
                    prop_assert!(violation.field.starts_with("plan"), "{:?}", violation);
                    prop_assert!(violation.message.len() < 4000, "{} bytes", violation.message.len());
                }
            }
        }
    }
    prop_assert!(begun.elapsed() < PATIENCE);
    Ok(())
}

/// Reads a plan file with its measures and tests, and runs the tests: they pass or fail, and never at length.
fn plan_file(text: &str) -> Result<(), TestCaseError> {
    let begun = Instant::now();
    if let Ok(wire) = from_json::<v1::PlanFile>(text) {
        match convert::plan_test::file(&wire) {
            Ok(file) => file.tests.iter().for_each(|test| drop(attain::app::plan_test::run(test))),
            Err(fault) => {
                prop_assert!(!fault.violations.is_empty());
                for violation in fault.violations {
                    let parts = ["plan", "measures", "tests"];
                    prop_assert!(
                        parts.iter().any(|part| violation.field.starts_with(part)),
                        "{:?}",
                        violation
                    );
                    prop_assert!(violation.message.len() < 4000, "{} bytes", violation.message.len());
                }
            }
        }
    }
    prop_assert!(begun.elapsed() < PATIENCE);
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn mapping_files(text in prop_oneof![4 => nearly(MAPPINGS), 1 => nonsense()]) {
        mapping(&text)?;
    }

    #[test]
    fn rows_under_a_mapping(
        file in nearly(CSV),
        noise in prop::collection::vec(any::<u8>(), 0..300),
        toml in select(MAPPINGS),
        at in any::<Index>(),
    ) {
        let mapping = mapping(toml)?.unwrap();
        rows(&mapping, file.as_bytes())?;
        // Bytes that are no text, after a good header.
        let mut bytes = CSV[0].as_bytes().to_vec();
        let at = at.index(bytes.len());
        bytes.splice(at..at, noise);
        rows(&mapping, &bytes)?;
    }

    #[test]
    fn plan_files(text in prop_oneof![4 => nearly(PLANS), 1 => nonsense()]) {
        plan(&text)?;
    }

    #[test]
    fn values_of_plan_files(value in value(DECIMALS), place in any::<Index>(), text in select(PLANS)) {
        // Any value of a good file with another in its place.
        let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        *json.pointer_mut(&paths[place.index(paths.len())]).unwrap() = value.into();
        plan(&json.to_string())?;
    }

    #[test]
    fn plan_files_with_tests(text in nearly(PLAN_FILES)) {
        plan_file(&text)?;
    }

    #[test]
    fn values_of_plan_files_with_tests(value in value(DECIMALS), place in any::<Index>(), text in select(PLAN_FILES)) {
        let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
        let mut paths = Vec::new();
        leaves(&json, String::new(), &mut paths);
        *json.pointer_mut(&paths[place.index(paths.len())]).unwrap() = value.into();
        plan_file(&json.to_string())?;
    }
}

/// The pointers of all values that hold no others.
fn leaves(json: &serde_json::Value, path: String, paths: &mut Vec<String>) {
    match json {
        serde_json::Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| leaves(value, format!("{path}/{name}"), paths));
        }
        serde_json::Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| leaves(item, format!("{path}/{place}"), paths));
        }
        _ => paths.push(path),
    }
}

/// A text in a nest of so many.
fn nested(open: &str, depth: usize, middle: &str, close: &str) -> String {
    format!("{}{middle}{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn nests_beyond_reason_are_refused_and_end() {
    for depth in [10, 1_000, 100_000] {
        for text in [
            nested("[", depth, "", "]"),
            format!("a = {}", nested("[", depth, "1", "]")),
            format!("a = {}", nested("{ a = ", depth, "1", " }")),
            format!("{}a = 1", "a.".repeat(depth)),
            format!("[{}a]", "a.".repeat(depth)),
            format!("[fields.{}a]\ncolumn = 'x'", "a.".repeat(depth)),
            "[[a]]\n".repeat(depth),
            format!("a = {}", "'''".repeat(depth)),
        ] {
            assert!(mapping(&text).unwrap().is_none(), "{}", &text[..text.len().min(60)]);
        }
        for text in [
            nested("[", depth, "", "]"),
            nested("{\"components\":[", depth, "", "]}"),
            nested("{\"components\":[{\"rates\":", depth, "{}", "}]}"),
            nested("{\"components\":[{\"bonus\":{\"curve\":{\"gauge\":", depth, "{}", "}}}]}"),
            nested("{\"components\":[{\"modifiers\":{\"gates\":[", depth, "{}", "]}}]}"),
            nested("{\"plan\":", depth, "{}", "}"),
            format!("{{\"planId\":{}}}", nested("[", depth, "", "]")),
            format!("{{\"planId\":\"p\"{}}}", ",\"name\":\"n\"".repeat(depth)),
            format!("{{\"components\":[{}{{}}]}}", "{},".repeat(depth)),
        ] {
            plan(&text).unwrap();
            plan_file(&text).unwrap();
        }
    }
}

#[test]
fn lengths_beyond_reason_are_refused_and_end() {
    let mapping = Mapping::parse(MAPPINGS[3]).unwrap();
    let most = ingest::MAX_RECORD;
    for text in [
        "\"".repeat(most * 2),
        format!("id,goal\n{}", ",".repeat(most / 8)),
        format!("id,goal\n{}", "\n".repeat(most)),
        format!("id,goal\n\"{}", "\n".repeat(most * 2)),
        format!("id,goal\na,{}", "9".repeat(most / 2)),
        format!("id,goal\n{},1", "a".repeat(most / 2)),
        format!("id,goal\n{}", "a,1\n".repeat(20_000)),
        ",".repeat(most / 8),
    ] {
        rows(&mapping, text.as_bytes()).unwrap();
    }
}
