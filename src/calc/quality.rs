//! How good proposed quotas would be. Figures of all together, each with the formula it was computed by, and warnings of
//! single payees. They are about those without reports: whoever has reports has the sum. What is comparable is what was
//! done in the span of the history, taken evenly over as many months as the window has. What covers them is what open deals
//! are expected to bring to the window, as the forecast knows it on the day before.

use crate::domain::date::WindowKind;
use crate::domain::exact::Exact;
use crate::domain::facts::Facts;
use crate::domain::id::MeasureId;
use crate::domain::proposal::{Figure, Terms};
use crate::domain::quality::{Assessment, Concern, Lack, Quality, QualityKind};

use super::pipeline::{Outlook, outlook};
use super::{Calculation, segment};

/// Judges figures, which stand by payee.
pub fn assess(facts: &Facts, terms: &Terms, figures: &[Figure]) -> Assessment {
    let alone: Vec<&Figure> = figures.iter().filter(|figure| !figure.made.team).collect();
    let concerns = figures.iter().flat_map(|figure| concerns(facts, terms, figure)).collect();
    let mut qualities = qualities(terms, &alone);
    qualities.extend(coverage(facts, terms, &alone));
    Assessment { qualities, concerns }
}

fn whole(count: usize) -> Exact {
    Exact::whole(i128::try_from(count).unwrap_or(i128::MAX))
}

/// So many percent of another figure; `None` of zero.
fn percent(part: &Exact, of: &Exact) -> Option<Exact> {
    part.mul(&Exact::whole(100)).div(of)
}

fn comparable(terms: &Terms, figure: &Figure) -> Exact {
    terms.history.comparable(&Exact::whole(figure.made.history.into()), terms.window)
}

/// By how many percent a figure is above another.
fn stretch(figure: &Exact, done: &Exact) -> Option<Exact> {
    percent(&figure.sub(done), done)
}

fn qualities(terms: &Terms, alone: &[&Figure]) -> Vec<Quality> {
    let span = &terms.history;
    let months = (terms.window.kind().months(), span.months());
    let comparable_text = format!("history {} to {} x {} / {}", span.first, span.last, months.0, months.1);
    let tested: Vec<(Exact, Exact)> = alone
        .iter()
        .filter(|figure| figure.made.history > 0)
        .map(|figure| (Exact::whole(figure.amount.into()), comparable(terms, figure)))
        .collect();
    let reached = tested.iter().filter(|(amount, done)| done >= amount).count();
    let sum =
        |of: &dyn Fn(&(Exact, Exact)) -> Exact| tested.iter().fold(Exact::ZERO, |sum, one| sum.add(&of(one)));
    let (amounts, done) = (sum(&|one| one.0.clone()), sum(&|one| one.1.clone()));
    let mut stretches: Vec<Exact> =
        tested.iter().filter_map(|(amount, done)| stretch(amount, done)).collect();
    stretches.sort();
    let count = tested.len();
    // The k-th of n in order, counted from 1; of n none there is none.
    let ranked = |rank: usize| rank.checked_sub(1).and_then(|place| stretches.get(place)).cloned();
    let (low, high) = (ranked(count.div_ceil(4)), ranked((3 * count).div_ceil(4)));
    let (under, over) = (ranked(count.div_ceil(2)), ranked(count / 2 + 1));
    let text = |figure: &Option<Exact>| figure.as_ref().map_or_else(|| "none".to_string(), |f| f.text(6));
    let money = |figure: &Exact| figure.mul(&Exact::scaled(1, terms.decimals())).text(6);
    let half = Exact::ratio(1, 2).unwrap_or(Exact::ZERO);
    vec![
        Quality {
            kind: QualityKind::ExpectedToReach,
            value: percent(&whole(reached), &whole(count)),
            formula: format!("{reached} of {count} payees, whose {comparable_text} is at least the figure"),
        },
        Quality {
            kind: QualityKind::Stretch,
            value: stretch(&amounts, &done),
            formula: format!(
                "({} of figures / {} of {comparable_text} - 1) x 100",
                money(&amounts),
                money(&done)
            ),
        },
        Quality {
            kind: QualityKind::MedianStretch,
            value: under.as_ref().zip(over.as_ref()).map(|(under, over)| under.add(over).mul(&half)),
            formula: match count % 2 {
                0 => format!(
                    "mean of places {} and {} of {count} payees in order of (figure / comparable - 1) x 100: {} and {}",
                    count / 2,
                    count / 2 + 1,
                    text(&under),
                    text(&over)
                ),
                _ => format!(
                    "place {} of {count} payees in order of (figure / comparable - 1) x 100",
                    count.div_ceil(2)
                ),
            },
        },
        Quality {
            kind: QualityKind::Dispersion,
            value: low.as_ref().zip(high.as_ref()).map(|(low, high)| high.sub(low)),
            formula: format!(
                "place {} less place {} of {count} payees in order of (figure / comparable - 1) x 100: {} less {}",
                (3 * count).div_ceil(4),
                count.div_ceil(4),
                text(&high),
                text(&low)
            ),
        },
        Quality {
            kind: QualityKind::Tested,
            value: percent(&whole(count), &whole(alone.len())),
            formula: format!(
                "{count} of {} payees have a history {} to {}",
                alone.len(),
                span.first,
                span.last
            ),
        },
    ]
}

