//! A goal given to 100,000 payees in 6 levels against a bare loop over the same parts, in one run.
//!
//! `cargo bench --bench allocation`; payees from ATTAIN_BENCH_PAYEES (default 100,000). Everybody has ten reports, so
//! that a hundred thousand make five levels below the top; every third has a ceiling that binds.

mod report;

use std::hint::black_box;

use attain::calc::allocate::tree::{Member, Tree};
use attain::calc::allocate::{Part, allocate};
use attain::domain::exact::Exact;
use attain::domain::number::Percent;

use report::{peak, ratio, timed};

/// Reports of each who has any.
const SPAN: usize = 10;
/// Steps that the goal has for each payee.
const EACH: usize = 100;

/// A weight like an amount in cents, the same at every run.
fn weight(place: usize) -> i128 {
    let mixed = place.wrapping_mul(2_654_435_761) % 10_000_000;
    i128::try_from(mixed).unwrap() + 1
}

fn members(count: usize) -> Vec<Member> {
    let leaf = |place: usize| place * SPAN + 1 >= count;
    let member = |place: usize| Member {
        manager: place.checked_sub(1).map(|below| below / SPAN),
        weight: leaf(place).then(|| Exact::whole(weight(place))),
        floor: 0,
        ceiling: (leaf(place) && place.is_multiple_of(3)).then_some(i128::try_from(EACH).unwrap()),
    };
    (0..count).map(member).collect()
}

fn main() {
    let count = std::env::var("ATTAIN_BENCH_PAYEES").map_or(100_000, |count| count.parse().unwrap());
    let members = members(count);
    let goal = i128::try_from(count * EACH).unwrap();
    let over = [Percent::parse("2.5").unwrap(), Percent::ZERO, Percent::parse("5").unwrap()];
    println!("{count} payees, peak {}", peak());
    let (given, took) = timed(|| Tree::new(&members, &over).allocate(goal).unwrap());
    let tree = Tree::new(&members, &over);
    let levels = (0..count).map(|place| tree.level(place)).max().unwrap() + 1;
    let held = given.iter().filter(|given| given.share.bound.is_some()).count();
    println!("given down {levels} levels, {held} held by a bound: {took:.2?}, peak {}", peak());
    let weights: Vec<i128> = (0..count).map(weight).collect();
    let (steps, bare) = timed(|| {
        let all: i128 = black_box(&weights).iter().sum();
        weights.iter().map(|weight| goal * weight / all).collect::<Vec<_>>()
    });
    black_box(steps);
    println!("bare loop over the same parts: {bare:.2?}");
    println!("ratio: {}", ratio(took, bare));
    // All under one manager: sorting is what grows.
    let parts: Vec<Part> = weights
        .iter()
        .enumerate()
        .map(|(place, weight)| Part {
            weight: Exact::whole(*weight),
            floor: if place.is_multiple_of(5) { 90 } else { 0 },
            ceiling: (place.is_multiple_of(3)).then_some(i128::try_from(EACH).unwrap()),
        })
        .collect();
    let (shares, flat) = timed(|| allocate(goal, &parts).unwrap());
    let sum: i128 = shares.iter().map(|share| share.steps).sum();
    assert_eq!(sum, goal);
    println!(
        "all under one manager, half of them bounded: {flat:.2?}, ratio {}, peak {}",
        ratio(flat, bare),
        peak()
    );
}
