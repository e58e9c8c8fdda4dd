//! Rates by tier (semantics 8.1): the one place that prices credits.
//!
//! A [`Ladder`] is a component's tiers laid out over a quota; a [`Walk`] sends credits along it and holds what
//! of them stands in each tier. Pricing is a function of what is held and of the place reached, so earned
//! through any period is asked for at no more cost than its last credit.

use crate::domain::exact::Exact;
use crate::domain::number::{Number, Quantity, WHOLE};
use crate::domain::plan::{Axis, RateKind, RateMode, Rates};

/// Millionths in one.
const ONE: i128 = 1_000_000;

/// What one tier holds and pays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierTotal {
    /// Place of the tier.
    pub tier: usize,
    /// Its lower edge, in the unit of the axis.
    pub edge: Number,
    /// Whether that must be exceeded.
    pub edge_lower: bool,
    /// Its rate.
    pub rate: Number,
    /// What the tier prices: minor units or millionths, exact.
    pub credited: Exact,
    /// Paid for it, minor units, exact, without the flat amount.
    pub paid: Exact,
    /// Paid for having reached it, minor units.
    pub flat: i128,
}

impl TierTotal {
    /// Adds what the same tier holds and pays in another accumulation.
    pub fn add(&mut self, other: &TierTotal) {
        self.credited = self.credited.add(&other.credited);
        self.paid = self.paid.add(&other.paid);
        self.flat += other.flat;
    }
}

/// The part of a credit that one tier prices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Place of the tier.
    pub tier: usize,
    /// What of the credit lies there: minor units or millionths, exact.
    pub credited: Exact,
    /// What it pays, minor units, exact.
    pub paid: Exact,
}

/// What a rate is multiplied with.
#[derive(Debug, Clone)]
enum Price {
    /// Minor units for each minor unit or millionth held, at a rate of one millionth.
    Each(Exact),
    /// Minor units for each started block, at a rate of one millionth; and the block's size in millionths.
    Block(Exact, Exact),
}

/// Tiers laid out where credits stand.
#[derive(Debug, Clone)]
pub struct Ladder {
    mode: RateMode,
    axis: Axis,
    /// How many tiers from the first on are priced as one, by the tier reached.
    merged: usize,
    price: Price,
    rungs: Vec<Rung>,
}

#[derive(Debug, Clone)]
struct Rung {
    /// Where the tier begins: edge times quota, never a quotient.
    start: Exact,
    edge_lower: bool,
    edge: Number,
    rate: Number,
    flat: i128,
}

/// What tiers are laid out over.
pub struct Ground {
    /// Effective quota in minor units or millionths, where attainment decides.
    pub quota: Option<i128>,
    /// Decimals of the line's figures.
    pub line_decimals: u32,
    /// Decimals of the minor unit.
    pub minor_digits: u32,
    /// Minor units for each minor unit or millionth of the measure at a multiple of one.
    pub base_rate: Option<Exact>,
}

/// What a millionth of an edge is on an axis, in minor units, millionths or percent: what is compared are products.
/// `None` for an attainment without a quota above zero.
pub fn scale(axis: Axis, quota: Option<i128>, line_decimals: u32, minor_digits: u32) -> Option<Exact> {
    let unit = |decimals: u32| Exact::scaled(10_i128.pow(decimals) * 100, 8);
    Some(match axis {
        Axis::Attainment => {
            let quota = quota.filter(|quota| *quota > 0)?;
            Exact::scaled(1, 8).mul(&Exact::whole(quota))
        }
        Axis::Amount | Axis::Units => unit(line_decimals),
        Axis::DealAmount => unit(minor_digits),
        Axis::MarginPercent => Exact::scaled(1, 6),
    })
}

