//! The pure calculation against a bare loop that sums the same credits, and a plan of five components with conditions
//! against one of one, in one run.
//!
//! `cargo bench --bench calculation`; deals from ATTAIN_BENCH_DEALS (default 1,000,000).

mod company;
mod five;
mod report;

use std::hint::black_box;

use attain::calc::{Calculation, digest};
use attain::domain::date::Period;
use attain::domain::facts::{Facts, FactsBuilder};

use company::{Company, company, credits, deal_count, deals};
use five::of_five;
use report::{peak, ratio, timed};

fn facts(company: Company, deal_count: usize) -> Facts {
    let Company { calendar, payees, measures, plans, quotas } = company;
    let mut builder = FactsBuilder::new(1, calendar, payees).unwrap();
    measures.into_iter().for_each(|measure| builder.measure(measure));
    plans.into_iter().for_each(|version| builder.plan(version));
    quotas.into_iter().for_each(|quota| builder.quota(quota).unwrap());
    for deal in deals(deal_count) {
        builder.tell(&deal).unwrap();
    }
    builder.build().unwrap()
}

fn main() {
    let count = deal_count();
    let (known, built) = timed(|| facts(company(), count));
    println!("facts of {count} deals, {} payees: {built:.2?}, peak {}", known.payees.len(), peak());
    let through = Period::parse("2026-12").unwrap();
    let mut digests = Vec::new();
    let mut times = Vec::new();
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let ((opened, result), took) = timed(|| {
            pool.install(|| {
                let (calculation, opened) = timed(|| Calculation::open(&known, through));
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
    let credits = credits(&Calculation::open(&known, through));
    let (sums, bare) = timed(|| {
        let mut sums = vec![0_i128; known.payees.len()];
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
    drop(known);
    let known = facts(of_five(), count);
    let (_, five) = timed(|| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        pool.install(|| digest(&Calculation::open(&known, through).earn_all(|| {})))
    });
    println!("five components with conditions, 1 thread: {five:.2?}, peak {}", peak());
    println!("ratio to one component: {}", ratio(five, times[0]));
}
