//! The schema as a database spread over many machines needs it, read from the catalogue of a plain PostgreSQL: the
//! tenant first in every key, row-level security that nobody passes, nothing that counts or draws lots by itself,
//! and no more grants than the service needs.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};

use crate::harness::cluster::{cluster, execute};

/// Tables without a tenant, and why.
const GLOBAL: [(&str, &str); 1] = [("attain_migration", "the schema itself: one for all tenants, read only")];

/// Unique keys that do not begin with the tenant, and why.
const TENANTLESS_KEYS: [(&str, &str); 1] = [(
    "tenant_slug_key",
    "by the slug of a key the tenant is found; the list of tenants is a reference table",
)];

/// Tables whose rows others than their tenant see, and why.
const OPEN: [(&str, &str); 1] = [("tenant", "read before the tenant is known; it holds names and no facts")];

/// Tables of facts that lack a part of what a table of facts has, and why.
const SHORT: [(&str, &str, &str); 1] =
    [("rejected_row", "current", "its key is the change that set it aside: there is never a second version")];

/// What the service may change: columns by table. Everything else it may only read and add.
const UPDATES: [(&str, &[&str]); 19] = [
    ("api_key", &["erased", "erased_in", "label", "removed_in", "salt"]),
    ("assignment", &["removed_in"]),
    ("calendar", &["removed_in"]),
    ("change", &["erased_in", "reason", "reason_salt"]),
    ("crediting_rule", &["removed_in"]),
    ("deal", &["customer_name", "erased", "erased_in", "name", "removed_in", "salt"]),
    ("deal_event", &["removed_in"]),
    ("exchange_rate", &["removed_in"]),
    ("head", &["hash", "ledger", "number"]),
    ("measure", &["removed_in"]),
    ("outside_value", &["removed_in"]),
    ("payee", &["email", "erased", "erased_in", "name", "removed_in", "salt"]),
    ("plan_draft", &["removed_in"]),
    ("plan_version", &["removed_in"]),
    ("proposal_figure", &["removed_in"]),
    ("quota", &["removed_in"]),
    ("quota_proposal", &["removed_in"]),
    ("rejected_row", &["erased", "erased_in", "raw", "reasons", "removed_in", "salt", "source"]),
    ("territory", &["removed_in"]),
];

/// What every policy but those of [`OPEN`] tables says.
const POLICY: &str = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))";

async fn read(conn: &mut PgConnection, query: &str) -> Vec<Vec<String>> {
    let rows = sqlx::query(AssertSqlSafe(query.to_string())).fetch_all(conn).await;
    let rows = rows.unwrap_or_else(|error| panic!("{query}: {error}"));
    rows.iter()
        .map(|row| {
            (0..row.len()).map(|place| row.get::<Option<String>, _>(place).unwrap_or_default()).collect()
        })
        .collect()
}

fn listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

const TABLES: &str =
    "(select c.* from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace)";

/// Everything in which the schema breaks the rules.
async fn faults(conn: &mut PgConnection) -> Vec<String> {
    let mut faults = Vec::new();
    tables(conn, &mut faults).await;
    keys(conn, &mut faults).await;
    columns(conn, &mut faults).await;
    facts(conn, &mut faults).await;
    grants(conn, &mut faults).await;
    faults.sort();
    faults
}

/// A tenant in every table, behind a wall that its owner does not pass either; nothing that acts by itself.
async fn tables(conn: &mut PgConnection, faults: &mut Vec<String>) {
    let query = format!(
        "select t.relname::text, (t.relrowsecurity and t.relforcerowsecurity)::text,
            exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'tenant_id'
                and a.attnotnull and a.atttypid = 'uuid'::regtype)::text,
            (select string_agg(concat_ws(' ', p.polcmd, p.polpermissive, array_to_string(p.polroles, ','),
                pg_get_expr(p.polqual, t.oid), 'check', pg_get_expr(p.polwithcheck, t.oid)), '; ')
                from pg_policy p where p.polrelid = t.oid)
        from {TABLES} t"
    );
    for row in read(conn, &query).await {
        let [table, walled, tenant, policies] = &row[..] else { panic!("{row:?}") };
        if listed(&GLOBAL, table) {
            continue;
        }
        if tenant != "true" {
            faults.push(format!("{table}: has no tenant_id"));
        }
        if walled != "true" {
            faults.push(format!("{table}: row-level security is not enabled and forced"));
        }
        let expected = if listed(&OPEN, table) { "true" } else { POLICY };
        if *policies != format!("* t 0 {expected} check {expected}") {
            faults.push(format!("{table}: its policy is {policies:?}"));
        }
    }
    let acting = format!(
        "select 'sequence ' || relname from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace
        union all select 'trigger ' || tgname from pg_trigger g join {TABLES} t on t.oid = g.tgrelid
            where not g.tgisinternal
        union all select 'function ' || proname from pg_proc where pronamespace = 'public'::regnamespace
        union all select 'view ' || relname from pg_class
            where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace"
    );
    faults.extend(read(conn, &acting).await.into_iter().map(|row| format!("{}: is not to be", row[0])));
}

