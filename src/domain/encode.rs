//! The one byte form that hashes are made of.
//!
//! A record is its noun, an encoding version, then each *present* field in ascending number with its
//! length and bytes. Absent fields leave no trace, so a new optional field leaves old hashes standing.

use std::fmt::{self, Write as _};

use sha2::{Digest as _, Sha256};

/// A SHA-256 hash.
pub type Digest = [u8; 32];

/// Writes one record.
pub struct Record {
    bytes: Vec<u8>,
    last: u16,
}

impl Record {
    /// Starts a record of a noun in an encoding version.
    pub fn new(noun: &str, version: u8) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.extend_from_slice(noun.as_bytes());
        bytes.extend_from_slice(&[0, version]);
        Self { bytes, last: 0 }
    }

    /// Adds a field's bytes. Fields go in ascending number.
    #[must_use]
    pub fn bytes(mut self, field: u16, value: &[u8]) -> Self {
        debug_assert!(field > self.last, "field {field} after {}", self.last);
        self.last = field;
        self.bytes.extend_from_slice(&field.to_be_bytes());
        let length = u64::try_from(value.len()).unwrap_or(u64::MAX);
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(value);
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, field: u16, value: &str) -> Self {
        self.bytes(field, value.as_bytes())
    }

    /// Adds whatever has a canonical text, if present.
    #[must_use]
    pub fn opt(mut self, field: u16, value: Option<impl fmt::Display>) -> Self {
        let Some(value) = value else { return self };
        // Written in place: this runs for every field of every row of an import.
        self = self.bytes(field, &[]);
        let start = self.bytes.len();
        // Writing to memory does not fail.
        let _ = write!(self, "{value}");
        let length = u64::try_from(self.bytes.len() - start).unwrap_or(u64::MAX);
        self.bytes[start - 8..start].copy_from_slice(&length.to_be_bytes());
        self
    }

    /// Adds a personal value as SHA-256(salt | value), so that erasing value and salt erases the person
    /// and leaves the chain standing. Of an erased value that hash is what is left.
    #[must_use]
    pub fn personal(self, field: u16, salt: &[u8], value: Option<&str>, erased: Option<&Digest>) -> Self {
        match (value, erased) {
            (Some(value), _) => {
                let hash = Sha256::new().chain_update(salt).chain_update(value.as_bytes()).finalize();
                self.bytes(field, &hash)
            }
            (None, Some(hash)) => self.bytes(field, hash),
            (None, None) => self,
        }
    }

    /// The record's bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// SHA-256 of the record.
    pub fn digest(&self) -> Digest {
        digest(&self.bytes)
    }
}

impl fmt::Write for Record {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// SHA-256 of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Lower-case hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_fields_leave_no_trace_and_lengths_keep_fields_apart() {
        let record = |second: Option<&str>| Record::new("deal", 1).text(1, "a").opt(2, second).digest();
        assert_eq!(record(None), Record::new("deal", 1).text(1, "a").digest());
        assert_ne!(record(Some("")), record(None));
        let joined = Record::new("deal", 1).text(1, "ab").text(2, "c").digest();
        assert_ne!(joined, Record::new("deal", 1).text(1, "a").text(2, "bc").digest());
    }

    #[test]
    fn personal_values_enter_as_salted_hashes() {
        let record = |salt: &[u8], value| Record::new("payee", 1).personal(1, salt, value, None).into_bytes();
        assert_ne!(record(b"one", Some("Ann")), record(b"two", Some("Ann")));
        assert!(!record(b"one", Some("Ann")).windows(3).any(|bytes| bytes == b"Ann"));
        assert_eq!(record(b"one", None), record(b"two", None));
    }

    #[test]
    fn an_erased_value_leaves_its_hash_and_another_value_shows() {
        let record = |value, erased| Record::new("payee", 1).personal(1, b"one", value, erased).into_bytes();
        let hash = digest(b"oneAnn");
        assert_eq!(record(None, Some(&hash)), record(Some("Ann"), None));
        assert_ne!(record(Some("Ben"), Some(&hash)), record(Some("Ann"), None));
        assert_ne!(record(None, None), record(Some("Ann"), None));
    }

    #[test]
    fn the_byte_form_is_pinned() {
        let record = Record::new("x", 1).text(1, "ab").opt(3, Some(7));
        assert_eq!(
            hex(&record.into_bytes()),
            "780001000100000000000000026162000300000000000000".to_string() + "0137"
        );
    }
}
