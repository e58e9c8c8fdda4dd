//! Deals, facts, ledger and verification against a real database, one of its own for each test.

use std::collections::BTreeMap;

use attain::domain::change::Anchor;
use attain::domain::change::Change;
use attain::domain::condition::Field;
use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome, Reversed, Split};
use attain::domain::encode::{Digest, Record, hex};
use attain::domain::facts::{Facts, FactsBuilder, Worth};
use attain::domain::id::{DealId, PayeeId, TenantId};
use attain::domain::ledger::{Key, Posting, PostingKind};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Percent, Quantity};
use attain::domain::payee::{Payee, PayeeKind};
use attain::storage::deal::{self, DealFilter, DealsWritten};
use attain::storage::facts::{Scope, Which, load_deals};
use attain::storage::ledger::{self, Close, PostingFilter};
use attain::storage::rejected::{self, RejectedRow};
use attain::storage::verify::{AccountTotal, Report, verify};
use attain::storage::{Database, Written};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, Postgres, Transaction};

use crate::harness::cluster::cluster;

/// A database with one tenant, and the superuser's connection to it.
struct World {
    database: Database,
    tenant: TenantId,
    root: PgConnection,
}

impl World {
    async fn new() -> World {
        let options = cluster().database().await;
        let mut root = options.connect().await.unwrap();
        let tenant = TenantId("00000000-0000-4000-8000-000000000001".parse().unwrap());
        let zeros = "decode(repeat('00', 32), 'hex')";
        run(&mut root, &format!("insert into tenant values ('{tenant}', 'acme', now())")).await;
        run(&mut root, &format!("insert into head values ('{tenant}', 0, {zeros}, 0)")).await;
        World { database: Database::new(options, 4), tenant, root }
    }

    async fn begin(&self) -> Transaction<'static, Postgres> {
        self.database.begin(self.tenant, None).await.unwrap()
    }

    /// Loads deals in the next change.
    async fn load(&self, deals: &[Deal]) -> DealsWritten {
        let mut tx = self.begin().await;
        let n = next(&mut tx, self.tenant).await;
        deal::stage(&mut tx, &numbered(deals, 1)).await.unwrap();
        let written = deal::merge(&mut tx, self.tenant, n).await.unwrap();
        append(&mut tx, self.tenant, n, false).await;
        tx.commit().await.unwrap();
        written
    }

    /// Writes payees that the first change will be over.
    async fn add_payees(&self, ids: &[&str]) {
        let mut tx = self.begin().await;
        add_payees(&mut tx, self.tenant, 1, ids).await;
        tx.commit().await.unwrap();
    }

    async fn get(&self, as_of: i64, id: &str) -> Option<(Deal, i64)> {
        let mut tx = self.begin().await;
        let id = id.parse().unwrap();
        let stored = deal::get(&mut tx, self.tenant, as_of, &id).await.unwrap();
        stored.map(|stored| (stored.value, stored.added_in))
    }

    async fn verify(&self, anchor: Option<(i64, Digest)>) -> Report {
        let mut tx = self.database.snapshot(self.tenant, None).await.unwrap();
        let anchors: Vec<_> = anchor.into_iter().map(|(number, hash)| Anchor { number, hash }).collect();
        verify(&mut tx, self.tenant, &anchors).await.unwrap()
    }

    /// Alters something behind the service's back, answers what verification says, and puts it back.
    async fn tampered(&mut self, statement: &str) -> String {
        run(&mut self.root, "create schema if not exists kept").await;
        for table in ["change", "head", "deal", "deal_event", "rejected_row", "period_close", "posting"] {
            run(&mut self.root, &format!("create table kept.{table} as select * from {table}")).await;
        }
        run(&mut self.root, statement).await;
        let found = self.verify(None).await.first_fault.unwrap_or_else(|| "nothing".to_string());
        for table in ["change", "head", "deal", "deal_event", "rejected_row", "period_close", "posting"] {
            run(&mut self.root, &format!("delete from {table}")).await;
            run(&mut self.root, &format!("insert into {table} select * from kept.{table}")).await;
            run(&mut self.root, &format!("drop table kept.{table}")).await;
        }
        found
    }
}

/// Deals under row numbers from `first` on.
fn numbered(deals: &[Deal], first: i64) -> Vec<(i64, Deal)> {
    (first..).zip(deals.iter().cloned()).collect()
}

