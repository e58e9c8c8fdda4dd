//! Erasing personal data: nothing of a person is left anywhere, no figure moves, and whatever else is altered still shows.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::harness::cluster::{cluster, execute, url};
use crate::harness::company::{deal, payee, quota};
use crate::harness::{Tenant, attain};

const ERASE: &str = "AdminService/ErasePersonalData";

/// Words that stand nowhere but in what was told of one person.
const PLANTED: [&str; 9] = [
    "Zebulon",
    "zeb@quist.example",
    "Quistcorp",
    "Renewal with Zeb",
    "Zeb's laptop",
    "Zeb asked",
    "zeb.csv",
    "raw row of Zeb",
    "Zeborah",
];

/// Every row of every table as text, bytes as the text that they are.
async fn dump(root: &mut PgConnection) -> String {
    let tables = "select relname::text from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace order by relname";
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut *root).await.unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut text = String::new();
    for table in tables {
        let rows = AssertSqlSafe(format!("select t::text from {table} as t"));
        let rows: Vec<String> = sqlx::query_scalar(rows).fetch_all(&mut *root).await.unwrap();
        text.extend(rows.iter().map(|row| format!("{table} {row}\n")));
    }
    // Where text was kept as bytes, its hexadecimal stands in the row.
    let bytes = "select string_agg(convert_from(answer, 'UTF8'), ' ') from change";
    let answers: String = sqlx::query_scalar(bytes).fetch_one(&mut *root).await.unwrap();
    text + &answers
}

/// Which planted words a text holds, as they are or in hexadecimal.
fn found(text: &str) -> Vec<&'static str> {
    let hex = |word: &str| word.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    PLANTED.into_iter().filter(|word| text.contains(word) || text.contains(&hex(word))).collect()
}

/// Everything that is shown of what was planted.
async fn reads(tenant: &Tenant, import: &str) -> Vec<Value> {
    let mut shown = Vec::new();
    for (rpc, message) in [
        ("PayeeService/GetPayee", json!({"payeeId": "zeb"})),
        ("PayeeService/GetPayee", json!({"payeeId": "zeb", "asOfChange": "8"})),
        ("PayeeService/ListPayees", json!({})),
        ("DealService/GetDeal", json!({"dealId": "d1"})),
        ("DealService/GetDeal", json!({"dealId": "d1", "asOfChange": "10"})),
        ("DealService/ListDeals", json!({})),
        ("DealService/ListRejectedRows", json!({"changeNumber": import})),
        ("AdminService/ListKeys", json!({})),
        ("AdminService/ListChanges", json!({})),
    ] {
        shown.push(tenant.get(rpc, message).await);
    }
    shown
}

fn named(id: &str, customer: &str) -> Value {
    let mut deal = deal(id, "zeb", "2026-01-10", "1000.00");
    deal["customerId"] = json!(customer);
    deal["customerName"] = json!("Quistcorp");
    deal["name"] = json!("Renewal with Zeb");
    deal
}

fn import() -> Vec<Value> {
    vec![
        json!({"header": {"requestId": "import", "source": "zeb.csv", "reason": "nightly"}}),
        json!({"batch": {"rows": [{"rowNumber": "1", "deal": deal("d9", "zeb", "2026-01-11", "Zeborah")}],
            "rejectedRows": [{"rowNumber": "2", "reasons": ["no date in \"Zebulon\"", "no owner"], "raw": "raw row of Zeb"},
                {"rowNumber": "3"}]}}),
    ]
}

/// A company in which one person was written of wherever there is room for it; January is closed. Answers the
/// import's change and the changes whose reason speaks of the person.
async fn planted(tenant: &Tenant) -> (String, Vec<String>) {
    tenant.company().await;
    let mut zeb = payee("zeb", "lead", "lead");
    zeb["name"] = json!("Zebulon Quist");
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [zeb.clone()]})).await;
    zeb["email"] = json!("zeb@quist.example");
    let second = json!({"requestId": "z", "reason": "Zeb asked for it", "payees": [zeb]});
    let change = tenant.get("PayeeService/UpsertPayees", second).await["receipt"]["changeNumber"].clone();
    tenant
        .deals(&[
            named("d1", "c1"),
            named("d2", "c2"),
            named("d3", "c3"),
            deal("d4", "ann", "2026-01-12", "70.00"),
        ])
        .await;
    let mut again = named("d1", "c1");
    again["stage"] = json!("won");
    tenant.deals(&[again]).await;
    let key =
        json!({"key": {"keyId": "zk", "role": "ROLE_PAYEE", "payeeId": "zeb", "label": "Zeb's laptop"}});
    tenant.write("AdminService/CreateKey", key).await;
    let admin = json!({"key": {"keyId": "ak", "role": "ROLE_ADMIN", "label": "Zeb's laptop"}});
    tenant.write("AdminService/CreateKey", admin).await;
    let imported = tenant.stream("DealService/ImportDeals", import()).await.unwrap();
    let quota = quota("zeb", "team", "FY2026", "1200.00");
    tenant.write("QuotaService/SetQuotas", json!({"quotas": [quota]})).await;
    tenant.close("2026-01").await;
    let import = imported[0]["receipt"]["changeNumber"].as_str().unwrap().to_string();
    (import, vec![change.as_str().unwrap().to_string()])
}

