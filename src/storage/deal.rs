//! Deals, each one fact with its splits; their events are facts of their own (semantics 5).
//!
//! A few deals and a million go in the same way: [`stage`], then [`merge`].

pub(crate) mod event;
mod load;

use std::collections::BTreeMap;
use std::fmt;

use sqlx::types::chrono::NaiveDate;
use tokio_stream::StreamExt as _;

use crate::domain::date::Day;
use crate::domain::deal::{Deal, Outcome, Split};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{CustomerId, DealId, PayeeId, ProductId, RoleId, TenantId};
use crate::domain::money::Currency;
use crate::domain::number::{Percent, Quantity, Trimmed};
use crate::domain::version::SourceVersion;

use super::number::small_amount;
use super::{Conn, Erased, RowCheck, Stored, corrupt, fault, kept};

pub use load::{
    DealsWritten, OtherCurrency, StagedTotal, Stale, UnknownPayee, merge, other_currencies, stage,
    staged_totals, unknown_payees, unstage,
};

/// What a stored row says that no deal can say.
pub(crate) type Unreadable = String;

/// Which deals to list; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealFilter {
    /// Of this owner.
    pub owner: Option<PayeeId>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Closed on this day or later.
    pub closed_from: Option<Day>,
    /// Closed before this day.
    pub closed_to: Option<Day>,
}

/// What a deal's row enters its change's hash with. Splits are in order.
pub(crate) fn record(deal: &Deal, salt: &[u8], erased: &Erased) -> Record {
    let amount = |minor: Option<i64>| minor.map(|m| Trimmed(m.into(), deal.currency.minor_digits()));
    let list = |write: fn(&Split, &mut fmt::Formatter<'_>) -> fmt::Result| {
        (!deal.splits.is_empty()).then(|| joined(deal.splits.iter(), write))
    };
    let attributes = attributes_text(deal);
    Record::new("deal", 1)
        .text(1, deal.id.as_str())
        .personal(2, salt, deal.name.as_deref(), kept(erased, 0))
        .text(3, deal.owner.as_str())
        .opt(4, deal.customer.as_ref())
        .personal(5, salt, deal.customer_name.as_deref(), kept(erased, 1))
        .opt(6, deal.product.as_ref())
        .text(7, deal.currency.code())
        .opt(8, amount(deal.amount))
        .opt(9, amount(deal.cost))
        .opt(10, deal.quantity)
        .opt(11, deal.stage.as_deref())
        .text(12, deal.outcome.name())
        .opt(13, deal.probability)
        .opt(14, deal.opened)
        .opt(15, deal.closed)
        .opt(16, attributes)
        .opt(17, list(|split, f| f.write_str(split.payee.as_str())))
        .opt(18, list(|split, f| f.write_str(split.role.as_str())))
        .opt(19, list(|split, f| fmt::Display::fmt(&split.percent, f)))
        .opt(20, deal.source_version)
}

/// Texts without commas, with commas between them.
fn joined<T>(
    items: impl Iterator<Item = T> + Clone,
    write: impl Fn(T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        for (place, item) in items.clone().enumerate() {
            if place > 0 {
                f.write_str(",")?;
            }
            write(item, f)?;
        }
        Ok(())
    })
}

/// The attributes as JSON, sorted by the bytes of their keys; absent if there are none.
fn attributes_text(deal: &Deal) -> Option<String> {
    // A map of texts to texts can always be written.
    (!deal.attributes.is_empty()).then(|| serde_json::to_string(&deal.attributes).unwrap_or_default())
}

/// A row as it is stored; amounts and days as text, so that whatever it says can be named.
struct Row {
    deal_id: String,
    name: Option<String>,
    owner_id: String,
    customer_id: Option<String>,
    customer_name: Option<String>,
    product_id: Option<String>,
    currency: String,
    amount: Option<String>,
    cost: Option<String>,
    quantity: Option<String>,
    stage: Option<String>,
    outcome: String,
    probability: Option<String>,
    open_date: Option<String>,
    close_date: Option<String>,
    attributes: Option<String>,
    split_payee_ids: Vec<String>,
    split_roles: Vec<String>,
    split_percents: Vec<String>,
    source_version: Option<i64>,
    salt: Option<Vec<u8>>,
    erased: Erased,
    digest: Digest,
    added_in: i64,
}

