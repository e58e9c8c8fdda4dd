//! Deals and events out of the database into what a calculation reads, as one stream of lines.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::domain::condition::Field;
use crate::domain::date::Day;
use crate::domain::deal::OVERLAY;
use crate::domain::facts::{FactsBuilder, FactsFault, Worth};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{DealId, PayeeId, RoleId, TenantId};
use crate::domain::money::Currency;
use crate::domain::number::{Percent, Quantity};

use super::copy::{elements, first_columns, receive, unescaped};
use super::deal::event;
use super::number::small_amount;
use super::{Conn, corrupt, fault, join_sets};

/// Which deals and events to load: of all dates, for a deal's cost and quantity are shared over all its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// As of this change.
    pub as_of: i64,
    /// Of which deals.
    pub deals: Which,
}

/// Deals to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Everyone's.
    All,
    /// Those that these payees own or have a split of.
    Of {
        /// Whose.
        payees: Vec<PayeeId>,
        /// Those that list no splits but overlays, too: rules may credit anyone with them.
        open: bool,
    },
    /// These.
    These(Vec<DealId>),
}

/// Adds every deal in scope and its events to `builder`, deals in the order of their ids.
///
/// Run to its end once begun: a connection left half-way through cannot be used again.
pub async fn load_deals(
    conn: &mut Conn,
    tenant: TenantId,
    scope: &Scope,
    builder: &mut FactsBuilder,
) -> Result<(), Fault> {
    join_sets(conn).await?;
    let statement = statement(tenant, scope, builder.kept());
    let kept = builder.kept().to_vec();
    let mut loader = Loader { builder, kept, roles: BTreeMap::new(), deal: None };
    receive(conn, &statement, |line| loader.line(line)).await
}

/// COPY takes no parameters. What is formatted here are a parsed UUID, integers and ids, none of which can
/// hold a quote: names of attributes are ids too.
fn statement(tenant: TenantId, scope: &Scope, kept: &[Field]) -> String {
    let Scope { as_of, deals } = scope;
    // Most deals have one or two splits; opening the array of every deal costs several times as much.
    let mut events = String::new();
    let named = match deals {
        Which::All => String::new(),
        Which::Of { payees, open } => {
            let ids = any(payees);
            let open = match open {
                true => format!("or not exists (select from unnest(d.split_roles) r where r <> '{OVERLAY}')"),
                false => String::new(),
            };
            format!(
                "and (d.owner_id = {ids} or d.split_payee_ids[1] = {ids} or d.split_payee_ids[2] = {ids}
                    or cardinality(d.split_payee_ids) > 2
                        and exists (select from unnest(d.split_payee_ids) s where s = {ids}) {open})"
            )
        }
        Which::These(deals) => {
            let ids = any(deals);
            events = format!("and e.deal_id = {ids}");
            format!("and d.deal_id = {ids}")
        }
    };
    let details: Vec<String> = kept.iter().filter_map(column).map(|column| format!(", {column}")).collect();
    let details = details.concat();
    format!(
        "copy (
            select d.deal_id, d.owner_id, d.currency, d.split_payee_ids, d.split_roles, d.split_percents,
                d.amount, d.cost, d.quantity, e.event_id, e.kind, e.event_date, e.amount, e.cost, e.quantity,
                e.reversed_ids, e.reversed_amounts{details}
            from deal d left join deal_event e on e.tenant_id = '{tenant}' and e.deal_id = d.deal_id
                and e.added_in <= {as_of} and (e.removed_in is null or e.removed_in > {as_of}) {events}
            where d.tenant_id = '{tenant}'
                and d.added_in <= {as_of} and (d.removed_in is null or d.removed_in > {as_of})
                {named}
            order by d.deal_id
        ) to stdout"
    )
}

/// Where a field that is kept of deals comes from.
fn column(field: &Field) -> Option<String> {
    Some(match field {
        Field::DealCustomer => "d.customer_id".into(),
        Field::DealProduct => "d.product_id".into(),
        Field::DealCurrency => "d.currency".into(),
        Field::DealStage => "d.stage".into(),
        Field::DealOutcome => "d.outcome".into(),
        Field::DealProbability => "d.probability".into(),
        Field::DealOpened => "d.open_date".into(),
        Field::DealClosed => "d.close_date".into(),
        Field::Attribute(name) => format!("d.attributes::jsonb ->> '{name}'"),
        _ => return None,
    })
}

