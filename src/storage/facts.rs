//! Deals and events out of the database into what a calculation reads, as one stream of lines.

use std::collections::BTreeMap;

use crate::domain::date::Day;
use crate::domain::facts::{FactsBuilder, FactsFault};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{PayeeId, RoleId, TenantId};
use crate::domain::money::Currency;
use crate::domain::number::Percent;

use super::copy::{columns, elements, receive};
use super::deal::event;
use super::number::small_amount;
use super::{Conn, corrupt, join_sets};

/// Which deals and events to load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// As of this change.
    pub as_of: i64,
    /// Events dated on this day or later.
    pub from: Day,
    /// Events dated before this day.
    pub to: Day,
    /// Only deals that these payees own or are credited with; absent: all.
    pub payees: Option<Vec<PayeeId>>,
}

/// Adds every event in scope and its deal to `builder`, deals in the order of their ids.
///
/// Run to its end once begun: a connection left half-way through cannot be used again.
pub async fn load_deals(
    conn: &mut Conn,
    tenant: TenantId,
    scope: &Scope,
    builder: &mut FactsBuilder,
) -> Result<(), Fault> {
    join_sets(conn).await?;
    let mut loader = Loader { builder, roles: BTreeMap::new(), deal: None };
    receive(conn, &statement(tenant, scope), |line| loader.line(line)).await
}

/// COPY takes no parameters. What is formatted here are a parsed UUID, integers, days and ids, none of
/// which can hold a quote.
fn statement(tenant: TenantId, scope: &Scope) -> String {
    let Scope { as_of, from, to, payees } = scope;
    // Most deals have one or two splits; opening the array of every deal costs several times as much.
    let named = payees.as_ref().map_or(String::new(), |payees| {
        let ids: Vec<String> = payees.iter().map(|id| format!("\"{id}\"")).collect();
        let ids = format!("any('{{{}}}'::text[])", ids.join(","));
        format!(
            "and (d.owner_id = {ids} or d.split_payee_ids[1] = {ids} or d.split_payee_ids[2] = {ids}
                or cardinality(d.split_payee_ids) > 2
                    and exists (select from unnest(d.split_payee_ids) s where s = {ids}))"
        )
    });
    format!(
        "copy (
            select d.deal_id, d.owner_id, d.currency, d.split_payee_ids, d.split_roles, d.split_percents,
                e.event_id, e.kind, e.event_date, e.amount, e.reversed_ids, e.reversed_amounts
            from deal d join deal_event e on e.tenant_id = d.tenant_id and e.deal_id = d.deal_id
            where d.tenant_id = '{tenant}' and e.tenant_id = '{tenant}'
                and d.added_in <= {as_of} and (d.removed_in is null or d.removed_in > {as_of})
                and e.added_in <= {as_of} and (e.removed_in is null or e.removed_in > {as_of})
                and e.event_date >= '{from}' and e.event_date < '{to}'
                {named}
            order by d.deal_id
        ) to stdout"
    )
}

/// The deal that the last line was of.
struct Current {
    id: String,
    handle: u32,
    currency: Currency,
}

struct Loader<'a> {
    builder: &'a mut FactsBuilder,
    roles: BTreeMap<String, RoleId>,
    deal: Option<Current>,
}

impl Loader<'_> {
    fn line(&mut self, line: &str) -> Result<(), Fault> {
        let read = columns::<12>(line)?;
        let [Some(deal), Some(owner), Some(currency), Some(payees), Some(roles), Some(percents), rest @ ..] =
            read
        else {
            return Err(corrupt(format_args!("{line:?} lacks a column")));
        };
        let current = match self.deal.take() {
            Some(current) if current.id == deal => current,
            last => {
                let currency = match last {
                    Some(last) if last.currency.code() == currency => last.currency,
                    _ => Currency::parse(currency).map_err(corrupt)?,
                };
                let handle = self.add_deal(deal, owner, [payees, roles, percents])?;
                Current { id: deal.to_string(), handle, currency }
            }
        };
        self.add_event(&current, rest)?;
        self.deal = Some(current);
        Ok(())
    }

    fn add_deal(
        &mut self,
        deal: &str,
        owner: &str,
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
        self.builder.deal(deal, owner, splits.into_iter()).map_err(unfit)
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

    fn add_event(&mut self, deal: &Current, read: [Option<&str>; 6]) -> Result<(), Fault> {
        let [Some(id), Some(kind), Some(day), amount, Some(reversed), Some(amounts)] = read else {
            return Err(corrupt(format_args!("an event of deal {:?} lacks a column", deal.id)));
        };
        let unreadable = || corrupt(format_args!("amounts of event {id:?} of deal {:?}", deal.id));
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
        self.builder.event(deal.handle, id, kind, day, minor(amount)?, taken_back).map_err(unfit)
    }
}

fn unfit(fault: FactsFault) -> Fault {
    match fault {
        FactsFault::TooMany => Fault::new(Reason::Overloaded, fault.to_string()),
        FactsFault::UnknownPayee { .. }
        | FactsFault::UnknownManager { .. }
        | FactsFault::UnknownQuotaPayee(_) => corrupt(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_checked_values_are_formatted_into_the_statement() {
        let scope = Scope {
            as_of: 7,
            from: Day::parse("2026-01-01").unwrap(),
            to: Day::parse("2026-04-01").unwrap(),
            payees: Some(vec![PayeeId::try_new("NULL").unwrap(), PayeeId::try_new("E-1").unwrap()]),
        };
        let text = statement(TenantId(uuid::Uuid::nil()), &scope);
        assert!(text.contains("d.owner_id = any('{\"NULL\",\"E-1\"}'::text[])"), "{text}");
        assert!(text.contains("e.event_date >= '2026-01-01' and e.event_date < '2026-04-01'"), "{text}");
        assert!(text.contains("d.added_in <= 7 and (d.removed_in is null or d.removed_in > 7)"), "{text}");
        let all = statement(TenantId(uuid::Uuid::nil()), &Scope { payees: None, ..scope });
        assert!(!all.contains("any("), "{all}");
    }
}
