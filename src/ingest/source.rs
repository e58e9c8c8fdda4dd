//! Where a value comes from: a cell, respelt as its mapping says, or a constant.
//!
//! A cell is trimmed, then looked up among the aliases, then respelt (name to id, date, number).
//! What is then empty is absent. Nothing is guessed: what does not fit its spelling is refused.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

use chrono::NaiveDate;
use chrono::format::{Item, StrftimeItems};

use super::section::{Section, shown};
use crate::domain::date::Day;
use crate::domain::deal::{EventKind, Outcome};
use crate::domain::fault::Violations;
use crate::domain::id::PayeeId;
use crate::domain::money::Currency;
use crate::domain::number::{self, INTEGER_DIGITS, NumberFault, Percent, Quantity};
use crate::domain::payee::PayeeKind;
use crate::domain::version::SourceVersion;

/// Decimals of an amount whose currency is not known here.
pub(super) const MOST_MINOR_DIGITS: u32 = 3;
/// Longest stage, title or attribute, in characters.
const LABEL_LENGTH: usize = 100;

/// Where one value of a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// What reasons call it: `amount from column "close_value"`.
    label: String,
    origin: Origin,
    required: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    Constant(String),
    Column { name: String, aliases: BTreeMap<String, String>, spelling: Spelling },
}

/// How the file spells a value that attain spells in one way only.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Spelling {
    Plain,
    /// A name of which an id is made: letters and digits in lower case, joined by single hyphens.
    Name,
    /// A date by a pattern of chrono's.
    Date(String),
    Number(NumberSpelling),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct NumberSpelling {
    decimal: char,
    group: Option<char>,
}

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Id,
    Text,
    /// A text of at most 100 characters.
    Label,
    Day,
    Currency,
    Money,
    Quantity,
    Percent,
    PayeeKind,
    EventKind,
    Outcome,
    /// A source version: a number or an instant.
    Version,
}

impl Form {
    fn check(self, text: &str) -> Result<(), String> {
        fn good<T, E: Display>(read: Result<T, E>) -> Result<(), String> {
            read.map(drop).map_err(|fault| fault.to_string())
        }
        match self {
            // All ids follow one rule, whatever they name.
            Form::Id => good(PayeeId::try_new(text)),
            Form::Text => Ok(()),
            Form::Label => good(label(text)),
            Form::Day => good(Day::parse(text)),
            Form::Currency => good(Currency::parse(text)),
            Form::Money => good(decimal(text)),
            Form::Quantity => good(Quantity::parse(text)),
            Form::Percent => good(Percent::parse(text)),
            Form::PayeeKind => good(payee_kind(text)),
            Form::EventKind => good(event_kind(text)),
            Form::Outcome => good(outcome(text)),
            Form::Version => good(SourceVersion::parse(text)),
        }
    }
}

/// Reads an amount of whatever currency, in thousandths.
pub(super) fn decimal(text: &str) -> Result<i128, NumberFault> {
    number::parse(text, INTEGER_DIGITS, MOST_MINOR_DIGITS)
}

pub(super) fn label(text: &str) -> Result<String, String> {
    let length = text.chars().count();
    if length > LABEL_LENGTH {
        return Err(format!("must be at most {LABEL_LENGTH} characters, {:?} has {length}", shown(text)));
    }
    Ok(text.to_string())
}

pub(super) fn payee_kind(text: &str) -> Result<PayeeKind, String> {
    match text {
        "PERSON" => Ok(PayeeKind::Person),
        "FIRM" => Ok(PayeeKind::Firm),
        other => Err(format!("must be PERSON or FIRM, got {:?}", shown(other))),
    }
}

pub(super) fn event_kind(text: &str) -> Result<EventKind, String> {
    EventKind::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
        let names = EventKind::ALL.map(EventKind::name).join(", ");
        format!("must be one of {names}, got {:?}", shown(text))
    })
}

pub(super) fn outcome(text: &str) -> Result<Outcome, String> {
    [Outcome::Open, Outcome::Won, Outcome::Lost]
        .into_iter()
        .find(|outcome| outcome.name() == text)
        .ok_or_else(|| format!("must be OPEN, WON or LOST, got {:?}", shown(text)))
}

