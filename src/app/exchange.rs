//! Rates of exchange.

use crate::domain::date::Day;
use crate::domain::exchange::{ExchangeRate, RateKey};
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::money::Currency;
use crate::storage::exchange::RateFilter;
use crate::storage::{self, Stored};

use super::write::{Begun, Touches};
use super::{App, Call, Listed, Page, Receipt, Write, facts};

/// Which rates to list.
pub type RateQuery = RateFilter;

impl App {
    /// Sets rates, or refuses them all.
    pub async fn set_exchange_rates(
        &self,
        call: &Call,
        write: Write,
        rates: Vec<ExchangeRate>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let base = facts::calendar(open.conn(), tenant, as_of).await?.currency;
        let mut violations = Violations::default();
        for (place, _) in rates.iter().enumerate().filter(|(_, rate)| rate.key.currency == base) {
            let message = format!("must be another than the tenant's {base}, whose rate is 1");
            violations.add(format!("exchange_rates[{place}].currency_code"), message);
        }
        violations.finish(Some(()))?;
        if open.expects_etags() {
            let keys: Vec<RateKey> = rates.iter().map(|rate| rate.key).collect();
            let etags = storage::exchange::etags(open.conn(), tenant, &keys).await?;
            open.check_etags("exchange_rate", |place| match (keys.get(place), etags.get(place)) {
                (Some(key), Some(etag)) => (format!("{}/{}", key.currency, key.day), *etag),
                _ => Default::default(),
            })?;
        }
        let written = storage::exchange::set(open.conn(), tenant, number, &rates).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Rates by currency and day.
    pub async fn exchange_rates(
        &self,
        call: &Call,
        query: RateQuery,
        page: Page,
    ) -> Result<Listed<Stored<ExchangeRate>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let (currency, day) = key.split_once(' ')?;
            Some(RateKey { currency: Currency::parse(currency).ok()?, day: Day::parse(day).ok()? })
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let tx = &mut read.tx;
        let found =
            storage::exchange::list(tx, call.tenant(), read.as_of, query, after, page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |rate| {
            let RateKey { currency, day } = rate.value.key;
            format!("{currency} {day}")
        }))
    }
}
