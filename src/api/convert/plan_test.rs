//! Plan files and the tests in them. What a test leaves out is filled in as it reads, so that tests stay short.

use std::collections::BTreeMap;

use super::draft::Given;
use super::measure::measure;
use super::plan::sketch;
use super::{Check, admin, deal, exchange, outside, payee, quota, read, small, territory};
use crate::api::v1;
use crate::api::v1::test_plan_request::Draft as Source;
use crate::app::AsOf;
use crate::app::plan::judge_over;
use crate::app::plan_test::{Case, Figure, Outcome, Place};
use crate::domain::date::{Calendar, Day};
use crate::domain::deal::Deal;
use crate::domain::exchange::ExchangeRate;
use crate::domain::facts::{Facts, FactsBuilder};
use crate::domain::fault::Fault;
use crate::domain::id::ComponentId;
use crate::domain::measure::Measure;
use crate::domain::money::Currency;
use crate::domain::outside::OutsideValue;
use crate::domain::payee::Payee;
use crate::domain::plan::{Plan, PlanVersion};
use crate::domain::quota::Quota;
use crate::domain::territory::{CreditingRule, Territory};

/// Most tests of a plan, and most measures of a file.
const MAX_TESTS: usize = 100;
/// Most quotas, deals, expected figures and other facts of a kind in a test.
const MAX_FACTS: usize = 1000;
/// Most payees of a test.
const MAX_PAYEES: usize = 100;
/// Most months that a test runs over: every window of every payee is computed.
const MAX_MONTHS: i32 = 60;
/// Most other plans of a test.
const MAX_PLANS: usize = 20;
/// The payee of a test that names none.
const PAYEE: &str = "rep";
/// The first period of a test that names none.
const FIRST_PERIOD: &str = "2026-01";

/// A plan file, read.
#[derive(Debug, Clone)]
pub struct PlanFile {
    /// The plan.
    pub plan: Plan,
    /// The measures that it brings.
    pub measures: Vec<Measure>,
    /// Its tests.
    pub tests: Vec<Case>,
}

/// Reads a plan file by itself: measures that it names must be in it.
pub fn file(wire: &v1::PlanFile) -> Result<PlanFile, Fault> {
    let code = wire.plan.as_ref().map_or("", |plan| plan.currency_code.as_str());
    // A file is read without a tenant: what states no currency is in dollars.
    let currency = Currency::parse(if code.is_empty() { "USD" } else { code });
    let currency = currency.map_err(|fault| Fault::field("plan.currency_code", fault))?;
    read(|check| {
        let measures = measures(check, &wire.measures);
        let Some(plan) = &wire.plan else {
            check.add("plan", "must be given");
            return None;
        };
        let mut sketch = sketch(plan, currency);
        if let Some(measures) = &measures {
            judge_over(measures, &other_plans(&wire.tests, currency), &mut sketch);
        }
        for violation in sketch.violations.into_vec() {
            check.add(&violation.field, violation.message);
        }
        let (plan, measures) = (sketch.plan?, measures?);
        let tests = tests(check, &wire.tests, &plan, &measures);
        Some(PlanFile { plan, measures, tests: tests? })
    })
}

/// Reads measures as a server lists them.
pub fn defined(wires: &[v1::Measure]) -> Result<Vec<Measure>, Fault> {
    read(|check| check.list("measures", wires, usize::MAX, measure))
}

/// Reads a request to run tests: of which plan, over which measures besides those that are defined, and where to read.
pub fn test(request: &v1::TestPlanRequest) -> Result<(Given, Vec<Measure>, AsOf), Fault> {
    read(|check| {
        let given = match &request.draft {
            None => {
                check.add("plan", "must be given, or a draft_id");
                None
            }
            Some(Source::Plan(plan)) => Some(Given::Plan(plan.clone())),
            Some(Source::DraftId(id)) => check.id("draft_id", id).map(Given::Draft),
        };
        let measures = measures(check, &request.measures);
        if request.tests.is_empty() {
            check.add("tests", format!("must be 1 to {MAX_TESTS}, got 0"));
        }
        let as_of = check.as_of(request.as_of_change, request.min_change);
        Some((given?, measures?, as_of?))
    })
}

/// Reads the tests of a plan over the measures that there are.
pub fn cases(wires: &[v1::PlanTest], plan: &Plan, measures: &[Measure]) -> Result<Vec<Case>, Fault> {
    read(|check| tests(check, wires, plan, measures))
}

/// Reads measures that a request or file brings.
fn measures(check: &mut Check, wires: &[v1::Measure]) -> Option<Vec<Measure>> {
    let id = (".measure_id", |wire: &v1::Measure| wire.measure_id.clone());
    check.optional_facts("measures", wires, MAX_TESTS, id, measure)
}

