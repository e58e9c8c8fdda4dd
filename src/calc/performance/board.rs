//! People in order: places with ties, peers and their median.

use std::collections::BTreeMap;

use crate::domain::date::Day;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;

use super::tally::{Figure, Tally};

/// Fewest peers that a median is made of: with fewer, somebody's own figure could be read off it.
const FEWEST: usize = 5;

/// Somebody among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// From 1 on; absent where there is no value.
    pub place: Option<usize>,
    /// Index of the payee.
    pub payee: u32,
    /// What decides the place.
    pub value: Option<Exact>,
}

/// Puts payees in order by their values, equals by id on one place, those without a value last: 1, 2, 2, 4.
pub fn board(values: impl IntoIterator<Item = (u32, Option<Exact>)>, least_first: bool) -> Vec<Line> {
    let line = |(payee, value)| Line { place: None, payee, value };
    let mut lines: Vec<Line> = values.into_iter().map(line).collect();
    lines.sort_by(|a, b| {
        let by_value = match (&a.value, &b.value) {
            (Some(a), Some(b)) if least_first => a.cmp(b),
            (Some(a), Some(b)) => b.cmp(a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_value.then(a.payee.cmp(&b.payee))
    });
    let mut before: Option<(usize, Exact)> = None;
    for (place, line) in (1..).zip(&mut lines) {
        let Some(value) = &line.value else { break };
        let place = before.as_ref().filter(|(_, last)| last == value).map_or(place, |(place, _)| *place);
        line.place = Some(place);
        before = Some((place, value.clone()));
    }
    lines
}

/// The title that a payee has on a day, or had last before.
pub fn title(facts: &Facts, payee: u32, day: Day) -> Option<&str> {
    let assignments = &facts.payees[payee as usize].assignments;
    assignments.iter().rfind(|assignment| assignment.from <= day)?.title.as_deref()
}

/// Others who are assigned and have the same title on a day, by id; nobody without one.
pub fn peers(facts: &Facts, payee: u32, day: Day) -> Vec<u32> {
    let Some(own) = title(facts, payee, day) else { return Vec::new() };
    let others = (0_u32..).take(facts.payees.len()).filter(|other| *other != payee);
    others.filter(|other| facts.is_assigned(*other, day) && title(facts, *other, day) == Some(own)).collect()
}

/// The median: of an even count the mean of the two in the middle.
pub fn median(mut values: Vec<Exact>) -> Option<Exact> {
    values.sort_unstable();
    let last = values.len().checked_sub(1)?;
    values.get(last / 2)?.add(values.get(last.div_ceil(2))?).div(&Exact::whole(2))
}

/// The median of each figure over peers, with how many have it; where they are enough.
pub fn medians(peers: &[Tally]) -> BTreeMap<Figure, (Exact, usize)> {
    let of = |figure: Figure| {
        let values: Vec<Exact> = peers.iter().filter_map(|tally| tally.value(figure)).collect();
        let count = values.len();
        Some((figure, (median(values).filter(|_| count >= FEWEST)?, count)))
    };
    Figure::TALLIED.into_iter().filter_map(of).collect()
}
