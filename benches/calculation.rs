//! The pure calculation against a bare loop that sums the same credits, in one run.
//!
//! `cargo bench --bench calculation`; deals from ATTAIN_BENCH_DEALS (default 1,000,000). 1,000 payees in four
//! levels, 1 to 3 splits a deal, a year of quarters, tiers for reps and an override for everyone above them.

use std::hint::black_box;
use std::time::{Duration, Instant};

use attain::calc::credit::Selector;
use attain::calc::{Calculation, digest};
use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::EventKind;
use attain::domain::facts::{Facts, FactsBuilder, Worth};
use attain::domain::measure::{Amount, CreditKind, Measure, MeasureValue};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Number, Percent};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::{
    Axis, Component, Payout, Plan, PlanVersion, RateKind, RateMode, Rates, ReversalRule, Tier,
};
use attain::domain::quota::{Quota, QuotaKey};

/// Payees per level, from the top: one director, nine regions, ninety managers, nine hundred reps.
const LEVELS: [usize; 4] = [1, 9, 90, 900];

/// A generator that gives the same company on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn name(level: usize, number: usize) -> String {
    format!("L{level}-{number:03}")
}

fn plan(id: &str, measure: &str, tiers: [(&str, &str); 3]) -> PlanVersion {
    let number = |text| Number::parse(text).unwrap();
    let tier = |(edge, rate)| Tier { edge: number(edge), edge_lower: false, rate: number(rate), flat: None };
    let rates = Rates {
        measure: measure.parse().unwrap(),
        line: None,
        mode: RateMode::Marginal,
        retroactive_to: None,
        axis: Axis::Attainment,
        pays: RateKind::Percent,
        tiers: tiers.map(tier).to_vec(),
    };
    let component = Component {
        id: "commission".parse().unwrap(),
        name: "Commission".into(),
        window: WindowKind::Quarter,
        reversal: ReversalRule::OwnDate,
        clawback: None,
        line_kept: false,
        target_percent: None,
        payout: Payout::Rates(rates),
    };
    let currency = Currency::parse("USD").unwrap();
    let plan = Plan { id: id.parse().unwrap(), name: id.into(), currency, components: vec![component] };
    PlanVersion { version: 1, effective_from: Period::parse("2026-01").unwrap(), plan }
}

fn company(deals: usize) -> Facts {
    let currency = Currency::parse("USD").unwrap();
    let first_period = Period::parse("2026-01").unwrap();
    let calendar = Calendar {
        currency,
        zone: "UTC".parse().unwrap(),
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period,
    };
    let mut payees = Vec::new();
    for (level, count) in LEVELS.into_iter().enumerate() {
        for number in 0..count {
            let above = level.checked_sub(1).map(|up| name(up, number * LEVELS[up] / count));
            let plan = if level == 3 { "rep" } else { "lead" };
            let assignment = Assignment {
                from: first_period.start(),
                to: None,
                title: None,
                manager: above.map(|id| id.parse().unwrap()),
                territory: None,
                plan: Some(plan.parse().unwrap()),
                target_incentive: None,
                currency,
            };
            let id = name(level, number).parse().unwrap();
            payees.push(Payee {
                id,
                kind: PayeeKind::Person,
                name: None,
                email: None,
                assignments: vec![assignment],
                source_version: None,
            });
        }
    }
    let mut builder = FactsBuilder::new(1, calendar, payees).unwrap();
    for (id, credit) in [("own", CreditKind::Direct), ("team", CreditKind::RolledUp)] {
        let (id, name, roles) = (id.parse().unwrap(), id.to_string(), Vec::new());
        let value = MeasureValue::Amount;
        builder.measure(Measure {
            id,
            name,
            event: EventKind::Booked,
            credit,
            levels: 0,
            roles,
            value,
            step: None,
        });
    }
    builder.plan(plan("rep", "own", [("0", "5"), ("50", "8"), ("100", "12")]));
    builder.plan(plan("lead", "team", [("0", "0.5"), ("80", "0.75"), ("100", "1")]));
    for (level, count) in LEVELS.into_iter().enumerate() {
        for number in 0..count {
            let measure = if level == 3 { "own" } else { "team" };
            for quarter in ["FY2026-Q1", "FY2026-Q2", "FY2026-Q3", "FY2026-Q4"] {
                let window = calendar.parse_window(quarter).unwrap();
                let key = QuotaKey {
                    payee: name(level, number).parse().unwrap(),
                    measure: measure.parse().unwrap(),
                    window,
                };
                let amount = 150_000_000 * i64::try_from(900 / count).unwrap();
                builder.quota(Quota::stated(key, Amount::Money(amount))).unwrap();
            }
        }
    }
    sell(&mut builder, deals);
    builder.build().unwrap()
}

