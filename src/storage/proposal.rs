//! Proposals of quotas and their figures. A figure is a fact of its own, so that a change of one leaves the others as
//! they are. Rows hold major units.

use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::types::Json;
use tokio_stream::StreamExt as _;

use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{PayeeId, ProposalId, TenantId};
use crate::domain::proposal::{Figure, Proposal};

use super::{Conn, RowCheck, Stored, Written, bytea, corrupt, fault, number};

struct Row {
    proposal_id: String,
    body: String,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn record(&self) -> Record {
        Record::new("quota_proposal", 1).text(1, &self.proposal_id).text(2, &self.body)
    }

    fn read(self) -> Result<Stored<Proposal>, Fault> {
        let id = ProposalId::try_new(&self.proposal_id).map_err(corrupt)?;
        let body = serde_json::from_str(&self.body).map_err(corrupt)?;
        Ok(Stored { value: Proposal { id, body }, added_in: self.added_in })
    }
}

#[derive(Serialize)]
struct FigureRow {
    proposal_id: String,
    payee_id: String,
    manager_id: Option<String>,
    level: i32,
    amount: Decimal,
    made: String,
    #[serde(serialize_with = "bytea")]
    digest: Digest,
    added_in: i64,
}

impl FigureRow {
    fn new(proposal: &ProposalId, decimals: u32, figure: &Figure, n: i64) -> Result<Self, Fault> {
        let mut row = FigureRow {
            proposal_id: proposal.to_string(),
            payee_id: figure.payee.to_string(),
            manager_id: figure.manager.as_ref().map(PayeeId::to_string),
            level: i32::try_from(figure.level).map_err(corrupt)?,
            amount: number::to_sql(figure.amount.into(), decimals)?,
            made: serde_json::to_string(&figure.made).map_err(corrupt)?,
            digest: Digest::default(),
            added_in: n,
        };
        row.digest = row.record().digest();
        Ok(row)
    }

    fn record(&self) -> Record {
        Record::new("proposal_figure", 1)
            .text(1, &self.proposal_id)
            .text(2, &self.payee_id)
            .opt(3, self.manager_id.as_ref())
            .text(4, &self.level.to_string())
            .text(5, &self.amount.normalize().to_string())
            .text(6, &self.made)
    }

    fn read(self, decimals: u32) -> Result<Stored<Figure>, Fault> {
        let manager = self.manager_id.as_deref().map(PayeeId::try_new).transpose();
        let value = Figure {
            payee: PayeeId::try_new(&self.payee_id).map_err(corrupt)?,
            manager: manager.map_err(corrupt)?,
            level: u32::try_from(self.level).map_err(corrupt)?,
            amount: number::small_from_sql(self.amount, decimals)?,
            made: serde_json::from_str(&self.made).map_err(corrupt)?,
        };
        Ok(Stored { value, added_in: self.added_in })
    }
}

/// Writes a proposal in change `n` if it is new or different.
pub async fn save(conn: &mut Conn, tenant: TenantId, n: i64, proposal: &Proposal) -> Result<Written, Fault> {
    let known = get(&mut *conn, tenant, n, &proposal.id).await?;
    if known.as_ref().is_some_and(|known| known.value == *proposal) {
        return Ok(Written { written: 0, unchanged: 1 });
    }
    let query = sqlx::query!(
        "update quota_proposal set removed_in = $2
        where tenant_id = $1 and proposal_id = $3 and removed_in is null",
        tenant.0,
        n,
        proposal.id.as_str()
    );
    query.execute(&mut *conn).await.map_err(fault)?;
    let mut row = Row {
        proposal_id: proposal.id.to_string(),
        body: serde_json::to_string(&proposal.body).map_err(corrupt)?,
        digest: Digest::default(),
        added_in: n,
    };
    row.digest = row.record().digest();
    let query = sqlx::query!(
        "insert into quota_proposal (tenant_id, proposal_id, body, digest, added_in) values ($1, $2, $3, $4, $5)",
        tenant.0,
        row.proposal_id,
        row.body,
        row.digest.as_slice(),
        row.added_in
    );
    query.execute(conn).await.map_err(fault)?;
    Ok(Written { written: 1, unchanged: 0 })
}