fn request(import: &str, changes: &[String]) -> Value {
    let mut numbers = changes.to_vec();
    numbers.push(import.to_string());
    // d3 is named by its customer, d1 by both, d2 by its id.
    json!({"requestId": "erase", "reason": "asked for on 3 May", "payeeIds": ["zeb"], "customerIds": ["c1", "c3"],
        "dealIds": ["d1", "d2"], "keyIds": ["ak"], "changeNumbers": numbers})
}

#[tokio::test]
async fn nothing_of_a_person_is_left_and_no_figure_moves() {
    let tenant = Tenant::alone().await;
    let (import_change, changes) = planted(&tenant).await;
    let mut root = tenant.database().await;
    assert_eq!(found(&dump(&mut root).await), PLANTED, "planted before");
    let told = reads(&tenant, &import_change).await;
    assert_eq!(
        found(&json!(told).to_string()),
        PLANTED.iter().copied().filter(|word| *word != "zeb.csv").collect::<Vec<_>>()
    );
    let statements = async || {
        let mut statements = Vec::new();
        for (id, period) in [("zeb", "2026-01"), ("lead", "2026-01"), ("zeb", "2026-02"), ("lead", "2026-02")]
        {
            let asked = json!({"payeeId": id, "period": period});
            let mut statement = tenant.get("EarningsService/GetStatement", asked).await["statement"].clone();
            // An open statement says which change it was read as of.
            statement.as_object_mut().unwrap().remove("asOfChange");
            statements.push(statement);
        }
        statements
    };
    let before = statements().await;

    let mut asked = request(&import_change, &changes);
    let head = tenant.head().await;
    asked["validateOnly"] = json!(true);
    // Two versions of the payee, three deals of which one has two, two keys, two reasons, three rows set aside.
    assert_eq!(tenant.get(ERASE, asked.clone()).await, json!({"receipt": {"written": "13"}}));
    assert_eq!((tenant.head().await, reads(&tenant, &import_change).await), (head, told));
    asked["validateOnly"] = json!(false);
    let erased = json!({"receipt": {"changeNumber": (head + 1).to_string(), "written": "13"}});
    assert_eq!(tenant.get(ERASE, asked.clone()).await, erased);
    assert_eq!(tenant.get(ERASE, asked).await, erased, "sent again");

    assert_eq!(found(&dump(&mut root).await), Vec::<&str>::new());
    let shown = reads(&tenant, &import_change).await;
    assert_eq!(found(&json!(shown).to_string()), Vec::<&str>::new());
    assert_eq!(shown[0]["payee"]["name"], Value::Null);
    assert_eq!(
        shown[6],
        json!({"asOfChange": shown[6]["asOfChange"], "rejectedRows": [{"rowNumber": "1"}, {"rowNumber": "2"}, {"rowNumber": "3"}]})
    );
    // What was told of others is there as before.
    assert!(json!(shown).to_string().contains("Name of ann"));
    // An import sent again answers as it was, without what was erased.
    let again = tenant.stream("DealService/ImportDeals", import()).await.unwrap();
    assert_eq!(
        (&again[0]["receipt"]["changeNumber"], &again[0]["rejected"]),
        (&json!(import_change), &json!("3"))
    );
    assert_eq!(again[0]["firstRejected"], shown[6]["rejectedRows"]);

    assert_eq!(statements().await, before);
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!((&verified["sound"], &verified["erased"]), (&json!(true), &json!("13")), "{verified}");
    let (done, out, error) =
        attain(&["verify", "--tenant", &tenant.slug, "--database-url", &url(&tenant.options)]);
    assert!(done && out.contains(", 13 erased, head "), "{out}{error}");
    let logs = std::fs::read_dir(cluster().folder()).unwrap().map(|entry| entry.unwrap().path());
    let logs = logs.filter(|path| path.extension().is_some_and(|extension| extension == "log"));
    for log in logs {
        assert_eq!(found(&std::fs::read_to_string(log).unwrap()), Vec::<&str>::new());
    }

    // Erased once, there is nothing more to erase; the call has its change.
    let mut more = request(&import_change, &changes);
    more["requestId"] = json!("erase-more");
    assert_eq!(tenant.get(ERASE, more).await, json!({"receipt": {"changeNumber": (head + 2).to_string()}}));
    // A write that states no name changes nothing; one that states a name gives it again.
    let unnamed = |name: &str| {
        let mut zeb = payee("zeb", "lead", "lead");
        zeb["name"] = json!(name);
        json!({"payees": [zeb]})
    };
    let written = tenant.write("PayeeService/UpsertPayees", unnamed("")).await;
    assert_eq!(written["receipt"]["unchanged"], "1");
    tenant.write("PayeeService/UpsertPayees", unnamed("Zebulon Quist")).await;
    let zeb = tenant.get("PayeeService/GetPayee", json!({"payeeId": "zeb"})).await;
    assert_eq!(zeb["payee"]["name"], "Zebulon Quist");
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!((&verified["sound"], &verified["erased"]), (&json!(true), &json!("13")), "{verified}");
}

