//! Facts carried on to a later journal number: afterwards they say the same as facts built anew.
//!
//! What changed is put in its place. What stands before it stays where it is, and what stands behind it moves at most
//! once, however much changed; nothing is sorted again.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::size_of;
use std::sync::{Arc, OnceLock};

use super::{DealFact, EventFact, Facts, FactsBuilder, FactsFault, ReversedFact, Share, index};
use crate::domain::date::Day;
use crate::domain::exchange::Rate;
use crate::domain::id::{DealId, RoleId};
use crate::domain::payee::{Assignment, Payee};

/// What a payee, a quota or a version of a plan takes besides itself: texts and small lists.
const AROUND: usize = 256;
/// What a value of an outside measure takes.
const VALUE: usize = 24;

impl FactsBuilder {
    /// Starts from the payees of other facts, to tell deals that take the place of theirs with [`Facts::replace`].
    pub fn beside(facts: &Facts, as_of: i64) -> Self {
        let crediting = Arc::clone(&facts.crediting);
        let details = facts.details.without_rows();
        let facts = Facts::empty(as_of, facts.calendar, facts.payees.clone());
        let roles = crediting.rules.iter().flat_map(|rule| &rule.credits).map(|credit| credit.role.clone());
        let roles: BTreeSet<RoleId> = roles.collect();
        let roles = roles.into_iter().zip(0..).collect();
        let facts = Facts { crediting, details, ..facts };
        FactsBuilder { facts, roles, texts: BTreeMap::new(), most: usize::MAX }
    }
}

impl Facts {
    /// About how many bytes of memory these facts take.
    pub fn bytes(&self) -> usize {
        let assignments: usize = self.payees.iter().map(|payee| payee.assignments.len()).sum();
        let lines = self.lines.iter().flatten();
        let lines: usize = lines.map(|(_, above)| size_of::<(Day, Vec<u32>)>() + above.len() * 4).sum();
        let quotas: usize = self.quotas.values().map(BTreeMap::len).sum();
        let versions: usize = self.plans.iter().map(|version| 1 + version.plan.components.len()).sum();
        let around = self.payees.len() + assignments + quotas + 4 * versions + self.measures.len();
        let values: usize = self.values.values().map(BTreeMap::len).sum();
        let values = values * VALUE + self.values.len() * AROUND;
        let payees = self.payees.len() * size_of::<Payee>() + assignments * size_of::<Assignment>();
        let rates = self.exchange.count() * size_of::<(Day, Rate)>();
        self.deal_bytes() + payees + lines + values + rates + around * AROUND
    }

    /// About how many bytes deals and events take.
    pub(super) fn deal_bytes(&self) -> usize {
        self.deals.len() * size_of::<DealFact>()
            + self.splits.len() * size_of::<Share>()
            + self.events.len() * size_of::<EventFact>()
            + self.reversed.len() * size_of::<ReversedFact>()
            + (self.credited.len() + self.credited_from.len()) * size_of::<u32>()
            + self.names.0.len()
            + self.standing.get().map_or(self.deals.len() * 2 * size_of::<u32>(), |standing| standing.bytes())
            + self.details.bytes()
            + self.ruled.bytes()
    }

    /// Whether so many deals took the place of others that what these held is better thrown away.
    pub fn is_worn(&self) -> bool {
        self.replaced > self.deals.len() / 4 + 1000
    }

    /// Takes everything but deals from facts built without any. Answers `false`, with nothing changed, if a payee is
    /// no longer there, something else is to be kept of deals, or they are credited by other rules.
    pub fn renew(&mut self, terms: Facts) -> bool {
        if terms.details.kept != self.details.kept || terms.crediting != self.crediting {
            return false;
        }
        let place = |payee: &Payee| terms.payee(&payee.id);
        let Some(places) = self.payees.iter().map(place).collect::<Option<Vec<u32>>>() else { return false };
        // Both are by id, so that order stays as it is; a new payee is credited with nothing yet.
        let mut credited_from = vec![0; terms.payees.len() + 1];
        for (new, from) in places.iter().zip(self.credited_from.windows(2)) {
            credited_from[*new as usize + 1] = from[1] - from[0];
        }
        for place in 1..credited_from.len() {
            credited_from[place] += credited_from[place - 1];
        }
        if terms.payees.len() > places.len() {
            for deal in &mut self.deals {
                deal.owner = places[deal.owner as usize];
            }
            for split in &mut self.splits {
                split.payee = places[split.payee as usize];
            }
            self.ruled.change(|share| share.payee = places[share.payee as usize]);
        }
        self.credited_from = credited_from;
        let Facts { as_of, calendar, payees, managers, lines, reports, .. } = terms;
        let Facts { measures, plans, exchange, quotas, values, .. } = terms;
        (self.as_of, self.calendar, self.payees) = (as_of, calendar, payees);
        (self.managers, self.lines, self.reports) = (managers, lines, reports);
        (self.measures, self.plans, self.exchange) = (measures, plans, exchange);
        (self.quotas, self.values) = (quotas, values);
        self.standing = OnceLock::new();
        true
    }