async fn run(conn: &mut PgConnection, statement: &str) {
    conn.execute(AssertSqlSafe(statement)).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

async fn next(conn: &mut PgConnection, tenant: TenantId) -> i64 {
    let number: i64 = sqlx::query_scalar("select number + 1 from head where tenant_id = $1 for update")
        .bind(tenant.0)
        .fetch_one(conn)
        .await
        .unwrap();
    number
}

/// Writes change `n` over the rows that it added and superseded.
async fn append(conn: &mut PgConnection, tenant: TenantId, n: i64, ledger: bool) {
    let facts = ["payee", "deal", "deal_event", "rejected_row"].map(|table| {
        format!(
            "select '+'::bytea || digest as entry from {table} where added_in = {n}
            union all select '-'::bytea || digest from {table} where removed_in = {n}"
        )
    });
    let postings = ["period_close", "posting", "statement_part"]
        .map(|table| format!("select '+'::bytea || digest from {table} where added_in = {n}"));
    let entries = [facts.join(" union all "), postings.join(" union all ")].join(" union all ");
    let rows_digest: Digest = sqlx::query_scalar(AssertSqlSafe(format!(
        "select sha256(coalesce(string_agg(entry, '' order by entry), '')) from ({entries}) as entries"
    )))
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    let previous_hash: Digest =
        sqlx::query_scalar("select hash from head").fetch_one(&mut *conn).await.unwrap();
    let change = Change {
        number: n,
        previous_hash,
        time: "2026-04-01T08:00:00.123456Z".parse().unwrap(),
        actor: "k-1".to_string(),
        rpc: "ImportDeals".to_string(),
        request_id: format!("r-{n}"),
        request_digest: [7; 32],
        reason_digest: Some(attain::domain::encode::digest(b"saltmonth end")),
        rows_digest,
        answer_digest: attain::domain::encode::digest(b""),
    };
    let hash = change.hash(&tenant.to_string());
    sqlx::query(
        "insert into change values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'month end', 'salt', $10, $11, '')",
    )
    .bind(tenant.0)
    .bind(n)
    .bind(previous_hash)
    .bind(hash)
    .bind(change.time)
    .bind(change.actor)
    .bind(change.rpc)
    .bind(change.request_id)
    .bind(change.request_digest)
    .bind(change.reason_digest)
    .bind(rows_digest)
    .execute(&mut *conn)
    .await
    .unwrap();
    let number = if ledger { n } else { 0 };
    sqlx::query("update head set number = $1, hash = $2, ledger = greatest(ledger, $3)")
        .bind(n)
        .bind(hash)
        .bind(number)
        .execute(conn)
        .await
        .unwrap();
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn period(text: &str) -> Period {
    Period::parse(text).unwrap()
}

fn payee(id: &str) -> PayeeId {
    id.parse().unwrap()
}

fn splits(parts: &[(&str, &str, &str)]) -> Vec<Split> {
    let split = |(payee, role, percent): &(&str, &str, &str)| Split {
        payee: payee.parse().unwrap(),
        role: role.parse().unwrap(),
        percent: Percent::parse(percent).unwrap(),
    };
    parts.iter().map(split).collect()
}

fn event(id: &str, kind: EventKind, on: &str, amount: Option<i64>) -> DealEvent {
    DealEvent {
        id: id.parse().unwrap(),
        kind,
        day: day(on),
        amount,
        cost: None,
        quantity: None,
        reverses: Vec::new(),
        source_version: None,
    }
}

fn a_deal(id: &str) -> Deal {
    Deal {
        id: id.parse().unwrap(),
        name: None,
        owner: payee("ann"),
        customer: None,
        customer_name: None,
        product: None,
        currency: Currency::parse("USD").unwrap(),
        amount: Some(10_000),
        cost: None,
        quantity: None,
        stage: None,
        outcome: Outcome::Won,
        probability: None,
        opened: None,
        closed: Some(day("2026-01-15")),
        attributes: BTreeMap::new(),
        splits: Vec::new(),
        events: vec![event("b", EventKind::Booked, "2026-01-15", Some(10_000))],
        source_version: None,
    }
}

/// A deal with a value in every field, and texts that the way in could trip over.
fn full_deal(id: &str) -> Deal {
    Deal {
        name: Some("tab\there, \\N, \"quote\", 歩\r\nline".to_string()),
        customer: Some("C-1".parse().unwrap()),
        customer_name: Some("Zoë & Søn".to_string()),
        product: Some("NULL".parse().unwrap()),
        currency: Currency::parse("KWD").unwrap(),
        amount: Some(-1_250_500),
        cost: Some(1),
        quantity: Some(Quantity(2_500_000)),
        stage: Some("Closed\\Won".to_string()),
        probability: Some(Percent(7_500_000)),
        opened: Some(day("2025-12-31")),
        attributes: BTreeMap::from([("b".into(), "\t\\".into()), ("a".into(), "".into())]),
        splits: splits(&[
            ("NULL", "null", "33.333333"),
            ("ann", "AE", "66.666667"),
            ("bob", "OVERLAY", "0.000001"),
        ]),
        events: vec![
            event("a", EventKind::Invoiced, "2026-01-14", Some(0)),
            DealEvent {
                cost: Some(3),
                quantity: Some(Quantity(1)),
                ..event("B", EventKind::Booked, "2026-01-15", Some(999_999_999_999_999_999))
            },
            DealEvent {
                reverses: vec![
                    Reversed { event: "B".parse().unwrap(), amount: None },
                    Reversed { event: "a".parse().unwrap(), amount: Some(12_345) },
                ],
                ..event("null", EventKind::Refunded, "2026-02-01", None)
            },
        ],
        ..a_deal(id)
    }
}

fn written(written: u64, unchanged: u64) -> Written {
    Written { written, unchanged }
}

fn merged_as(deals: Written, events: Written) -> DealsWritten {
    DealsWritten { deals, events, ..DealsWritten::default() }
}

#[tokio::test]
async fn what_goes_in_comes_out_and_going_in_again_changes_nothing() {
    let world = World::new().await;
    world.add_payees(&["NULL", "ann", "bob"]).await;
    let deals = [a_deal("D-1"), full_deal("D-2")];
    let first = world.load(&deals).await;
    assert_eq!(first, merged_as(written(2, 0), written(4, 0)));
    assert_eq!(world.get(1, "D-1").await, Some((deals[0].clone(), 1)));
    assert_eq!(world.get(1, "D-2").await, Some((deals[1].clone(), 1)));
    assert_eq!(world.get(1, "D-3").await, None);
    let again = world.load(&deals).await;
    assert_eq!(again, merged_as(written(0, 2), written(0, 4)));
    assert_eq!(world.get(2, "D-2").await, Some((deals[1].clone(), 1)));
    assert_eq!(world.verify(None).await.first_fault, None);
}

#[tokio::test]
async fn a_changed_split_supersedes_its_deal_and_nothing_else() {
    let world = World::new().await;
    world.add_payees(&["ann", "bob"]).await;
    let before = Deal { splits: splits(&[("ann", "AE", "50"), ("bob", "AE", "50")]), ..a_deal("D-1") };
    world.load(&[before.clone(), a_deal("D-2")]).await;
    let after = Deal { splits: splits(&[("ann", "AE", "60"), ("bob", "AE", "40")]), ..a_deal("D-1") };
    let second = world.load(&[after.clone(), a_deal("D-2")]).await;
    assert_eq!(second, merged_as(written(1, 1), written(0, 2)));
    assert_eq!(world.get(0, "D-1").await, None);
    assert_eq!(world.get(1, "D-1").await, Some((before, 1)));
    assert_eq!(world.get(2, "D-1").await, Some((after.clone(), 2)));
    assert_eq!(world.get(2, "D-2").await, Some((a_deal("D-2"), 1)));
    // An event that a message does not name stays; one that it names again is superseded and moves the etag.
    let paid = event("p", EventKind::Paid, "2026-02-01", Some(4_000));
    world.load(&[Deal { events: vec![paid.clone()], ..after.clone() }]).await;
    let booked = event("b", EventKind::Booked, "2026-01-20", Some(10_000));
    let fourth = world.load(&[Deal { events: vec![booked.clone()], ..after.clone() }]).await;
    assert_eq!(fourth, merged_as(written(0, 1), written(1, 0)));
    assert_eq!(world.get(4, "D-1").await, Some((Deal { events: vec![booked, paid], ..after }, 4)));
    assert_eq!(world.verify(None).await.first_fault, None);
}

#[tokio::test]
async fn of_one_key_the_last_row_of_a_load_counts() {
    let world = World::new().await;
    let mut tx = world.begin().await;
    let first = Deal { amount: Some(100), events: vec![a_deal("x").events[0].clone()], ..a_deal("D-1") };
    let paid = event("p", EventKind::Paid, "2026-01-16", Some(5));
    let paid_later = event("p", EventKind::Paid, "2026-01-17", Some(6));
    let second = Deal { amount: Some(200), events: vec![paid], ..first.clone() };
    let third = Deal { amount: Some(300), events: vec![paid_later.clone()], ..first.clone() };
    deal::stage(&mut tx, &numbered(&[first.clone(), second, a_deal("D-2")], 1)).await.unwrap();
    deal::stage(&mut tx, &numbered(std::slice::from_ref(&third), 4)).await.unwrap();
    let merged = deal::merge(&mut tx, world.tenant, 1).await.unwrap();
    assert_eq!(merged, merged_as(written(2, 0), written(3, 0)));
    tx.commit().await.unwrap();
    let expected = Deal { events: vec![first.events[0].clone(), paid_later], ..third };
    assert_eq!(world.get(1, "D-1").await, Some((expected, 1)));
    // Nothing staged outlives its transaction, on the same connection or after a rollback.
    for _ in 0..2 {
        let mut tx = world.begin().await;
        deal::stage(&mut tx, &[]).await.unwrap();
        let merged = deal::merge(&mut tx, world.tenant, 2).await.unwrap();
        assert_eq!(merged, DealsWritten::default());
        deal::stage(&mut tx, &[(1, a_deal("D-3"))]).await.unwrap();
        tx.rollback().await.unwrap();
    }
    assert_eq!(world.get(2, "D-3").await, None);
}

/// Writes payees without assignments in change `n`.
async fn add_payees(tx: &mut PgConnection, tenant: TenantId, n: i64, ids: &[&str]) {
    let payee = |id: &&str| Payee {
        id: payee(id),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: Vec::new(),
        source_version: None,
    };
    let payees: Vec<_> = ids.iter().map(payee).collect();
    attain::storage::payee::upsert(tx, tenant, n, &payees).await.unwrap();
}

#[tokio::test]
async fn rows_that_name_unknown_payees_are_named_and_taken_out() {
    let world = World::new().await;
    world.add_payees(&["ann", "bob"]).await;
    let deals = [
        a_deal("D-1"),
        Deal { owner: payee("zoe"), ..a_deal("D-2") },
        Deal {
            splits: splits(&[("yan", "AE", "50"), ("ann", "AE", "25"), ("yan", "SE", "25")]),
            ..a_deal("D-3")
        },
        Deal { owner: payee("zoe"), splits: splits(&[("yan", "AE", "100")]), ..a_deal("D-4") },
    ];
    let mut tx = world.begin().await;
    deal::stage(&mut tx, &numbered(&deals, 11)).await.unwrap();
    let unknown = deal::unknown_payees(&mut tx, world.tenant).await.unwrap();
    let named: Vec<_> = unknown
        .iter()
        .map(|row| {
            let payees: Vec<_> = row.payees.iter().map(PayeeId::as_str).collect();
            (row.row, row.deal.as_str(), payees.join(" "))
        })
        .collect();
    let expected = [(12, "D-2", "zoe"), (13, "D-3", "yan"), (14, "D-4", "yan zoe")];
    assert_eq!(named, expected.map(|(row, deal, payees)| (row, deal, payees.to_string())));
    deal::unstage(&mut tx, &[12, 13, 14]).await.unwrap();
    assert_eq!(deal::unknown_payees(&mut tx, world.tenant).await.unwrap(), []);
    let merged = deal::merge(&mut tx, world.tenant, 1).await.unwrap();
    assert_eq!(merged, merged_as(written(1, 0), written(1, 0)));
}

#[tokio::test]
async fn deals_are_listed_by_id_narrowed_and_paged() {
    let world = World::new().await;
    let deal = |id, owner, outcome, closed| Deal {
        owner: payee(owner),
        outcome,
        closed: Some(day(closed)),
        events: vec![event(id, EventKind::Booked, closed, Some(1))],
        ..a_deal(id)
    };
    let deals = [
        deal("b", "ann", Outcome::Won, "2026-01-01"),
        deal("A", "bob", Outcome::Won, "2026-01-31"),
        deal("a", "ann", Outcome::Lost, "2026-02-01"),
        deal("c", "ann", Outcome::Won, "2026-02-01"),
    ];
    world.load(&deals).await;
    world.load(&[deal("d", "ann", Outcome::Won, "2026-01-01")]).await;
    let owner = DealFilter { owner: Some(payee("ann")), ..DealFilter::default() };
    let won = DealFilter { outcome: Some(Outcome::Won), ..owner.clone() };
    let january = DealFilter {
        closed_from: Some(day("2026-01-01")),
        closed_to: Some(day("2026-02-01")),
        ..DealFilter::default()
    };
    for (as_of, filter, after, limit, expected) in [
        (1, &DealFilter::default(), None, 9, "A a b c"),
        (2, &DealFilter::default(), None, 9, "A a b c d"),
        (1, &DealFilter::default(), Some("a"), 1, "b"),
        (1, &owner, None, 2, "a b"),
        (2, &won, None, 9, "b c d"),
        (1, &january, None, 9, "A b"),
    ] {
        let mut tx = world.begin().await;
        let after: Option<DealId> = after.map(|id: &str| id.parse().unwrap());
        let listed = deal::list(&mut tx, world.tenant, as_of, filter, after.as_ref(), limit).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|deal| deal.value.id.as_str()).collect();
        assert_eq!(ids.join(" "), expected, "{as_of} {filter:?} {after:?}");
        assert!(listed.iter().all(|deal| deal.value.events[0].id.as_str() == deal.value.id.as_str()));
    }
}

#[tokio::test]
async fn tenants_do_not_see_each_others_deals() {
    let world = World::new().await;
    world.load(&[a_deal("D-1")]).await;
    let other = TenantId("00000000-0000-4000-8000-000000000002".parse().unwrap());
    let mut tx = world.database.begin(other, None).await.unwrap();
    let id = "D-1".parse().unwrap();
    assert_eq!(deal::get(&mut tx, other, 1, &id).await.unwrap(), None);
    // Row-level security stands even where a statement names the wrong tenant.
    assert_eq!(deal::get(&mut tx, world.tenant, 1, &id).await.unwrap(), None);
    let mut builder = builder(1);
    load_deals(&mut tx, world.tenant, &scope(1), &mut builder).await.unwrap();
    assert_eq!(builder.build().unwrap().deal_count(), 0);
}

fn calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: period("2026-01"),
    }
}

