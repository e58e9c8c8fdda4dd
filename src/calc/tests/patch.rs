//! Facts that are carried on say the same as facts built anew.

use std::collections::BTreeMap;

use std::borrow::Cow;

use super::*;
use crate::domain::condition::Field;
use crate::domain::id::DealId;

/// Deals as they are told, with their owners and the role of their splits.
type Told = BTreeMap<String, (Deal, &'static str, &'static str)>;

const PEOPLE: [(&str, Option<&str>, &str); 4] = [
    ("ann", Some("max"), "rep"),
    ("bob", Some("max"), "rep"),
    ("max", Some("dora"), "manager"),
    ("dora", None, "manager"),
];

/// The company of the other properties, `extra` people who came later, and `bob` moved with other quotas.
fn terms(as_of: i64, extra: bool, moved: bool) -> FactsBuilder {
    let mut people: Vec<_> = PEOPLE.to_vec();
    if extra {
        // Before, between and after those who are there.
        people.extend([("abe", Some("dora"), "rep"), ("carl", Some("bob"), "rep"), ("zoe", None, "manager")]);
    }
    if moved {
        people[1].1 = Some("dora");
    }
    let payee = |(id, manager, plan): &(&str, Option<&str>, &str)| Payee {
        id: id.parse().unwrap(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: vec![Assignment {
            from: day("2026-01-01"),
            to: None,
            title: None,
            manager: manager.map(|id| id.parse().unwrap()),
            territory: None,
            plan: Some(plan.parse().unwrap()),
            target_incentive: None,
            currency: calendar().currency,
        }],
        source_version: None,
    };
    let mut builder = FactsBuilder::new(as_of, calendar(), people.iter().map(payee).collect()).unwrap();
    for (id, credit) in [("own", CreditKind::Direct), ("team", CreditKind::RolledUp)] {
        builder.measure(Measure {
            id: id.parse().unwrap(),
            name: id.into(),
            source: Source::Credits(Selection {
                event: EventKind::Booked,
                credit,
                levels: 0,
                roles: if id == "own" { vec!["AE".parse().unwrap()] } else { Vec::new() },
                value: MeasureValue::Amount,
                condition: None,
                expression: None,
            }),
            step: None,
        });
    }
    builder.plan(plan("rep", "own", WindowKind::Quarter, ReversalRule::OwnDate));
    builder.plan(plan("manager", "team", WindowKind::Year, ReversalRule::AtOrigin));
    for (payee, measure) in [("ann", "own"), ("bob", "own"), ("max", "team")] {
        let window = calendar().parse_window("FY2026-Q1").unwrap();
        let key = QuotaKey { payee: payee.parse().unwrap(), measure: measure.parse().unwrap(), window };
        let amount = if moved { 20_000_000 } else { 10_000_000 };
        builder.quota(Quota::stated(key, calendar().currency, Amount::Money(amount))).unwrap();
    }
    builder
}

fn tell(builder: &mut FactsBuilder, (deal, owner, role): &(Deal, &str, &str)) {
    let splits = deal.splits.iter().map(|(payee, part)| (*payee, role.parse().unwrap(), Percent(*part)));
    let worth = Worth { amount: Some(7), ..Worth::default() };
    let handle = builder.deal(&deal.id, owner, calendar().currency, worth, splits).unwrap();
    let outcome = if deal.splits.len() == 1 { "LOST" } else { "OPEN" };
    let stands = |field: &Field| match field {
        Field::DealOutcome => Some(Cow::from(outcome)),
        Field::DealStage => Some(Cow::from(*role)),
        Field::DealCustomer => Some(Cow::from(*owner)),
        Field::DealProbability => Some(Cow::from("12.5")),
        Field::DealClosed => Some(Cow::from("2026-03-31")),
        _ => None,
    };
    builder.describe(handle, stands).unwrap();
    for (id, kind, day, amount, reverses) in &deal.events {
        let worth = Worth { amount: *amount, ..Worth::default() };
        builder.event(handle, id, *kind, *day, worth, reverses.iter().map(|id| (*id, None))).unwrap();
    }
}

fn anew(mut builder: FactsBuilder, deals: &Told) -> Facts {
    for deal in deals.values() {
        tell(&mut builder, deal);
    }
    builder.build().unwrap()
}

/// Everything that facts say of deals, in their order.
fn said(facts: &Facts) -> Vec<String> {
    let place = |event: &u32| {
        format!("{} {}", facts.deal_id(facts.events[*event as usize].deal), facts.event_id(*event))
    };
    let events = (0_u32..).zip(&facts.events).map(|(index, event)| {
        let shares = facts.shares_of(index).map(|share| {
            let role = share.role.map(|role| facts.roles[usize::from(role)].as_str());
            format!("{} {role:?} {}", facts.payee_id(share.payee), share.percent)
        });
        let reversed: Vec<_> = facts.reversed(event).collect();
        let owner = facts.payee_id(facts.owner(event.deal));
        let shares: Vec<_> = shares.collect();
        let (worth, kind) = (event.worth, event.kind);
        format!(
            "{} {} {owner} {shares:?} {kind:?} {worth:?} {reversed:?} {:?}",
            event.day,
            place(&index),
            facts.worth(event.deal)
        )
    });
    let payees = (0_u32..).zip(facts.payees.iter()).map(|(index, payee)| {
        let credited: Vec<_> = facts.events_of(index).iter().map(place).collect();
        let stands = |deal: u32| {
            let stage = facts.detail(deal, &Field::DealStage);
            let days = (facts.opened(deal), facts.closed(deal));
            format!("{} {:?} {stage:?} {days:?}", facts.deal_id(deal), facts.outcome(deal))
        };
        let owned: Vec<_> = facts.owned(index).iter().map(|deal| stands(*deal)).collect();
        let open = facts.open_credits(index).iter().map(|open| {
            let role = open.share.role.map(|role| facts.roles[usize::from(role)].as_str());
            let chance = facts.probability(open.deal);
            format!("{} {role:?} {} {chance:?}", stands(open.deal), open.share.percent)
        });
        let open: Vec<_> = open.collect();
        format!(
            "{} {:?} {:?} {credited:?} {owned:?} {open:?}",
            payee.id,
            facts.reports(index),
            facts.above(index, day("2026-06-01"))
        )
    });
    let newcomers: Vec<_> = facts.first_bookings().iter().map(place).collect();
    let newcomers = std::iter::once(format!("first bookings {newcomers:?}"));
    let events: Vec<_> = events.chain(payees).chain(newcomers).collect();
    [vec![format!("as of {} deals {}", facts.as_of, facts.deal_count())], events].concat()
}

/// One step of a sequence: these deals are told anew, with events or without any yet, or gone; and somebody comes or
/// moves.
#[derive(Debug, Clone)]
struct Step {
    deals: Vec<(usize, Option<Deal>, &'static str, &'static str)>,
    terms: Option<bool>,
}

fn any_step() -> impl Strategy<Value = Step> {
    let owner = prop_oneof![Just("ann"), Just("bob"), Just("max")];
    let role = prop_oneof![Just("AE"), Just("SE"), Just("OVERLAY"), Just("AA")];
    let deal = (any_deal(), prop::bool::weighted(0.7)).prop_map(|(mut deal, happened)| {
        deal.events.retain(|_| happened);
        deal
    });
    let deal = (0_usize..12, prop::option::weighted(0.8, deal), owner, role);
    let terms = prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)];
    (prop::collection::vec(deal, 0..5), terms).prop_map(|(deals, terms)| Step { deals, terms })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn facts_that_are_carried_on_say_the_same_as_facts_built_anew(
        steps in prop::collection::vec(any_step(), 1..8)
    ) {
        let (mut deals, mut extra, mut moved) = (Told::new(), false, false);
        let mut facts = anew(terms(0, extra, moved), &deals);
        for (number, step) in (1_i64..).zip(steps) {
            let mut changed = Vec::new();
            for (place, deal, owner, role) in step.deals {
                let id = format!("D{place}");
                changed.push(id.parse::<DealId>().unwrap());
                match deal {
                    Some(deal) => deals.insert(id.clone(), (Deal { id, ..deal }, owner, role)),
                    None => deals.remove(&id),
                };
            }
            changed.sort();
            changed.dedup();
            if let Some(comes) = step.terms {
                (extra, moved) = (extra || comes, !moved);
                prop_assert!(facts.renew(terms(number, extra, moved).build().unwrap()));
            }
            let mut told = FactsBuilder::beside(&facts, number);
            for id in &changed {
                if let Some(deal) = deals.get(id.as_str()) {
                    tell(&mut told, deal);
                }
            }
            facts.replace(&changed, told).unwrap();
            let expected = anew(terms(number, extra, moved), &deals);
            prop_assert_eq!(said(&facts), said(&expected));
            let result = |facts: &Facts| digest(&Calculation::open(facts, period("2026-12")).earn_all(|| {}));
            prop_assert_eq!(result(&facts), result(&expected));
        }
    }
}

#[test]
fn nobody_who_is_gone_is_carried_on() {
    let mut facts = anew(terms(1, true, false), &Told::new());
    let before = said(&facts);
    assert!(!facts.renew(terms(2, false, false).build().unwrap()));
    assert_eq!(said(&facts), before);
}

#[test]
fn facts_are_worn_once_much_was_replaced_and_not_before() {
    let mut facts = anew(terms(1, false, false), &Told::new());
    let deal = (booked("D", "2026-01-05", 100), "ann", "AE");
    for number in 0..1001 {
        assert!(!facts.is_worn(), "after {number}");
        let mut told = FactsBuilder::beside(&facts, number);
        tell(&mut told, &deal);
        facts.replace(&[], told).unwrap();
    }
    assert!(facts.is_worn());
    assert_eq!(facts.deal_count(), 1);
}
