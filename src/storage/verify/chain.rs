//! The chain of changes: numbers without gaps, each hash over the one before, the last one in the head.

use sqlx::types::chrono::DateTime;
use tokio_stream::StreamExt as _;

use crate::domain::change::{Anchor, AnchorState, Change};
use crate::domain::encode::{Digest, digest};
use crate::domain::fault::Fault;
use crate::domain::id::TenantId;

use super::super::{Conn, fault};
use super::Findings;

/// A change as it is stored; hashes of any length, so that whatever they are can be named.
struct Row {
    number: i64,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
    micros: Option<i64>,
    actor: String,
    rpc: String,
    request_id: String,
    request_digest: Vec<u8>,
    reason: Option<String>,
    reason_salt: Option<Vec<u8>>,
    reason_digest: Option<Vec<u8>>,
    rows_digest: Vec<u8>,
    erased_in: Option<i64>,
    answer_digest: Digest,
}

impl Row {
    fn change(&self) -> Option<Change> {
        let digest = |bytes: &Vec<u8>| Digest::try_from(bytes.as_slice()).ok();
        let reason_digest = match &self.reason_digest {
            Some(bytes) => Some(digest(bytes)?),
            None => None,
        };
        Some(Change {
            number: self.number,
            previous_hash: digest(&self.previous_hash)?,
            time: DateTime::from_timestamp_micros(self.micros?)?,
            actor: self.actor.clone(),
            rpc: self.rpc.clone(),
            request_id: self.request_id.clone(),
            request_digest: digest(&self.request_digest)?,
            reason_digest,
            rows_digest: digest(&self.rows_digest)?,
            answer_digest: self.answer_digest,
        })
    }

    /// A reason that was erased has neither text nor salt; its digest stays, and a change says that it was.
    fn reason_stands(&self) -> bool {
        let Some(reason) = &self.reason else {
            return self.reason_salt.is_none() && (self.reason_digest.is_none() || self.erased_in.is_some());
        };
        let salt = self.reason_salt.as_deref().unwrap_or_default();
        let computed = digest(&[salt, reason.as_bytes()].concat());
        self.reason_digest.as_deref() == Some(computed.as_slice())
    }
}

/// Walks the changes and answers how many there are, and what became of each anchor.
pub(super) async fn check(
    conn: &mut Conn,
    tenant: TenantId,
    anchors: &[Anchor],
    found: &mut Findings,
) -> Result<(i64, Vec<AnchorState>), Fault> {
    let mut count = 0_i64;
    let mut last = (0, Digest::default().to_vec());
    // Until its change is met, an anchor is one that the journal ends before.
    let mut states = vec![AnchorState::Beyond; anchors.len()];
    let mut rows = sqlx::query_as!(
        Row,
        r#"select number, previous_hash, hash,
            case when isfinite(time) then (extract(epoch from time) * 1000000)::bigint end as micros,
            actor, rpc, request_id, request_digest, reason, reason_salt, reason_digest, rows_digest,
            erased_in, sha256(answer) as "answer_digest!: Digest"
        from change where tenant_id = $1 order by number"#,
        tenant.0
    )
    .fetch(&mut *conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        check_change(&row, &last, tenant, found);
        for (anchor, state) in anchors.iter().zip(&mut states) {
            if anchor.number == row.number {
                let holds = anchor.hash.as_slice() == row.hash;
                *state = if holds { AnchorState::Holds } else { AnchorState::Differs };
            } else if anchor.number < row.number && *state == AnchorState::Beyond {
                *state = AnchorState::Differs;
            }
        }
        count = count.saturating_add(1);
        last = (row.number, row.hash);
    }
    drop(rows);
    for (Anchor { number, .. }, state) in anchors.iter().zip(&states) {
        match state {
            AnchorState::Holds => {}
            AnchorState::Differs => found.note(|| format!("change {number}: its hash is not the anchor's")),
            AnchorState::Beyond => found.note(|| {
                format!("change {number}: kept as anchor, but the journal ends at change {}", last.0)
            }),
        }
    }
    check_head(conn, tenant, &last, found).await?;
    Ok((count, states))
}

fn check_change(row: &Row, last: &(i64, Vec<u8>), tenant: TenantId, found: &mut Findings) {
    let (number, (before, hash_before)) = (row.number, last);
    let expected = before.saturating_add(1);
    if number != expected {
        found.note(|| format!("change {expected}: missing, change {number} follows change {before}"));
    }
    if row.previous_hash != *hash_before {
        found.note(|| format!("change {number}: its previous hash is not the hash of change {before}"));
    }
    let computed = row.change().map(|change| change.hash(&tenant.to_string()));
    if computed.is_none_or(|hash| hash.as_slice() != row.hash) {
        found.note(|| format!("change {number}: its columns do not give its hash"));
    }
    if !row.reason_stands() {
        found.note(|| format!("change {number}: its reason is not the one that its hash is made of"));
    }
}

async fn check_head(
    conn: &mut Conn,
    tenant: TenantId,
    (number, hash): &(i64, Vec<u8>),
    found: &mut Findings,
) -> Result<(), Fault> {
    let head = sqlx::query!(
        r#"select number, hash, ledger,
            greatest((select coalesce(max(added_in), 0) from period_close where tenant_id = $1),
                (select coalesce(max(added_in), 0) from posting where tenant_id = $1),
                (select coalesce(max(added_in), 0) from statement_part where tenant_id = $1)) as "ledger_changed!"
        from head where tenant_id = $1"#,
        tenant.0
    );
    let Some(head) = head.fetch_optional(conn).await.map_err(fault)? else {
        found.note(|| "head: the row is missing".to_string());
        return Ok(());
    };
    if head.number != *number {
        found.note(|| format!("head: names change {}, the journal ends at change {number}", head.number));
    }
    if head.hash != *hash {
        found.note(|| format!("head: its hash is not the hash of change {number}"));
    }
    if head.ledger != head.ledger_changed {
        let (ledger, changed) = (head.ledger, head.ledger_changed);
        found.note(|| format!("head: names ledger change {ledger}, the ledger's last is change {changed}"));
    }
    Ok(())
}
