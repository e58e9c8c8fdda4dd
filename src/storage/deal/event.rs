//! Events of deals: each is a fact of its own, under the deal's id.

use tokio_stream::StreamExt as _;

use crate::domain::date::Day;
use crate::domain::deal::{Deal, DealEvent, EventKind, Reversed};
use crate::domain::encode::{Digest, Record};
use crate::domain::fault::Fault;
use crate::domain::id::{DealId, EventId, TenantId};
use crate::domain::number::{Quantity, Trimmed};

use super::super::number::{AMOUNT_DECIMALS, small_amount};
use super::super::{Conn, RowCheck, Stored, corrupt, fault};
use super::{Unreadable, figure, id, joined, version};

/// What an event's row enters its change's hash with. Amounts are scaled by `10^decimals`.
pub(crate) fn record(deal: &DealId, event: &DealEvent, decimals: u32) -> Record {
    let amount = |scaled: Option<i64>| scaled.map(|a| Trimmed(a.into(), decimals));
    let listed = !event.reverses.is_empty();
    let ids = joined(event.reverses.iter(), |reversed: &Reversed, f| f.write_str(reversed.event.as_str()));
    let amounts =
        joined(event.reverses.iter(), move |reversed: &Reversed, f| match amount(reversed.amount) {
            Some(amount) => std::fmt::Display::fmt(&amount, f),
            None => Ok(()),
        });
    Record::new("deal_event", 1)
        .text(1, deal.as_str())
        .text(2, event.id.as_str())
        .text(3, event.kind.name())
        .opt(4, Some(event.day))
        .opt(5, amount(event.amount))
        .opt(6, amount(event.cost))
        .opt(7, event.quantity)
        .opt(8, listed.then_some(ids))
        .opt(9, listed.then_some(amounts))
        .opt(10, event.source_version)
}

/// The kind of a name.
pub(crate) fn kind(name: &str) -> Result<EventKind, Unreadable> {
    EventKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| format!("event kind {name:?}"))
}

struct Row {
    deal_id: String,
    event_id: String,
    kind: String,
    event_date: String,
    amount: Option<String>,
    cost: Option<String>,
    quantity: Option<String>,
    reversed_ids: Vec<String>,
    reversed_amounts: Vec<Option<String>>,
    source_version: Option<i64>,
    digest: Digest,
    added_in: i64,
}

impl Row {
    fn read(&self, decimals: u32) -> Result<DealEvent, Unreadable> {
        let amount = |text: &str| small_amount(text, decimals);
        let (ids, amounts) = (&self.reversed_ids, &self.reversed_amounts);
        if ids.len() != amounts.len() {
            return Err(format!("{} events reversed, {} amounts", ids.len(), amounts.len()));
        }
        let reversed = |(event, text): (&String, &Option<String>)| {
            Ok(Reversed { event: id(event, EventId::try_new)?, amount: figure(text, amount)? })
        };
        Ok(DealEvent {
            id: id(&self.event_id, EventId::try_new)?,
            kind: kind(&self.kind)?,
            day: Day::parse(&self.event_date).map_err(|fault| format!("day {fault}"))?,
            amount: figure(&self.amount, amount)?,
            cost: figure(&self.cost, amount)?,
            quantity: figure(&self.quantity, |text| Quantity::parse(text).ok())?,
            reverses: ids.iter().zip(amounts).map(reversed).collect::<Result<_, Unreadable>>()?,
            source_version: version(self.source_version)?,
        })
    }

    fn check(&self) -> RowCheck {
        // The deal's currency is not in this row; with all stored decimals the text is the same.
        let read = |deal| Ok(record(&deal, &self.read(AMOUNT_DECIMALS)?, AMOUNT_DECIMALS).digest());
        let computed: Result<Digest, Unreadable> = id(&self.deal_id, DealId::try_new).and_then(read);
        RowCheck {
            noun: "deal_event",
            key: format!("{} {} of change {}", self.deal_id, self.event_id, self.added_in),
            stored: self.digest,
            computed: computed.unwrap_or_default(),
        }
    }
}

/// Puts each deal's events into it, by day and id, and moves its etag to the last of them.
pub(super) async fn attach(
    conn: &mut Conn,
    tenant: TenantId,
    as_of: i64,
    deals: &mut [Stored<Deal>],
) -> Result<(), Fault> {
    let ids: Vec<String> = deals.iter().map(|deal| deal.value.id.to_string()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select deal_id, event_id, kind, event_date::text as "event_date!", amount::text, cost::text,
            quantity::text, reversed_ids,
            reversed_amounts::text[] as "reversed_amounts!: Vec<Option<String>>", source_version,
            digest as "digest: Digest", added_in
        from deal_event
        where tenant_id = $1 and added_in <= $2 and (removed_in is null or removed_in > $2)
            and deal_id = any($3)
        order by deal_id, event_date, event_id"#,
        tenant.0,
        as_of,
        &ids
    );
    let mut rows = rows.fetch_all(conn).await.map_err(fault)?.into_iter().peekable();
    // Both are in the order of the deals' ids.
    for deal in deals {
        while let Some(row) = rows.next_if(|row| row.deal_id == deal.value.id.as_str()) {
            let event = row.read(deal.value.currency.minor_digits());
            let what = |what| corrupt(format_args!("event {} of deal {}: {what}", row.event_id, row.deal_id));
            deal.value.events.push(event.map_err(what)?);
            deal.added_in = deal.added_in.max(row.added_in);
        }
    }
    Ok(())
}

/// Computes the digest of every version of every event again.
pub(crate) async fn check_rows(
    conn: &mut Conn,
    tenant: TenantId,
    mut visit: impl FnMut(RowCheck),
) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        Row,
        r#"select deal_id, event_id, kind, event_date::text as "event_date!", amount::text, cost::text,
            quantity::text, reversed_ids,
            reversed_amounts::text[] as "reversed_amounts!: Vec<Option<String>>", source_version,
            digest as "digest: Digest", added_in
        from deal_event where tenant_id = $1 order by deal_id, event_id, added_in"#,
        tenant.0
    )
    .fetch(conn);
    while let Some(row) = rows.try_next().await.map_err(fault)? {
        visit(row.check());
    }
    Ok(())
}
