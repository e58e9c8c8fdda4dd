//! What an import says of itself: its name, where the rows come from, why.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

use super::cannot_read;
use crate::config::Import;
use crate::domain::encode::{Digest, Record, hex};
use crate::ingest::Kind;

/// Most characters of the source that the contract takes.
const MAX_SOURCE: usize = 200;
/// Hexadecimal digits of the content's digest in a name: enough that no two contents meet by accident.
const NAME_DIGITS: usize = 32;

/// What an import says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: String,
    pub(super) source: String,
    pub(super) reason: String,
}

impl Request {
    /// Whoever gives no name gets one made of all that is sent, so that the same import is the same request, and
    /// another one never takes its name.
    pub(super) fn of(options: &Import, kind: Kind, mapping: &str) -> anyhow::Result<Self> {
        let name = options.file.file_name().unwrap_or(options.file.as_os_str()).to_string_lossy();
        let source: String = name.chars().take(MAX_SOURCE).collect();
        let reason = options.reason.clone().unwrap_or_else(|| format!("import of {source}"));
        let id = match &options.request_id {
            Some(id) => id.to_string(),
            None => {
                let content = digest(&options.file).with_context(|| cannot_read(&options.file))?;
                let record = Record::new("import", 1)
                    .text(1, env!("CARGO_PKG_VERSION"))
                    .text(2, mapping)
                    .bytes(3, &content)
                    .text(4, &source)
                    .text(5, &reason)
                    .opt(6, options.reject_limit);
                named(kind, &record.digest())
            }
        };
        Ok(Request { id, source, reason })
    }

    /// The name of one of several requests that an import takes, counted from 1.
    pub(super) fn part(&self, number: usize) -> String {
        format!("{}-{number}", self.id)
    }
}

fn named(kind: Kind, digest: &Digest) -> String {
    let kind = match kind {
        Kind::Payees => "payees",
        Kind::Quotas => "quotas",
        Kind::Deals => "deals",
    };
    format!("import-{kind}-{}", &hex(digest)[..NAME_DIGITS])
}

fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = BufReader::new(File::open(path)?);
    let (mut sum, mut bytes) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut bytes)?;
        if read == 0 {
            return Ok(sum.finalize().into());
        }
        sum.update(&bytes[..read]);
    }
}
