//! Territories and crediting rules.

use super::deal::deal;
use super::{Check, MAX_FACTS, listed, read, text, write};
use crate::api::v1;
use crate::api::v1::explain_crediting_request::Source as WireSource;
use crate::app::estimate::Subject;
use crate::app::territory::{CreditShare, EventCrediting, Passed, Source};
use crate::app::{AsOf, Page, Write};
use crate::domain::condition::{Formula, Root};
use crate::domain::date::Day;
use crate::domain::deal::OWNER;
use crate::domain::fault::Fault;
use crate::domain::id::TerritoryId;
use crate::domain::money::Currency;
use crate::domain::number::Number;
use crate::domain::territory::{CreditingRule, Holder, MAX_PARTS, Receiver, RuleCredit, Territory};

/// The rpc that writes territories.
pub const UPSERT: &str = "attain.v1.TerritoryService/UpsertTerritories";
/// The rpc that lists territories.
pub const LIST: &str = "attain.v1.TerritoryService/ListTerritories";
/// The rpc that sets the crediting rules.
pub const SET: &str = "attain.v1.TerritoryService/SetCreditingRules";
/// The rpc that lists the crediting rules.
pub const RULES: &str = "attain.v1.TerritoryService/ListCreditingRules";

/// Reads a request to write territories.
pub fn upsert(request: &v1::UpsertTerritoriesRequest) -> Result<(Write, Vec<Territory>), Fault> {
    read(|check| {
        let reason = check.reason(&request.reason);
        let write = write(check, UPSERT, request, &request.request_id, reason, request.validate_only);
        let id = (".territory_id", |wire: &v1::Territory| wire.territory_id.clone());
        let territories = check.facts("territories", &request.territories, MAX_FACTS, id, territory);
        let etags = request.territories.iter().map(|wire| wire.etag);
        let etags = check.expected_etags(listed("territories", etags));
        Some((write?.expecting(etags), territories?))
    })
}

/// Reads a request for a territory: as of when, which, and the day, if one is given.
pub fn get(request: &v1::GetTerritoryRequest) -> Result<(AsOf, TerritoryId, Option<Day>), Fault> {
    read(|check| {
        let id = check.id("territory_id", &request.territory_id);
        let on = check.optional_day("on_date", &request.on_date);
        Some((check.as_of(request.as_of_change, request.min_change)?, id?, on))
    })
}

/// Reads a request for territories.
pub fn list(request: &v1::ListTerritoriesRequest) -> Result<(Option<Day>, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let on = check.optional_day("on_date", &request.on_date);
        Some((on, page?))
    })
}

/// Reads a request to set the crediting rules.
pub fn set(request: &v1::SetCreditingRulesRequest) -> Result<(Write, Vec<CreditingRule>), Fault> {
    read(|check| {
        let reason = check.required_reason(&request.reason);
        let write = write(check, SET, request, &request.request_id, reason, request.validate_only);
        let id = (".rule_id", |wire: &v1::CreditingRule| wire.rule_id.clone());
        let rules = check.optional_facts("rules", &request.rules, MAX_FACTS, id, rule);
        let etag = check.expected_etag("etag", 0, request.etag);
        Some((write?.expecting(etag.into_iter().collect()), rules?))
    })
}

/// Reads a request for the crediting rules.
pub fn list_rules(request: &v1::ListCreditingRulesRequest) -> Result<(Option<Day>, Page), Fault> {
    read(|check| {
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let on = check.optional_day("on_date", &request.on_date);
        Some((on, page?))
    })
}

/// Reads where to read: asked before anything else, because amounts are read in the tenant's currency.
pub fn as_of(request: &v1::ExplainCreditingRequest) -> Result<AsOf, Fault> {
    read(|check| check.as_of(request.as_of_change, request.min_change))
}

/// Reads a request for who would be credited.
pub fn explain(request: &v1::ExplainCreditingRequest, currency: Currency) -> Result<Subject, Fault> {
    read(|check| match &request.source {
        None => {
            check.add("deal_id", "must be given, or a deal");
            None
        }
        Some(WireSource::DealId(id)) => check.id("deal_id", id).map(Subject::Stored),
        Some(WireSource::Deal(wire)) => check.inner("deal", Some(wire), |check, wire| {
            deal(check, wire, currency).map(|deal| Subject::MadeUp(Box::new(deal)))
        }),
    })
}

/// Reads a territory.
pub fn territory(check: &mut Check, wire: &v1::Territory) -> Option<Territory> {
    let fields = |check: &mut Check| {
        let id = check.id("territory_id", &wire.territory_id);
        let name = check.required_text("name", &wire.name, 200);
        let potential = if wire.potential.is_empty() {
            None
        } else {
            let potential = check.take("potential", Number::parse(&wire.potential));
            if potential.is_some_and(|potential| potential < Number::ZERO) {
                check.add("potential", format!("must not be below zero, got {}", wire.potential));
            }
            potential
        };
        let holders = check.list("holders", &wire.holders, MAX_PARTS, |check, wire| {
            let payee = check.id("payee_id", &wire.payee_id);
            let from = check.day("start_date", &wire.start_date);
            let to = end(check, &wire.end_date);
            Some(Holder { payee: payee?, from: from?, to: to? })
        });
        if !wire.holder_id.is_empty() {
            check.add("holder_id", "must be empty: it is output only");
        }
        Some(Territory { id: id?, name: name?, potential, holders: holders? })
    };
    check.whole(fields, |territory, path, violations| territory.check(path, violations))
}

