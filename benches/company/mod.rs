//! The company that calculation and close are measured on: 1,000 payees in four levels, 1 to 3 splits a deal, a year
//! of quarters, tiers for reps and an override for everyone above them. The same on every machine.

use attain::calc::Calculation;
use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome, Split};
use attain::domain::measure::{Amount, CreditKind, Measure, MeasureValue, Selection, Source};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Number, Percent};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::{
    Axis, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates, ReversalRule, Tier,
};
use attain::domain::quota::{Proration, Quota, QuotaKey};

/// Payees per level, from the top: one director, nine regions, ninety managers, nine hundred reps.
const LEVELS: [usize; 4] = [1, 9, 90, 900];
/// The level that sells.
const REPS: usize = 3;

/// Everything but the deals.
pub struct Company {
    pub calendar: Calendar,
    pub payees: Vec<Payee>,
    pub measures: Vec<Measure>,
    pub plans: Vec<PlanVersion>,
    pub quotas: Vec<Quota>,
}

/// The company, in its year.
pub fn company() -> Company {
    let calendar = Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: "UTC".parse().unwrap(),
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: Period::parse("2026-01").unwrap(),
    };
    Company {
        calendar,
        payees: everyone().map(|(level, number, _)| payee(&calendar, level, number)).collect(),
        measures: vec![measure("own", CreditKind::Direct), measure("team", CreditKind::RolledUp)],
        plans: vec![
            plan("rep", "own", [("0", "5"), ("50", "8"), ("100", "12")]),
            plan("lead", "team", [("0", "0.5"), ("80", "0.75"), ("100", "1")]),
        ],
        quotas: quotas(&calendar),
    }
}

/// How many deals to measure with: what ATTAIN_BENCH_DEALS says, else 1,000,000.
pub fn deal_count() -> usize {
    std::env::var("ATTAIN_BENCH_DEALS").map_or(1_000_000, |text| text.parse().unwrap())
}

/// Its deals, one booking each.
pub fn deals(count: usize) -> impl Iterator<Item = Deal> {
    let mut dice = Dice(42);
    let currency = Currency::parse("USD").unwrap();
    let first = Day::parse("2026-01-01").unwrap().date();
    (0..count).map(move |number| {
        let splits = dice.splits();
        let owner = splits[0].payee.clone();
        let day = first + chrono::Duration::days(i64::try_from(dice.roll(365)).unwrap());
        let amount = 1 + i64::try_from(dice.roll(500_000)).unwrap();
        let booked = DealEvent {
            id: "booked".parse().unwrap(),
            kind: EventKind::Booked,
            day: Day::from_date(day).unwrap(),
            amount: Some(amount),
            cost: None,
            quantity: None,
            reverses: Vec::new(),
            source_version: None,
        };
        Deal {
            id: format!("D{number:07}").parse().unwrap(),
            name: None,
            owner,
            customer: None,
            customer_name: None,
            product: Some(format!("P{}", number % 4).parse().unwrap()),
            currency,
            amount: None,
            cost: None,
            quantity: None,
            stage: None,
            outcome: Outcome::Won,
            probability: None,
            opened: None,
            closed: None,
            attributes: std::collections::BTreeMap::new(),
            splits,
            events: vec![booked],
            source_version: None,
        }
    })
}

/// Every credit that a calculation prices: payee, cents, percent.
pub fn credits(calculation: &Calculation) -> Vec<(u32, i64, i64)> {
    let facts = calculation.facts;
    let select = |id: &str| calculation.selector(&id.parse().unwrap()).unwrap();
    let (own, team) = (select("own"), select("team"));
    let mut credits = Vec::new();
    for payee in 0..u32::try_from(facts.payees.len()).unwrap() {
        let rep = facts.payee_id(payee).as_str().starts_with(&format!("L{REPS}"));
        let selector = if rep { &own } else { &team };
        let selected = selector.credits(facts, calculation.book(), payee);
        credits.extend(
            selected
                .iter()
                .map(|credit| (payee, calculation.book().entry(credit.entry).amount, credit.percent.0)),
        );
    }
    credits
}

/// A generator that gives the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    /// One to three reps, the owner of the deal first.
    fn splits(&mut self) -> Vec<Split> {
        let shares: [&[i64]; 3] =
            [&[100_000_000], &[60_000_000, 40_000_000], &[50_000_000, 33_333_333, 16_666_667]];
        let owner = usize::try_from(self.roll(900)).unwrap();
        let shares = shares[usize::try_from(self.roll(3)).unwrap()];
        let split = |(place, percent): (usize, &i64)| Split {
            payee: id(REPS, (owner + place * 7) % LEVELS[REPS]).parse().unwrap(),
            role: "AE".parse().unwrap(),
            percent: Percent(*percent),
        };
        shares.iter().enumerate().map(split).collect()
    }
}

/// Level, number within it, and how many there are.
fn everyone() -> impl Iterator<Item = (usize, usize, usize)> {
    let levels = LEVELS.into_iter().enumerate();
    levels.flat_map(|(level, count)| (0..count).map(move |number| (level, number, count)))
}

fn id(level: usize, number: usize) -> String {
    format!("L{level}-{number:03}")
}

fn payee(calendar: &Calendar, level: usize, number: usize) -> Payee {
    let above = level.checked_sub(1).map(|up| id(up, number * LEVELS[up] / LEVELS[level]));
    let plan = if level == REPS { "rep" } else { "lead" };
    let assignment = Assignment {
        from: calendar.first_period.start(),
        to: None,
        title: None,
        manager: above.map(|id| id.parse().unwrap()),
        territory: None,
        plan: Some(plan.parse().unwrap()),
        target_incentive: None,
        currency: calendar.currency,
    };
    Payee {
        id: id(level, number).parse().unwrap(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: vec![assignment],
        source_version: None,
    }
}

fn measure(id: &str, credit: CreditKind) -> Measure {
    Measure {
        id: id.parse().unwrap(),
        name: id.into(),
        source: Source::Credits(Selection {
            event: EventKind::Booked,
            credit,
            levels: 0,
            roles: Vec::new(),
            value: MeasureValue::Amount,
            condition: None,
            expression: None,
        }),
        step: None,
    }
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
        proration: Proration::Days,
        modifiers: Modifiers::default(),
    };
    let currency = Currency::parse("USD").unwrap();
    let plan =
        Plan { id: id.parse().unwrap(), name: id.into(), currency, components: vec![component], cap: None };
    PlanVersion { version: 1, effective_from: Period::parse("2026-01").unwrap(), plan }
}

/// What a rep is to sell in a quarter, and above it the sum of everyone below.
fn quotas(calendar: &Calendar) -> Vec<Quota> {
    let mut quotas = Vec::new();
    for (level, number, count) in everyone() {
        let measure = if level == REPS { "own" } else { "team" };
        let amount = 150_000_000 * i64::try_from(LEVELS[REPS] / count).unwrap();
        for quarter in ["FY2026-Q1", "FY2026-Q2", "FY2026-Q3", "FY2026-Q4"] {
            let key = QuotaKey {
                payee: id(level, number).parse().unwrap(),
                measure: measure.parse().unwrap(),
                window: calendar.parse_window(quarter).unwrap(),
            };
            quotas.push(Quota::stated(key, calendar.currency, Amount::Money(amount)));
        }
    }
    quotas
}
