//! The versions of a quota, each with the change that wrote it. The reason stays where it is, in the journal, so that
//! erasing it there leaves it nowhere.

use chrono::{DateTime, Utc};

use crate::domain::date::Calendar;
use crate::domain::encode::Digest;
use crate::domain::fault::Fault;
use crate::domain::id::{ProposalId, TenantId};
use crate::domain::quota::{AdjustmentKind, Quota, QuotaKey};

use super::super::{Conn, corrupt, fault};
use super::Row;

/// A version of a quota, and how it came to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaVersion {
    /// What the quota was.
    pub quota: Quota,
    /// The change that wrote it.
    pub change: i64,
    /// When.
    pub time: DateTime<Utc>,
    /// By whom.
    pub actor: String,
    /// By which call.
    pub rpc: String,
    /// What it was adjusted for; absent: it was set.
    pub kind: Option<AdjustmentKind>,
    /// Why; absent once it is erased.
    pub reason: Option<String>,
    /// The change that wrote the next version; absent: it stands.
    pub superseded_in: Option<i64>,
    /// The proposal that the change published.
    pub proposal: Option<ProposalId>,
}

/// Lists at most `limit` versions of a quota written after change `after`, up to and with `as_of`, in order.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    calendar: &Calendar,
    key: &QuotaKey,
    after: i64,
    limit: i64,
) -> Result<Vec<QuotaVersion>, Fault> {
    let query = sqlx::query!(
        r#"select q.payee_id, q.measure_id, q.window_id, q.currency, q.amount, q.units, q.reports_measure_id,
            q.seasonality, q.ramp, q.proration, q.reliefs, q.adjustment, q.digest as "digest: Digest", q.added_in,
            case when q.removed_in <= $2 then q.removed_in end as superseded_in, c.time, c.actor, c.rpc, c.reason,
            (select p.proposal_id from quota_proposal p
                where p.tenant_id = $1 and p.added_in = q.added_in and (p.body::jsonb ->> 'published')::boolean)
                as proposal_id
        from quota q join change c on c.tenant_id = q.tenant_id and c.number = q.added_in
        where q.tenant_id = $1 and c.tenant_id = $1 and q.added_in <= $2
            and q.payee_id = $3 and q.measure_id = $4 and q.window_id = $5 and q.added_in > $6
        order by q.added_in limit $7"#,
        tenant.0,
        as_of,
        key.payee.as_str(),
        key.measure.as_str(),
        calendar.window_text(key.window),
        after,
        limit
    );
    let versions = query.fetch_all(conn).await.map_err(fault)?.into_iter().map(|found| {
        let kind = found.adjustment.as_deref().map(|name| {
            AdjustmentKind::parse(name).ok_or_else(|| corrupt(format_args!("quota adjustment {name}")))
        });
        let row = Row {
            payee_id: found.payee_id,
            measure_id: found.measure_id,
            window_id: found.window_id,
            currency: found.currency,
            amount: found.amount,
            units: found.units,
            reports_measure_id: found.reports_measure_id,
            seasonality: found.seasonality,
            ramp: found.ramp,
            proration: found.proration,
            reliefs: found.reliefs,
            adjustment: found.adjustment,
            digest: found.digest,
            added_in: found.added_in,
        };
        Ok(QuotaVersion {
            kind: kind.transpose()?,
            quota: row.read(calendar)?.value,
            change: found.added_in,
            time: found.time,
            actor: found.actor,
            rpc: found.rpc,
            reason: found.reason,
            superseded_in: found.superseded_in,
            proposal: found.proposal_id.as_deref().map(ProposalId::try_new).transpose().map_err(corrupt)?,
        })
    });
    versions.collect()
}
