//! A close of a period, from the facts in the database to its commit, against COPY out of the same facts plus the
//! pure calculation, in one run.
//!
//! `DATABASE_URL` names a server where databases may be made; deals from ATTAIN_BENCH_DEALS (default 1,000,000).
//! What is closed is December, the months before it without a posting: it posts the whole year.

mod company;
mod database;
mod report;

use std::time::{Duration, Instant};

use attain::app::period::{CloseStage, CloseState, Closed};
use attain::app::{App, Write, tenant};
use attain::calc::close::close;
use attain::calc::{Calculation, RULES_REVISION};
use attain::domain::date::{Calendar, Period};
use attain::domain::facts::{Facts, FactsBuilder};
use attain::domain::id::TenantId;
use attain::domain::ledger::Posted;
use attain::storage::facts::{Scope, Which, load_deals};
use attain::storage::journal::{self, Entry};
use attain::storage::ledger::{Close, insert_close};
use attain::storage::{self, Database, deal};
use sqlx::PgConnection;

use company::{Company, company, credits, deal_count, deals};
use database::{Made, copy_out, run};
use report::{peak, ratio, timed};

/// Deals that are staged at once.
const BATCH: usize = 10_000;
const SLUG: &str = "bench";
/// The change that everything is written in.
const WRITTEN: i64 = 1;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count = deal_count();
    let mut made = Made::new("attain_bench_close").await?;
    let database = Database::new(made.options.clone(), 4);
    let tenant = TenantId("00000000-0000-4000-8000-000000000001".parse()?);
    let start = Instant::now();
    write(&database, tenant, count).await?;
    println!("{count} deals written in {:.2?}, peak {}", start.elapsed(), peak());
    // What the server does by itself some time after a load.
    run(&mut made.root, "vacuum analyze").await?;
    run(&mut made.root, "checkpoint").await?;

    let took = measure_close(&App::new(database.clone()), tenant, &mut made.root).await?;
    println!("the close: {took:.2?}, peak {}", peak());

    let copied = copy_out(&mut made.root).await?;
    let start = Instant::now();
    let facts = load(&database, tenant).await?;
    println!("load of the facts alone: {:.2?}; COPY out of them: {copied:.2?}", start.elapsed());
    let pure = measure_calculation(&facts)?;
    println!("close against COPY and calculation of {:.2?}: {}", copied + pure, ratio(took, copied + pure));
    database.close().await;
    made.drop().await
}

fn december() -> anyhow::Result<Period> {
    Ok(Period::parse("2026-12")?)
}

/// Writes the company and its deals as the first change.
async fn write(database: &Database, tenant: TenantId, count: usize) -> anyhow::Result<()> {
    let Company { calendar, payees, measures, plans, quotas } = company();
    let mut tx = database.begin(tenant, None).await?;
    storage::tenant::create(&mut tx, tenant, SLUG, chrono::Utc::now()).await?;
    let head = journal::lock(&mut tx, tenant).await?;
    storage::calendar::set(&mut tx, tenant, WRITTEN, &calendar).await?;
    storage::payee::upsert(&mut tx, tenant, WRITTEN, &payees).await?;
    storage::measure::upsert(&mut tx, tenant, WRITTEN, &measures).await?;
    for version in &plans {
        storage::plan::insert(&mut tx, tenant, WRITTEN, version).await?;
    }
    storage::quota::set(&mut tx, tenant, WRITTEN, &calendar, &quotas).await?;
    let mut rows = (1..).zip(deals(count));
    loop {
        let batch: Vec<_> = rows.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        deal::stage(&mut tx, &batch).await?;
    }
    deal::merge(&mut tx, tenant, WRITTEN).await?;
    insert_close(&mut tx, tenant, &before(&calendar)?).await?;
    let request_id = "company".parse()?;
    let entry = Entry {
        actor: SLUG,
        rpc: SLUG,
        request_id: &request_id,
        request_digest: [0; 32],
        reason: None,
        time: chrono::Utc::now(),
    };
    journal::append(&mut tx, tenant, &head, &entry, b"null", false).await?;
    Ok(tx.commit().await?)
}

/// The close before December's, which posted nothing.
fn before(calendar: &Calendar) -> anyhow::Result<Close> {
    Ok(Close {
        period: december()?.plus(-1),
        as_of: 0,
        rules_revision: RULES_REVISION,
        digest: [0; 32],
        payees: 0,
        postings: 0,
        totals: [(calendar.currency, 0)].into(),
        change: WRITTEN,
    })
}

