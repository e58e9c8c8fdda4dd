//! Every plan file of `plans/` reads and passes its own tests, which are figures worked by hand; and each of these
//! figures is one that a wrong plan would miss.

use std::path::PathBuf;

use attain::api::convert::plan_test::{PlanFile, file};
use attain::api::json::from_json;
use attain::api::v1;
use attain::app::plan_test::run;
use attain::domain::fault::Violation;
use serde_json::{Value, json};

/// Every plan file with its name and text.
fn files() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("plans");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

fn read(text: &str) -> Result<PlanFile, String> {
    let wire: v1::PlanFile = from_json(text).map_err(|fault| fault.to_string())?;
    file(&wire).map_err(|fault| {
        let line = |violation: &Violation| format!("{}: {}", violation.field, violation.message);
        fault.violations.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// What the tests of a file say that is not as expected.
fn failures(file: &PlanFile) -> Vec<String> {
    file.tests.iter().flat_map(|test| run(test).failures()).collect()
}

#[test]
fn every_plan_file_reads_and_passes_its_tests() {
    let files = files();
    assert!(files.len() >= 15, "only {} plan files", files.len());
    for (name, text) in &files {
        let file = read(text).unwrap_or_else(|fault| panic!("{name}: {fault}"));
        assert_eq!(format!("{}.json", file.plan.id), *name);
        assert!(file.tests.len() >= 3, "{name} has {} tests", file.tests.len());
        assert_eq!(failures(&file), Vec::<String>::new(), "{name}");
        // Every component earns something in some test, every title is one of its own, every measure is read.
        let mut titles: Vec<_> = file.tests.iter().map(|test| test.title.as_str()).collect();
        titles.sort_unstable();
        titles.dedup();
        assert_eq!(titles.len(), file.tests.len(), "{name}");
        for component in &file.plan.components {
            let earns = |test: &attain::app::plan_test::Case| {
                test.expected.iter().any(|((_, id, _), amount)| *id == component.id && *amount != 0)
            };
            assert!(file.tests.iter().any(earns), "{name}: nothing is expected of {}", component.id);
        }
        let read = file.plan.measures();
        let quotas =
            |id: &&attain::domain::measure::Measure| text.matches(&format!("\"{}\"", id.id)).count() > 1;
        assert!(file.measures.iter().filter(quotas).count() == file.measures.len(), "{name}: {read:?}");
    }
}

#[test]
fn the_example_of_the_manual_reads_and_passes() {
    let text = include_str!("../docs/plans.md");
    let example = text.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let file = read(example).unwrap();
    assert_eq!((file.tests.len(), failures(&file)), (1, Vec::new()));
}

/// The components that the manual shows, of one plan: an override takes off what another example earns.
#[test]
fn every_component_of_the_manual_reads() {
    let text = include_str!("../docs/plans.md");
    let blocks = text.split("```json\n").skip(2).filter_map(|rest| rest.split("```").next());
    let components: Vec<Value> = blocks.map(|block| serde_json::from_str(block).unwrap()).collect();
    let kinds = [
        "rates",
        "bonus",
        "objectives",
        "spiff",
        "matrix",
        "rank",
        "pool",
        "override",
        "residual",
        "modifiers",
    ];
    for kind in kinds {
        assert!(components.iter().any(|component| component.get(kind).is_some()), "no example of {kind}");
        assert!(text.contains(&format!("\n### {kind}\n")), "no section on {kind}");
    }
    let credits = |id: &str, event: &str, credit: &str, value: &str| json!({"measureId": id, "name": id, "eventType": event, "credit": credit, "value": value});
    let outside = |id: &str| json!({"measureId": id, "name": id, "outside": {"combine": "COMBINE_LAST"}});
    let file = json!({
        "plan": {"planId": "manual", "name": "Manual", "components": components},
        "measures": [
            credits("own-bookings", "TYPE_BOOKED", "CREDIT_DIRECT", "VALUE_AMOUNT"),
            credits("team-bookings", "TYPE_BOOKED", "CREDIT_ROLLED_UP", "VALUE_AMOUNT"),
            credits("payments", "TYPE_PAID", "CREDIT_DIRECT", "VALUE_AMOUNT"),
            credits("deals", "TYPE_BOOKED", "CREDIT_DIRECT", "VALUE_COUNT"),
            outside("on-time"), outside("satisfaction"), outside("hours"),
        ],
    });
    assert_eq!(read(&file.to_string()).map(|_| ()), Ok(()));
}

#[test]
fn the_manual_lists_every_plan_file_and_no_other() {
    let text = include_str!("../docs/plans.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| [`")?.split_once("`](../plans/"));
    let mut listed: Vec<_> = rows.map(|(id, _)| format!("{id}.json")).collect();
    listed.sort();
    let there: Vec<_> = files().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, there);
}

#[test]
fn a_figure_that_is_a_cent_off_fails_and_says_so() {
    let (_, text) = files().into_iter().find(|(name, _)| name == "saas-ae.json").unwrap();
    let mut json: Value = serde_json::from_str(&text).unwrap();
    json["tests"][0]["expected"][0]["amount"] = json!("4800.01");
    json["tests"][1]["expected"].as_array_mut().unwrap().pop();
    json["tests"][2]["quotas"] = json!([]);
    json["tests"].as_array_mut().unwrap().truncate(3);
    assert_eq!(
        failures(&read(&json.to_string()).unwrap()),
        [
            "rep by commission in 2026-01: expected 4800.01, earned 4800.00",
            "rep by commission in 2026-02: expected 0.00, earned 10000.00",
            "rep by commission in 2026-01: expected 8000.00, earned 0.00",
            "rep by commission in 2026-02: expected 120.00, earned 0.00",
            "a question is open: payee rep has no quota of measure own-bookings for FY2026-Q1 and none for its year",
        ]
    );
}

/// A plan of 10 percent on everything, and one test.
fn small(test: Value) -> Value {
    json!({
        "plan": {"planId": "p", "name": "P", "components": [{"componentId": "c", "name": "C", "window": "WINDOW_MONTH",
            "rates": {"measureId": "m", "mode": "MODE_MARGINAL", "axis": "AXIS_AMOUNT",
                "tiers": [{"edgeAmount": "0", "ratePercent": "10"}]}}]},
        "measures": [{"measureId": "m", "name": "M", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": "VALUE_AMOUNT"}],
        "tests": [test],
    })
}

#[test]
fn what_a_test_leaves_out_is_as_a_short_test_would_have_it() {
    let booked = |deal: Value| {
        small(json!({"title": "t", "deals": [deal], "expected": [{"period": "2026-02", "amount": "10.00"}]}))
    };
    for deal in [
        json!({"closeDate": "2026-02-10", "amount": "100.00"}),
        json!({"closeDate": "2026-02-10", "amount": "100.00", "events": [{}]}),
        json!({"amount": "7.00", "events": [{"eventDate": "2026-02-10", "amount": "100.00"}]}),
        json!({"dealId": "D", "ownerId": "rep", "outcome": "OUTCOME_WON", "closeDate": "2026-03-01",
            "events": [{"eventId": "b", "type": "TYPE_BOOKED", "eventDate": "2026-02-28", "amount": "100.00"}]}),
    ] {
        assert_eq!(
            failures(&read(&booked(deal.clone()).to_string()).unwrap()),
            Vec::<String>::new(),
            "{deal}"
        );
    }
    // Before the first period nothing counts, open deals earn nothing, a calendar says what it wants to.
    for (calendar, deal) in [
        (json!({}), json!({"closeDate": "2025-12-31", "amount": "100.00"})),
        (json!({}), json!({"closeDate": "2026-02-10", "amount": "100.00", "outcome": "OUTCOME_OPEN"})),
        (json!({"firstPeriod": "2026-03"}), json!({"closeDate": "2026-02-10", "amount": "100.00"})),
    ] {
        let test = json!({"title": "nothing is earned", "calendar": calendar, "deals": [deal]});
        assert_eq!(
            failures(&read(&small(test.clone()).to_string()).unwrap()),
            Vec::<String>::new(),
            "{test}"
        );
    }
    let yen = json!({"title": "yen have no cents", "calendar": {"fiscalFirstMonth": 4, "rounding": "ROUNDING_HALF_EVEN"},
        "deals": [{"closeDate": "2026-02-10", "amount": "25"}], "expected": [{"period": "2026-02", "amount": "2"}]});
    let mut yen = small(yen);
    yen["plan"]["currencyCode"] = json!("JPY");
    assert_eq!(failures(&read(&yen.to_string()).unwrap()), Vec::<String>::new());
}

#[test]
fn a_plan_file_that_is_wrong_hears_everything_that_is() {
    let good = || small(json!({"title": "t", "deals": [{"closeDate": "2026-02-10", "amount": "1.00"}]}));
    let with = |pointer: &str, value: Value| {
        let mut json = good();
        match json.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => {
                let (parent, name) = pointer.rsplit_once('/').unwrap();
                json.pointer_mut(parent).unwrap()[name] = value;
            }
        }
        json
    };
    let people = json!([{"payeeId": "a"}, {"payeeId": "b"}]);
    for (wrong, expected) in [
        (json!({}), "plan: must be given"),
        (
            with("/plan/currencyCode", json!("XXX")),
            "plan.currency_code: must be an ISO 4217 code of a currency in use such as \"USD\", got \"XXX\"",
        ),
        (with("/measures", json!([])), "plan.components[0].rates.measure_id: measure m does not exist"),
        (
            with("/measures/0/value", json!("VALUE_COUNT")),
            "plan.components[0].rates.measure_id: must count money where rates are percents, got m\nplan.components[0].rates.axis: must fit m, which counts a number: edges must be edge_units",
        ),
        (
            with("/measures/0/eventType", json!("TYPE_REFUNDED")),
            "measures[0].event_type: must not be a reversal, got TYPE_REFUNDED",
        ),
        (with("/tests/0/title", json!("")), "tests[0].title: must not be empty"),
        (
            with("/tests/0/calendar", json!({"fiscalFirstMonth": 13})),
            "tests[0].calendar.fiscal_first_month: must be 1 to 12, got 13",
        ),
        (
            with("/tests/0/payees", json!([{"payeeId": "a b"}])),
            "tests[0].payees[0].payee_id: must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"a b\"\ntests[0].deals[0].owner_id: must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"a b\"",
        ),
        (with("/tests/0/payees", people), "tests[0].deals[0].owner_id: must not be empty"),
        (
            with("/tests/0/payees", json!([{"payeeId": "rep", "assignments": [{"managerId": "boss"}]}])),
            "tests[0].payees: payee rep reports to boss, which does not exist",
        ),
        (
            with("/tests/0/deals/0/ownerId", json!("zed")),
            "tests[0].deals[0]: deal deal-1 names payee zed, which does not exist",
        ),
        (
            with(
                "/tests/0/quotas",
                json!([{"payeeId": "zed", "measureId": "m", "window": "FY2026", "amount": {"amount": "1.00"}}]),
            ),
            "tests[0].quotas[0].payee_id: quota of payee zed, which does not exist",
        ),
        (
            with("/tests/0/quotas", json!([{"measureId": "m", "window": "FY26"}])),
            "tests[0].quotas[0].window: must be a window such as \"2026-03\", \"FY2026-Q1\", \"FY2026-H1\" or \"FY2026\", got \"FY26\"\ntests[0].quotas[0].amount: must be given, or units, or sum_of_reports_measure_id",
        ),
        (
            with("/tests/0/expected", json!([{"componentId": "x", "period": "2026-1", "amount": "1.001"}])),
            "tests[0].expected[0].component_id: must be a component of the plan, got x\ntests[0].expected[0].period: must be a period such as \"2026-03\", got \"2026-1\"\ntests[0].expected[0].amount: must have at most 2 decimals, got \"1.001\"",
        ),
        (
            with(
                "/tests/0/expected",
                json!([{"period": "2026-01", "amount": "1.00"}, {"period": "2026-01", "amount": "1.00"}]),
            ),
            "tests[0].expected[1]: must be the only figure of its payee, component and period",
        ),
        (
            with("/tests/0/expected", json!([{"period": "2031-01", "amount": "0.00"}])),
            "tests[0]: must end within 60 months of the first period 2026-01, got 2031-01",
        ),
        (
            with(
                "/tests/0/exchangeRates",
                json!([
                    {"currencyCode": "USD", "date": "2026-01-01", "rate": "1"},
                    {"currencyCode": "EUR", "date": "2026-01-01", "rate": "0"},
                ]),
            ),
            "tests[0].exchange_rates[0].currency_code: must be another than the calendar's USD, whose rate is 1\ntests[0].exchange_rates[1].rate: must be above zero, got \"0\"",
        ),
        (
            with("/tests/0/territories", json!([{"territoryId": "north", "holders": [{"payeeId": "zed"}]}])),
            "tests[0].territories[0].holders[0].payee_id: must be a payee of the test, got zed",
        ),
        (
            with(
                "/tests/0/creditingRules",
                json!([{"ruleId": "r", "condition": "deal.x == 1",
                    "credits": [{"territoryId": "north", "creditPercent": "100"}]}]),
            ),
            "tests[0].crediting_rules[0].condition: at 1:1: found unknown field deal.x, expected one of amount, attributes, close_date, cost, currency, customer, id, margin_percent, open_date, outcome, owner, probability, product, quantity, stage\ntests[0].crediting_rules[0].credits[0].territory_id: must be a territory of the test, got north",
        ),
    ] {
        assert_eq!(read(&wrong.to_string()).err().as_deref(), Some(expected), "{wrong}");
    }
    for (text, expected) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("{\"plan\": {\"nane\": \"P\"}}", "unrecognized field name 'nane' at line 1 column 16"),
    ] {
        assert_eq!(read(text).err().as_deref(), Some(expected));
    }
}
