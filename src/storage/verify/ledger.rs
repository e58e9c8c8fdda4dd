//! The ledger against itself: accounts, balances, and closes against their postings.

use std::collections::BTreeMap;

use crate::domain::fault::Fault;
use crate::domain::id::TenantId;
use crate::domain::ledger::{Account, PostingKind};
use crate::domain::number::trimmed;

use super::super::number::{AMOUNT_DECIMALS, amount};
use super::super::{Conn, fault};
use super::{AccountTotal, Findings};

/// Integer digits of a sum over the whole ledger.
const SUM_DIGITS: usize = 34;

/// Sums by kind and by account, in one currency, in stored decimals.
#[derive(Default)]
struct Sums {
    kinds: BTreeMap<&'static str, i128>,
    /// Debits minus credits.
    accounts: BTreeMap<String, i128>,
}

/// Checks the ledger and answers what its accounts come to.
pub(super) async fn check(
    conn: &mut Conn,
    tenant: TenantId,
    found: &mut Findings,
) -> Result<Vec<AccountTotal>, Fault> {
    let groups = sqlx::query!(
        r#"select currency, kind, debit, credit, sum(amount)::text as "sum!"
        from posting where tenant_id = $1 group by currency, kind, debit, credit
        order by currency, kind, debit, credit"#,
        tenant.0
    );
    let mut currencies: BTreeMap<String, Sums> = BTreeMap::new();
    for group in groups.fetch_all(&mut *conn).await.map_err(fault)? {
        let kind = PostingKind::ALL.into_iter().find(|kind| kind.name() == group.kind);
        let accounts = kind.map(|kind| kind.accounts());
        if accounts.map(|(d, c)| (d.name(), c.name())) != Some((group.debit.as_str(), group.credit.as_str()))
        {
            let (kind, debit, credit) = (&group.kind, &group.debit, &group.credit);
            found.note(|| format!("posting: {kind} from {credit} to {debit} is no entry of this ledger"));
        }
        let Some(sum) = amount(&group.sum, SUM_DIGITS, AMOUNT_DECIMALS) else {
            found.note(|| format!("posting: the sum of {} {} is {}", group.currency, group.kind, group.sum));
            continue;
        };
        let sums = currencies.entry(group.currency).or_default();
        // Stored sums are far below what 128 bits hold; what is not is seen as out of balance.
        let add = |total: &mut i128, sum: i128| *total = total.saturating_add(sum);
        add(sums.accounts.entry(group.debit).or_default(), sum);
        add(sums.accounts.entry(group.credit).or_default(), -sum);
        if let Some(kind) = kind {
            add(sums.kinds.entry(kind.name()).or_default(), sum);
        }
    }
    for (currency, sums) in &currencies {
        check_balance(currency, sums, found);
    }
    check_closes(conn, tenant, found).await?;
    let total = |currency: &String, (account, balance): (&String, &i128)| AccountTotal {
        account: account.clone(),
        currency: currency.clone(),
        balance: trimmed(*balance, AMOUNT_DECIMALS),
    };
    let totals = currencies
        .iter()
        .flat_map(|(currency, sums)| sums.accounts.iter().map(move |account| total(currency, account)));
    Ok(totals.collect())
}

/// Debits are credits, and what was earned was released or is held.
fn check_balance(currency: &str, sums: &Sums, found: &mut Findings) {
    let shown = |sum: i128| trimmed(sum, AMOUNT_DECIMALS);
    let difference = sums.accounts.values().fold(0_i128, |sum, balance| sum.saturating_add(*balance));
    if difference != 0 {
        found.note(|| format!("posting: {currency} debits exceed credits by {}", shown(difference)));
    }
    let kind = |kind: PostingKind| sums.kinds.get(kind.name()).copied().unwrap_or_default();
    let held = sums.accounts.get(Account::Held.name()).copied().unwrap_or_default();
    let (earned, released) = (kind(PostingKind::Earned), kind(PostingKind::Released));
    // What is held is owed: a credit balance.
    if earned != released.saturating_sub(held) {
        found.note(|| {
            let [earned, released, held] = [earned, released, held.saturating_neg()].map(shown);
            format!("posting: {currency} earned {earned} is not released {released} plus held {held}")
        });
    }
}

/// Each close is what its postings come to, and each posting is of a close.
async fn check_closes(conn: &mut Conn, tenant: TenantId, found: &mut Findings) -> Result<(), Fault> {
    let wrong = sqlx::query!(
        r#"with closed as (
            select c.added_in, c.period, t.currency, t.earned
            from period_close c cross join unnest(c.currencies, c.earned) as t (currency, earned)
            where c.tenant_id = $1
        ), posted as (
            select added_in, period, currency, sum(amount) filter (where kind = 'EARNED') as earned
            from posting where tenant_id = $1 group by added_in, period, currency
        )
        select coalesce(c.period, p.period) as "period!", coalesce(c.added_in, p.added_in) as "added_in!",
            exists (select from period_close k where k.tenant_id = $1
                and k.added_in = coalesce(c.added_in, p.added_in) and k.period = coalesce(c.period, p.period)) as "closed!"
        from closed c
        full join posted p on p.added_in = c.added_in and p.period = c.period and p.currency = c.currency
        where coalesce(c.earned, 0) <> coalesce(p.earned, 0) or c.period is null
        union all
        select c.period, c.added_in, true from period_close c
        where c.tenant_id = $1 and (c.postings <> (select count(*) from posting p
                where p.tenant_id = $1 and p.added_in = c.added_in and p.period = c.period)
            or cardinality(c.currencies) <> cardinality(c.earned))
        order by 2, 1 limit 1"#,
        tenant.0
    );
    if let Some(close) = wrong.fetch_optional(conn).await.map_err(fault)? {
        let (period, change) = (close.period, close.added_in);
        found.note(|| match close.closed {
            true => {
                format!("period_close {period} of change {change}: its figures are not those of its postings")
            }
            false => format!("posting of change {change}: of no close of {period}"),
        });
    }
    Ok(())
}
