//! Deals on their way in: staged by COPY without a lock, then marked and inserted set by set under it.
//!
//! Staged rows live in temporary tables of the connection, which are empty again when the transaction ends.
//!
//! Of one key the highest source version stands, of what has none the later row; what has none is older than what has
//! one. Two bodies of one version are put in the order of their rows' texts, so that it does not matter which came
//! first (semantics 1, law 3).

use rand::Rng as _;
use sqlx::AssertSqlSafe;

use crate::domain::deal::{Deal, DealEvent, EventKind};
use crate::domain::fault::Fault;
use crate::domain::id::{CustomerId, DealId, PayeeId, ProductId, TenantId};
use crate::domain::money::Currency;
use crate::domain::number::Trimmed;
use crate::domain::version::SourceVersion;

use super::super::copy::{Lines, send};
use super::super::number::amount;
use super::super::{Conn, MAX_STALE_IDS, Written, corrupt, fault, join_sets};
use super::{attributes_text, event, record};

/// What a load of deals did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DealsWritten {
    /// Deals with their splits.
    pub deals: Written,
    /// Events of deals.
    pub events: Written,
    /// What was passed over because a higher source version is there.
    pub stale: Stale,
}

/// Staged rows that were passed over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stale {
    /// Deals with their splits.
    pub deals: u64,
    /// Events of deals.
    pub events: u64,
    /// The first deals by id that are stale or have a stale event, at most [`MAX_STALE_IDS`].
    pub first: Vec<DealId>,
}

/// A staged deal that names payees who do not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownPayee {
    /// The row it was staged under.
    pub row: i64,
    /// The deal.
    pub deal: DealId,
    /// Whom it names, by id.
    pub payees: Vec<PayeeId>,
}

/// A staged deal whose currency has other minor digits than the one that some of its events are stated in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherCurrency {
    /// The row it was staged under.
    pub row: i64,
    /// The deal.
    pub deal: DealId,
    /// Its currency in the row.
    pub staged: Currency,
    /// The currency of the events that the row leaves as they are.
    pub stated: Currency,
}

/// Integer digits of a sum of amounts.
const SUM_DIGITS: usize = 34;

const STAGED_DEAL: &str = "create temp table if not exists staged_deal (
    row_number bigint not null,
    deal_id text collate \"C\" not null,
    name text,
    owner_id text collate \"C\" not null,
    customer_id text collate \"C\",
    customer_name text,
    product_id text collate \"C\",
    currency text collate \"C\" not null,
    amount numeric(18, 3),
    cost numeric(18, 3),
    quantity numeric(18, 6),
    stage text,
    outcome text collate \"C\" not null,
    probability numeric(9, 6),
    open_date date,
    close_date date,
    attributes text,
    split_payee_ids text[] collate \"C\" not null,
    split_roles text[] collate \"C\" not null,
    split_percents numeric(9, 6)[] not null,
    source_version bigint,
    salt bytea,
    digest bytea not null
) on commit delete rows";

const STAGED_EVENT: &str = "create temp table if not exists staged_event (
    row_number bigint not null,
    deal_id text collate \"C\" not null,
    event_id text collate \"C\" not null,
    kind text collate \"C\" not null,
    event_date date not null,
    amount numeric(18, 3),
    cost numeric(18, 3),
    quantity numeric(18, 6),
    reversed_ids text[] collate \"C\" not null,
    reversed_amounts numeric(18, 3)[] not null,
    source_version bigint,
    digest bytea not null
) on commit delete rows";

/// Minor digits of the currency in a column.
const DIGITS: &str = "case when {of} = any($2) then 0 when {of} = any($3) then 3 else 2 end";
/// Staged deals whose currency has other minor digits than that of a row that stays, or of another row of the deal.
const OTHER_CURRENCY: &str = "
    select s.row_number, s.deal_id, s.currency, c.currency
    from staged_deal s join {current} on c.deal_id = s.deal_id
    where s.currency <> c.currency and {s} <> {c}
        and (coalesce(s.source_version, -1) < coalesce(c.source_version, -1)
            or exists (select from deal_event e
                where e.tenant_id = $1 and e.deal_id = s.deal_id and e.removed_in is null
                    and not exists (select from staged_event n
                        where n.deal_id = e.deal_id and n.event_id = e.event_id
                            and coalesce(n.source_version, -1) >= coalesce(e.source_version, -1))))
    union
    select s.row_number, s.deal_id, s.currency, min(o.currency)
    from staged_deal s join staged_deal o on o.deal_id = s.deal_id
    where s.currency <> o.currency and {s} <> {o}
    group by s.row_number, s.deal_id, s.currency
    order by 1";