/// The tenant first in every key and index, and on both sides of every foreign key.
async fn keys(conn: &mut PgConnection, faults: &mut Vec<String>) {
    let query = format!(
        "select t.relname::text, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 1, true)
        from pg_index i join {TABLES} t on t.oid = i.indrelid"
    );
    for row in read(conn, &query).await {
        let [table, index, first] = &row[..] else { panic!("{row:?}") };
        if first != "tenant_id" && !listed(&GLOBAL, table) && !listed(&TENANTLESS_KEYS, index) {
            faults.push(format!("{table}: index {index} begins with {first}"));
        }
    }
    let query = format!(
        "select t.relname::text, k.conname::text,
            exists (select from unnest(k.conkey, k.confkey) as pair (here, there)
                join pg_attribute h on h.attrelid = k.conrelid and h.attnum = pair.here
                join pg_attribute f on f.attrelid = k.confrelid and f.attnum = pair.there
                where h.attname = 'tenant_id' and f.attname = 'tenant_id')::text
        from pg_constraint k join {TABLES} t on t.oid = k.conrelid where k.contype = 'f'"
    );
    for row in read(conn, &query).await {
        if row[2] != "true" {
            faults.push(format!("{}: foreign key {} is without the tenant", row[0], row[1]));
        }
    }
    let query = format!(
        "select t.relname::text from {TABLES} t
        where not exists (select from pg_index i where i.indrelid = t.oid and i.indisprimary)"
    );
    faults.extend(read(conn, &query).await.into_iter().map(|row| format!("{}: has no primary key", row[0])));
}

/// Texts that name something are compared as bytes; no column makes its own value but a constant.
async fn columns(conn: &mut PgConnection, faults: &mut Vec<String>) {
    let query = format!(
        "select t.relname::text, a.attname::text, coalesce(l.collname, '')::text,
            (a.atttypid in ('text'::regtype, 'text[]'::regtype) and (a.attname ~ '_ids?$' or exists (
                select from pg_index i where i.indrelid = t.oid and a.attnum = any(i.indkey))))::text,
            pg_get_expr(d.adbin, t.oid), (a.attidentity <> '' or a.attgenerated <> '')::text,
            (a.atttypid in ('varchar'::regtype, 'bpchar'::regtype, 'float4'::regtype, 'float8'::regtype,
                'timestamp'::regtype, 'money'::regtype))::text, format_type(a.atttypid, null)
        from {TABLES} t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
        left join pg_collation l on l.oid = a.attcollation
        left join pg_attrdef d on d.adrelid = t.oid and d.adnum = a.attnum"
    );
    for row in read(conn, &query).await {
        let [table, column, collation, names, default, itself, banned, kind] = &row[..] else {
            panic!("{row:?}")
        };
        if names == "true" && collation != "C" {
            faults.push(format!("{table}.{column}: names something and is not collate \"C\""));
        }
        if itself == "true" || !is_constant(default) {
            faults.push(format!("{table}.{column}: makes its own value, {default}"));
        }
        if banned == "true" {
            faults.push(format!("{table}.{column}: is of type {kind}"));
        }
    }
}

/// Whether a default is a plain literal, perhaps cast to a type.
fn is_constant(default: &str) -> bool {
    let literal = default.split_once("::").map_or(default, |(literal, _)| literal);
    let quoted = literal.len() > 1
        && literal.starts_with('\'')
        && literal.ends_with('\'')
        && literal.matches('\'').count() == 2;
    let number = !literal.is_empty() && literal.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    default.is_empty() || quoted || number || matches!(literal, "true" | "false")
}

