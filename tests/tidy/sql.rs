//! Every statement of SQL names the tenant, and stands in the room for it. Read from the texts in the sources
//! themselves: what is built at run time is there too, piece by piece.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Statements on a tenant's tables that do not name the tenant, by a part of them, and why.
const TENANTLESS: [(&str, &str); 0] = [];

/// The texts in a Rust source: literals of any kind, their escapes as they stand, with the line each begins on.
pub fn literals(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let (mut at, mut literals) = (0, Vec::new());
    let line = |at: usize| source[..at].matches('\n').count() + 1;
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if let Some(inner) = rest.strip_prefix("/*") {
            at += inner.find("*/").map_or(rest.len(), |end| end + 4);
        } else if let Some((start, close)) = raw(source, at) {
            let end = source[start..].find(&close).map_or(source.len(), |end| start + end);
            literals.push((line(at), source[start..end].to_string()));
            at = end + close.len();
        } else if bytes[at] == b'"' {
            let mut end = at + 1;
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            literals.push((line(at), source[at + 1..end.min(source.len())].to_string()));
            at = end + 1;
        } else if rest.starts_with("'\"'") || rest.starts_with("'\\\"'") {
            at += rest[1..].find('\'').map_or(1, |end| end + 2);
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    literals
}

/// Where the text of a raw literal that begins here starts, and how it closes.
fn raw(source: &str, at: usize) -> Option<(usize, String)> {
    let before = source[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let marked = source[at..].strip_prefix('r').filter(|_| !before)?;
    let marks = marked.bytes().take_while(|byte| *byte == b'#').count();
    marked[marks..].starts_with('"').then(|| (at + marks + 2, format!("\"{}", "#".repeat(marks))))
}

/// The tables with a tenant: what migrations create with a `tenant_id`.
pub fn tables(migrations: &str) -> BTreeSet<String> {
    let created = migrations.split("create table ").skip(1);
    let created =
        created.filter(|table| table.split(");\n").next().unwrap_or_default().contains("tenant_id uuid"));
    created.map(|table| table.split([' ', '(']).next().unwrap_or_default().to_string()).collect()
}

/// Words of a statement, without marks.
fn words(text: &str) -> Vec<String> {
    let word = |c: char| !(c.is_alphanumeric() || c == '_' || c == '.');
    text.split(word).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether a text is SQL or a piece of it: how it begins.
fn is_sql(text: &str) -> bool {
    const BEGINNINGS: [&str; 11] = [
        "select",
        "insert into",
        "update",
        "delete from",
        "with",
        "copy",
        "lateral",
        "from",
        "join",
        "union",
        "where",
    ];
    let words = words(text).join(" ");
    BEGINNINGS.iter().any(|beginning| words.starts_with(&format!("{beginning} ")))
}

/// How often a text reads or writes a tenant's table, and how often it names the tenant.
fn reaches_and_names(text: &str, tables: &BTreeSet<String>) -> (usize, usize) {
    let words = words(text);
    let reaches = words.windows(2).filter(|pair| {
        ["from", "join", "into", "update", "copy"].contains(&pair[0].as_str()) && tables.contains(&pair[1])
    });
    let names = words.iter().filter(|word| *word == "tenant_id" || word.ends_with(".tenant_id"));
    (reaches.count(), names.count())
}

/// What is wrong with a text that stands in a file.
pub fn fault(path: &str, text: &str, tables: &BTreeSet<String>) -> Option<&'static str> {
    if !is_sql(text) {
        return None;
    }
    let (reaches, names) = reaches_and_names(text, tables);
    if reaches > 0 && !path.starts_with("storage/") {
        return Some("SQL stands in storage only");
    }
    let listed = TENANTLESS.iter().any(|(part, _)| text.contains(part));
    (reaches > names && !listed).then_some("names the tenant less often than it reaches for a tenant's table")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn migrated() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("migrations")).unwrap();
    let texts: Vec<String> =
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap().replace("\r\n", "\n")).collect();
    tables(&texts.join("\n"))
}

#[test]
fn every_text_of_sql_names_the_tenant_and_stands_in_storage() {
    let tables = migrated();
    assert!(
        tables.len() >= 16 && tables.contains("posting") && !tables.contains("attain_migration"),
        "{tables:?}"
    );
    let mut files = Vec::new();
    super::collect(&root().join("src"), &mut files, &["rs", "sql"]);
    let (mut faults, mut seen) = (Vec::new(), 0);
    for file in files {
        let path = file.strip_prefix(root().join("src")).unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&file).unwrap();
        let texts = match path.ends_with(".sql") {
            true => {
                vec![(1, text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>().join("\n"))]
            }
            false => literals(text.split("\n#[cfg(test)]\nmod tests {").next().unwrap()),
        };
        for (line, text) in texts.iter().filter(|_| !super::is_test(&path)) {
            seen += usize::from(is_sql(text) && reaches_and_names(text, &tables).0 > 0);
            faults.extend(
                fault(&path, text, &tables).map(|fault| format!("src/{path}:{line}: {fault}:\n{text}")),
            );
        }
    }
    assert!(seen > 80, "only {seen} statements were found");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_statement_without_the_tenant_is_found_wherever_it_hides() {
    let tables = tables(
        "create table deal (\n    tenant_id uuid not null,\n    deal_id text\n);\n\
         create table attain_migration (\n    number integer not null\n);\n",
    );
    assert_eq!(tables, BTreeSet::from(["deal".to_string()]));
    for (path, text, named) in [
        ("storage/deal.rs", "select * from deal where tenant_id = $1", false),
        ("storage/deal.rs", "select * from deal where deal_id = $1", true),
        ("storage/deal.rs", "SELECT count(*)\n  FROM Deal", true),
        ("storage/deal.rs", "update deal set removed_in = $1", true),
        ("storage/deal.rs", "delete from deal using x where deal.tenant_id = $1", false),
        ("storage/deal.rs", "insert into deal (tenant_id) select $1 from x join deal on true", true),
        ("storage/deal.rs", "insert into deal (tenant_id) select d.tenant_id from deal d", false),
        ("storage/deal.rs", "lateral (select * from deal where deal_id = s.deal_id) as c", true),
        ("storage/deal.rs", "copy deal to stdout", true),
        ("storage/deal.rs", "select number from attain_migration", false),
        ("storage/deal.rs", "a refund comes from deal to deal", false),
        ("app/deal.rs", "select * from deal where tenant_id = $1", true),
        ("app/deal.rs", "the deal is unknown", false),
    ] {
        assert_eq!(fault(path, text, &tables).is_some(), named, "{path}: {text}");
    }
}

#[test]
fn texts_are_found_in_sources_as_the_compiler_finds_them() {
    let source = r####"
// "not this"
/* "nor this" */
let a = "one \" still"; let b = r#"two "quoted""#;
let c = '"'; let d = b"three"; let e = r"four"; let f = '\"'; for g in x {}
let h = "five
lines"; let it's = 'a';
"####;
    let found: Vec<_> = literals(source);
    let texts: Vec<_> = found.iter().map(|(line, text)| (*line, text.as_str())).collect();
    let expected =
        [(4, "one \\\" still"), (4, "two \"quoted\""), (5, "three"), (5, "four"), (6, "five\nlines")];
    assert_eq!(texts, expected);
}