impl Ladder {
    /// Lays tiers out. `None` where attainment or base rate is undefined, over a zero or missing quota: nothing is
    /// paid.
    pub fn lay(rates: &Rates, ground: &Ground) -> Option<Self> {
        let scale = scale(rates.axis, ground.quota, ground.line_decimals, ground.minor_digits)?;
        let minor = Exact::scaled(10_i128.pow(ground.minor_digits), 6);
        let price = match rates.pays {
            RateKind::Percent => Price::Each(Exact::ratio(1, i128::from(WHOLE))?),
            RateKind::PerUnit => Price::Each(minor.div(&Exact::whole(ONE))?),
            RateKind::PerBlock(Quantity(block)) => Price::Block(minor, Exact::whole(i128::from(block))),
            RateKind::BaseRate => Price::Each(ground.base_rate.as_ref()?.div(&Exact::whole(ONE))?),
        };
        let merged = match (rates.mode, rates.retroactive_to) {
            (RateMode::Retroactive, _) => rates.tiers.len(),
            (RateMode::Marginal, Some(edge)) => rates.tiers.partition_point(|tier| tier.edge <= edge),
            (RateMode::Marginal, None) | (RateMode::WholeCredit, _) => 0,
        };
        let rung = |tier: &crate::domain::plan::Tier| Rung {
            start: scale.mul(&Exact::whole(tier.edge.0)),
            edge_lower: tier.edge_lower,
            edge: tier.edge,
            rate: tier.rate,
            flat: tier.flat.map_or(0, i128::from),
        };
        let rungs = rates.tiers.iter().map(rung).collect();
        Some(Ladder { mode: rates.mode, axis: rates.axis, merged, price, rungs })
    }

    /// The tier that a place belongs to; zero and all below it to the first.
    fn tier_of(&self, place: &Exact) -> usize {
        let begun = |rung: &Rung| rung.start < *place || (rung.start == *place && !rung.edge_lower);
        self.rungs.partition_point(begun).saturating_sub(1)
    }

    /// The tier that a place belongs to, and how far it is from the next one's edge; `None` in the last.
    pub fn standing(&self, place: &Exact) -> (usize, Option<Exact>) {
        let tier = self.tier_of(place);
        (tier, self.rungs.get(tier + 1).map(|next| next.start.sub(place)))
    }

    /// Whether a total has reached a tier: the first while it is above zero.
    fn reached(&self, tier: usize, total: &Exact) -> bool {
        if tier == 0 { *total > Exact::ZERO } else { self.tier_of(total) >= tier }
    }

    /// The tier that prices what stands in `tier`, when the line has reached `place`.
    fn pricing(&self, tier: usize, place: &Exact) -> usize {
        if tier < self.merged { self.tier_of(place).min(self.merged - 1) } else { tier }
    }

    /// Pays for what one tier prices.
    fn pay(&self, tier: usize, held: &Exact) -> Exact {
        let rate = Exact::whole(self.rungs[tier].rate.0);
        match &self.price {
            Price::Each(price) => held.mul(&rate).mul(price),
            Price::Block(price, block) => {
                let blocks = held.div(block).map_or(Exact::ZERO, |blocks| blocks.ceil());
                blocks.mul(&rate).mul(price)
            }
        }
    }

    /// Cuts the way from one place to another at the edges between.
    fn cut(&self, from: &Exact, to: &Exact, mut piece: impl FnMut(usize, Exact)) {
        let first = |place: &Exact| self.rungs.partition_point(|rung| rung.start <= *place).saturating_sub(1);
        let (mut at, mut place) = (first(from), from.clone());
        loop {
            let up = self.rungs.get(at + 1).map(|next| &next.start).filter(|next| **next <= *to);
            let down = Some(&self.rungs[at].start).filter(|start| at > 0 && to < *start);
            let (end, next) = match (up, down) {
                (Some(edge), _) => (edge, at + 1),
                (None, Some(edge)) => (edge, at - 1),
                (None, None) => (to, at),
            };
            let way = end.sub(&place);
            if !way.is_zero() {
                piece(at, way);
            }
            if next == at {
                return;
            }
            (place, at) = (end.clone(), next);
        }
    }
}

