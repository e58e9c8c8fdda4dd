//! The calculation agrees with the plain reading: keys, earned per period, segments, attainments, open questions.

use std::collections::BTreeMap;

use attain::calc::Calculation;
use attain::calc::attainment::attainment;
use attain::calc::earn::{PayeeEarnings, SegmentEarnings};
use attain::domain::date::{Day, Period, WindowKind};
use attain::domain::exact::Exact;
use attain::domain::ledger::Key;

use crate::dice::Dice;
use crate::for_companies;
use crate::fractions::Q;
use crate::generate::later;
use crate::pay::{self, Figures, Segment};

#[test]
fn the_calculation_agrees_with_the_plain_reading() {
    for_companies(2000, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let last = Calculation::open(&facts, company.last);
        let all = last.earn_all(|| {});
        let closed = open_questions(&last, &all).is_empty();
        for through in company.periods() {
            let plain = pay::figures(company, through);
            let calculation = Calculation::open(&facts, through);
            let earnings = calculation.earn_all(|| {});
            compare(&plain, &calculation, &earnings, through)?;
            let unlike = differences(&plain.earned, &earned(&all, through));
            if closed && !unlike.is_empty() {
                return Err(format!("through {through} as of {}: {unlike}", company.last));
            }
        }
        Ok(())
    });
}

#[test]
fn attainments_agree_with_the_plain_reading() {
    for_companies(300, |company, seed| {
        let facts = company.facts(&mut Dice::new(seed));
        let calculation = Calculation::open(&facts, company.last);
        let mut dice = Dice::new(seed);
        let period = dice.pick(&company.periods());
        let on = dice.pick(&[later(period.start(), 14), period.last_day()]);
        if calculation.problems().next().is_some() {
            return Ok(());
        }
        for (index, payee) in (0..).zip(facts.payees.iter()) {
            for measure in &company.measures {
                for kind in WindowKind::ALL.into_iter().filter(|kind| *kind != WindowKind::Deal) {
                    let window = company.calendar.window(kind, period);
                    let plain = pay::attainment(company, &payee.id, &measure.id, window, on);
                    let told =
                        attainment(&calculation, index, &measure.id, window, on).ok().map(Option::unwrap);
                    let told = told.map(|told| (told.credited.as_ref().map(text), told.quota));
                    let plain = plain.map(|(credited, quota)| (credited.as_ref().map(written), quota));
                    if plain != told {
                        return Err(format!(
                            "{} {} {window:?} on {on}: plain {plain:?}, told {told:?}",
                            payee.id, measure.id
                        ));
                    }
                }
            }
        }
        Ok(())
    });
}

pub fn open_questions(calculation: &Calculation, earnings: &[PayeeEarnings]) -> Vec<String> {
    let of_payees = earnings.iter().flat_map(|payee| &payee.problems);
    calculation.problems().chain(of_payees).map(ToString::to_string).collect()
}

/// What each key has earned up to a period, but for those that have earned nothing.
pub fn earned(earnings: &[PayeeEarnings], through: Period) -> BTreeMap<Key, i128> {
    let keys = earnings.iter().flat_map(|payee| &payee.keys);
    let mut earned: BTreeMap<Key, i128> =
        keys.map(|key| (key.key.clone(), key.earned_through(through))).collect();
    earned.retain(|_, earned| *earned != 0);
    earned
}

fn compare(
    plain: &Figures,
    calculation: &Calculation,
    earnings: &[PayeeEarnings],
    through: Period,
) -> Result<(), String> {
    let open = open_questions(calculation, earnings);
    if plain.problems.is_empty() != open.is_empty() {
        return Err(format!("through {through} plain leaves open {:?}, told {open:?}", plain.problems));
    }
    if !open.is_empty() {
        return Ok(());
    }
    let unlike = differences(&plain.earned, &earned(earnings, through));
    if !unlike.is_empty() {
        return Err(format!("through {through}: {unlike}"));
    }
    let told = segments(earnings);
    for (place, segment) in &plain.segments {
        let expected = shown(segment);
        let Some(told) = told.get(place) else {
            return Err(format!("through {through} no segment {place:?}"));
        };
        // Where the deal decides, the line is nobody's business.
        let same = (&expected.0, &expected.2) == (&told.0, &told.2)
            && (segment.line.is_none() || expected.1 == told.1);
        if !same {
            return Err(format!("through {through} segment {place:?}: plain {expected:?}, told {told:?}"));
        }
    }
    let nothing = |place: &&(Key, Day)| !plain.segments.contains_key(place) && told[place].0 != "0/1";
    match told.keys().find(nothing) {
        Some(place) => Err(format!("through {through} segment {place:?} is told {:?}", told[place])),
        None => Ok(()),
    }
}

type Shown = (String, String, Option<i128>);

fn shown(segment: &Segment) -> Shown {
    (written(&segment.credited), segment.line.as_ref().map(written).unwrap_or_default(), segment.quota)
}

/// Credited, where the line is and the quota of every segment told, but for single deals.
fn segments(earnings: &[PayeeEarnings]) -> BTreeMap<(Key, Day), Shown> {
    let mut segments = BTreeMap::new();
    for key in earnings.iter().flat_map(|payee| &payee.keys) {
        let accumulates = |segment: &&SegmentEarnings<'_>| {
            key.key.window.kind() != WindowKind::Deal && segment.rates.is_some()
        };
        for segment in key.segments.iter().filter(accumulates) {
            let quota = segment.quota.as_ref().map(|quota| quota.amount);
            let figures = (text(&segment.credited), text(&segment.position), quota);
            segments.insert((key.key.clone(), segment.from), figures);
        }
    }
    segments
}

fn text(exact: &Exact) -> String {
    exact.lowest_terms()
}

fn written(value: &Q) -> String {
    format!("{}/{}", value.numer(), value.denom())
}

fn differences(plain: &BTreeMap<Key, i128>, told: &BTreeMap<Key, i128>) -> String {
    let keys = plain.keys().chain(told.keys().filter(|key| !plain.contains_key(*key)));
    let unlike = keys.filter(|key| plain.get(*key) != told.get(*key));
    unlike.map(|key| format!("{key:?}: plain {:?}, told {:?}; ", plain.get(key), told.get(key))).collect()
}