/// The steps of merging one table. `{current}` stands for its current rows, `{s}` and `{c}` for the columns that make
/// the body of a staged and of a current row.
struct Steps {
    /// The columns that make a row's body, in the order that decides between two bodies of one version.
    body: &'static [&'static str],
    /// Of rows with one key the one that counts stays.
    once: &'static str,
    /// How many rows are staged.
    count: &'static str,
    /// All current rows of the tenant, joined as a whole.
    whole: &'static str,
    /// The current row of each staged key, looked up in the index. A join would be left to what the database
    /// takes the tenant's part of the table for: until it has looked at a table that was just loaded, one row,
    /// and then it reads them all.
    probed: &'static str,
    /// Marks what is superseded; answers how many rows are stale, and the first deals they are of. What differs
    /// is found first: mostly it is nothing.
    mark: &'static str,
    /// Inserts what is not there; what was marked is no longer there.
    insert: &'static str,
}

/// Most staged rows that are looked up one by one.
const PROBED: i64 = 10_000;

/// The current rows that staged ones differ from, and whether those take their place.
const COMPARED: &str = "
    where (s.source_version, {s}) is distinct from (c.source_version, {c})";
/// Whether a staged row that differs takes the current one's place.
const NEWER: &str = "
    case when s.source_version is distinct from c.source_version
        then coalesce(s.source_version, -1) > coalesce(c.source_version, -1)
        else s.source_version is null or row({s})::text collate \"C\" > row({c})::text collate \"C\"
    end";
/// How rows of one key follow each other, the one that counts first.
const RANK: &str = "
    order by s.source_version desc nulls last,
        case when s.source_version is not null then row({s})::text collate \"C\" end desc, s.row_number desc";

const DEALS: Steps = Steps {
    body: &[
        "name",
        "owner_id",
        "customer_id",
        "customer_name",
        "product_id",
        "currency",
        "amount",
        "cost",
        "quantity",
        "stage",
        "outcome",
        "probability",
        "open_date",
        "close_date",
        "attributes",
        "split_payee_ids",
        "split_roles",
        "split_percents",
    ],
    once: "delete from staged_deal d
        using (select s.row_number, row_number() over (partition by s.deal_id {rank}) as place
            from staged_deal s
            where s.deal_id in (select deal_id from staged_deal group by deal_id having count(*) > 1)) ranked
        where d.row_number = ranked.row_number and ranked.place > 1",
    count: "select count(*) from staged_deal",
    whole: "(select * from deal where tenant_id = $1 and removed_in is null) as c",
    probed: "lateral (select * from deal
        where tenant_id = $1 and deal_id = s.deal_id and removed_in is null limit 1) as c",
    mark: "with compared as materialized (
            select c.deal_id, c.added_in, {newer} as newer
            from staged_deal s join {current} on c.deal_id = s.deal_id {compared}
        ), marked as (
            update deal d set removed_in = $2 from compared x
            where x.newer and d.tenant_id = $1 and d.deal_id = x.deal_id and d.added_in = x.added_in
        )
        select (select count(*) from compared where not newer),
            array(select deal_id from compared where not newer order by deal_id limit $3)",
    insert: "insert into deal (tenant_id, deal_id, {body}, source_version, salt, digest, added_in)
        select $1, s.deal_id, {s}, s.source_version, s.salt, s.digest, $2
        from staged_deal s left join {current} on c.deal_id = s.deal_id where c.deal_id is null",
};

