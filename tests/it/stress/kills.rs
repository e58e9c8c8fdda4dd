//! A hundred times an import or a close, with the server killed at one of the moments at which it speaks to the
//! database; then the same request to a new server. Beside it a tenant lives through the same in peace: after every
//! round both hold the same, down to the change numbers, and so no round left a trace of its failures.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tonic::Status;

use crate::harness::client::Client;
use crate::harness::cluster::{cluster, url};
use crate::harness::company::{calendar, deal, measures, payee, plan, quota};
use crate::harness::proxy::Proxy;
use crate::harness::{Server, Tenant, attain, random};

const ROUNDS: usize = 100;
const REPS: [&str; 3] = ["ann", "bob", "cat"];

/// What is asked of both tenants.
struct Work {
    rpc: &'static str,
    messages: Vec<Value>,
}

impl Work {
    async fn send(&self, client: &Client) -> Result<Value, Status> {
        let answers = client.stream(self.rpc, self.messages.clone()).await?;
        Ok(answers.last().unwrap().clone())
    }
}

/// Days and deals that the rounds are about.
struct Script {
    random: StdRng,
    /// Months closed so far.
    closed: usize,
    deals: usize,
}

/// A month, counted from January 2026.
fn month(place: usize) -> String {
    format!("{}-{:02}", 2026 + place / 12, place % 12 + 1)
}

impl Script {
    fn next(&mut self, round: usize) -> Work {
        let request_id = format!("round-{round}");
        if self.random.random_ratio(1, 3) {
            let period = month(self.closed);
            self.closed += 1;
            let message = json!({"requestId": request_id, "reason": "a test", "period": period});
            return Work { rpc: "PeriodService/ClosePeriod", messages: vec![message] };
        }
        let header = json!({"header": {"requestId": request_id, "source": "crm"}});
        let mut messages = vec![header];
        let mut row = 1;
        for _ in 0..self.random.random_range(1..=3) {
            let rows: Vec<_> = (0..self.random.random_range(1..=8))
                .map(|_| {
                    row += 1;
                    json!({"rowNumber": row.to_string(), "deal": self.deal()})
                })
                .collect();
            messages.push(json!({"batch": { "rows": rows }}));
        }
        Work { rpc: "DealService/ImportDeals", messages }
    }

    /// A deal of the open month or a late one; one in four tells an earlier one otherwise; one in ten names nobody.
    fn deal(&mut self) -> Value {
        let random = &mut self.random;
        let id = if self.deals > 0 && random.random_ratio(1, 4) {
            random.random_range(0..self.deals)
        } else {
            self.deals += 1;
            self.deals - 1
        };
        let owner =
            if random.random_ratio(1, 10) { "nobody" } else { REPS[random.random_range(0..REPS.len())] };
        let day =
            format!("{}-{:02}", month(random.random_range(0..=self.closed)), random.random_range(1..=28));
        let amount = format!("{}.{:02}", random.random_range(1..30_000), random.random_range(0..100));
        deal(&format!("d{id}"), owner, &day, &amount)
    }
}

async fn company(tenant: &Tenant) {
    tenant.write("AdminService/SetCalendar", calendar()).await;
    tenant.write("MeasureService/DefineMeasures", measures()).await;
    let rep = plan("rep", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "20")]);
    tenant.write("PlanService/PublishPlan", rep).await;
    tenant.write("PlanService/PublishPlan", plan("lead", "team", "WINDOW_MONTH", &[("0", "1")])).await;
    let reps = REPS.iter().map(|id| payee(id, "rep", "lead"));
    let payees: Vec<_> = std::iter::once(payee("lead", "lead", "")).chain(reps).collect();
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": payees })).await;
    let quotas = (2026..2036).flat_map(|year| {
        let year = format!("FY{year}");
        let own = REPS.map(|id| quota(id, "own", &year, "400000.00"));
        own.into_iter().chain([quota("lead", "team", &year, "900000.00")]).collect::<Vec<_>>()
    });
    let quotas: Vec<_> = quotas.collect();
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
}