/// Writes figures of a proposal that are new or different in change `n`; figures of payees that are not named go where
/// `whole` says that these are all there are. No payee is named twice.
pub async fn set_figures(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    proposal: &Proposal,
    figures: &[Figure],
    whole: bool,
) -> Result<Written, Fault> {
    let decimals = proposal.body.terms.decimals();
    let rows = figures.iter().map(|figure| FigureRow::new(&proposal.id, decimals, figure, n));
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let gone = sqlx::query!(
        "update proposal_figure c set removed_in = $2
        where $4 and c.tenant_id = $1 and c.proposal_id = $5 and c.removed_in is null
            and c.payee_id not in (select r.payee_id from jsonb_populate_recordset(null::proposal_figure, $3) as r)",
        tenant.0,
        n,
        Json(&rows) as _,
        whole,
        proposal.id.as_str()
    );
    gone.execute(&mut *conn).await.map_err(fault)?;
    let mark = sqlx::query!(
        "update proposal_figure c set removed_in = $2 from jsonb_populate_recordset(null::proposal_figure, $3) as r
        where c.tenant_id = $1 and c.proposal_id = $4 and c.payee_id = r.payee_id and c.removed_in is null
            and (c.manager_id, c.level, c.amount, c.made)
                is distinct from (r.manager_id, r.level, r.amount, r.made)",
        tenant.0,
        n,
        Json(&rows) as _,
        proposal.id.as_str()
    );
    mark.execute(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query!(
        "insert into proposal_figure
            (tenant_id, proposal_id, payee_id, manager_id, level, amount, made, digest, added_in)
        select $1, $3, r.payee_id, r.manager_id, r.level, r.amount, r.made, r.digest, r.added_in
        from jsonb_populate_recordset(null::proposal_figure, $2) as r
        where not exists (select from proposal_figure c
            where c.tenant_id = $1 and c.proposal_id = $3 and c.payee_id = r.payee_id and c.removed_in is null)",
        tenant.0,
        Json(&rows) as _,
        proposal.id.as_str()
    );
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    Ok(Written::of(rows.len(), written))
}

/// Finds a proposal as of change `as_of`.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &ProposalId,
) -> Result<Option<Stored<Proposal>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select proposal_id, body, digest as "digest: Digest", added_in
        from quota_proposal
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and proposal_id = $3"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_optional(conn).await.map_err(fault)?.map(Row::read).transpose()
}

/// Lists at most `limit` proposals after `after` by id, as of change `as_of`; with a manager those in which anybody
/// reports to it.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    manager: Option<&str>,
    after: Option<&ProposalId>,
    limit: i64,
) -> Result<Vec<Stored<Proposal>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select proposal_id, body, digest as "digest: Digest", added_in
        from quota_proposal p
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and proposal_id > $3
            and ($5::text is null or exists (select from proposal_figure f
                where f.tenant_id = $1 and f.proposal_id = p.proposal_id and f.manager_id = $5
                    and f.added_in <= $2 and (f.removed_in is null or f.removed_in > $2)))
        order by proposal_id limit $4"#,
        tenant.0,
        as_of,
        after.map_or("", ProposalId::as_str),
        limit,
        manager
    );
    query.fetch_all(conn).await.map_err(fault)?.into_iter().map(Row::read).collect()
}

/// The change that last wrote a proposal or one of its figures, as of change `as_of`; 0 if there is none.
pub async fn etag(conn: &mut Conn, tenant: TenantId, as_of: i64, id: &ProposalId) -> Result<i64, Fault> {
    let query = sqlx::query_scalar!(
        r#"select coalesce(greatest(
            (select max(added_in) from quota_proposal
                where tenant_id = $1 and added_in <= $2 and proposal_id = $3),
            (select max(added_in) from proposal_figure
                where tenant_id = $1 and added_in <= $2 and proposal_id = $3)), 0) as "etag!""#,
        tenant.0,
        as_of,
        id.as_str()
    );
    query.fetch_one(conn).await.map_err(fault)
}

/// What a list of figures is narrowed to; where absent, all.
#[derive(Debug, Clone, Copy)]
pub struct FigureList<'a> {
    /// Those who report to this payee.
    pub manager: Option<&'a PayeeId>,
    /// Of these payees.
    pub payees: Option<&'a [PayeeId]>,
    /// After this payee.
    pub after: Option<&'a PayeeId>,
    /// At most so many.
    pub limit: i64,
}

impl FigureList<'_> {
    /// All of them.
    pub const ALL: Self = FigureList { manager: None, payees: None, after: None, limit: i64::MAX };
}

/// A figure with who wrote it last, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// The figure.
    pub figure: Stored<Figure>,
    /// The key that made the change.
    pub actor: String,
    /// Its reason; absent if it was erased.
    pub reason: Option<String>,
}

