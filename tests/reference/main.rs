//! A second reading of the semantics: random companies, priced in the plainest way with exact fractions, and
//! compared with what the calculation says of them. It shares nothing with the calculation but the words.
//!
//! `ATTAIN_CASES` says how many companies, `ATTAIN_SEED` the first one's seed.

mod agreement;
mod batches;
mod bounds;
mod cohort;
mod company;
mod credits;
mod dice;
mod estimates;
mod events;
mod exchange;
mod fractions;
mod gauge;
mod generate;
mod modify;
mod pay;
mod payouts;
mod price;
mod properties;
mod quotas;
mod shrink;
mod stand;
mod texts;
mod tree;
mod wholes;
mod worked;

use std::panic::{AssertUnwindSafe, catch_unwind};

use attain::domain::exchange::Rate;
use company::Company;

/// Checks a property on so many random companies; of a company that breaks it, finds a small one that does too.
fn for_companies(cases: u64, check: impl Fn(&Company, u64) -> Result<(), String>) {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let first = number("ATTAIN_SEED", 1_u64);
    let cases = number("ATTAIN_CASES", cases);
    let broken = |company: &Company, seed: u64| {
        let caught = catch_unwind(AssertUnwindSafe(|| check(company, seed)));
        caught.unwrap_or_else(|panic| Err(format!("panicked: {:?}", panic.downcast_ref::<String>()))).err()
    };
    for seed in first..first + cases {
        let company = generate::company(seed);
        if let Some(fault) = broken(&company, seed) {
            let small = shrink::smallest(company, |company| broken(company, seed).is_some());
            let small_fault = broken(&small, seed);
            panic!(
                "seed {seed}: {fault}\n\nin the smallest company that breaks it: {small_fault:?}\n{small}"
            );
        }
    }
    println!("{cases} companies from seed {first}");
}

/// What is left out, and how.
type Without = (&'static str, fn(&mut Company));

#[test]
fn generated_companies_are_such_as_the_service_takes() {
    let (mut paid, mut open) = (0, 0);
    // How many would be paid otherwise without what is read last.
    let without: [Without; 4] = [
        ("conditions", |company| company.conditions.clear()),
        ("expressions", |company| {
            company.expressions.values_mut().for_each(|tree| *tree = tree::Tree::Number("1"))
        }),
        ("rules", |company| company.rules.clear()),
        ("rates", |company| company.rates.iter_mut().for_each(|rate| rate.rate = Rate(10_000_000_000))),
    ];
    let mut moved = [0; 4];
    for seed in 1..=300 {
        let company = generate::company(seed);
        assert_eq!(company.refused(), None, "seed {seed}\n{company}");
        let figures = pay::figures(&company, company.last);
        paid += usize::from(!figures.earned.is_empty());
        open += usize::from(!figures.problems.is_empty());
        for ((_, change), moved) in without.iter().zip(&mut moved) {
            let mut other = company.clone();
            change(&mut other);
            *moved += usize::from(pay::figures(&other, company.last).earned != figures.earned);
        }
    }
    let moved: Vec<_> = without.iter().map(|(name, _)| *name).zip(moved).collect();
    println!("of 300 companies {paid} pay, {open} leave something open; what matters to how many: {moved:?}");
    assert!(paid > 170 && open > 15 && open < 75, "{paid} pay, {open} leave something open");
    assert!(moved.iter().all(|(_, count)| *count >= 20), "{moved:?}");
}