/// What reads a digest of all rows of a tenant, table by table, but for its keys, the change that made the first of
/// them, and what time and chance put into the others.
async fn state_query(root: &mut PgConnection) -> String {
    let tables = "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and a.attname = 'tenant_id'
            and c.relname not in ('tenant', 'api_key') order by 1";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(root).await.unwrap();
    assert!(tables.contains(&"posting".to_string()), "{tables:?}");
    let chance =
        "'{tenant_id,digest,salt,time,actor,hash,previous_hash,rows_digest,reason_salt,reason_digest}'";
    let parts = tables.iter().map(|table| {
        format!(
            "select '{table}', count(*), coalesce(md5(string_agg(said, ',' order by said)), '')
            from (select (to_jsonb(t) - {chance}::text[])::text as said from {table} t
                where tenant_id = (select tenant_id from tenant where slug = $1)
                    and to_jsonb(t) ->> 'number' is distinct from '1') as rows"
        )
    });
    parts.collect::<Vec<_>>().join(" union all ")
}

async fn state(root: &mut PgConnection, query: &str, slug: &str) -> BTreeMap<String, (i64, String)> {
    let query = AssertSqlSafe(query.to_string());
    let rows: Vec<(String, i64, String)> = sqlx::query_as(query).bind(slug).fetch_all(root).await.unwrap();
    rows.into_iter().map(|(table, count, digest)| (table, (count, digest))).collect()
}

async fn head(root: &mut PgConnection, slug: &str) -> i64 {
    let head = "select number from head where tenant_id = (select tenant_id from tenant where slug = $1)";
    sqlx::query_scalar(head).bind(slug).fetch_one(root).await.unwrap()
}

/// How the rounds went.
#[derive(Debug, Default)]
struct Tally {
    /// Killed before the change was made.
    undone: usize,
    /// Killed after it, before or after the caller heard.
    done: usize,
    imports: usize,
    closes: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_at_any_moment_leaves_one_effect_of_every_request() {
    let database = cluster().database().await;
    let mut root = PgConnection::connect_with(&database).await.unwrap();
    let query = state_query(&mut root).await;
    let proxy = Proxy::to(&database).await;
    let mut server = Server::start(&proxy.options, &[]);
    let (mut peace, mut war) = (Tenant::on(&server), Tenant::on(&server));
    company(&peace).await;
    company(&war).await;
    let mut script = Script { random: random(), closed: 0, deals: 0 };
    let mut tally = Tally::default();
    for round in 0..ROUNDS {
        let work = script.next(round);
        *(if work.rpc.starts_with("Deal") { &mut tally.imports } else { &mut tally.closes }) += 1;
        proxy.heard();
        let expected = work.send(&peace).await.unwrap_or_else(|status| panic!("round {round}: {status}"));
        let said = proxy.heard();
        let before = head(&mut root, &war.slug).await;
        // Now and then the second attempt dies too.
        loop {
            // One in four about the commit, which is among the last: of many messages few others fall there.
            let first = if script.random.random_ratio(1, 4) { said.saturating_sub(2) } else { 0 };
            let (messages, whole) = (script.random.random_range(first..=said), script.random.random());
            proxy.kill_after(messages, whole, server.pid());
            match work.send(&war).await {
                Ok(answer) => assert_eq!(answer, expected, "round {round}"),
                Err(status) => assert!(!proxy.spare(), "round {round}: refused by a live server: {status}"),
            }
            proxy.spare();
            server.kill();
            let moved = head(&mut root, &war.slug).await > before;
            *(if moved { &mut tally.done } else { &mut tally.undone }) += 1;
            server = Server::start(&proxy.options, &[]);
            (peace.admin.channel, war.admin.channel) = (server.channel(), server.channel());
            if script.random.random_ratio(3, 4) {
                break;
            }
        }
        let again = work.send(&war).await.unwrap_or_else(|status| panic!("round {round} again: {status}"));
        assert_eq!(again, expected, "round {round} again");
        assert_eq!(head(&mut root, &war.slug).await, before + 1, "round {round}");
        let verified = war.get("AdminService/VerifyJournal", json!({})).await;
        assert_eq!(verified["sound"], true, "round {round}: {verified}");
        let states = (state(&mut root, &query, &war.slug).await, state(&mut root, &query, &peace.slug).await);
        assert_eq!(states.0, states.1, "round {round}");
    }
    println!("{tally:?}");
    // Else nothing was tried.
    assert!(tally.undone > 10 && tally.done > 3 && tally.closes > 10, "{tally:?}");
    let (sound, out, error) = attain(&["verify", "--database-url", &url(&database)]);
    assert!(sound, "{out}{error}");
    assert_eq!(out.matches(": sound, ").count(), 2, "{out}");
}
