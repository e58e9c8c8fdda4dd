//! Where deals stand beside what happened to them: won, lost or open, since when, how likely; and whose they are while
//! nothing happened yet.
//!
//! Whose open deals are is decided as it would be by their first event on the expected close date: by their splits, else
//! by the crediting rules of that day, else the owner's; without that date no rule is asked.

use super::*;
use crate::domain::deal::Outcome;

/// What is kept of every deal for it, whatever conditions read besides.
pub(super) const KEPT: [Field; 7] = [
    Field::DealCustomer,
    Field::DealProduct,
    Field::DealStage,
    Field::DealOutcome,
    Field::DealProbability,
    Field::DealOpened,
    Field::DealClosed,
];

/// A part of an open deal that would be somebody's credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenCredit {
    /// Index of the deal.
    pub deal: u32,
    /// Whose, and which part.
    pub share: Share,
}

/// Where a deal stands, in the order in which an owner's deals are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stand {
    /// Won or lost on a day.
    Decided(Day),
    /// Won or lost on a day that nobody told.
    Undated,
    /// Open, and nothing happened to it yet.
    Open,
    /// Open though something happened.
    Begun,
}

/// Deals by whose they are. Found when it is first asked for: most answers never do.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// Deals by owner, each owner's by where they stand, then by id; and where each owner's begin.
    owned: Vec<u32>,
    owned_from: Vec<u32>,
    /// Parts of open deals by payee, then deal; and where each payee's begin.
    open: Vec<OpenCredit>,
    open_from: Vec<u32>,
    /// By deal its first event; `NONE` where nothing happened yet.
    begun: Vec<u32>,
    /// The first booking ever of each customer, in the order of events.
    newcomers: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Standing {
    fn of(facts: &Facts) -> Self {
        let payees = facts.payees.len();
        let deals = || (0_u32..).zip(&facts.deals);
        let mut begun = vec![NONE; facts.deals.len()];
        for (index, event) in (0_u32..).zip(&facts.events) {
            let first = &mut begun[event.deal as usize];
            // Events are in the order of their days.
            *first = (*first).min(index);
        }
        let (owned_from, mut owned) = by_payee(payees, || deals().map(|(deal, fact)| (fact.owner, deal)));
        for bounds in owned_from.windows(2) {
            let [start, end] = bounds else { continue };
            let stand = |deal: &u32| facts.stand(*deal, facts.day_of(begun[*deal as usize]));
            owned[*start as usize..*end as usize].sort_by_cached_key(stand);
        }
        let mut open = Vec::new();
        for (deal, _) in deals().filter(|(deal, _)| begun[*deal as usize] == NONE) {
            if facts.outcome(deal) == Outcome::Open {
                let share = |share| OpenCredit { deal, share };
                open.extend(facts.expected_shares(deal).into_iter().map(share));
            }
        }
        let each = || open.iter().map(|credit: &OpenCredit| (credit.share.payee, *credit));
        let (open_from, open) = by_payee(payees, each);
        Standing { owned, owned_from, open, open_from, begun, newcomers: newcomers(facts) }
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> usize {
        self.open.len() * size_of::<OpenCredit>()
            + (self.owned.len() + self.owned_from.len() + self.open_from.len()) * size_of::<u32>()
            + (self.begun.len() + self.newcomers.len()) * size_of::<u32>()
    }
}

/// Items by payee, those of each in the order they come in; and where each payee's begin.
fn by_payee<T: Copy, I: Iterator<Item = (u32, T)>>(
    payees: usize,
    items: impl Fn() -> I,
) -> (Vec<u32>, Vec<T>) {
    let mut from = vec![0_u32; payees + 1];
    for (payee, _) in items() {
        from[payee as usize + 1] += 1;
    }
    for place in 1..from.len() {
        from[place] += from[place - 1];
    }
    let mut next = from.clone();
    let mut sorted: Vec<T> = items().map(|(_, item)| item).collect();
    for (payee, item) in items() {
        let place = &mut next[payee as usize];
        sorted[*place as usize] = item;
        *place += 1;
    }
    (from, sorted)
}

/// The first booking ever of each customer. Of one text there may be several places: the first of all of them counts.
fn newcomers(facts: &Facts) -> Vec<u32> {
    let Some(place) = facts.details.place(&Field::DealCustomer) else { return Vec::new() };
    let mut first = vec![NONE; facts.details.text_count() + 1];
    for (index, event) in (0_u32..).zip(&facts.events).filter(|(_, event)| event.kind == EventKind::Booked) {
        let cell = facts.details.cell(facts.deals[event.deal as usize].details, place);
        if let Some(first) = first.get_mut(cell as usize).filter(|_| cell > 0) {
            *first = (*first).min(index);
        }
    }
    let customers = (0_u32..).zip(&first).filter(|(_, event)| **event != NONE);
    let mut customers: Vec<(&str, u32)> =
        customers.filter_map(|(cell, event)| Some((facts.details.text(cell)?, *event))).collect();
    customers.sort_unstable();
    customers.dedup_by_key(|(customer, _)| *customer);
    let mut events: Vec<u32> = customers.into_iter().map(|(_, event)| event).collect();
    events.sort_unstable();
    events
}

impl Facts {
    fn standing(&self) -> &Standing {
        self.standing.get_or_init(|| Arc::new(Standing::of(self)))
    }

    /// The deals that a payee owns, whatever happened to them: won and lost by day, those without a day, the open ones.
    pub fn owned(&self, payee: u32) -> &[u32] {
        let (standing, at) = (self.standing(), payee as usize);
        &standing.owned[standing.owned_from[at] as usize..standing.owned_from[at + 1] as usize]
    }

    /// The parts of open deals with no event yet that would be a payee's credits, by deal. Overlays are among them.
    pub fn open_credits(&self, payee: u32) -> &[OpenCredit] {
        let (standing, at) = (self.standing(), payee as usize);
        &standing.open[standing.open_from[at] as usize..standing.open_from[at + 1] as usize]
    }

    /// Of the deals that a payee owns those that were won or lost on the days `[from, to)`, by day.
    pub fn decided(&self, payee: u32, from: Day, to: Day) -> &[u32] {
        self.owned_between(payee, Stand::Decided(from), Stand::Decided(to))
    }

    /// Those won or lost on a day that nobody told.
    pub fn undated(&self, payee: u32) -> &[u32] {
        self.owned_between(payee, Stand::Undated, Stand::Open)
    }

    /// Those that are open and that nothing happened to yet.
    pub fn waiting(&self, payee: u32) -> &[u32] {
        self.owned_between(payee, Stand::Open, Stand::Begun)
    }

    fn owned_between(&self, payee: u32, from: Stand, to: Stand) -> &[u32] {
        let owned = self.owned(payee);
        let before =
            |stand: Stand| owned.partition_point(|deal| self.stand(*deal, self.begun(*deal)) < stand);
        owned.get(before(from)..before(to)).unwrap_or_default()
    }

    /// Where a deal stands that something happened to first on a day, if ever.
    fn stand(&self, deal: u32, begun: Option<Day>) -> Stand {
        let decided = match self.outcome(deal) {
            Outcome::Open => return if begun.is_none() { Stand::Open } else { Stand::Begun },
            Outcome::Won => self.closed(deal).or(begun),
            Outcome::Lost => self.closed(deal),
        };
        decided.map_or(Stand::Undated, Stand::Decided)
    }

    /// The day on which a deal was won or lost: its close date, else of a deal won that of the first thing that happened
    /// to it.
    pub fn decided_on(&self, deal: u32) -> Option<Day> {
        match self.stand(deal, self.begun(deal)) {
            Stand::Decided(day) => Some(day),
            Stand::Undated | Stand::Open | Stand::Begun => None,
        }
    }

    /// The day of the first thing that happened to a deal.
    pub fn begun(&self, deal: u32) -> Option<Day> {
        self.day_of(*self.standing().begun.get(deal as usize)?)
    }

    /// The day of an event; none of none.
    fn day_of(&self, event: u32) -> Option<Day> {
        self.events.get(event as usize).map(|event| event.day)
    }

    /// The first booking ever of each customer, with anybody, as indexes of events in their order.
    pub fn first_bookings(&self) -> &[u32] {
        &self.standing().newcomers
    }

    /// Who would be credited with which part of a deal that nothing happened to yet.
    fn expected_shares(&self, deal: u32) -> Vec<Share> {
        let stated = || self.stated(deal).collect();
        let Some(day) = self.closed(deal).filter(|_| self.has_rules()) else { return stated() };
        let (Reason::Rule(_, credits), _) = self.explain_crediting(deal, None, day) else { return stated() };
        let ruled = credits.into_iter().filter_map(|(payee, credit)| {
            let role = self.roles.binary_search(&credit.role).ok().and_then(|role| u16::try_from(role).ok());
            Some(Share { payee: self.payee(payee)?, role, percent: credit.percent })
        });
        self.overlays(deal).chain(ruled).collect()
    }

    fn text(&self, deal: u32, field: &Field) -> Option<&str> {
        match self.detail(deal, field)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    fn day(&self, deal: u32, field: &Field) -> Option<Day> {
        match self.detail(deal, field)? {
            Value::Date(day) => Some(day),
            _ => None,
        }
    }

    /// Open, won or lost.
    pub fn outcome(&self, deal: u32) -> Outcome {
        let told = self.text(deal, &Field::DealOutcome);
        let outcome = |name| [Outcome::Won, Outcome::Lost].into_iter().find(|outcome| outcome.name() == name);
        told.and_then(outcome).unwrap_or(Outcome::Open)
    }

    /// The chance of winning, as a part of one: a deal says it in percent.
    pub fn probability(&self, deal: u32) -> Option<Exact> {
        match self.detail(deal, &Field::DealProbability)? {
            Value::Number(percent) => percent.div(&Exact::whole(100)),
            _ => None,
        }
    }

    /// When work on a deal began.
    pub fn opened(&self, deal: u32) -> Option<Day> {
        self.day(deal, &Field::DealOpened)
    }

    /// The day of the decision: expected while open, the actual one when won or lost.
    pub fn closed(&self, deal: u32) -> Option<Day> {
        self.day(deal, &Field::DealClosed)
    }
}
