//! The journal, migrations and small facts on a real database.

use std::str::FromStr as _;
use std::task::Poll;

use attain::domain::condition::{Formula, Root};
use attain::domain::date::{Calendar, Day, Period, WindowKind};
use attain::domain::deal::EventKind;
use attain::domain::draft::Draft;
use attain::domain::encode::{Digest, Record, digest};
use attain::domain::fault::{Fault, Reason};
use attain::domain::id::{PayeeId, TenantId};
use attain::domain::measure::{Amount, CreditKind, Measure, MeasureValue, Selection, Source, Unit};
use attain::domain::money::{Currency, Rounding};
use attain::domain::number::{Number, Percent, Quantity};
use attain::domain::payee::{Assignment, Payee, PayeeKind};
use attain::domain::plan::{
    Axis, Component, Modifiers, Payout, Plan, PlanVersion, RateKind, RateMode, Rates, ReversalRule, Tier,
};
use attain::domain::quota::{Goal, Proration, Quota, QuotaKey, Ramp, Relief};
use attain::storage::journal::{self, ChangeFilter, Entry, Head};
use attain::storage::key::{self, ApiKey};
use attain::storage::migrate::{self, MigrateFault};
use attain::storage::{
    Database, RowCheck, Stored, Written, calendar, draft, measure, payee, plan, quota, tenant,
};
use chrono::{DateTime, Utc};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Postgres, Row as _, Transaction};
use uuid::Uuid;

use crate::harness::cluster::cluster;

/// A migrated database with one tenant.
async fn ready() -> (PgConnectOptions, Database, TenantId) {
    let options = cluster().database().await;
    let db = Database::new(options.clone(), 4);
    let tenant = found(&db, 1, "acme").await.unwrap();
    (options, db, tenant)
}

async fn found(db: &Database, id: u128, slug: &str) -> Result<TenantId, Fault> {
    let id = TenantId(Uuid::from_u128(id));
    let mut tx = db.begin_global().await?;
    tenant::create(&mut tx, id, slug, time("2026-01-01T00:00:00Z")).await?;
    tx.commit().await.unwrap();
    Ok(id)
}

/// Begins a write: the transaction and the head it holds.
async fn begin(db: &Database, tenant: TenantId) -> (Transaction<'static, Postgres>, Head, i64) {
    let mut tx = db.begin(tenant, None).await.unwrap();
    let head = journal::lock(&mut tx, tenant).await.unwrap();
    (tx, head, head.number + 1)
}

async fn commit(mut tx: Transaction<'static, Postgres>, tenant: TenantId, head: Head) {
    let request = format!("r-{}", head.number + 1).parse().unwrap();
    let entry = Entry {
        actor: "k1",
        rpc: "Write",
        request_id: &request,
        request_digest: digest(b"body"),
        reason: None,
        time: time("2026-01-02T03:04:05Z"),
    };
    let number = journal::append(&mut tx, tenant, &head, &entry, b"answer", false).await.unwrap();
    assert_eq!(number, head.number + 1);
    tx.commit().await.unwrap();
}

async fn write_payees(db: &Database, tenant: TenantId, payees: &[Payee]) -> Written {
    let (mut tx, head, n) = begin(db, tenant).await;
    let written = payee::upsert(&mut tx, tenant, n, payees).await.unwrap();
    commit(tx, tenant, head).await;
    written
}

fn time(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn reporting(from: &str, to: Option<&str>, manager: Option<&str>) -> Assignment {
    Assignment {
        from: day(from),
        to: to.map(day),
        title: Some("Account executive".to_string()),
        manager: manager.map(|id| id.parse().unwrap()),
        territory: None,
        plan: Some("P-1".parse().unwrap()),
        target_incentive: Some(4_000_050),
        currency: Currency::parse("USD").unwrap(),
    }
}

fn person(id: &str, assignments: Vec<Assignment>) -> Payee {
    let name = Some(format!("Name of {id}"));
    Payee {
        id: id.parse().unwrap(),
        kind: PayeeKind::Person,
        name,
        email: None,
        assignments,
        source_version: None,
    }
}

fn usual_calendar() -> Calendar {
    Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::Europe::Berlin,
        fiscal_first_month: 7,
        rounding: Rounding::HalfEven,
        first_period: Period::parse("2025-07").unwrap(),
    }
}

fn usual_measure(id: &str) -> Measure {
    Measure {
        id: id.parse().unwrap(),
        name: "Bookings".to_string(),
        source: Source::Credits(Selection {
            event: EventKind::Booked,
            credit: CreditKind::RolledUp,
            levels: 2,
            roles: vec!["AE".parse().unwrap(), "SE".parse().unwrap()],
            value: MeasureValue::Amount,
            condition: None,
            expression: None,
        }),
        step: None,
    }
}

fn usual_plan(id: &str, version: u32, measure: &str) -> PlanVersion {
    let number = |text| Number::parse(text).unwrap();
    let tier = |edge, rate| Tier { edge: number(edge), edge_lower: false, rate: number(rate), flat: None };
    let rates = Rates {
        measure: measure.parse().unwrap(),
        line: None,
        mode: RateMode::Marginal,
        retroactive_to: None,
        axis: Axis::Attainment,
        pays: RateKind::Percent,
        tiers: vec![tier("0", "7.5"), tier("100", "12")],
    };
    let component = Component {
        id: "base".parse().unwrap(),
        name: "Base".to_string(),
        window: WindowKind::Quarter,
        reversal: ReversalRule::AtOrigin,
        clawback: None,
        line_kept: false,
        target_percent: None,
        payout: Payout::Rates(rates),
        proration: Proration::Days,
        modifiers: Modifiers::default(),
    };
    let plan = Plan {
        id: id.parse().unwrap(),
        name: "Plan".to_string(),
        currency: Currency::parse("USD").unwrap(),
        components: vec![component],
        cap: None,
    };
    PlanVersion { version, effective_from: Period::parse("2026-01").unwrap(), plan }
}

