//! Wire messages to domain values and back, a file per noun. Reading a request collects everything that is wrong
//! with it, each under the path of its field as the contract spells it; nothing is repaired or guessed.

pub mod admin;
pub mod deal;
pub mod draft;
pub mod earnings;
pub mod estimate;
pub mod exchange;
pub mod import;
pub mod journal;
pub mod measure;
mod modifier;
pub mod outside;
pub mod payee;
mod payout;
pub mod performance;
pub mod period;
pub mod plan;
pub mod plan_diff;
pub mod plan_test;
pub mod proposal;
pub mod quota;
mod rates;
pub mod statement_page;
pub mod team;
pub mod team_page;
pub mod territory;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use prost::Message;

use crate::api::v1;
use crate::app::{AsOf, ExpectedEtag, Page, Receipt, Write};
use crate::domain::date::{Day, Period};
use crate::domain::encode::{self, Digest};
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::IdFault;
use crate::domain::money::Currency;
use crate::domain::number::{Percent, Quantity};
use crate::domain::version::SourceVersion;

/// Most characters of a reason.
const MAX_REASON: usize = 1000;
/// Most facts of one small write.
const MAX_FACTS: usize = 1000;
/// Most ids of a list that is not made of facts.
const MAX_IDS: usize = 100;
/// Items of a page whose size is not given, and most items of a page.
const PAGE_SIZE: u16 = 100;
const MAX_PAGE_SIZE: u16 = 1000;
/// Violations after which more are only counted: a hostile request has millions.
const MAX_VIOLATIONS: usize = 1000;

/// Reads the fields of one message and notes what is wrong with them.
pub struct Check<'a> {
    path: String,
    violations: &'a mut Violations,
}

/// Reads a request: its value, or the fault that names every violation.
pub fn read<T>(reader: impl FnOnce(&mut Check) -> Option<T>) -> Result<T, Fault> {
    read_at("", reader)
}

/// Reads a message that stands under a path.
fn read_at<T>(path: &str, reader: impl FnOnce(&mut Check) -> Option<T>) -> Result<T, Fault> {
    let mut violations = Violations::default();
    let value = reader(&mut Check { path: path.into(), violations: &mut violations });
    violations.finish(value)
}

/// The start of a text, to show what was sent.
fn shown(text: &str) -> &str {
    &text[..text.floor_char_boundary(60)]
}

