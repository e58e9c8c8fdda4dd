//! Source versions: which state of a fact in its source is told (semantics 1, law 3).
//!
//! Of one fact the highest version ever told stands, in whatever order they arrive. A fact without a version is older
//! than any with one. Where two bodies are told under one version, a fixed order of bodies decides: arbitrary, but the
//! same whichever came first.

use std::fmt;

use chrono::DateTime;

/// A state of a fact in its source: microseconds since 1970 of its last modification, or a revision; not below zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SourceVersion(i64);

/// Why a number or text is no source version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionFault {
    #[error("must not be below zero, got {0}")]
    Negative(i64),
    #[error(
        "must be a number from 0 to 9223372036854775807 or an instant from 1970 on such as \
         \"2026-03-31T09:30:00.000Z\", got {0:?}"
    )]
    Syntax(String),
}

/// What becomes of a fact that is told, given the one that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It takes the known one's place.
    Newer,
    /// It is the known one.
    Same,
    /// The known one stays.
    Stale,
}

impl SourceVersion {
    /// Takes a number as a version.
    pub fn try_new(number: i64) -> Result<Self, VersionFault> {
        if number < 0 { Err(VersionFault::Negative(number)) } else { Ok(SourceVersion(number)) }
    }

    /// Reads a number or an instant: `2026-03-31T09:30:00.000Z`, or with an offset, `+02:00` or `+0200`. What of an
    /// instant is finer than a microsecond is cut off.
    pub fn parse(text: &str) -> Result<Self, VersionFault> {
        let fault = || VersionFault::Syntax(text.chars().take(60).collect());
        let micros = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().map_err(|_| fault())?
        } else {
            let instant = DateTime::parse_from_rfc3339(text)
                .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
            instant.map_err(|_| fault())?.timestamp_micros()
        };
        Self::try_new(micros).map_err(|_| fault())
    }

    /// The next version: what a person changes by hand stands until the source changes it again. At the last there
    /// is, the same.
    #[must_use]
    pub fn next(self) -> Self {
        SourceVersion(self.0.saturating_add(1))
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for SourceVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Standing {
    /// Of a told fact with its version against the known one with its own.
    pub fn of<T: Ord>(told: (Option<SourceVersion>, &T), known: (Option<SourceVersion>, &T)) -> Standing {
        if told == known {
            Standing::Same
        } else if told.0.is_none() && known.0.is_none() || told > known {
            Standing::Newer
        } else {
            Standing::Stale
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_instants_are_versions() {
        for (text, version) in [
            ("0", Some(0)),
            ("17", Some(17)),
            ("0017", Some(17)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1e3", None),
            ("", None),
            ("1970-01-01T00:00:00Z", Some(0)),
            ("1970-01-01T00:00:00.000001Z", Some(1)),
            ("1970-01-01T00:00:00.0000019Z", Some(1)),
            ("1970-01-01T02:00:01+02:00", Some(1_000_000)),
            ("1970-01-01T00:00:01.000+0000", Some(1_000_000)),
            ("2026-03-31T09:30:00Z", Some(1_774_949_400_000_000)),
            ("1969-12-31T23:59:59Z", None),
            ("2026-02-30T09:30:00Z", None),
            // Where it was that late is not said.
            ("2026-03-31T09:30:00", None),
            ("2026-03-31", None),
            ("yesterday", None),
        ] {
            assert_eq!(SourceVersion::parse(text).ok().map(SourceVersion::get), version, "{text:?}");
        }
        assert_eq!(SourceVersion::try_new(-1), Err(VersionFault::Negative(-1)));
    }

    #[test]
    fn the_highest_version_stands_whichever_comes_first() {
        let version = |number: i64| SourceVersion::try_new(number).ok();
        for (told, known, standing) in [
            ((None, "a"), (None, "a"), Standing::Same),
            ((None, "a"), (None, "b"), Standing::Newer),
            ((None, "b"), (None, "a"), Standing::Newer),
            ((version(0), "a"), (None, "b"), Standing::Newer),
            ((None, "b"), (version(0), "a"), Standing::Stale),
            // The same body under another version: that it was known so late has to be kept.
            ((version(2), "a"), (version(1), "a"), Standing::Newer),
            ((version(1), "a"), (version(2), "a"), Standing::Stale),
            ((None, "a"), (version(1), "a"), Standing::Stale),
            ((version(1), "a"), (version(1), "a"), Standing::Same),
            ((version(1), "b"), (version(1), "a"), Standing::Newer),
            ((version(1), "a"), (version(1), "b"), Standing::Stale),
        ] {
            let of = Standing::of((told.0, &told.1), (known.0, &known.1));
            assert_eq!(of, standing, "{told:?} {known:?}");
        }
    }
}
