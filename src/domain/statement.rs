//! The statement of a payee for a period: what is kept as it was when the period closes, and computed
//! afresh while it is open. It holds ids and figures, no personal data.

use serde::{Deserialize, Serialize};

use super::date::{Day, Period};
use super::id::{ComponentId, MeasureId, PayeeId, PlanId};
use super::measure::Unit;
use super::money::Currency;
use super::number::Number;
use super::plan::{Axis, RateKind};

/// A payee's statement. Amounts are text, padded to the currency's minor digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// Whose.
    pub payee: PayeeId,
    /// For which period.
    pub period: Period,
    /// In which currency all amounts are that name no other: what the payee is paid in on the period's last day.
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
    /// The sums of components and adjustments in other currencies, which `earned`, `adjusted` and `total` leave out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<OtherTotal>,
}

/// What a period comes to in a currency that the payee was paid in before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherTotal {
    /// Which currency.
    pub currency: Currency,
    /// Earned in this period.
    pub earned: String,
    /// What changed for periods closed before.
    pub adjusted: String,
    /// Both.
    pub total: String,
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
    /// The currency of its amounts, if it is not the statement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
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
    /// What moved beside this period's lines: lines of earlier periods that a retroactive tier or a reversal at its
    /// origin priced anew, flat amounts of tiers reached or lost; absent if nothing.
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
    /// How it pays, as the contract names the field of the component.
    #[serde(default = "rates")]
    pub payout: String,
    /// The measure whose credits are paid on; absent where it pays on none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<MeasureId>,
    /// The measure whose credits move the line, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_measure: Option<MeasureId>,
    /// What tier edges are on.
    #[serde(default)]
    pub axis: Axis,
    /// What rates are.
    #[serde(default)]
    pub pays: RateKind,
    /// What is credited is counted in.
    #[serde(default)]
    pub unit: Unit,
    /// What the line and the quota are counted in.
    #[serde(default)]
    pub line_unit: Unit,
    /// Effective quota, if there is one.
    pub quota: Option<String>,
    /// Credited to date, exact; without a meaning where it pays on no credits.
    pub credited: String,
    /// Where the line is, exact, if that is not what is credited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// The line in percent of the quota, to six decimals; absent where the quota is zero or missing.
    pub attainment_percent: Option<String>,
    /// Money for one unit at a multiple of one, to twelve decimals, if rates are multiples of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<String>,
    /// What each tier holds and pays.
    pub tiers: Vec<TierFigures>,
    /// How the amount came about beside credits and tiers, in the order of semantics 8.3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepFigures>,
    /// Earned to date, rounded.
    pub amount: String,
}

/// How segments pay that say nothing of it: the first closes knew rates alone.
fn rates() -> String {
    "rates".into()
}

/// One step from what is looked at to what is earned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFigures {
    /// What it is.
    pub kind: StepKind,
    /// What it is, in words.
    pub title: String,
    /// Its figure: money, a percent, a number or a place, as the title says.
    pub value: String,
    /// How the figure came about, with the figures put in; absent where it is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// Ids of what it was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<String>,
}

/// What a step is (semantics 8.2, 8.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum StepKind {
    /// What 100 percent pay.
    Target,
    /// A figure that was looked at.
    Figure,
    /// What the component pays before its modifiers.
    Payout,
    /// A curve that scales the price.
    Multiplier,
    /// A cap or a floor on each credit.
    CreditLimit,
    /// A gate, open or closed.
    Gate,
    /// The cap on the window.
    WindowCap,
    /// What the window before has carried over.
    Carried,
    /// The floor under the window.
    WindowFloor,
    /// The budget of all members together.
    Budget,
    /// The cap on the plan.
    PlanCap,
    /// The payee's place among the members.
    Place,
    /// The payee's share of a whole.
    Share,
}

impl StepKind {
    /// Its name in the path of an explanation.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Target => "target",
            StepKind::Figure => "figure",
            StepKind::Payout => "payout",
            StepKind::Multiplier => "multiplier",
            StepKind::CreditLimit => "credit-limit",
            StepKind::Gate => "gate",
            StepKind::WindowCap => "window-cap",
            StepKind::Carried => "carried",
            StepKind::WindowFloor => "window-floor",
            StepKind::Budget => "budget",
            StepKind::PlanCap => "plan-cap",
            StepKind::Place => "place",
            StepKind::Share => "share",
        }
    }
}

/// What one tier holds and pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierFigures {
    /// Lower edge, in what the axis is in.
    pub edge: Number,
    /// Whether that must be exceeded.
    #[serde(default, skip_serializing_if = "is_false")]
    pub edge_lower: bool,
    /// Rate, as the segment's rates are.
    pub rate: Number,
    /// Credited in this tier, exact.
    pub credited: String,
    /// Paid for it, exact, without the flat amount.
    pub amount: String,
    /// Paid for having reached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flat: Option<String>,
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
    /// Whether a reversal took back no more than its credit had earned, though it counts for more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub limited: bool,
}

fn is_false(value: &bool) -> bool {
    !value
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
    /// The currency of the amount, if it is not the statement's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The difference.
    pub amount: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the first closes kept it.
    const FIRST: &str = r#"{"payee":"rep","period":"2026-01","currency":"USD","as_of":7,"rules_revision":1,
        "digest":"00","earned":"2000.00","adjusted":"0.00","total":"2000.00","components":[{"plan":"rep",
        "component":"commission","name":"Commission","window":"FY2026-Q1","earned":"2000.00","to_date":"2000.00",
        "segments":[{"from":"2026-01-01","to":"2026-04-01","plan_version":1,"measure":"own","quota":"100000.00",
        "credited":"40000.00","attainment_percent":"40","tiers":[{"edge":"0","rate":"5","credited":"40000.00",
        "amount":"2000.00"}],"amount":"2000.00"}],"lines":[{"day":"2026-01-20","deal":"jan","event":"booked",
        "reverses":null,"credited":"40000.00","amount":"2000.00"}],"reports":[],"repriced":null}],
        "adjustments":[],"problems":[]}"#;

    #[test]
    fn statements_kept_by_the_first_closes_load_for_ever() {
        let statement: Statement = serde_json::from_str(FIRST).unwrap();
        let segment = &statement.components[0].segments[0];
        assert_eq!(
            (segment.axis, segment.pays, segment.unit),
            (Axis::Attainment, RateKind::Percent, Unit::Money)
        );
        assert_eq!(segment.measure, Some("own".parse().unwrap()));
        assert_eq!((segment.payout.as_str(), segment.steps.len()), ("rates", 0));
        assert_eq!(
            (segment.tiers[0].rate, segment.tiers[0].flat.clone()),
            (Number::parse("5").unwrap(), None)
        );
        assert_eq!(statement.total, "2000.00");
    }

    #[test]
    fn steps_are_kept_as_they_were_shown() {
        let mut statement: Statement = serde_json::from_str(FIRST).unwrap();
        let segment = &mut statement.components[0].segments[0];
        (segment.payout, segment.measure) = ("bonus".into(), None);
        segment.steps = vec![StepFigures {
            kind: StepKind::WindowCap,
            title: "window cap".into(),
            value: "1500.00".into(),
            formula: Some("min(1500.00, 2000.00)".into()),
            inputs: vec!["commission".into()],
        }];
        let kept = serde_json::to_string(&statement).unwrap();
        assert!(kept.contains(r#""kind":"WINDOW_CAP""#), "{kept}");
        assert_eq!(serde_json::from_str::<Statement>(&kept).unwrap(), statement);
    }
}
