//! How many statements and attainments are read a second over gRPC, against two bare servers in the same run: one that
//! answers a fixed message from memory, one that does a single SELECT by primary key first. Then how many estimates,
//! against attainments; how long it takes from one changed deal to the statements of its payee and three managers, and
//! what the facts take in memory.
//!
//! `DATABASE_URL` names a server where databases may be made; `ATTAIN_BENCH_DEALS` says how many deals (1,000,000),
//! `ATTAIN_BENCH_SECONDS` how long each reading lasts (5).

use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use attain::api::json::from_json;
use attain::api::server::{self, Health, Limits};
use attain::api::v1;
use attain::api::v1::admin_service_client::AdminServiceClient;
use attain::api::v1::deal_service_client::DealServiceClient;
use attain::api::v1::earnings_service_client::EarningsServiceClient;
use attain::api::v1::earnings_service_server::{EarningsService, EarningsServiceServer};
use attain::api::v1::measure_service_client::MeasureServiceClient;
use attain::api::v1::payee_service_client::PayeeServiceClient;
use attain::api::v1::plan_service_client::PlanServiceClient;
use attain::api::v1::quota_service_client::QuotaServiceClient;
use attain::app::App;
use attain::ops::client::{Keyed, connect_with};
use attain::storage::{Database, migrate};
use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

const NAME: &str = "attain_bench_reads";
/// Payees per level, from the top: a director, regions, managers, reps.
const LEVELS: [usize; 4] = [1, 9, 90, 900];
const PERIOD: &str = "2026-06";
/// Calls under way at once.
const CALLERS: usize = 32;
/// Deals changed one after the other.
const ROUNDS: usize = 11;
const BATCH: usize = 2000;
const MAX_ANSWER: usize = 64 << 20;
/// Memory for facts, in bytes.
const MEMORY: usize = 4 << 30;

fn name(level: usize, number: usize) -> String {
    format!("L{level}-{number:03}")
}

fn variable(name: &str, default: usize) -> anyhow::Result<usize> {
    Ok(std::env::var(name).map_or(Ok(default), |text| text.parse())?)
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let deals = variable("ATTAIN_BENCH_DEALS", 1_000_000)?;
    let lasting = Duration::from_secs(u64::try_from(variable("ATTAIN_BENCH_SECONDS", 5)?)?);
    let server = PgConnectOptions::from_str(&std::env::var("DATABASE_URL")?)?;
    let mut admin = server.clone().database("postgres").connect().await?;
    run(&mut admin, &format!("drop database if exists {NAME} with (force)")).await?;
    run(&mut admin, &format!("create database {NAME}")).await?;
    let options = server.database(NAME);
    migrate::run(&options).await?;
    let database = Database::new(options.clone(), 20);
    let app = Arc::new(App::with_memory(database.clone(), MEMORY));
    let key = app.create_tenant("bench").await?;
    let listening = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.listen().await }
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let health = Health::new().await;
        server::serve(app, &Limits::default(), None, listener, health, std::future::pending()).await
    });
    let channel = connect_with(&address, None, &key).await?;
    let begun = Instant::now();
    company(&channel, deals).await?;
    println!(
        "{deals} deals of {} payees came in within {:.2?}",
        LEVELS.iter().sum::<usize>(),
        begun.elapsed()
    );

    let before = resident();
    let begun = Instant::now();
    let fixed = statement(&channel, &name(3, 0)).await?;
    println!("first read, with the load into memory: {:.2?}", begun.elapsed());
    println!("memory of {deals} deals: {} MB, from {before} MB", resident() - before);

    let pool = PgPoolOptions::new().max_connections(20).connect_with(options.clone()).await?;
    let tenant = sqlx::query_scalar("select tenant_id from tenant").fetch_one(&pool).await?;
    let fixed = Bare { attainment: attainment(&channel, &name(3, 0)).await?, statement: fixed, select: None };
    let select = bare(Bare { select: Some((pool, tenant)), ..fixed.clone() }).await?;
    let select = connect_with(&select, None, &key).await?;
    let fixed = connect_with(&bare(fixed).await?, None, &key).await?;
    for (ask, what) in [(Ask::Statement, "statements"), (Ask::Attainment, "attainments")] {
        let bare = reading(&fixed, lasting, ask).await?;
        let select = reading(&select, lasting, ask).await?;
        let read = reading(&channel, lasting, ask).await?;
        println!(
            "{what} a second: {read}; fixed ones from memory {bare}, after one SELECT {select}: {} % and {} % of them",
            read * 100 / bare.max(1),
            read * 100 / select.max(1)
        );
    }
    let attainments = reading(&channel, lasting, Ask::Attainment).await?;
    let estimates = reading(&channel, lasting, Ask::Estimate).await?;
    println!(
        "estimates a second: {estimates}; attainments {attainments}: each takes {} % of their time",
        attainments * 100 / estimates.max(1)
    );
    changes(&channel, deals).await?;
    listening.abort();
    database.close().await;
    run(&mut admin, &format!("drop database {NAME} with (force)")).await
}