const EVENTS: Steps = Steps {
    body: &["kind", "event_date", "amount", "cost", "quantity", "reversed_ids", "reversed_amounts"],
    once: "delete from staged_event e
        using (select s.row_number, s.event_id,
                row_number() over (partition by s.deal_id, s.event_id {rank}) as place
            from staged_event s
            where (s.deal_id, s.event_id) in (select deal_id, event_id
                from staged_event group by deal_id, event_id having count(*) > 1)) ranked
        where e.row_number = ranked.row_number and e.event_id = ranked.event_id and ranked.place > 1",
    count: "select count(*) from staged_event",
    whole: "(select * from deal_event where tenant_id = $1 and removed_in is null) as c",
    probed: "lateral (select * from deal_event
        where tenant_id = $1 and deal_id = s.deal_id and event_id = s.event_id and removed_in is null limit 1) as c",
    mark: "with compared as materialized (
            select c.deal_id, c.event_id, c.added_in, {newer} as newer
            from staged_event s join {current} on c.deal_id = s.deal_id and c.event_id = s.event_id {compared}
        ), marked as (
            update deal_event e set removed_in = $2 from compared x
            where x.newer and e.tenant_id = $1 and e.deal_id = x.deal_id and e.event_id = x.event_id
                and e.added_in = x.added_in
        )
        select (select count(*) from compared where not newer),
            array(select distinct deal_id from compared where not newer order by deal_id limit $3)",
    insert: "insert into deal_event (tenant_id, deal_id, event_id, {body}, source_version, digest, added_in)
        select $1, s.deal_id, s.event_id, {s}, s.source_version, s.digest, $2
        from staged_event s left join {current} on c.deal_id = s.deal_id and c.event_id = s.event_id
        where c.deal_id is null",
};

impl Steps {
    /// A step with its parts filled in.
    fn text(&self, step: &str, current: &str) -> AssertSqlSafe<String> {
        let columns = |of: &str| {
            let columns: Vec<String> = self.body.iter().map(|column| format!("{of}{column}")).collect();
            columns.join(", ")
        };
        let parts = step.replace("{newer}", NEWER).replace("{compared}", COMPARED).replace("{rank}", RANK);
        let parts = parts.replace("{current}", current).replace("{body}", &columns(""));
        // Nothing but texts of this file.
        AssertSqlSafe(parts.replace("{s}", &columns("s.")).replace("{c}", &columns("c.")))
    }
}

/// The staged deals whose currency has other minor digits than that of events which they leave as they are: those could
/// not be read in it. By row.
pub async fn other_currencies(conn: &mut Conn, tenant: TenantId) -> Result<Vec<OtherCurrency>, Fault> {
    let staged: i64 = sqlx::query_scalar(DEALS.count).fetch_one(&mut *conn).await.map_err(fault)?;
    let current = if staged > PROBED { DEALS.whole } else { DEALS.probed };
    let digits = |of: &str| DIGITS.replace("{of}", &format!("{of}.currency"));
    let text = OTHER_CURRENCY.replace("{current}", current).replace("{s}", &digits("s"));
    let text = text.replace("{c}", &digits("c")).replace("{o}", &digits("o"));
    let of = |digits: u32| Currency::all().filter(move |currency| currency.minor_digits() == digits);
    let codes = |digits| of(digits).map(Currency::code).collect::<Vec<_>>();
    // Nothing but texts of this file.
    let query = sqlx::query_as(AssertSqlSafe(text)).bind(tenant.0).bind(codes(0)).bind(codes(3));
    let rows: Vec<(i64, String, String, String)> =
        query.persistent(false).fetch_all(conn).await.map_err(fault)?;
    let read = |(row, deal, staged, stated): (i64, String, String, String)| {
        Ok(OtherCurrency {
            row,
            deal: DealId::try_new(&deal).map_err(corrupt)?,
            staged: Currency::parse(&staged).map_err(corrupt)?,
            stated: Currency::parse(&stated).map_err(corrupt)?,
        })
    };
    let mut found = rows.into_iter().map(read).collect::<Result<Vec<_>, Fault>>()?;
    found.dedup_by_key(|other| other.row);
    Ok(found)
}

/// Adds deals and their events, checked before, to the staged rows, each under its row number.
///
/// Within the transaction that merges them; it takes no lock that others wait for.
pub async fn stage(conn: &mut Conn, deals: &[(i64, Deal)]) -> Result<(), Fault> {
    for table in [STAGED_DEAL, STAGED_EVENT] {
        sqlx::query(table).execute(&mut *conn).await.map_err(fault)?;
    }
    let (mut deal_lines, mut event_lines) = (Lines::default(), Lines::default());
    for (row, deal) in deals {
        write_deal(&mut deal_lines, *row, deal);
        for event in &deal.events {
            write_event(&mut event_lines, *row, deal, event);
        }
    }
    send(conn, "copy staged_deal from stdin", &deal_lines).await?;
    send(conn, "copy staged_event from stdin", &event_lines).await
}