impl Check<'_> {
    /// The path of a field of this message; without a name, of the message or value itself.
    fn at(&self, field: &str) -> String {
        match (self.path.as_str(), field) {
            (path, "") => path.into(),
            ("", field) => field.into(),
            (path, field) => format!("{path}.{field}"),
        }
    }

    /// Notes what is wrong with a field.
    fn add(&mut self, field: &str, message: impl Display) {
        if self.violations.len() < MAX_VIOLATIONS {
            let path = self.at(field);
            self.violations.add(path, message);
        }
    }

    /// Keeps a good value, or notes what is wrong with it.
    fn take<T>(&mut self, field: &str, result: Result<T, impl Display>) -> Option<T> {
        result.map_err(|fault| self.add(field, fault)).ok()
    }

    /// Reads the message in a field that must be there.
    fn inner<W, T>(
        &mut self,
        field: &str,
        wire: Option<&W>,
        reader: impl FnOnce(&mut Check, &W) -> Option<T>,
    ) -> Option<T> {
        let Some(wire) = wire else {
            self.add(field, "must be given");
            return None;
        };
        reader(&mut Check { path: self.at(field), violations: self.violations }, wire)
    }

    /// Reads every item of a list of at most so many; `None` if any of them is wrong.
    fn list<W, T>(
        &mut self,
        field: &str,
        wires: &[W],
        most: usize,
        mut reader: impl FnMut(&mut Check, &W) -> Option<T>,
    ) -> Option<Vec<T>> {
        if wires.len() > most {
            self.add(field, format!("must be at most {most}, got {}", wires.len()));
            return None;
        }
        let mut items = Vec::with_capacity(wires.len());
        for (place, wire) in wires.iter().enumerate() {
            let path = self.at(&format!("{field}[{place}]"));
            items.push(reader(&mut Check { path, violations: self.violations }, wire));
        }
        items.into_iter().collect()
    }

    /// Reads the facts of a write: one to so many, each key once.
    fn facts<W, T>(
        &mut self,
        field: &str,
        wires: &[W],
        most: usize,
        key: (&str, impl Fn(&W) -> String),
        reader: impl FnMut(&mut Check, &W) -> Option<T>,
    ) -> Option<Vec<T>> {
        if wires.is_empty() || wires.len() > most {
            self.add(field, format!("must be 1 to {most}, got {}", wires.len()));
            return None;
        }
        let facts = self.list(field, wires, most, reader);
        let (key_field, key) = key;
        let mut seen = BTreeMap::new();
        for (place, wire) in wires.iter().enumerate() {
            let key = key(wire);
            if let Some(first) = seen.get(&key) {
                let first = self.at(&format!("{field}[{first}]"));
                let twice = format!("{field}[{place}]{key_field}");
                self.add(&twice, format!("must be given once, got {} as in {first}", shown(&key)));
            } else if !key.is_empty() {
                seen.insert(key, place);
            }
        }
        facts
    }

    /// Reads facts that there may be none of: at most so many, each key once.
    fn optional_facts<W, T>(
        &mut self,
        field: &str,
        wires: &[W],
        most: usize,
        key: (&str, impl Fn(&W) -> String),
        reader: impl FnMut(&mut Check, &W) -> Option<T>,
    ) -> Option<Vec<T>> {
        if wires.is_empty() { Some(Vec::new()) } else { self.facts(field, wires, most, key, reader) }
    }

    /// An id that must be there.
    fn id<T: FromStr<Err = IdFault>>(&mut self, field: &str, text: &str) -> Option<T> {
        self.take(field, text.parse())
    }

    /// An id that may be empty.
    fn optional_id<T: FromStr<Err = IdFault>>(&mut self, field: &str, text: &str) -> Option<T> {
        if text.is_empty() { None } else { self.id(field, text) }
    }

    /// A list of ids.
    fn ids<T: FromStr<Err = IdFault>>(&mut self, field: &str, texts: &[String]) -> Option<Vec<T>> {
        // The path of an item is the item's own, without a field.
        if texts.len() > MAX_IDS {
            self.add(field, format!("must be at most {MAX_IDS}, got {}", texts.len()));
            return None;
        }
        let ids: Vec<Option<T>> = texts
            .iter()
            .enumerate()
            .map(|(place, text)| self.id(&format!("{field}[{place}]"), text))
            .collect();
        ids.into_iter().collect()
    }

    /// Notes every item of a list that stands there twice.
    fn once(&mut self, field: &str, texts: &[String]) {
        let mut seen = BTreeMap::new();
        for (place, text) in texts.iter().enumerate() {
            if let Some(first) = seen.get(text) {
                let first = self.at(&format!("{field}[{first}]"));
                let twice = format!("must be given once, got {} as in {first}", shown(text));
                self.add(&format!("{field}[{place}]"), twice);
            } else {
                seen.insert(text, place);
            }
        }
    }

    /// Text for people: at most so many characters, none of them a control character; `None` if empty.
    fn text(&mut self, field: &str, text: &str, most: usize) -> Option<String> {
        // A character has at most four bytes; only where that could be too many are they counted.
        let length = if text.len() > most { text.chars().count() } else { 0 };
        if length > most {
            self.add(field, format!("must be at most {most} characters, got {length}"));
        }
        self.plain(field, text);
        (!text.is_empty()).then(|| text.to_string())
    }

    /// Text for people that must be there.
    fn required_text(&mut self, field: &str, text: &str, most: usize) -> Option<String> {
        if text.is_empty() {
            self.add(field, "must not be empty");
        }
        self.text(field, text, most)
    }

    /// Notes a control character.
    fn plain(&mut self, field: &str, text: &str) {
        if let Some(control) = text.chars().find(|c| c.is_control()) {
            self.add(field, format!("must have no control characters, got {control:?}"));
        }
    }

    /// Why, where the caller may say.
    fn reason(&mut self, text: &str) -> Option<String> {
        self.text("reason", text, MAX_REASON)
    }

    /// Why, where the caller must say.
    fn required_reason(&mut self, text: &str) -> Option<String> {
        self.required_text("reason", text, MAX_REASON)
    }

    /// An enum value that must be there: `known` gives `None` for the unspecified one.
    fn choice<W: TryFrom<i32>, T>(
        &mut self,
        field: &str,
        number: i32,
        known: impl Fn(W) -> Option<T>,
    ) -> Option<T> {
        match W::try_from(number).map(known) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                self.add(field, "must be given");
                None
            }
            Err(_) => {
                self.add(field, format!("must be a value of the enum, got {number}"));
                None
            }
        }
    }

    /// A day that must be there.
    fn day(&mut self, field: &str, text: &str) -> Option<Day> {
        self.take(field, Day::parse(text))
    }

    /// A day that may be empty.
    fn optional_day(&mut self, field: &str, text: &str) -> Option<Day> {
        if text.is_empty() { None } else { self.day(field, text) }
    }

    /// A period that must be there.
    fn period(&mut self, field: &str, text: &str) -> Option<Period> {
        self.take(field, Period::parse(text))
    }

    /// A period that may be empty.
    fn optional_period(&mut self, field: &str, text: &str) -> Option<Period> {
        if text.is_empty() { None } else { self.period(field, text) }
    }

    /// An amount in minor units, not below zero; `None` if empty.
    fn amount(&mut self, field: &str, text: &str, currency: Currency) -> Option<i64> {
        let amount = if text.is_empty() { None } else { self.take(field, currency.parse_amount(text)) };
        self.not_negative(field, text, amount)
    }

    /// An amount in minor units that must be there, not below zero.
    fn required_amount(&mut self, field: &str, text: &str, currency: Currency) -> Option<i64> {
        let amount = self.take(field, currency.parse_amount(text));
        self.not_negative(field, text, amount)
    }

    /// A quantity, not below zero; `None` if empty.
    fn quantity(&mut self, field: &str, text: &str) -> Option<Quantity> {
        let quantity = if text.is_empty() { None } else { self.take(field, Quantity::parse(text)) };
        self.not_negative(field, text, quantity.map(|quantity| quantity.0)).and(quantity)
    }

    fn not_negative(&mut self, field: &str, text: &str, value: Option<i64>) -> Option<i64> {
        if value.is_some_and(|value| value < 0) {
            self.add(field, format!("must not be below zero, got {:?}", shown(text)));
            return None;
        }
        value
    }

    /// A percentage that must be there.
    fn percent(&mut self, field: &str, text: &str) -> Option<Percent> {
        self.take(field, Percent::parse(text))
    }

    /// A currency; empty means the tenant's.
    fn currency(&mut self, field: &str, text: &str, tenants: Currency) -> Option<Currency> {
        if text.is_empty() { Some(tenants) } else { self.take(field, Currency::parse(text)) }
    }

    /// Where in the journal to read: as of a number, 0: now, and not before the journal has reached another.
    pub fn as_of(&mut self, change: i64, min: i64) -> Option<AsOf> {
        let (change, min) = (self.number("as_of_change", change), self.min_change(min));
        let as_of: AsOf = AsOf { change: change?, min: min? };
        if as_of.change != 0 && as_of.change < as_of.min {
            let AsOf { change, min } = as_of;
            self.add("as_of_change", format!("must not be before min_change {min}, got {change}"));
            self.add("min_change", format!("must not be after as_of_change {change}, got {min}"));
            return None;
        }
        Some(as_of)
    }

    /// A journal number that the answer is not to be older than; 0: any.
    pub fn min_change(&mut self, number: i64) -> Option<i64> {
        self.number("min_change", number)
    }

    /// A number of something, not below zero.
    pub fn number<N: TryFrom<i64>>(&mut self, field: &str, number: i64) -> Option<N> {
        if number < 0 {
            self.add(field, format!("must not be below zero, got {number}"));
            return None;
        }
        let large = |_| format!("must be smaller, got {number}");
        let number = N::try_from(number).map_err(large);
        self.take(field, number)
    }

    /// The etags that resources are expected to have, by the paths of the resources; 0 expects nothing.
    fn expected_etags(&mut self, etags: impl IntoIterator<Item = (String, i64)>) -> Vec<ExpectedEtag> {
        let etags = etags.into_iter().enumerate();
        let expected = etags
            .map(|(place, (resource, etag))| self.expected_etag(&format!("{resource}.etag"), place, etag));
        expected.flatten().collect()
    }

    /// The etag that the resource at a place of the request is expected to have; 0 expects nothing.
    fn expected_etag(&mut self, field: &str, place: usize, etag: i64) -> Option<ExpectedEtag> {
        if etag == 0 {
            return None;
        }
        self.number::<i64>(field, etag)?;
        Some(ExpectedEtag { field: self.at(field), place, etag })
    }

    /// Which state of a fact in its source it is, where the source says.
    fn source_version(&mut self, number: Option<i64>) -> Option<SourceVersion> {
        self.take("source_version", SourceVersion::try_new(number?))
    }

    /// A page of a list, its token still unread.
    fn page(&mut self, size: i32, as_of: i64, min: i64) -> Option<Page> {
        let as_of = self.as_of(as_of, min);
        let size = self.size(size, PAGE_SIZE);
        Some(Page { as_of: as_of?, after: None, size: size? })
    }

    /// How many items a page has; 0: as many as usual.
    fn size(&mut self, size: i32, usual: u16) -> Option<u16> {
        match u16::try_from(size) {
            Ok(0) => Some(usual),
            Ok(size) if size <= MAX_PAGE_SIZE => Some(size),
            _ => {
                self.add("page_size", format!("must be 0 to {MAX_PAGE_SIZE}, got {size}"));
                None
            }
        }
    }

    /// Reads a value and, if nothing in it is wrong by itself, notes what is wrong between its fields by the
    /// value's own rules.
    fn whole<T>(
        &mut self,
        reader: impl FnOnce(&mut Check) -> Option<T>,
        rules: impl FnOnce(&mut T, &str, &mut Violations),
    ) -> Option<T> {
        let before = self.violations.len();
        let mut value = reader(self)?;
        if self.violations.len() == before && before < MAX_VIOLATIONS {
            rules(&mut value, &self.path, self.violations);
        }
        Some(value)
    }
}

