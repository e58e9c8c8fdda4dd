//! The journal: who did what, and the proof that nothing was altered since.

use attain::domain::change::Change;
use attain::domain::encode::{digest, hex};
use serde_json::{Value, json};
use sqlx::Row as _;

use crate::harness::cluster::{execute, url};
use crate::harness::company::{calendar, deal};
use crate::harness::{Server, Tenant, attain};

#[tokio::test]
async fn changes_say_who_did_what_and_why() {
    let tenant = Tenant::new().await;
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let listed = tenant.get("AdminService/ListChanges", json!({})).await;
    let changes = listed["changes"].as_array().unwrap();
    let key = tenant.admin.key.split('_').nth(2).unwrap();
    let told = |change: &Value| {
        let text = |name: &str| change[name].as_str().unwrap_or("-").to_string();
        ["number", "actor", "rpc", "requestId", "reason"].map(text).join(" ")
    };
    assert_eq!(
        changes.iter().map(told).collect::<Vec<_>>(),
        [
            "1 attain attain tenant create tenant-create -".to_string(),
            format!("2 {key} attain.v1.AdminService/SetCalendar r-0 a test"),
        ]
    );
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    let anchor = format!("2:{}", changes[1]["hash"].as_str().unwrap());
    let expected = json!({"sound": true, "changes": "2", "rows": "2", "anchor": anchor});
    assert_eq!(verified, expected);
    let after = tenant.get("AdminService/ListChanges", json!({"afterChange": "1"})).await;
    assert_eq!(after["changes"].as_array().unwrap()[..], changes[1..]);
    let bad = tenant.refused("AdminService/VerifyJournal", json!({"anchors": ["2"]})).await;
    let expected = "InvalidArgument INVALID_REQUEST: anchors[0] must be a change's number and hash, \"17:9f86…\", got \"2\"\n\
                    anchors[0]: must be a change's number and hash, \"17:9f86…\", got \"2\"";
    assert_eq!(bad, expected);
}

/// What verification by rpc says of the journal and of each anchor.
async fn verified(tenant: &Tenant, anchors: &[&str]) -> String {
    let answer = tenant.get("AdminService/VerifyJournal", json!({ "anchors": anchors })).await;
    let checks = answer["anchors"].as_array().cloned().unwrap_or_default();
    for (check, anchor) in checks.iter().zip(anchors) {
        assert_eq!(check["anchor"], *anchor);
    }
    let states: Vec<_> = checks.iter().map(|check| check["state"].as_str().unwrap().to_string()).collect();
    let fault = answer["firstFault"].as_str().unwrap_or("sound");
    format!("{fault} {}", states.join(" ")).trim_end().to_string()
}

async fn anchor(tenant: &Tenant, number: i64) -> String {
    let answer = tenant.get("AdminService/GetAnchor", json!({"asOfChange": number.to_string()})).await;
    let anchor = answer["anchor"].as_str().unwrap().to_string();
    assert!(anchor.starts_with(&format!("{}:", answer["asOfChange"].as_str().unwrap())), "{answer}");
    anchor
}

#[tokio::test]
async fn an_anchor_is_of_the_head_or_of_any_change() {
    let tenant = Tenant::new().await;
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let changes = tenant.get("AdminService/ListChanges", json!({})).await["changes"].clone();
    for (asked, change) in [(0, &changes[1]), (1, &changes[0]), (2, &changes[1])] {
        let answer = tenant.get("AdminService/GetAnchor", json!({"asOfChange": asked.to_string()})).await;
        let (number, hash) = (change["number"].as_str().unwrap(), change["hash"].as_str().unwrap());
        let expected = json!({"anchor": format!("{number}:{hash}"), "changeTime": change["changeTime"], "asOfChange": number});
        assert_eq!(answer, expected);
    }
    let head = anchor(&tenant, 0).await;
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["anchor"], head);
    let (first, other) = (anchor(&tenant, 1).await, format!("2:{}", "0".repeat(64)));
    assert_eq!(verified(&tenant, &[&first, &head]).await, "sound STATE_HOLDS STATE_HOLDS");
    assert_eq!(
        verified(&tenant, &[&head, &other]).await,
        "change 2: its hash is not the anchor's STATE_HOLDS STATE_DIFFERS"
    );
}

