//! Values of outside measures.

use std::collections::BTreeMap;

use crate::domain::date::Day;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::measure::{Measure, Source};
use crate::domain::outside::{OutsideValue, ValueKey};
use crate::domain::version::Standing;
use crate::storage::outside::Selection;
use crate::storage::{self, Stored};

use super::write::{Begun, Open, Touches, check_payees, refuse_unknown, unfit, unknown};
use super::{App, Call, Listed, Page, Receipt, Write};

/// Which values to list; what is absent does not narrow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ValueQuery {
    pub payee: Option<PayeeId>,
    pub measure: Option<MeasureId>,
    /// From this day on.
    pub from: Option<Day>,
    /// Before this day.
    pub to: Option<Day>,
}

impl App {
    /// Records values, or refuses them all. Stale ones are passed over.
    pub async fn record_values(
        &self,
        call: &Call,
        write: Write,
        values: Vec<OutsideValue>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number) = (open.tenant(), open.number());
        check_named(&mut open, &values).await?;
        let keys: Vec<&ValueKey> = values.iter().map(|value| &value.key).collect();
        let known = storage::outside::among(open.conn(), tenant, &keys).await?;
        let known: BTreeMap<&ValueKey, &Stored<OutsideValue>> =
            known.iter().map(|known| (&known.value.key, known)).collect();
        open.check_etags("value", |place| match keys.get(place) {
            Some(key) => (name(key), known.get(key).map_or(0, |known| known.added_in)),
            None => Default::default(),
        })?;
        let is_stale = |value: &OutsideValue| {
            known.get(&value.key).is_some_and(|known| value.standing(&known.value) == Standing::Stale)
        };
        let (stale, current): (Vec<OutsideValue>, Vec<OutsideValue>) =
            values.iter().cloned().partition(is_stale);
        let written = storage::outside::record(open.conn(), tenant, number, &current).await?;
        let mut first_stale: Vec<_> = stale.iter().map(|value| name(&value.key)).collect();
        first_stale.sort();
        first_stale.truncate(storage::MAX_STALE_IDS);
        let stale = u64::try_from(stale.len()).unwrap_or(u64::MAX);
        let receipt = Receipt { stale, first_stale, ..open.receipt(written) };
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Values by payee, measure and day.
    pub async fn values(
        &self,
        call: &Call,
        query: ValueQuery,
        page: Page,
    ) -> Result<Listed<Stored<OutsideValue>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let invalid = || Fault::new(Reason::PageTokenInvalid, "page token is none of ours");
        let after = page.after.as_deref().map(|key| {
            let mut parts = key.splitn(3, '/');
            let payee = parts.next()?.parse().ok()?;
            let measure = parts.next()?.parse().ok()?;
            Some(ValueKey { payee, measure, day: Day::parse(parts.next()?).ok()? })
        });
        let after = after.map(|key| key.ok_or_else(invalid)).transpose()?;
        let ValueQuery { payee, measure, from, to } = query;
        let selection = Selection { payee, measure, from, to };
        let (tx, after) = (&mut read.tx, after.as_ref());
        let found =
            storage::outside::list(tx, call.tenant(), read.as_of, &selection, after, page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |stored| name(&stored.value.key)))
    }
}

/// Payees and measures exist, and the measures are outside ones.
async fn check_named(open: &mut Open, values: &[OutsideValue]) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let field = |place: usize, name: &str| format!("values[{place}].{name}");
    let keys = || values.iter().map(|value| &value.key).enumerate();
    let payees: Vec<_> = keys().map(|(place, key)| (field(place, "payee_id"), key.payee.clone())).collect();
    let named: Vec<_> =
        keys().map(|(place, key)| (field(place, "measure_id"), key.measure.clone())).collect();
    let mut violations = Violations::default();
    check_payees(open.conn(), tenant, &payees, &mut violations).await?;
    let measures = storage::measure::all(open.conn(), tenant, as_of).await?;
    let defined: BTreeMap<&MeasureId, &Measure> =
        measures.iter().map(|measure| (&measure.id, measure)).collect();
    let missing: Vec<MeasureId> =
        named.iter().map(|(_, id)| id).filter(|id| !defined.contains_key(*id)).cloned().collect();
    refuse_unknown("measure", &named, &missing, &mut violations);
    let unknowns = violations.len();
    for (field, id) in &named {
        if defined.get(id).is_some_and(|measure| !matches!(measure.source, Source::Outside(_))) {
            violations.add(field, format!("must be an outside measure, {id} counts credits"));
        }
    }
    if violations.len() == unknowns { unknown(violations) } else { unfit(violations) }
}

/// What a value is called: where a page goes on, and in refusals.
fn name(key: &ValueKey) -> String {
    format!("{}/{}/{}", key.payee, key.measure, key.day)
}
