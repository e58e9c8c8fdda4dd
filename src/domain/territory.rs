//! Territories with their holders, and the rules by which deals without splits are credited (semantics 6).

use serde::{Deserialize, Serialize};

use super::condition::Formula;
use super::date::Day;
use super::deal::OVERLAY;
use super::fault::Violations;
use super::id::{CreditingRuleId, PayeeId, RoleId, TerritoryId};
use super::number::{Number, Percent};

/// Most holders of a territory, and most credits of a rule.
pub const MAX_PARTS: usize = 100;

/// A part of the market, and who holds it when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Territory {
    /// The territory's name in assignments and rules.
    pub id: TerritoryId,
    /// What people call it, at most 200 characters.
    pub name: String,
    /// What there is to be sold in it, not below zero, in whatever the tenant measures all of them in; absent: not said.
    pub potential: Option<Number>,
    /// By first day. One at most on any day.
    pub holders: Vec<Holder>,
}

/// Who holds a territory over a span of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who.
    pub payee: PayeeId,
    /// First day.
    pub from: Day,
    /// First day no longer; absent: open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Day>,
}

/// Whether a span of days, the end of which may be open, holds a day.
fn covers(from: Day, to: Option<Day>, day: Day) -> bool {
    from <= day && to.is_none_or(|to| day < to)
}

impl Holder {
    /// Whether it holds the territory on a day.
    pub fn covers(&self, day: Day) -> bool {
        covers(self.from, self.to, day)
    }
}

impl Territory {
    /// Notes holders that end before they begin, or hold it on one day with another, under `path`; puts them in order.
    pub fn check(&mut self, path: &str, violations: &mut Violations) {
        for (place, holder) in self.holders.iter().enumerate() {
            if let Some(to) = holder.to.filter(|to| *to <= holder.from) {
                let message = format!("must be after start_date {}, got {to}", holder.from);
                violations.add(format!("{path}.holders[{place}].end_date"), message);
            }
        }
        let mut order: Vec<(usize, &Holder)> = self.holders.iter().enumerate().collect();
        order.sort_by_key(|(place, holder)| (holder.from, *place));
        for pair in order.windows(2) {
            let [(_, before), (place, holder)] = pair else { continue };
            if before.to.is_none_or(|to| holder.from < to) {
                let to = before.to.map_or_else(|| "open".to_string(), |to| to.to_string());
                let message = format!(
                    "{} has two holders: {} from this day on, and {} over {}..{to}",
                    self.id, holder.payee, before.payee, before.from
                );
                violations.add(format!("{path}.holders[{place}].start_date"), message);
            }
        }
        self.holders.sort_by_key(|holder| holder.from);
    }

    /// Who holds it on a day.
    pub fn holder(&self, day: Day) -> Option<&PayeeId> {
        self.holders.iter().find(|holder| holder.covers(day)).map(|holder| &holder.payee)
    }
}

/// A rule that credits events of deals that state no splits but overlays. The first rule in the order of the list that
/// is in force on the event's date, whose condition holds and whose territories all have a holder then, decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditingRule {
    /// The rule's name in explanations.
    pub id: CreditingRuleId,
    /// What people call it, at most 200 characters.
    pub name: String,
    /// First day whose events it counts for.
    pub from: Day,
    /// First day no longer; absent: open.
    pub to: Option<Day>,
    /// Which events it counts for, over deal and event; absent: all.
    pub condition: Option<Formula>,
    /// Who is credited with which part.
    pub credits: Vec<RuleCredit>,
}

/// A part of the credit that a rule gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCredit {
    /// Whom.
    pub to: Receiver,
    /// In which role.
    pub role: RoleId,
    /// The part; those that are not overlays sum to exactly 100.
    pub percent: Percent,
}

/// Whom a rule credits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Receiver {
    /// A payee.
    Payee(PayeeId),
    /// Whoever holds a territory on the event's date.
    Holder(TerritoryId),
}

impl CreditingRule {
    /// Whether it counts for events of a day.
    pub fn covers(&self, day: Day) -> bool {
        covers(self.from, self.to, day)
    }

    /// Notes what is wrong between the fields of a rule, under `path`.
    pub fn check(&mut self, path: &str, violations: &mut Violations) {
        if let Some(to) = self.to.filter(|to| *to <= self.from) {
            let message = format!("must be after start_date {}, got {to}", self.from);
            violations.add(format!("{path}.end_date"), message);
        }
        let at = format!("{path}.credits");
        if self.credits.is_empty() || self.credits.len() > MAX_PARTS {
            violations.add(&at, format!("must be 1 to {MAX_PARTS}, got {}", self.credits.len()));
        }
        let mut sum: i128 = 0;
        for (place, credit) in self.credits.iter().enumerate() {
            if credit.percent <= Percent::ZERO || credit.percent > Percent::HUNDRED {
                let message = format!("must be above 0 and at most 100, got {}", credit.percent);
                violations.add(format!("{at}[{place}].credit_percent"), message);
            }
            let twice = |other: &RuleCredit| (&other.to, &other.role) == (&credit.to, &credit.role);
            if let Some(first) = self.credits.iter().take(place).position(twice) {
                let message = format!("must be given once with role {}, as in {at}[{first}]", credit.role);
                violations.add(format!("{at}[{place}]"), message);
            }
            if credit.role.as_str() != OVERLAY {
                sum += i128::from(credit.percent.0);
            }
        }
        if !self.credits.is_empty() && sum != i128::from(Percent::HUNDRED.0) {
            let sum = super::number::trimmed(sum, super::number::PERCENT_DECIMALS);
            violations.add(&at, format!("must sum to exactly 100 percent without overlays, got {sum}"));
        }
    }
}