fn any(ids: &[impl Display]) -> String {
    let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
    format!("any('{{{}}}'::text[])", ids.join(","))
}

/// Most changed deals that are told one by one.
const TOLD: usize = 1000;

/// What changed between two journal numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// Calendar, payees, measures, plans, quotas, values of outside measures, rates of exchange, territories or
    /// crediting rules.
    pub terms: bool,
    /// Keys.
    pub keys: bool,
    /// Deals or events of these deals, by id; absent: of more than a thousand.
    pub deals: Option<Vec<DealId>>,
}

/// What changed after change `from`, up to and with `to`.
pub async fn changed(conn: &mut Conn, tenant: TenantId, from: i64, to: i64) -> Result<Changed, Fault> {
    // Two dozen index look-ups take longer to plan than to do: plan them once per connection, not per read.
    sqlx::query("SET LOCAL plan_cache_mode = force_generic_plan").execute(&mut *conn).await.map_err(fault)?;
    let query = sqlx::query_file!("src/storage/changed.sql", tenant.0, from, to);
    let found = query.fetch_one(conn).await.map_err(fault)?;
    let few = found.deals.len() <= TOLD;
    let deals = found.deals.iter().map(|id| DealId::try_new(id).map_err(corrupt));
    let deals = if few { Some(deals.collect::<Result<_, _>>()?) } else { None };
    Ok(Changed { terms: found.terms, keys: found.keys, deals })
}

/// The deal that the last line was of.
struct Current {
    id: String,
    handle: u32,
    currency: Currency,
}

struct Loader<'a> {
    builder: &'a mut FactsBuilder,
    kept: Vec<Field>,
    roles: BTreeMap<String, RoleId>,
    deal: Option<Current>,
}

impl Loader<'_> {
    fn line(&mut self, line: &str) -> Result<(), Fault> {
        let (read, details) = first_columns::<17>(line)?;
        let details: Vec<Option<&str>> = details.collect();
        if details.len() != self.kept.len() {
            return Err(corrupt(format_args!("{line:?} has {} columns too many or too few", details.len())));
        }
        let [Some(deal), Some(owner), Some(currency), Some(payees), Some(roles), Some(percents), rest @ ..] =
            read
        else {
            return Err(corrupt(format_args!("{line:?} lacks a column")));
        };
        let [amount, cost, quantity, event @ ..] = rest;
        let current = match self.deal.take() {
            Some(current) if current.id == deal => current,
            last => {
                let currency = match last {
                    Some(last) if last.currency.code() == currency => last.currency,
                    _ => Currency::parse(currency).map_err(corrupt)?,
                };
                let worth = worth([amount, cost, quantity], currency)
                    .ok_or_else(|| corrupt(format_args!("figures of deal {deal:?}")))?;
                let handle = self.add_deal(deal, owner, currency, worth, [payees, roles, percents])?;
                let mut told = self.kept.iter().zip(details);
                let said = |field: &Field| told.find(|told| told.0 == field)?.1.map(unescaped);
                self.builder.describe(handle, said).map_err(unfit)?;
                Current { id: deal.to_string(), handle, currency }
            }
        };
        // Of a deal that nothing happened to there is one line without an event.
        if event.iter().any(Option::is_some) {
            self.add_event(&current, event)?;
        }
        self.deal = Some(current);
        Ok(())
    }

    fn add_deal(
        &mut self,
        deal: &str,
        owner: &str,
        currency: Currency,
        worth: Worth,
        [payees, roles, percents]: [&str; 3],
    ) -> Result<u32, Fault> {
        let unreadable = || corrupt(format_args!("splits of deal {deal:?}: {payees} {roles} {percents}"));
        let (mut roles, mut percents) = (elements(roles), elements(percents));
        let mut splits = Vec::new();
        for payee in elements(payees) {
            let (Some(payee), Some(Some(role)), Some(Some(percent))) = (payee, roles.next(), percents.next())
            else {
                return Err(unreadable());
            };
            splits.push((payee, self.role(role)?, Percent::parse(percent).map_err(corrupt)?));
        }
        if roles.next().is_some() || percents.next().is_some() {
            return Err(unreadable());
        }
        self.builder.deal(deal, owner, currency, worth, splits.into_iter()).map_err(unfit)
    }

    /// Few roles stand in many splits: each is checked once.
    fn role(&mut self, text: &str) -> Result<RoleId, Fault> {
        if let Some(role) = self.roles.get(text) {
            return Ok(role.clone());
        }
        let role = RoleId::try_new(text).map_err(corrupt)?;
        self.roles.insert(text.to_string(), role.clone());
        Ok(role)
    }

    fn add_event(&mut self, deal: &Current, read: [Option<&str>; 8]) -> Result<(), Fault> {
        let [Some(id), Some(kind), Some(day), amount, cost, quantity, Some(reversed), Some(amounts)] = read
        else {
            return Err(corrupt(format_args!("an event of deal {:?} lacks a column", deal.id)));
        };
        let unreadable = || corrupt(format_args!("figures of event {id:?} of deal {:?}", deal.id));
        let decimals = deal.currency.minor_digits();
        let minor = |text: Option<&str>| {
            text.map(|text| small_amount(text, decimals).ok_or_else(unreadable)).transpose()
        };
        let mut taken_back = Vec::new();
        let mut amounts = elements(amounts);
        for event in elements(reversed) {
            let (Some(event), Some(amount)) = (event, amounts.next()) else { return Err(unreadable()) };
            taken_back.push((event, minor(amount)?));
        }
        if amounts.next().is_some() {
            return Err(unreadable());
        }
        let (kind, day) = (event::kind(kind).map_err(corrupt)?, Day::parse(day).map_err(corrupt)?);
        let taken_back = taken_back.into_iter();
        let worth = worth([amount, cost, quantity], deal.currency).ok_or_else(unreadable)?;
        self.builder.event(deal.handle, id, kind, day, worth, taken_back).map_err(unfit)
    }
}

