//! `attain import` against a real server: good files, broken files, the same file twice.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::cluster::cluster;
use crate::harness::company::calendar;
use crate::harness::server::{command, said};

const MAPPING: &str = r#"
kind = "deals"

[fields]
id       = { column = "id" }
owner_id = { column = "owner", slug = true }
currency = { constant = "USD" }
stage    = { column = "stage" }
amount   = { column = "amount" }

[outcome]
won  = "WON"
open = "OPEN"

[[events]]
when   = { column = "stage", equals = ["won"] }
id     = { constant = "booked" }
type   = { constant = "BOOKED" }
date   = { column = "date" }
amount = { column = "amount" }
"#;

/// A folder of one test with what it imports.
struct Files(PathBuf);

impl Files {
    fn new() -> Files {
        let folder = cluster().folder().join(format!("import-{}", cluster().number()));
        fs::create_dir(&folder).unwrap();
        Files(folder)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_string()
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_string()
    }
}

/// Runs an import with the tenant's key: whether it succeeded, stdout, stderr.
fn import(tenant: &Tenant, mapping: &str, file: &str, more: &[&str]) -> (bool, String, String) {
    let arguments = ["import", "--mapping", mapping, "--server", &tenant.address, file];
    let mut command = command(&[&arguments, more].concat());
    said(command.env("ATTAIN_KEY", &tenant.key).output().unwrap())
}

#[tokio::test]
async fn the_worked_example_of_the_manual_imports_as_it_says() {
    let text = include_str!("../../docs/import.md");
    let block = |start: &str| {
        let blocks = text.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1);
        blocks.into_iter().find(|block| block.trim_start().starts_with(start)).unwrap().to_string()
    };
    let files = Files::new();
    let (csv, mapping) =
        (files.write("orders.csv", block("Auftrag;")), files.write("orders.toml", block("kind = ")));
    let tenant = Tenant::new().await;
    let mut euro = calendar();
    euro["calendar"]["currencyCode"] = json!("EUR");
    tenant.write("AdminService/SetCalendar", euro).await;
    let person = |id: &str| json!({"payeeId": id, "kind": "KIND_PERSON"});
    tenant
        .write("PayeeService/UpsertPayees", json!({"payees": [person("lea-braun"), person("jon-falk")]}))
        .await;
    let rejects = files.path("rejects.csv");
    let (done, out, error) = import(&tenant, &mapping, &csv, &["--rejects", &rejects]);
    assert!(done, "{error}");
    let expected = "rows 3: accepted 2, rejected 1, repeated 0\ndeals written 2, unchanged 0\nevents written 1\n\
                    BOOKED events 1, sum 12500.00 EUR\nchange 4\n";
    assert_eq!(out, expected);
    assert_eq!(error.lines().count(), 2, "{error}");
    assert!(error.starts_with("row 4: "), "{error}");
    assert!(error.ends_with(&format!("\n1 rejected rows are in {rejects}\n")), "{error}");
    let kept = fs::read_to_string(&rejects).unwrap();
    let (header, row) = kept.trim_end().split_once("\r\n").unwrap();
    let columns = "Auftrag,Verkäufer,Kunde,Datum,Status,Betrag,Anteil,Zweiter,Anteil 2";
    assert_eq!(header, format!("import_row,import_reasons,{columns}"));
    assert!(
        row.starts_with("4,") && row.ends_with(",A-19,Jon Falk,Ott AG,31.04.2026,gewonnen,1.23,,,"),
        "{row}"
    );
    for reason in ["31.04.2026", "1.23"] {
        assert!(row.split(",A-19").next().unwrap().contains(reason), "{row}");
    }
    let deal = tenant.get("DealService/GetDeal", json!({"dealId": "A-17"})).await["deal"].clone();
    let splits = json!([{"payeeId": "jon-falk", "role": "AE", "splitPercent": "40"},
        {"payeeId": "lea-braun", "role": "AE", "splitPercent": "60"}]);
    assert_eq!((&deal["amount"], &deal["splits"]), (&json!("12500.00"), &splits));
    let event =
        json!({"eventId": "booked", "type": "TYPE_BOOKED", "eventDate": "2026-03-31", "amount": "12500.00"});
    assert_eq!(deal["events"], json!([event]));
    let change =
        tenant.get("AdminService/ListChanges", json!({"afterChange": "3"})).await["changes"][0].clone();
    assert_eq!(
        (&change["rpc"], &change["reason"]),
        (&json!("attain.v1.DealService/ImportDeals"), &json!("import of orders.csv"))
    );
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    tenant.company().await;
    let mapping = files.write("m.toml", MAPPING);
    let content = "\u{feff}id,owner,stage,amount,date,more\nd1,Ann,won,100.00,2026-01-10,x\nd2,bob,open,,,\n\
                   d1,Ann,won,100.00,2026-01-10,y\n";
    let csv = files.write("deals.csv", content);
    let (done, first, error) = import(&tenant, &mapping, &csv, &[]);
    assert!(done && error.is_empty(), "{error}");
    let totals = "rows 3: accepted 2, rejected 0, repeated 1\ndeals written 2, unchanged 0\nevents written 1\n\
                  BOOKED events 1, sum 100.00 USD\nchange 8\n";
    assert_eq!(first, totals);
    let (done, second, _) = import(&tenant, &mapping, &csv, &[]);
    assert!(done);
    let again =
        "this import was made before: its answer was given again, and nothing was written for it now\n";
    assert_eq!(second, format!("{totals}{again}"));
    assert_eq!(tenant.head().await, 8);
    // Under another name it is another request, which finds everything there already.
    let (done, third, _) = import(&tenant, &mapping, &csv, &["--request-id", "monday"]);
    assert!(done);
    let unchanged = totals
        .replace("written 2, unchanged 0", "written 0, unchanged 2")
        .replace("events written 1", "events written 0");
    assert_eq!(third, unchanged.replace("change 8", "change 9"));
    // The name with another content is refused.
    let other = files.write("other.csv", content.replace("100.00", "101.00"));
    let (done, out, error) = import(&tenant, &mapping, &other, &["--request-id", "monday"]);
    assert!(!done && out.is_empty(), "{out}");
    assert!(error.contains("REQUEST_ID_REUSED") || error.contains("monday"), "{error}");
    assert_eq!(tenant.head().await, 9);
}

