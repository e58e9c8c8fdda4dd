//! A team's page over 1,000,000 deals from facts in memory, against hand-written SQL for the same figures on the same
//! deals, in one run: of the director, whose team is the company, and of a manager.
//!
//! `DATABASE_URL` names a server where databases may be made; deals from ATTAIN_BENCH_DEALS (default 1,000,000), of which
//! three in five are won, a quarter is lost and the rest is open. The SQL does less: it knows no reversals, no rates and
//! no line but today's.

#[expect(dead_code, reason = "others price its credits")]
mod company;
#[expect(dead_code, reason = "others copy out of it")]
mod database;
#[expect(dead_code, reason = "others time what is not awaited")]
mod report;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use attain::app::performance::{
    Asked, Figure, Filter, Over, PerformanceQuery, PipelineTexts, TeamAnswer, TeamQuery,
};
use attain::app::{App, AsOf, Page, tenant};
use attain::domain::date::Day;
use attain::domain::deal::{Deal, Outcome};
use attain::domain::id::TenantId;
use attain::domain::number::{Percent, Quantity};
use attain::storage::journal::{self, Entry};
use attain::storage::{self, Database, deal};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Column as _, Connection as _, PgConnection, Row as _};

use company::{Company, company, deal_count, deals};
use database::{Made, run};
use report::{peak, ratio};

/// Deals that are staged at once.
const BATCH: usize = 10_000;
const SLUG: &str = "bench";
/// The change that everything is written in.
const WRITTEN: i64 = 1;
/// Memory for facts, in bytes.
const MEMORY: usize = 4 << 30;
/// Readings of each page; the median counts.
const ROUNDS: usize = 7;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let count = deal_count();
    let mut made = Made::new("attain_bench_performance").await?;
    let database = Database::new(made.options.clone(), 4);
    let tenant = TenantId("00000000-0000-4000-8000-000000000001".parse()?);
    write(&database, tenant, count).await?;
    run(&mut made.root, "vacuum analyze").await?;
    run(&mut made.root, "checkpoint").await?;

    let app = App::with_memory(database.clone(), MEMORY);
    let listening = tokio::spawn({
        let app = app.clone();
        async move { app.listen().await }
    });
    let start = Instant::now();
    page(&app, tenant, "L2-000").await?;
    println!(
        "{count} deals; first page, with the load into memory: {:.2?}, peak {}",
        start.elapsed(),
        peak()
    );
    let mut sql = PgConnection::connect_with(&made.options).await?;
    for (who, manager) in [("the director", "L0-000"), ("a manager", "L2-000")] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let answer = page(&app, tenant, manager).await?;
            ours.push(start.elapsed());
            let start = Instant::now();
            let by_hand = by_hand(&mut sql, manager).await?;
            theirs.push(start.elapsed());
            for (name, said) in told_of(&answer) {
                let found = by_hand.get(name).map_or("nothing", String::as_str);
                anyhow::ensure!(same(&said, found), "{name} of {who}: {said} and by hand {found}");
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!("the page of {who}: {ours:.2?}; the same by SQL {theirs:.2?}: {}", ratio(ours, theirs));
    }
    println!("peak {}", peak());
    listening.abort();
    sql.close().await?;
    database.close().await;
    made.drop().await
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Whether two figures are the same but for zeros after the point.
fn same(one: &str, other: &str) -> bool {
    let bare = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    bare(one) == bare(other)
}

/// The figures of a page that are told by hand too.
fn told_of(answer: &TeamAnswer) -> Vec<(&'static str, String)> {
    let totals = &answer.performance.totals;
    let pipeline = |of: fn(&PipelineTexts) -> &String| totals.pipeline.as_ref().map(of).cloned();
    vec![
        ("booked", totals.booked.clone()),
        ("margin", totals.margin_amount.clone().unwrap_or_default()),
        ("units", totals.units.clone().unwrap_or_default()),
        ("won", totals.won.to_string()),
        ("lost", totals.lost.to_string()),
        ("won amount", totals.won_amount.clone()),
        ("new", totals.new_customers.to_string()),
        ("open", pipeline(|open| &open.amount).unwrap_or_default()),
        ("weighted", pipeline(|open| &open.weighted).unwrap_or_default()),
    ]
}

