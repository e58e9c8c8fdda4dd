//! What the nodes of a derivation say of themselves, with their figures put in.

use crate::domain::exact::Exact;
use crate::domain::measure::Unit;
use crate::domain::proposal::{Bound, Figure, Way};
use crate::domain::quota::Proration;

use super::{Basis, Derived, Goal, Node, Tree, Version, Window, ramp_percent, statement, weight};

/// Title, value, formula and inputs.
type Words = (String, Option<String>, Option<String>, Vec<String>);

fn percent(part: &Exact) -> String {
    statement::percent_text(&part.mul(&Exact::whole(100)))
}

impl<'f> Tree<'f, '_> {
    fn shown(&self, unit: Unit, figure: i128) -> String {
        statement::figure(self.currency, unit, &Exact::whole(figure))
    }

    pub(super) fn words(&self, node: &Node<'f>) -> Words {
        match node {
            Node::Quota(quota, _) => self.quota_words(quota),
            Node::Report(subject) => {
                (format!("quota of {}", self.facts.payee_id(subject.payee)), None, None, Vec::new())
            }
            Node::Goal(quota) => self.goal_words(quota),
            Node::Year(quota) => self.year_words(quota),
            Node::Season(quota, month) => {
                let weights = quota.basis.as_ref().and_then(|basis| basis.weights);
                let weight = percent(&weight(&self.facts.calendar, weights, *month));
                let how = if weights.is_some() { "stated with the quota" } else { "100 / 12" };
                (
                    format!("weight of {month} in the year, percent"),
                    Some(weight),
                    Some(how.into()),
                    Vec::new(),
                )
            }
            Node::Part(quota, part) => self.part_words(quota, *part),
            Node::Ramp(quota, part) => {
                let ramp = quota.parts.get(*part).map(|(_, figures)| percent(&figures.ramp));
                let how = "mean of the months with a day, weighted by season";
                ("ramp in percent of the goal".into(), ramp, Some(how.into()), Vec::new())
            }
            Node::RampMonth(quota, month) => {
                let ramp = quota.basis.as_ref().and_then(|basis| basis.quota.ramp.as_ref());
                let service = ramp.map(|ramp| month.months_since(ramp.start).saturating_add(1));
                let how = match service.filter(|service| *service > 0) {
                    Some(service) => format!("month {service} of service"),
                    None => "before the ramp begins".into(),
                };
                let value = ramp.map(|ramp| percent(&ramp_percent(ramp, *month)));
                (format!("ramp in {month}, percent"), value, Some(how), Vec::new())
            }
            Node::Proration(quota, part) => {
                let Some((_, figures)) = quota.parts.get(*part) else { return Default::default() };
                let how = match figures.by {
                    Proration::Days => format!("{} of {} days", figures.days, figures.window_days),
                    Proration::Seasonal => "days held of each month's, weighted by season".into(),
                    Proration::Months => "months whose first day is held, of the window's".into(),
                    Proration::None => "the whole".into(),
                };
                (
                    "part of the window, percent".into(),
                    Some(percent(&figures.proration)),
                    Some(how),
                    Vec::new(),
                )
            }
            Node::Relief(quota, place) => {
                let relief =
                    quota.basis.as_ref().and_then(|basis| Some((basis, basis.quota.reliefs.get(*place)?)));
                let Some((basis, relief)) = relief else { return Default::default() };
                let told = quota.quotas.told(basis.quota, relief.amount).ok();
                let value = told.map(|told| self.shown(quota.unit, told));
                (format!("relief of {}", relief.day), value, None, Vec::new())
            }
            Node::Versions => {
                let key = self.versions.map(|(key, _)| key);
                let name = key.map_or_else(String::new, |key| {
                    format!("{}/{}/{}", key.payee, key.measure, self.facts.calendar.window_text(key.window))
                });
                (format!("versions of quota {name}"), None, None, vec![format!("quota:{name}")])
            }
            Node::Version(place) => {
                let Some(Version { change, kind, proposal, .. }) = self.version(*place) else {
                    return Default::default();
                };
                let what = match (kind, proposal) {
                    (Some(kind), _) => format!("adjusted, {}", kind.name()),
                    (None, Some(proposal)) => format!("published from proposal {proposal}"),
                    (None, None) => "set".to_string(),
                };
                (format!("{what} by change {change}"), None, None, vec![format!("change:{change}")])
            }
            Node::Given(version, place) => self.given_words(*version, *place),
        }
    }

    /// A figure of a proposal: what was given down, and by what.
    fn given_words(&self, version: usize, place: usize) -> Words {
        let found = self.version(version).and_then(|version| {
            let (terms, line) = version.given.as_ref()?;
            Some((version.proposal.as_ref()?, terms, line.get(place)?))
        });
        let Some((proposal, terms, figure)) = found else { return Default::default() };
        let Figure { payee, manager, amount, made, .. } = figure;
        let mut formula = match (&terms.way, manager) {
            (Way::Allocate(_), None) => "the goal".to_string(),
            (Way::Allocate(_), Some(manager)) => {
                let weight = made.weight.as_deref().unwrap_or_default();
                let over = terms.over(figure.level);
                let over = if over.0 == 0 { String::new() } else { format!(" and {over} percent more") };
                format!("weight {weight} among those who share what {manager} has{over}")
            }
            (Way::Project(_), _) if made.team => "sum of those who report to it".to_string(),
            (Way::Project(_), _) => "from its own history, or as given".to_string(),
        };
        match made.bound {
            Some(Bound::Floor) => formula = format!("{formula}, not below {}", terms.text(made.floor.into())),
            Some(Bound::Ceiling) => {
                let most =
                    made.ceiling.map_or_else(String::new, |most| format!(" {}", terms.text(most.into())));
                formula = format!("{formula}, held by the ceiling{most}");
            }
            None => {}
        }
        if made.proposed != *amount {
            formula = format!("{formula}; changed from {}", terms.text(made.proposed.into()));
        }
        let inputs = vec![format!("proposal:{proposal}"), format!("payee:{payee}")];
        let title = format!("figure of {payee} in proposal {proposal}");
        (title, Some(terms.text((*amount).into())), Some(formula), inputs)
    }

    fn quota_words(&self, quota: &Derived) -> Words {
        let payee = self.facts.payee_id(quota.subject.payee);
        let (measure, window) =
            (quota.subject.measure, self.facts.calendar.window_text(quota.subject.window));
        let title = format!("effective quota of {payee} for {measure} in {window}");
        let inputs = vec![format!("payee:{payee}"), format!("measure:{measure}")];
        if quota.basis.is_none() {
            return (title, None, Some("none is set for the window or its year".into()), inputs);
        }
        let amounts = || quota.parts.iter().map(|(_, part)| part.amount);
        let sum = self.shown(quota.unit, quota.effective.unwrap_or_default());
        let formula = match amounts().count() {
            0 => Some("assigned on no day of the window".into()),
            1 => None,
            _ if quota.quotas.is_whole(quota.subject.window) => {
                Some("not prorated: each part has all of it".into())
            }
            _ => Some(amounts().map(|amount| self.shown(quota.unit, amount)).collect::<Vec<_>>().join(" + ")),
        };
        (title, Some(sum), formula, inputs)
    }

    fn goal_words(&self, quota: &Derived) -> Words {
        let (calendar, window) = (&self.facts.calendar, quota.subject.window);
        let Some(basis) = &quota.basis else { return Default::default() };
        let (title, value) = (format!("goal of {}", calendar.window_text(window)), basis.window_amount);
        let formula = match basis.year_amount {
            None => self.stated(basis, window),
            Some(year) => {
                let year = self.shown(quota.unit, year);
                let upto = |end| {
                    let months = quota.quotas.year(window).periods().take_while(|month| *month < end);
                    months.fold(Exact::ZERO, |sum, month| sum.add(&weight(calendar, basis.weights, month)))
                };
                let round = |part: &Exact| format!("round({year} x {}%)", percent(part));
                let (before, after) = (upto(window.first()), upto(window.last().plus(1)));
                match before.is_zero() {
                    true => round(&after),
                    false => format!("{} - {}", round(&after), round(&before)),
                }
            }
        };
        (title, Some(self.shown(quota.unit, value)), Some(formula), vec![self.key(quota)])
    }

    fn year_words(&self, quota: &Derived) -> Words {
        let year = quota.quotas.year(quota.subject.window);
        let Some(basis) = &quota.basis else { return Default::default() };
        let value = basis.year_amount.map(|year| self.shown(quota.unit, year));
        let title = format!("goal of {}", self.facts.calendar.window_text(year));
        (title, value, Some(self.stated(basis, year)), vec![self.key(quota)])
    }

    /// Where the goal of a quota's own window is from.
    fn stated(&self, basis: &Basis, window: Window) -> String {
        match &basis.quota.goal {
            Goal::Amount(_) => "set for the window".into(),
            Goal::SumOfReports(measure) => {
                format!(
                    "sum of the effective quotas of {measure} of who reports directly on {}",
                    window.last().last_day()
                )
            }
        }
    }

    /// The quota that the goal is from.
    fn key(&self, quota: &Derived) -> String {
        let key = quota.basis.as_ref().map(|basis| &basis.quota.key);
        key.map_or_else(String::new, |key| {
            format!("quota:{}/{}/{}", key.payee, key.measure, self.facts.calendar.window_text(key.window))
        })
    }

    fn part_words(&self, quota: &Derived, part: usize) -> Words {
        let Some((days, figures)) = quota.parts.get(part) else { return Default::default() };
        let mut formula = self.shown(quota.unit, figures.window_amount);
        if figures.ramp != Exact::whole(1) {
            formula = format!("{formula} x ramp {}%", percent(&figures.ramp));
        }
        if figures.proration != Exact::whole(1) {
            formula = match figures.by {
                Proration::Days => format!("{formula} x {} of {} days", figures.days, figures.window_days),
                Proration::Seasonal | Proration::Months | Proration::None => {
                    format!("{formula} x {}%", percent(&figures.proration))
                }
            };
        }
        if quota.parts.len() > 1 {
            formula = format!("{formula}, rounded with the parts before it");
        }
        if figures.relief != 0 {
            formula = format!("{formula} - relief {}", self.shown(quota.unit, figures.relief));
        }
        let payee = self.facts.payee_id(quota.subject.payee);
        let all = self.facts.payees.get(quota.subject.payee as usize).map(|payee| &payee.assignments);
        let held =
            all.into_iter().flatten().filter(|one| one.from < days.1 && one.to.is_none_or(|to| days.0 < to));
        let inputs = held.map(|one| format!("assignment:{payee}/{}", one.from)).collect();
        let title = format!("{} to before {}", days.0, days.1);
        (title, Some(self.shown(quota.unit, figures.amount)), Some(formula), inputs)
    }
}
