//! Rules of pay as data: every file of `tests/scenarios` is facts, closes and the postings worked out by hand.
//! Pure: no database, no server. The same files run against the real server in `it`.

#[path = "scenarios/script.rs"]
mod script;

use std::collections::BTreeMap;
use std::path::Path;

use attain::api::convert;
use attain::api::convert::plan::Publication;
use attain::calc::attainment::attainment;
use attain::calc::close::close;
use attain::calc::earn::Detail;
use attain::calc::statement::{figure, percent_text, rounded_figure, statement};
use attain::calc::{Calculation, RULES_REVISION};
use attain::domain::date::{Calendar, Day, Period};
use attain::domain::deal::Deal;
use attain::domain::encode::hex;
use attain::domain::exact::Exact;
use attain::domain::exchange::{ExchangeRate, RateKey};
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::ledger::{Posted, PostingKind};
use attain::domain::measure::Measure;
use attain::domain::outside::{OutsideValue, ValueKey};
use attain::domain::payee::Payee;
use attain::domain::plan::PlanVersion;
use attain::domain::quota::{Quota, QuotaKey};
use attain::domain::territory::{CreditingRule, Territory};
use serde::{Deserialize, Serialize};

use script::{Post, Scenario, Step, Told};

/// Everything told so far, later tellings over earlier ones, as the journal would have it.
#[derive(Default)]
struct World {
    calendar: Option<Calendar>,
    payees: BTreeMap<String, Payee>,
    measures: Vec<Measure>,
    plans: Vec<PlanVersion>,
    rates: BTreeMap<RateKey, ExchangeRate>,
    quotas: BTreeMap<QuotaKey, Quota>,
    values: BTreeMap<ValueKey, OutsideValue>,
    territories: BTreeMap<String, Territory>,
    rules: Vec<CreditingRule>,
    deals: BTreeMap<String, Deal>,
    posted: Posted,
    closed: Option<Period>,
    /// Steps that may be sent again.
    named: Vec<String>,
    /// Rows whose personal data was erased.
    erased: i64,
    /// Of every close, in hexadecimal.
    digests: Vec<String>,
}

impl World {
    fn tell(&mut self, told: &Told) {
        self.named.extend(told.name.clone());
        for request in &told.calendars {
            self.calendar = Some(convert::admin::set_calendar(request).unwrap().1);
        }
        let calendar = self.calendar.expect("the first step sets the calendar");
        for request in &told.payees {
            let payees = convert::payee::upsert(request, calendar.currency).unwrap().1;
            self.payees.extend(payees.into_iter().map(|payee| (payee.id.to_string(), payee)));
        }
        for request in &told.measures {
            self.measures.extend(convert::measure::define(request).unwrap().1);
        }
        for request in &told.plans {
            let (_, publication) = convert::plan::publish(request, calendar.currency).unwrap();
            let Publication::Plan(sketch, effective_from) = publication else { panic!("a draft") };
            let plan = sketch.plan.unwrap();
            let version = self.plans.iter().filter(|known| known.plan.id == plan.id).count() + 1;
            let version = u32::try_from(version).unwrap();
            self.plans.push(PlanVersion { version, effective_from, plan });
        }
        for request in &told.rates {
            let rates = convert::exchange::set(request).unwrap().1;
            self.rates.extend(rates.into_iter().map(|rate| (rate.key, rate)));
        }
        for request in &told.quotas {
            let quotas = convert::quota::set(request, &calendar).unwrap().1;
            self.quotas.extend(quotas.into_iter().map(|quota| (quota.key.clone(), quota)));
        }
        for request in &told.values {
            let values = convert::outside::record(request).unwrap().1;
            self.values.extend(values.into_iter().map(|value| (value.key.clone(), value)));
        }
        for request in &told.territories {
            let territories = convert::territory::upsert(request).unwrap().1;
            self.territories
                .extend(territories.into_iter().map(|territory| (territory.id.to_string(), territory)));
        }
        for request in &told.crediting_rules {
            self.rules = convert::territory::set(request).unwrap().1;
        }
        for request in &told.deals {
            for mut deal in convert::deal::upsert(request, calendar.currency).unwrap().1 {
                let known = self.deals.remove(deal.id.as_str());
                let stays = known.map_or_else(Vec::new, |known| known.events);
                let named: Vec<_> = deal.events.iter().map(|event| event.id.clone()).collect();
                deal.events.extend(stays.into_iter().filter(|event| !named.contains(&event.id)));
                self.deals.insert(deal.id.to_string(), deal);
            }
        }
    }