/// What every write says about itself.
fn write(
    check: &mut Check,
    rpc: &'static str,
    request: &impl Message,
    request_id: &str,
    reason: Option<String>,
    validate_only: bool,
) -> Option<Write> {
    let request_id = check.id("request_id", request_id)?;
    let (digest, etags) = (digest(rpc, request), Vec::new());
    Some(Write { rpc, request_id, digest, reason, validate_only, etags })
}

/// The resources of a list by their paths, each with its etag.
fn listed(field: &str, etags: impl Iterator<Item = i64>) -> impl Iterator<Item = (String, i64)> {
    etags.enumerate().map(move |(place, etag)| (format!("{field}[{place}]"), etag))
}

impl Write {
    /// The same write, if the resources have these etags.
    fn expecting(self, etags: Vec<ExpectedEtag>) -> Self {
        Write { etags, ..self }
    }
}

/// The digest of a request: of its rpc's name, a zero byte, and its encoding, in which maps are ordered.
pub fn digest(rpc: &str, request: &impl Message) -> Digest {
    let mut bytes = Vec::with_capacity(rpc.len() + 1 + request.encoded_len());
    bytes.extend_from_slice(rpc.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(&request.encode_to_vec());
    encode::digest(&bytes)
}

/// A count as the contract's number.
fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// A small count as the contract's number.
fn small(number: impl TryInto<i32>) -> i32 {
    number.try_into().unwrap_or(i32::MAX)
}

/// What was written, as the contract says it.
pub fn receipt(receipt: &Receipt) -> v1::Receipt {
    v1::Receipt {
        change_number: receipt.change,
        written: count(receipt.written),
        unchanged: count(receipt.unchanged),
        stale: count(receipt.stale),
        first_stale_ids: receipt.first_stale.clone(),
    }
}

/// An amount with its currency.
fn money(minor: i128, currency: Currency) -> v1::Money {
    v1::Money { currency_code: currency.code().into(), amount: currency.amount(minor) }
}

/// A value's canonical text, empty if it is absent.
pub fn text(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