fn sell(builder: &mut FactsBuilder, deals: usize) {
    let mut dice = Dice(42);
    let shares: [&[i64]; 3] =
        [&[100_000_000], &[60_000_000, 40_000_000], &[50_000_000, 33_333_333, 16_666_667]];
    let first = Day::parse("2026-01-01").unwrap().date();
    for number in 0..deals {
        let reps = 900;
        let owner = dice.roll(reps);
        let parts = shares[usize::try_from(dice.roll(3)).unwrap()];
        let names: Vec<String> = (0..)
            .zip(parts)
            .map(|(n, _)| name(3, usize::try_from((owner + n * 7) % reps).unwrap()))
            .collect();
        let splits = names
            .iter()
            .zip(parts)
            .map(|(name, part)| (name.as_str(), "AE".parse().unwrap(), Percent(*part)));
        let handle = builder.deal(&format!("D{number:07}"), &names[0], Worth::default(), splits).unwrap();
        let day =
            Day::from_date(first + chrono::Duration::days(i64::try_from(dice.roll(365)).unwrap())).unwrap();
        let amount = 1 + i64::try_from(dice.roll(500_000)).unwrap();
        let worth = Worth { amount: Some(amount), ..Worth::default() };
        builder.event(handle, "booked", EventKind::Booked, day, worth, std::iter::empty()).unwrap();
    }
}

/// Every credit that the calculation prices: payee, cents, percent.
fn flat(calculation: &Calculation) -> Vec<(u32, i64, i64)> {
    let facts = calculation.facts;
    let select = |id: &str| Selector::new(facts, &facts.measures[&id.parse().unwrap()]);
    let (own, team) = (select("own"), select("team"));
    let mut credits = Vec::new();
    for payee in 0..u32::try_from(facts.payees.len()).unwrap() {
        let selector = if facts.payee_id(payee).as_str().starts_with("L3") { &own } else { &team };
        let selected = selector.credits(facts, calculation.book(), payee);
        credits.extend(
            selected
                .iter()
                .map(|credit| (payee, calculation.book().entry(credit.entry).amount, credit.percent.0)),
        );
    }
    credits
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed())
}

/// Peak resident memory so far, in MB.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kilobytes.map_or_else(|| "unknown".into(), |kilobytes| format!("{} MB", kilobytes / 1024))
}

fn main() {
    let deals =
        std::env::var("ATTAIN_BENCH_DEALS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let (facts, built) = timed(|| company(deals));
    println!("facts of {deals} deals, {} payees: {built:.2?}, peak {}", facts.payees.len(), peak());
    let through = Period::parse("2026-12").unwrap();
    let mut digests = Vec::new();
    let mut times = Vec::new();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let ((opened, result), took) = timed(|| {
            pool.install(|| {
                let (calculation, opened) = timed(|| Calculation::open(&facts, through));
                (opened, digest(&calculation.earn_all(|| {})))
            })
        });
        println!(
            "calculation, {threads} threads: {took:.2?} (of it {opened:.2?} for the book), peak {}",
            peak()
        );
        digests.push(result);
        times.push(took);
    }
    assert_eq!(digests[0], digests[1]);
    let calculation = Calculation::open(&facts, through);
    let credits = flat(&calculation);
    let (sums, bare) = timed(|| {
        let mut sums = vec![0_i128; facts.payees.len()];
        for (payee, amount, percent) in black_box(&credits) {
            sums[*payee as usize] += i128::from(*amount) * i128::from(*percent);
        }
        sums
    });
    black_box(sums);
    println!("bare loop over the same {} credits: {bare:.2?}", credits.len());
    for (threads, took) in [1, 2].into_iter().zip(&times) {
        println!("ratio, {threads} threads: {}", ratio(*took, bare));
    }
    println!("per credit, 1 thread: {} ns", times[0].as_nanos() / u128::try_from(credits.len()).unwrap());
}

fn ratio(took: Duration, yardstick: Duration) -> String {
    let tenths = took.as_nanos() * 10 / yardstick.as_nanos().max(1);
    format!("{}.{} x the yardstick", tenths / 10, tenths % 10)
}
