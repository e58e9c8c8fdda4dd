//! Calendar and keys.

use crate::auth::{Role, Secret, key};
use crate::domain::date::Calendar;
use crate::domain::fault::{Fault, Reason};
use crate::domain::id::{KeyId, PayeeId};
use crate::storage::deal::DealFilter;
use crate::storage::exchange::RateFilter;
use crate::storage::key::ApiKey;
use crate::storage::quota::Selection;
use crate::storage::{self, Stored, ledger};

use super::write::{Begun, Open, Touches, check_payees, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write, facts};

/// A key to make.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// Absent: made.
    pub id: Option<KeyId>,
    pub role: Role,
    pub payee: Option<PayeeId>,
    pub label: Option<String>,
}

impl App {
    /// The tenant's calendar now; CALENDAR_MISSING if there is none.
    pub async fn calendar(&self, call: &Call) -> Result<Calendar, Fault> {
        self.calendar_since(call, 0).await
    }

    /// The tenant's calendar no older than a journal number; CALENDAR_MISSING if there is none.
    pub async fn calendar_since(&self, call: &Call, min: i64) -> Result<Calendar, Fault> {
        let mut read = self.read(call, AsOf::since(min)).await?;
        facts::calendar(&mut read.tx, call.tenant(), read.as_of).await
    }

    /// The calendar and the journal number read as of.
    pub async fn get_calendar(&self, call: &Call, as_of: AsOf) -> Result<(Stored<Calendar>, i64), Fault> {
        let mut read = self.read(call, as_of).await?;
        let calendar = storage::calendar::get(&mut read.tx, call.tenant(), read.as_of).await?;
        Ok((calendar.ok_or_else(|| Fault::not_found("calendar", &call.actor.tenant_slug))?, read.as_of))
    }

    /// Sets the calendar, unless a period is closed; currency and fiscal year also stay once a quota,
    /// deal or rate was stated in them.
    pub async fn set_calendar(
        &self,
        call: &Call,
        write: Write,
        calendar: Calendar,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let before = storage::calendar::get(open.conn(), tenant, as_of).await?;
        let etag = before.as_ref().map_or(0, |before| before.added_in);
        open.check_etags("calendar", |_| (call.actor.tenant_slug.clone(), etag))?;
        let changes = before.as_ref().is_some_and(|before| before.value != calendar);
        if let Some(close) = ledger::last_close(open.conn(), tenant).await?.filter(|_| changes) {
            let period = close.period;
            let message = format!("{period} is closed: the calendar is fixed");
            return Err(Fault::new(Reason::CalendarFixed, message).with("period", period));
        }
        let terms = |calendar: &Calendar| (calendar.currency, calendar.fiscal_first_month);
        if let Some(before) = before.filter(|before| terms(&before.value) != terms(&calendar)) {
            check_nothing_stated(&mut open, &before.value).await?;
        }
        let written = storage::calendar::set(open.conn(), tenant, number, &calendar).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// The receipt, the key's id, and the whole key in the first answer of a key that was made.
    pub async fn create_key(
        &self,
        call: &Call,
        write: Write,
        new: NewKey,
    ) -> Result<(Receipt, KeyId, Option<Secret>), Fault> {
        let validate_only = write.validate_only;
        match self.begin::<(Receipt, KeyId)>(call, write).await? {
            Begun::Replayed((receipt, id)) => Ok((receipt, id, None)),
            Begun::Fresh(open) => {
                let (receipt, id, secret) = App::make_key(*open, call, new).await?;
                Ok((receipt, id, Some(secret).filter(|_| !validate_only)))
            }
        }
    }

    /// Makes a key in a change that has begun.
    pub(super) async fn make_key(
        mut open: Open,
        call: &Call,
        new: NewKey,
    ) -> Result<(Receipt, KeyId, Secret), Fault> {
        let (tenant, number) = (open.tenant(), open.number());
        let id = new.id.map_or_else(key::generate_id, Ok)?;
        if storage::key::get(open.conn(), tenant, &id).await?.is_some() {
            return Err(Fault::field("key.key_id", format!("must be new, got {id} again")));
        }
        let named: Vec<_> =
            new.payee.iter().map(|payee| ("key.payee_id".to_string(), payee.clone())).collect();
        let mut violations = crate::domain::fault::Violations::default();
        check_payees(open.conn(), tenant, &named, &mut violations).await?;
        unknown(violations)?;
        let made = key::generate(&call.actor.tenant_slug, &id)?;
        let stored = ApiKey {
            id: id.clone(),
            role: new.role.name().to_string(),
            payee: new.payee,
            label: new.label,
            secret_hash: made.secret_hash,
            revoked: false,
        };
        let written = storage::key::upsert(open.conn(), tenant, number, &[stored]).await?;
        let receipt = open.receipt(written);
        open.commit(&(&receipt, &id), Touches::Facts).await?;
        Ok((receipt, id, made.text))
    }

    /// Revokes a key; it stays listed.
    pub async fn revoke_key(&self, call: &Call, write: Write, id: KeyId) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number) = (open.tenant(), open.number());
        let key = storage::key::get(open.conn(), tenant, &id).await?;
        let key = key.ok_or_else(|| Fault::not_found("key", &id))?;
        let revoked = ApiKey { revoked: true, ..key };
        let written = storage::key::upsert(open.conn(), tenant, number, &[revoked]).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Keys by id.
    pub async fn keys(&self, call: &Call, page: Page) -> Result<Listed<ApiKey>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<KeyId>()?;
        let tx = &mut read.tx;
        let found = storage::key::list(tx, call.tenant(), read.as_of, after.as_ref(), page.limit()).await?;
        let found = found.into_iter().map(|stored| stored.value).collect();
        Ok(Listed::new(found, &page, read.as_of, |key: &ApiKey| key.id.to_string()))
    }
}

/// Refuses where quotas, deals or rates were stated in the currency and windows of the calendar so far.
async fn check_nothing_stated(open: &mut Open, calendar: &Calendar) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let all = Selection::default();
    let quotas = storage::quota::list(open.conn(), tenant, as_of, calendar, all, None, 1).await?;
    let deals = storage::deal::list(open.conn(), tenant, as_of, &DealFilter::default(), None, 1).await?;
    let rates = storage::exchange::list(open.conn(), tenant, as_of, RateFilter::default(), None, 1).await?;
    if quotas.is_empty() && deals.is_empty() && rates.is_empty() {
        return Ok(());
    }
    let message =
        "quotas, deals or rates are stated in the calendar's currency and fiscal year: both are fixed";
    Err(Fault::new(Reason::CalendarFixed, message))
}