/// How far open deals that are expected to close in the window cover the figures, with and without their probabilities.
fn coverage(facts: &Facts, terms: &Terms, alone: &[&Figure]) -> [Quality; 2] {
    let (window, measure) = (terms.window, terms.measure_of(false));
    let calculation = Calculation::open_to_look(facts, window.first(), Some(&[]));
    let (eve, currency) =
        (window.first().plus(-1).last_day(), terms.currency.unwrap_or(facts.calendar.currency));
    let payees = alone.iter().filter_map(|figure| facts.payee(&figure.payee));
    let outlooks = payees.map(|payee| outlook(&calculation, payee, measure, window, eve, currency, |_| true));
    let all = outlooks.reduce(|all, other| {
        let (mut all, other) = (all?, other?);
        all.join(&other);
        Some(all)
    });
    let figures = alone.iter().fold(Exact::ZERO, |sum, figure| sum.add(&Exact::whole(figure.amount.into())));
    let money = |figure: &Exact| figure.mul(&Exact::scaled(1, terms.decimals())).text(6);
    let told = |kind, brought: &dyn Fn(&Outlook) -> Exact, weighed: &str| match all
        .as_ref()
        .and_then(Option::as_ref)
    {
        None => {
            Quality { kind, value: None, formula: format!("{measure} cannot be told before the booking") }
        }
        Some(outlook) => Quality {
            kind,
            value: percent(&brought(outlook), &figures),
            formula: format!(
                "{} of open deals expected to close in {}{weighed} / {} of figures x 100",
                money(&brought(outlook)),
                facts.calendar.window_text(window),
                money(&figures)
            ),
        },
    };
    [
        told(QualityKind::PipelineCoverage, &Outlook::unweighted, ""),
        told(QualityKind::WeightedPipelineCoverage, &Outlook::weighted, ", each x its probability"),
    ]
}

fn concerns(facts: &Facts, terms: &Terms, figure: &Figure) -> Vec<Concern> {
    let mut concerns = Vec::new();
    // An envelope that becomes no quota.
    if figure.made.team && terms.team_measure.is_none() {
        return concerns;
    }
    let mut note = |lack, message| {
        concerns.push(Concern { payee: figure.payee.clone(), lack, message });
    };
    let (window, measure) = (terms.window, terms.measure_of(figure.made.team));
    if let Some(payee) = facts.payee(&figure.payee) {
        if !counts(facts, payee, measure, terms) {
            let (day, window) = (window.start(), facts.calendar.window_text(window));
            let message =
                format!("no component of the plan on {day} counts {measure} in windows like {window}");
            note(Lack::Measure, message);
        }
        let spans = segment::spans(facts, payee);
        let days: i64 =
            spans.iter().filter_map(|span| span.within(window)).map(|(from, to)| to.days_since(from)).sum();
        if days < window.days() {
            note(Lack::Span, format!("assigned on {days} of the window's {} days", window.days()));
        }
    }
    if figure.amount == 0 {
        note(Lack::Goal, "the figure is zero: attainment is undefined".to_string());
    }
    if figure.made.team {
        return concerns;
    }
    let (amount, done) = (Exact::whole(figure.amount.into()), comparable(terms, figure));
    let told = |figure: &Exact| figure.mul(&Exact::scaled(1, terms.decimals())).text(6);
    if done <= Exact::ZERO {
        let message = format!("nothing done from {} to {}", terms.history.first, terms.history.last);
        note(Lack::Test, message);
    } else if amount > done.add(&done) {
        note(Lack::Reach, format!("{} is more than twice the comparable {}", told(&amount), told(&done)));
    }
    concerns
}

/// Whether a component of the plan in force on the window's first day counts a measure over the window; a year's quota is
/// for the windows in it too.
fn counts(facts: &Facts, payee: u32, measure: &MeasureId, terms: &Terms) -> bool {
    let spans = segment::spans(facts, payee);
    let version = segment::on(&spans, terms.window.start()).and_then(|span| span.version);
    let components = version.into_iter().flat_map(|version| &version.plan.components);
    let kind = terms.window.kind();
    let mut fitting = components.filter(|component| kind == WindowKind::Year || component.window == kind);
    fitting.any(|component| component.measures().iter().any(|(_, counted)| *counted == measure))
}
