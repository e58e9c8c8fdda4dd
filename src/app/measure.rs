//! Measures.

use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::MeasureId;
use crate::domain::measure::Measure;
use crate::storage::{self, Stored};

use super::write::{Begun, Touches};
use super::{App, Call, Listed, Page, Receipt, Write};

impl App {
    /// Defines measures; refuses to change one that a plan, a quota or a value names.
    pub async fn define_measures(
        &self,
        call: &Call,
        write: Write,
        measures: Vec<Measure>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number) = (open.tenant(), open.number());
        let as_of = open.head().number;
        let known = storage::measure::list(open.conn(), tenant, as_of, None, i64::MAX).await?;
        let find = |id: &MeasureId| known.iter().find(|old| old.value.id == *id);
        open.check_etags("measure", |place| match measures.get(place) {
            Some(measure) => (measure.id.to_string(), find(&measure.id).map_or(0, |old| old.added_in)),
            None => Default::default(),
        })?;
        let changed = |measure: &&Measure| find(&measure.id).is_some_and(|old| old.value != **measure);
        let changed: Vec<MeasureId> =
            measures.iter().filter(changed).map(|measure| measure.id.clone()).collect();
        let used = storage::measure::in_use(open.conn(), tenant, &changed).await?;
        if !used.is_empty() {
            return Err(in_use(&measures, &used));
        }
        let written = storage::measure::upsert(open.conn(), tenant, number, &measures).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// Measures by id.
    pub async fn measures(&self, call: &Call, page: Page) -> Result<Listed<Stored<Measure>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<MeasureId>()?;
        let tx = &mut read.tx;
        let found =
            storage::measure::list(tx, call.tenant(), read.as_of, after.as_ref(), page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |measure| measure.value.id.to_string()))
    }
}

fn in_use(measures: &[Measure], used: &[MeasureId]) -> Fault {
    let names: Vec<_> = used.iter().map(MeasureId::as_str).collect();
    let names = names.join(", ");
    let mut violations = Violations::default();
    for (place, measure) in measures.iter().enumerate().filter(|(_, measure)| used.contains(&measure.id)) {
        let message = format!(
            "{} is named by a plan, a quota or a value and never changes: define another",
            measure.id
        );
        violations.add(format!("measures[{place}]"), message);
    }
    let message = format!("a plan, a quota or a value names {names}, which therefore cannot change");
    Fault::new(Reason::MeasureInUse, message).with("measures", names).violating(violations)
}