/// A tenant whose last change, the eighth, tells of a deal; the anchors of the last two.
async fn told_of_a_deal() -> (Tenant, String, String) {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    let (seventh, head) = (anchor(&tenant, 7).await, anchor(&tenant, 0).await);
    assert_eq!(verified(&tenant, &[&seventh, &head]).await, "sound STATE_HOLDS STATE_HOLDS");
    (tenant, seventh, head)
}

/// `attain verify` with anchors: whether it was content, and its lines.
fn verify(tenant: &Tenant, anchors: &[&str]) -> (bool, String) {
    let database = url(&tenant.options);
    let mut arguments = vec!["verify", "--database-url", &database, "--tenant", &tenant.slug];
    for anchor in anchors {
        arguments.extend(["--anchor", anchor]);
    }
    let (done, out, _) = attain(&arguments);
    (done, out)
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_seen_by_an_anchor_alone() {
    let (tenant, seventh, head) = told_of_a_deal().await;
    let mut root = tenant.database().await;
    for cut in [
        "delete from deal where added_in = 8",
        "delete from deal_event where added_in = 8",
        "delete from change where number = 8",
        "update head set number = 7, hash = (select hash from change where number = 7)",
    ] {
        execute(&mut root, cut).await;
    }
    let fault = "change 8: kept as anchor, but the journal ends at change 7";
    assert_eq!(verified(&tenant, &[]).await, "sound");
    assert_eq!(verified(&tenant, &[&seventh]).await, "sound STATE_HOLDS");
    assert_eq!(verified(&tenant, &[&seventh, &head]).await, format!("{fault} STATE_HOLDS STATE_BEYOND"));
    let slug = &tenant.slug;
    let (done, out) = verify(&tenant, &[&seventh, &head]);
    let expected = format!(
        "{slug}: ALTERED: {fault}\n{slug}: anchor {seventh} holds\n\
         {slug}: anchor {head} is BEYOND the head, change 7: the journal's end was cut off\n"
    );
    assert_eq!((done, out), (false, expected));
    let (done, out) = verify(&tenant, &[&seventh]);
    assert!(done && out.ends_with(&format!("\n{slug}: anchor {seventh} holds\n")), "{out}");
}

#[tokio::test]
async fn a_tail_that_was_written_anew_is_seen_by_an_anchor_alone() {
    let (tenant, seventh, head) = told_of_a_deal().await;
    let mut root = tenant.database().await;
    // Whoever can compute hashes makes the last change somebody else's, and the chain fits.
    let row = sqlx::query(
        "select c.*, t.tenant_id::text as name from change c join tenant t using (tenant_id) where number = 8",
    );
    let row = row.fetch_one(&mut root).await.unwrap();
    let change = Change {
        number: 8,
        previous_hash: row.get("previous_hash"),
        time: row.get("time"),
        actor: "mallory".to_string(),
        rpc: row.get("rpc"),
        request_id: row.get("request_id"),
        request_digest: row.get("request_digest"),
        reason_digest: row.get("reason_digest"),
        rows_digest: row.get("rows_digest"),
        answer_digest: digest(row.get("answer")),
    };
    let hash = hex(&change.hash(&row.get::<String, _>("name")));
    execute(&mut root, &format!("update change set actor = 'mallory', hash = '\\x{hash}' where number = 8"))
        .await;
    execute(&mut root, &format!("update head set hash = '\\x{hash}'")).await;
    let fault = "change 8: its hash is not the anchor's";
    assert_eq!(verified(&tenant, &[]).await, "sound");
    assert_eq!(verified(&tenant, &[&head, &seventh]).await, format!("{fault} STATE_DIFFERS STATE_HOLDS"));
    let slug = &tenant.slug;
    let (done, out) = verify(&tenant, &[&head]);
    let expected = format!(
        "{slug}: ALTERED: {fault}\n{slug}: anchor {head} DIFFERS: the journal up to it was written anew\n"
    );
    assert_eq!((done, out), (false, expected));
    // The journal goes on from there, and the anchor still differs.
    tenant.deals(&[deal("d2", "ann", "2026-01-10", "1.00")]).await;
    assert_eq!(verified(&tenant, &[&head]).await, format!("{fault} STATE_DIFFERS"));
}

/// Tables whose rows are kept aside while one of them is altered.
const TABLES: [&str; 15] = [
    "change",
    "head",
    "calendar",
    "api_key",
    "payee",
    "assignment",
    "measure",
    "plan_version",
    "plan_draft",
    "quota",
    "deal",
    "deal_event",
    "period_close",
    "posting",
    "statement_part",
];

#[tokio::test]
async fn whatever_is_altered_behind_the_services_back_is_named() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "120000.00")]).await;
    tenant.deals(&[deal("d1", "bob", "2026-01-10", "120000.00")]).await;
    tenant.close("2026-01").await;
    let next = json!({"draft": {"draftId": "next", "plan": {"planId": "rep"}}});
    tenant.write("PlanService/SaveDraft", next).await;
    let (slug, database) = (tenant.slug.clone(), url(&tenant.options));
    let verify = |more: &[&str]| attain(&[&["verify", "--database-url", &database], more].concat());
    let anchor =
        tenant.get("AdminService/VerifyJournal", json!({})).await["anchor"].as_str().unwrap().to_string();
    let (done, out, error) = verify(&["--tenant", &slug, "--anchor", &anchor]);
    assert!(done, "{out}{error}");
    // Key, calendar, 2 measures, 2 plans, 3 payees, 3 assignments, 3 quotas, 2 deals, event, close, 4 postings, the
    // statements of bob and the lead, and a draft.
    assert!(out.starts_with(&format!("{slug}: sound, 11 changes, ")), "{out}");
    let rows: usize = out.split("changes, ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(rows >= 25, "{out}");

    let mut root = tenant.database().await;
    execute(&mut root, "create schema kept").await;
    // Whoever alters behind our back takes away what stands in the way.
    execute(&mut root, "drop index deal_current").await;
    for table in TABLES {
        execute(&mut root, &format!("create table kept.{table} as select * from {table}")).await;
    }
    for (alter, expected) in [
        (
            "update deal set owner_id = 'lead' where removed_in is null",
            "deal d1 of change 9: its columns do not give its digest",
        ),
        (
            "update deal set source_version = 0 where removed_in is null",
            "deal d1 of change 9: its columns do not give its digest",
        ),
        (
            "update deal_event set source_version = 0",
            "deal_event d1 b of change 8: its columns do not give its digest",
        ),
        (
            "update payee set source_version = 7 where payee_id = 'ann'",
            "payee ann of change 6: its columns do not give its digest",
        ),
        (
            "update deal_event set amount = 120000.01",
            "deal_event d1 b of change 8: its columns do not give its digest",
        ),
        ("update posting set amount = amount + 1", "posting "),
        ("delete from posting", "change 10: "),
        (
            "update change set actor = 'mallory' where number = 4",
            "change 4: its columns do not give its hash",
        ),
        (
            "update change set reason = 'none' where number = 4",
            "change 4: its reason is not the one that its hash is made of",
        ),
        ("delete from change where number = 4", "change 4: missing, change 5 follows change 3"),
        ("delete from change where number = 11", "head: names change 11, the journal ends at change 10"),
        (
            "update plan_draft set body = '{}'",
            "plan_draft next of change 11: its columns do not give its digest",
        ),
        ("update statement_part set body = replace(body, '0', '1')", "statement_part "),
        ("delete from statement_part", "change 10: "),
        (
            "update period_close set earned = '{1}'",
            "period_close 2026-01 of change 10: its columns do not give its digest",
        ),
        (
            "update payee set name = 'Other' where payee_id = 'ann'",
            "payee ann of change 6: its columns do not give its digest",
        ),
        (
            "update assignment set title = 'Boss' where payee_id = 'ann'",
            "assignment ann 2026-01-01 of change 6: its columns do not give its digest",
        ),
        (
            "update quota set amount = amount + 1 where payee_id = 'bob'",
            "quota bob own FY2026 of change 7: its columns do not give its digest",
        ),
        (
            "update measure set levels = 1 where measure_id = 'team'",
            "measure team of change 3: its columns do not give its digest",
        ),
        (
            "update plan_version set body = replace(body, '\"20\"', '\"21\"') where plan_id = 'rep'",
            "plan_version rep version 1 of change 4: its columns do not give its digest",
        ),
        (
            "update calendar set zone = 'UTC'",
            "calendar calendar of change 2: its columns do not give its digest",
        ),
        ("update api_key set role = 'AUDITOR'", "api_key "),
        (
            "delete from quota where payee_id = 'bob'",
            "change 7: a row that it added or superseded was altered, added or deleted",
        ),
        (
            "update deal set removed_in = null where removed_in is not null",
            "change 9: a row that it added or superseded was altered, added or deleted",
        ),
        ("update head set ledger = 3", "head: "),
    ] {
        let changed = sqlx::raw_sql(sqlx::AssertSqlSafe(alter)).execute(&mut root).await.unwrap();
        assert!(changed.rows_affected() > 0, "{alter} alters nothing");
        let (done, out, error) = verify(&["--tenant", &slug]);
        let fault =
            out.strip_prefix(&format!("{slug}: ALTERED: ")).unwrap_or_else(|| panic!("{alter}: {out}"));
        assert!(fault.starts_with(expected), "{alter}: {fault}");
        assert!(!done && error.contains("1 of 1 tenants were altered"), "{error}");
        for table in TABLES {
            execute(&mut root, &format!("delete from {table}")).await;
            execute(&mut root, &format!("insert into {table} select * from kept.{table}")).await;
        }
    }
    let (done, out, _) = verify(&[]);
    assert!(done, "{out}");
}