/// The other plans of tests, as far as they read, for a plan that takes off what their components earn.
pub fn other_plans(wires: &[v1::PlanTest], currency: Currency) -> Vec<PlanVersion> {
    let plans = wires.iter().take(MAX_TESTS).flat_map(|wire| wire.other_plans.iter().take(MAX_PLANS));
    let plans = plans.filter_map(|wire| sketch(wire, currency).plan);
    plans.map(|plan| PlanVersion { version: 1, effective_from: Day::EARLIEST.period(), plan }).collect()
}

fn tests(check: &mut Check, wires: &[v1::PlanTest], plan: &Plan, measures: &[Measure]) -> Option<Vec<Case>> {
    check.list("tests", wires, MAX_TESTS, |check, wire| case(check, wire, plan, measures))
}

/// Everything that a test tells, read.
struct Told {
    calendar: Calendar,
    payees: Vec<Payee>,
    quotas: Vec<Quota>,
    deals: Vec<Deal>,
    values: Vec<OutsideValue>,
    rates: Vec<ExchangeRate>,
    territories: Vec<Territory>,
    rules: Vec<CreditingRule>,
    plans: Vec<Plan>,
}

fn case(check: &mut Check, wire: &v1::PlanTest, plan: &Plan, measures: &[Measure]) -> Option<Case> {
    let title = check.required_text("title", &wire.title, 200);
    let currency = plan.currency;
    let calendar = filled_calendar(wire.calendar.clone().unwrap_or_default(), currency);
    let calendar = check.inner("calendar", Some(&calendar), admin::calendar)?;
    let filled = filled(wire, plan, &calendar);
    let id = (".payee_id", |wire: &v1::Payee| wire.payee_id.clone());
    let payees = check
        .facts("payees", &filled.payees, MAX_PAYEES, id, |check, wire| payee::payee(check, wire, currency));
    let quotas =
        check.list("quotas", &filled.quotas, MAX_FACTS, |check, wire| quota::quota(check, wire, &calendar));
    let deals =
        check.list("deals", &filled.deals, MAX_FACTS, |check, wire| deal::deal(check, wire, currency));
    let values = check.list("values", &filled.values, MAX_FACTS, outside::value);
    let plans = check.list("other_plans", &wire.other_plans, MAX_PLANS, |check, wire| {
        super::plan::plan(check, wire, currency)
    });
    let rates = exchange_rates(check, &filled.exchange_rates, &calendar);
    let areas = areas(check, &filled);
    let expected = expected(check, wire, plan, &filled.payees, currency);
    let (territories, rules) = areas?;
    let told = Told {
        calendar,
        payees: payees?,
        quotas: quotas?,
        deals: deals?,
        values: values?,
        rates: rates?,
        territories,
        rules,
        plans: plans?,
    };
    let (title, expected) = (title?, expected?);
    let events = told.deals.iter().flat_map(|deal| &deal.events).map(|event| event.day.period());
    let last = events.chain(expected.keys().map(|(_, _, period)| *period)).max();
    let first = calendar.first_period;
    let through = last.unwrap_or(first).max(first);
    if through.months_since(first) >= MAX_MONTHS {
        check.add(
            "",
            format!("must end within {MAX_MONTHS} months of the first period {first}, got {through}"),
        );
        return None;
    }
    let facts = facts(check, told, plan, measures)?;
    Some(Case { title, plan: plan.id.clone(), facts, through, expected })
}

/// Reads the rates of a test.
fn exchange_rates(
    check: &mut Check,
    wires: &[v1::ExchangeRate],
    calendar: &Calendar,
) -> Option<Vec<ExchangeRate>> {
    check.optional_facts("exchange_rates", wires, MAX_FACTS, ("", exchange::key), |check, wire| {
        let rate = exchange::rate(check, wire)?;
        if rate.key.currency == calendar.currency {
            let base = calendar.currency;
            check
                .add("currency_code", format!("must be another than the calendar's {base}, whose rate is 1"));
            return None;
        }
        Some(rate)
    })
}

