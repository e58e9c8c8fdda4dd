//! Loading what a calculation reads.

use sqlx::PgConnection;

use crate::domain::date::{Calendar, Period};
use crate::domain::facts::{Facts, FactsBuilder};
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{PayeeId, TenantId};
use crate::storage::{self, facts::Scope};

/// The tenant's calendar as of a journal number.
pub(super) async fn calendar(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
) -> Result<Calendar, Fault> {
    Ok(storage::calendar::get(conn, tenant, as_of).await?.ok_or_else(calendar_missing)?.value)
}

/// The fault that there is no calendar.
pub(super) fn calendar_missing() -> Fault {
    Fault::new(Reason::CalendarMissing, "the tenant has no calendar yet: set it first")
}

/// Everything as of a journal number, for a calculation up to the end of a period; of deals only those that touch the
/// payees below one, if one is given.
pub(super) async fn load(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    through: Period,
    under: Option<&PayeeId>,
) -> Result<Facts, Fault> {
    let calendar = calendar(conn, tenant, as_of).await?;
    let first = calendar.first_period;
    if through < first {
        return Err(Fault::field(
            "period",
            format!("must not be before the first period {first}, got {through}"),
        ));
    }
    let payees = match under {
        Some(payee) => Some(storage::payee::below(conn, tenant, as_of, payee).await?),
        None => None,
    };
    let all = storage::payee::all(conn, tenant, as_of).await?;
    let mut builder = FactsBuilder::new(as_of, calendar, all).map_err(storage::corrupt)?;
    for measure in storage::measure::all(conn, tenant, as_of).await? {
        builder.measure(measure);
    }
    for version in storage::plan::all(conn, tenant, as_of).await? {
        builder.plan(version);
    }
    for quota in storage::quota::all(conn, tenant, as_of, &calendar).await? {
        builder.quota(quota).map_err(storage::corrupt)?;
    }
    let scope = Scope { as_of, payees };
    storage::facts::load_deals(conn, tenant, &scope, &mut builder).await?;
    builder.build().map_err(storage::facts::unfit)
}