/// Closes December through the use case and tells where the time went.
async fn measure_close(app: &App, tenant: TenantId, root: &mut PgConnection) -> anyhow::Result<Duration> {
    let call = tenant::command_line(tenant, SLUG)?;
    let write = Write {
        rpc: "attain.v1.PeriodService/ClosePeriod",
        request_id: "close".parse()?,
        digest: [0; 32],
        reason: None,
        validate_only: false,
        etags: Vec::new(),
    };
    let period = december()?;
    let start = Instant::now();
    let asked = tokio::spawn({
        let (app, call) = (app.clone(), call.clone());
        async move { app.close_period(&call, write, period).await }
    });
    // Whoever looks before the close has begun finds none.
    let mut follow = loop {
        if let Ok(follow) = app.watch_close(&call, period, 0).await {
            break follow;
        }
        anyhow::ensure!(!asked.is_finished(), "the close was over before it was seen: {:?}", asked.await);
    };
    let computing = |state: &CloseState| !matches!(state.stage, CloseStage::Running { total: 0, .. });
    follow.wait_for(computing).await?;
    let loaded = start.elapsed();
    let computed =
        |state: &CloseState| !matches!(state.stage, CloseStage::Running { done, total } if done < total);
    follow.wait_for(computed).await?;
    let calculated = start.elapsed();
    let ended = |state: &CloseState| !matches!(state.stage, CloseStage::Running { .. });
    let ended = follow.wait_for(ended).await?.stage.clone();
    let took = start.elapsed();
    let CloseStage::Closed(Closed { payees, postings, totals, .. }) = ended else {
        anyhow::bail!("the close ended as {ended:?}")
    };
    asked.await??;
    let (parts, bytes): (i64, i64) =
        sqlx::query_as("select count(*), coalesce(sum(octet_length(body)), 0)::bigint from statement_part")
            .fetch_one(root)
            .await?;
    let totals: Vec<_> = totals.iter().map(|(code, sum)| format!("{} {code}", code.amount(*sum))).collect();
    let totals = totals.join(", ");
    println!(
        "loaded, book open and first payees computed {loaded:.2?}, the others with lines and statements {:.2?}, posted {:.2?}",
        calculated - loaded,
        took - calculated
    );
    println!(
        "{payees} payees, {postings} postings of {totals}, {parts} parts of statements of {} KB",
        bytes / 1024
    );
    Ok(took)
}

/// Everything that the close reads.
async fn load(database: &Database, tenant: TenantId) -> anyhow::Result<Facts> {
    let mut tx = database.snapshot(tenant, None).await?;
    let calendar = storage::calendar::get(&mut tx, tenant, WRITTEN).await?;
    let calendar = calendar.ok_or_else(|| anyhow::anyhow!("no calendar"))?.value;
    let payees = storage::payee::all(&mut tx, tenant, WRITTEN).await?;
    let mut builder = FactsBuilder::new(WRITTEN, calendar, payees)?;
    for measure in storage::measure::all(&mut tx, tenant, WRITTEN).await? {
        builder.measure(measure);
    }
    for version in storage::plan::all(&mut tx, tenant, WRITTEN).await? {
        builder.plan(version);
    }
    for quota in storage::quota::all(&mut tx, tenant, WRITTEN, &calendar).await? {
        builder.quota(quota)?;
    }
    load_deals(&mut tx, tenant, &Scope { as_of: WRITTEN, deals: Which::All }, &mut builder).await?;
    Ok(builder.build()?)
}

/// Computes what everyone earns; also, to tell them apart, with the lines and statements that a close keeps.
fn measure_calculation(facts: &Facts) -> anyhow::Result<Duration> {
    let through = december()?;
    let (calculation, opened) = timed(|| Calculation::open(facts, through));
    let (_, earned) = timed(|| calculation.earn_all(|| {}));
    let (closing, closed) = timed(|| close(&calculation, &Posted::new(), || {}));
    println!(
        "pure calculation of {} credits on {} threads: {:.2?} (of it {opened:.2?} for the book); \
         with lines, statements and {} postings {:.2?}",
        credits(&calculation).len(),
        rayon::current_num_threads(),
        opened + earned,
        closing.postings.len(),
        opened + closed
    );
    Ok(opened + earned)
}