/// Reads the territories and crediting rules of a test, which name only its payees and territories.
fn areas(check: &mut Check, filled: &v1::PlanTest) -> Option<(Vec<Territory>, Vec<CreditingRule>)> {
    let id = (".territory_id", |wire: &v1::Territory| wire.territory_id.clone());
    let territories =
        check.optional_facts("territories", &filled.territories, MAX_FACTS, id, territory::territory);
    let id = (".rule_id", |wire: &v1::CreditingRule| wire.rule_id.clone());
    let rules =
        check.optional_facts("crediting_rules", &filled.crediting_rules, MAX_FACTS, id, territory::rule);
    let mut good = true;
    let mut known = |path: String, what: &str, named: &str, is_known: bool| {
        if !named.is_empty() && !is_known {
            check.add(&path, format!("must be a {what} of the test, got {named}"));
            good = false;
        }
    };
    let payee = |id: &str| filled.payees.iter().any(|payee| payee.payee_id == id);
    let area = |id: &str| filled.territories.iter().any(|territory| territory.territory_id == id);
    for (place, territory) in filled.territories.iter().enumerate() {
        for (at, holder) in territory.holders.iter().enumerate() {
            let path = format!("territories[{place}].holders[{at}].payee_id");
            known(path, "payee", &holder.payee_id, payee(&holder.payee_id));
        }
    }
    for (place, rule) in filled.crediting_rules.iter().enumerate() {
        for (at, credit) in rule.credits.iter().enumerate() {
            let path = format!("crediting_rules[{place}].credits[{at}]");
            known(format!("{path}.payee_id"), "payee", &credit.payee_id, payee(&credit.payee_id));
            let named = &credit.territory_id;
            known(format!("{path}.territory_id"), "territory", named, area(named));
        }
    }
    let areas = Some((territories?, rules?));
    areas.filter(|_| good)
}

fn facts(check: &mut Check, told: Told, plan: &Plan, measures: &[Measure]) -> Option<Facts> {
    let first = told.calendar.first_period;
    let mut builder = check.take("payees", FactsBuilder::new(0, told.calendar, told.payees))?;
    measures.iter().cloned().for_each(|measure| builder.measure(measure));
    for plan in std::iter::once(plan.clone()).chain(told.plans) {
        builder.plan(PlanVersion { version: 1, effective_from: first, plan });
    }
    told.rates.iter().for_each(|rate| builder.exchange_rate(rate));
    told.territories.into_iter().for_each(|territory| builder.territory(territory));
    let mut good = true;
    for (place, rule) in told.rules.into_iter().enumerate() {
        good &= check.take(&format!("crediting_rules[{place}]"), builder.crediting_rule(rule)).is_some();
    }
    for (place, quota) in told.quotas.into_iter().enumerate() {
        good &= check.take(&format!("quotas[{place}].payee_id"), builder.quota(quota)).is_some();
    }
    for (place, value) in told.values.iter().enumerate() {
        good &= check.take(&format!("values[{place}].payee_id"), builder.value(value)).is_some();
    }
    for (place, deal) in told.deals.iter().enumerate() {
        good &= check.take(&format!("deals[{place}]"), builder.tell(deal)).is_some();
    }
    if !good {
        return None;
    }
    check.take("deals", builder.build())
}

/// What is expected; two figures of one place would be one too many.
fn expected(
    check: &mut Check,
    wire: &v1::PlanTest,
    plan: &Plan,
    payees: &[v1::Payee],
    currency: Currency,
) -> Option<BTreeMap<Place, i128>> {
    let mut figures = BTreeMap::new();
    let sole = match plan.components.as_slice() {
        [only] => only.id.as_str(),
        _ => "",
    };
    let read = check.list("expected", &wire.expected, MAX_FACTS, |check, wire| {
        let payee = check.id("payee_id", or(&wire.payee_id, only(payees)));
        let component = check.id("component_id", or(&wire.component_id, sole));
        let known = |id: &ComponentId| plan.components.iter().any(|component| component.id == *id);
        if let Some(unknown) = component.as_ref().filter(|id| !known(id)) {
            check.add("component_id", format!("must be a component of the plan, got {unknown}"));
        }
        let period = check.period("period", &wire.period);
        let amount = check.take("amount", currency.parse_amount(&wire.amount));
        let (place, amount) = ((payee?, component?, period?), i128::from(amount?));
        if figures.insert(place, amount).is_some() {
            check.add("", "must be the only figure of its payee, component and period");
        }
        Some(())
    });
    read.map(|_| figures)
}

/// A text, or what it stands for where it is left out.
fn or<'a>(text: &'a str, usual: &'a str) -> &'a str {
    if text.is_empty() { usual } else { text }
}

/// The payee whom a test is about, if it is about one.
fn only(payees: &[v1::Payee]) -> &str {
    match payees {
        [payee] => &payee.payee_id,
        _ => "",
    }
}