async fn run(conn: &mut PgConnection, statement: &str) -> anyhow::Result<()> {
    conn.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

/// Megabytes of this process that are in memory.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<usize>().ok());
    kilobytes.unwrap_or_default() / 1024
}

/// A message with a request id of its own.
fn signed(mut message: Value) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    message["requestId"] = json!(format!("bench-{}", COUNT.fetch_add(1, Ordering::Relaxed)));
    message["reason"] = json!("a bench");
    message.to_string()
}

fn plan(id: &str, measure: &str, rates: [(&str, &str); 3]) -> Value {
    let tiers = rates.map(|(edge, rate)| json!({"edgePercent": edge, "ratePercent": rate}));
    json!({"effectiveFrom": "2026-01", "plan": {"planId": id, "name": id, "components": [{
        "componentId": "commission", "name": "Commission", "window": "WINDOW_QUARTER",
        "rates": {"measureId": measure, "mode": "MODE_MARGINAL", "tiers": tiers.to_vec()},
    }]}})
}

/// Everybody, what they are promised, and their deals.
async fn company(channel: &Keyed, deals: usize) -> anyhow::Result<()> {
    let calendar = json!({"calendar": {
        "currencyCode": "USD", "timeZone": "UTC", "fiscalFirstMonth": 1,
        "rounding": "ROUNDING_HALF_AWAY_FROM_ZERO", "firstPeriod": "2026-01",
    }});
    AdminServiceClient::new(channel.clone())
        .set_calendar(from_json::<v1::SetCalendarRequest>(&signed(calendar))?)
        .await?;
    let measure = |id: &str, credit: &str| json!({"measureId": id, "name": id, "eventType": "TYPE_BOOKED", "credit": credit, "value": "VALUE_AMOUNT"});
    let measures =
        json!({"measures": [measure("own", "CREDIT_DIRECT"), measure("team", "CREDIT_ROLLED_UP")]});
    let measures = from_json::<v1::DefineMeasuresRequest>(&signed(measures))?;
    MeasureServiceClient::new(channel.clone()).define_measures(measures).await?;
    for plan in [
        plan("rep", "own", [("0", "5"), ("50", "8"), ("100", "12")]),
        plan("lead", "team", [("0", "0.5"), ("80", "0.75"), ("100", "1")]),
    ] {
        let plan = from_json::<v1::PublishPlanRequest>(&signed(plan))?;
        PlanServiceClient::new(channel.clone()).publish_plan(plan).await?;
    }
    let (mut payees, mut quotas) = (Vec::new(), Vec::new());
    for (level, count) in LEVELS.into_iter().enumerate() {
        for number in 0..count {
            let above = level.checked_sub(1).map(|up| name(up, number * LEVELS[up] / count));
            let (plan, measure) = if level == 3 { ("rep", "own") } else { ("lead", "team") };
            let payee = name(level, number);
            payees.push(json!({"payeeId": payee, "kind": "KIND_PERSON", "assignments": [{
                "startDate": "2026-01-01", "planId": plan, "managerId": above.unwrap_or_default(),
            }]}));
            let amount = json!({"currencyCode": "USD", "amount": format!("{}.00", 1_500_000 * 900 / count)});
            quotas.push(
                json!({"payeeId": payee, "measureId": measure, "window": "FY2026-Q2", "amount": amount}),
            );
        }
    }
    let payees = from_json::<v1::UpsertPayeesRequest>(&signed(json!({ "payees": payees })))?;
    PayeeServiceClient::new(channel.clone()).upsert_payees(payees).await?;
    let quotas = from_json::<v1::SetQuotasRequest>(&signed(json!({ "quotas": quotas })))?;
    QuotaServiceClient::new(channel.clone()).set_quotas(quotas).await?;
    let header = from_json::<v1::ImportHeader>(&signed(json!({"source": "bench"})))?;
    let header = v1::ImportDealsRequest { part: Some(v1::import_deals_request::Part::Header(header)) };
    let batches = (0..deals.div_ceil(BATCH)).map(move |batch| {
        let rows = batch * BATCH..deals.min((batch + 1) * BATCH);
        let row = |place: usize| {
            let row_number = i64::try_from(place).unwrap_or_default() + 1;
            v1::DealRow { row_number, deal: Some(a_deal(place, place * 37 % 9000 + 1)) }
        };
        let batch = v1::DealBatch { rows: rows.map(row).collect(), rejected_rows: Vec::new() };
        v1::ImportDealsRequest { part: Some(v1::import_deals_request::Part::Batch(batch)) }
    });
    let stream = tokio_stream::iter(std::iter::once(header).chain(batches));
    DealServiceClient::new(channel.clone()).import_deals(stream).await?;
    Ok(())
}