#[tokio::test]
async fn every_tenant_is_verified_and_the_altered_one_named() {
    let mut sound = Tenant::alone().await;
    let server: &Server = sound.server();
    let altered = Tenant::on(server);
    altered.write("AdminService/SetCalendar", calendar()).await;
    let mut root = sound.database().await;
    execute(&mut root, "update calendar set zone = 'UTC'").await;
    let (done, out, error) = attain(&["verify", "--database-url", &url(&sound.options)]);
    assert!(!done && error.contains("1 of 2 tenants were altered"), "{error}");
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort();
    let mut expected = [
        format!("{}: sound, 1 changes, 1 rows, head 1:", sound.slug),
        format!("{}: ALTERED: calendar", altered.slug),
    ];
    expected.sort();
    for (line, expected) in lines.iter().zip(&expected) {
        assert!(line.starts_with(expected.as_str()), "{line}");
    }
    let (done, _, error) = attain(&["verify", "--tenant", "nobody", "--database-url", &url(&sound.options)]);
    assert!(!done && error.contains("there is no tenant \"nobody\""), "{error}");
}

#[tokio::test]
async fn lost_keys_are_replaced_by_a_new_admin_key_which_is_a_change() {
    let tenant = Tenant::new().await;
    let database = url(&tenant.options);
    let key = |slug: &str, more: &[&str]| {
        attain(&[&["tenant", "key", slug, "--database-url", &database], more].concat())
    };
    let (done, out, error) = key(&tenant.slug, &["--reason", "the old one left with its holder"]);
    assert!(done, "{error}");
    let made = tenant.with_key(out.trim_end());
    assert!(made.key.starts_with(&format!("attain_{}_k", tenant.slug)) && out.lines().count() == 1, "{out}");
    // It may do everything, and the others stay as they are until somebody revokes them.
    let keys = made.get("AdminService/ListKeys", json!({})).await;
    let roles: Vec<_> = keys["keys"].as_array().unwrap().iter().map(|key| &key["role"]).collect();
    assert_eq!(roles, ["ROLE_ADMIN", "ROLE_ADMIN"]);
    let listed = tenant.get("AdminService/ListChanges", json!({"afterChange": "1"})).await;
    let change = &listed["changes"][0];
    let id = made.key.split('_').nth(2).unwrap();
    let told = ["number", "actor", "rpc", "requestId", "reason"].map(|name| change[name].as_str().unwrap());
    let request = format!("tenant-key-{id}");
    assert_eq!(told, ["2", "attain", "attain tenant key", &request, "the old one left with its holder"]);
    assert_eq!(made.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
    let (done, out, error) = key("nobody", &[]);
    assert!(!done && out.is_empty() && error.contains("tenant nobody not found"), "{error}");
    let (done, _, error) = key(&tenant.slug, &["--reason", "a\nb"]);
    assert!(!done && error.contains("must have no control characters"), "{error}");
    assert_eq!(tenant.head().await, 2);
}
