//! How fast deals come in, against COPY of the same rows straight into tables with the same indexes, and how
//! fast they come out as facts, against COPY out. Both yardsticks run in the same run.
//!
//! `DATABASE_URL` names a server where databases may be made; `ATTAIN_BENCH_DEALS` says how many deals.

mod database;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use attain::domain::date::{Calendar, Day, Period};
use attain::domain::deal::{Deal, DealEvent, EventKind, Outcome, Split};
use attain::domain::facts::FactsBuilder;
use attain::domain::id::TenantId;
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::Percent;
use attain::domain::payee::{Payee, PayeeKind};
use attain::storage::Database;
use attain::storage::deal;
use attain::storage::facts::{Scope, Which, load_deals};
use sqlx::postgres::PgConnection;
use tokio_stream::StreamExt as _;

use database::{Made, copy_out, run};

const BATCH: u32 = 10_000;
const PAYEES: u32 = 1000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let count = std::env::var("ATTAIN_BENCH_DEALS").map_or(Ok(100_000), |text| text.parse())?;
    let mut made = Made::new("attain_bench_import").await?;
    let database = Database::new(made.options.clone(), 2);
    let tenant = TenantId("00000000-0000-4000-8000-000000000001".parse()?);

    run(&mut made.root, "checkpoint").await?;
    let ours = import(&database, tenant, count).await?;
    let yardstick = copy_in(&mut made.root).await?;
    println!(
        "import of {count} deals: {:.2?}, COPY {:.2?}, {:.0} % of its speed",
        ours,
        yardstick,
        100.0 * yardstick.as_secs_f64() / ours.as_secs_f64()
    );
    let again = import(&database, tenant, count).await?;
    println!("the same again, nothing written: {again:.2?}");
    let ours = load(&database, tenant).await?;
    let yardstick = copy_out(&mut made.root).await?;
    println!(
        "load of their facts: {:.2?}, COPY out {:.2?}, {:.0} % of its speed",
        ours,
        yardstick,
        100.0 * yardstick.as_secs_f64() / ours.as_secs_f64()
    );
    database.close().await;
    made.drop().await
}

/// Stages and merges the deals; making them up is not counted.
async fn import(database: &Database, tenant: TenantId, count: u32) -> anyhow::Result<Duration> {
    let mut tx = database.begin(tenant, None).await?;
    let mut staging = Duration::ZERO;
    let mut first = 0;
    while first < count {
        let end = count.min(first + BATCH);
        let row = |place| anyhow::Ok((i64::from(place) + 1, a_deal(place)?));
        let rows = (first..end).map(row).collect::<anyhow::Result<Vec<_>>>()?;
        let start = Instant::now();
        deal::stage(&mut tx, &rows).await?;
        staging += start.elapsed();
        first = end;
    }
    let start = Instant::now();
    let written = deal::merge(&mut tx, tenant, 1).await?;
    tx.commit().await?;
    let merging = start.elapsed();
    println!("staged in {staging:.2?}, merged in {merging:.2?}: {written:?}");
    Ok(staging + merging)
}

/// Two splits on average, a name and an attribute, one event.
fn a_deal(place: u32) -> anyhow::Result<Deal> {
    let payee = |step: u32| format!("E-{:04}", (place * 7 + step) % PAYEES).parse();
    let percents: &[&str] = match place % 3 {
        0 => &["100"],
        1 => &["60", "40"],
        _ => &["50", "30", "20"],
    };
    let mut splits = Vec::new();
    for (step, percent) in (0..).zip(percents) {
        splits.push(Split { payee: payee(step)?, role: "AE".parse()?, percent: Percent::parse(percent)? });
    }
    splits.sort();
    let booked = Day::parse(&format!("2026-{:02}-{:02}", place % 12 + 1, place % 28 + 1))?;
    let amount = Some(i64::from(place) * 101 + 5);
    Ok(Deal {
        id: format!("D-{place:09}").parse()?,
        name: Some(format!("Renewal number {place}")),
        owner: payee(0)?,
        customer: Some(format!("C-{:06}", place / 5).parse()?),
        customer_name: Some(format!("Customer {}", place / 5)),
        product: Some(format!("P-{}", place % 50).parse()?),
        currency: Currency::parse("USD")?,
        amount,
        cost: None,
        quantity: None,
        stage: Some("Closed Won".to_string()),
        outcome: Outcome::Won,
        probability: Some(Percent::HUNDRED),
        opened: Some(booked),
        closed: Some(booked),
        attributes: BTreeMap::from([("segment".to_string(), "enterprise".to_string())]),
        splits,
        events: vec![DealEvent {
            id: "booked".parse()?,
            kind: EventKind::Booked,
            day: booked,
            amount,
            cost: None,
            quantity: None,
            reverses: Vec::new(),
            source_version: None,
        }],
        source_version: None,
    })
}

/// COPY of the rows just imported into empty tables with the same indexes.
async fn copy_in(root: &mut PgConnection) -> anyhow::Result<Duration> {
    let mut total = Duration::ZERO;
    for table in ["deal", "deal_event"] {
        run(root, &format!("create table raw_{table} (like {table} including all)")).await?;
        let mut lines = root.copy_out_raw(&format!("copy {table} to stdout")).await?;
        let mut bytes = Vec::new();
        while let Some(line) = lines.next().await {
            bytes.extend_from_slice(&line?);
        }
        drop(lines);
        run(root, "checkpoint").await?;
        let start = Instant::now();
        let mut copy = root.copy_in_raw(&format!("copy raw_{table} from stdin")).await?;
        for chunk in bytes.chunks(512 * 1024) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
        total += start.elapsed();
        println!("raw copy of {} MB into {table}: {:.2?}", bytes.len() / 1_000_000, start.elapsed());
    }
    Ok(total)
}

async fn load(database: &Database, tenant: TenantId) -> anyhow::Result<Duration> {
    let calendar = Calendar {
        currency: Currency::parse("USD")?,
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: Period::parse("2026-01")?,
    };
    let payee = |number| {
        let id = format!("E-{number:04}").parse()?;
        let (kind, assignments) = (PayeeKind::Person, Vec::new());
        anyhow::Ok(Payee { id, kind, name: None, email: None, assignments, source_version: None })
    };
    let payees = (0..PAYEES).map(payee).collect::<Result<Vec<_>, _>>()?;
    let mut builder = FactsBuilder::new(1, calendar, payees)?;
    let mut tx = database.snapshot(tenant, None).await?;
    let start = Instant::now();
    load_deals(&mut tx, tenant, &Scope { as_of: 1, deals: Which::All }, &mut builder).await?;
    let taken = start.elapsed();
    let facts = builder.build()?;
    println!(
        "{} deals, {} events in {taken:.2?}, put in order in {:.2?}",
        facts.deal_count(),
        facts.events.len(),
        start.elapsed() - taken
    );
    Ok(start.elapsed())
}
