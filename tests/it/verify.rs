//! Whatever a superuser alters by SQL, verification names: every column of every table of a tenant, every deleted,
//! swapped or inserted row, a head set back. Verification runs within the transaction that alters, which is undone.

use attain::domain::change::Anchor;
use attain::domain::encode::{Digest, hex};
use attain::domain::id::TenantId;
use attain::storage::verify::verify;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection};

use crate::harness::Tenant;
use crate::harness::cluster::execute;
use crate::harness::company::{deal, payee};
use crate::harness::tenant::number;

/// Tables and columns whose alteration is not named, and why. A column of all tables is written `*`.
const UNNAMED: [(&str, &str, &str); 4] = [
    ("tenant", "tenant_id", "nobody's key leads there any more, and the journal is as good as before"),
    ("tenant", "slug", "a name that callers know the tenant by: no fact, and keys are hashed apart from it"),
    ("tenant", "created_time", "no fact"),
    (
        "*",
        "salt of nothing",
        "hides nothing where there is no personal value; only where there is, it counts",
    ),
];

/// A tenant with at least one row in every table, and the connection of its superuser.
struct Altered {
    tenant: TenantId,
    root: PgConnection,
}

async fn world() -> Altered {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    let mut full = deal("d1", "ann", "2026-01-10", "120000.00");
    full["name"] = json!("A name");
    full["customerName"] = json!("A customer");
    full["attributes"] = json!({"region": "north"});
    full["splits"] = json!([
        {"payeeId": "ann", "role": "AE", "splitPercent": "60"}, {"payeeId": "bob", "role": "SE", "splitPercent": "40"}]);
    full["events"].as_array_mut().unwrap().push(json!({"eventId": "r", "type": "TYPE_REFUNDED",
        "eventDate": "2026-01-20", "reverses": [{"eventId": "b", "amount": "1.00"}]}));
    tenant.deals(&[full.clone(), deal("d2", "bob", "2026-01-11", "5.00")]).await;
    full["splits"] = json!([]);
    tenant.deals(&[full]).await;
    let csat = json!({"measureId": "csat", "name": "csat", "outside": {"combine": "COMBINE_LAST"}});
    let halves = json!({"measureId": "halves", "name": "halves", "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT",
        "condition": "has(deal.attributes.region)", "value": "VALUE_EXPRESSION", "expression": "event.amount / 2",
        "expressionUnit": "UNIT_MONEY"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [csat, halves]})).await;
    let value = |date: &str, value: &str| json!({"payeeId": "ann", "measureId": "csat", "date": date, "value": value});
    let mut versioned = value("2026-02-01", "5");
    versioned["sourceVersion"] = json!("1");
    let gone = json!({"payeeId": "bob", "measureId": "csat", "date": "2026-01-31", "removed": true});
    let values = json!({"values": [value("2026-01-31", "4.6"), versioned, gone]});
    tenant.write("MeasureService/RecordValues", values).await;
    let header = json!({"header": {"requestId": "import", "source": "crm"}});
    let rows = json!([{"rowNumber": "2", "deal": deal("d3", "nobody", "2026-01-10", "1.00")}]);
    let rejected = json!([{"rowNumber": "3", "reasons": ["short"], "raw": "d4,an"}]);
    let batch = json!({"batch": {"rows": rows, "rejectedRows": rejected}});
    tenant.stream("DealService/ImportDeals", vec![header, batch]).await.unwrap();
    tenant.key("ROLE_PAYEE", "ann").await;
    let labelled = json!({"key": {"role": "ROLE_AUDITOR", "label": "Eve of audit"}});
    tenant.write("AdminService/CreateKey", labelled).await;
    let draft = json!({"draft": {"draftId": "next", "plan": {"planId": "rep"}}});
    tenant.write("PlanService/SaveDraft", draft).await;
    let rates = json!({"exchangeRates": [{"currencyCode": "EUR", "date": "2026-01-01", "rate": "1.0842"}]});
    tenant.write("AdminService/SetExchangeRates", rates).await;
    tenant.close("2026-01").await;
    // Changes after the close: the last to the ledger is not the last one.
    let north = json!({"territoryId": "north", "name": "North", "potential": "1000", "holders": [{"payeeId": "ann", "startDate": "2026-01-01"}]});
    tenant.write("TerritoryService/UpsertTerritories", json!({"territories": [north]})).await;
    let credits = json!([{"territoryId": "north", "creditPercent": "100"}]);
    let rules = json!([
        {"ruleId": "west", "name": "West", "startDate": "2027-01-01", "endDate": "2027-02-01", "condition": "deal.amount > 1",
         "credits": credits},
        {"ruleId": "rest", "name": "Rest", "startDate": "2027-01-01", "credits": credits}]);
    tenant.write("TerritoryService/SetCreditingRules", json!({"rules": rules})).await;
    let proposal = json!({"proposalId": "q2", "rootPayeeId": "lead", "measureId": "own", "window": "FY2026-Q2",
        "currencyCode": "USD", "allocation": {"goal": "100", "weigh": "WEIGH_EQUAL"}});
    tenant.write("QuotaService/ProposeQuotas", json!({ "proposal": proposal })).await;
    let changes = json!([{"payeeId": "ann", "figure": "48"}, {"payeeId": "bob", "figure": "52"}]);
    tenant.write("QuotaService/AdjustQuotaProposal", json!({"proposalId": "q2", "changes": changes})).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("cat", "rep", "lead")]})).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("dan", "rep", "lead")]})).await;
    let mut root = tenant.database().await;
    // As on the service's own connections.
    execute(&mut root, "set jit = off").await;
    let id = "select tenant_id from tenant where slug = $1";
    let id = sqlx::query_scalar(id).bind(&tenant.slug).fetch_one(&mut root).await.unwrap();
    assert_eq!(number(&tenant.get("AdminService/VerifyJournal", json!({})).await["changes"]), 23);
    Altered { tenant: TenantId(id), root }
}