/// A table of facts has its versions by key, one of them current, and finds what a change added and superseded.
async fn facts(conn: &mut PgConnection, faults: &mut Vec<String>) {
    let query = format!(
        "select t.relname::text, string_agg(concat_ws(' ',
            case when i.indisprimary then 'primary' when i.indisunique then 'unique' else 'plain' end,
            (select string_agg(pg_get_indexdef(i.indexrelid, place, true), ',' order by place)
                from generate_series(1, i.indnkeyatts) as place),
            pg_get_expr(i.indpred, t.oid)), E'\\n')
        from {TABLES} t join pg_index i on i.indrelid = t.oid
        where exists (select from pg_attribute a where a.attrelid = t.oid and a.attname = 'removed_in')
        group by t.relname"
    );
    for row in read(conn, &query).await {
        let (table, indexes) = (&row[0], row[1].lines().collect::<Vec<_>>());
        let short = |part: &str| SHORT.iter().any(|(of, lacks, _)| of == table && *lacks == part);
        let key = indexes.iter().find_map(|index| index.strip_prefix("primary ")).unwrap_or_default();
        let fact = key.strip_suffix(",added_in").unwrap_or_default();
        let added = |index: &&str| index.split(' ').nth(1).unwrap().starts_with("tenant_id,added_in");
        for (part, there) in [
            ("versions", !fact.is_empty() || short("current")),
            (
                "current",
                short("current") || indexes.contains(&format!("unique {fact} (removed_in IS NULL)").as_str()),
            ),
            ("added", indexes.iter().any(added)),
            ("removed", indexes.contains(&"plain tenant_id,removed_in (removed_in IS NOT NULL)")),
        ] {
            if !there {
                faults.push(format!("{table}: a table of facts without its index of {part} rows"));
            }
        }
    }
}

/// The service's role may read and add, change what is listed, and nothing else; nobody else may anything.
async fn grants(conn: &mut PgConnection, faults: &mut Vec<String>) {
    let query = format!(
        "select t.relname::text, lower(g.privilege_type)
        from {TABLES} t cross join aclexplode(t.relacl) g
        where g.grantee <> t.relowner
            and not (g.grantee = (select oid from pg_roles where rolname = 'attain_service')
                and g.privilege_type in ('SELECT', 'INSERT'))"
    );
    for row in read(conn, &query).await {
        faults.push(format!("{}: {} is granted", row[0], row[1]));
    }
    let query = format!(
        "select t.relname::text, has_table_privilege('attain_service', t.oid, 'select')::text,
            has_table_privilege('attain_service', t.oid, 'insert')::text
        from {TABLES} t"
    );
    for row in read(conn, &query).await {
        let adds = if listed(&GLOBAL, &row[0]) { "false" } else { "true" };
        if (row[1].as_str(), row[2].as_str()) != ("true", adds) {
            faults.push(format!("{}: may be read {}, may be added to {}", row[0], row[1], row[2]));
        }
    }
    let query = format!(
        "select t.relname::text, string_agg(lower(g.privilege_type) || ' ' || a.attname, ', ' order by a.attname)
        from {TABLES} t join pg_attribute a on a.attrelid = t.oid cross join aclexplode(a.attacl) g group by 1"
    );
    let granted: BTreeMap<String, String> =
        read(conn, &query).await.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let updates = |columns: &[&str]| {
        columns.iter().map(|column| format!("update {column}")).collect::<Vec<_>>().join(", ")
    };
    let expected: BTreeMap<String, String> =
        UPDATES.iter().map(|(table, columns)| (table.to_string(), updates(columns))).collect();
    for table in granted.keys().chain(expected.keys()).collect::<std::collections::BTreeSet<_>>() {
        if granted.get(table) != expected.get(table) {
            faults.push(format!(
                "{table}: by columns, {:?} is granted",
                granted.get(table).map_or("nothing", String::as_str)
            ));
        }
    }
    let role = "select concat_ws(' ', rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication,
            exists (select from pg_class where relowner = r.oid),
            has_schema_privilege('attain_service', 'public', 'create'))
        from pg_roles r where rolname = 'attain_service'";
    if read(conn, role).await != [["f f f f f f f f"]] {
        faults.push("attain_service: may log in, bypass, create or own".to_string());
    }
}