#[tokio::test]
async fn whatever_else_is_altered_is_still_named() {
    let tenant = Tenant::alone().await;
    let (import_change, changes) = planted(&tenant).await;
    tenant.get(ERASE, request(&import_change, &changes)).await;
    let mut root = tenant.database().await;
    let tables = ["payee", "deal", "api_key", "rejected_row", "change"];
    execute(&mut root, "create schema kept").await;
    for table in tables {
        execute(&mut root, &format!("create table kept.{table} as select * from {table}")).await;
        // Whoever alters behind our back takes away what stands in the way.
        execute(&mut root, &format!("alter table {table} drop constraint {table}_erased_check")).await;
    }
    let hash = "sha256(salt || convert_to(name, 'UTF8'))";
    let erase = format!("update payee set name = null, salt = null, erased = array[{hash}, null]");
    for (alter, expected) in [
        // What was erased stays proven in everything else, and gets no other value.
        ("update payee set kind = 'FIRM' where payee_id = 'zeb'", "payee zeb of change 8: its columns"),
        ("update deal set amount = 1 where deal_id = 'd1'", "deal d1 of change 10: its columns"),
        ("update deal set owner_id = 'ann' where deal_id = 'd3'", "deal d3 of change 10: its columns"),
        ("update api_key set role = 'ADMIN' where key_id = 'zk'", "api_key zk of change 12: its columns"),
        ("update payee set name = 'Zed' where payee_id = 'zeb'", "payee zeb of change 8: its columns"),
        ("update deal set customer_name = 'Other' where deal_id = 'd2'", "deal d2 of change 10: its columns"),
        (
            "update rejected_row set reasons = '{none}' where row_number = 2",
            "rejected_row 2 of change 14: its columns",
        ),
        (
            "update rejected_row set row_number = 4 where row_number = 3",
            "rejected_row 4 of change 14: its columns",
        ),
        ("update change set reason = 'none' where number = 9", "change 9: its reason is not the one"),
        // Erased, but by no change that says so.
        ("update payee set name = null where payee_id = 'ann'", "payee ann of change 6: its columns"),
        (
            "update payee set name = null, salt = null where payee_id = 'ann'",
            "payee ann of change 6: its columns",
        ),
        (&format!("{erase} where payee_id = 'ann'"), "payee ann of change 6: its columns"),
        (
            &format!("{erase}, erased_in = 17 where payee_id = 'ann'"),
            "change 17: a row that it added or superseded",
        ),
        (&format!("{erase}, erased_in = 99 where payee_id = 'ann'"), "change 99: rows name it"),
        (
            "update change set reason = null, reason_salt = null where number = 10",
            "change 10: its reason is not the one",
        ),
        (
            "update change set reason = null, reason_salt = null, erased_in = 17 where number = 10",
            "change 17: a row that it added or superseded",
        ),
        // The mark of the erasing is moved or taken away.
        (
            "update payee set erased_in = 15 where payee_id = 'zeb'",
            "change 15: a row that it added or superseded",
        ),
        ("update payee set erased_in = null where payee_id = 'zeb'", "payee zeb of change 8: its columns"),
        ("update change set erased_in = null where number = 9", "change 9: its reason is not the one"),
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(alter)).execute(&mut root).await.unwrap();
        assert!(done.rows_affected() > 0, "{alter} alters nothing");
        let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
        let fault = verified["firstFault"].as_str().unwrap_or_else(|| panic!("{alter}: {verified}"));
        assert!(fault.starts_with(expected), "{alter}: {fault}");
        for table in tables {
            execute(&mut root, &format!("delete from {table}")).await;
            execute(&mut root, &format!("insert into {table} select * from kept.{table}")).await;
        }
    }
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn what_is_to_be_erased_exists_and_is_named() {
    let tenant = Tenant::new().await;
    planted(&tenant).await;
    let head = tenant.head().await;
    let unknown = json!({"payeeIds": ["zeb", "zab"], "customerIds": ["c9"], "dealIds": ["d1", "d99"], "keyIds": ["nk"],
        "changeNumbers": ["1", (head + 1).to_string()]});
    assert_eq!(
        tenant.refused_write(ERASE, unknown).await,
        format!(
            "FailedPrecondition REFERENCE_UNKNOWN: 5 names are unknown, the first: payee_ids[1] payee zab does not exist\n\
             count=5\n\
             payee_ids[1]: payee zab does not exist\n\
             customer_ids[0]: customer c9 does not exist\n\
             deal_ids[1]: deal d99 does not exist\n\
             key_ids[0]: key nk does not exist\n\
             change_numbers[1]: change {} does not exist",
            head + 1
        )
    );
    let zeb = tenant.get("PayeeService/GetPayee", json!({"payeeId": "zeb"})).await;
    assert_eq!(zeb["payee"]["name"], "Zebulon Quist");
    let bad = json!({"requestId": "r", "payeeIds": ["z b"], "changeNumbers": ["0"]});
    assert_eq!(
        tenant.refused(ERASE, bad).await,
        "InvalidArgument INVALID_REQUEST: 3 fields are wrong, the first: reason must not be empty\n\
         reason: must not be empty\n\
         payee_ids[0]: must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got \"z b\"\n\
         change_numbers[0]: must be above zero, got 0"
    );
    let nothing = tenant.refused_write(ERASE, json!({})).await;
    assert!(nothing.ends_with("\npayee_ids: must be given, or other ids or change_numbers"), "{nothing}");
}

