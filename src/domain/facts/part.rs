//! Facts with a few of the deals of others: what one answer reads, without copying all there is.
//!
//! Payees, rules and quotas are shared, so that a part takes no more time and memory than its own deals do.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use super::{DealFact, EventFact, Facts, FactsFault, Names, ReversedFact, index, range};

impl Facts {
    /// The same facts with the deals that some payees, by index, are credited with events of, and no others. Whoever
    /// reports to them is not taken along; nor are open deals, which move no pay.
    pub fn part(&self, payees: impl IntoIterator<Item = u32>) -> Result<Facts, FactsFault> {
        let events: BTreeSet<u32> =
            payees.into_iter().flat_map(|payee| self.events_of(payee).iter().copied()).collect();
        let mut deals: Vec<u32> = events.iter().map(|event| self.events[*event as usize].deal).collect();
        deals.sort_unstable();
        deals.dedup();
        let mut part = self.without_deals();
        for deal in &deals {
            let DealFact { name, owner, splits, currency, worth, details, ruled } =
                self.deals[*deal as usize];
            let name = part.names.add(self.names.get(name))?;
            let start = index(part.splits.len())?;
            part.splits.extend_from_slice(&self.splits[range(splits)]);
            let splits = (start, index(part.splits.len())?);
            let details = part.details.copy_row(&self.details, details)?;
            part.deals.push(DealFact { name, owner, splits, currency, worth, details, ruled });
        }
        for event in events {
            let EventFact { day, deal, name, kind, worth, reversed, ruled } = self.events[event as usize];
            let start = index(part.reversed.len())?;
            for ReversedFact { name, amount } in &self.reversed[range(reversed)] {
                let name = part.names.add(self.names.get(*name))?;
                part.reversed.push(ReversedFact { name, amount: *amount });
            }
            let reversed = (start, index(part.reversed.len())?);
            let name = part.names.add(self.names.get(name))?;
            // Both are in the order of ids: a deal's place among those taken is its new index.
            let deal = index(deals.partition_point(|taken| *taken < deal))?;
            part.events.push(EventFact { day, deal, name, kind, worth, reversed, ruled });
        }
        part.note_credited()?;
        Ok(part)
    }

    /// Everything but deals. Every field is named, so that a new one cannot be forgotten.
    fn without_deals(&self) -> Facts {
        Facts {
            as_of: self.as_of,
            calendar: self.calendar,
            payees: Arc::clone(&self.payees),
            managers: Arc::clone(&self.managers),
            lines: Arc::clone(&self.lines),
            reports: Arc::clone(&self.reports),
            measures: Arc::clone(&self.measures),
            plans: Arc::clone(&self.plans),
            exchange: Arc::clone(&self.exchange),
            quotas: Arc::clone(&self.quotas),
            values: Arc::clone(&self.values),
            crediting: Arc::clone(&self.crediting),
            roles: self.roles.clone(),
            deals: Vec::new(),
            details: self.details.without_rows(),
            splits: Vec::new(),
            ruled: self.ruled.clone(),
            overlay: self.overlay,
            events: Vec::new(),
            reversed: Vec::new(),
            credited: Vec::new(),
            credited_from: Vec::new(),
            names: Names::default(),
            standing: OnceLock::new(),
            replaced: 0,
        }
    }
}
