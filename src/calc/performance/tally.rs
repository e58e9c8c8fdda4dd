//! Sums of items, and the figures made of them.

use std::collections::BTreeMap;

use crate::domain::exact::Exact;

use super::{Item, What};

/// A figure that people are put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Figure {
    Booked,
    MarginAmount,
    MarginPercent,
    Units,
    DealsWon,
    WinRate,
    AverageDeal,
    MeanCycle,
    NewCustomers,
    Pipeline,
    WeightedPipeline,
    Attainment,
}

impl Figure {
    /// Those that are made of a tally.
    pub const TALLIED: [Figure; 11] = [
        Figure::Booked,
        Figure::MarginAmount,
        Figure::MarginPercent,
        Figure::Units,
        Figure::DealsWon,
        Figure::WinRate,
        Figure::AverageDeal,
        Figure::MeanCycle,
        Figure::NewCustomers,
        Figure::Pipeline,
        Figure::WeightedPipeline,
    ];

    /// Whether it is of open deals.
    pub fn is_open(self) -> bool {
        matches!(self, Figure::Pipeline | Figure::WeightedPipeline)
    }

    /// Whether the least comes first.
    pub fn least_first(self) -> bool {
        self == Figure::MeanCycle
    }
}

/// Open deals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opportunity {
    /// How many, of their owner.
    pub deals: u64,
    /// Their parts, minor units.
    pub amount: Exact,
    /// The same times their chances.
    pub weighted: Exact,
    /// Of the amount what states no chance.
    pub unlikely: Exact,
    /// Of the amount what is expected to close in the span.
    pub expected: Exact,
    /// The same times their chances.
    pub expected_weighted: Exact,
}

/// Sums of items. Money is in minor units, numbers in millionths, days whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Credits of the measure.
    pub booked: Exact,
    /// Amount and margin of those that state a cost; absent without any.
    pub margin: Option<(Exact, Exact)>,
    /// Quantity of those that state one; absent without any.
    pub units: Option<Exact>,
    /// Deals won.
    pub won: u64,
    /// Deals lost.
    pub lost: u64,
    /// Deals won that state an amount, and the sum of those.
    pub amounts: (u64, Exact),
    /// How many deals won took how many days.
    pub cycles: BTreeMap<i64, u64>,
    /// Customers who booked for the first time.
    pub new_customers: u64,
    /// What is open.
    pub open: Opportunity,
}

fn count(number: u64) -> Exact {
    Exact::whole(i128::from(number))
}

fn percent(part: &Exact, of: &Exact) -> Option<Exact> {
    part.mul(&Exact::whole(100)).div(of)
}

impl Tally {
    /// Adds an item.
    pub fn add(&mut self, item: &Item) {
        match &item.what {
            What::Booked { figure, margin, units } => {
                self.booked = self.booked.add(figure);
                if let Some((amount, margin)) = margin {
                    let (amounts, margins) = self.margin.get_or_insert((Exact::ZERO, Exact::ZERO));
                    (*amounts, *margins) = (amounts.add(amount), margins.add(margin));
                }
                if let Some(units) = units {
                    let sum = self.units.get_or_insert(Exact::ZERO);
                    *sum = sum.add(units);
                }
            }
            What::Decided { won, amount, cycle } => {
                self.won += u64::from(*won);
                self.lost += u64::from(!won);
                if let Some(amount) = amount {
                    self.amounts.0 += 1;
                    self.amounts.1 = self.amounts.1.add(&Exact::whole(i128::from(*amount)));
                }
                if let Some(days) = cycle {
                    *self.cycles.entry(*days).or_default() += 1;
                }
            }
            What::NewCustomer => self.new_customers += 1,
            What::Open => self.open.deals += 1,
            What::Likely { amount, chance, expected } => self.open.add(amount, chance.as_ref(), *expected),
        }
    }

    /// Margin in percent of the amount it is of; absent unless that is above zero.
    pub fn margin_percent(&self) -> Option<Exact> {
        let (amount, margin) = self.margin.as_ref().filter(|(amount, _)| *amount > Exact::ZERO)?;
        percent(margin, amount)
    }

    /// Won in percent of won and lost.
    pub fn win_rate(&self) -> Option<Exact> {
        percent(&count(self.won), &count(self.won + self.lost))
    }

    /// The mean amount of the deals won that state one.
    pub fn average_deal(&self) -> Option<Exact> {
        self.amounts.1.div(&count(self.amounts.0))
    }

    /// How many deals won there are days of.
    pub fn deals_with_cycle(&self) -> u64 {
        self.cycles.values().sum()
    }

    /// The mean days of the deals won.
    pub fn mean_cycle(&self) -> Option<Exact> {
        let days = |(days, deals): (&i64, &u64)| i128::from(*days) * i128::from(*deals);
        Exact::whole(self.cycles.iter().map(days).sum()).div(&count(self.deals_with_cycle()))
    }

    /// The median of the same.
    pub fn median_cycle(&self) -> Option<Exact> {
        let all = self.deals_with_cycle();
        let nth = |place: u64| {
            let mut upto = 0;
            let found = self.cycles.iter().find(|(_, deals)| {
                upto += *deals;
                place < upto
            });
            found.map(|(days, _)| Exact::whole(i128::from(*days)))
        };
        let (low, high) = (nth(all.checked_sub(1)? / 2)?, nth(all / 2)?);
        low.add(&high).div(&Exact::whole(2))
    }

    /// A figure; `None` where it is not defined, and of attainment.
    pub fn value(&self, figure: Figure) -> Option<Exact> {
        match figure {
            Figure::Booked => Some(self.booked.clone()),
            Figure::MarginAmount => self.margin.as_ref().map(|(_, margin)| margin.clone()),
            Figure::MarginPercent => self.margin_percent(),
            Figure::Units => self.units.clone(),
            Figure::DealsWon => Some(count(self.won)),
            Figure::WinRate => self.win_rate(),
            Figure::AverageDeal => self.average_deal(),
            Figure::MeanCycle => self.mean_cycle(),
            Figure::NewCustomers => Some(count(self.new_customers)),
            Figure::Pipeline => Some(self.open.amount.clone()),
            Figure::WeightedPipeline => Some(self.open.weighted.clone()),
            Figure::Attainment => None,
        }
    }
}

/// What is booked over what was booked before, less one, in percent; absent unless that is above zero.
pub fn growth(booked: &Exact, before: &Exact) -> Option<Exact> {
    if *before <= Exact::ZERO {
        return None;
    }
    percent(&booked.sub(before), before)
}

impl Opportunity {
    /// Takes what others hold in.
    pub fn join(&mut self, other: &Opportunity) {
        let sums: [(&mut Exact, &Exact); 5] = [
            (&mut self.amount, &other.amount),
            (&mut self.weighted, &other.weighted),
            (&mut self.unlikely, &other.unlikely),
            (&mut self.expected, &other.expected),
            (&mut self.expected_weighted, &other.expected_weighted),
        ];
        for (sum, other) in sums {
            *sum = sum.add(other);
        }
        self.deals += other.deals;
    }

    fn add(&mut self, amount: &Exact, chance: Option<&Exact>, expected: bool) {
        self.amount = self.amount.add(amount);
        let weighted = chance.map_or(Exact::ZERO, |chance| amount.mul(chance));
        self.weighted = self.weighted.add(&weighted);
        if chance.is_none() {
            self.unlikely = self.unlikely.add(amount);
        }
        if expected {
            self.expected = self.expected.add(amount);
            self.expected_weighted = self.expected_weighted.add(&weighted);
        }
    }
}
