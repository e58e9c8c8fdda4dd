use std::collections::BTreeMap;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use clap::Parser as _;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio_stream::Stream as _;

use super::batch::{Batch, Part, Parts, Row};
use super::request::Request;
use super::shown;
use crate::api::v1;
use crate::config::{Cli, Command, Import};
use crate::domain::id::RequestId;
use crate::ingest::Kind;

fn set_aside(row_number: i64, bytes: usize) -> Row {
    Row::SetAside(v1::RejectedRow { row_number, reasons: vec![], raw: "x".repeat(bytes) })
}

fn read(row_number: i64) -> Row {
    Row::Read(Box::new(v1::DealRow {
        row_number,
        deal: Some(v1::Deal { deal_id: "D-1".into(), ..v1::Deal::default() }),
    }))
}

#[test]
fn batches_are_as_large_as_they_may_be_and_keep_the_order() {
    let (mut batch, mut full) = (Batch::default(), Vec::new());
    for row in 1..=10 {
        full.extend(batch.add(if row % 2 == 0 { read(row) } else { set_aside(row, 300_000) }));
    }
    full.extend(batch.take());
    assert!(batch.take().is_none());
    let rows: Vec<Vec<i64>> = full
        .iter()
        .map(|batch| {
            let read = batch.rows.iter().map(|row| row.row_number);
            let mut rows: Vec<_> = read.chain(batch.rejected_rows.iter().map(|row| row.row_number)).collect();
            rows.sort();
            rows
        })
        .collect();
    // Three rows of 300,000 bytes fit in 1,048,576, a fourth does not.
    assert_eq!(rows, [vec![1, 2, 3, 4, 5, 6], vec![7, 8, 9, 10]]);
}

#[test]
fn a_full_batch_is_counted_to_the_byte() {
    // Key and length of the row in the batch 1 + 3, its number 2, key and length of the text 1 + 3.
    let fits = (1 << 20) - 4 - 2 - 4;
    let mut batch = Batch::default();
    assert!(batch.add(set_aside(1, fits)).is_none());
    assert_eq!(batch.take().map(|batch| batch.encoded_len()), Some(1 << 20));
    // The smallest row that there is takes the place of two rows more.
    batch.add(set_aside(1, fits - 3));
    assert!(batch.add(set_aside(2, 0)).is_some());
}

#[test]
fn the_stream_ends_only_when_the_file_did() {
    let message = || Part::Message(v1::ImportDealsRequest::default());
    for (parts, ends) in [(vec![message()], false), (vec![], false), (vec![message(), Part::End], true)] {
        let (sender, receiver) = mpsc::channel(4);
        for part in parts {
            sender.try_send(part).ok().unwrap();
        }
        drop(sender);
        let mut stream = pin!(Parts(receiver));
        let mut context = Context::from_waker(Waker::noop());
        let last = loop {
            match stream.as_mut().poll_next(&mut context) {
                Poll::Ready(Some(_)) => {}
                last => break last,
            }
        };
        assert_eq!(last == Poll::Ready(None), ends);
    }
}

/// The names of requests that a command line makes for a file.
fn request(file: &std::path::Path, arguments: &[&str], kind: Kind, mapping: &str) -> Request {
    let file = file.to_str().unwrap();
    let line = [&["attain", "import", "--mapping", "m.toml"], arguments, &[file]].concat();
    let Command::Import(options) = Cli::parse_from(line).command else { panic!("not an import") };
    let options: Import = options;
    Request::of(&options, kind, mapping).unwrap()
}

#[test]
fn the_same_import_has_the_same_name_and_another_one_another() {
    let folder = std::env::temp_dir().join(format!("attain-request-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (one, two) = (folder.join("one.csv"), folder.join("two.csv"));
    std::fs::write(&one, "id\n1\n").unwrap();
    std::fs::write(&two, "id\n1\n").unwrap();
    let id = |file, arguments: &[&str], kind, mapping| request(file, arguments, kind, mapping).id;
    let first = id(&one, &[], Kind::Deals, "m");
    assert_eq!(first, id(&one, &[], Kind::Deals, "m"));
    assert!(first.starts_with("import-deals-"), "{first}");
    let others = [
        id(&two, &[], Kind::Deals, "m"),
        id(&one, &[], Kind::Deals, "n"),
        id(&one, &["--reason", "again"], Kind::Deals, "m"),
        id(&one, &["--reject-limit", "0"], Kind::Deals, "m"),
        id(&one, &[], Kind::Payees, "m"),
    ];
    std::fs::write(&one, "id\n2\n").unwrap();
    let changed = id(&one, &[], Kind::Deals, "m");
    let mut distinct: Vec<_> = others.iter().chain([&first, &changed]).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), 7);
    let given = request(&one, &["--request-id", "monday", "--reason", "because"], Kind::Quotas, "m");
    assert_eq!((given.part(2).as_str(), given.reason.as_str()), ("monday-2", "because"));
    assert_eq!((given.source.as_str(), given.id.as_str()), ("one.csv", "monday"));
    let longest = request(&one, &[], Kind::Payees, "m").part(99_999);
    assert!(RequestId::try_new(&longest).is_ok(), "{longest}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn the_first_rejected_rows_are_shown_and_the_rest_counted() {
    let rows = |count: u64| -> BTreeMap<u64, Vec<String>> {
        (2..).take(count.try_into().unwrap()).map(|row| (row, vec!["a".into(), "b".into()])).collect()
    };
    assert_eq!(shown(&rows(2), 2), "row 2: a; b\nrow 3: a; b\n");
    assert_eq!(shown(&rows(20), 20).lines().count(), 20);
    let more = shown(&rows(100), 250);
    assert_eq!((more.lines().count(), more.lines().last()), (21, Some("and 230 more")));
}
