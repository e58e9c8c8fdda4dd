//! Names that callers choose: a newtype per noun around the caller's own text.
//!
//! An id is a letter or digit followed by up to 63 of `A-Z a-z 0-9 . _ : -`; it is case-sensitive
//! and ordered by its bytes.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Longest id, in bytes.
pub const MAX_LENGTH: usize = 64;

/// Why a text is no id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdFault {
    #[error("must not be empty")]
    Empty,
    #[error("must be at most 64 characters, {0:?} has {1}")]
    TooLong(String, usize),
    #[error("must be a letter or digit followed by letters, digits, '.', '_', ':' or '-', got {0:?}")]
    Characters(String),
}

/// Says what is wrong with a text as an id, for names that are ids without a type of their own.
pub fn check(text: &str) -> Result<(), IdFault> {
    let first = text.bytes().next().ok_or(IdFault::Empty)?;
    let shown = || text.chars().take(80).collect::<String>();
    if text.len() > MAX_LENGTH {
        return Err(IdFault::TooLong(shown(), text.chars().count()));
    }
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    if !first.is_ascii_alphanumeric() || !text.bytes().all(inner) {
        return Err(IdFault::Characters(shown()));
    }
    Ok(())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes a text as an id, or says what is wrong with it.
            pub fn try_new(text: &str) -> Result<Self, IdFault> {
                check(text)?;
                Ok(Self(text.into()))
            }

            /// The caller's text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdFault;
            fn from_str(text: &str) -> Result<Self, IdFault> {
                Self::try_new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::try_new(&text).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

ids! {
    /// A person or partner firm that can earn; usually the payroll number.
    PayeeId;
    /// A deal, named as the CRM names it.
    DealId;
    /// An event of a deal, unique within its deal.
    EventId;
    /// A customer of a deal.
    CustomerId;
    /// A product of a deal.
    ProductId;
    /// A territory that an assignment names.
    TerritoryId;
    /// The part a payee plays in a deal: `AE`, `SE`, `OWNER`, `OVERLAY`.
    RoleId;
    /// A named selection of credits.
    MeasureId;
    /// A compensation plan.
    PlanId;
    /// A rule by which deals without splits are credited.
    CreditingRuleId;
    /// A plan being written.
    DraftId;
    /// A proposal of quotas.
    ProposalId;
    /// A component of a plan; the same id across versions is the same promise.
    ComponentId;
    /// The caller's name for one mutating request, unique per tenant.
    RequestId;
    /// An API key's public part.
    KeyId;
}

/// A tenant. It comes from the caller's credential, never from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub uuid::Uuid);

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_take_the_callers_text_and_nothing_odd() {
        let longest = "a".repeat(64);
        for good in ["E-1001", "7", "a.b_c:d-e", longest.as_str()] {
            assert_eq!(PayeeId::try_new(good).map(|id| id.to_string()), Ok(good.to_string()));
        }
        let too_long = "a".repeat(65);
        for bad in ["", "-a", ".a", " a", "a ", "a/b", "Zoë", "a\n", "a\0", too_long.as_str()] {
            assert!(PayeeId::try_new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn ids_are_ordered_by_bytes() {
        let mut ids: Vec<_> = ["b", "B", "a1", "a", "10", "9"].map(|t| DealId::try_new(t).unwrap()).to_vec();
        ids.sort();
        let order: Vec<_> = ids.iter().map(DealId::as_str).collect();
        assert_eq!(order, ["10", "9", "B", "a", "a1", "b"]);
    }
}