    /// Puts deals in the place of those with their ids; of `changed`, those that are not told are gone. What is told
    /// began with [`FactsBuilder::beside`] these facts. After a fault these facts are of no use.
    pub fn replace(&mut self, changed: &[DealId], told: FactsBuilder) -> Result<(), FactsFault> {
        let told = told.build()?;
        self.standing = OnceLock::new();
        let new = (0_u32..).zip(&told.deals).map(|(place, _)| told.deal_id(place));
        let changed: BTreeSet<&str> = changed.iter().map(DealId::as_str).chain(new).collect();
        let roles = self.learn_roles(&told.roles)?;
        let texts = self.details.take_texts(&told.details)?;
        let ruled = self.learn_ruled(&told, &roles)?;

        let (mut deals, mut gone) = (Edits::default(), Vec::new());
        for id in &changed {
            let (old, new) = (self.find_deal(id), told.find_deal(id));
            if let Ok(at) = old {
                deals.removed.push(at);
                gone.push(at);
            }
            if let Ok(new) = new {
                let name = match old {
                    Ok(at) => self.deals[at as usize].name,
                    Err(_) => self.names.add(id)?,
                };
                let splits = self.append_splits(&told, new, &roles)?;
                let told_deal = told.deals[new as usize];
                let details = self.details.take_row(&told.details, told_deal.details, texts)?;
                let ruled = ruled[told_deal.ruled as usize];
                let fact = DealFact { name, splits, details, ruled, ..told_deal };
                deals.inserted.push((old.unwrap_or_else(|at| at), fact));
            }
        }
        let mut events = Edits { removed: self.events_of_deals(&gone), inserted: Vec::new() };
        for event in &told.events {
            let (deal, id) = (told.deal_id(event.deal), told.names.get(event.name));
            let at = self.place_of_event(event.day, deal, id)?;
            // Told deals are put in in their order.
            let deal = deals.landing(event.deal as usize);
            let (name, start) = (self.names.add(id)?, index(self.reversed.len())?);
            for (id, amount) in told.reversed(event) {
                let name = self.names.add(id)?;
                self.reversed.push(ReversedFact { name, amount });
            }
            let reversed = (start, index(self.reversed.len())?);
            events
                .inserted
                .push((at, EventFact { deal, name, reversed, ruled: ruled[event.ruled as usize], ..*event }));
        }
        index(self.deals.len() + deals.inserted.len())?;
        index(self.events.len() + events.inserted.len())?;
        self.recredit(&told, &events)?;
        if deals.move_any(self.deals.len()) {
            let moves = deals.moves();
            for event in &mut self.events {
                event.deal = moves.of(event.deal);
            }
        }
        deals.apply(&mut self.deals);
        events.apply(&mut self.events);
        self.replaced += changed.len();
        self.as_of = told.as_of;
        Ok(())
    }

    /// The place of a deal, or the one it would have.
    fn find_deal(&self, id: &str) -> Result<u32, u32> {
        let found = self.deals.binary_search_by(|deal| self.names.get(deal.name).cmp(id));
        let place = |place| index(place).unwrap_or(u32::MAX);
        found.map(place).map_err(place)
    }

    /// The place before which an event belongs.
    fn place_of_event(&self, day: Day, deal: &str, id: &str) -> Result<u32, FactsFault> {
        index(self.events.partition_point(|event| {
            let key = (event.day, self.deal_id(event.deal), self.names.get(event.name));
            key < (day, deal, id)
        }))
    }

    /// Adds roles that are new, and answers the place of each.
    fn learn_roles(&mut self, told: &[RoleId]) -> Result<Vec<u16>, FactsFault> {
        for role in told {
            let Err(at) = self.roles.binary_search(role) else { continue };
            self.roles.insert(at, role.clone());
            u16::try_from(self.roles.len()).map_err(|_| FactsFault::TooMany)?;
            let shift = |share: &mut Share| {
                if let Some(role) = &mut share.role {
                    *role += u16::from(usize::from(*role) >= at);
                }
            };
            self.splits.iter_mut().for_each(shift);
            self.ruled.change(shift);
        }
        self.note_overlay();
        let place = |role| self.roles.partition_point(|known| known < role);
        told.iter().map(|role| u16::try_from(place(role)).map_err(|_| FactsFault::TooMany)).collect()
    }