fn builder(as_of: i64) -> FactsBuilder {
    let payees = ["NULL", "ann", "bob"].map(|id| Payee {
        id: payee(id),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: Vec::new(),
        source_version: None,
    });
    FactsBuilder::new(as_of, calendar(), payees.to_vec()).unwrap()
}

fn scope(as_of: i64) -> Scope {
    Scope { as_of, deals: Which::All }
}

/// Amount, cost and quantity.
fn shown(worth: Worth) -> String {
    let text = |figure: Option<String>| figure.unwrap_or("-".into());
    let quantity = worth.quantity.map(|quantity| quantity.to_string());
    let [amount, cost] = [worth.amount, worth.cost].map(|minor| text(minor.map(|minor| minor.to_string())));
    format!("{amount}/{cost}/{}", text(quantity))
}

/// Everything about deals and events that a calculation can see.
fn seen(facts: &Facts) -> Vec<String> {
    let count = u32::try_from(facts.deal_count()).unwrap();
    let deals = (0..count).map(|deal| {
        let splits = facts.stated(deal).map(|share| {
            let role = share.role.map_or("-", |role| facts.roles[usize::from(role)].as_str());
            format!("{} {role} {}", facts.payee_id(share.payee), share.percent)
        });
        let (splits, worth): (Vec<_>, _) = (splits.collect(), shown(facts.worth(deal)));
        let (id, owner) = (facts.deal_id(deal), facts.payee_id(facts.owner(deal)));
        format!("{id} of {owner}, {worth}: {}", splits.join(", "))
    });
    let events = (0..).zip(&facts.events).map(|(place, event)| {
        let reversed: Vec<_> = facts.reversed(event).collect();
        let (deal, id) = (facts.deal_id(event.deal), facts.event_id(place));
        let (kind, worth) = (event.kind.name(), shown(event.worth));
        format!("{} {deal} {id} {kind} {worth} {reversed:?}", event.day)
    });
    deals.chain(events).collect()
}

