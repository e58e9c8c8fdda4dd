//! Rates by tier of attainment (semantics 8.1): the one place that prices credits.

use crate::domain::exact::Exact;
use crate::domain::number::{Percent, WHOLE};
use crate::domain::plan::{RateMode, Rates};

/// What one tier holds and pays. Minor units, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierTotal {
    /// Lower edge in percent of quota.
    pub edge: Percent,
    /// Rate in percent of the credit.
    pub rate: Percent,
    /// Credited in this tier.
    pub credited: Exact,
    /// Paid for it.
    pub paid: Exact,
}

/// The part of a credit that lies in one tier. Minor units, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// Place of the tier.
    pub tier: usize,
    /// What of the credit lies there.
    pub credited: Exact,
    /// What it pays.
    pub paid: Exact,
}

/// Walks along the tiers, credit by credit.
#[derive(Debug, Clone)]
pub struct Walk {
    tiers: Vec<Step>,
    at: usize,
    position: Exact,
    paid: Exact,
}

#[derive(Debug, Clone)]
struct Step {
    /// Where the tier begins, in minor units: edge times quota, never a quotient.
    start: Exact,
    rate: Exact,
    total: TierTotal,
}

fn ratio(percent: Percent) -> Exact {
    Exact::ratio(i128::from(percent.0), i128::from(WHOLE)).unwrap_or(Exact::ZERO)
}

impl Walk {
    /// Starts at zero, with tiers laid out over a quota in minor units. Over a zero or missing quota
    /// attainment is undefined: no tier, nothing is paid.
    pub fn new(rates: &Rates, quota: Option<i128>) -> Self {
        let RateMode::Marginal = rates.mode;
        let quota = quota.filter(|quota| *quota > 0).map(Exact::whole);
        let step = |quota: &Exact| {
            let steps = rates.tiers.iter().map(|tier| Step {
                start: ratio(tier.edge).mul(quota),
                rate: ratio(tier.rate),
                total: TierTotal {
                    edge: tier.edge,
                    rate: tier.rate,
                    credited: Exact::ZERO,
                    paid: Exact::ZERO,
                },
            });
            steps.collect()
        };
        let tiers = quota.as_ref().map_or_else(Vec::new, step);
        Walk { tiers, at: 0, position: Exact::ZERO, paid: Exact::ZERO }
    }

    /// Credited so far.
    pub fn position(&self) -> &Exact {
        &self.position
    }

    /// Paid so far, exact.
    pub fn paid(&self) -> &Exact {
        &self.paid
    }

    /// What each tier holds and pays so far.
    pub fn totals(&self) -> impl Iterator<Item = &TierTotal> {
        self.tiers.iter().map(|step| &step.total)
    }

    /// Takes a credit, cut where it crosses an edge, and tells `slice` of each piece. A negative credit
    /// walks back the way; all below zero is in the first tier.
    pub fn step(&mut self, credit: &Exact, mut slice: impl FnMut(Slice)) {
        let target = self.position.add(credit);
        if self.tiers.is_empty() {
            self.position = target;
            return;
        }
        loop {
            let up = self.tiers.get(self.at + 1).map(|next| &next.start).filter(|next| **next <= target);
            let down = Some(&self.tiers[self.at].start).filter(|start| self.at > 0 && target < **start);
            let (end, next) = match (up, down) {
                (Some(edge), _) => (edge.clone(), self.at + 1),
                (None, Some(edge)) => (edge.clone(), self.at - 1),
                (None, None) => (target.clone(), self.at),
            };
            let piece = end.sub(&self.position);
            if !piece.is_zero() {
                let tier = &mut self.tiers[self.at];
                let paid = piece.mul(&tier.rate);
                tier.total.credited = tier.total.credited.add(&piece);
                tier.total.paid = tier.total.paid.add(&paid);
                self.paid = self.paid.add(&paid);
                slice(Slice { tier: self.at, credited: piece, paid });
            }
            self.position = end;
            if next == self.at {
                return;
            }
            self.at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::Tier;

    fn rates(tiers: &[(&str, &str)]) -> Rates {
        let tier = |(edge, rate): &(&str, &str)| Tier {
            edge: Percent::parse(edge).unwrap(),
            rate: Percent::parse(rate).unwrap(),
        };
        Rates {
            measure: "m".parse().unwrap(),
            mode: RateMode::Marginal,
            tiers: tiers.iter().map(tier).collect(),
        }
    }

    /// Walks whole minor units and answers what is paid in the end.
    fn paid(tiers: &[(&str, &str)], quota: Option<i128>, credits: &[i128]) -> String {
        let mut walk = Walk::new(&rates(tiers), quota);
        for credit in credits {
            walk.step(&Exact::whole(*credit), |_| {});
        }
        walk.paid().text(6)
    }

    #[test]
    fn each_slice_is_paid_at_its_own_tiers_rate() {
        let tiers = [("0", "5"), ("50", "8"), ("100", "12")];
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
            assert_eq!(paid(&tiers, Some(1000), &credits), expected, "{credits:?}");
        }
    }

    #[test]
    fn without_a_quota_attainment_is_undefined_and_pays_nothing() {
        for quota in [None, Some(0)] {
            assert_eq!(paid(&[("0", "5")], quota, &[1000]), "0");
        }
    }

    #[test]
    fn walking_back_and_forth_pays_what_walking_once_does() {
        let tiers = [("0", "5"), ("33.333333", "-2"), ("66.6", "7.77"), ("100", "0")];
        assert_eq!(
            paid(&tiers, Some(977), &[500, -499, 900, -33, 200, -1068]),
            paid(&tiers, Some(977), &[0])
        );
        assert_eq!(paid(&tiers, Some(977), &[500, -499, 900]), paid(&tiers, Some(977), &[901]));
    }
}
