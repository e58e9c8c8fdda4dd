//! The ledger: postings in, sums out. Rows are only ever added (semantics 10).

mod close;
mod rules;
mod statement;

use tokio_stream::StreamExt as _;

use crate::domain::date::{Calendar, Period};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{ComponentId, PayeeId, PlanId, TenantId};
use crate::domain::ledger::{Key, Posted, Posting, PostingKind};
use crate::domain::money::Currency;
use crate::domain::number::trimmed;

use super::number::{AMOUNT_DECIMALS, amount};
use super::{Conn, RowCheck, corrupt, fault};

pub use close::{Close, close_of, closes, insert_close, last_close};
pub use rules::{accept_rules, accepted_rules};
pub use statement::{insert_statements, statement};
pub(crate) use {
    close::check_rows as check_closes, rules::check_rows as check_rules,
    statement::check_rows as check_statements,
};

/// Rows written by one statement.
const CHUNK: usize = 5000;
/// Integer digits of a sum; what is stored has at most 25.
const SUM_DIGITS: usize = 34;

/// A posting as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPosting {
    /// The change that posted it.
    pub change: i64,
    /// Its place in that change, from 0.
    pub entry: i64,
    /// The period whose close posted it.
    pub period: Period,
    /// What was posted.
    pub posting: Posting,
}

/// Which postings to list; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PostingFilter {
    /// Posted by the close of this period.
    pub period: Option<Period>,
    /// Belonging to this period.
    pub for_period: Option<Period>,
    /// Of this payee.
    pub payee: Option<PayeeId>,
}

/// A row as it is stored; the amount as text.
struct Row {
    added_in: i64,
    entry: i64,
    period: String,
    for_period: String,
    kind: String,
    debit: String,
    credit: String,
    payee_id: String,
    plan_id: String,
    component_id: String,
    window_id: String,
    currency: String,
    amount: String,
    digest: Digest,
}

impl Row {
    fn new(calendar: &Calendar, period: Period, n: i64, entry: i64, posting: &Posting) -> Self {
        let (debit, credit) = posting.kind.accounts();
        let mut row = Row {
            added_in: n,
            entry,
            period: period.to_string(),
            for_period: posting.for_period.to_string(),
            kind: posting.kind.name().to_string(),
            debit: debit.name().to_string(),
            credit: credit.name().to_string(),
            payee_id: posting.key.payee.to_string(),
            plan_id: posting.key.plan.to_string(),
            component_id: posting.key.component.to_string(),
            window_id: calendar.window_text(posting.key.window),
            currency: posting.currency.to_string(),
            amount: trimmed(posting.amount, posting.currency.minor_digits()),
            digest: Digest::default(),
        };
        row.digest = row.record().digest();
        row
    }

    fn record(&self) -> Record {
        Record::new("posting", 1)
            .opt(1, Some(self.entry))
            .text(2, &self.period)
            .text(3, &self.for_period)
            .text(4, &self.kind)
            .text(5, &self.debit)
            .text(6, &self.credit)
            .text(7, &self.payee_id)
            .text(8, &self.plan_id)
            .text(9, &self.component_id)
            .text(10, &self.window_id)
            .text(11, &self.currency)
            .text(12, &canonical(&self.amount))
    }

    fn read(&self, calendar: &Calendar) -> Result<StoredPosting, Fault> {
        let currency = Currency::parse(&self.currency).map_err(corrupt)?;
        Ok(StoredPosting {
            change: self.added_in,
            entry: self.entry,
            period: Period::parse(&self.period).map_err(corrupt)?,
            posting: Posting {
                key: key(calendar, &self.payee_id, &self.plan_id, &self.component_id, &self.window_id)?,
                for_period: Period::parse(&self.for_period).map_err(corrupt)?,
                kind: kind(&self.kind)?,
                currency,
                amount: minor(&self.amount, currency)?,
            },
        })
    }
}

fn key(calendar: &Calendar, payee: &str, plan: &str, component: &str, window: &str) -> Result<Key, Fault> {
    Ok(Key {
        payee: PayeeId::try_new(payee).map_err(corrupt)?,
        plan: PlanId::try_new(plan).map_err(corrupt)?,
        component: ComponentId::try_new(component).map_err(corrupt)?,
        window: calendar.parse_window(window).map_err(corrupt)?,
    })
}

/// A stored amount's text in minor units.
fn minor(text: &str, currency: Currency) -> Result<i128, Fault> {
    let minor = amount(text, SUM_DIGITS, currency.minor_digits());
    minor.ok_or_else(|| corrupt(format_args!("{text} {currency} in the ledger")))
}

fn kind(name: &str) -> Result<PostingKind, Fault> {
    let kind = PostingKind::ALL.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| corrupt(format_args!("posting kind {name:?}")))
}