/// Where each deal stands, and whose the open ones are.
fn standing(facts: &Facts) -> Vec<String> {
    let count = u32::try_from(facts.deal_count()).unwrap();
    let deals = (0..count).map(|deal| {
        let fields = [Field::DealStage, Field::DealProduct, Field::DealCustomer, Field::DealProbability];
        let details = fields.map(|field| facts.detail(deal, &field));
        let days = (facts.outcome(deal), facts.opened(deal), facts.closed(deal), facts.begun(deal));
        format!("{} {details:?} {days:?}", facts.deal_id(deal))
    });
    let payees = (0_u32..).take(facts.payees.len());
    let open = payees.map(|payee| format!("{:?} {:?}", facts.owned(payee), facts.open_credits(payee)));
    deals.chain(open).collect()
}

#[tokio::test]
async fn facts_are_loaded_as_they_are_built_by_hand() {
    let world = World::new().await;
    let yen = Deal {
        currency: Currency::parse("JPY").unwrap(),
        splits: splits(&[("bob", "SE", "12.5"), ("bob", "AE", "87.5")]),
        events: vec![event("b", EventKind::Booked, "2026-03-31", Some(5_000))],
        ..a_deal("D-9")
    };
    let outside = Deal {
        events: vec![
            event("early", EventKind::Booked, "2025-12-31", Some(1)),
            event("late", EventKind::Paid, "2026-04-01", Some(1)),
        ],
        ..a_deal("D-7")
    };
    let open = Deal { outcome: Outcome::Open, events: Vec::new(), ..a_deal("D-8") };
    let first = [yen.clone(), full_deal("D-10"), a_deal("D-1"), outside, open];
    world.load(&first).await;
    let moved = Deal { splits: splits(&[("bob", "AE", "100")]), ..a_deal("D-1") };
    world.load(std::slice::from_ref(&moved)).await;

    let later = [&moved, &yen, &first[1], &first[3], &first[4]];
    for (as_of, deals) in [(1, [&yen, &first[1], &first[2], &first[3], &first[4]]), (2, later), (3, later)] {
        let mut expected = builder(as_of);
        for deal in deals {
            let parts = deal.splits.iter().map(|s| (s.payee.as_str(), s.role.clone(), s.percent));
            let Deal { amount, cost, quantity, .. } = *deal;
            let worth = Worth { amount, cost, quantity };
            let handle =
                expected.deal(deal.id.as_str(), deal.owner.as_str(), deal.currency, worth, parts).unwrap();
            expected.describe(handle, |field| deal.detail(field)).unwrap();
            for event in &deal.events {
                let reversed = event.reverses.iter().map(|r| (r.event.as_str(), r.amount));
                let id = event.id.as_str();
                let DealEvent { amount, cost, quantity, .. } = *event;
                let worth = Worth { amount, cost, quantity };
                expected.event(handle, id, event.kind, event.day, worth, reversed).unwrap();
            }
        }
        let mut loaded = builder(as_of);
        let mut tx = world.database.snapshot(world.tenant, None).await.unwrap();
        load_deals(&mut tx, world.tenant, &scope(as_of), &mut loaded).await.unwrap();
        let (loaded, expected) = (loaded.build().unwrap(), expected.build().unwrap());
        assert_eq!(seen(&loaded), seen(&expected));
        assert_eq!(standing(&loaded), standing(&expected));
        assert_eq!(loaded.open_credits(loaded.payee(&payee("ann")).unwrap()).len(), 1);
    }

    let lines = {
        let mut loaded = builder(2);
        let mut tx = world.begin().await;
        let scope =
            Scope { deals: Which::Of { payees: vec![payee("bob"), payee("NULL")], open: false }, ..scope(2) };
        load_deals(&mut tx, world.tenant, &scope, &mut loaded).await.unwrap();
        // The connection is whole after the stream.
        assert!(deal::get(&mut tx, world.tenant, 2, &moved.id).await.unwrap().is_some());
        seen(&loaded.build().unwrap())
    };
    let expected = [
        "D-1 of ann, 10000/-/-: bob AE 100",
        "D-10 of ann, -1250500/1/2.5: NULL null 33.333333, ann AE 66.666667, bob OVERLAY 0.000001",
        "D-9 of ann, 10000/-/-: bob AE 87.5, bob SE 12.5",
        "2026-01-14 D-10 a INVOICED 0/-/- []",
        "2026-01-15 D-1 b BOOKED 10000/-/- []",
        "2026-01-15 D-10 B BOOKED 999999999999999999/3/0.000001 []",
        "2026-02-01 D-10 null REFUNDED -/-/- [(\"B\", None), (\"a\", Some(12345))]",
        "2026-03-31 D-9 b BOOKED 5000/-/- []",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn rejected_rows_are_kept_with_every_reason() {
    let world = World::new().await;
    let row = |row, reasons: &[&str], raw: Option<&str>| RejectedRow {
        row,
        source: Some("crm.csv".to_string()),
        reasons: reasons.iter().map(ToString::to_string).collect(),
        raw: raw.map(ToString::to_string),
    };
    let rows = [
        row(2, &["amount must not be empty", "a \"quoted\", {odd} \\ reason"], Some("D-1,\t歩\\")),
        row(5, &[], None),
        row(9, &["z", "a", "m"], Some("nul\0")),
    ];
    let mut tx = world.begin().await;
    rejected::insert(&mut tx, world.tenant, 1, &rows).await.unwrap();
    rejected::insert(&mut tx, world.tenant, 2, &rows[..1]).await.unwrap();
    append(&mut tx, world.tenant, 1, false).await;
    append(&mut tx, world.tenant, 2, false).await;
    let page = rejected::list(&mut tx, world.tenant, 2, 1, 0, 2).await.unwrap();
    assert_eq!(page, rows[..2]);
    let rest = rejected::list(&mut tx, world.tenant, 2, 1, 5, 2).await.unwrap();
    assert_eq!(rest, [row(9, &["z", "a", "m"], Some("nul\u{FFFD}"))]);
    tx.commit().await.unwrap();
    let report = world.verify(None).await;
    assert_eq!((report.rows, report.first_fault), (4, None));
}

fn posting(kind: PostingKind, id: &str, for_period: &str, amount: i128) -> Posting {
    Posting {
        key: Key {
            payee: payee(id),
            plan: "P".parse().unwrap(),
            component: "base".parse().unwrap(),
            window: calendar().window(WindowKind::Quarter, period(for_period)),
        },
        for_period: period(for_period),
        kind,
        currency: Currency::parse("USD").unwrap(),
        amount,
    }
}

fn a_close(change: i64, of: &str, postings: i64, earned: i128) -> Close {
    Close {
        period: period(of),
        as_of: change - 1,
        rules_revision: 1,
        digest: [9; 32],
        payees: 2,
        postings,
        totals: [(Currency::parse("USD").unwrap(), earned)].into(),
        change,
    }
}

/// Closes January in change 1 and February in change 2.
async fn close_two(world: &World) -> [Vec<Posting>; 2] {
    let january = vec![
        posting(PostingKind::Earned, "ann", "2026-01", 10_050),
        posting(PostingKind::Earned, "bob", "2026-01", 5),
        posting(PostingKind::Released, "ann", "2026-01", 10_000),
    ];
    let february = vec![
        posting(PostingKind::Earned, "bob", "2026-01", -5),
        posting(PostingKind::Earned, "bob", "2026-02", i128::from(i64::MAX)),
    ];
    let mut tx = world.begin().await;
    for (n, of, postings, earned) in
        [(1, "2026-01", &january, 10_055), (2, "2026-02", &february, i128::from(i64::MAX) - 5)]
    {
        ledger::post(&mut tx, world.tenant, n, &calendar(), period(of), postings).await.unwrap();
        let count = i64::try_from(postings.len()).unwrap();
        ledger::insert_close(&mut tx, world.tenant, &a_close(n, of, count, earned)).await.unwrap();
        append(&mut tx, world.tenant, n, true).await;
    }
    tx.commit().await.unwrap();
    [january, february]
}

#[tokio::test]
async fn the_ledger_sums_and_lists_what_was_posted() {
    let world = World::new().await;
    let [january, february] = close_two(&world).await;
    let mut tx = world.begin().await;
    let at = |posting: &Posting| (posting.kind, posting.key.clone(), posting.for_period);
    for (payee_id, as_of, expected) in [
        (None, 0, vec![]),
        (None, 1, vec![(at(&january[0]), 10_050), (at(&january[1]), 5), (at(&january[2]), 10_000)]),
        (Some("bob"), 2, vec![(at(&january[1]), 0), (at(&february[1]), i128::from(i64::MAX))]),
    ] {
        let payee_id = payee_id.map(payee);
        let posted =
            ledger::posted(&mut tx, world.tenant, &calendar(), payee_id.as_ref(), as_of).await.unwrap();
        assert_eq!(posted, expected.into_iter().collect());
    }
    let all = PostingFilter::default();
    let bob = PostingFilter { payee: Some(payee("bob")), ..all.clone() };
    let for_january = PostingFilter { for_period: Some(period("2026-01")), ..bob.clone() };
    let by_february = PostingFilter { period: Some(period("2026-02")), ..for_january.clone() };
    for (as_of, filter, after, limit, expected) in [
        (2, &all, None, 9, "1/0 1/1 1/2 2/0 2/1"),
        (1, &all, None, 9, "1/0 1/1 1/2"),
        (2, &all, Some((1, 1)), 2, "1/2 2/0"),
        (2, &bob, None, 9, "1/1 2/0 2/1"),
        (2, &for_january, None, 9, "1/1 2/0"),
        (2, &by_february, None, 9, "2/0"),
    ] {
        let list =
            ledger::postings(&mut tx, world.tenant, &calendar(), as_of, filter, after, limit).await.unwrap();
        let places: Vec<_> =
            list.iter().map(|posting| format!("{}/{}", posting.change, posting.entry)).collect();
        assert_eq!(places.join(" "), expected, "{as_of} {filter:?} {after:?}");
    }
    let list = ledger::postings(&mut tx, world.tenant, &calendar(), 2, &all, Some((1, 2)), 9).await.unwrap();
    let back: Vec<_> = list.into_iter().map(|stored| (stored.period.to_string(), stored.posting)).collect();
    let expected: Vec<_> = february.into_iter().map(|posting| ("2026-02".to_string(), posting)).collect();
    assert_eq!(back, expected);
}

#[tokio::test]
async fn closes_are_found_by_period() {
    let world = World::new().await;
    let mut tx = world.begin().await;
    assert_eq!(ledger::last_close(&mut tx, world.tenant).await.unwrap(), None);
    drop(tx);
    close_two(&world).await;
    let mut tx = world.begin().await;
    let january = a_close(1, "2026-01", 3, 10_055);
    let february = a_close(2, "2026-02", 2, i128::from(i64::MAX) - 5);
    let found = ledger::close_of(&mut tx, world.tenant, period("2026-01")).await.unwrap();
    assert_eq!(found.as_ref(), Some(&january));
    assert_eq!(ledger::close_of(&mut tx, world.tenant, period("2026-03")).await.unwrap(), None);
    assert_eq!(ledger::last_close(&mut tx, world.tenant).await.unwrap().as_ref(), Some(&february));
    assert_eq!(ledger::closes(&mut tx, world.tenant, 1).await.unwrap(), std::slice::from_ref(&january));
    assert_eq!(ledger::closes(&mut tx, world.tenant, 2).await.unwrap(), [january, february]);
}

#[tokio::test]
async fn statements_are_split_and_joined() {
    let world = World::new().await;
    let mut tx = world.begin().await;
    let long = "歩ab\\\n".repeat(500_000);
    let documents = [(payee("ann"), long.clone()), (payee("bob"), "{}".to_string())];
    ledger::insert_statements(&mut tx, world.tenant, 1, period("2026-01"), &documents).await.unwrap();
    append(&mut tx, world.tenant, 1, true).await;
    let lengths: Vec<i32> = sqlx::query_scalar(
        "select octet_length(body) from statement_part where payee_id = 'ann' order by part",
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    // 3,500,000 bytes; a character of three bytes straddles no edge here but the second.
    assert_eq!(lengths.iter().sum::<i32>(), 3_500_000);
    assert_eq!(lengths.len(), 4);
    assert!(lengths.iter().all(|length| *length <= 1_048_576), "{lengths:?}");
    for (id, expected) in [("ann", Some(long)), ("bob", Some("{}".to_string())), ("zoe", None)] {
        let found = ledger::statement(&mut tx, world.tenant, period("2026-01"), &payee(id)).await.unwrap();
        assert!(found == expected, "{id}");
    }
    tx.commit().await.unwrap();
    assert_eq!(world.verify(None).await.first_fault, None);
}

/// Deals in change 1 and 2, a close in change 3.
async fn world_to_verify() -> World {
    let world = World::new().await;
    world.load(&[a_deal("D-1"), full_deal("D-2")]).await;
    world.load(&[Deal { amount: Some(20_000), ..a_deal("D-1") }]).await;
    let mut tx = world.begin().await;
    let postings = [
        posting(PostingKind::Earned, "ann", "2026-01", 10_050),
        posting(PostingKind::Released, "ann", "2026-01", 10_000),
    ];
    ledger::post(&mut tx, world.tenant, 3, &calendar(), period("2026-01"), &postings).await.unwrap();
    ledger::insert_close(&mut tx, world.tenant, &a_close(3, "2026-01", 2, 10_050)).await.unwrap();
    append(&mut tx, world.tenant, 3, true).await;
    tx.commit().await.unwrap();
    let mut tx = world.begin().await;
    add_payees(&mut tx, world.tenant, 4, &["ann", "bob", "NULL"]).await;
    append(&mut tx, world.tenant, 4, false).await;
    tx.commit().await.unwrap();
    world
}

#[tokio::test]
async fn an_untouched_tenant_verifies_and_its_accounts_add_up() {
    let world = world_to_verify().await;
    let total = |account: &str, balance: &str| AccountTotal {
        account: account.to_string(),
        currency: "USD".to_string(),
        balance: balance.to_string(),
    };
    let report = world.verify(None).await;
    let expected = Report {
        changes: 4,
        rows: 13,
        erased: 0,
        first_fault: None,
        anchors: Vec::new(),
        totals: vec![total("EXPENSE", "100.5"), total("HELD", "-0.5"), total("PAYABLE", "-100")],
    };
    assert_eq!(report, expected);
}

#[tokio::test]
async fn whatever_is_altered_is_named() {
    let mut world = world_to_verify().await;
    for (statement, expected) in [
        ("select 1", "nothing"),
        (
            "update deal set amount = amount + 0.01 where deal_id = 'D-1' and added_in = 2",
            "deal D-1 of change 2: its columns do not give its digest",
        ),
        (
            "update deal set name = 'Ann' where deal_id = 'D-2'",
            "deal D-2 of change 1: its columns do not give its digest",
        ),
        (
            "update deal set split_percents = '{50,49.999999,0.000001}' where deal_id = 'D-2'",
            "deal D-2 of change 1: its columns do not give its digest",
        ),
        (
            "update deal set amount = 'NaN', close_date = 'infinity' where deal_id = 'D-2'",
            "deal D-2 of change 1: its columns do not give its digest",
        ),
        (
            "update deal_event set event_date = event_date + 1 where deal_id = 'D-2' and event_id = 'B'",
            "deal_event D-2 B of change 1: its columns do not give its digest",
        ),
        (
            "update deal_event set reversed_amounts = '{NULL,12.346}' where event_id = 'null'",
            "deal_event D-2 null of change 1: its columns do not give its digest",
        ),
        (
            "update deal set digest = '' where deal_id = 'D-2'",
            "deal: a row cannot be read, the cause is in the log",
        ),
        (
            "update deal set digest = sha256(digest) where deal_id = 'D-2'",
            "deal D-2 of change 1: its columns do not give its digest",
        ),
        (
            "delete from deal_event where event_id = 'B'",
            "change 1: a row that it added or superseded was altered, added or deleted",
        ),
        (
            "insert into deal_event select tenant_id, deal_id, 'x' || event_id, kind, event_date, amount, cost,
                quantity, reversed_ids, reversed_amounts, digest, 9 from deal_event where event_id = 'B'",
            "deal_event D-2 xB of change 9: its columns do not give its digest",
        ),
        (
            "update deal_event set added_in = 9 where event_id = 'B'",
            "change 1: a row that it added or superseded was altered, added or deleted",
        ),
        (
            "update deal_event set removed_in = 9 where event_id = 'B'",
            "change 9: rows name it, the journal does not have it",
        ),
        (
            "update posting set amount = 100 where entry = 0",
            "posting 0 of change 3: its columns do not give its digest",
        ),
        (
            "update posting set debit = 'HELD', credit = 'EXPENSE' where entry = 0",
            "posting 0 of change 3: its columns do not give its digest",
        ),
        (
            "delete from posting where entry = 1",
            "change 3: a row that it added or superseded was altered, added or deleted",
        ),
        (
            "update period_close set earned = array[0]::numeric[]",
            "period_close 2026-01 of change 3: its columns do not give its digest",
        ),
        ("update change set actor = 'k-2' where number = 2", "change 2: its columns do not give its hash"),
        ("update change set time = 'infinity' where number = 2", "change 2: its columns do not give its hash"),
        (
            "update change set reason = 'other' where number = 2",
            "change 2: its reason is not the one that its hash is made of",
        ),
        (
            "update change set reason = null, reason_salt = null where number = 2",
            "change 2: its reason is not the one that its hash is made of",
        ),
        ("delete from change where number = 2", "change 2: missing, change 3 follows change 1"),
        ("delete from change where number = 4", "head: names change 4, the journal ends at change 3"),
        ("update head set hash = ''", "head: its hash is not the hash of change 4"),
        ("update head set ledger = 2", "head: names ledger change 2, the ledger's last is change 3"),
        ("delete from head", "head: the row is missing"),
    ] {
        assert_eq!(world.tampered(statement).await, expected, "{statement}");
    }
    assert_eq!(world.verify(None).await.first_fault, None);
}

#[tokio::test]
async fn an_anchor_shows_a_tail_cut_off_and_a_history_written_anew() {
    let mut world = world_to_verify().await;
    world.load(&[a_deal("D-3")]).await;
    let hash: Digest = sqlx::query_scalar("select hash from change where number = 5")
        .fetch_one(&mut world.root)
        .await
        .unwrap();
    assert_eq!(world.verify(Some((5, hash))).await.first_fault, None);
    let other = world.verify(Some((5, [1; 32]))).await.first_fault;
    assert_eq!(other.as_deref(), Some("change 5: its hash is not the anchor's"));
    for statement in [
        "delete from deal where added_in = 5",
        "delete from deal_event where added_in = 5",
        "delete from change where number = 5",
        "update head set number = 4, hash = (select hash from change where number = 4)",
    ] {
        run(&mut world.root, statement).await;
    }
    assert_eq!(world.verify(None).await.first_fault, None);
    let cut = world.verify(Some((5, hash))).await.first_fault;
    assert_eq!(cut.as_deref(), Some("change 5: kept as anchor, but the journal ends at change 4"));
}

#[tokio::test]
async fn a_ledger_that_contradicts_itself_is_named() {
    let misdirected = Record::new("posting", 1)
        .text(1, "0")
        .text(2, "2026-01")
        .text(3, "2026-01")
        .text(4, "EARNED")
        .text(5, "EXPENSE")
        .text(6, "PAYABLE")
        .text(7, "ann")
        .text(8, "P")
        .text(9, "base")
        .text(10, "FY2026-Q1")
        .text(11, "USD")
        .text(12, "0.07");
    for (name, close, alter, expected) in [
        (
            "figures",
            Some(a_close(1, "2026-01", 1, 8)),
            None,
            "period_close 2026-01 of change 1: its figures are not those of its postings",
        ),
        (
            "count",
            Some(a_close(1, "2026-01", 2, 7)),
            None,
            "period_close 2026-01 of change 1: its figures are not those of its postings",
        ),
        ("period", Some(a_close(1, "2026-02", 1, 7)), None, "posting of change 1: of no close of 2026-01"),
        ("no_close", None, None, "posting of change 1: of no close of 2026-01"),
        (
            "accounts",
            Some(a_close(1, "2026-01", 1, 7)),
            Some(format!(
                "update posting set credit = 'PAYABLE', digest = '\\x{}'",
                hex(&misdirected.digest())
            )),
            "posting: EARNED from PAYABLE to EXPENSE is no entry of this ledger",
        ),
    ] {
        let mut world = World::new().await;
        let mut tx = world.begin().await;
        let postings = [posting(PostingKind::Earned, "ann", "2026-01", 7)];
        ledger::post(&mut tx, world.tenant, 1, &calendar(), period("2026-01"), &postings).await.unwrap();
        if let Some(close) = &close {
            ledger::insert_close(&mut tx, world.tenant, close).await.unwrap();
        }
        tx.commit().await.unwrap();
        if let Some(alter) = alter {
            run(&mut world.root, &alter).await;
        }
        let mut tx = world.begin().await;
        append(&mut tx, world.tenant, 1, true).await;
        tx.commit().await.unwrap();
        assert_eq!(world.verify(None).await.first_fault.as_deref(), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn facts_that_name_what_does_not_exist_are_named() {
    let world = World::new().await;
    let mut tx = world.begin().await;
    add_payees(&mut tx, world.tenant, 1, &["ann"]).await;
    let deals = [a_deal("D-1"), Deal { splits: splits(&[("bob", "AE", "100")]), ..a_deal("D-2") }];
    deal::stage(&mut tx, &numbered(&deals, 1)).await.unwrap();
    deal::merge(&mut tx, world.tenant, 1).await.unwrap();
    append(&mut tx, world.tenant, 1, false).await;
    tx.commit().await.unwrap();
    let found = world.verify(None).await.first_fault.unwrap();
    assert_eq!(found, "deal D-2 of change 1: names payee bob, which does not exist");
}