    fn facts(&self) -> Facts {
        let calendar = self.calendar.unwrap();
        let payees = self.payees.values().cloned().collect();
        let mut builder = FactsBuilder::new(1, calendar, payees).unwrap();
        self.measures.iter().cloned().for_each(|measure| builder.measure(measure));
        self.plans.iter().cloned().for_each(|plan| builder.plan(plan));
        self.rates.values().for_each(|rate| builder.exchange_rate(rate));
        self.quotas.values().cloned().for_each(|quota| builder.quota(quota).unwrap());
        self.territories.values().cloned().for_each(|territory| builder.territory(territory));
        self.rules.iter().cloned().for_each(|rule| builder.crediting_rule(rule).unwrap());
        self.values.values().for_each(|value| builder.value(value).unwrap());
        self.deals.values().for_each(|deal| builder.tell(deal).unwrap());
        builder.build().unwrap()
    }

    /// What the statement of a payee for a period that is open says.
    fn statement(&self, period: Period, payee: &str) -> script::Statement {
        let facts = self.facts();
        let calculation = Calculation::open(&facts, period);
        let id = payee.parse().unwrap();
        let earnings = calculation.earn(facts.payee(&id).unwrap(), Detail::Lines);
        let of_payee = self.posted.iter().filter(|((_, key, _), _)| key.payee == id);
        let posted: Posted = of_payee.map(|(entry, amount)| (entry.clone(), *amount)).collect();
        let next = self.closed.map_or(facts.calendar.first_period, |closed| closed.plus(1));
        let posted = (next == period).then_some(&posted);
        let read = statement(&calculation, &earnings, posted);
        script::Statement {
            payee_id: payee.to_string(),
            earned: read.earned,
            adjusted: read.adjusted,
            total: read.total,
            problems: read.problems,
        }
    }

    fn attainment(&self, period: Period, expected: &script::Attainment) -> script::Attainment {
        let facts = self.facts();
        let calculation = Calculation::open(&facts, period);
        let payee = facts.payee(&expected.payee_id.parse().unwrap()).unwrap();
        let window = facts.calendar.parse_window(&expected.window).unwrap();
        let measure = expected.measure_id.parse().unwrap();
        let on = expected.on_date.as_ref().map_or(period.last_day(), |day| Day::parse(day).unwrap());
        let figures = attainment(&calculation, payee, &measure, window, on).unwrap().unwrap();
        let text = |exact: &Exact| figure(figures.currency, figures.unit, exact);
        let rounded = |exact: &Exact| rounded_figure(figures.currency, figures.unit, exact);
        let pace = &figures.pace;
        let pace = || script::Pace {
            elapsed_percent: pace.elapsed.as_ref().map(|part| percent_text(&part.mul(&Exact::whole(100)))),
            expected: pace.expected.as_ref().map(rounded),
            pace_percent: pace.percent.as_ref().map(percent_text),
            forecast_by_pace: pace.forecast.as_ref().map(rounded),
            days_left: pace.days_left,
            needed_per_week: pace.needed_per_week.as_ref().map(rounded),
        };
        script::Attainment {
            credited: figures.credited.as_ref().map(&text).unwrap_or_default(),
            quota: figures.quota.map(|quota| text(&Exact::whole(quota))),
            attainment_percent: figures.percent().as_ref().map(percent_text),
            pace: expected.pace.as_ref().map(|_| pace()),
            ..expected.clone()
        }
    }

    /// What is read otherwise than it was worked out.
    fn read(
        &self,
        period: Period,
        statements: &[script::Statement],
        attainments: &[script::Attainment],
    ) -> Vec<String> {
        let statements = statements.iter().map(|expected| {
            let facts = self.facts();
            let payee = facts.payee(&expected.payee_id.parse().unwrap()).unwrap();
            let zero = facts.paid_in(payee, period.last_day()).amount(0);
            let expected = expected.clone().or_zero(&zero);
            (format!("{expected:#?}"), format!("{:#?}", self.statement(period, &expected.payee_id)))
        });
        let attainments = attainments
            .iter()
            .map(|expected| (format!("{expected:#?}"), format!("{:#?}", self.attainment(period, expected))));
        let differs = |(expected, read): &(String, String)| expected != read;
        let pairs = statements.chain(attainments).filter(differs);
        pairs.map(|(expected, read)| format!("  expected {expected}\n  read {read}")).collect()
    }