async fn page(app: &App, tenant: TenantId, manager: &str) -> anyhow::Result<TeamAnswer> {
    let call = tenant::command_line(tenant, SLUG)?;
    let performance = PerformanceQuery {
        subject: Asked::Team(Some(manager.parse()?)),
        filter: Filter::default(),
        over: Over::Window("FY2026-Q3".into()),
        on: Some(Day::parse("2026-09-30")?),
        measure: None,
        currency: None,
        as_of: AsOf::default(),
    };
    let query = TeamQuery { performance, quota: None, rank_by: Figure::Booked };
    Ok(app.team_performance(&call, query, Page { as_of: AsOf::default(), after: None, size: 1000 }).await?)
}

/// A deal of the company with all that performance reads.
fn told(number: usize, deal: Deal) -> anyhow::Result<Deal> {
    let booked = deal.events.first().ok_or_else(|| anyhow::anyhow!("no event"))?;
    let (closed, amount) = (booked.day, booked.amount);
    let opened = closed.date() - chrono::Duration::days(i64::try_from(number % 90)?);
    let outcome = match number % 20 {
        0..12 => Outcome::Won,
        12..17 => Outcome::Lost,
        _ => Outcome::Open,
    };
    let stages = ["Prospecting", "Discovery", "Proposal", "Negotiation"];
    Ok(Deal {
        customer: Some(format!("C{}", number % 100_000).parse()?),
        amount,
        cost: amount.map(|minor| minor * 3 / 5),
        quantity: Some(Quantity::parse(&(1 + number % 10).to_string())?),
        stage: Some(stages[number % 4].into()),
        outcome,
        probability: (outcome == Outcome::Open)
            .then(|| Percent(i64::try_from(number % 10).unwrap_or(0) * 10_000_000)),
        opened: Day::from_date(opened),
        closed: Some(closed),
        events: if outcome == Outcome::Won { deal.events } else { Vec::new() },
        ..deal
    })
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
    let mut rows = (1..).zip(deals(count).enumerate());
    loop {
        let batch = rows.by_ref().take(BATCH).map(|(row, (number, deal))| Ok((row, told(number, deal)?)));
        let batch: Vec<_> = batch.collect::<anyhow::Result<_>>()?;
        if batch.is_empty() {
            break;
        }
        deal::stage(&mut tx, &batch).await?;
    }
    deal::merge(&mut tx, tenant, WRITTEN).await?;
    let request_id = "company".parse()?;
    let entry = Entry {
        actor: SLUG,
        rpc: SLUG,
        request_id: &request_id,
        request_digest: [0; 32],
        reason: None,
        // The day looked from: a pipeline is of the day that it was told on.
        time: "2026-09-30T12:00:00Z".parse()?,
    };
    journal::append(&mut tx, tenant, &head, &entry, b"null", false).await?;
    Ok(tx.commit().await?)
}

/// Everyone below a manager, and the manager.
const TEAM: &str = "with recursive team as (
        select payee_id from assignment where payee_id = '{manager}' and removed_in is null
        union select a.payee_id from assignment a join team t on a.manager_id = t.payee_id where a.removed_in is null
    )";

/// Booked, margin and units by member and by month, of the quarter and of the one before.
const CREDITS: &str = "{team} select grouping(s.payee_id) + grouping(date_trunc('month', e.event_date)) as whole,
        s.payee_id, date_trunc('month', e.event_date), sum(e.amount * s.percent / 100)::text as booked,
        sum((e.amount - d.cost) * s.percent / 100)::text as margin, sum(d.quantity * s.percent / 100)::text as units
    from deal_event e join deal d on d.tenant_id = e.tenant_id and d.deal_id = e.deal_id and d.removed_in is null,
        unnest(d.split_payee_ids, d.split_percents) as s(payee_id, percent)
    where e.removed_in is null and e.kind = 'BOOKED' and e.event_date >= '{from}' and e.event_date < '{to}'
        and s.payee_id in (select payee_id from team)
    group by grouping sets ((s.payee_id), (date_trunc('month', e.event_date)), ())";