#[tokio::test]
async fn a_broken_file_is_refused_whole() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    tenant.company().await;
    let mapping = files.write("m.toml", MAPPING);
    let header = "id,owner,stage,amount,date\n";
    let good = "d1,ann,won,100.00,2026-01-10\n";
    let with = |bad: &[u8]| [header.as_bytes(), good.as_bytes(), bad].concat();
    for (content, expected) in [
        (
            b"id;owner;stage;amount;date\n".to_vec(),
            "file lacks columns: \"amount\", \"id\", \"owner\", \"stage\", \"date\"; it has \"id;owner;stage;amount;date\" \
             (one column: is the delimiter right?)",
        ),
        (b"id,owner,stage,amount\nd1,ann,won,1\n".to_vec(), "file lacks columns: \"date\"; it has "),
        (b"id,id,owner,stage,amount,date\n".to_vec(), "header names columns twice: \"id\""),
        (b"".to_vec(), "empty"),
        (with(b"d2,\"ann,won,1.00,2026-01-10\n"), "row 3"),
        (with(b"d2,an\"n\",won,1.00,2026-01-10\n"), "row 3"),
        (with(b"d2,\"ann\"x,won,1.00,2026-01-10\n"), "row 3"),
        (with(b"d2,J\xfcrgen,won,1.00,2026-01-10\n"), "row 3"),
        (
            with("d2,J\u{fc}rgen,open,,\nd3,J".as_bytes()).into_iter().chain(*b"\xe4n,open,,\n").collect(),
            "row 4",
        ),
        (b"\xff\xfei\0d\0".to_vec(), "UTF-16"),
        (with(b"d2,ann\0,won,1.00,2026-01-10\n"), "row 3"),
    ] {
        let shown = content.escape_ascii().to_string();
        let csv = files.write("deals.csv", content);
        let (done, out, error) = import(&tenant, &mapping, &csv, &[]);
        assert!(!done && out.is_empty(), "{shown}: {out}");
        assert!(error.contains(expected) && error.lines().count() == 1, "{shown}: {error}");
        assert_eq!(tenant.head().await, 7, "{shown}");
    }
}