/// The end of a span of days, which may be open; `None` if it does not read.
fn end(check: &mut Check, text: &str) -> Option<Option<Day>> {
    if text.is_empty() { Some(None) } else { check.day("end_date", text).map(Some) }
}

/// Reads a crediting rule.
pub fn rule(check: &mut Check, wire: &v1::CreditingRule) -> Option<CreditingRule> {
    let fields = |check: &mut Check| {
        let id = check.id("rule_id", &wire.rule_id);
        let name = check.required_text("name", &wire.name, 200);
        let from = check.day("start_date", &wire.start_date);
        let to = end(check, &wire.end_date);
        let condition = condition(check, &wire.condition);
        let credits = check.list("credits", &wire.credits, MAX_PARTS, credit);
        Some(CreditingRule {
            id: id?,
            name: name?,
            from: from?,
            to: to?,
            condition: condition?,
            credits: credits?,
        })
    };
    check.whole(fields, |rule, path, violations| rule.check(path, violations))
}

/// `None` if it does not read: every fault is noted with its place in the text.
fn condition(check: &mut Check, text: &str) -> Option<Option<Formula>> {
    if text.is_empty() {
        return Some(None);
    }
    match Formula::condition(text, &Root::OF_EVENT) {
        Ok(formula) => Some(Some(formula)),
        Err(faults) => {
            for fault in faults {
                check.add("condition", fault);
            }
            None
        }
    }
}

fn credit(check: &mut Check, wire: &v1::RuleCredit) -> Option<RuleCredit> {
    let payee = check.optional_id("payee_id", &wire.payee_id);
    let territory = check.optional_id("territory_id", &wire.territory_id);
    match (wire.payee_id.is_empty(), wire.territory_id.is_empty()) {
        (false, false) => check.add("territory_id", "must be empty where a payee is named"),
        (true, true) => check.add("payee_id", "must be given, or territory_id"),
        _ => {}
    }
    let role = if wire.role.is_empty() { OWNER } else { &wire.role };
    let role = check.id("role", role);
    let percent = check.percent("credit_percent", &wire.credit_percent);
    let to = payee.map(Receiver::Payee).or(territory.map(Receiver::Holder));
    Some(RuleCredit { to: to?, role: role?, percent: percent? })
}

/// A territory as the contract says it, with its holder on a day.
pub fn wire(territory: &Territory, etag: i64, on: Option<Day>) -> v1::Territory {
    let holder = |holder: &Holder| v1::TerritoryHolder {
        payee_id: holder.payee.to_string(),
        start_date: holder.from.to_string(),
        end_date: text(holder.to),
    };
    v1::Territory {
        territory_id: territory.id.to_string(),
        name: territory.name.clone(),
        holders: territory.holders.iter().map(holder).collect(),
        etag,
        holder_id: text(on.and_then(|day| territory.holder(day))),
        potential: text(territory.potential),
    }
}

/// A rule as the contract says it.
pub fn rule_wire(rule: &CreditingRule) -> v1::CreditingRule {
    let credit = |credit: &RuleCredit| {
        let (payee, territory) = match &credit.to {
            Receiver::Payee(payee) => (Some(payee), None),
            Receiver::Holder(territory) => (None, Some(territory)),
        };
        v1::RuleCredit {
            payee_id: text(payee),
            territory_id: text(territory),
            role: credit.role.to_string(),
            credit_percent: credit.percent.to_string(),
        }
    };
    v1::CreditingRule {
        rule_id: rule.id.to_string(),
        name: rule.name.clone(),
        start_date: rule.from.to_string(),
        end_date: text(rule.to),
        condition: text(rule.condition.as_ref()),
        credits: rule.credits.iter().map(credit).collect(),
    }
}

/// Who is credited with an event, as the contract says it.
pub fn crediting_wire(credited: &EventCrediting) -> v1::EventCrediting {
    let (source, rule) = match &credited.source {
        Source::Splits => (v1::event_crediting::Source::Splits, None),
        Source::Rule(rule) => (v1::event_crediting::Source::Rule, Some(rule)),
        Source::Owner => (v1::event_crediting::Source::Owner, None),
    };
    let share = |share: &CreditShare| v1::CreditShare {
        payee_id: share.payee.to_string(),
        role: share.role.clone(),
        credit_percent: share.percent.to_string(),
        territory_id: text(share.territory.as_ref()),
    };
    let passed = credited.passed.iter().map(|(rule, why, message)| {
        let why = match why {
            Passed::NotInForce => v1::passed_rule::Why::NotInForce,
            Passed::False => v1::passed_rule::Why::ConditionFalse,
            Passed::Unclear => v1::passed_rule::Why::ConditionUnclear,
            Passed::NoHolder => v1::passed_rule::Why::NoHolder,
        };
        v1::PassedRule { rule_id: rule.to_string(), why: why.into(), message: message.clone() }
    });
    v1::EventCrediting {
        event_id: text(credited.event.as_ref()),
        date: credited.day.to_string(),
        source: source.into(),
        rule_id: text(rule),
        shares: credited.shares.iter().map(share).collect(),
        passed_rules: passed.collect(),
    }
}
