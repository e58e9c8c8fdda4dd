//! Adjustments: what changes a quota after it was set, and what for. Each writes a new version of the whole quota.

use super::{Goal, Proration, Quota, QuotaKey, Ramp, Relief};
use crate::domain::date::Day;
use crate::domain::fault::Violations;
use crate::domain::measure::Amount;
use crate::domain::money::Currency;
use crate::domain::number::Quantity;

/// What a quota is adjusted for. Why is the reason of the change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdjustmentKind {
    /// Somebody new.
    Joiner,
    /// Somebody who goes.
    Leaver,
    /// Another territory, team or role.
    Transfer,
    /// Days of absence.
    Leave,
    /// A customer that is no longer there to sell to.
    LostAccount,
    /// Another goal within the year.
    MidYearChange,
    /// It was wrong.
    Correction,
}

/// What an adjustment changes of a quota; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Adjustment {
    /// Of which quota.
    pub key: QuotaKey,
    /// What for.
    pub kind: AdjustmentKind,
    /// The currency of all its money, as in the quota.
    pub currency: Currency,
    /// The goal from now on.
    pub goal: Option<Amount>,
    /// The way up from now on, in the place of any there was.
    pub ramp: Option<Ramp>,
    /// Reductions beside those there are.
    pub reliefs: Vec<Relief>,
    /// Days `[from, to)` of absence, for which reductions are worked out.
    pub leave: Option<(Day, Day)>,
}

impl AdjustmentKind {
    /// All kinds.
    pub const ALL: [AdjustmentKind; 7] = [
        AdjustmentKind::Joiner,
        AdjustmentKind::Leaver,
        AdjustmentKind::Transfer,
        AdjustmentKind::Leave,
        AdjustmentKind::LostAccount,
        AdjustmentKind::MidYearChange,
        AdjustmentKind::Correction,
    ];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            AdjustmentKind::Joiner => "JOINER",
            AdjustmentKind::Leaver => "LEAVER",
            AdjustmentKind::Transfer => "TRANSFER",
            AdjustmentKind::Leave => "LEAVE",
            AdjustmentKind::LostAccount => "LOST_ACCOUNT",
            AdjustmentKind::MidYearChange => "MID_YEAR_CHANGE",
            AdjustmentKind::Correction => "CORRECTION",
        }
    }

    /// The kind of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Adjustment {
    /// Notes what is wrong between its fields, under `path`.
    pub fn check(&self, path: &str, violations: &mut Violations) {
        // By the quota's own rules for what it would be.
        let mut changed = Quota {
            key: self.key.clone(),
            currency: self.currency,
            goal: Goal::Amount(self.goal.unwrap_or(Amount::Number(Quantity(0)))),
            seasonality: None,
            ramp: self.ramp.clone(),
            proration: Proration::default(),
            reliefs: self.reliefs.clone(),
        };
        changed.check(path, violations);
        if self.goal.is_none() && self.ramp.is_none() && self.reliefs.is_empty() && self.leave.is_none() {
            violations.add(format!("{path}.amount"), "must be given, or units, ramp, reliefs or leave");
        }
        let Some((from, to)) = self.leave else { return };
        if self.kind != AdjustmentKind::Leave {
            violations.add(format!("{path}.leave"), "must be absent but of KIND_LEAVE");
        }
        let (start, end) = (self.key.window.start(), self.key.window.end());
        if from < start || from >= end {
            let last = self.key.window.last().last_day();
            let message = format!("must be a day of the quota's window, {start} to {last}, got {from}");
            violations.add(format!("{path}.leave.start_date"), message);
        }
        if to <= from || to > end {
            let message = format!("must be after start_date {from} and at most {end}, got {to}");
            violations.add(format!("{path}.leave.end_date"), message);
        }
    }

    /// The quota with what is changed of it, but for leave.
    pub fn applied(&self, mut quota: Quota) -> Quota {
        if self.goal.is_some() || !self.reliefs.is_empty() {
            quota.currency = self.currency;
        }
        if let Some(goal) = self.goal {
            quota.goal = Goal::Amount(goal);
        }
        if let Some(ramp) = &self.ramp {
            quota.ramp = Some(ramp.clone());
        }
        quota.relieved(&self.reliefs)
    }
}

impl Quota {
    /// With reductions beside those there are, in order.
    #[must_use]
    pub fn relieved(mut self, reliefs: &[Relief]) -> Quota {
        self.reliefs.extend_from_slice(reliefs);
        self.reliefs.sort_by_key(|relief| (relief.day, relief.amount.units()));
        self
    }
}