#[tokio::test]
async fn rejected_rows_are_kept_on_the_server_too() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    tenant.company().await;
    let mapping = files.write("m.toml", MAPPING);
    // Row 3 names nobody, row 4 is short, row 5 has no such stage, row 6 is no number, row 7 contradicts row 2.
    let csv = files.write(
        "deals.csv",
        "id,owner,stage,amount,date\nd1,ann,won,100.00,2026-01-10\nd2,eve,won,1.00,2026-01-10\nd3,ann\n\
         d4,ann,lost,1.00,2026-01-10\nd5,ann,won,1e3,2026-02-30\nd1,bob,won,100.00,2026-01-10\n",
    );
    let rejects = files.path("rejects.csv");
    let (done, out, error) = import(&tenant, &mapping, &csv, &["--reject-limit", "4"]);
    assert!(!done && out.is_empty(), "{out}");
    assert!(error.contains("5 rows were rejected and at most 4 may be: nothing was written"), "{error}");
    assert_eq!(tenant.head().await, 7);
    let (done, out, error) = import(&tenant, &mapping, &csv, &["--reject-limit", "5", "--rejects", &rejects]);
    assert!(done, "{error}");
    assert!(
        out.starts_with("rows 6: accepted 1, rejected 5, repeated 0\ndeals written 1, unchanged 0\n"),
        "{out}"
    );
    let shown: Vec<_> = error.lines().map(|line| line.split(':').next().unwrap()).collect();
    assert_eq!(shown[..5], ["row 3", "row 4", "row 5", "row 6", "row 7"], "{error}");
    assert!(error.contains("payee eve does not exist"), "{error}");
    let listed = tenant.get("DealService/ListRejectedRows", json!({"changeNumber": "8"})).await;
    let kept: Vec<_> =
        listed["rejectedRows"].as_array().unwrap().iter().map(|row| row["rowNumber"].clone()).collect();
    assert_eq!(kept, ["3", "4", "5", "6", "7"]);
    let file = fs::read_to_string(&rejects).unwrap();
    let rows: Vec<_> = file.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(rows, ["3", "4", "5", "6", "7"], "{file}");
    assert!(file.contains("payee eve does not exist,d2,eve,won,1.00,2026-01-10"), "{file}");
}

#[tokio::test]
async fn payees_and_quotas_come_from_files_too() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    tenant.company().await;
    let payees = files.write(
        "payees.toml",
        r#"
kind = "payees"
[fields]
id         = { column = "id" }
kind       = { constant = "PERSON" }
name       = { column = "name" }
start_date = { constant = "2026-01-01" }
currency   = { constant = "USD" }
manager_id = { column = "boss" }
plan_id    = { constant = "rep" }
"#,
    );
    // Whoever reports comes before the manager; the order of the file does not matter.
    let csv = files.write("payees.csv", "id,name,boss\nn2,Two,n1\nn1,One,lead\n");
    let (done, out, error) = import(&tenant, &payees, &csv, &[]);
    assert!(done, "{error}");
    assert!(
        out.starts_with("rows 2: accepted 2, rejected 0, repeated 0\npayees written 2, unchanged 0\n"),
        "{out}"
    );
    let two = tenant.get("PayeeService/GetPayee", json!({"payeeId": "n2"})).await["payee"].clone();
    assert_eq!((&two["name"], &two["assignments"][0]["managerId"]), (&json!("Two"), &json!("n1")));
    let quotas = files.write(
        "quotas.toml",
        r#"
kind = "quotas"
windows = ["FY2026-Q1", "FY2026-Q2"]
[fields]
payee_id   = { column = "id" }
measure_id = { constant = "own" }
amount     = { column = "goal", number = { decimal = ",", group = "." } }
"#,
    );
    let csv = files.write("quotas.csv", "id,goal\nn1,\"1.250,50\"\nn2,100\n");
    let (done, out, error) = import(&tenant, &quotas, &csv, &[]);
    assert!(done, "{error}");
    assert!(
        out.starts_with("rows 2: accepted 2, rejected 0, repeated 0\nquotas written 4, unchanged 0\n"),
        "{out}"
    );
    let key = json!({"payeeId": "n1", "measureId": "own", "window": "FY2026-Q2"});
    let quota = tenant.get("QuotaService/GetQuota", key).await["quota"].clone();
    assert_eq!(quota["amount"]["amount"], "1250.50");
    let before = tenant.head().await;
    // An unknown payee or window is the row's fault, and without a limit nothing is written.
    let csv = files.write("quotas.csv", "id,goal\nn1,1\neve,1\n");
    let (done, out, error) = import(&tenant, &quotas, &csv, &[]);
    assert!(!done && out.is_empty() && error.contains("eve"), "{error}");
    assert_eq!(tenant.head().await, before);
}

