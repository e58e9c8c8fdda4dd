//! What every test stands on: a database cluster of the run's own, servers, tenants with a key, and a client that
//! speaks JSON. Nothing here waits for a time, only for conditions.

pub mod client;
pub mod cluster;
pub mod company;
pub mod proxy;
pub mod server;
pub mod tenant;

use std::time::{Duration, Instant};

use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use client::refusal;
pub use server::{Server, attain};
pub use tenant::Tenant;

/// Random numbers that come again: of the seed in `ATTAIN_TEST_SEED`, else of one that is printed.
pub fn random() -> StdRng {
    let given = std::env::var("ATTAIN_TEST_SEED").ok().map(|seed| seed.parse().unwrap());
    let seed: u64 = given.unwrap_or_else(rand::random);
    println!("to have this again: ATTAIN_TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// How long a condition may take to come true before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// Polls a condition of the outside until it holds.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let begun = Instant::now();
    while !condition().await {
        assert!(begun.elapsed() < PATIENCE, "not within {PATIENCE:?}: {what}");
        tokio::task::yield_now().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
