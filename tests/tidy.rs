//! The rules of the house, read from its own sources: who may know whom, and what stays out of where.

#[path = "tidy/sql.rs"]
mod sql;

use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms it may name with `crate::`.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("calc", &["domain"]),
    ("ingest", &["domain"]),
    ("auth/policy.rs", &["domain", "auth"]),
    ("auth", &["domain", "api::status", "api::descriptors"]),
    ("storage", &["domain"]),
    ("app", &["domain", "calc", "auth", "storage"]),
    ("picture", &["domain", "api::v1"]),
    ("api", &["domain", "auth", "app", "picture"]),
];

/// Words that stay out of rooms, and what to use instead.
const BANNED: &[(&[&str], &[&str], &str)] = &[
    (
        &["domain", "calc", "picture"],
        &["sqlx", "tokio", "tonic", "tracing", "std::env", "rand::", "Utc::now", "Instant"],
        "the core is pure: pass it in",
    ),
    (
        &["domain", "calc"],
        &["HashMap", "HashSet"],
        "an ordered map, a sorted vector or an index: results depend on no order of hashing",
    ),
    (
        &["domain", "calc", "ingest", "storage", "app", "api", "picture"],
        &["f32", "f64"],
        "Exact, or a scaled integer",
    ),
    (&["storage", "app", "ingest"], &["tonic"], "a Fault: api makes a status of it"),
    (&["domain", "calc", "ingest", "auth", "app", "api", "ops"], &["sqlx::query"], "a function of storage"),
    (
        &[""],
        &["dbg!(", "todo!(", "unimplemented!(", ".unwrap()", ".expect(", "panic!("],
        "an error the caller can read",
    ),
    (&[""], &["unwrap_or(0)"], "an error, or a default that says why"),
];

/// Lines of a source file that are not tests, with their numbers.
struct Source {
    path: String,
    lines: Vec<(usize, String)>,
    length: usize,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&root, &mut files, &["rs"]);
    files.sort();
    assert!(files.len() > 50, "found {} sources", files.len());
    files.iter().map(|file| read(&root, file)).collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>, extensions: &[&str]) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files, extensions);
        } else if path
            .extension()
            .is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
        {
            files.push(path);
        }
    }
}

fn read(root: &Path, file: &Path) -> Source {
    let path = file.strip_prefix(root).unwrap().to_string_lossy().into_owned();
    let text = fs::read_to_string(file).unwrap();
    let test_file = is_test(&path);
    let code = text.lines().take_while(|line| !test_file && *line != "#[cfg(test)]");
    let mut lines: Vec<(usize, String)> = (1..).zip(code.map(str::to_string)).collect();
    lines.retain(|(_, line)| !line.trim_start().starts_with("//"));
    Source { path, lines, length: text.lines().count() }
}

/// Whether a file is of tests only: `tests.rs`, or in a folder `tests`.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn is_in(path: &str, room: &str) -> bool {
    room.is_empty() || path == room || path.starts_with(&format!("{room}/"))
}

#[test]
fn rooms_know_only_whom_they_may() {
    let mut faults = Vec::new();
    for source in sources() {
        let Some((room, known)) = MAY_KNOW.iter().find(|(room, _)| is_in(&source.path, room)) else {
            continue;
        };
        for (number, line) in &source.lines {
            for named in line.split("crate::").skip(1) {
                let own = is_in(&source.path, named.split("::").next().unwrap_or_default());
                let allowed = known.iter().any(|known| named.starts_with(known));
                if !own && !allowed {
                    faults.push(format!("src/{}:{number}: {room} may not know {named}", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn words_stay_where_they_belong() {
    let mut faults = Vec::new();
    for source in sources() {
        for (rooms, words, instead) in BANNED {
            if !rooms.iter().any(|room| is_in(&source.path, room)) {
                continue;
            }
            for (number, line) in &source.lines {
                for word in words.iter().filter(|word| holds(line, word)) {
                    faults.push(format!("src/{}:{number}: {word}: use {instead}", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a line holds a word as a word of its own.
fn holds(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next().is_some_and(part);
        let (starts, ends) = (word.starts_with(part), word.ends_with(part));
        !(before && starts || after && ends)
    })
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut faults = Vec::new();
    for source in sources() {
        if source.length > 550 {
            faults.push(format!("src/{}: {} lines: that is two nouns", source.path, source.length));
        }
        let text =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(&source.path)).unwrap();
        if !text.starts_with("//!") && !is_test(&source.path) {
            faults.push(format!("src/{}: begins with no law of the module", source.path));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_checked_statement_of_sql_names_the_tenant() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".sqlx");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let described: serde_json::Value = serde_json::from_str(&text).unwrap();
        let statement = described["query"].as_str().unwrap();
        seen += 1;
        assert!(statement.contains("tenant_id"), "{statement}");
    }
    assert!(seen > 30, "only {seen} statements were found");
}