impl Altered {
    /// What verification says after statements, one after the other, which are undone then; `sound` if nothing.
    async fn after(&mut self, statements: &[&str], anchor: Option<Anchor>) -> String {
        execute(&mut self.root, "begin").await;
        for statement in statements {
            let statement = statement.replace("$tenant", &self.tenant.to_string());
            let altered = sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut self.root).await;
            let altered = match altered {
                // What the schema itself refuses needs no verification.
                Err(sqlx::Error::Database(error)) if error.is_check_violation() => {
                    execute(&mut self.root, "rollback").await;
                    return format!("change refused: {error}");
                }
                altered => altered.unwrap_or_else(|error| panic!("{statement}: {error}")),
            };
            let schema = statement.starts_with("drop ") || statement.starts_with("alter ");
            assert!(schema || altered.rows_affected() > 0, "{statement} alters nothing");
        }
        let report = verify(&mut self.root, self.tenant, anchor.as_slice()).await;
        let report = report.unwrap_or_else(|fault| panic!("{statements:?}: {fault:?}"));
        execute(&mut self.root, "rollback").await;
        report.first_fault.unwrap_or_else(|| "sound".to_string())
    }

    /// Tables with a tenant that rows are told to: name and the columns with their types, from the catalogue.
    async fn tables(&mut self) -> Vec<(String, Vec<(String, String)>)> {
        let columns = "select c.relname, a.attname, format_type(a.atttypid, null)
            from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
            where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace
                and exists (select from pg_attribute t where t.attrelid = c.oid and t.attname = 'tenant_id')
                -- Only another revision of the rules is accepted: tested with those.
                and c.relname <> 'rules_acceptance'
            order by c.relname, a.attnum";
        let columns: Vec<(String, String, String)> =
            sqlx::query_as(columns).fetch_all(&mut self.root).await.unwrap();
        let mut tables: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for (table, column, kind) in columns {
            match tables.last_mut() {
                Some((last, columns)) if *last == table => columns.push((column, kind)),
                _ => tables.push((table, vec![(column, kind)])),
            }
        }
        assert!(tables.len() >= 16, "{tables:?}");
        tables
    }
}

