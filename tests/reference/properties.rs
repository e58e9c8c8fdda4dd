//! What holds for any company.

use std::collections::BTreeMap;

use attain::calc::earn::{Detail, SegmentEarnings};
use attain::calc::explain::{Extent, explain};
use attain::calc::statement::statement;
use attain::calc::{Calculation, close, digest, posting};
use attain::domain::date::{Period, WindowKind};
use attain::domain::deal::{DealEvent, EventKind, Reversed};
use attain::domain::exact::Exact;
use attain::domain::explanation::Explanation;
use attain::domain::id::ComponentId;
use attain::domain::ledger::{Posted, Posting, PostingKind};
use attain::domain::money::Currency;
use attain::domain::plan::{Component, Gauge, MatrixPays, Modifiers, Payout, RateMode, Rates, ReversalRule};
use attain::domain::statement::Statement;

use crate::agreement::{earned, open_questions};
use crate::company::Company;
use crate::dice::Dice;
use crate::for_companies;
use crate::generate::later;

fn same<T: PartialEq + std::fmt::Debug>(what: &str, one: T, other: T) -> Result<(), String> {
    if one == other { Ok(()) } else { Err(format!("{what}: {one:?} is not {other:?}")) }
}

#[test]
fn the_order_in_which_facts_arrive_changes_nothing() {
    for_companies(300, |company, seed| {
        let told = |seed: u64| {
            let facts = company.facts(&mut Dice::new(seed));
            let calculation = Calculation::open(&facts, company.last);
            let earnings = calculation.earn_all(|| {});
            (digest(&earnings), open_questions(&calculation, &earnings))
        };
        (1..4).try_for_each(|other| same("the digest", told(seed), told(seed + other)))
    });
}

#[test]
fn any_number_of_threads_gives_one_digest() {
    let pools =
        [1, 2, 8].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for_companies(300, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        let one = digest(&pools[0].install(|| calculation.earn_all(|| {})));
        pools[1..].iter().try_for_each(|pool| {
            same("the digest", one, digest(&pool.install(|| calculation.earn_all(|| {}))))
        })
    });
}

/// Whether rates alone decide what a segment earns.
fn priced_alone(segment: &SegmentEarnings<'_>) -> bool {
    let rates = matches!(segment.component.payout, Payout::Rates(_) | Payout::Spiff(_) | Payout::Residual(_));
    rates && segment.component.modifiers == Modifiers::default() && segment.version.plan.cap.is_none()
}

#[test]
fn lines_sum_to_segments_and_segments_to_keys() {
    for_companies(1000, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        for payee in (0_u32..).take(facts.payees.len()) {
            for key in calculation.earn(payee, Detail::Lines).keys {
                // A budget of one version scales what others have made of the window too.
                let budgets = |segment: &SegmentEarnings<'_>| segment.component.modifiers.budget.is_some();
                if key.segments.iter().any(budgets) {
                    continue;
                }
                let segments = key.segments.iter().map(|segment| segment.amount).sum();
                same("earned by period", key.earned_through(company.last), segments)?;
                for segment in key.segments.iter().filter(|segment| priced_alone(segment)) {
                    let lines: i128 = segment.lines.iter().map(|line| line.amount).sum();
                    same("lines and flat amounts", lines + segment.flats(), segment.amount)?;
                    let exact = segment
                        .lines
                        .iter()
                        .fold(Exact::whole(segment.flats()), |sum, line| sum.add(&line.paid));
                    same("exactly", exact, segment.paid.clone())?;
                    let tiers = segment
                        .tiers
                        .iter()
                        .fold(Exact::whole(segment.flats()), |sum, tier| sum.add(&tier.paid));
                    if !segment.lines.iter().any(|line| line.limited) {
                        same("tiers and flat amounts", tiers, segment.paid.clone())?;
                    }
                    for line in &segment.lines {
                        let slices = line.slices.iter().fold(Exact::ZERO, |sum, slice| sum.add(&slice.paid));
                        same("slices", line.limited || slices == line.paid, true)?;
                        let off = Exact::whole(line.amount).sub(&line.paid);
                        let near = off <= Exact::whole(1) && off >= Exact::whole(-1);
                        same(
                            &format!("{:?} is within one minor unit of {:?}", line.amount, line.paid),
                            near,
                            true,
                        )?;
                    }
                }
            }
        }
        Ok(())
    });
}

fn post(posted: &mut Posted, postings: &[Posting]) {
    for posting in postings {
        *posted.entry((posting.kind, posting.key.clone(), posting.for_period)).or_default() += posting.amount;
    }
}

/// What has been posted, entries that cancel left out.
fn standing(posted: &Posted) -> Posted {
    posted
        .iter()
        .filter(|(_, amount)| **amount != 0)
        .map(|(entry, amount)| (entry.clone(), *amount))
        .collect()
}