impl Source {
    /// Reads a source from its table in the mapping. `always`: the record cannot do without it.
    pub(super) fn parse(
        mut section: Section,
        form: Form,
        always: bool,
        faults: &mut Violations,
    ) -> Option<Source> {
        let column = section.text("column", faults);
        let constant = section.text("constant", faults);
        let name = section.name().strip_prefix("fields.").unwrap_or(section.name()).to_string();
        let source = match (column, constant) {
            (Some(column), None) => Self::column(&name, column, &mut section, form, always, faults),
            (None, Some(constant)) => {
                let checked = if constant.chars().any(char::is_control) {
                    Err("must not hold control characters".to_string())
                } else if constant.trim() != constant || constant.is_empty() {
                    Err(format!("must be a text without space around it, got {constant:?}"))
                } else {
                    form.check(&constant)
                };
                faults.take(&section.path("constant"), checked);
                let label = format!("{name} (always {constant:?})");
                Some(Source { label, origin: Origin::Constant(constant), required: always })
            }
            (Some(_), Some(_)) | (None, None) => {
                faults.add(section.name(), "must have either column or constant");
                return None;
            }
        };
        section.finish(faults);
        source
    }

    fn column(
        name: &str,
        column: String,
        section: &mut Section,
        form: Form,
        always: bool,
        faults: &mut Violations,
    ) -> Option<Source> {
        if column.is_empty() || column.trim() != column {
            faults.add(section.path("column"), format!("must be a column's name, got {column:?}"));
        }
        let required = section.flag("required", faults);
        if always && required == Some(false) {
            faults.add(section.path("required"), "must be true or absent: the record cannot do without it");
        }
        let aliases = section.section("aliases", faults).map(|section| aliases(section, faults));
        let spelling = Spelling::parse(section, form, faults);
        let aliases = aliases.unwrap_or_default();
        let label = format!("{name} from column {column:?}");
        let origin = Origin::Column { name: column, aliases, spelling };
        Some(Source { label, origin, required: always || required == Some(true) })
    }

    /// A source that takes a cell as it is.
    pub(super) fn plain(name: &str, column: String) -> Source {
        let label = format!("{name} from column {column:?}");
        let origin = Origin::Column { name: column, aliases: BTreeMap::new(), spelling: Spelling::Plain };
        Source { label, origin, required: false }
    }

    /// What reasons call it.
    pub(super) fn label(&self) -> &str {
        &self.label
    }

    /// The column it reads, if it reads one.
    pub(super) fn column_name(&self) -> Option<&str> {
        match &self.origin {
            Origin::Column { name, .. } => Some(name),
            Origin::Constant(_) => None,
        }
    }

    /// The text in a cell after trimming and aliases.
    pub(super) fn renamed<'a>(&'a self, cell: &'a str) -> &'a str {
        match &self.origin {
            Origin::Constant(constant) => constant,
            Origin::Column { aliases, .. } => {
                let cell = cell.trim();
                aliases.get(cell).map_or(cell, String::as_str)
            }
        }
    }

    /// Reads the value in a cell: absent, good, or the reason why not.
    pub(super) fn read<T, E: Display>(
        &self,
        cell: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, String> {
        let text = self.renamed(cell);
        if text.is_empty() {
            let missing = || format!("{} must not be empty", self.label);
            return if self.required { Err(missing()) } else { Ok(None) };
        }
        let spelt = match &self.origin {
            Origin::Column { spelling, .. } => spelling.respell(text),
            Origin::Constant(_) => Ok(Cow::Borrowed(text)),
        };
        let value = spelt.and_then(|text| parse(&text).map_err(|fault| fault.to_string()));
        value.map(Some).map_err(|fault| {
            let cell = shown(cell.trim());
            let origin = if cell.is_empty() || fault.contains(&cell) {
                String::new()
            } else {
                format!(" (the cell holds {cell:?})")
            };
            format!("{} {fault}{origin}", self.label)
        })
    }
}

fn aliases(section: Section, faults: &mut Violations) -> BTreeMap<String, String> {
    let name = section.name().to_string();
    let entries = section.into_texts(faults);
    for (from, to) in &entries {
        let plain = |text: &str| text.trim() == text && !text.chars().any(char::is_control);
        if !plain(from) || !plain(to) {
            faults.add(format!("{name}.{from:?}"), "cells are trimmed first: must have no space around it");
        }
    }
    entries.into_iter().collect()
}

impl Spelling {
    fn parse(section: &mut Section, form: Form, faults: &mut Violations) -> Spelling {
        let is_number = matches!(form, Form::Money | Form::Quantity | Form::Percent);
        // An option is asked for only where it has a meaning; elsewhere it is an unknown key.
        let slug = if form == Form::Id { section.flag("slug", faults) } else { None };
        let date = if form == Form::Day { section.text("date", faults) } else { None };
        let number = if is_number { section.section("number", faults) } else { None };
        if let Some(pattern) = date {
            faults.take(&section.path("date"), check_pattern(&pattern));
            return Spelling::Date(pattern);
        }
        match number.map(|number| NumberSpelling::parse(number, faults)) {
            Some(Some(number)) => Spelling::Number(number),
            Some(None) | None if slug == Some(true) => Spelling::Name,
            Some(None) | None => Spelling::Plain,
        }
    }

