//! Which credits stand in a segment, and in which order (semantics 6, 8.2, 8.4).

use std::borrow::Cow;

use crate::domain::date::{Day, WindowKind};
use crate::domain::id::MeasureId;
use crate::domain::plan::{Component, Payout, ReversalRule};

use super::super::credit::Credit;
use super::super::segment::{self, Segment};
use super::{Credits, Run};

impl<'f> Run<'_, 'f> {
    /// The credits of a measure, which a version of the component reads as `which` says, that count in a segment: in
    /// order of their places, what is taken back at a place after the credit that stands there, so that
    /// together they leave the line where it was. `paid`: of those paid on only
    /// what the payout takes.
    pub(super) fn standing(
        &self,
        segment: &Segment<'f>,
        measure: &MeasureId,
        which: &dyn Fn(&'f Component) -> Option<&'f MeasureId>,
        paid: bool,
    ) -> Cow<'_, [Credit]> {
        let book = self.calculation.book();
        let Some(Credits { plain, reversals, .. }) = self.credits.get(measure) else {
            return Cow::Borrowed(&[]);
        };
        let before = |day: Day| plain.partition_point(|credit| book.entry(credit.entry).day < day);
        let own = &plain[before(segment.from)..before(segment.to)];
        let mut standing: Vec<Credit> = reversals
            .iter()
            .filter_map(|credit| self.stands(segment, *credit, measure, which, paid))
            .collect();
        let chosen = paid && self.chooses(segment.component);
        if standing.is_empty() && !chosen {
            return Cow::Borrowed(own);
        }
        standing.extend_from_slice(own);
        if chosen {
            standing.retain(|credit| self.chosen(segment.component, credit));
        }
        // Another measure moves the line by whole entries, a paid measure's own credits move it one by one.
        let rates = segment.component.payout.rates();
        let one_by_one = rates.is_none_or(|rates| *rates.line() == rates.measure);
        // The owner's role is called OWNER, which stands after OVERLAY, the only one it is ever beside.
        standing.sort_by_key(|credit| {
            let Credit { place, entry, rolled_up, role, .. } = *credit;
            let (whose, taken_back) = ((rolled_up, role.is_none(), role), (place != entry, entry));
            (place, one_by_one.then_some(whose), taken_back, whose)
        });
        Cow::Owned(standing)
    }

    /// A reversal with its place, if it counts in a segment: on its own date, or at its origin where the
    /// component says so, accumulates single deals, or is not in force on the own date with a measure that takes the
    /// credit. What the component never earned it cannot lose.
    fn stands(
        &self,
        segment: &Segment<'f>,
        credit: Credit,
        measure: &MeasureId,
        which: &dyn Fn(&'f Component) -> Option<&'f MeasureId>,
        paid: bool,
    ) -> Option<Credit> {
        let book = self.calculation.book();
        let entry = book.entry(credit.entry);
        let origin_day = book.origin_day(credit.entry);
        let id = &segment.component.id;
        let takes = |component: &&'f Component| {
            let Some(read) = which(component) else { return false };
            if paid && !self.chosen(component, &credit) {
                return false;
            }
            let selector = || self.calculation.selector(read);
            let facts = self.calculation.facts;
            *read == *measure || selector().is_some_and(|s| s.includes(facts, book, self.payee, &credit))
        };
        let component_on =
            |day: Day| segment::on(&self.spans, day).and_then(|span| span.component(id)).filter(takes);
        let origin: &Component = component_on(origin_day)?;
        let alone = |component: &Component| component.window == WindowKind::Deal;
        let by_own_date = origin.reversal == ReversalRule::OwnDate && !alone(origin);
        let on_own_date = by_own_date && component_on(entry.day).is_some_and(|then| !alone(then));
        let (day, place) = if on_own_date { (entry.day, credit.entry) } else { (origin_day, entry.origin) };
        (segment.from <= day && day < segment.to).then_some(Credit { place, ..credit })
    }

    /// Whether a component pays on some of its measure's credits alone.
    fn chooses(&self, component: &Component) -> bool {
        match &component.payout {
            Payout::Residual(_) => true,
            Payout::Spiff(spiff) => spiff.from.is_some() || spiff.to.is_some(),
            _ => false,
        }
    }

    /// Whether a credit is one of them: a reversal is what it takes back.
    fn chosen(&self, component: &Component, credit: &Credit) -> bool {
        let book = self.calculation.book();
        let day = book.origin_day(credit.entry);
        match &component.payout {
            Payout::Spiff(spiff) => {
                spiff.from.is_none_or(|from| from <= day) && spiff.to.is_none_or(|to| day < to)
            }
            Payout::Residual(residual) => {
                let first = self.calculation.first_month(book.deal(credit.entry));
                let month = first.map(|first| day.period().months_since(first) + 1);
                let month = month.and_then(|month| u32::try_from(month).ok());
                month.is_some_and(|month| residual.first_month <= month && month <= residual.last_month)
            }
            _ => true,
        }
    }
}