fn usual_draft(name: &str) -> Draft {
    let body = format!(r#"{{"name": "{name}"}}"#);
    Draft { id: "P-next".parse().unwrap(), body, effective_from: Some(Period::parse("2026-04").unwrap()) }
}

/// The number of the last migration there is.
fn newest() -> u32 {
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap();
    let name = |file: std::io::Result<std::fs::DirEntry>| file.unwrap().file_name().into_string().unwrap();
    files.map(|file| name(file)[..4].parse().unwrap()).max().unwrap()
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let options = cluster().empty_database().await;
    assert_eq!(migrate::run(&options).await.unwrap(), newest());
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    let applied = "select array_agg(applied_time order by number) from attain_migration";
    let first: Vec<DateTime<Utc>> = sqlx::query_scalar(applied).fetch_one(&mut conn).await.unwrap();
    assert_eq!(migrate::run(&options).await.unwrap(), newest());
    let second: Vec<DateTime<Utc>> = sqlx::query_scalar(applied).fetch_one(&mut conn).await.unwrap();
    let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/migrations")).unwrap().count();
    assert_eq!((first.len(), first), (files, second));
}

#[tokio::test]
async fn two_binaries_may_migrate_at_once() {
    let options = cluster().empty_database().await;
    let (one, other) = tokio::join!(migrate::run(&options), migrate::run(&options));
    assert_eq!((one.unwrap(), other.unwrap()), (newest(), newest()));
}

#[tokio::test]
async fn a_database_of_a_newer_binary_is_refused() {
    let options = cluster().empty_database().await;
    migrate::run(&options).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    let newer = "insert into attain_migration values (99, 'later', '', now())";
    sqlx::query(newer).execute(&mut conn).await.unwrap();
    let fault = migrate::run(&options).await.unwrap_err();
    assert!(matches!(fault, MigrateFault::Newer { database: 99, .. }), "{fault}");
    assert!(fault.to_string().contains("schema 99"), "{fault}");
    assert!(fault.to_string().ends_with(&format!("up to {}", newest())), "{fault}");
}

#[tokio::test]
async fn a_migration_of_another_text_is_refused() {
    let options = cluster().empty_database().await;
    migrate::run(&options).await.unwrap();
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    let alter = "update attain_migration set digest = sha256('other') where number = 2";
    sqlx::query(alter).execute(&mut conn).await.unwrap();
    let fault = migrate::run(&options).await.unwrap_err();
    assert!(matches!(fault, MigrateFault::Altered { number: 2, name: "facts" }), "{fault}");
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named_without_the_password() {
    let options = PgConnectOptions::from_str("postgres://app:hunter2@127.0.0.1:1/books").unwrap();
    let fault = migrate::run(&options).await.unwrap_err();
    assert!(matches!(fault, MigrateFault::Unreachable { .. }), "{fault}");
    let text = fault.to_string();
    assert!(text.contains("books at 127.0.0.1:1 cannot be reached"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn the_service_may_read_migrations_and_change_only_what_supersedes_or_erases() {
    let (_, db, tenant) = ready().await;
    write_payees(&db, tenant, &[person("a", vec![])]).await;
    for (statement, allowed) in [
        ("select number from attain_migration", true),
        ("insert into attain_migration values (99, 'later', '', now())", false),
        ("update payee set removed_in = 2 where removed_in is null", true),
        ("update payee set kind = 'FIRM'", false),
        ("update payee set name = null, email = null, salt = null, erased = '{}', erased_in = 1", true),
        ("delete from payee", false),
        ("update change set actor = 'nobody'", false),
        ("truncate change", false),
    ] {
        let mut tx = db.begin(tenant, None).await.unwrap();
        let result = sqlx::raw_sql(statement).execute(&mut *tx).await;
        assert_eq!(result.is_ok(), allowed, "{statement}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("42501"), "{statement}");
        }
    }
}

#[tokio::test]
async fn tenants_have_slugs_of_their_own() {
    let (_, db, acme) = ready().await;
    let fault = found(&db, 2, "acme").await.unwrap_err();
    assert_eq!(fault.reason, Reason::InvalidRequest);
    assert_eq!(fault.violations[0].field, "slug");
    let zenith = found(&db, 3, "Zenith").await.unwrap();
    let mut tx = db.begin_global().await.unwrap();
    assert_eq!(tenant::by_slug(&mut tx, "acme").await, Ok(Some(acme)));
    assert_eq!(tenant::by_slug(&mut tx, "zenith").await, Ok(None));
    let all = vec![(zenith, "Zenith".to_string()), (acme, "acme".to_string())];
    assert_eq!(tenant::list(&mut tx).await, Ok(all));
}

#[tokio::test]
async fn tenants_do_not_see_each_other() {
    let (_, db, acme) = ready().await;
    let other = found(&db, 2, "other").await.unwrap();
    write_payees(&db, acme, &[person("a", vec![reporting("2026-01-01", None, None)])]).await;
    write_payees(&db, other, &[person("b", vec![]), person("c", vec![])]).await;
    let mut tx = db.begin(other, None).await.unwrap();
    for (table, rows) in [("payee", 2_i64), ("assignment", 0), ("change", 1), ("head", 1)] {
        let count = AssertSqlSafe(format!("select count(*) from {table}"));
        let seen: i64 = sqlx::query_scalar(count).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(seen, rows, "{table}");
    }
    assert_eq!(payee::all(&mut tx, acme, 1).await, Ok(vec![]));
    // Nor may one write what would be the other's.
    let forged = payee::upsert(&mut tx, acme, 2, &[person("d", vec![])]).await.unwrap_err();
    assert_eq!(forged.reason, Reason::Internal);
    let mut tx = db.begin_global().await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from payee").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(seen, 0);
}

/// A call whose deadline passes is dropped wherever it stands.
#[tokio::test]
async fn a_read_given_up_at_any_point_leaves_its_connection_fit_for_a_write() {
    let (options, db, tenant) = ready().await;
    db.close().await;
    let db = Database::new(options, 1);
    for polls in 1..=20 {
        let mut read = Box::pin(db.snapshot(tenant, None));
        let mut polled = 0;
        std::future::poll_fn(|context| {
            polled += 1;
            let ready = read.as_mut().poll(context).is_ready();
            if ready || polled == polls { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        drop(read);
        let (tx, head, _) = begin(&db, tenant).await;
        commit(tx, tenant, head).await;
    }
}

#[tokio::test]
async fn changes_are_numbered_and_chained() {
    let (_, db, tenant) = ready().await;
    let (mut tx, head, _) = begin(&db, tenant).await;
    assert_eq!(head, Head { number: 0, hash: [0; 32], ledger: 0 });
    let request = "first".parse().unwrap();
    let entry = Entry {
        actor: "k1",
        rpc: "Close",
        request_id: &request,
        request_digest: digest(b"one"),
        reason: Some("because"),
        time: time("2026-03-31T10:00:00.123456789Z"),
    };
    assert_eq!(journal::append(&mut tx, tenant, &head, &entry, b"", true).await, Ok(1));
    tx.commit().await.unwrap();
    write_payees(&db, tenant, &[]).await;

    let mut tx = db.snapshot(tenant, None).await.unwrap();
    let stored = journal::list(&mut tx, tenant, &ChangeFilter::default(), 0, 2, 10).await.unwrap();
    assert_eq!(stored.iter().map(|stored| stored.change.number).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(stored[0].change.time, time("2026-03-31T10:00:00.123456Z"));
    // The clock of whoever wrote the second was months behind.
    assert_eq!(stored[1].change.time, stored[0].change.time);
    assert_eq!(stored[0].reason.as_deref(), Some("because"));
    assert_ne!(stored[0].change.reason_digest, Some(digest(b"because")));
    assert_eq!((stored[1].reason.clone(), stored[1].change.reason_digest), (None, None));
    assert_eq!(stored[0].change.previous_hash, [0; 32]);
    assert_eq!(stored[1].change.previous_hash, stored[0].hash);
    for stored in &stored {
        assert_eq!(stored.change.hash(&tenant.to_string()), stored.hash);
        assert_eq!(stored.change.rows_digest, digest(b""));
    }
    let head = journal::head(&mut tx, tenant).await.unwrap();
    assert_eq!(head, Head { number: 2, hash: stored[1].hash, ledger: 1 });
    for (after, as_of, limit, numbers) in [(0, 1, 10, vec![1]), (1, 2, 10, vec![2]), (0, 2, 1, vec![1])] {
        let stored =
            journal::list(&mut tx, tenant, &ChangeFilter::default(), after, as_of, limit).await.unwrap();
        assert_eq!(stored.iter().map(|stored| stored.change.number).collect::<Vec<_>>(), numbers);
    }
    // The salt beside the reason opens its digest.
    let salt: Vec<u8> = sqlx::query_scalar("select reason_salt from change where number = 1")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(salt.len(), 32);
    assert_eq!(stored[0].change.reason_digest, Some(digest(&[&salt, &b"because"[..]].concat())));
}

#[tokio::test]
async fn a_change_is_not_appended_to_a_head_that_moved() {
    let (_, db, tenant) = ready().await;
    let (tx, stale, _) = begin(&db, tenant).await;
    commit(tx, tenant, stale).await;
    let (mut tx, _, _) = begin(&db, tenant).await;
    let request = "again".parse().unwrap();
    let entry = Entry {
        actor: "k1",
        rpc: "Write",
        request_id: &request,
        request_digest: digest(b"body"),
        reason: None,
        time: time("2026-01-02T03:04:05Z"),
    };
    let fault = journal::append(&mut tx, tenant, &stale, &entry, b"", false).await.unwrap_err();
    assert_eq!(fault.reason, Reason::Internal);
}

#[tokio::test]
async fn a_request_id_answers_again_or_is_refused() {
    let (_, db, tenant) = ready().await;
    write_payees(&db, tenant, &[]).await;
    let (used, unused) = ("r-1".parse().unwrap(), "R-1".parse().unwrap());
    let mut tx = db.begin(tenant, None).await.unwrap();
    let body = digest(b"body");
    let answer = journal::replay(&mut tx, tenant, "Write", &used, &body).await;
    assert_eq!(answer, Ok(Some(b"answer".to_vec())));
    assert_eq!(journal::replay(&mut tx, tenant, "Write", &unused, &body).await, Ok(None));
    for (rpc, body) in [("Write", digest(b"other")), ("Other", body)] {
        let fault = journal::replay(&mut tx, tenant, rpc, &used, &body).await.unwrap_err();
        assert_eq!(fault.reason, Reason::RequestIdReused);
        assert_eq!(fault.metadata["request_id"], "r-1");
        assert_eq!(fault.metadata["change"], "1");
    }
}

/// The rows digest of a change by hand: its rows' digests with their signs, sorted, hashed.
async fn rows_by_hand(options: &PgConnectOptions, tables: &[&str], n: i64) -> (usize, Digest) {
    let mut conn = PgConnection::connect_with(options).await.unwrap();
    let mut entries: Vec<Vec<u8>> = Vec::new();
    for table in tables {
        let sql = AssertSqlSafe(format!("select digest, added_in, removed_in from {table}"));
        for row in sqlx::query(sql).fetch_all(&mut conn).await.unwrap() {
            let digest: Vec<u8> = row.get("digest");
            if row.get::<i64, _>("added_in") == n {
                entries.push([b"+", digest.as_slice()].concat());
            }
            if row.get::<Option<i64>, _>("removed_in") == Some(n) {
                entries.push([b"-", digest.as_slice()].concat());
            }
        }
    }
    entries.sort();
    (entries.len(), digest(&entries.concat()))
}

#[tokio::test]
async fn the_rows_digest_is_over_all_rows_added_and_superseded() {
    let (options, db, tenant) = ready().await;
    let calendar = usual_calendar();
    for name in ["First", "Second"] {
        let (mut tx, head, n) = begin(&db, tenant).await;
        let mut measure = usual_measure("m");
        measure.name = name.to_string();
        let key = ApiKey {
            id: "k1".parse().unwrap(),
            role: "ADMIN".to_string(),
            payee: None,
            label: Some(name.to_string()),
            secret_hash: digest(b"secret"),
            revoked: false,
        };
        let window = calendar.window(WindowKind::Year, Period::parse("2026-03").unwrap());
        let goal = QuotaKey { payee: "a".parse().unwrap(), measure: measure.id.clone(), window };
        let goal = Quota::stated(goal, usual_calendar().currency, Amount::Money(n * 100));
        calendar::set(
            &mut tx,
            tenant,
            n,
            &Calendar { fiscal_first_month: u8::try_from(n).unwrap(), ..calendar },
        )
        .await
        .unwrap();
        key::upsert(&mut tx, tenant, n, &[key]).await.unwrap();
        let from = format!("2026-0{n}-01");
        payee::upsert(&mut tx, tenant, n, &[person("a", vec![reporting(&from, None, None)])]).await.unwrap();
        measure::upsert(&mut tx, tenant, n, &[measure]).await.unwrap();
        quota::set(&mut tx, tenant, n, &calendar, &[goal]).await.unwrap();
        let version = u32::try_from(n).unwrap();
        plan::insert(&mut tx, tenant, n, &usual_plan("P-1", version, "m")).await.unwrap();
        draft::save(&mut tx, tenant, n, &usual_draft(name)).await.unwrap();
        commit(tx, tenant, head).await;
    }
    let tables =
        ["calendar", "api_key", "payee", "assignment", "measure", "quota", "plan_version", "plan_draft"];
    let mut tx = db.begin(tenant, None).await.unwrap();
    let stored = journal::list(&mut tx, tenant, &ChangeFilter::default(), 0, 2, 10).await.unwrap();
    // First eight rows; then all but payee anew, all but payee and plan version superseded.
    for (n, stored, rows) in [(1, &stored[0], 8), (2, &stored[1], 13)] {
        let (count, digest) = rows_by_hand(&options, &tables, n).await;
        assert_eq!((count, digest), (rows, stored.change.rows_digest), "change {n}");
    }
}

async fn checks(db: &Database, tenant: TenantId) -> Vec<RowCheck> {
    let mut tx = db.snapshot(tenant, None).await.unwrap();
    let mut checks = Vec::new();
    calendar::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    key::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    payee::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    measure::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    quota::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    plan::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    draft::check_rows(&mut tx, tenant, |check| checks.push(check)).await.unwrap();
    checks
}

#[tokio::test]
async fn an_altered_row_shows() {
    let (options, db, tenant) = ready().await;
    let calendar = usual_calendar();
    let (mut tx, head, n) = begin(&db, tenant).await;
    let window = calendar.window(WindowKind::Month, Period::parse("2026-03").unwrap());
    let goal = QuotaKey { payee: "a".parse().unwrap(), measure: "m".parse().unwrap(), window };
    let key = ApiKey {
        id: "k1".parse().unwrap(),
        role: "ADMIN".to_string(),
        payee: Some("a".parse().unwrap()),
        label: None,
        secret_hash: digest(b"secret"),
        revoked: false,
    };
    calendar::set(&mut tx, tenant, n, &calendar).await.unwrap();
    key::upsert(&mut tx, tenant, n, &[key]).await.unwrap();
    payee::upsert(&mut tx, tenant, n, &[person("a", vec![reporting("2026-01-01", None, None)])])
        .await
        .unwrap();
    measure::upsert(&mut tx, tenant, n, &[usual_measure("m")]).await.unwrap();
    quota::set(
        &mut tx,
        tenant,
        n,
        &calendar,
        &[Quota::stated(goal, usual_calendar().currency, Amount::Money(1_200_000))],
    )
    .await
    .unwrap();
    plan::insert(&mut tx, tenant, n, &usual_plan("P-1", 1, "m")).await.unwrap();
    draft::save(&mut tx, tenant, n, &usual_draft("Draft")).await.unwrap();
    commit(tx, tenant, head).await;
    let before = checks(&db, tenant).await;
    let keys: Vec<_> = before.iter().map(|check| (check.noun, check.key.as_str())).collect();
    assert_eq!(
        keys,
        [
            ("calendar", "calendar of change 1"),
            ("api_key", "k1 of change 1"),
            ("payee", "a of change 1"),
            ("assignment", "a 2026-01-01 of change 1"),
            ("measure", "m of change 1"),
            ("quota", "a m 2026-03 of change 1"),
            ("plan_version", "P-1 version 1 of change 1"),
            ("plan_draft", "P-next of change 1"),
        ]
    );
    for check in &before {
        assert_eq!(check.stored, check.computed, "{}", check.key);
    }
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    for (place, sql) in [
        "update calendar set zone = 'UTC'",
        "update api_key set revoked = true",
        "update payee set name = 'Other'",
        "update assignment set target_incentive = target_incentive + 0.01",
        "update measure set roles = '{AE,SE,AE}'",
        "update quota set amount = 12000.01",
        "update plan_version set body = body || ' '",
        "update plan_draft set effective_from = '2026-05'",
    ]
    .into_iter()
    .enumerate()
    {
        sqlx::query(sql).execute(&mut conn).await.unwrap();
        let altered: Vec<bool> =
            checks(&db, tenant).await.iter().map(|check| check.stored != check.computed).collect();
        let expected: Vec<bool> = (0..8).map(|row| row <= place).collect();
        assert_eq!(altered, expected, "{sql}");
    }
}

#[tokio::test]
async fn payees_are_written_where_they_differ() {
    let (options, db, tenant) = ready().await;
    let two =
        || vec![reporting("2026-01-01", Some("2026-02-01"), None), reporting("2026-02-01", None, Some("b"))];
    let written = |written, unchanged| Written { written, unchanged };
    let (a, b) = (person("a", two()), person("b", vec![]));
    assert_eq!(write_payees(&db, tenant, &[a.clone(), b.clone()]).await, written(2, 0));
    assert_eq!(write_payees(&db, tenant, &[a.clone(), b.clone()]).await, written(0, 2));
    let renamed = Payee { name: None, email: Some("b@example.com".to_string()), ..b.clone() };
    assert_eq!(write_payees(&db, tenant, &[a.clone(), renamed.clone()]).await, written(1, 1));
    // Change 4 takes an assignment away, 5 changes one, 6 puts everything back.
    let mut shorter = a.clone();
    shorter.assignments.pop();
    assert_eq!(write_payees(&db, tenant, std::slice::from_ref(&shorter)).await, written(1, 0));
    let mut raised = shorter.clone();
    raised.assignments[0].target_incentive = Some(4_000_051);
    assert_eq!(write_payees(&db, tenant, std::slice::from_ref(&raised)).await, written(1, 0));
    assert_eq!(write_payees(&db, tenant, std::slice::from_ref(&a)).await, written(1, 0));

    let mut tx = db.begin(tenant, None).await.unwrap();
    let (id_a, id_b): (PayeeId, PayeeId) = (a.id.clone(), b.id.clone());
    for (as_of, value, added_in) in
        [(1, &a, 1), (2, &a, 1), (3, &a, 1), (4, &shorter, 4), (5, &raised, 5), (6, &a, 6)]
    {
        let stored = Some(Stored { value: value.clone(), added_in });
        assert_eq!(payee::get(&mut tx, tenant, as_of, &id_a).await, Ok(stored), "as of {as_of}");
    }
    for (as_of, value, added_in) in [(1, &b, 1), (2, &b, 1), (3, &renamed, 3), (6, &renamed, 3)] {
        let stored = Some(Stored { value: value.clone(), added_in });
        assert_eq!(payee::get(&mut tx, tenant, as_of, &id_b).await, Ok(stored), "as of {as_of}");
    }
    assert_eq!(payee::get(&mut tx, tenant, 0, &id_a).await, Ok(None));
    assert_eq!(payee::get(&mut tx, tenant, 6, &"A".parse().unwrap()).await, Ok(None));
    assert_eq!(payee::all(&mut tx, tenant, 6).await, Ok(vec![a.clone(), renamed.clone()]));
    assert_eq!(payee::all(&mut tx, tenant, 4).await, Ok(vec![shorter, renamed.clone()]));
    let (stored_a, stored_b) = (Stored { value: a, added_in: 6 }, Stored { value: renamed, added_in: 3 });
    let all = payee::PayeeFilter::default();
    assert_eq!(payee::list(&mut tx, tenant, 6, &all, None, None, 1).await, Ok(vec![stored_a]));
    assert_eq!(payee::list(&mut tx, tenant, 6, &all, None, Some(&id_a), 9).await, Ok(vec![stored_b]));
    assert_eq!(payee::list(&mut tx, tenant, 6, &all, None, Some(&id_b), 9).await, Ok(vec![]));
    let ids = ["c", "a", "c"].map(|id| id.parse().unwrap());
    assert_eq!(payee::missing(&mut tx, tenant, &ids).await, Ok(vec!["c".parse().unwrap()]));

    // Each version that was true once is a row, and no more: a; b twice; the assignments 3 and 2 times.
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    for (table, rows) in [("payee", 3_i64), ("assignment", 5)] {
        let count = AssertSqlSafe(format!("select count(*) from {table}"));
        let count: i64 = sqlx::query_scalar(count).fetch_one(&mut conn).await.unwrap();
        assert_eq!(count, rows, "{table}");
    }
}

#[tokio::test]
async fn reporting_lines_are_walked_whatever_their_days() {
    let (_, db, tenant) = ready().await;
    // a reports to b, then to c; b to d; d back to a: a circle that no single day has. e is apart.
    let payees = [
        person(
            "a",
            vec![
                reporting("2026-01-01", Some("2026-02-01"), Some("b")),
                reporting("2026-02-01", None, Some("c")),
            ],
        ),
        person("b", vec![reporting("2026-01-01", Some("2026-02-01"), Some("d"))]),
        person("c", vec![reporting("2026-01-01", None, None)]),
        person("d", vec![reporting("2026-03-01", None, Some("a"))]),
        person("e", vec![reporting("2026-01-01", None, Some("f"))]),
        person("f", vec![]),
    ];
    write_payees(&db, tenant, &payees).await;
    write_payees(&db, tenant, &[person("e", vec![])]).await;
    let mut tx = db.begin(tenant, None).await.unwrap();
    for (from, lines) in [
        (vec!["a"], vec!["a-b", "a-c", "b-d", "d-a"]),
        (vec!["c"], vec![]),
        (vec!["d"], vec!["a-b", "a-c", "b-d", "d-a"]),
        (vec!["e", "c"], vec![]),
        (vec![], vec![]),
    ] {
        let ids: Vec<PayeeId> = from.iter().map(|id| id.parse().unwrap()).collect();
        let found = payee::lines_above(&mut tx, tenant, &ids).await.unwrap();
        let found: Vec<String> =
            found.iter().map(|line| format!("{}-{}", line.payee, line.manager)).collect();
        assert_eq!(found, lines, "{from:?}");
    }
    for (id, as_of, expected) in [
        ("a", 2, vec!["a", "b", "d"]),
        ("c", 2, vec!["a", "b", "c", "d"]),
        ("f", 2, vec!["f"]),
        ("f", 1, vec!["e", "f"]),
        ("f", 0, vec!["f"]),
    ] {
        let found = payee::below(&mut tx, tenant, as_of, &id.parse().unwrap()).await.unwrap();
        let found: Vec<&str> = found.iter().map(PayeeId::as_str).collect();
        assert_eq!(found, expected, "{id} as of {as_of}");
    }
}

#[tokio::test]
async fn a_calendar_is_read_as_of_a_change() {
    let (_, db, tenant) = ready().await;
    let first = usual_calendar();
    let second = Calendar { rounding: Rounding::HalfAwayFromZero, ..first };
    for (calendar, changed) in [(first, true), (first, false), (second, true)] {
        let (mut tx, head, n) = begin(&db, tenant).await;
        let written = calendar::set(&mut tx, tenant, n, &calendar).await.unwrap();
        let expected = Written { written: u64::from(changed), unchanged: u64::from(!changed) };
        assert_eq!(written, expected, "change {n}");
        commit(tx, tenant, head).await;
    }
    let mut tx = db.begin(tenant, None).await.unwrap();
    for (as_of, expected) in [(0, None), (1, Some((first, 1))), (2, Some((first, 1))), (3, Some((second, 3)))]
    {
        let expected = expected.map(|(value, added_in)| Stored { value, added_in });
        assert_eq!(calendar::get(&mut tx, tenant, as_of).await, Ok(expected), "as of {as_of}");
    }
}

#[tokio::test]
async fn a_key_is_found_as_it_is_now() {
    let (_, db, tenant) = ready().await;
    let fresh = ApiKey {
        id: "k1".parse().unwrap(),
        role: "PAYEE".to_string(),
        payee: Some("a".parse().unwrap()),
        label: Some("Ann's phone".to_string()),
        secret_hash: digest(b"secret"),
        revoked: false,
    };
    let revoked = ApiKey { revoked: true, ..fresh.clone() };
    for (key, changed) in [(&fresh, 1), (&fresh, 0), (&revoked, 1)] {
        let (mut tx, head, n) = begin(&db, tenant).await;
        let written = key::upsert(&mut tx, tenant, n, std::slice::from_ref(key)).await.unwrap();
        assert_eq!(written, Written { written: changed, unchanged: 1 - changed }, "change {n}");
        commit(tx, tenant, head).await;
    }
    let mut tx = db.begin(tenant, None).await.unwrap();
    assert_eq!(key::get(&mut tx, tenant, &fresh.id).await, Ok(Some(revoked.clone())));
    assert_eq!(key::get(&mut tx, tenant, &"K1".parse().unwrap()).await, Ok(None));
    let at_first = Stored { value: fresh.clone(), added_in: 1 };
    assert_eq!(key::list(&mut tx, tenant, 2, None, 9).await, Ok(vec![at_first]));
    assert_eq!(key::list(&mut tx, tenant, 3, Some(&fresh.id), 9).await, Ok(vec![]));
}

#[tokio::test]
async fn measures_in_use_are_those_of_quotas_and_published_plans() {
    let (_, db, tenant) = ready().await;
    let calendar = usual_calendar();
    let window = calendar.window(WindowKind::Quarter, Period::parse("2026-03").unwrap());
    let goal = QuotaKey { payee: "a".parse().unwrap(), measure: "by-quota".parse().unwrap(), window };
    let names = ["by-line", "by-plan", "by-quota", "by-reports", "free"];
    let measures: Vec<Measure> = names.map(usual_measure).to_vec();
    let (mut tx, head, n) = begin(&db, tenant).await;
    let written = measure::upsert(&mut tx, tenant, n, &measures).await.unwrap();
    assert_eq!(written, Written { written: 5, unchanged: 0 });
    let goal = Quota {
        goal: Goal::SumOfReports("by-reports".parse().unwrap()),
        ..Quota::stated(goal, usual_calendar().currency, Amount::Money(0))
    };
    quota::set(&mut tx, tenant, n, &calendar, &[goal]).await.unwrap();
    let mut planned = usual_plan("P-1", 1, "by-plan");
    let Payout::Rates(rates) = &mut planned.plan.components[0].payout else { panic!() };
    rates.line = Some("by-line".parse().unwrap());
    plan::insert(&mut tx, tenant, n, &planned).await.unwrap();
    commit(tx, tenant, head).await;
    let (mut tx, head, n) = begin(&db, tenant).await;
    let mut other = usual_measure("free");
    let Source::Credits(selection) = &mut other.source else { unreachable!() };
    selection.roles.reverse();
    let given = [usual_measure("by-plan"), other.clone()];
    let written = measure::upsert(&mut tx, tenant, n, &given).await.unwrap();
    assert_eq!(written, Written { written: 1, unchanged: 1 });
    commit(tx, tenant, head).await;

    let mut tx = db.begin(tenant, None).await.unwrap();
    let ids = ["free", "by-quota", "by-plan", "rates", "absent", "by-line", "by-reports"];
    let ids = ids.map(|id| id.parse().unwrap());
    let used = measure::in_use(&mut tx, tenant, &ids).await.unwrap();
    assert_eq!(
        used.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        ["by-line", "by-plan", "by-quota", "by-reports"]
    );
    let missing = measure::missing(&mut tx, tenant, &ids).await.unwrap();
    assert_eq!(missing.iter().map(|id| id.as_str()).collect::<Vec<_>>(), ["absent", "rates"]);
    assert_eq!(measure::all(&mut tx, tenant, 1).await, Ok(measures.clone()));
    let now = Stored { value: other, added_in: 2 };
    assert_eq!(measure::get(&mut tx, tenant, 2, &ids[0]).await, Ok(Some(now.clone())));
    assert_eq!(measure::list(&mut tx, tenant, 2, Some(&ids[6]), 9).await, Ok(vec![now]));
    let (mut tx, head, n) = begin(&db, tenant).await;
    let text = "deal.product == \"Ü\" &&\n  number(deal.attributes.seats) > 2.50";
    let with = |condition: Option<&str>| {
        let mut measure = usual_measure("told");
        let Source::Credits(selection) = &mut measure.source else { unreachable!() };
        selection.condition = condition.map(|text| Formula::condition(text, &Root::ALL).unwrap());
        selection.value = MeasureValue::Expression(Unit::Number);
        selection.expression = Some(Formula::expression("event.amount / 3", &Root::OF_EVENT).unwrap());
        measure
    };
    let (told, other) = (with(Some(text)), with(None));
    let given = std::slice::from_ref(&told);
    assert_eq!(measure::upsert(&mut tx, tenant, n, given).await.unwrap().written, 1);
    commit(tx, tenant, head).await;
    let (mut tx, head, n) = begin(&db, tenant).await;
    assert_eq!(measure::upsert(&mut tx, tenant, n, given).await.unwrap().unchanged, 1);
    assert_eq!(measure::upsert(&mut tx, tenant, n, std::slice::from_ref(&other)).await.unwrap().written, 1);
    commit(tx, tenant, head).await;
    let mut tx = db.begin(tenant, None).await.unwrap();
    assert_eq!(measure::get(&mut tx, tenant, 3, &told.id).await.unwrap().unwrap().value, told);
    assert_eq!(measure::get(&mut tx, tenant, 4, &told.id).await.unwrap().unwrap().value, other);
    let mut too_deep = usual_measure("deep");
    let Source::Credits(selection) = &mut too_deep.source else { unreachable!() };
    selection.levels = 2_147_483_648;
    let fault = measure::upsert(&mut tx, tenant, 3, &[too_deep]).await.unwrap_err();
    assert_eq!((fault.reason, fault.violations[0].field.as_str()), (Reason::InvalidRequest, "levels"));
}

#[tokio::test]
async fn quotas_are_listed_by_payee_measure_and_window() {
    let (options, db, tenant) = ready().await;
    let calendar = usual_calendar();
    let goal = |payee: &str, measure: &str, window: &str, amount| {
        let window = calendar.parse_window(window).unwrap();
        let key = QuotaKey { payee: payee.parse().unwrap(), measure: measure.parse().unwrap(), window };
        Quota::stated(key, usual_calendar().currency, Amount::Money(amount))
    };
    let first = [
        goal("a", "m", "2026-03", 0),
        goal("a", "m", "FY2026", 99_999_999_999_999_999),
        goal("a", "n", "FY2026-Q3", 1),
        goal("b", "m", "FY2026", 1250),
    ];
    let raised = goal("b", "m", "FY2026", 1251);
    let (mut tx, head, n) = begin(&db, tenant).await;
    let written = quota::set(&mut tx, tenant, n, &calendar, &first).await.unwrap();
    assert_eq!(written, Written { written: 4, unchanged: 0 });
    commit(tx, tenant, head).await;
    let (mut tx, head, n) = begin(&db, tenant).await;
    let given = [first[0].clone(), raised.clone()];
    let written = quota::set(&mut tx, tenant, n, &calendar, &given).await.unwrap();
    assert_eq!(written, Written { written: 1, unchanged: 1 });
    commit(tx, tenant, head).await;

    let mut tx = db.begin(tenant, None).await.unwrap();
    assert_eq!(quota::all(&mut tx, tenant, 1, &calendar).await, Ok(first.to_vec()));
    let now = Stored { value: raised.clone(), added_in: 2 };
    assert_eq!(quota::get(&mut tx, tenant, 2, &calendar, &raised.key).await, Ok(Some(now)));
    let (a, m) = ("a".parse().unwrap(), "m".parse().unwrap());
    for (payee, measure, after, limit, places) in [
        (None, None, None, 2, vec![0, 1]),
        (None, None, Some(1), 9, vec![2, 3]),
        (Some(&a), None, Some(0), 9, vec![1, 2]),
        (None, Some(&m), None, 9, vec![0, 1, 3]),
        (Some(&a), Some(&m), Some(1), 9, vec![]),
    ] {
        let selection = quota::Selection { payee, measure, windows: None };
        let after = after.map(|place: usize| &first[place].key);
        let found = quota::list(&mut tx, tenant, 1, &calendar, selection, after, limit).await.unwrap();
        let expected: Vec<_> =
            places.iter().map(|place: &usize| Stored { value: first[*place].clone(), added_in: 1 }).collect();
        assert_eq!(found, expected, "{payee:?} {measure:?} {after:?} {limit}");
    }
    // Rows hold major units and the calendar's own window text.
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    let row =
        "select amount::text || ' ' || window_id from quota where payee_id = 'b' and removed_in is null";
    let row: String = sqlx::query_scalar(row).fetch_one(&mut conn).await.unwrap();
    assert_eq!(row, "12.510 FY2026");
}

#[tokio::test]
async fn a_quota_keeps_everything_that_makes_it_effective() {
    let (_, db, tenant) = ready().await;
    let calendar = usual_calendar();
    let key = |measure: &str, window: &str| {
        let window = calendar.parse_window(window).unwrap();
        QuotaKey { payee: "a".parse().unwrap(), measure: measure.parse().unwrap(), window }
    };
    let percents =
        |texts: &str| texts.split(' ').map(|text| Percent::parse(text).unwrap()).collect::<Vec<_>>();
    let seasonality = percents("5 5 10 10 10 10 10 10 10 10 9.999999 0.000001").try_into().unwrap();
    let ramp = Ramp { start: Period::parse("2025-10").unwrap(), percents: percents("25 50 75 100") };
    let relief = |on: &str, amount| Relief { day: Day::parse(on).unwrap(), amount };
    let money = Quota {
        seasonality: Some(seasonality),
        ramp: Some(ramp),
        proration: Proration::Seasonal,
        reliefs: vec![relief("2025-08-01", Amount::Money(50)), relief("2026-01-31", Amount::Money(1))],
        ..Quota::stated(key("m", "FY2026"), usual_calendar().currency, Amount::Money(1_200_000))
    };
    let units = Quota {
        reliefs: vec![relief("2025-08-01", Amount::Number(Quantity(1_500_000)))],
        ..Quota::stated(
            key("n", "FY2026-H1"),
            usual_calendar().currency,
            Amount::Number(Quantity(12_000_001)),
        )
    };
    let reports = Quota {
        goal: Goal::SumOfReports("m".parse().unwrap()),
        ..Quota::stated(key("o", "2025-07"), usual_calendar().currency, Amount::Money(0))
    };
    let quotas = [money.clone(), units, reports];
    let mut reads = Vec::new();
    for (given, expected) in [
        (&quotas[..], (3, 0)),
        (&quotas[..], (0, 3)),
        (&[Quota { proration: Proration::None, ..money.clone() }][..], (1, 0)),
        (&[Quota { ramp: None, ..money.clone() }][..], (1, 0)),
    ] {
        let (mut tx, head, n) = begin(&db, tenant).await;
        let written = quota::set(&mut tx, tenant, n, &calendar, given).await.unwrap();
        assert_eq!((written.written, written.unchanged), expected, "change {n}");
        commit(tx, tenant, head).await;
        let mut tx = db.snapshot(tenant, None).await.unwrap();
        reads.push(quota::all(&mut tx, tenant, n, &calendar).await.unwrap());
    }
    assert_eq!(reads[1], quotas);
    assert_eq!(reads[2][0], Quota { proration: Proration::None, ..money.clone() });
    assert_eq!(reads[3][0], Quota { ramp: None, ..money });
    for check in checks(&db, tenant).await {
        assert_eq!(check.stored, check.computed, "{}", check.key);
    }
}

/// The digest of what version 0.1 wrote, which a row without anything newer gives for ever.
#[tokio::test]
async fn what_was_written_before_keeps_its_digest_and_reads() {
    let (options, db, tenant) = ready().await;
    let calendar = usual_calendar();
    let record = Record::new("quota", 1).text(1, "a").text(2, "m").text(3, "FY2026").text(4, "12.5");
    let body = r#"{"id":"P","name":"Plan","currency":"USD","components":[{"id":"base","name":"Base","window":"QUARTER","reversal":"AT_ORIGIN","payout":{"RATES":{"measure":"m","mode":"MARGINAL","tiers":[{"edge":"0","rate":"7.5"},{"edge":"100","rate":"12"}]}}}]}"#;
    let plan_record =
        Record::new("plan_version", 1).text(1, "P").text(2, "1").text(3, "2026-01").text(4, body);
    let mut conn = PgConnection::connect_with(&options).await.unwrap();
    sqlx::query(
        "insert into quota (tenant_id, payee_id, measure_id, window_id, amount, digest, added_in)
        values ($1, 'a', 'm', 'FY2026', 12.5, $2, 1)",
    )
    .bind(tenant.0)
    .bind(record.digest())
    .execute(&mut conn)
    .await
    .unwrap();
    sqlx::query(
        "insert into plan_version (tenant_id, plan_id, version, effective_from, body, digest, added_in)
        values ($1, 'P', 1, '2026-01', $2, $3, 1)",
    )
    .bind(tenant.0)
    .bind(body)
    .bind(plan_record.digest())
    .execute(&mut conn)
    .await
    .unwrap();
    for check in checks(&db, tenant).await {
        assert_eq!(check.stored, check.computed, "{}", check.key);
    }
    let mut tx = db.begin(tenant, None).await.unwrap();
    let key = QuotaKey {
        payee: "a".parse().unwrap(),
        measure: "m".parse().unwrap(),
        window: calendar.parse_window("FY2026").unwrap(),
    };
    let stated = Quota::stated(key, usual_calendar().currency, Amount::Money(1250));
    assert_eq!(quota::all(&mut tx, tenant, 1, &calendar).await, Ok(vec![stated.clone()]));
    // Said again it is the same fact.
    let written = quota::set(&mut tx, tenant, 2, &calendar, &[stated]).await.unwrap();
    assert_eq!(written, Written { written: 0, unchanged: 1 });
    assert_eq!(plan::all(&mut tx, tenant, 1).await, Ok(vec![usual_plan("P", 1, "m")]));
    // And what is written today without anything newer reads as it did then.
    assert_eq!(serde_json::to_string(&usual_plan("P", 1, "m").plan).unwrap(), body);
}

#[tokio::test]
async fn plan_versions_stay_as_published() {
    let (_, db, tenant) = ready().await;
    let published = [usual_plan("P", 1, "m"), usual_plan("P", 2, "n"), usual_plan("Q", 1, "m")];
    for version in [&published[0], &published[2], &published[1]] {
        let (mut tx, head, n) = begin(&db, tenant).await;
        plan::insert(&mut tx, tenant, n, version).await.unwrap();
        commit(tx, tenant, head).await;
    }
    let mut tx = db.begin(tenant, None).await.unwrap();
    let stored = |place: usize, added_in| Stored { value: published[place].clone(), added_in };
    let p = "P".parse().unwrap();
    assert_eq!(plan::versions(&mut tx, tenant, 3, &p).await, Ok(vec![stored(0, 1), stored(1, 3)]));
    assert_eq!(plan::versions(&mut tx, tenant, 2, &p).await, Ok(vec![stored(0, 1)]));
    assert_eq!(plan::all(&mut tx, tenant, 3).await, Ok(published.to_vec()));
    let rest = plan::list(&mut tx, tenant, 3, None, Some((&p, 1)), 9).await;
    assert_eq!(rest, Ok(vec![stored(1, 3), stored(2, 2)]));
    let currencies = plan::currencies(&mut tx, tenant, 3, &["R".parse().unwrap(), p.clone()]).await;
    assert_eq!(currencies, Ok([(p, published[0].plan.currency)].into()));
    // Nothing publishes a version again.
    let again = plan::insert(&mut tx, tenant, 4, &published[0]).await.unwrap_err();
    assert_eq!(again.reason, Reason::Internal);
}