impl Row {
    /// The deal without its events.
    fn read(&self) -> Result<Deal, Unreadable> {
        let currency = Currency::parse(&self.currency).map_err(|fault| format!("currency {fault}"))?;
        let amount = |text: &str| small_amount(text, currency.minor_digits());
        let outcome =
            [Outcome::Open, Outcome::Won, Outcome::Lost].into_iter().find(|o| o.name() == self.outcome);
        let attributes = self.attributes.as_deref().map(serde_json::from_str).transpose();
        Ok(Deal {
            id: id(&self.deal_id, DealId::try_new)?,
            name: self.name.clone(),
            owner: id(&self.owner_id, PayeeId::try_new)?,
            customer: id_opt(&self.customer_id, CustomerId::try_new)?,
            customer_name: self.customer_name.clone(),
            product: id_opt(&self.product_id, ProductId::try_new)?,
            currency,
            amount: figure(&self.amount, amount)?,
            cost: figure(&self.cost, amount)?,
            quantity: figure(&self.quantity, |text| Quantity::parse(text).ok())?,
            stage: self.stage.clone(),
            outcome: outcome.ok_or_else(|| format!("outcome {:?}", self.outcome))?,
            probability: figure(&self.probability, |text| Percent::parse(text).ok())?,
            opened: figure(&self.open_date, |text| Day::parse(text).ok())?,
            closed: figure(&self.close_date, |text| Day::parse(text).ok())?,
            attributes: attributes.map_err(|error| format!("attributes: {error}"))?.unwrap_or_default(),
            splits: self.splits()?,
            events: Vec::new(),
            source_version: version(self.source_version)?,
        })
    }

    fn splits(&self) -> Result<Vec<Split>, Unreadable> {
        let (payees, roles, percents) = (&self.split_payee_ids, &self.split_roles, &self.split_percents);
        if payees.len() != roles.len() || payees.len() != percents.len() {
            return Err(format!(
                "{} payees, {} roles, {} percents",
                payees.len(),
                roles.len(),
                percents.len()
            ));
        }
        let split = |((payee, role), percent): ((&String, &String), &String)| {
            Ok(Split {
                payee: id(payee, PayeeId::try_new)?,
                role: id(role, RoleId::try_new)?,
                percent: Percent::parse(percent).map_err(|fault| format!("split percent {fault}"))?,
            })
        };
        payees.iter().zip(roles).zip(percents).map(split).collect()
    }

    fn stored(&self) -> Result<Stored<Deal>, Fault> {
        let value = self.read().map_err(|what| corrupt(format_args!("deal {:?}: {what}", self.deal_id)))?;
        Ok(Stored { value, added_in: self.added_in })
    }

    fn check(&self) -> RowCheck {
        let salt = self.salt.as_deref().unwrap_or_default();
        let computed = self.read().map(|deal| record(&deal, salt, &self.erased).digest());
        RowCheck {
            noun: "deal",
            key: format!("{} of change {}", self.deal_id, self.added_in),
            stored: self.digest,
            // What cannot be read has no digest of its own.
            computed: computed.unwrap_or_default(),
        }
    }
}

pub(crate) fn id<T, E: fmt::Display>(
    text: &str,
    try_new: impl FnOnce(&str) -> Result<T, E>,
) -> Result<T, Unreadable> {
    try_new(text).map_err(|fault| format!("id {fault}"))
}

fn id_opt<T, E: fmt::Display>(
    text: &Option<String>,
    try_new: impl FnOnce(&str) -> Result<T, E>,
) -> Result<Option<T>, Unreadable> {
    text.as_deref().map(|text| id(text, try_new)).transpose()
}

pub(crate) fn version(number: Option<i64>) -> Result<Option<SourceVersion>, Unreadable> {
    number.map(SourceVersion::try_new).transpose().map_err(|fault| format!("source version {fault}"))
}

