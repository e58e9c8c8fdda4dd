//! Source versions: of one fact the highest stands, in whatever order and batches the facts arrive.

use std::collections::{BTreeMap, BTreeSet};

use attain::domain::date::Day;
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome};
use attain::domain::id::TenantId;
use attain::domain::money::Currency;
use attain::domain::version::SourceVersion;
use attain::storage::deal::{self, DealFilter, DealsWritten};
use attain::storage::{Database, MAX_STALE_IDS, Written};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{Rng as _, SeedableRng as _};

use crate::harness::cluster::cluster;

fn version(number: impl Into<Option<i64>>) -> Option<SourceVersion> {
    number.into().map(|number| SourceVersion::try_new(number).unwrap())
}

fn event(id: &str, amount: i64, version: Option<SourceVersion>) -> DealEvent {
    DealEvent {
        id: id.parse().unwrap(),
        kind: EventKind::Booked,
        day: Day::parse("2026-01-15").unwrap(),
        amount: Some(amount),
        cost: None,
        quantity: None,
        reverses: Vec::new(),
        source_version: version,
    }
}

fn deal(id: &str, amount: Option<i64>, version: Option<SourceVersion>, events: Vec<DealEvent>) -> Deal {
    Deal {
        id: id.parse().unwrap(),
        name: None,
        owner: "ann".parse().unwrap(),
        customer: None,
        customer_name: None,
        product: None,
        currency: Currency::parse("USD").unwrap(),
        amount,
        cost: None,
        quantity: None,
        stage: None,
        outcome: Outcome::Won,
        probability: None,
        opened: None,
        closed: None,
        attributes: BTreeMap::new(),
        splits: Vec::new(),
        events,
        source_version: version,
    }
}

/// A tenant's deals, loaded change by change.
struct Tenant<'a> {
    database: &'a Database,
    id: TenantId,
    changes: i64,
}

impl<'a> Tenant<'a> {
    fn new(database: &'a Database) -> Self {
        Tenant { database, id: TenantId(uuid::Uuid::new_v4()), changes: 0 }
    }

    async fn load(&mut self, deals: &[Deal]) -> DealsWritten {
        let rows: Vec<_> = (1..).zip(deals.iter().cloned()).collect();
        let mut tx = self.database.begin(self.id, None).await.unwrap();
        self.changes += 1;
        deal::stage(&mut tx, &rows).await.unwrap();
        let merged = deal::merge(&mut tx, self.id, self.changes).await.unwrap();
        tx.commit().await.unwrap();
        merged
    }

    async fn deals(&self) -> Vec<Deal> {
        let mut tx = self.database.snapshot(self.id, None).await.unwrap();
        let filter = DealFilter::default();
        let stored = deal::list(&mut tx, self.id, self.changes, &filter, None, i64::MAX).await.unwrap();
        stored.into_iter().map(|stored| stored.value).collect()
    }
}

/// Facts about three deals with two events each, in every version twice or so, each key in one at least.
fn told(random: &mut StdRng) -> Vec<Deal> {
    let names = [None, Some("b"), Some("B"), Some("ä"), Some("a, (\"x\")")];
    let versions = [None, version(0), version(1), version(2), version(3)];
    let mut deals = Vec::new();
    for place in 0..24 {
        let id = format!("D-{}", place % 3);
        let mut pick = || if place < 3 { version(0) } else { *versions.choose(random).unwrap() };
        let (own, first, second) = (pick(), pick(), pick());
        let mut events = vec![event("x", random.random_range(8..12), first)];
        if place < 3 || random.random_bool(0.5) {
            events.push(event("y", random.random_range(8..12), second));
        }
        let amount = [None, Some(900), Some(1000)].choose(random).copied().flatten();
        let name = names.choose(random).unwrap().map(str::to_string);
        deals.push(Deal { name, ..deal(&id, amount, own, events) });
    }
    deals
}

/// That what stands is of the highest version told, and was told so.
fn check_highest(told: &[Deal], stands: &[Deal]) {
    let without_events = |deal: &Deal| Deal { events: Vec::new(), ..deal.clone() };
    for found in stands {
        let same = || told.iter().filter(|deal| deal.id == found.id);
        assert_eq!(found.source_version, same().map(|deal| deal.source_version).max().unwrap());
        assert!(same().any(|deal| without_events(deal) == without_events(found)), "{found:?}");
        for event in &found.events {
            let same = || same().flat_map(|deal| &deal.events).filter(|told| told.id == event.id);
            assert_eq!(event.source_version, same().map(|told| told.source_version).max().unwrap());
            assert!(same().any(|told| told == event), "{event:?}");
        }
    }
}

