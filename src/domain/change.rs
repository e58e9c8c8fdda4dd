//! The journal: numbered changes chained by hashes (semantics 2).

use chrono::{DateTime, Utc};

use super::encode::{Digest, Record};

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
            .digest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        ];
        for altered in altered {
            assert_ne!(altered.hash("t"), change.hash("t"), "{altered:?}");
        }
        assert_ne!(change.hash("t"), change.hash("u"));
    }
}