pub(crate) fn figure<T>(
    text: &Option<String>,
    read: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, Unreadable> {
    let read = |text: &str| read(text).ok_or_else(|| format!("figure {text:?}"));
    text.as_deref().map(read).transpose()
}

/// The etags that these deals have now, as [`get`] finds them; of those that do not exist none.
pub async fn etags(
    conn: &mut Conn,
    tenant: TenantId,
    ids: &[&DealId],
) -> Result<BTreeMap<DealId, i64>, Fault> {
    let texts: Vec<String> = ids.iter().map(|id| id.to_string()).collect();
    let query = sqlx::query!(
        r#"select d.deal_id, greatest(d.added_in, (select max(e.added_in) from deal_event e
                where e.tenant_id = $1 and e.deal_id = d.deal_id and e.removed_in is null)) as "etag!"
        from deal d where d.tenant_id = $1 and d.deal_id = any($2) and d.removed_in is null"#,
        tenant.0,
        &texts
    );
    let rows = query.fetch_all(conn).await.map_err(fault)?;
    let read = |id: &str| DealId::try_new(id).map_err(corrupt);
    rows.into_iter().map(|row| Ok((read(&row.deal_id)?, row.etag))).collect()
}

/// Finds a deal as of change `as_of`, with all its events by day and id. Its etag is that of the deal or
/// of its last written event, whichever is later.
pub async fn get(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    id: &DealId,
) -> Result<Option<Stored<Deal>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select deal_id, name, owner_id, customer_id, customer_name, product_id, currency,
            amount::text, cost::text, quantity::text, stage, outcome, probability::text,
            open_date::text, close_date::text, attributes, split_payee_ids, split_roles,
            split_percents::text[] as "split_percents!", source_version, salt, erased as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from deal
        where tenant_id = $1 and deal_id = $3 and added_in <= $2 and (removed_in is null or removed_in > $2)"#,
        tenant.0,
        as_of,
        id.as_str()
    );
    let Some(row) = query.fetch_optional(&mut *conn).await.map_err(fault)? else { return Ok(None) };
    let mut deals = vec![row.stored()?];
    event::attach(conn, tenant, as_of, &mut deals).await?;
    Ok(deals.pop())
}

/// Lists at most `limit` deals after `after` by id, as of change `as_of`, as [`get`] finds them.
pub async fn list(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    filter: &DealFilter,
    after: Option<&DealId>,
    limit: i64,
) -> Result<Vec<Stored<Deal>>, Fault> {
    let query = sqlx::query_as!(
        Row,
        r#"select deal_id, name, owner_id, customer_id, customer_name, product_id, currency,
            amount::text, cost::text, quantity::text, stage, outcome, probability::text,
            open_date::text, close_date::text, attributes, split_payee_ids, split_roles,
            split_percents::text[] as "split_percents!", source_version, salt, erased as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from deal
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and deal_id > $3
            and ($4::text is null or owner_id = $4)
            and ($5::text is null or outcome = $5)
            and ($6::date is null or close_date >= $6)
            and ($7::date is null or close_date < $7)
        order by deal_id limit $8"#,
        tenant.0,
        as_of,
        after.map_or("", DealId::as_str),
        filter.owner.as_ref().map(PayeeId::as_str),
        filter.outcome.map(Outcome::name),
        filter.closed_from.map(Day::date) as Option<NaiveDate>,
        filter.closed_to.map(Day::date) as Option<NaiveDate>,
        limit
    );
    let rows = query.fetch_all(&mut *conn).await.map_err(fault)?;
    let mut deals = rows.iter().map(Row::stored).collect::<Result<Vec<_>, _>>()?;
    event::attach(conn, tenant, as_of, &mut deals).await?;
    Ok(deals)
}

/// Computes the digest of every version of every deal again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select deal_id, name, owner_id, customer_id, customer_name, product_id, currency,
            amount::text, cost::text, quantity::text, stage, outcome, probability::text,
            open_date::text, close_date::text, attributes, split_payee_ids, split_roles,
            split_percents::text[] as "split_percents!", source_version, salt,
            case when erased_in is not null then erased end as "erased: Vec<Option<Digest>>",
            digest as "digest: Digest", added_in
        from deal where tenant_id = $1 order by deal_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(row.check());
    }
    Ok(())
}