    /// Closes a period and answers what it posted as earned; what is released at booking is the same.
    fn close(&mut self, period: Period) -> Vec<Post> {
        if self.closed.is_some_and(|closed| closed >= period) {
            return Vec::new();
        }
        self.closed = Some(period);
        let facts = self.facts();
        let closing = close(&Calculation::open(&facts, period), &self.posted, || {});
        assert_eq!(closing.problems, []);
        self.digests.push(hex(&closing.digest));
        let mut released = Vec::new();
        let mut earned = Vec::new();
        for posting in closing.postings {
            let key = &posting.key;
            let post = Post {
                payee_id: key.payee.to_string(),
                plan_id: key.plan.to_string(),
                component_id: key.component.to_string(),
                window: facts.calendar.window_text(key.window),
                for_period: posting.for_period.to_string(),
                amount: posting.currency.amount(posting.amount),
            };
            match posting.kind {
                PostingKind::Earned => earned.push(post),
                PostingKind::Released => released.push(post),
            }
            let entry = (posting.kind, posting.key, posting.for_period);
            *self.posted.entry(entry).or_default() += posting.amount;
        }
        assert_eq!(released, earned);
        earned.sort();
        earned
    }
}

/// Plays a scenario; notes where it goes otherwise than was worked out, and answers the digests of its closes.
fn play(scenario: &Scenario, failures: &mut Vec<String>) -> Vec<String> {
    let mut world = World::default();
    for step in &scenario.steps {
        match step {
            Step::Tell(told) => world.tell(told),
            // Nothing is told by what was told before, by taking a name out or by looking: figures stay as they are.
            Step::Replay { name, why } => assert!(world.named.contains(name), "{name} ({why}) was not told"),
            Step::Erase { payee_id, why, erased } => {
                assert!(world.payees.contains_key(payee_id), "{payee_id} ({why}) is unknown");
                world.erased += erased;
            }
            Step::Verify { why, erased } => assert_eq!(world.erased, *erased, "{}: {why}", scenario.file),
            Step::Read { period, why, statements, attainments } => {
                let read = world.read(Period::parse(period).unwrap(), statements, attainments);
                failures.extend(read.into_iter().map(|read| {
                    format!("{}: {}\n  reading {period} ({why})\n{read}", scenario.file, scenario.title)
                }));
            }
            Step::Close { period, why, posts } => {
                let posted = world.close(Period::parse(period).unwrap());
                if posted != *posts {
                    failures.push(format!(
                        "{}: {}\n  closing {period} ({why})\n  expected {posts:#?}\n  posted {posted:#?}",
                        scenario.file, scenario.title
                    ));
                }
            }
        }
    }
    world.digests
}

#[test]
fn every_scenario_posts_what_was_worked_out_by_hand() {
    let mut failures = Vec::new();
    let scenarios = script::all();
    for scenario in &scenarios {
        play(scenario, &mut failures);
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("{} scenarios", scenarios.len());
}

/// What a version gave for the facts beside it.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    rules_revision: u32,
    /// Of each close, by file.
    digests: BTreeMap<String, Vec<String>>,
}

#[test]
fn facts_of_every_version_load_and_give_for_ever_what_they_gave() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut revisions = Vec::new();
    let mut failures = Vec::new();
    for version in std::fs::read_dir(&golden).unwrap().map(|entry| entry.unwrap().path()) {
        let play = |scenario: &Scenario| (scenario.file.clone(), play(scenario, &mut failures));
        let digests = script::folder(&version.join("facts")).iter().map(play).collect();
        let given = Golden { rules_revision: RULES_REVISION, digests };
        let file = version.join("digests.json");
        let Ok(kept) = std::fs::read_to_string(&file) else {
            std::fs::write(&file, serde_json::to_string_pretty(&given).unwrap() + "\n").unwrap();
            panic!("{} was not there: look at it, keep it, and never change it", file.display());
        };
        let kept: Golden = serde_json::from_str(&kept).unwrap();
        assert!(!kept.digests.is_empty(), "{}", file.display());
        revisions.push(kept.rules_revision);
        // Under other rules the digests are others; what was posted, checked while playing, stays the same.
        let same_rules = kept.rules_revision == RULES_REVISION;
        for (name, kept) in kept.digests {
            if given.digests.get(&name).is_none_or(|given| same_rules && *given != kept) {
                failures.push(format!(
                    "{}: {name}: the facts no longer give the digests kept",
                    version.display()
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    let missing =
        "copy the scenarios into tests/golden/<version>/facts and run this test to keep their digests";
    assert!(revisions.contains(&RULES_REVISION), "no digests of rules revision {RULES_REVISION}: {missing}");
}

#[test]
fn titles_are_sentences_that_differ() {
    let scenarios = script::all();
    let mut titles: Vec<_> = scenarios.iter().map(|scenario| scenario.title.as_str()).collect();
    assert!(titles.iter().all(|title| title.split(' ').count() >= 5));
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), scenarios.len());
}