#[tokio::test]
async fn what_an_import_cannot_begin_is_said_in_one_line() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    let mapping = files.write("m.toml", MAPPING);
    let csv = files.write("deals.csv", "id,owner,stage,amount,date\n");
    let (_, _, error) = import(&tenant, &mapping, &csv, &[]);
    assert_eq!(
        error,
        "attain: the tenant has no calendar yet: set it first, with AdminService/SetCalendar\n"
    );
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let absent = files.path("absent.csv");
    let (done, _, error) = import(&tenant, &mapping, &absent, &[]);
    assert!(!done && error.contains(&format!("cannot read {absent}")), "{error}");
    let wrong = files.write("wrong.toml", "kind = \"deals\"\n[fields]\nidd = { column = \"id\" }\n");
    let (done, _, error) = import(&tenant, &wrong, &csv, &[]);
    for key in ["fields.id ", "fields.idd ", "fields.owner_id ", "outcome "] {
        assert!(!done && error.contains(key), "{key}: {error}");
    }
    let mut keyless = command(&["import", "--mapping", &mapping, "--server", &tenant.address, &csv]);
    let (done, _, error) = said(keyless.output().unwrap());
    assert!(!done && error.contains("ATTAIN_KEY"), "{error}");
    let mut stranger = command(&["import", "--mapping", &mapping, "--server", &tenant.address, &csv]);
    let stranger = stranger.env("ATTAIN_KEY", tenant.key.replace(&tenant.slug, "nowhere"));
    let (done, _, error) = said(stranger.output().unwrap());
    assert!(!done && error.contains("the key is not valid"), "{error}");
    let mut nowhere = command(&["import", "--mapping", &mapping, "--server", "http://127.0.0.1:1", &csv]);
    let (done, _, error) = said(nowhere.env("ATTAIN_KEY", &tenant.key).output().unwrap());
    assert!(!done && error.contains("127.0.0.1:1"), "{error}");
    let _: Value = tenant.get("AdminService/GetCalendar", json!({})).await;
}

#[tokio::test]
async fn an_older_file_after_a_newer_one_is_stale() {
    let (tenant, files) = (Tenant::new().await, Files::new());
    tenant.company().await;
    let versioned = MAPPING.replace("[outcome]", "source_version = { column = \"changed\" }\n[outcome]");
    let mapping = files.write("m.toml", versioned);
    let header = "id,owner,stage,amount,date,changed\n";
    let newer = "d1,ann,won,100.00,2026-01-10,2026-02-02T00:00:00Z\nd2,bob,open,,,2026-02-01T00:00:00Z\n";
    let older = "d1,ann,open,90.00,,2026-02-01T00:00:00Z\nd2,bob,won,5.00,2026-01-12,2026-02-03T00:00:00Z\n\
                 d1,ann,won,95.00,2026-01-09,2026-01-31T00:00:00Z\n";
    let csv = files.write("newer.csv", format!("{header}{newer}"));
    let (done, out, error) = import(&tenant, &mapping, &csv, &[]);
    assert!(done && out.contains("deals written 2, unchanged 0\nevents written 1\n"), "{out}{error}");
    let csv = files.write("older.csv", format!("{header}{older}"));
    let (done, out, error) = import(&tenant, &mapping, &csv, &[]);
    let expected = "rows 3: accepted 3, rejected 0, repeated 0\ndeals written 1, unchanged 0, stale 1\n\
                    stale, the first: d1\nevents written 1, stale 1\nBOOKED events 2, sum 100.00 USD\nchange 9\n";
    assert!(done && out == expected, "{out}{error}");
    let read = tenant.get("DealService/GetDeal", json!({"dealId": "d1"})).await["deal"].clone();
    assert_eq!((&read["amount"], &read["sourceVersion"]), (&json!("100.00"), &json!("1769990400000000")));

    let mapping = "kind = \"payees\"\n[fields]\nid = { column = \"id\" }\nkind = { constant = \"PERSON\" }\n\
                   name = { column = \"name\" }\nsource_version = { column = \"changed\" }\n";
    let mapping = files.write("p.toml", mapping);
    for (csv, expected) in [
        ("id,name,changed\nzoe,Zoe,7\n", "payees written 1, unchanged 0\n"),
        (
            "id,name,changed\nzoe,Zo,6\nyan,Yan,\n",
            "payees written 1, unchanged 0, stale 1\nstale, the first: zoe\n",
        ),
    ] {
        let csv = files.write("payees.csv", csv);
        let (done, out, error) = import(&tenant, &mapping, &csv, &[]);
        assert!(done && out.contains(expected), "{out}{error}");
    }
}