/// Another value of a type, as SQL over the column itself; of what is null, one that is not.
fn another(column: &str, kind: &str) -> Option<(String, &'static str)> {
    Some(match kind {
        "text" => (format!("{column} || 'x'"), "'x'"),
        "uuid" => ("'00000000-0000-4000-8000-00000000000f'".to_string(), "''"),
        "bigint" | "integer" | "smallint" | "numeric" => (format!("{column} + 1"), "1"),
        "date" => (format!("{column} + 1"), "'2026-01-01'"),
        "timestamp with time zone" => (format!("{column} + interval '1 microsecond'"), "now()"),
        "boolean" => (format!("not {column}"), "true"),
        "bytea" => (
            format!(
                "case when {column} = '' then '\\x01' else set_byte({column}, 0, get_byte({column}, 0) # 1) end"
            ),
            "decode(repeat('01', 32), 'hex')",
        ),
        "bytea[]" => (format!("{column} || '\\x01'::bytea"), "array[decode(repeat('01', 32), 'hex')]"),
        "text[]" => (format!("{column} || 'x'::text"), "'{x}'"),
        "numeric[]" => (format!("{column} || 1::numeric"), "'{1}'"),
        _ => return None,
    })
}

/// What the row written last is the last by. Rows of several connections lie in no certain order.
fn last(table: &str) -> &'static str {
    if table == "change" { "number" } else { "ctid" }
}

#[tokio::test]
async fn every_column_of_every_table_is_watched() {
    let mut world = world().await;
    let mut silent = Vec::new();
    let mut altered = 0;
    for (table, columns) in world.tables().await {
        for (column, kind) in columns {
            let value = another(&column, &kind);
            let (value, first) =
                value.unwrap_or_else(|| panic!("{table}.{column}: give `another` a value of type {kind}"));
            // Once where there is a value and once where there is none, as far as there are such rows.
            let mut found = false;
            for (filled, value) in [("is not null", value.as_str()), ("is null", first)] {
                let row = format!(
                    "select ctid from {table} where tenant_id = '$tenant' and {column} {filled}
                    order by {} desc limit 1",
                    last(&table)
                );
                let there = row.replace("$tenant", &world.tenant.to_string());
                let there =
                    sqlx::raw_sql(AssertSqlSafe(there)).fetch_optional(&mut world.root).await.unwrap();
                if there.is_none() {
                    continue;
                }
                found = true;
                let update = format!("update {table} set {column} = {value} where ctid = ({row})");
                let unnamed = UNNAMED.iter().any(|(of, named, _)| {
                    (*of, *named) == (table.as_str(), column.as_str())
                        || (column == "salt" && filled == "is null" && *named == "salt of nothing")
                });
                let said = world.after(&[&update], None).await;
                altered += 1;
                let named = [format!("{table} "), format!("{table}:"), "change ".into(), "head:".into()];
                let named = named.iter().any(|start| said.starts_with(start));
                if named == unnamed {
                    silent.push(format!("{table}.{column} where it {filled}: {said}"));
                }
            }
            assert!(found, "{table}: give the world a row there");
        }
    }
    assert!(altered > 140, "only {altered}");
    let advice = "verification must name what is altered: enter the column into the row's record, or list it with the reason";
    assert!(silent.is_empty(), "{advice}:\n{}", silent.join("\n"));
}

#[tokio::test]
async fn a_row_deleted_or_entered_behind_the_services_back_is_named_in_every_table() {
    let mut world = world().await;
    for (table, columns) in world.tables().await.into_iter().filter(|(table, _)| table != "tenant") {
        let names: Vec<_> = columns.iter().map(|(column, _)| column.as_str()).collect();
        let order = last(&table);
        let last =
            format!("select ctid from {table} where tenant_id = '$tenant' order by {order} desc limit 1");
        let said = world.after(&[&format!("delete from {table} where ctid = ({last})")], None).await;
        let expected = match table.as_str() {
            "head" => "head: the row is missing".to_string(),
            "change" => "head: names change 23, the journal ends at change 22".to_string(),
            _ => "change ".to_string(),
        };
        assert!(said.starts_with(&expected), "{table}: {said}");
        // A copy of a good row, with its good digest, in another change.
        if !names.contains(&"added_in") {
            continue;
        }
        let copied: Vec<_> = names.iter().map(|name| if *name == "added_in" { "18" } else { name }).collect();
        let (columns, copied) = (names.join(", "), copied.join(", "));
        let statements = [
            &format!("alter table {table} drop constraint {table}_pkey"),
            &format!("drop index if exists {table}_current"),
            &format!("insert into {table} ({columns}) select {copied} from {table} where ctid = ({last})"),
        ];
        let said = world.after(&statements.map(String::as_str), None).await;
        let expected = match table.as_str() {
            "period_close" | "posting" | "statement_part" => {
                "head: names ledger change 17, the ledger's last is change 18"
            }
            _ => "change 18: a row that it added or superseded was altered, added or deleted",
        };
        assert_eq!(said, expected, "{table}");
    }
}