#[tokio::test]
async fn the_service_may_take_personal_data_out_and_alter_nothing_else() {
    let tenant = Tenant::new().await;
    planted(&tenant).await;
    let other = Tenant::new().await;
    other.company().await;
    let mut service =
        PgConnection::connect_with(&tenant.options.clone().options([("role", "attain_service")]))
            .await
            .unwrap();
    let id: String = sqlx::query_scalar(AssertSqlSafe(format!(
        "select tenant_id::text from tenant where slug = '{}'",
        tenant.slug
    )))
    .fetch_one(&mut service)
    .await
    .unwrap();
    for denied in [
        "update payee set kind = 'FIRM'",
        "update payee set digest = digest",
        "update deal set amount = 0",
        "update api_key set role = 'ADMIN'",
        "update rejected_row set row_number = 1",
        "update change set actor = 'k'",
        "update change set reason_digest = null",
        "update posting set amount = 1",
        "delete from payee",
    ] {
        let error = sqlx::raw_sql(AssertSqlSafe(denied)).execute(&mut service).await.unwrap_err().to_string();
        assert!(error.contains("permission denied"), "{denied}: {error}");
    }
    let mut tx = service.begin().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("set local app.tenant_id = '{id}'")))
        .execute(&mut *tx)
        .await
        .unwrap();
    // The other tenant's four payees are not even seen.
    let erase = "update payee set name = null, email = null, salt = null, erased = '{}', erased_in = 1";
    let done = sqlx::raw_sql(erase).execute(&mut *tx).await.unwrap();
    assert_eq!(done.rows_affected(), 5);
    let half = sqlx::raw_sql("update deal set name = null, erased = '{}', erased_in = 1")
        .execute(&mut *tx)
        .await
        .unwrap_err();
    assert!(half.to_string().contains("deal_erased_check"), "{half}");
    tx.rollback().await.unwrap();
}