fn write_deal(lines: &mut Lines, row: i64, deal: &Deal) {
    let personal = deal.name.is_some() || deal.customer_name.is_some();
    let mut salt = [0; 32];
    if personal {
        rand::rng().fill(&mut salt);
    }
    let decimal = |minor: Option<i64>| minor.map(|m| Trimmed(m.into(), deal.currency.minor_digits()));
    lines.figure(row);
    lines.text(deal.id.as_str());
    lines.free_opt(deal.name.as_deref());
    lines.text(deal.owner.as_str());
    lines.text_opt(deal.customer.as_ref().map(CustomerId::as_str));
    lines.free_opt(deal.customer_name.as_deref());
    lines.text_opt(deal.product.as_ref().map(ProductId::as_str));
    lines.text(deal.currency.code());
    lines.figure_opt(decimal(deal.amount));
    lines.figure_opt(decimal(deal.cost));
    lines.figure_opt(deal.quantity);
    lines.free_opt(deal.stage.as_deref());
    lines.text(deal.outcome.name());
    lines.figure_opt(deal.probability);
    lines.figure_opt(deal.opened);
    lines.figure_opt(deal.closed);
    lines.free_opt(attributes_text(deal).as_deref());
    lines.array(deal.splits.iter().map(|split| Some(&split.payee)));
    lines.array(deal.splits.iter().map(|split| Some(&split.role)));
    lines.array(deal.splits.iter().map(|split| Some(split.percent)));
    lines.figure_opt(deal.source_version.map(SourceVersion::get));
    lines.binary_opt(personal.then_some(salt.as_slice()));
    lines.binary_opt(Some(&record(deal, &salt, &None).digest()));
    lines.end();
}

fn write_event(lines: &mut Lines, row: i64, deal: &Deal, event: &DealEvent) {
    let decimals = deal.currency.minor_digits();
    let decimal = |minor: Option<i64>| minor.map(|m| Trimmed(m.into(), decimals));
    lines.figure(row);
    lines.text(deal.id.as_str());
    lines.text(event.id.as_str());
    lines.text(event.kind.name());
    lines.figure(event.day);
    lines.figure_opt(decimal(event.amount));
    lines.figure_opt(decimal(event.cost));
    lines.figure_opt(event.quantity);
    lines.array(event.reverses.iter().map(|reversed| Some(&reversed.event)));
    lines.array(event.reverses.iter().map(|reversed| decimal(reversed.amount)));
    lines.figure_opt(event.source_version.map(SourceVersion::get));
    lines.binary_opt(Some(&event::record(&deal.id, event, decimals).digest()));
    lines.end();
}

