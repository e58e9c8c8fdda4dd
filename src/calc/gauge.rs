//! How far something has come by the end of a period, and the percent that a curve makes of it (semantics 8.2, 8.3).

use std::collections::BTreeMap;

use crate::domain::date::{Period, Window};
use crate::domain::exact::Exact;
use crate::domain::id::MeasureId;
use crate::domain::measure::Unit;
use crate::domain::money::Currency;
use crate::domain::number::{Number, Percent, WHOLE};
use crate::domain::plan::{Axis, Curve, Shape};

use super::quota::EffectiveQuota;
use super::rates;

/// A figure of one payee in one segment of a window, through the end of each period.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Of which measure.
    pub measure: MeasureId,
    /// In which window.
    pub window: Window,
    /// As what it is looked at.
    pub axis: Axis,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is measured against, if attainment is looked at and a quota is set.
    pub quota: Option<EffectiveQuota>,
    /// The currency of its money.
    pub currency: Currency,
    /// The figure before it first moved: zero of credits, nothing of what nobody sent.
    pub start: Option<Exact>,
    /// The figure through the end of each period in which it moved, minor units or millionths.
    pub moved: BTreeMap<Period, Option<Exact>>,
}

/// A figure beside the edges it is compared with: by products, never by a quotient (semantics 1, law 2).
#[derive(Debug, Clone)]
pub struct Place {
    figure: Exact,
    /// What a millionth of an edge is in the figure's unit.
    scale: Exact,
}

impl Reading {
    /// The figure through the end of a period, minor units or millionths.
    pub fn figure(&self, upto: Period) -> Option<&Exact> {
        self.moved.range(..=upto).next_back().map_or(self.start.as_ref(), |(_, figure)| figure.as_ref())
    }

    /// Where the figure stands; undefined without a figure, and for an attainment without a quota above zero.
    pub fn place(&self, upto: Period) -> Option<Place> {
        let quota = self.quota.as_ref().map(|quota| quota.amount);
        let scale =
            rates::scale(self.axis, quota, self.unit.decimals(self.currency), self.currency.minor_digits())?;
        Some(Place { figure: self.figure(upto)?.clone(), scale })
    }
}

impl Place {
    /// A figure, in minor units or millionths, and what a millionth of an edge is in that.
    pub fn new(figure: Exact, scale: Exact) -> Self {
        Place { figure, scale }
    }

    fn start(&self, edge: Number) -> Exact {
        self.scale.mul(&Exact::whole(edge.0))
    }

    /// Whether an edge is reached: exactly on it counts, unless it must be exceeded.
    pub fn reached(&self, edge: Number, edge_lower: bool) -> bool {
        let start = self.start(edge);
        start < self.figure || (start == self.figure && !edge_lower)
    }

    /// The last of ascending edges that is reached.
    pub fn step(&self, edges: impl Iterator<Item = (Number, bool)>) -> Option<usize> {
        edges.take_while(|(edge, edge_lower)| self.reached(*edge, *edge_lower)).count().checked_sub(1)
    }

    /// The figure in the unit of the edges, to put figures of several payees in order.
    pub fn on_axis(&self) -> Option<Exact> {
        self.figure.div(&self.scale)
    }
}

/// A percent as a part of one.
pub fn part(percent: Percent) -> Exact {
    Exact::ratio(i128::from(percent.0), i128::from(WHOLE)).unwrap_or(Exact::ZERO)
}

/// What a curve gives at a place, as a part of one: below its first point and of what is undefined nothing.
pub fn give(curve: &Curve, place: Option<&Place>) -> Exact {
    let Some(place) = place else { return Exact::ZERO };
    let points = &curve.points;
    let Some(at) = place.step(points.iter().map(|point| (point.edge, point.edge_lower))) else {
        return Exact::ZERO;
    };
    let low = part(points[at].percent);
    let (Shape::Linear, Some(next)) = (curve.shape, points.get(at + 1)) else { return low };
    let (from, to) = (place.start(points[at].edge), place.start(next.edge));
    let way = place.figure.sub(&from).mul(&part(next.percent).sub(&low));
    // Edges ascend: the way between two of them is not zero.
    low.add(&way.div(&to.sub(&from)).unwrap_or(Exact::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::plan::{Gauge, Point};

    fn curve(shape: Shape, points: &[(&str, &str)]) -> Curve {
        let point = |(edge, percent): &(&str, &str)| Point {
            edge: Number::parse(edge.trim_start_matches('>')).unwrap(),
            edge_lower: edge.starts_with('>'),
            percent: Percent::parse(percent).unwrap(),
        };
        let gauge = Gauge { of: None, axis: Axis::Attainment };
        Curve { gauge, shape, points: points.iter().map(point).collect() }
    }

    fn given(curve: &Curve, figure: i128) -> String {
        // A quota of 1,000: ten is one percent.
        let scale = rates::scale(Axis::Attainment, Some(1000), 2, 2).unwrap();
        give(curve, Some(&Place::new(Exact::whole(figure), scale))).mul(&Exact::whole(100)).text(6)
    }

    #[test]
    fn a_step_holds_from_its_edge_to_the_next() {
        let curve = curve(Shape::Step, &[("80", "50"), ("100", "100"), (">120", "150")]);
        for (figure, percent) in [
            (-1, "0"),
            (0, "0"),
            (799, "0"),
            (800, "50"),
            (999, "50"),
            (1000, "100"),
            (1200, "100"),
            (1201, "150"),
            (90_000, "150"),
        ] {
            assert_eq!(given(&curve, figure), percent, "{figure}");
        }
    }

    #[test]
    fn a_line_goes_from_point_to_point_and_stays_at_the_last() {
        let curve = curve(Shape::Linear, &[("80", "50"), ("100", "100"), ("130", "190")]);
        for (figure, percent) in [
            (799, "0"),
            (800, "50"),
            (900, "75"),
            (1000, "100"),
            (1001, "100.3"),
            (1300, "190"),
            (1301, "190"),
        ] {
            assert_eq!(given(&curve, figure), percent, "{figure}");
        }
    }

    #[test]
    fn what_is_undefined_gives_nothing() {
        assert_eq!(give(&curve(Shape::Step, &[("0", "100")]), None), Exact::ZERO);
    }
}