    /// The text as attain spells it.
    fn respell<'a>(&self, text: &'a str) -> Result<Cow<'a, str>, String> {
        match self {
            Spelling::Plain => Ok(Cow::Borrowed(text)),
            Spelling::Name => slug(text).map(Cow::Owned),
            Spelling::Date(pattern) => NaiveDate::parse_from_str(text, pattern)
                .map(|day| Cow::Owned(day.to_string()))
                .map_err(|_| format!("must be a calendar day written as {pattern:?}, got {:?}", shown(text))),
            Spelling::Number(number) => number.respell(text).map(Cow::Owned),
        }
    }
}

/// Makes an id of a name: `Mei-Mei O'Neill` becomes `mei-mei-o-neill`.
fn slug(text: &str) -> Result<String, String> {
    if !text.is_ascii() {
        return Err(format!("has letters that no id can hold: name an alias for {:?}", shown(text)));
    }
    let words: Vec<_> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        return Err(format!("has no letter or digit to make an id of, got {:?}", shown(text)));
    }
    Ok(words.join("-").to_ascii_lowercase())
}

/// A pattern must fix a day and be one that chrono can write and read again.
fn check_pattern(pattern: &str) -> Result<(), String> {
    let fault =
        || format!("must be a pattern of year, month and day such as \"%d.%m.%Y\", got {:?}", shown(pattern));
    if StrftimeItems::new(pattern).any(|item| matches!(item, Item::Error)) {
        return Err(fault());
    }
    for probe in [(2017, 3, 1), (2024, 12, 31)] {
        let day = NaiveDate::from_ymd_opt(probe.0, probe.1, probe.2);
        let midnight = day.and_then(|day| day.and_hms_opt(0, 0, 0)).ok_or_else(fault)?;
        let mut text = String::new();
        write!(text, "{}", midnight.format(pattern)).map_err(|_| fault())?;
        if NaiveDate::parse_from_str(&text, pattern).ok() != day {
            return Err(fault());
        }
    }
    Ok(())
}

impl NumberSpelling {
    fn parse(mut section: Section, faults: &mut Violations) -> Option<NumberSpelling> {
        let decimal = section.text("decimal", faults);
        let group = section.text("group", faults);
        let mut mark = |key: &str, text: Option<&str>| -> Option<char> {
            let mut chars = text?.chars();
            let one = chars.next().filter(|c| !c.is_ascii_alphanumeric() && !c.is_control() && *c != '-');
            if one.is_none() || chars.next().is_some() {
                faults.add(section.path(key), format!("must be one mark such as \",\", got {:?}", text?));
            }
            one
        };
        let marks = (mark("decimal", decimal.as_deref()), mark("group", group.as_deref()));
        if decimal.is_none() {
            faults.add(section.path("decimal"), "must be given: the mark before the decimals");
        }
        if marks.0.is_some() && marks.0 == marks.1 {
            faults.add(section.path("group"), "must differ from decimal");
        }
        section.finish(faults);
        Some(NumberSpelling { decimal: marks.0?, group: marks.1 })
    }