/// Amount, cost and quantity as stored, each of which may be absent; `None` if one is no such figure.
fn worth([amount, cost, quantity]: [Option<&str>; 3], currency: Currency) -> Option<Worth> {
    let decimals = currency.minor_digits();
    let minor = |text: Option<&str>| match text {
        None => Some(None),
        Some(text) => small_amount(text, decimals).map(Some),
    };
    let quantity = quantity.map(Quantity::parse).transpose().ok()?;
    Some(Worth { amount: minor(amount)?, cost: minor(cost)?, quantity })
}

/// Facts that do not fit together, or are too many, as a fault for the caller.
pub(crate) fn unfit(fault: FactsFault) -> Fault {
    match fault {
        FactsFault::TooMany => Fault::new(Reason::Overloaded, fault.to_string()),
        FactsFault::UnknownPayee { .. }
        | FactsFault::UnknownManager { .. }
        | FactsFault::Unreadable { .. }
        | FactsFault::UnknownQuotaPayee(_)
        | FactsFault::UnknownValuePayee(_)
        | FactsFault::UnknownHolder(_) => corrupt(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checked_values_are_formatted_into_the_statement() {
        let scope = Scope {
            as_of: 7,
            deals: Which::Of {
                payees: vec![PayeeId::try_new("NULL").unwrap(), PayeeId::try_new("E-1").unwrap()],
                open: true,
            },
        };
        let text = statement(
            TenantId(uuid::Uuid::nil()),
            &scope,
            &[Field::DealStage, Field::Attribute("x.y".into())],
        );
        assert!(text.contains("d.owner_id = any('{\"NULL\",\"E-1\"}'::text[])"), "{text}");
        assert!(
            text.contains("or not exists (select from unnest(d.split_roles) r where r <> 'OVERLAY'))"),
            "{text}"
        );
        assert!(text.contains("d.added_in <= 7 and (d.removed_in is null or d.removed_in > 7)"), "{text}");
        assert!(text.contains("e.reversed_amounts, d.stage, d.attributes::jsonb ->> 'x.y'\n"), "{text}");
        let all = statement(TenantId(uuid::Uuid::nil()), &Scope { deals: Which::All, ..scope }, &[]);
        assert!(!all.contains("any(") && all.contains("e.reversed_amounts\n"), "{all}");
    }
}