/// The staged deals that name payees who do not exist now, by row.
pub async fn unknown_payees(conn: &mut Conn, tenant: TenantId) -> Result<Vec<UnknownPayee>, Fault> {
    let unknown: Vec<String> = sqlx::query_scalar(
        "select named.payee_id
        from (select distinct unnest(owner_id || split_payee_ids) as payee_id from staged_deal) as named
        where not exists (select from payee p
            where p.tenant_id = $1 and p.payee_id = named.payee_id and p.removed_in is null)
        order by named.payee_id",
    )
    .bind(tenant.0)
    .persistent(false)
    .fetch_all(&mut *conn)
    .await
    .map_err(fault)?;
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<(i64, String, Vec<String>)> = sqlx::query_as(
        "select s.row_number, s.deal_id,
            array(select u from unnest($1::text[]) u where u = s.owner_id or u = any(s.split_payee_ids) order by u)
        from staged_deal s
        where (s.owner_id || s.split_payee_ids) && $1::text[]
        order by s.row_number",
    )
    .bind(&unknown)
    .persistent(false)
    .fetch_all(conn)
    .await
    .map_err(fault)?;
    let read = |(row, deal, payees): (i64, String, Vec<String>)| {
        let payees = payees.iter().map(|id| PayeeId::try_new(id)).collect::<Result<_, _>>();
        Ok(UnknownPayee {
            row,
            deal: DealId::try_new(&deal).map_err(corrupt)?,
            payees: payees.map_err(corrupt)?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// What the staged events of one type and currency add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StagedTotal {
    /// Their type.
    pub kind: EventKind,
    /// Their deals' currency.
    pub currency: Currency,
    /// How many.
    pub events: u64,
    /// Sum of the amounts they state, in minor units.
    pub sum: i128,
}

/// Control totals of the staged events, by type and currency.
pub async fn staged_totals(conn: &mut Conn) -> Result<Vec<StagedTotal>, Fault> {
    let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
        "select e.kind, d.currency, count(*), coalesce(sum(e.amount), 0)::text
        from staged_event e join staged_deal d on d.row_number = e.row_number
        group by e.kind, d.currency order by e.kind, d.currency",
    )
    .persistent(false)
    .fetch_all(conn)
    .await
    .map_err(fault)?;
    let read = |(kind, currency, events, sum): (String, String, i64, String)| {
        let currency = Currency::parse(&currency).map_err(corrupt)?;
        let exact = amount(&sum, SUM_DIGITS, currency.minor_digits());
        Ok(StagedTotal {
            kind: event::kind(&kind).map_err(corrupt)?,
            currency,
            events: u64::try_from(events).map_err(corrupt)?,
            sum: exact.ok_or_else(|| corrupt(format_args!("sum {sum} of {currency}")))?,
        })
    };
    rows.into_iter().map(read).collect()
}

/// Takes rows back out of the staged ones, with their events.
pub async fn unstage(conn: &mut Conn, rows: &[i64]) -> Result<(), Fault> {
    for statement in [
        "delete from staged_deal where row_number = any($1)",
        "delete from staged_event where row_number = any($1)",
    ] {
        sqlx::query(statement).bind(rows).execute(&mut *conn).await.map_err(fault)?;
    }
    Ok(())
}

/// Writes what is new or different of the staged rows in change `n`, unless what is there is of a higher source
/// version; of one key in several rows one counts.
///
/// Under the head's lock. Events that no row names stay as they are.
pub async fn merge(conn: &mut Conn, tenant: TenantId, n: i64) -> Result<DealsWritten, Fault> {
    // Enough to keep the keys of a million rows out of files.
    sqlx::query("set local work_mem = '64MB'").execute(&mut *conn).await.map_err(fault)?;
    let deals = merge_table(conn, tenant, n, &DEALS).await?;
    let events = merge_table(conn, tenant, n, &EVENTS).await?;
    let mut first: Vec<String> = [deals.first_stale, events.first_stale].concat();
    first.sort();
    first.dedup();
    first.truncate(MAX_STALE_IDS);
    let first = first.iter().map(|id| DealId::try_new(id)).collect::<Result<_, _>>();
    let stale = Stale { deals: deals.stale, events: events.stale, first: first.map_err(corrupt)? };
    Ok(DealsWritten { deals: deals.written, events: events.written, stale })
}

/// What merging one table did.
struct Merged {
    written: Written,
    stale: u64,
    /// The first deals with stale rows, by id.
    first_stale: Vec<String>,
}

async fn merge_table(conn: &mut Conn, tenant: TenantId, n: i64, steps: &Steps) -> Result<Merged, Fault> {
    let staged: i64 = sqlx::query_scalar(steps.count).fetch_one(&mut *conn).await.map_err(fault)?;
    let whole = staged > PROBED;
    if whole {
        join_sets(&mut *conn).await?;
    }
    let current = if whole { steps.whole } else { steps.probed };
    // One row and a million want different plans: none of these is kept.
    let once = sqlx::query(steps.text(steps.once, current)).persistent(false);
    let once = once.execute(&mut *conn).await.map_err(fault)?.rows_affected();
    let mark = sqlx::query_as(steps.text(steps.mark, current)).bind(tenant.0).bind(n);
    let mark = mark.bind(i64::try_from(MAX_STALE_IDS).unwrap_or(i64::MAX)).persistent(false);
    let (stale, first_stale): (i64, Vec<String>) = mark.fetch_one(&mut *conn).await.map_err(fault)?;
    let insert = sqlx::query(steps.text(steps.insert, current)).bind(tenant.0).bind(n).persistent(false);
    let written = insert.execute(conn).await.map_err(fault)?.rows_affected();
    let stale = u64::try_from(stale).map_err(corrupt)?;
    let rest = u64::try_from(staged).ok().and_then(|staged| staged.checked_sub(once));
    let rest = rest.and_then(|rest| rest.checked_sub(written)).and_then(|rest| rest.checked_sub(stale));
    let unchanged = rest.ok_or_else(|| {
        corrupt(format_args!("{written} written and {stale} stale of {staged} staged rows"))
    })?;
    Ok(Merged { written: Written { written, unchanged }, stale, first_stale })
}