    /// Adds sets that rules decided, and answers the place of each; the place 0 stays what it is.
    fn learn_ruled(&mut self, told: &Facts, roles: &[u16]) -> Result<Vec<u32>, FactsFault> {
        let mut places = vec![0];
        while let Some(shares) = u32::try_from(places.len()).ok().and_then(|place| told.ruled.get(place)) {
            let learnt = shares.iter().map(|share| {
                let role = share.role.map(|role| roles[usize::from(role)]);
                Share { role, ..*share }
            });
            places.push(self.ruled.add(learnt)?);
        }
        Ok(places)
    }

    fn append_splits(&mut self, told: &Facts, deal: u32, roles: &[u16]) -> Result<(u32, u32), FactsFault> {
        let start = index(self.splits.len())?;
        let splits = &told.splits[super::range(told.deals[deal as usize].splits)];
        self.splits.extend(splits.iter().map(|split| {
            let role = split.role.map(|role| roles[usize::from(role)]);
            Share { role, ..*split }
        }));
        Ok((start, index(self.splits.len())?))
    }

    /// The events of deals, which are in order: each is among those of whoever is credited with its deal.
    fn events_of_deals(&self, deals: &[u32]) -> Vec<u32> {
        let mut whose = Vec::new();
        let someone = deals.iter().filter_map(|deal| {
            self.whose(*deal, &mut whose);
            whose.first().copied()
        });
        let payees: BTreeSet<u32> = someone.collect();
        let events = payees.into_iter().flat_map(|payee| self.events_of(payee).iter().copied());
        let of_deals = |event: &u32| deals.binary_search(&self.events[*event as usize].deal).is_ok();
        let events: BTreeSet<u32> = events.filter(of_deals).collect();
        events.into_iter().collect()
    }

    /// Notes whom the events are credited to, before they are put in their places.
    fn recredit(&mut self, told: &Facts, events: &Edits<EventFact>) -> Result<(), FactsFault> {
        let (mut credited, mut whose) = (Edits::default(), Vec::new());
        let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        let place = |payee: u32, event: u32| {
            let before = self.events_of(payee).partition_point(|known| *known < event);
            index(self.credited_from[payee as usize] as usize + before)
        };
        for event in &events.removed {
            self.whose(self.events[*event as usize].deal, &mut whose);
            for payee in &whose {
                credited.removed.push(place(*payee, *event)?);
                counts.entry(*payee).or_default().0 += 1;
            }
        }
        let mut inserted = Vec::new();
        for (turn, event) in told.events.iter().enumerate() {
            told.whose(event.deal, &mut whose);
            for payee in &whose {
                // One payee's end is the next one's beginning: the payee decides.
                inserted.push((place(*payee, events.inserted[turn].0)?, *payee, events.landing(turn)));
                counts.entry(*payee).or_default().1 += 1;
            }
        }
        credited.removed.sort_unstable();
        inserted.sort_unstable();
        credited.inserted = inserted.into_iter().map(|(at, _, event)| (at, event)).collect();
        index(self.credited.len() + credited.inserted.len())?;
        if events.move_any(self.events.len()) {
            let moves = events.moves();
            for event in &mut self.credited {
                *event = moves.of(*event);
            }
        }
        credited.apply(&mut self.credited);
        let (mut more, mut less) = (0, 0);
        for (payee, from) in (0_u32..).zip(&mut self.credited_from) {
            *from = *from + more - less;
            let (removed, inserted) = counts.get(&payee).copied().unwrap_or_default();
            (more, less) = (more + inserted, less + removed);
        }
        Ok(())
    }
}

/// What goes out of a list and what comes in, each before what stands at a place; both in order.
struct Edits<T> {
    removed: Vec<u32>,
    inserted: Vec<(u32, T)>,
}

impl<T> Default for Edits<T> {
    fn default() -> Self {
        Edits { removed: Vec::new(), inserted: Vec::new() }
    }
}

/// How what stays moves: from a place on, so many came in before it and so many went.
struct Moves(Vec<(u32, u32, u32)>);