#[tokio::test]
async fn the_schema_keeps_the_rules_of_many_machines() {
    let mut conn = PgConnection::connect_with(&cluster().database().await).await.unwrap();
    let found = faults(&mut conn).await;
    assert!(
        found.is_empty(),
        "mend the migration, or list it in this file with the reason:\n{}",
        found.join("\n")
    );
    // What is listed is there: an exception without its case would hide the next one.
    let names = "select relname::text from pg_class where relnamespace = 'public'::regnamespace";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut conn).await.unwrap();
    let short = SHORT.iter().map(|(table, _, _)| table);
    let open = GLOBAL.iter().chain(&TENANTLESS_KEYS).chain(&OPEN).map(|(name, _)| name);
    for name in open.chain(short) {
        assert!(names.iter().any(|known| known == name), "{name} is listed and does not exist");
    }
}

#[tokio::test]
async fn every_rule_that_is_broken_is_said() {
    let mut conn = PgConnection::connect_with(&cluster().database().await).await.unwrap();
    let walls = |table: &str| {
        let says = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)";
        format!(
            "alter table {table} enable row level security; alter table {table} force row level security;
            create policy p on {table} using ({says}) with check ({says});
            grant select, insert on {table} to attain_service;"
        )
    };
    for (breaks, expected) in [
        (
            "create table bad (id text collate \"C\" primary key)".to_string(),
            &[
                "bad: has no tenant_id",
                "bad: index bad_pkey begins with id",
                "bad: its policy is \"\"",
                "bad: may be read false, may be added to false",
                "bad: row-level security is not enabled and forced",
            ][..],
        ),
        (
            format!("create table bad (tenant_id uuid not null); {}", walls("bad")),
            &["bad: has no primary key"],
        ),
        (
            format!(
                "create table bad (tenant_id uuid, bad_id text, n bigserial, at timestamptz default now(),
                k int generated always as identity, f float8 default 0.5, g int default 7, t text default 'x',
                primary key (tenant_id, bad_id)); {}",
                walls("bad")
            ),
            &[
                "bad.at: makes its own value, now()",
                "bad.bad_id: names something and is not collate \"C\"",
                "bad.f: is of type double precision",
                "bad.f: makes its own value, 0.5",
                "bad.k: makes its own value, ",
                "bad.n: makes its own value, nextval('bad_n_seq'::regclass)",
                "sequence bad_k_seq: is not to be",
                "sequence bad_n_seq: is not to be",
            ],
        ),
        ("create index bad on deal (owner_id)".to_string(), &["deal: index bad begins with owner_id"]),
        (
            "alter table tenant add constraint bad_key unique (slug, tenant_id);
            alter table quota add constraint bad foreign key (payee_id) references tenant (slug)"
                .to_string(),
            &["quota: foreign key bad is without the tenant", "tenant: index bad_key begins with slug"],
        ),
        (
            "alter table deal no force row level security; drop policy deal_tenant on deal;
            create policy deal_tenant on deal using (true)"
                .to_string(),
            &[
                "deal: its policy is \"* t 0 true check\"",
                "deal: row-level security is not enabled and forced",
            ],
        ),
        (
            "drop index deal_current; drop index deal_added; drop index deal_removed".to_string(),
            &[
                "deal: a table of facts without its index of added rows",
                "deal: a table of facts without its index of current rows",
                "deal: a table of facts without its index of removed rows",
            ],
        ),
        (
            "grant delete on posting to attain_service; grant update (amount) on posting to attain_service;
            revoke insert on quota from attain_service; grant select on deal to public;
            revoke update (removed_in) on payee from attain_service"
                .to_string(),
            &[
                "deal: select is granted",
                "payee: by columns, \"update email, update erased, update erased_in, update name, update salt\" is granted",
                "posting: by columns, \"update amount\" is granted",
                "posting: delete is granted",
                "quota: may be read true, may be added to false",
            ],
        ),
        (
            "create function bad() returns trigger language plpgsql as 'begin return new; end';
            create trigger bad before insert on deal for each row execute function bad();
            create view worse as select 1 as one"
                .to_string(),
            &["function bad: is not to be", "trigger bad: is not to be", "view worse: is not to be"],
        ),
        (
            "grant create on schema public to attain_service".to_string(),
            &["attain_service: may log in, bypass, create or own"],
        ),
    ] {
        execute(&mut conn, &format!("begin; {breaks}")).await;
        assert_eq!(faults(&mut conn).await, expected, "{breaks}");
        execute(&mut conn, "rollback").await;
    }
}