fn a_deal(place: usize, dollars: usize) -> v1::Deal {
    v1::Deal {
        deal_id: format!("D-{place:09}"),
        owner_id: name(3, place * 7 % LEVELS[3]),
        outcome: v1::deal::Outcome::Won.into(),
        events: vec![v1::DealEvent {
            event_id: "booked".into(),
            r#type: v1::deal_event::Type::Booked.into(),
            event_date: format!("2026-{:02}-{:02}", place / 900 % 12 + 1, place % 28 + 1),
            amount: format!("{dollars}.00"),
            ..v1::DealEvent::default()
        }],
        ..v1::Deal::default()
    }
}

async fn statement(channel: &Keyed, payee: &str) -> anyhow::Result<v1::GetStatementResponse> {
    let mut client = EarningsServiceClient::new(channel.clone()).max_decoding_message_size(MAX_ANSWER);
    let request =
        v1::GetStatementRequest { payee_id: payee.into(), period: PERIOD.into(), ..Default::default() };
    Ok(client.get_statement(request).await?.into_inner())
}

async fn attainment(channel: &Keyed, payee: &str) -> anyhow::Result<v1::GetAttainmentResponse> {
    let request =
        v1::GetAttainmentRequest { payee_id: payee.into(), period: PERIOD.into(), ..Default::default() };
    Ok(EarningsServiceClient::new(channel.clone()).get_attainment(request).await?.into_inner())
}

/// What a deal that nobody has stored would earn its owner.
async fn estimate(channel: &Keyed, payee: &str) -> anyhow::Result<v1::EstimateDealResponse> {
    let deal =
        v1::Deal { deal_id: "made-up".into(), owner_id: payee.into(), events: Vec::new(), ..a_deal(0, 0) };
    let booking = v1::AssumedEvent {
        event_date: format!("{PERIOD}-15"),
        amount: "12000.00".into(),
        ..v1::AssumedEvent::default()
    };
    let request = v1::EstimateDealRequest {
        source: Some(v1::estimate_deal_request::Source::Deal(deal)),
        assumed_events: vec![booking],
        payee_id: payee.into(),
        period: PERIOD.into(),
        ..v1::EstimateDealRequest::default()
    };
    Ok(EarningsServiceClient::new(channel.clone()).estimate_deal(request).await?.into_inner())
}

#[derive(Clone, Copy)]
enum Ask {
    Statement,
    Attainment,
    Estimate,
}

/// Answers a second to so many callers at once, each time for another rep.
async fn reading(channel: &Keyed, lasting: Duration, ask: Ask) -> anyhow::Result<usize> {
    let begun = Instant::now();
    let callers = (0..CALLERS).map(|caller| {
        let channel = channel.clone();
        tokio::spawn(async move {
            let mut answers = 0;
            while begun.elapsed() < lasting {
                let payee = name(3, (caller * 29 + answers * 7) % LEVELS[3]);
                match ask {
                    Ask::Statement => drop(statement(&channel, &payee).await?),
                    Ask::Attainment => drop(attainment(&channel, &payee).await?),
                    Ask::Estimate => drop(estimate(&channel, &payee).await?),
                }
                answers += 1;
            }
            anyhow::Ok(answers)
        })
    });
    let mut answers = 0;
    for caller in callers.collect::<Vec<_>>() {
        answers += caller.await??;
    }
    Ok(answers * 1000 / usize::try_from(begun.elapsed().as_millis())?)
}

