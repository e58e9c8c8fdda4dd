//! Semantics 8.2: bonuses on single credits, matrices, and where deals stand.

use attain::domain::money::Currency;
use attain::domain::plan::{Axis, Bonus, Due, Matrix, MatrixPays, Scale};
use num_traits::{Signed, Zero};

use crate::events::Part;
use crate::fractions::{Q, minor_units, percent, ratio, whole};
use crate::gauge::{Place, along, reached};
use crate::pay::Run;
use crate::stand::Standing;

impl<'c> Run<'c> {
    /// A bonus on one credit: what it comes to with its reversals, each bringing what it changes.
    pub fn single_bonus(&self, at: Place<'c>, bonus: &Bonus, paid: &[&Standing<'c>]) -> Vec<Q> {
        let gauge = &bonus.curve.gauge;
        let (mut value, mut before, mut lines) = (Q::zero(), Q::zero(), Vec::new());
        for standing in paid {
            value += &standing.value;
            let figure = self.figure(at, gauge.axis, gauge.measure().unwrap(), at.window, value.clone());
            let upto = match value.is_positive() {
                true => self.target(at, bonus.target) * along(&bonus.curve, &figure.unwrap()),
                // What is taken back whole earns nothing, wherever the curve begins.
                false => Q::zero(),
            };
            lines.push(&upto - before);
            before = upto;
        }
        lines
    }

    pub fn by_matrix(&self, at: Place<'c>, matrix: &Matrix, paid: &[&Standing<'c>]) -> (Vec<Q>, Q) {
        match &matrix.pays {
            MatrixPays::Target { target, due } => {
                let cell = self.cell(at, matrix, None);
                let due = *due == Due::Progressive || self.ended(at.window);
                (Vec::new(), if due { self.target(at, *target) * cell } else { Q::zero() })
            }
            MatrixPays::Credits(_) => {
                let line =
                    |standing: &&Standing<'c>| &standing.value * self.cell(at, matrix, Some(standing.part));
                (paid.iter().map(line).collect(), Q::zero())
            }
        }
    }

    /// The cell of a deal, or the one reached; nothing where a figure is undefined.
    fn cell(&self, at: Place<'c>, matrix: &Matrix, part: Option<&Part<'_>>) -> Q {
        let step = |scale: &Scale| {
            let value = match scale.gauge.axis {
                axis @ (Axis::DealAmount | Axis::MarginPercent) => {
                    self.of_deal(part.unwrap(), axis, at.version.plan.currency)
                }
                _ => self.reading(at, &scale.gauge),
            }?;
            let above = scale.edges.iter().rposition(|edge| reached(&value, edge.edge, edge.edge_lower));
            Some(above.unwrap_or(0))
        };
        match (step(&matrix.rows), step(&matrix.columns)) {
            (Some(row), Some(column)) => percent(matrix.cells[row][column].0),
            _ => Q::zero(),
        }
    }

    /// Where a deal stands: its amount in major units of a currency at the rates of the event, or its margin percent.
    pub fn of_deal(&self, part: &Part<'_>, axis: Axis, currency: Currency) -> Option<Q> {
        let deal = part.deal;
        let (amount, cost) = (deal.amount, deal.cost);
        if amount.is_none() || (axis == Axis::MarginPercent && cost.is_none()) {
            self.problem(format!("deal {} states no amount or cost", deal.id));
        }
        let amount = amount.unwrap_or_default();
        match axis {
            Axis::DealAmount => {
                let minor = self.company.converted(amount, deal.currency, currency, part.origin.day);
                if minor.is_none() {
                    self.problem(format!("deal {} has no rate on {}", deal.id, part.origin.day));
                }
                Some(whole(minor?) / minor_units(currency))
            }
            _ if amount == 0 => None,
            _ => Some(ratio(amount - cost.unwrap_or_default(), amount) * whole(100)),
        }
    }
}