#[tokio::test]
async fn the_same_facts_stand_whatever_their_order_and_batches() {
    let database = Database::new(cluster().database().await, 1);
    for seed in 0..12 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut told = told(&mut random);
        let mut first: Option<Vec<Deal>> = None;
        for arrival in 0..4 {
            if arrival > 0 {
                told.shuffle(&mut random);
            }
            let mut tenant = Tenant::new(&database);
            let mut rest = told.as_slice();
            while !rest.is_empty() {
                let size = if arrival == 0 { rest.len() } else { random.random_range(1..=rest.len().min(9)) };
                let (batch, later) = rest.split_at(size);
                rest = later;
                let DealsWritten { deals, events, stale } = tenant.load(batch).await;
                let keys: BTreeSet<_> = batch.iter().map(|deal| &deal.id).collect();
                let parts =
                    batch.iter().flat_map(|deal| deal.events.iter().map(|event| (&deal.id, &event.id)));
                let parts: BTreeSet<_> = parts.collect();
                let all = |written: Written, stale| written.written + written.unchanged + stale;
                let count = |number: usize| u64::try_from(number).unwrap();
                assert_eq!(all(deals, stale.deals), count(keys.len()), "seed {seed}");
                assert_eq!(all(events, stale.events), count(parts.len()), "seed {seed}");
                assert!(stale.first.is_sorted() && stale.first.iter().all(|id| keys.contains(id)));
            }
            let stands = tenant.deals().await;
            check_highest(&told, &stands);
            // Told once more, one by one, nothing is news.
            for deal in &told {
                let again = tenant.load(std::slice::from_ref(deal)).await;
                assert_eq!((again.deals.written, again.events.written), (0, 0), "seed {seed}: {deal:?}");
            }
            assert_eq!(&tenant.deals().await, first.get_or_insert(stands), "seed {seed}, arrival {arrival}");
        }
    }
}

#[tokio::test]
async fn an_older_version_is_stale_and_a_fact_without_one_older_than_any() {
    let database = Database::new(cluster().database().await, 1);
    let mut tenant = Tenant::new(&database);
    let told = |number: Option<i64>, amount: i64| {
        deal("D", Some(amount), version(number), vec![event("x", amount, version(number))])
    };
    // Version and amount told; whether it was written, unchanged, stale; version and amount that stand then.
    for (number, amount, outcome, stands) in [
        (None, 1, "written", (None, 1)),
        (None, 2, "written", (None, 2)),
        (None, 2, "unchanged", (None, 2)),
        (Some(0), 3, "written", (Some(0), 3)),
        (None, 4, "stale", (Some(0), 3)),
        (None, 3, "stale", (Some(0), 3)),
        (Some(7), 5, "written", (Some(7), 5)),
        (Some(6), 6, "stale", (Some(7), 5)),
        (Some(7), 5, "unchanged", (Some(7), 5)),
        // The same body, but known to be as late as that: an eighth version would be stale now.
        (Some(9), 5, "written", (Some(9), 5)),
        (Some(8), 8, "stale", (Some(9), 5)),
        // Of two bodies of one version the later text stands: 4 is less than 5, 6 is more.
        (Some(9), 4, "stale", (Some(9), 5)),
        (Some(9), 6, "written", (Some(9), 6)),
        (Some(9), 5, "stale", (Some(9), 6)),
    ] {
        let merged = tenant.load(&[told(number, amount)]).await;
        let counted = |written: Written, stale: u64| match (written.written, written.unchanged, stale) {
            (1, 0, 0) => "written",
            (0, 1, 0) => "unchanged",
            (0, 0, 1) => "stale",
            other => panic!("{other:?}"),
        };
        assert_eq!(counted(merged.deals, merged.stale.deals), outcome, "{number:?} {amount}");
        assert_eq!(counted(merged.events, merged.stale.events), outcome, "{number:?} {amount}");
        let first: Vec<_> = merged.stale.first.iter().map(|id| id.as_str()).collect();
        assert_eq!(first, if outcome == "stale" { vec!["D"] } else { vec![] });
        let (number, amount) = stands;
        assert_eq!(tenant.deals().await, [told(number, amount)]);
    }
}

#[tokio::test]
async fn stale_rows_by_the_thousand_are_counted_and_the_first_named() {
    let database = Database::new(cluster().database().await, 1);
    let mut tenant = Tenant::new(&database);
    let rows = |versions: fn(i64) -> i64, amount: i64| -> Vec<Deal> {
        let row = |place: i64| {
            let version = version(versions(place));
            deal(&format!("D-{place:05}"), Some(amount), version, vec![event("x", amount, version)])
        };
        (1..=10_002).map(row).collect()
    };
    tenant.load(&rows(|_| 5, 1)).await;
    // Every second deal is told newer, the others older.
    let merged = tenant.load(&rows(|place| 4 + place % 2 * 2, 2)).await;
    let half = Written { written: 5_001, unchanged: 0 };
    assert_eq!((merged.deals, merged.events), (half, half));
    assert_eq!((merged.stale.deals, merged.stale.events), (5_001, 5_001));
    let expected: Vec<_> = (1..=50).map(|place| format!("D-{:05}", place * 2)).collect();
    let first: Vec<_> = merged.stale.first.iter().map(ToString::to_string).collect();
    assert_eq!((first.len(), first), (MAX_STALE_IDS, expected));
}
