//! The journal: numbered changes chained by hashes (semantics 2), what they touch, and anchors of them.

use std::fmt;

use chrono::{DateTime, Utc};

use super::encode::{self, Digest, Record};

/// What one mutating call did to a tenant's facts or ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// 1, 2, 3 … without gaps.
    pub number: i64,
    /// Hash of the change before; zeros before the first.
    pub previous_hash: Digest,
    /// When it was recorded, in whole microseconds.
    pub time: DateTime<Utc>,
    /// Who did it: the key's id, or `attain` for the command line.
    pub actor: String,
    /// By which call.
    pub rpc: String,
    /// Under which request id.
    pub request_id: String,
    /// Digest of the request's body.
    pub request_digest: Digest,
    /// Digest of the salted reason, where one was given.
    pub reason_digest: Option<Digest>,
    /// Digest over the rows added and superseded.
    pub rows_digest: Digest,
    /// Digest of the answer that is given again when the request comes again.
    pub answer_digest: Digest,
}

impl Change {
    /// The hash that the next change is chained to.
    pub fn hash(&self, tenant: &str) -> Digest {
        Record::new("attain.change", 1)
            .text(1, tenant)
            .text(2, &self.number.to_string())
            .bytes(3, &self.previous_hash)
            .text(4, &self.time.timestamp_micros().to_string())
            .text(5, &self.actor)
            .text(6, &self.rpc)
            .text(7, &self.request_id)
            .bytes(8, &self.request_digest)
            .bytes(9, self.reason_digest.as_ref().map_or(&[], |digest| digest.as_slice()))
            .bytes(10, &self.rows_digest)
            .bytes(11, &self.answer_digest)
            .digest()
    }
}

/// A kind of row that changes touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Noun {
    Calendar,
    Key,
    Payee,
    Assignment,
    Measure,
    Plan,
    Quota,
    Deal,
    DealEvent,
    RejectedRow,
    Close,
    Posting,
    Statement,
    Draft,
    RulesAcceptance,
    OutsideValue,
    ExchangeRate,
    Territory,
    CreditingRule,
    QuotaProposal,
    ProposalFigure,
}

impl Noun {
    /// All kinds, in the order in which a change lists them.
    pub const ALL: [Noun; 21] = [
        Noun::Calendar,
        Noun::Key,
        Noun::Payee,
        Noun::Assignment,
        Noun::Measure,
        Noun::Plan,
        Noun::Quota,
        Noun::Deal,
        Noun::DealEvent,
        Noun::RejectedRow,
        Noun::Close,
        Noun::Posting,
        Noun::Statement,
        Noun::Draft,
        Noun::RulesAcceptance,
        Noun::OutsideValue,
        Noun::ExchangeRate,
        Noun::Territory,
        Noun::CreditingRule,
        Noun::QuotaProposal,
        Noun::ProposalFigure,
    ];
}

/// What a change did to rows of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// Which kind.
    pub noun: Noun,
    /// Rows that are new or different since.
    pub added: i64,
    /// Rows that it replaced or took away.
    pub superseded: i64,
    /// Keys of all of them, each once, parts joined by `/`; empty where they are too many.
    pub keys: Vec<String>,
}

/// A change and its hash. Kept elsewhere, it shows that nothing up to the change was altered or cut off since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The change's number.
    pub number: i64,
    /// Its hash.
    pub hash: Digest,
}

impl Anchor {
    /// Reads `n:hash`: a number from 1 on, and 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, hex) = text.split_once(':')?;
        let plain = number.bytes().all(|b| b.is_ascii_digit()) && !number.starts_with('0');
        let number: i64 = number.parse().ok().filter(|_| plain)?;
        if hex.len() != 64 || !hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        let mut hash = Digest::default();
        for (byte, place) in hash.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(hex.get(place..place + 2)?, 16).ok()?;
        }
        Some(Anchor { number, hash })
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.number, encode::hex(&self.hash))
    }
}

/// What became of an anchor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorState {
    /// The change has the hash that was kept.
    Holds,
    /// It has another one, or is missing though the journal goes on.
    Differs,
    /// The journal ends before it: its tail was cut off.
    Beyond,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_is_a_number_and_a_hash() {
        let text = format!("17:{}", "0f".repeat(32));
        let anchor = Anchor::parse(&text).unwrap();
        assert_eq!((anchor.number, anchor.hash), (17, [0x0f; 32]));
        assert_eq!(anchor.to_string(), text);
        let hash = "0f".repeat(32);
        for bad in [
            "".to_string(),
            "17".to_string(),
            "17:".to_string(),
            hash.clone(),
            format!("0:{hash}"),
            format!("017:{hash}"),
            format!("-1:{hash}"),
            format!("+1:{hash}"),
            format!("99999999999999999999:{hash}"),
            format!("17:{}", hash.to_uppercase()),
            format!("17:{hash}0"),
            format!("17:{}", &hash[1..]),
            format!("17: {}", &hash[1..]),
            format!("17:{}", "é".repeat(32)),
        ] {
            assert_eq!(Anchor::parse(&bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_change_is_what_its_hash_is_made_of() {
        // A field that the hash left out could be altered unseen.
        let change = Change {
            number: 1,
            previous_hash: [0; 32],
            time: "2026-01-01T00:00:00Z".parse().unwrap(),
            actor: "k1".to_string(),
            rpc: "Write".to_string(),
            request_id: "r".to_string(),
            request_digest: [1; 32],
            reason_digest: Some([2; 32]),
            rows_digest: [3; 32],
            answer_digest: [4; 32],
        };
        let altered = [
            Change { number: 2, ..change.clone() },
            Change { previous_hash: [9; 32], ..change.clone() },
            Change { time: "2026-01-01T00:00:00.000001Z".parse().unwrap(), ..change.clone() },
            Change { actor: "k2".to_string(), ..change.clone() },
            Change { rpc: "Other".to_string(), ..change.clone() },
            Change { request_id: "s".to_string(), ..change.clone() },
            Change { request_digest: [9; 32], ..change.clone() },
            Change { reason_digest: None, ..change.clone() },
            Change { rows_digest: [9; 32], ..change.clone() },
            Change { answer_digest: [9; 32], ..change.clone() },
        ];
        for altered in altered {
            assert_ne!(altered.hash("t"), change.hash("t"), "{altered:?}");
        }
        assert_ne!(change.hash("t"), change.hash("u"));
    }
}
