//! The company paid by five components with conditions.

use attain::domain::condition::{Formula, Root};
use attain::domain::measure::{MeasureValue, Source};
use attain::domain::number::{Number, Percent};
use attain::domain::plan::{
    Axis, Bonus, Component, Curve, Due, Gate, Gauge, Payout, Point, Rates, Shape, Source as Reads, Spiff,
    Target,
};

use crate::company::{Company, company};

/// The same, paid by five components with conditions: the commission under a multiplier, a rate on one product, an
/// amount for each large deal, a bonus by a curve, and a rate on another product behind a gate.
pub fn of_five() -> Company {
    let mut company = company();
    for base in ["own", "team"] {
        let on = |name: &str, value, text: &str| {
            let mut measure = company.measures[usize::from(base == "team")].clone();
            measure.id = format!("{base}-{name}").parse().unwrap();
            let Source::Credits(selection) = &mut measure.source else { unreachable!() };
            selection.value = value;
            selection.condition = Some(Formula::condition(text, &Root::ALL).unwrap());
            measure
        };
        company.measures.extend([
            on("p1", MeasureValue::Amount, "deal.product == \"P1\""),
            on("large", MeasureValue::Count, "event.amount >= 4000.00 && deal.product != \"P0\""),
            on("p2", MeasureValue::Amount, "deal.product in [\"P2\", \"P3\"] && event.amount < 2500"),
        ]);
    }
    for version in &mut company.plans {
        let base = if version.plan.id.as_str() == "rep" { "own" } else { "team" };
        version.plan.components = five(version.plan.components.remove(0), base);
    }
    company
}

fn five(mut commission: Component, base: &str) -> Vec<Component> {
    let measure = |name: &str| format!("{base}-{name}").parse().unwrap();
    let gauge = Gauge {
        of: Some(Reads::Measure { measure: base.parse().unwrap(), window: None }),
        axis: Axis::Attainment,
    };
    let point = |(edge, percent): (&str, &str)| Point {
        edge: Number::parse(edge).unwrap(),
        edge_lower: false,
        percent: Percent::parse(percent).unwrap(),
    };
    let curve = |shape, points: [(&str, &str); 3]| Curve {
        gauge: gauge.clone(),
        shape,
        points: points.map(point).to_vec(),
    };
    let paid_by = |id: &str, payout| Component { id: id.parse().unwrap(), payout, ..commission.clone() };
    let Payout::Rates(rates) = &commission.payout else { unreachable!() };
    let on =
        |name: &str| Payout::Rates(Rates { measure: measure(name), axis: Axis::Amount, ..rates.clone() });
    let spiff = Spiff {
        measure: measure("large"),
        amount: Number::parse("25").unwrap(),
        first: None,
        from: None,
        to: None,
    };
    let bonus = Bonus {
        target: Target::Amount(300_000),
        curve: curve(Shape::Linear, [("50", "0"), ("100", "100"), ("150", "200")]),
        due: Due::Progressive,
    };
    let mut gated = paid_by("second", on("p2"));
    gated.modifiers.gates = vec![Gate {
        gauge: gauge.clone(),
        edge: Number::parse("80").unwrap(),
        edge_lower: false,
        limit_percent: None,
    }];
    let rest = [
        paid_by("first", on("p1")),
        paid_by("spiff", Payout::Spiff(spiff)),
        paid_by("bonus", Payout::Bonus(bonus)),
        gated,
    ];
    commission.modifiers.multipliers = vec![curve(Shape::Step, [("0", "90"), ("80", "100"), ("120", "110")])];
    std::iter::once(commission).chain(rest).collect()
}