#[test]
fn closing_month_by_month_posts_what_is_earned_and_a_second_close_nothing() {
    for_companies(400, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let mut posted = Posted::new();
        for period in company.periods() {
            let calculation = Calculation::open(&facts, period);
            let earnings = calculation.earn_all(|| {});
            if !open_questions(&calculation, &earnings).is_empty() {
                // Such a month does not close.
                return Ok(());
            }
            let postings = posting::postings(&facts, &earnings, &posted, period);
            if let Some(early) = postings.iter().find(|posting| posting.for_period != period) {
                return Err(format!("closing {period} adjusts {early:?} though nothing new is known"));
            }
            same("what a close posts", &close::close(&calculation, &posted, || {}).postings, &postings)?;
            post(&mut posted, &postings);
            same("a second close", posting::postings(&facts, &earnings, &posted, period), Vec::new())?;
            for kind in PostingKind::ALL {
                let mut sums = BTreeMap::new();
                for ((_, key, _), amount) in posted.iter().filter(|((of, ..), _)| *of == kind) {
                    *sums.entry(key.clone()).or_insert(0) += amount;
                }
                sums.retain(|_, sum| *sum != 0);
                same("posted in all", sums, earned(&earnings, period))?;
            }
        }
        Ok(())
    });
}

/// The company as it is known after a number of months: deals and events arrive late.
fn known(company: &Company, seed: u64, months: usize) -> Company {
    let mut dice = Dice::new(seed ^ 0xACCE55);
    let mut known = company.clone();
    for deal in &mut known.deals {
        deal.events.retain(|_| dice.below(6) <= months);
        for event in &mut deal.events {
            event.reverses.retain(|_| dice.below(8) <= months);
        }
    }
    known.deals.retain(|_| dice.below(5) <= months);
    known.quotas.retain(|_| dice.below(5) <= months);
    known
}

#[test]
fn late_facts_post_in_total_what_one_close_at_the_end_posts() {
    for_companies(400, |company, seed| {
        let mut late = Posted::new();
        for (months, period) in company.periods().into_iter().enumerate() {
            let now = if period == company.last { company.clone() } else { known(company, seed, months) };
            let facts = now.facts(&mut Dice::new(seed));
            let calculation = Calculation::open(&facts, period);
            let postings = close::close(&calculation, &late, || {}).postings;
            post(&mut late, &postings);
        }
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        let mut once = Posted::new();
        post(&mut once, &close::close(&calculation, &Posted::new(), || {}).postings);
        same("posted", standing(&late), standing(&once))
    });
}

/// Leaves of a company what is paid for credits alone: a cohort, a bonus and a floor may pay somebody without any.
fn on_credits(company: &Company) -> Company {
    let mut company = company.clone();
    for version in &mut company.plans {
        version.plan.components.retain(|component| match &component.payout {
            Payout::Rates(_) | Payout::Spiff(_) | Payout::Override(_) | Payout::Residual(_) => true,
            Payout::Bonus(_) => component.window == WindowKind::Deal,
            Payout::Matrix(matrix) => matches!(matrix.pays, MatrixPays::Credits(_)),
            Payout::Objectives(_) | Payout::Rank(_) | Payout::Pool(_) => false,
        });
        let kept: Vec<ComponentId> =
            version.plan.components.iter().map(|component| component.id.clone()).collect();
        for component in &mut version.plan.components {
            component.modifiers.window_floor = None;
            let there = |gauge: &Gauge| gauge.component().is_none_or(|id| kept.contains(id));
            component.modifiers.multipliers.retain(|curve| there(&curve.gauge));
            component.modifiers.gates.retain(|gate| there(&gate.gauge));
        }
        version.plan.components.retain(|component| {
            component.gauges().iter().all(|(_, gauge)| gauge.component().is_none_or(|id| kept.contains(id)))
        });
    }
    company.plans.retain(|version| !version.plan.components.is_empty());
    company
}

/// The rates of a component, if it pays by rates.
fn rates(component: &mut Component) -> Option<&mut Rates> {
    match &mut component.payout {
        Payout::Rates(rates) => Some(rates),
        Payout::Override(payout) => Some(&mut payout.rates),
        Payout::Residual(payout) => Some(&mut payout.rates),
        _ => None,
    }
}

