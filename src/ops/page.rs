//! Where a page for a browser goes that the server drew.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Writes a page into a file, in the place of what is there; `-` is stdout.
pub fn write(path: &Path, page: &[u8]) -> anyhow::Result<()> {
    if path == Path::new("-") {
        return Ok(std::io::stdout().write_all(page)?);
    }
    fs::write(path, page).with_context(|| format!("cannot write {}", path.display()))
}