/// Where a credit's deal puts it, where the axis is the deal's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DealPlace {
    /// At this amount or margin percent.
    At(Exact),
    /// Nowhere: the margin percent of a zero amount pays nothing.
    Undefined,
}

/// Credits on their way along a ladder.
#[derive(Debug, Clone)]
pub struct Walk<'l> {
    ladder: Option<&'l Ladder>,
    credited: Exact,
    position: Exact,
    held: Vec<Exact>,
}

impl<'l> Walk<'l> {
    /// Starts at zero. Without a ladder nothing is paid.
    pub fn new(ladder: Option<&'l Ladder>) -> Self {
        let held = vec![Exact::ZERO; ladder.map_or(0, |ladder| ladder.rungs.len())];
        Walk { ladder, credited: Exact::ZERO, position: Exact::ZERO, held }
    }

    /// Sum of the credits: minor units or millionths.
    pub fn credited(&self) -> &Exact {
        &self.credited
    }

    /// Where the line is: minor units or millionths.
    pub fn position(&self) -> &Exact {
        &self.position
    }

    /// Moves the line.
    pub fn advance(&mut self, by: &Exact) {
        self.position = self.position.add(by);
    }

    fn hold(&mut self, tier: usize, piece: Exact, slice: &mut impl FnMut(usize, &Exact)) {
        slice(tier, &piece);
        self.held[tier] = self.held[tier].add(&piece);
    }

    /// Puts a credit where the line's next `span` lies, in proportion; over no span, wholly at the line's
    /// position. Tells `slice` of each piece. Does not move the line.
    pub fn put(&mut self, credit: &Exact, span: &Exact, mut slice: impl FnMut(usize, &Exact)) {
        self.credited = self.credited.add(credit);
        let Some(ladder) = self.ladder else { return };
        let end = self.position.add(span);
        if ladder.mode == RateMode::WholeCredit {
            let place = if *credit < Exact::ZERO { &end } else { &self.position };
            let tier = ladder.tier_of(place);
            return self.hold(tier, credit.clone(), &mut slice);
        }
        if span.is_zero() {
            let tier = ladder.tier_of(&self.position);
            return self.hold(tier, credit.clone(), &mut slice);
        }
        let own = std::ptr::eq(credit, span);
        let start = self.position.clone();
        ladder.cut(&start, &end, |tier, piece| {
            let part = if own { Some(piece) } else { credit.mul(&piece).div(span) };
            // The span is not zero.
            self.hold(tier, part.unwrap_or(Exact::ZERO), &mut slice);
        });
    }

    /// Puts a credit where its deal says; in proportion to the deal's way through the tiers where they are
    /// marginal.
    pub fn put_by_deal(&mut self, credit: &Exact, place: &DealPlace, mut slice: impl FnMut(usize, &Exact)) {
        self.credited = self.credited.add(credit);
        let (Some(ladder), DealPlace::At(place)) = (self.ladder, place) else { return };
        if ladder.mode == RateMode::WholeCredit || place.is_zero() {
            let tier = ladder.tier_of(place);
            return self.hold(tier, credit.clone(), &mut slice);
        }
        ladder.cut(&Exact::ZERO, place, |tier, piece| {
            let part = credit.mul(&piece).div(place);
            self.hold(tier, part.unwrap_or(Exact::ZERO), &mut slice);
        });
    }

    /// What each tier that prices something or has a flat amount due holds and pays, in order.
    pub fn totals(&self) -> Vec<TierTotal> {
        let Some(ladder) = self.ladder else { return Vec::new() };
        let mut priced = vec![Exact::ZERO; ladder.rungs.len()];
        for (tier, held) in self.held.iter().enumerate() {
            let by = ladder.pricing(tier, &self.position);
            priced[by] = priced[by].add(held);
        }
        let shown = |tier: usize| tier >= ladder.merged || tier == ladder.pricing(0, &self.position);
        let total = |(tier, credited): (usize, Exact)| {
            let rung = &ladder.rungs[tier];
            let paid = ladder.pay(tier, &credited);
            TierTotal {
                tier,
                edge: rung.edge,
                edge_lower: rung.edge_lower,
                rate: rung.rate,
                credited,
                paid,
                flat: self.flat(ladder, tier),
            }
        };
        priced
            .into_iter()
            .enumerate()
            .map(total)
            .filter(|total| shown(total.tier) || total.flat != 0)
            .collect()
    }

