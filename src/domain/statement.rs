//! The statement of a payee for a period: what is kept as it was when the period closes, and computed
//! afresh while it is open. It holds ids and figures, no personal data.

use serde::{Deserialize, Serialize};

use super::date::{Day, Period};
use super::id::{ComponentId, MeasureId, PayeeId, PlanId};
use super::money::Currency;
use super::number::Percent;

/// A payee's statement. Amounts are text, padded to the currency's minor digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    pub payee: PayeeId,
    /// For which period.
    pub period: Period,
    /// In which currency all amounts are.
    pub currency: Currency,
    /// The journal number that the figures were computed as of.
    pub as_of: i64,
    /// The revision of the rules that computed them.
    pub rules_revision: u32,
    /// Digest of the figures, in hexadecimal.
    pub digest: String,
    /// Earned in this period, sum of the components.
    pub earned: String,
    /// What changed for periods closed before, sum of the adjustments.
    pub adjusted: String,
    /// Earned and adjusted: what this period's close posts.
    pub total: String,
    /// A figure for every component and window that this period counts in.
    pub components: Vec<ComponentFigures>,
    /// Changes for periods closed before.
    pub adjustments: Vec<Adjustment>,
    /// What the facts leave open; a close is refused while there is any.
    pub problems: Vec<String>,
}

/// What one component yields in one window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComponentFigures {
    /// Under which plan.
    pub plan: PlanId,
    /// Which component.
    pub component: ComponentId,
    /// What people call it.
    pub name: String,
    /// The window's text.
    pub window: String,
    /// Earned in this period.
    pub earned: String,
    /// Earned in the window so far.
    pub to_date: String,
    /// The window's spans of unchanged plan version, target incentive and currency.
    pub segments: Vec<SegmentFigures>,
    /// The period's direct credits, in order.
    pub lines: Vec<LineFigures>,
    /// The period's rolled-up credits, summed per direct report.
    pub reports: Vec<ReportFigures>,
    /// What a reversal at its origin moved on lines after it; absent if nothing.
    pub repriced: Option<String>,
}

/// What one segment of a window adds up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentFigures {
    /// First day.
    pub from: Day,
    /// First day after it.
    pub to: Day,
    /// The plan's version in force.
    pub plan_version: u32,
    /// The measure whose credits count.
    pub measure: MeasureId,
    /// Effective quota, if there is one.
    pub quota: Option<String>,
    /// Credited to date, exact.
    pub credited: String,
    /// Credited in percent of the quota, to six decimals; absent where the quota is zero or missing.
    pub attainment_percent: Option<String>,
    /// What each tier holds and pays.
    pub tiers: Vec<TierFigures>,
    /// Earned to date, rounded.
    pub amount: String,
}

/// What one tier holds and pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierFigures {
    /// Lower edge in percent of quota.
    pub edge: Percent,
    /// Rate in percent of the credit.
    pub rate: Percent,
    /// Credited in this tier, exact.
    pub credited: String,
    /// Paid for it, exact.
    pub amount: String,
}

/// One direct credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineFigures {
    /// The event's own date.
    pub day: Day,
    /// Which deal.
    pub deal: String,
    /// Which event.
    pub event: String,
    /// For a reversal: the event it takes back.
    pub reverses: Option<String>,
    /// Credit, exact.
    pub credited: String,
    /// What it earns, cumulatively rounded.
    pub amount: String,
}

/// The credits that came up through one direct report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportFigures {
    /// The direct report.
    pub payee: PayeeId,
    /// Credit, exact.
    pub credited: String,
    /// What it earns: the lines' sum, split in proportion to the last unit.
    pub amount: String,
}

/// A change of what an earlier period earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// The period it belongs to.
    pub for_period: Period,
    /// Under which plan.
    pub plan: PlanId,
    /// By which component.
    pub component: ComponentId,
    /// The window's text.
    pub window: String,
    /// The difference.
    pub amount: String,
}