impl Moves {
    /// Where something that stays goes.
    fn of(&self, place: u32) -> u32 {
        let after = self.0.partition_point(|(from, _, _)| *from <= place);
        let moved = after.checked_sub(1).map(|last| self.0[last]);
        moved.map_or(place, |(_, more, less)| place + more - less)
    }
}

impl<T: Copy> Edits<T> {
    /// Where the thing put in at a turn comes to stand.
    fn landing(&self, turn: usize) -> u32 {
        let at = self.inserted[turn].0;
        let less = self.removed.partition_point(|removed| *removed < at);
        // No list has more than 2^32 items.
        at + index(turn).unwrap_or(u32::MAX) - index(less).unwrap_or(u32::MAX)
    }

    fn moves(&self) -> Moves {
        let more = self.inserted.iter().map(|(at, _)| (*at, 1, 0));
        let mut steps: Vec<(u32, u32, u32)> =
            more.chain(self.removed.iter().map(|at| (*at + 1, 0, 1))).collect();
        steps.sort_unstable_by_key(|step| step.0);
        let mut moves: Vec<(u32, u32, u32)> = Vec::new();
        for (at, more, less) in steps {
            let (place, all_more, all_less) = moves.last().copied().unwrap_or_default();
            if place == at && !moves.is_empty() {
                moves.pop();
            }
            moves.push((at, all_more + more, all_less + less));
        }
        Moves(moves)
    }

    /// The spans of a list of a length that stay together: from where, to where it ends, and where it goes.
    fn spans(&self, length: usize) -> Vec<(usize, usize, usize)> {
        let Moves(moves) = self.moves();
        let ends = moves.iter().skip(1).map(|next| next.0 as usize).chain([length]);
        let spans = moves.iter().zip(ends).map(|((from, more, less), end)| {
            // What goes is the last of its span.
            let last = end.checked_sub(1).and_then(|last| index(last).ok());
            let goes = last.is_some_and(|last| self.removed.binary_search(&last).is_ok());
            let from = *from as usize;
            (from, end - usize::from(goes && end > from), from + *more as usize - *less as usize)
        });
        spans.collect()
    }

    /// Whether anything moves that stays in a list of a length.
    fn move_any(&self, length: usize) -> bool {
        self.spans(length).iter().any(|(from, end, to)| from < end && from != to)
    }

    fn apply(&self, list: &mut Vec<T>) {
        let old = list.len();
        let new = old + self.inserted.len() - self.removed.len();
        if let Some((_, filler)) = self.inserted.first() {
            list.resize(old.max(new), *filler);
        }
        let spans = self.spans(old);
        for (from, end, to) in spans.iter().filter(|(from, _, to)| to < from) {
            list.copy_within(*from..*end, *to);
        }
        for (from, end, to) in spans.iter().rev().filter(|(from, _, to)| to > from) {
            list.copy_within(*from..*end, *to);
        }
        for (turn, (_, item)) in self.inserted.iter().enumerate() {
            list[self.landing(turn) as usize] = *item;
        }
        list.truncate(new);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn edits_do_what_one_removal_and_insertion_after_the_other_does(
            length in 0_u32..12,
            removed in prop::collection::btree_set(0_u32..12, 0..6),
            at in prop::collection::vec(0_u32..13, 0..6),
        ) {
            let list: Vec<u32> = (0..length).collect();
            let removed: Vec<u32> = removed.into_iter().filter(|at| *at < length).collect();
            let mut inserted: Vec<(u32, u32)> = at.into_iter().filter(|at| *at <= length).zip(100..).collect();
            inserted.sort_by_key(|(at, _)| *at);
            let mut expected = Vec::new();
            for place in 0..=length {
                expected.extend(inserted.iter().filter(|(at, _)| *at == place).map(|(_, item)| *item));
                expected.extend(list.get(place as usize).filter(|_| !removed.contains(&place)));
            }
            let edits = Edits { removed: removed.clone(), inserted };
            let mut edited = list.clone();
            edits.apply(&mut edited);
            prop_assert_eq!(&edited, &expected);
            let moves = edits.moves();
            let stays: Vec<u32> = list.into_iter().filter(|place| !removed.contains(place)).collect();
            for place in &stays {
                prop_assert_eq!(edited[moves.of(*place) as usize], *place);
            }
            prop_assert_eq!(edits.move_any(length as usize), stays.iter().any(|place| moves.of(*place) != *place));
            for (turn, (_, item)) in edits.inserted.iter().enumerate() {
                prop_assert_eq!(edited[edits.landing(turn) as usize], *item);
            }
        }
    }
}