/// Figures of a proposal as of change `as_of`, by payee.
pub async fn figures(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    proposal: &Proposal,
    list: FigureList<'_>,
) -> Result<Vec<Stored<Figure>>, Fault> {
    let decimals = proposal.body.terms.decimals();
    let payees: Option<Vec<String>> =
        list.payees.map(|payees| payees.iter().map(PayeeId::to_string).collect());
    let query = sqlx::query_as!(
        FigureRow,
        r#"select proposal_id, payee_id, manager_id, level, amount, made, digest as "digest: Digest", added_in
        from proposal_figure
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2) and proposal_id = $3
            and ($4::text is null or manager_id = $4) and ($5::text[] is null or payee_id = any($5))
            and payee_id > $6
        order by payee_id limit $7"#,
        tenant.0,
        as_of,
        proposal.id.as_str(),
        list.manager.map(PayeeId::as_str),
        payees.as_deref() as _,
        list.after.map_or("", PayeeId::as_str),
        list.limit
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.into_iter().map(|row| row.read(decimals)).collect()
}

/// The figures of a payee and all above it in a proposal as of change `as_of`, from the top down.
pub async fn line(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    proposal: &Proposal,
    payee: &PayeeId,
) -> Result<Vec<Figure>, Fault> {
    let decimals = proposal.body.terms.decimals();
    let query = sqlx::query_as!(
        FigureRow,
        r#"with recursive above (payee_id) as (
            select $4::text collate "C"
            union
            select f.manager_id from above a join proposal_figure f on f.payee_id = a.payee_id
            where f.tenant_id = $1 and f.proposal_id = $3 and f.added_in <= $2
                and (f.removed_in is null or f.removed_in > $2) and f.manager_id is not null
        )
        select f.proposal_id, f.payee_id, f.manager_id, f.level, f.amount, f.made, f.digest as "digest: Digest",
            f.added_in
        from above a join proposal_figure f on f.payee_id = a.payee_id
        where f.tenant_id = $1 and f.proposal_id = $3 and f.added_in <= $2
            and (f.removed_in is null or f.removed_in > $2)
        order by f.level"#,
        tenant.0,
        as_of,
        proposal.id.as_str(),
        payee.as_str()
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    rows.into_iter().map(|row| Ok(row.read(decimals)?.value)).collect()
}

/// Everybody below a payee in a proposal as of change `as_of`, by id.
pub async fn below(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &ProposalId,
    payee: &PayeeId,
) -> Result<Vec<PayeeId>, Fault> {
    let query = sqlx::query_scalar!(
        r#"with recursive below (payee_id) as (
            select f.payee_id from proposal_figure f
            where f.tenant_id = $1 and f.proposal_id = $3 and f.added_in <= $2
                and (f.removed_in is null or f.removed_in > $2) and f.manager_id = $4
            union
            select f.payee_id from below b join proposal_figure f on f.manager_id = b.payee_id
            where f.tenant_id = $1 and f.proposal_id = $3 and f.added_in <= $2
                and (f.removed_in is null or f.removed_in > $2)
        )
        select payee_id as "payee_id!" from below order by payee_id"#,
        tenant.0,
        as_of,
        id.as_str(),
        payee.as_str()
    );
    let ids = query.fetch_all(conn).await.map_err(fault)?;
    ids.iter().map(|id| PayeeId::try_new(id).map_err(corrupt)).collect()
}

/// Figures as a list asks for them, each with the change that wrote it.
pub async fn told(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    proposal: &Proposal,
    list: FigureList<'_>,
) -> Result<Vec<Told>, Fault> {
    let figures = figures(&mut *conn, tenant, as_of, proposal, list).await?;
    let mut numbers: Vec<i64> = figures.iter().map(|figure| figure.added_in).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let query = sqlx::query!(
        "select number, actor, reason from change where tenant_id = $1 and number = any($2) order by number",
        tenant.0,
        &numbers
    );
    let changes = query.fetch_all(conn).await.map_err(fault)?;
    let told = |figure: Stored<Figure>| {
        let place = changes.binary_search_by_key(&figure.added_in, |change| change.number).ok();
        let change = place.and_then(|place| changes.get(place));
        let change = change.ok_or_else(|| corrupt(format_args!("figure of change {}", figure.added_in)))?;
        Ok(Told { actor: change.actor.clone(), reason: change.reason.clone(), figure })
    };
    figures.into_iter().map(told).collect()
}

/// Computes the digest of every version of every row again.
pub async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select proposal_id, body, digest as "digest: Digest", added_in
        from quota_proposal where tenant_id = $1 order by proposal_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(RowCheck::new("quota_proposal", &row.proposal_id, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}

/// The same of figures.
pub async fn check_figures(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        FigureRow,
        r#"select proposal_id, payee_id, manager_id, level, amount, made, digest as "digest: Digest", added_in
        from proposal_figure where tenant_id = $1 order by proposal_id, payee_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format_args!("{} {}", row.proposal_id, row.payee_id);
        visit(RowCheck::new("proposal_figure", key, row.added_in, row.digest, &row.record()));
    }
    Ok(())
}