/// One deal changed, to the statements of its payee and three managers.
async fn changes(channel: &Keyed, deals: usize) -> anyhow::Result<()> {
    let line = [name(3, 0), name(2, 0), name(1, 0), name(0, 0)];
    let (mut commits, mut changed, mut again) =
        (Vec::new(), [const { Vec::new() }; 4], [const { Vec::new() }; 4]);
    for round in 0..ROUNDS {
        // The first rep's, in June; each time another amount.
        let deal = a_deal((5 * 900) % deals.max(1), 10_000 + round);
        let request = json!({"deals": []});
        let mut request: v1::UpsertDealsRequest = from_json(&signed(request))?;
        request.deals.push(v1::Deal { owner_id: line[0].clone(), ..deal });
        let begun = Instant::now();
        let answer = DealServiceClient::new(channel.clone()).upsert_deals(request).await?.into_inner();
        commits.push(begun.elapsed());
        let number = answer.receipt.unwrap_or_default().change_number;
        for times in [&mut changed, &mut again] {
            let begun = Instant::now();
            for (payee, times) in line.iter().zip(times) {
                let told = statement(channel, payee).await?.statement.unwrap_or_default();
                anyhow::ensure!(told.as_of_change == number, "{payee} is as of {}", told.as_of_change);
                times.push(begun.elapsed());
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    println!("one deal of {deals} changed, medians of {ROUNDS}: commit {:.2?}", median(&mut commits));
    let who = ["payee", "manager", "region", "director"];
    for ((who, changed), again) in who.iter().zip(&mut changed).zip(&mut again) {
        let (changed, again) = (median(changed), median(again));
        println!(
            "  through the statement of the {who}: {changed:.2?} beyond it; unchanged, read again: {again:.2?}"
        );
    }
    Ok(())
}

/// A server with nothing in it but answers, and a SELECT by primary key before them where there is a pool.
#[derive(Clone)]
struct Bare {
    statement: v1::GetStatementResponse,
    attainment: v1::GetAttainmentResponse,
    select: Option<(PgPool, uuid::Uuid)>,
}

impl Bare {
    async fn select(&self, payee: &str) -> Result<(), Status> {
        let Some((pool, tenant)) = &self.select else { return Ok(()) };
        let select = "select kind from payee where tenant_id = $1 and payee_id = $2 and added_in = 6";
        let found = sqlx::query(select).bind(tenant).bind(payee).fetch_optional(pool).await;
        let found = found.map_err(|error| Status::internal(error.to_string()))?;
        found.map(drop).ok_or_else(|| Status::not_found(payee))
    }
}

#[tonic::async_trait]
impl EarningsService for Bare {
    async fn get_statement(
        &self,
        request: Request<v1::GetStatementRequest>,
    ) -> Result<Response<v1::GetStatementResponse>, Status> {
        self.select(&request.get_ref().payee_id).await?;
        Ok(Response::new(self.statement.clone()))
    }

    async fn get_attainment(
        &self,
        request: Request<v1::GetAttainmentRequest>,
    ) -> Result<Response<v1::GetAttainmentResponse>, Status> {
        self.select(&request.get_ref().payee_id).await?;
        Ok(Response::new(self.attainment.clone()))
    }

    async fn get_team_attainment(
        &self,
        _: Request<v1::GetTeamAttainmentRequest>,
    ) -> Result<Response<v1::GetTeamAttainmentResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn get_statement_page(
        &self,
        _: Request<v1::GetStatementPageRequest>,
    ) -> Result<Response<v1::GetStatementPageResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn explain_earning(
        &self,
        _: Request<v1::ExplainEarningRequest>,
    ) -> Result<Response<v1::ExplainEarningResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }

    async fn estimate_deal(
        &self,
        _: Request<v1::EstimateDealRequest>,
    ) -> Result<Response<v1::EstimateDealResponse>, Status> {
        Err(Status::unimplemented("not measured"))
    }
}

/// Serves it and answers where.
async fn bare(bare: Bare) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let server = Server::builder().add_service(EarningsServiceServer::new(bare));
    tokio::spawn(async move { server.serve_with_incoming(incoming).await });
    Ok(address)
}