fn filled_calendar(mut calendar: v1::Calendar, currency: Currency) -> v1::Calendar {
    calendar.currency_code = or(&calendar.currency_code, currency.code()).to_string();
    calendar.time_zone = or(&calendar.time_zone, "UTC").to_string();
    calendar.first_period = or(&calendar.first_period, FIRST_PERIOD).to_string();
    if calendar.fiscal_first_month == 0 {
        calendar.fiscal_first_month = 1;
    }
    if calendar.rounding == 0 {
        calendar.rounding = v1::calendar::Rounding::HalfAwayFromZero.into();
    }
    calendar
}

/// A test with everything that it leaves out.
fn filled(wire: &v1::PlanTest, plan: &Plan, calendar: &Calendar) -> v1::PlanTest {
    let mut test = wire.clone();
    if test.payees.is_empty() {
        test.payees.push(v1::Payee { payee_id: PAYEE.to_string(), ..v1::Payee::default() });
    }
    let start = calendar.first_period.start().to_string();
    for payee in &mut test.payees {
        if payee.kind == 0 {
            payee.kind = v1::payee::Kind::Person.into();
        }
        if payee.assignments.is_empty() {
            payee
                .assignments
                .push(v1::Assignment { plan_id: plan.id.to_string(), ..v1::Assignment::default() });
        }
        for assignment in &mut payee.assignments {
            assignment.start_date = or(&assignment.start_date, &start).to_string();
        }
    }
    let sole = only(&test.payees).to_string();
    for quota in &mut test.quotas {
        quota.payee_id = or(&quota.payee_id, &sole).to_string();
        let amounts = quota
            .amount
            .iter_mut()
            .chain(quota.reliefs.iter_mut().filter_map(|relief| relief.amount.as_mut()));
        for money in amounts {
            money.currency_code = or(&money.currency_code, calendar.currency.code()).to_string();
        }
    }
    for value in &mut test.values {
        value.payee_id = or(&value.payee_id, &sole).to_string();
    }
    for territory in &mut test.territories {
        territory.name = or(&territory.name, &territory.territory_id).to_string();
        for holder in &mut territory.holders {
            holder.payee_id = or(&holder.payee_id, &sole).to_string();
            holder.start_date = or(&holder.start_date, &start).to_string();
        }
    }
    for rule in &mut test.crediting_rules {
        rule.name = or(&rule.name, &rule.rule_id).to_string();
        rule.start_date = or(&rule.start_date, &start).to_string();
    }
    for (place, deal) in test.deals.iter_mut().enumerate() {
        fill_deal(deal, place + 1, &sole);
    }
    test
}

/// A deal without events was booked on its close date.
fn fill_deal(deal: &mut v1::Deal, number: usize, sole: &str) {
    deal.deal_id = or(&deal.deal_id, &format!("deal-{number}")).to_string();
    deal.owner_id = or(&deal.owner_id, sole).to_string();
    if deal.outcome == 0 {
        deal.outcome = v1::deal::Outcome::Won.into();
    }
    if deal.events.is_empty() && !deal.close_date.is_empty() && deal.outcome() == v1::deal::Outcome::Won {
        deal.events.push(v1::DealEvent::default());
    }
    for (place, event) in deal.events.iter_mut().enumerate() {
        if event.r#type == 0 {
            event.r#type = v1::deal_event::Type::Booked.into();
        }
        event.event_id = or(&event.event_id, &format!("event-{}", place + 1)).to_string();
        event.event_date = or(&event.event_date, &deal.close_date).to_string();
        let reversal =
            matches!(event.r#type(), v1::deal_event::Type::Refunded | v1::deal_event::Type::Cancelled);
        if !reversal {
            event.amount = or(&event.amount, &deal.amount).to_string();
        }
    }
}

/// What came of tests, as the contract says it.
pub fn outcomes_wire(outcomes: &[Outcome], as_of_change: i64, rules_revision: u32) -> v1::TestPlanResponse {
    v1::TestPlanResponse {
        outcomes: outcomes.iter().map(outcome_wire).collect(),
        passed: outcomes.iter().all(Outcome::passed),
        as_of_change,
        rules_revision: small(rules_revision),
    }
}

fn outcome_wire(outcome: &Outcome) -> v1::PlanTestOutcome {
    let figure = |figure: &Figure| {
        let (payee, component, period) = &figure.place;
        v1::PlanTestFigure {
            payee_id: payee.to_string(),
            component_id: component.to_string(),
            period: period.to_string(),
            expected: outcome.currency.amount(figure.expected),
            earned: outcome.currency.amount(figure.earned),
        }
    };
    v1::PlanTestOutcome {
        title: outcome.title.clone(),
        passed: outcome.passed(),
        figures: outcome.figures.iter().map(figure).collect(),
        problems: outcome.problems.clone(),
    }
}