#[tokio::test]
async fn rows_that_change_places_are_named() {
    let mut world = world().await;
    for (statements, expected) in [
        (
            vec![
                "update quota a set amount = b.amount from quota b where a.payee_id = 'ann' and b.payee_id = 'bob'",
            ],
            "quota ann own FY2026-Q1 of change 7: its columns do not give its digest",
        ),
        (
            vec![
                "update posting a set amount = b.amount, digest = b.digest from posting b
                where a.added_in = b.added_in and a.entry = 0 and b.entry = 2",
            ],
            "posting 0 of change 17: its columns do not give its digest",
        ),
        (
            vec![
                "update statement_part a set body = b.body, digest = b.digest from statement_part b
                where a.payee_id = 'ann' and b.payee_id = 'bob'",
            ],
            "statement_part 2026-01 ann part 0 of change 17: its columns do not give its digest",
        ),
        (
            vec![
                "update payee set payee_id = 'x' where payee_id = 'ann'",
                "update payee set payee_id = 'ann' where payee_id = 'bob'",
                "update payee set payee_id = 'bob' where payee_id = 'x'",
            ],
            "payee ann of change 6: its columns do not give its digest",
        ),
        (
            // Whole rows between two changes: each is good by itself.
            vec![
                "update payee set added_in = 0 where payee_id = 'cat'",
                "update payee set added_in = 18 where payee_id = 'dan'",
                "update payee set added_in = 19 where payee_id = 'cat'",
            ],
            "change 18: a row that it added or superseded was altered, added or deleted",
        ),
        (
            vec![
                "update change set number = 0 where number = 18",
                "update change set number = 18 where number = 19",
                "update change set number = 19 where number = 0",
            ],
            "change 18: its previous hash is not the hash of change 17",
        ),
        (
            vec![
                "update change set answer = convert_to(replace(convert_from(answer, 'UTF8'), '\"written\":1', '\"written\":2'), 'UTF8') where number = 18",
            ],
            "change 18: its columns do not give its hash",
        ),
    ] {
        let said = world.after(&statements, None).await;
        assert_eq!(said, expected, "{statements:?}");
    }
}

#[tokio::test]
async fn a_head_set_back_is_named_and_a_tail_cut_with_it_by_an_anchor() {
    let mut world = world().await;
    let hash: Digest = sqlx::query_scalar("select hash from head where number = 23")
        .fetch_one(&mut world.root)
        .await
        .unwrap();
    let anchor = Some(Anchor { number: 23, hash });
    let back =
        "update head set number = 22, hash = (select hash from change where number = 22) where number = 23";
    let forget = ["delete from payee where added_in = 23", "delete from assignment where added_in = 23"];
    let cut = [&forget[..], &["delete from change where number = 23", back]].concat();
    for (statements, anchor, expected) in [
        (vec![back], None, "head: names change 22, the journal ends at change 23"),
        (
            vec!["update head set ledger = 22 where number = 23"],
            None,
            "head: names ledger change 22, the ledger's last is change 17",
        ),
        (
            vec!["update head set ledger = 0 where number = 23"],
            None,
            "head: names ledger change 0, the ledger's last is change 17",
        ),
        (
            vec!["update head set hash = sha256(hash) where number = 23"],
            None,
            "head: its hash is not the hash of change 23",
        ),
        // Whoever cuts off the end and all that hangs on it leaves a good journal, only not the one that was.
        (cut.clone(), None, "sound"),
        (cut, anchor, "change 23: kept as anchor, but the journal ends at change 22"),
    ] {
        let said = world.after(&statements, anchor).await;
        assert_eq!(said, expected, "{statements:?} with anchor {}", hex(&hash));
    }
}