    fn flat(&self, ladder: &Ladder, tier: usize) -> i128 {
        let alone = ladder.mode == RateMode::Retroactive && ladder.tier_of(&self.position) != tier;
        if ladder.axis.by_deal() || alone || !ladder.reached(tier, &self.position) {
            return 0;
        }
        ladder.rungs[tier].flat
    }

    /// Flat amounts due, minor units.
    pub fn flats(&self) -> Exact {
        self.totals().iter().fold(Exact::ZERO, |sum, tier| sum.add(&Exact::whole(tier.flat)))
    }

    /// Paid so far, minor units, exact.
    pub fn paid(&self) -> Exact {
        self.totals().iter().fold(self.flats(), |sum, tier| sum.add(&tier.paid))
    }
}

/// Prices credits one after another, as the whole way has turned out. Flat amounts are nobody's.
pub struct Pricer<'w, 'l> {
    walk: &'w Walk<'l>,
    held: Vec<Exact>,
}

impl<'w, 'l> Pricer<'w, 'l> {
    /// Starts at the first credit of a way that has been walked to its end.
    pub fn new(walk: &'w Walk<'l>) -> Self {
        Pricer { walk, held: vec![Exact::ZERO; walk.held.len()] }
    }

    /// The tier that prices a piece, and what the piece adds to what the tier pays.
    pub fn price(&mut self, tier: usize, piece: &Exact) -> Slice {
        let Some(ladder) = self.walk.ladder else {
            return Slice { tier, credited: piece.clone(), paid: Exact::ZERO };
        };
        let by = ladder.pricing(tier, &self.walk.position);
        let paid = match &ladder.price {
            Price::Each(_) => ladder.pay(by, piece),
            Price::Block(..) => {
                let before = ladder.pay(by, &self.held[by]);
                self.held[by] = self.held[by].add(piece);
                ladder.pay(by, &self.held[by]).sub(&before)
            }
        };
        Slice { tier: by, credited: piece.clone(), paid }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::Tier;

    fn rates(mode: RateMode, tiers: &[(&str, &str)]) -> Rates {
        let tier = |(edge, rate): &(&str, &str)| Tier {
            edge: Number::parse(edge.trim_start_matches('>')).unwrap(),
            edge_lower: edge.starts_with('>'),
            rate: Number::parse(rate).unwrap(),
            flat: None,
        };
        Rates {
            measure: "m".parse().unwrap(),
            line: None,
            mode,
            retroactive_to: None,
            axis: Axis::Attainment,
            pays: RateKind::Percent,
            tiers: tiers.iter().map(tier).collect(),
        }
    }

    /// Walks whole minor units and answers what is paid in the end.
    fn paid(rates: &Rates, quota: Option<i128>, credits: &[i128]) -> String {
        let ladder =
            Ladder::lay(rates, &Ground { quota, line_decimals: 2, minor_digits: 2, base_rate: None });
        let mut walk = Walk::new(ladder.as_ref());
        for credit in credits {
            let credit = Exact::whole(*credit);
            walk.put(&credit, &credit, |_, _| {});
            walk.advance(&credit);
        }
        walk.paid().text(6)
    }

    const TIERS: [(&str, &str); 3] = [("0", "5"), ("50", "8"), ("100", "12")];

    #[test]
    fn each_slice_is_paid_at_its_own_tiers_rate() {
        let rates = rates(RateMode::Marginal, &TIERS);
        for (credits, expected) in [
            (vec![], "0"),
            (vec![0], "0"),
            (vec![499], "24.95"),
            (vec![500], "25"),
            (vec![501], "25.08"),
            (vec![1000], "65"),
            (vec![1001], "65.12"),
            (vec![400, 350, 500], "95"),
            (vec![1250], "95"),
            (vec![1250, -350], "57"),
            (vec![1250, -1250], "0"),
            (vec![1250, -1251], "-0.05"),
            (vec![-100], "-5"),
            (vec![-100, 700], "33"),
            (vec![1_000_000_000_000_000_000], "119999999999999945"),
        ] {
            assert_eq!(paid(&rates, Some(1000), &credits), expected, "{credits:?}");
        }
    }

    #[test]
    fn the_tier_reached_prices_everything() {
        let upper = rates(RateMode::Retroactive, &TIERS);
        let lower = rates(RateMode::Retroactive, &[("0", "5"), (">50", "8"), (">100", "12")]);
        for (credits, at_upper, at_lower) in [
            (vec![], "0", "0"),
            (vec![499], "24.95", "24.95"),
            (vec![500], "40", "25"),
            (vec![501], "40.08", "40.08"),
            (vec![999], "79.92", "79.92"),
            (vec![1000], "120", "80"),
            (vec![1001], "120.12", "120.12"),
            (vec![1250, -350], "72", "72"),
            (vec![1250, -1250], "0", "0"),
            (vec![-100], "-5", "-5"),
        ] {
            assert_eq!(paid(&upper, Some(1000), &credits), at_upper, "{credits:?}");
            assert_eq!(paid(&lower, Some(1000), &credits), at_lower, "{credits:?}");
        }
    }

    #[test]
    fn a_credit_is_priced_where_it_starts_and_taken_back_where_it_ends() {
        let rates = rates(RateMode::WholeCredit, &TIERS);
        for (credits, expected) in [
            (vec![499, 1], "25"),
            (vec![500, 1], "25.08"),
            (vec![400, 350, 500], "77.5"),
            (vec![400, 350, 500, -500], "37.5"),
            (vec![400, -400], "0"),
            (vec![-100], "-5"),
            (vec![2000, 1, -1], "100"),
        ] {
            assert_eq!(paid(&rates, Some(1000), &credits), expected, "{credits:?}");
        }
    }

    #[test]
    fn tiers_up_to_an_edge_merge_and_those_above_stay() {
        let threshold = |edge: &str| Rates {
            retroactive_to: Some(Number::parse(edge).unwrap()),
            ..rates(RateMode::Marginal, &[("0", "0"), ("50", "8"), ("100", "12")])
        };
        for (edge, credit, expected) in [
            ("50", 499, "0"),
            ("50", 500, "40"),
            ("50", 1000, "80"),
            ("50", 1100, "92"),
            ("99.999999", 1100, "92"),
            ("100", 1100, "132"),
            ("0", 1100, "52"),
        ] {
            assert_eq!(paid(&threshold(edge), Some(1000), &[credit]), expected, "{credit} to {edge}");
        }
    }

    #[test]
    fn without_a_quota_attainment_is_undefined_and_pays_nothing() {
        for quota in [None, Some(0)] {
            assert_eq!(paid(&rates(RateMode::Marginal, &TIERS), quota, &[1000]), "0");
        }
    }

    #[test]
    fn walking_back_and_forth_pays_what_walking_once_does() {
        let tiers = [("0", "5"), ("33.333333", "-2"), ("66.6", "7.77"), ("100", "0")];
        for mode in [RateMode::Marginal, RateMode::Retroactive] {
            let rates = rates(mode, &tiers);
            assert_eq!(paid(&rates, Some(977), &[500, -499, 900, -33, 200, -1068]), "0");
            assert_eq!(paid(&rates, Some(977), &[500, -499, 900]), paid(&rates, Some(977), &[901]));
        }
    }
}