/// What the ledger holds as of change `as_of`, of one payee or of all, in minor units of each key's
/// currency. A sum of zero is there too.
pub async fn posted(
    conn: &mut Conn,
    tenant: TenantId,
    calendar: &Calendar,
    payee: Option<&PayeeId>,
    as_of: i64,
) -> Result<Posted, Fault> {
    let mut sums = sqlx::query!(
        r#"select kind, payee_id, plan_id, component_id, window_id, for_period, currency,
            sum(amount)::text as "amount!"
        from posting
        where tenant_id = $1 and added_in <= $2 and ($3::text is null or payee_id = $3)
        group by kind, payee_id, plan_id, component_id, window_id, for_period, currency"#,
        tenant.0,
        as_of,
        payee.map(PayeeId::as_str)
    )
    .fetch(conn);
    let mut posted = Posted::new();
    while let Some(sum) = sums.try_next().await.map_err(fault)? {
        let currency = Currency::parse(&sum.currency).map_err(corrupt)?;
        let key = key(calendar, &sum.payee_id, &sum.plan_id, &sum.component_id, &sum.window_id)?;
        let for_period = Period::parse(&sum.for_period).map_err(corrupt)?;
        if posted.insert((kind(&sum.kind)?, key, for_period), minor(&sum.amount, currency)?).is_some() {
            return Err(corrupt(format_args!("plan {} has postings in several currencies", sum.plan_id)));
        }
    }
    Ok(posted)
}

/// Writes the postings of change `n`, which closes `period`, numbered from 0.
pub async fn post(
    conn: &mut Conn,
    tenant: TenantId,
    n: i64,
    calendar: &Calendar,
    period: Period,
    postings: &[Posting],
) -> Result<(), Fault> {
    let mut first = 0;
    for chunk in postings.chunks(CHUNK) {
        let rows = (first..).zip(chunk).map(|(entry, posting)| Row::new(calendar, period, n, entry, posting));
        let rows: Vec<Row> = rows.collect();
        first += i64::try_from(rows.len()).map_err(corrupt)?;
        let texts = |field: fn(&Row) -> &String| rows.iter().map(field).collect::<Vec<_>>();
        let insert = sqlx::query!(
            "insert into posting (tenant_id, added_in, entry, period, for_period, kind, debit, credit, payee_id,
                plan_id, component_id, window_id, currency, amount, digest)
            select $1, $2, r.entry, $3, r.for_period, r.kind, r.debit, r.credit, r.payee_id, r.plan_id,
                r.component_id, r.window_id, r.currency, r.amount::numeric, r.digest
            from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                    $11::text[], $12::text[], $13::text[], $14::text[], $15::bytea[])
                as r(entry, for_period, kind, debit, credit, payee_id, plan_id, component_id, window_id, currency,
                    amount, digest)",
            tenant.0,
            n,
            period.to_string(),
            &rows.iter().map(|row| row.entry).collect::<Vec<_>>(),
            &texts(|row| &row.for_period) as _,
            &texts(|row| &row.kind) as _,
            &texts(|row| &row.debit) as _,
            &texts(|row| &row.credit) as _,
            &texts(|row| &row.payee_id) as _,
            &texts(|row| &row.plan_id) as _,
            &texts(|row| &row.component_id) as _,
            &texts(|row| &row.window_id) as _,
            &texts(|row| &row.currency) as _,
            &texts(|row| &row.amount) as _,
            &rows.iter().map(|row| row.digest).collect::<Vec<_>>() as _
        );
        insert.execute(&mut *conn).await.map_err(fault)?;
    }
    Ok(())
}

/// Lists at most `limit` postings after `after` (change, entry) as of change `as_of`, in that order.
pub async fn postings(
    conn: &mut Conn,
    tenant: TenantId,
    calendar: &Calendar,
    as_of: i64,
    filter: &PostingFilter,
    after: Option<(i64, i64)>,
    limit: i64,
) -> Result<Vec<StoredPosting>, Fault> {
    let (change, entry) = after.unwrap_or((0, 0));
    let query = sqlx::query_as!(
        Row,
        r#"select added_in, entry, period, for_period, kind, debit, credit, payee_id, plan_id, component_id,
            window_id, currency, amount::text as "amount!", digest as "digest: Digest"
        from posting
        where tenant_id = $1 and added_in <= $2 and (added_in, entry) > ($3, $4)
            and ($5::text is null or period = $5)
            and ($6::text is null or for_period = $6)
            and ($7::text is null or payee_id = $7)
        order by added_in, entry limit $8"#,
        tenant.0,
        as_of,
        change,
        entry,
        filter.period.map(|period| period.to_string()),
        filter.for_period.map(|period| period.to_string()),
        filter.payee.as_ref().map(PayeeId::as_str),
        limit
    );
    query.fetch_all(conn).await.map_err(fault)?.iter().map(|row| row.read(calendar)).collect()
}

/// A stored amount's text as the digest has it; what is no amount stays as it is.
fn canonical(text: &str) -> String {
    amount(text, SUM_DIGITS, AMOUNT_DECIMALS)
        .map_or_else(|| text.to_string(), |scaled| trimmed(scaled, AMOUNT_DECIMALS))
}

/// Computes the digest of every posting again.
pub(crate) async fn check_postings(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select added_in, entry, period, for_period, kind, debit, credit, payee_id, plan_id, component_id,
            window_id, currency, amount::text as "amount!", digest as "digest: Digest"
        from posting where tenant_id = $1 order by added_in, entry"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        let key = format!("{} of change {}", row.entry, row.added_in);
        visit(RowCheck { noun: "posting", key, stored: row.digest, computed: row.record().digest() });
    }
    Ok(())
}
