//! Loads of deals: by the thousand, and left half-way.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::task::{Context, Poll};

use attain::domain::date::{Calendar, Day, Period};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome};
use attain::domain::facts::FactsBuilder;
use attain::domain::id::TenantId;
use attain::domain::money::{Currency, Rounding};
use attain::domain::payee::{Payee, PayeeKind};
use attain::storage::deal::DealsWritten;
use attain::storage::facts::{Scope, Which, load_deals};
use attain::storage::{Database, Written, deal};

use crate::harness::cluster::cluster;

const TENANT: TenantId = TenantId(uuid::Uuid::from_u128(1));

/// Polls a future so many times and then leaves it.
struct Left<F>(Pin<Box<F>>, usize);

impl<F: Future> Future for Left<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(left) = self.1.checked_sub(1) else { return Poll::Ready(None) };
        self.1 = left;
        self.0.as_mut().poll(context).map(Some)
    }
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn row(place: i64) -> (i64, Deal) {
    let booked = DealEvent {
        id: "b".parse().unwrap(),
        kind: EventKind::Booked,
        day: day("2026-01-15"),
        amount: Some(100),
        cost: None,
        quantity: None,
        reverses: Vec::new(),
        source_version: None,
    };
    let deal = Deal {
        id: format!("D-{place}").parse().unwrap(),
        name: None,
        owner: "ann".parse().unwrap(),
        customer: None,
        customer_name: None,
        product: None,
        currency: Currency::parse("USD").unwrap(),
        amount: Some(100),
        cost: None,
        quantity: None,
        stage: None,
        outcome: Outcome::Won,
        probability: None,
        opened: None,
        closed: None,
        attributes: BTreeMap::new(),
        splits: Vec::new(),
        events: vec![booked],
        source_version: None,
    };
    (place, deal)
}

fn builder() -> FactsBuilder {
    let calendar = Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: Period::parse("2026-01").unwrap(),
    };
    let id = "ann".parse().unwrap();
    let ann = Payee {
        id,
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: Vec::new(),
        source_version: None,
    };
    FactsBuilder::new(1, calendar, vec![ann]).unwrap()
}

/// The next request on the only connection is told its own answer.
async fn check_next(database: &Database, asked: i64) {
    let mut tx = database.begin(TENANT, None).await.unwrap();
    let answered: i64 =
        sqlx::query_scalar("select $1::bigint").bind(asked).fetch_one(&mut *tx).await.unwrap();
    assert_eq!(answered, asked);
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_load_left_half_way_leaves_no_answer_behind() {
    // A single connection: the one that was left is the next one given.
    let database = Database::new(cluster().database().await, 1);
    let rows: Vec<_> = (1..=2000).map(row).collect();
    let mut tx = database.begin(TENANT, None).await.unwrap();
    deal::stage(&mut tx, &rows).await.unwrap();
    deal::merge(&mut tx, TENANT, 1).await.unwrap();
    tx.commit().await.unwrap();
    let scope = Scope { as_of: 1, deals: Which::All };
    let (mut asked, mut left) = (0, 0);
    for polls in 0..20 {
        let mut builder = builder();
        let mut tx = database.snapshot(TENANT, None).await.unwrap();
        let load = load_deals(&mut tx, TENANT, &scope, &mut builder);
        left += i32::from(Left(Box::pin(load), polls).await.is_none());
        drop(tx);
        asked += 1;
        check_next(&database, asked).await;

        let mut tx = database.begin(TENANT, None).await.unwrap();
        let stage = deal::stage(&mut tx, &rows);
        left += i32::from(Left(Box::pin(stage), polls).await.is_none());
        drop(tx);
        asked += 1;
        check_next(&database, asked).await;
    }
    assert!((2..40).contains(&left), "{left} of 40 left half-way");
}

async fn load(database: &Database, n: i64, rows: &[(i64, Deal)]) -> DealsWritten {
    let mut tx = database.begin(TENANT, None).await.unwrap();
    deal::stage(&mut tx, rows).await.unwrap();
    let written = deal::merge(&mut tx, TENANT, n).await.unwrap();
    tx.commit().await.unwrap();
    written
}

#[tokio::test]
async fn ten_thousand_rows_and_one_are_merged_as_a_few_are() {
    let database = Database::new(cluster().database().await, 1);
    let mut rows: Vec<_> = (1..=10_001).map(row).collect();
    let written = |deals: (u64, u64), events: (u64, u64)| {
        let [deals, events] = [deals, events].map(|(written, unchanged)| Written { written, unchanged });
        DealsWritten { deals, events, ..DealsWritten::default() }
    };
    assert_eq!(load(&database, 1, &rows).await, written((10_001, 0), (10_001, 0)));
    rows[3].1.amount = None;
    rows[4].1.events[0].amount = Some(7);
    // The same deal once more, last: this is what counts.
    rows.push((10_002, Deal { amount: Some(5), ..rows[5].1.clone() }));
    assert_eq!(load(&database, 2, &rows).await, written((2, 9_999), (1, 10_000)));
    assert_eq!(load(&database, 3, &rows).await, written((0, 10_001), (0, 10_001)));
    assert_eq!(load(&database, 4, &rows[3..6]).await, written((1, 2), (0, 3)));
    let mut tx = database.begin(TENANT, None).await.unwrap();
    for (as_of, place, amount) in [(1, 3, Some(100)), (3, 3, None), (3, 5, Some(5)), (4, 5, Some(100))] {
        let found = deal::get(&mut tx, TENANT, as_of, &rows[place].1.id).await.unwrap().unwrap();
        assert_eq!(found.value.amount, amount, "{as_of} {place}");
    }
}