/// What everyone in the team and all below them were credited with in the quarter, beside the quotas.
const ATTAINED: &str = "{team}, line as (
        select payee_id as above, payee_id from team
        union all select a.manager_id, l.payee_id from line l join assignment a on a.payee_id = l.above
        where a.manager_id is not null and a.removed_in is null and a.manager_id in (select payee_id from team)
    ), own as (
        select s.payee_id, sum(e.amount * s.percent / 100) as booked
        from deal_event e join deal d on d.tenant_id = e.tenant_id and d.deal_id = e.deal_id and d.removed_in is null,
            unnest(d.split_payee_ids, d.split_percents) as s(payee_id, percent)
        where e.removed_in is null and e.kind = 'BOOKED' and e.event_date >= '{from}' and e.event_date < '{to}'
        group by s.payee_id
    )
    select l.above, sum(o.booked), min(q.amount) from line l join own o on o.payee_id = l.payee_id
        left join quota q on q.payee_id = l.above and q.removed_in is null
    group by l.above";

/// Won, lost, deal size and cycle by owner.
const DECIDED: &str = "{team} select 2 * grouping(owner_id) as whole, owner_id,
        (count(*) filter (where outcome = 'WON'))::text as won, (count(*) filter (where outcome = 'LOST'))::text as lost,
        (sum(amount) filter (where outcome = 'WON'))::text as \"won amount\", avg(amount) filter (where outcome = 'WON'),
        avg(close_date - open_date) filter (where outcome = 'WON'),
        percentile_cont(0.5) within group (order by close_date - open_date) filter (where outcome = 'WON')
    from deal where removed_in is null and outcome <> 'OPEN' and close_date >= '{from}' and close_date < '{to}'
        and owner_id in (select payee_id from team)
    group by rollup (owner_id)";

/// Customers who booked for the first time, by owner.
const NEW: &str = "{team} select 2 * grouping(owner_id) as whole, owner_id, count(*)::text as new from (
        select distinct on (d.customer_id) d.owner_id, e.event_date
        from deal_event e join deal d on d.tenant_id = e.tenant_id and d.deal_id = e.deal_id and d.removed_in is null
        where e.removed_in is null and e.kind = 'BOOKED'
        order by d.customer_id, e.event_date, d.deal_id
    ) first where event_date >= '{from}' and event_date < '{to}' and owner_id in (select payee_id from team)
    group by rollup (owner_id)";

/// Open deals by member and by stage.
const OPEN: &str =
    "{team} select grouping(s.payee_id) + grouping(d.stage) as whole, s.payee_id, d.stage, count(*),
        sum(d.amount * s.percent / 100)::text as open,
        sum(d.amount * s.percent / 100 * d.probability / 100)::text as weighted
    from deal d, unnest(d.split_payee_ids, d.split_percents) as s(payee_id, percent)
    where d.removed_in is null and d.outcome = 'OPEN' and s.payee_id in (select payee_id from team)
    group by grouping sets ((s.payee_id), (d.stage), ())";

/// The figures of the quarter in all that a statement names.
fn named(rows: &[PgRow]) -> impl Iterator<Item = (String, String)> {
    let whole =
        rows.iter().find(|row| row.try_get::<i32, _>("whole").is_ok_and(|dimensions| dimensions == 2));
    let columns = whole.into_iter().flat_map(|row| row.columns().iter().map(move |column| (row, column)));
    columns.filter_map(|(row, column)| {
        let text = row.try_get::<Option<String>, _>(column.ordinal()).ok().flatten();
        Some((column.name().to_string(), text?))
    })
}

/// The same figures by SQL, each by its name.
async fn by_hand(sql: &mut PgConnection, manager: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let mut figures = BTreeMap::new();
    let spans = [("2026-07-01", "2026-10-01"), ("2026-04-01", "2026-07-01"), ("2025-07-01", "2025-10-01")];
    for (place, (from, to)) in spans.into_iter().enumerate() {
        // What is new and what is open is told of the quarter alone.
        let texts =
            if place == 0 { &[CREDITS, DECIDED, NEW, OPEN, ATTAINED][..] } else { &[CREDITS, DECIDED] };
        for text in texts {
            let text = text.replace("{team}", &TEAM.replace("{manager}", manager));
            let text = text.replace("{from}", from).replace("{to}", to);
            let rows = sqlx::query(AssertSqlSafe(text)).fetch_all(&mut *sql).await?;
            if place == 0 {
                figures.extend(named(&rows));
            }
        }
    }
    Ok(figures)
}
