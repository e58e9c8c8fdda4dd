//! `docs/admin.md`: every grpcurl line of it runs against a real server, from top to bottom, and the part of the
//! answer that follows a line is in what the server says. With `ATTAIN_GRPCURL` set the lines are run by grpcurl
//! itself too.

use std::collections::BTreeSet;
use std::process::Command;

use attain::api::descriptors;
use serde_json::Value;

use crate::harness::Tenant;
use crate::harness::server::said;

/// A line of the manual: as a shell would split it, and what the answer holds.
struct Line {
    text: String,
    words: Vec<String>,
    expected: Option<Value>,
}

impl Line {
    fn rpc(&self) -> &str {
        self.words.last().unwrap()
    }

    /// The messages after `-d`.
    fn messages(&self) -> Vec<Value> {
        let place = self.words.iter().position(|word| word == "-d").unwrap();
        let messages = serde_json::Deserializer::from_str(&self.words[place + 1]).into_iter();
        messages.collect::<Result<_, _>>().unwrap_or_else(|error| panic!("{error} in {}", self.text))
    }

    fn check(&self, answers: &[Value], by: &str) {
        let last = answers.last().unwrap_or_else(|| panic!("no answer to {}", self.text));
        if let Some(expected) = &self.expected {
            let missing = missing(expected, last, "");
            assert!(missing.is_empty(), "{by}: {}\nanswers {last:#}\nwithout {missing:?}", self.text);
        }
    }
}

/// The lines in the order of the manual.
fn lines() -> Vec<Line> {
    let text = include_str!("../../docs/admin.md");
    let mut lines: Vec<Line> = Vec::new();
    for (place, block) in text.split("```").enumerate().filter(|(place, _)| place % 2 == 1) {
        let (kind, body) = block.split_once('\n').unwrap();
        assert!(!kind.contains(' '), "block {place} of the manual has no kind");
        match kind {
            "sh" => {
                let line = body.replace("\\\n", " ");
                let words = split(&line);
                assert_eq!(words[0], "grpcurl", "{line}");
                lines.push(Line { text: line, words, expected: None });
            }
            "json" => {
                let expected = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error} in {body}"));
                let line = lines.last_mut().unwrap();
                assert!(line.expected.replace(expected).is_none(), "two answers after {}", line.text);
            }
            _ => {}
        }
    }
    lines
}

/// Splits a line as a shell does: blanks, single and double quotes. Variables stay as they are.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), close) if open == close => quote = None,
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (_, character) => word.get_or_insert_default().push(character),
        }
    }
    assert_eq!(quote, None, "a quote is left open in {line}");
    words.extend(word);
    words
}

/// Paths of what is expected and not there. Of a list every expected item is there, in order.
fn missing(expected: &Value, found: &Value, path: &str) -> Vec<String> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => expected
            .iter()
            .flat_map(|(name, value)| {
                missing(value, found.get(name).unwrap_or(&Value::Null), &format!("{path}.{name}"))
            })
            .collect(),
        (Value::Array(expected), Value::Array(found)) if expected.len() <= found.len() => {
            let pairs = expected.iter().zip(found).enumerate();
            pairs
                .flat_map(|(place, (expected, found))| missing(expected, found, &format!("{path}[{place}]")))
                .collect()
        }
        (expected, found) if expected == found => Vec::new(),
        (expected, found) => vec![format!("{path}: {expected}, got {found}")],
    }
}

#[tokio::test]
async fn every_line_of_the_manual_works() {
    let tenant = Tenant::new().await;
    for line in lines() {
        let header: Vec<_> = line.words.iter().take(4).map(String::as_str).collect();
        assert_eq!(header, ["grpcurl", "-plaintext", "-H", "authorization: Bearer $ATTAIN_KEY"]);
        assert_eq!((line.words.len(), line.words[6].as_str()), (8, "localhost:50051"), "{}", line.text);
        let answers = tenant.stream(line.rpc(), line.messages()).await;
        let answers =
            answers.unwrap_or_else(|status| panic!("{}\n{}", line.text, crate::harness::refusal(&status)));
        line.check(&answers, "the built-in client");
    }
}

#[tokio::test]
async fn every_line_of_the_manual_works_with_grpcurl_itself() {
    let Ok(grpcurl) = std::env::var("ATTAIN_GRPCURL") else { return };
    let tenant = Tenant::new().await;
    let server = tenant.address.strip_prefix("http://").unwrap();
    for line in lines() {
        let words = line.words[1..].iter().map(|word| match word.as_str() {
            "localhost:50051" => server.to_string(),
            word => word.replace("$ATTAIN_KEY", &tenant.key),
        });
        let (done, out, error) = said(Command::new(&grpcurl).args(words).output().unwrap());
        assert!(done, "{}\n{error}", line.text);
        let answers: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(&out).into_iter().collect();
        line.check(&answers.unwrap(), "grpcurl");
    }
}

#[test]
fn every_rpc_has_a_line_in_the_manual() {
    let lines = lines();
    let shown: BTreeSet<_> = lines.iter().map(|line| line.rpc()).collect();
    let methods = descriptors().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let names: Vec<_> =
        methods.map(|method| format!("{}/{}", method.parent_service().full_name(), method.name())).collect();
    let without: Vec<_> = names.iter().filter(|name| !shown.contains(name.as_str())).collect();
    assert_eq!(without, Vec::<&String>::new());
    assert!(lines.iter().filter(|line| line.expected.is_some()).count() >= 10);
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(split("a  'b \"c\"\n d' \"e 'f\" g'h'i ''"), ["a", "b \"c\"\n d", "e 'f", "ghi", ""]);
}