    /// Plain decimal text. Groups are all of three digits but the first, or there are none.
    fn respell(self, text: &str) -> Result<String, String> {
        let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
        let (whole, fraction) = match digits.split_once(self.decimal) {
            Some((whole, fraction)) => (whole, Some(fraction)),
            None => (digits, None),
        };
        let groups: Vec<&str> = match self.group {
            Some(group) => whole.split(group).collect(),
            None => vec![whole],
        };
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let grouped = groups.len() == 1
            || groups.first().is_some_and(|first| first.len() <= 3)
                && groups.iter().skip(1).all(|group| group.len() == 3);
        if !grouped || !groups.iter().copied().chain(fraction).all(is_digits) {
            let group = self.group.map_or_else(String::new, String::from);
            let decimal = self.decimal;
            return Err(format!(
                "must be a number such as \"1{group}234{decimal}56\", got {:?}",
                shown(text)
            ));
        }
        let whole = groups.concat();
        Ok(fraction.map_or_else(|| format!("{sign}{whole}"), |fraction| format!("{sign}{whole}.{fraction}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_ids() {
        for (name, id) in [
            ("Moses Frase", Some("moses-frase")),
            ("Mei-Mei Johns", Some("mei-mei-johns")),
            ("  O'Neill,  Pat. ", Some("o-neill-pat")),
            ("Gekko & Co", Some("gekko-co")),
            ("GTK 500", Some("gtk-500")),
            ("-", None),
            ("&", None),
            ("Zoë", None),
            ("王芳", None),
        ] {
            assert_eq!(slug(name).ok().as_deref(), id, "{name:?}");
        }
    }

    #[test]
    fn numbers_are_respelt_strictly() {
        let english = NumberSpelling { decimal: '.', group: Some(',') };
        let german = NumberSpelling { decimal: ',', group: Some('.') };
        let bare = NumberSpelling { decimal: ',', group: None };
        for (spelling, text, plain) in [
            (english, "1,234.50", Some("1234.50")),
            (english, "1234.50", Some("1234.50")),
            (english, "-1,234,567", Some("-1234567")),
            (english, "123", Some("123")),
            (english, "1,23", None),
            (english, "1234,567", None),
            (english, "1,2345", None),
            (english, ",123", None),
            (english, "1,,234", None),
            (english, "1,234,", None),
            (english, "1.234,5", None),
            (english, "1,234.", None),
            (english, ".5", None),
            (english, "1.2.3", None),
            (english, "$5", None),
            (english, "(5)", None),
            (english, "5-", None),
            (english, "--5", None),
            (english, "", None),
            (english, "１２", None),
            (german, "1.234,50", Some("1234.50")),
            (german, "1,234.50", None),
            (german, "1.234", Some("1234")),
            (german, "1.23", None),
            (bare, "1234,5", Some("1234.5")),
            (bare, "1.234", None),
            (bare, "1.234,5", None),
        ] {
            assert_eq!(spelling.respell(text).ok().as_deref(), plain, "{spelling:?} {text:?}");
        }
    }

    #[test]
    fn date_patterns_fix_a_day() {
        for good in
            ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%-m/%-d/%y", "%Y%m%d", "%d %B %Y", "%F", "%Y-%m-%d %H:%M"]
        {
            assert_eq!(check_pattern(good), Ok(()), "{good:?}");
        }
        for bad in [
            "",
            "%Y-%m",
            "%m/%d",
            "%H:%M",
            "%",
            "%Q",
            "2017-03-01",
            "%s",
            "%Y-%m-%d %z",
            "%Y-%m-%dT%H:%M:%S%Z",
        ] {
            assert!(check_pattern(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn days_are_read_by_their_pattern() {
        for (pattern, text, day) in [
            ("%d.%m.%Y", "01.03.2017", Some("2017-03-01")),
            ("%d.%m.%Y", "1.3.2017", Some("2017-03-01")),
            ("%m/%d/%Y", "03/31/2026", Some("2026-03-31")),
            ("%m/%d/%Y", "31/03/2026", None),
            ("%d.%m.%Y", "29.02.2026", None),
            ("%d.%m.%Y", "01.03.2017 x", None),
            ("%m/%d/%y", "03/31/26", Some("2026-03-31")),
        ] {
            let read = Spelling::Date(pattern.into()).respell(text);
            assert_eq!(read.ok().as_deref(), day, "{pattern:?} {text:?}");
        }
    }
}