/// The company once everything that reversals may take back has gone, and the month in which it has.
fn refunded(company: &Company) -> (Company, Period) {
    let mut company = on_credits(company);
    for component in company.plans.iter_mut().flat_map(|version| &mut version.plan.components) {
        (component.reversal, component.clawback, component.line_kept) = (ReversalRule::AtOrigin, None, false);
        if let Some(rates) = rates(component) {
            rates.line = None;
        }
    }
    let days = company.deals.iter().flat_map(|deal| &deal.events).map(|event| event.day);
    let end = days.max().map_or(company.last.last_day(), |day| later(day, 1));
    let whole =
        company.plans.iter().flat_map(|version| &version.plan.components).any(|component| {
            component.payout.rates().is_some_and(|rates| rates.mode == RateMode::WholeCredit)
        });
    for deal in &mut company.deals {
        if whole {
            // A whole credit is priced at the tier where it starts, and what is taken back at the tier where that ends:
            // taken back in parts it may leave a rest, for a part may end in another tier than the credit started in.
            let stated = |event: &DealEvent| {
                event.amount.is_some() || event.reverses.iter().any(|reversed| reversed.amount.is_some())
            };
            deal.events.retain(|event| !event.kind.is_reversal() || !stated(event));
        }
        let origins = deal.events.iter().filter(|event| !event.kind.is_reversal());
        let reverses: Vec<_> =
            origins.map(|event| Reversed { event: event.id.clone(), amount: None }).collect();
        if !reverses.is_empty() {
            deal.events.push(DealEvent {
                id: "refund-of-all".parse().unwrap(),
                kind: EventKind::Refunded,
                day: end,
                amount: None,
                cost: None,
                quantity: None,
                reverses,
                source_version: None,
            });
        }
    }
    (company, end.period())
}

#[test]
fn a_refund_of_everything_at_its_origin_leaves_nothing() {
    for_companies(1000, |company, seed| {
        let (company, end) = refunded(company);
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, end);
        let earnings = calculation.earn_all(|| {});
        if !open_questions(&calculation, &earnings).is_empty() {
            return Ok(());
        }
        same("earned", earned(&earnings, end), BTreeMap::new())?;
        for segment in earnings.iter().flat_map(|payee| &payee.keys).flat_map(|key| &key.segments) {
            same("credited", &segment.credited, &Exact::ZERO)?;
        }
        Ok(())
    });
}

#[test]
fn a_statement_is_the_same_from_a_calculation_of_its_payee_alone() {
    for_companies(400, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let whole = Calculation::open(&facts, company.last);
        for payee in (0_u32..).take(facts.payees.len()) {
            let alone = Calculation::open_for(&facts, company.last, &[payee]);
            let told = |calculation: &Calculation<'_>| {
                let told = statement(calculation, &calculation.earn(payee, Detail::Lines), None);
                Statement { problems: Vec::new(), ..told }
            };
            same("the statement", told(&alone), told(&whole))?;
        }
        Ok(())
    });
}

/// What the children of a node whose names begin with `name` come to, and what the node itself says.
fn children_of(explanation: &Explanation, currency: Currency, name: &str) -> (i64, i64) {
    let amount = |node: &Explanation| currency.parse_amount(node.value.as_deref().unwrap()).unwrap();
    let here = |node: &&Explanation| node.path.rsplit('/').next().unwrap().starts_with(name);
    (explanation.children.iter().filter(here).map(amount).sum(), amount(explanation))
}

#[test]
fn an_explanation_adds_up_from_the_credits_to_what_is_earned() {
    for_companies(300, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        for payee in (0_u32..).take(facts.payees.len()) {
            let earnings = calculation.earn(payee, Detail::Lines);
            let root =
                explain(&calculation, &earnings, "", Extent { depth: 9, skip: 0, size: 1000 }).unwrap();
            let others = earnings.keys.iter().map(|key| facts.plan_currency(&key.key.plan));
            let paid_in = facts.paid_in(payee, company.last.last_day());
            // Of several currencies the whole is a text of its own.
            if others.clone().all(|other| other == paid_in) {
                let (keys, whole) = children_of(&root, paid_in, "");
                same("keys", keys, whole)?;
            }
            for ((key, figures), currency) in root.children.iter().zip(&earnings.keys).zip(others) {
                let (segments, earned) = children_of(key, currency, "from-");
                same("segments", segments, earned)?;
                same("months", children_of(key, currency, "earned-in-").0, earned)?;
                let parts = key.children.iter().filter(|node| node.title.starts_with("terms of"));
                let parts = parts.zip(&figures.segments).filter(|(_, figures)| priced_alone(figures));
                for (segment, figures) in parts {
                    let credits =
                        segment.children.iter().find(|node| node.path.ends_with("/credits")).unwrap();
                    let lines = credits.children.iter().map(|node| node.value.clone().unwrap());
                    let lines: i64 = lines.map(|line| currency.parse_amount(&line).unwrap()).sum();
                    let amount = currency.parse_amount(segment.value.as_deref().unwrap()).unwrap();
                    same(
                        "credits and flat amounts",
                        i128::from(lines) + figures.flats(),
                        i128::from(amount),
                    )?;
                    let again = explain(
                        &calculation,
                        &earnings,
                        &segment.path,
                        Extent { depth: 9, skip: 0, size: 1000 },
                    );
                    same("addressed", again.as_ref(), Some(segment))?;
                }
            }
        }
        Ok(())
    });
}
