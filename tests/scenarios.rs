//! Rules of pay as data: every file of `tests/scenarios` is facts, closes and the postings worked out by hand.
//! Pure: no database, no server. The same files run against the real server in `it`.

#[path = "scenarios/script.rs"]
mod script;

use std::collections::BTreeMap;

use attain::api::convert;
use attain::calc::Calculation;
use attain::calc::close::close;
use attain::domain::date::{Calendar, Period};
use attain::domain::deal::Deal;
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::ledger::{Posted, PostingKind};
use attain::domain::measure::Measure;
use attain::domain::payee::Payee;
use attain::domain::plan::PlanVersion;
use attain::domain::quota::{Quota, QuotaKey};

use script::{Post, Step, Told};

/// Everything told so far, later tellings over earlier ones, as the journal would have it.
#[derive(Default)]
struct World {
    calendar: Option<Calendar>,
    payees: BTreeMap<String, Payee>,
    measures: Vec<Measure>,
    plans: Vec<PlanVersion>,
    quotas: BTreeMap<QuotaKey, Quota>,
    deals: BTreeMap<String, Deal>,
    posted: Posted,
    closed: Option<Period>,
}

impl World {
    fn tell(&mut self, told: &Told) {
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
            let (_, plan, effective_from) = convert::plan::publish(request, calendar.currency).unwrap();
            let version = self.plans.iter().filter(|known| known.plan.id == plan.id).count() + 1;
            let version = u32::try_from(version).unwrap();
            self.plans.push(PlanVersion { version, effective_from, plan });
        }
        for request in &told.quotas {
            let quotas = convert::quota::set(request, &calendar).unwrap().1;
            self.quotas.extend(quotas.into_iter().map(|quota| (quota.key.clone(), quota)));
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
        self.quotas.values().cloned().for_each(|quota| builder.quota(quota).unwrap());
        for deal in self.deals.values() {
            let splits = deal.splits.iter().map(|s| (s.payee.as_str(), s.role.clone(), s.percent));
            let handle = builder.deal(deal.id.as_str(), deal.owner.as_str(), splits).unwrap();
            for event in &deal.events {
                let reversed = event.reverses.iter().map(|r| (r.event.as_str(), r.amount));
                builder
                    .event(handle, event.id.as_str(), event.kind, event.day, event.amount, reversed)
                    .unwrap();
            }
        }
        builder.build()
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
                amount: facts.calendar.currency.amount(posting.amount),
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

#[test]
fn every_scenario_posts_what_was_worked_out_by_hand() {
    let mut failures = Vec::new();
    let scenarios = script::all();
    for scenario in &scenarios {
        let mut world = World::default();
        for step in &scenario.steps {
            match step {
                Step::Tell(told) => world.tell(told),
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
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    println!("{} scenarios", scenarios.len());
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
