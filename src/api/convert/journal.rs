//! The journal: changes, what they touched, anchors.

use chrono::{DateTime, Utc};

use super::{Check, read, shown, text};
use crate::api::v1;
use crate::app::journal::{ChangeQuery, ToldChange, Verified, WatchQuery};
use crate::app::{AsOf, Page};
use crate::domain::change::{Anchor, AnchorState, Noun, Touched};
use crate::domain::encode;
use crate::domain::fault::Fault;

/// The rpc that lists changes.
pub const LIST_CHANGES: &str = "attain.v1.AdminService/ListChanges";
/// The rpc that lists what a change touched.
pub const LIST_TOUCHED: &str = "attain.v1.AdminService/ListTouched";
/// Most characters of a name in a filter.
const MAX_NAME: usize = 300;
/// Most anchors of a verification.
const MAX_ANCHORS: usize = 100;

/// Reads a request for changes. The cursor of changes is their number, so that a first page can start after one.
pub fn list_changes(request: &v1::ListChangesRequest) -> Result<(ChangeQuery, Page), Fault> {
    read(|check| {
        let after: Option<i64> = check.number("after_change", request.after_change);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        let query = filter(check, request.filter.as_ref());
        let after = after.filter(|number| *number > 0).map(|number| number.to_string());
        Some((query?, Page { after, ..page? }))
    })
}

/// Reads a request to follow the journal.
pub fn watch_changes(request: &v1::WatchChangesRequest) -> Result<WatchQuery, Fault> {
    read(|check| {
        let after = check.number("after_change", request.after_change);
        let filter = filter(check, request.filter.as_ref());
        let until: Option<i64> = check.number("until_change", request.until_change);
        Some(WatchQuery { after: after?, filter: filter?, until: until.filter(|until| *until > 0) })
    })
}

fn filter(check: &mut Check, wire: Option<&v1::ChangeFilter>) -> Option<ChangeQuery> {
    let Some(wire) = wire else { return Some(ChangeQuery::default()) };
    check.inner("filter", Some(wire), |check, wire| {
        let actor = check.text("actor", &wire.actor, MAX_NAME);
        let rpc = check.text("rpc", &wire.rpc, MAX_NAME);
        let noun = match wire.noun {
            0 => None,
            number => Some(check.choice("noun", number, noun)?),
        };
        let key = check.text("key", &wire.key, MAX_NAME);
        if noun.is_none() && key.is_some() {
            check.add("noun", "must be given where key is");
        }
        Some(ChangeQuery { actor, rpc, noun, key })
    })
}

/// Reads a request for what a change touched.
pub fn list_touched(request: &v1::ListTouchedRequest) -> Result<(i64, Noun, Page), Fault> {
    read(|check| {
        if request.change_number < 1 {
            check.add("change_number", format!("must be above zero, got {}", request.change_number));
        }
        let noun = check.choice("noun", request.noun, noun);
        let page = check.page(request.page_size, request.as_of_change, request.min_change);
        Some((request.change_number, noun?, page?))
    })
}

/// Reads a request for the number of an instant.
pub fn find_change(request: &v1::FindChangeRequest) -> Result<(DateTime<Utc>, AsOf), Fault> {
    read(|check| {
        let instant = check.inner("time", request.time.as_ref(), |check, wire| {
            let nanos = u32::try_from(wire.nanos).ok().filter(|nanos| *nanos < 1_000_000_000);
            if nanos.is_none() {
                check.add("nanos", format!("must be 0 to 999999999, got {}", wire.nanos));
            }
            // What the contract's type can hold: the years 1 to 9999.
            let within = (-62_135_596_800..=253_402_300_799).contains(&wire.seconds);
            if !within {
                check.add("seconds", format!("must be in the years 1 to 9999, got {}", wire.seconds));
            }
            DateTime::from_timestamp(wire.seconds, nanos?).filter(|_| within)
        });
        let min = check.min_change(request.min_change);
        Some((instant?, AsOf::since(min?)))
    })
}

/// Reads a request for an anchor: of which change.
pub fn get_anchor(request: &v1::GetAnchorRequest) -> Result<AsOf, Fault> {
    read(|check| check.as_of(request.as_of_change, request.min_change))
}

/// Reads a request for a verification: anchors kept elsewhere, and since when.
pub fn verify(request: &v1::VerifyJournalRequest) -> Result<(Vec<Anchor>, i64), Fault> {
    read(|check| {
        let anchors = check.list("anchors", &request.anchors, MAX_ANCHORS, |check, text| {
            let anchor = Anchor::parse(text);
            if anchor.is_none() {
                let got = shown(text);
                check.add("", format!("must be a change's number and hash, \"17:9f86…\", got {got:?}"));
            }
            anchor
        });
        let min = check.min_change(request.min_change);
        Some((anchors?, min?))
    })
}

/// An instant as the contract says it.
pub fn timestamp(time: DateTime<Utc>) -> prost_types::Timestamp {
    // Fewer than two thousand million nanoseconds, in a leap second too.
    let nanos = i32::try_from(time.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: time.timestamp(), nanos }
}

/// A change as the contract says it.
pub fn change_wire(told: &ToldChange) -> v1::Change {
    let change = &told.stored.change;
    v1::Change {
        number: change.number,
        hash: encode::hex(&told.stored.hash),
        change_time: Some(timestamp(change.time)),
        actor: change.actor.clone(),
        rpc: change.rpc.clone(),
        request_id: change.request_id.clone(),
        reason: text(told.stored.reason.as_ref()),
        touched: told.touched.iter().map(touched_wire).collect(),
    }
}

fn touched_wire(touched: &Touched) -> v1::Touched {
    v1::Touched {
        noun: noun_wire(touched.noun).into(),
        added: touched.added,
        superseded: touched.superseded,
        keys: touched.keys.clone(),
    }
}

/// What verification found, about these anchors, as the contract says it.
pub fn verified_wire(verified: Verified, anchors: &[Anchor]) -> v1::VerifyJournalResponse {
    let check = |(anchor, state): (&Anchor, &AnchorState)| {
        let state = match state {
            AnchorState::Holds => v1::anchor_check::State::Holds,
            AnchorState::Differs => v1::anchor_check::State::Differs,
            AnchorState::Beyond => v1::anchor_check::State::Beyond,
        };
        v1::AnchorCheck { anchor: anchor.to_string(), state: state.into() }
    };
    v1::VerifyJournalResponse {
        sound: verified.first_fault.is_none(),
        first_fault: verified.first_fault.unwrap_or_default(),
        changes: verified.changes,
        rows: verified.rows,
        erased: verified.erased,
        anchor: verified.anchor.to_string(),
        anchors: anchors.iter().zip(&verified.anchors).map(check).collect(),
    }
}

fn noun(noun: v1::Noun) -> Option<Noun> {
    Noun::ALL.into_iter().find(|known| noun_wire(*known) == noun)
}

fn noun_wire(noun: Noun) -> v1::Noun {
    match noun {
        Noun::Calendar => v1::Noun::Calendar,
        Noun::Key => v1::Noun::Key,
        Noun::Payee => v1::Noun::Payee,
        Noun::Assignment => v1::Noun::Assignment,
        Noun::Measure => v1::Noun::Measure,
        Noun::Plan => v1::Noun::Plan,
        Noun::Draft => v1::Noun::Draft,
        Noun::Quota => v1::Noun::Quota,
        Noun::Deal => v1::Noun::Deal,
        Noun::DealEvent => v1::Noun::DealEvent,
        Noun::RejectedRow => v1::Noun::RejectedRow,
        Noun::Close => v1::Noun::Close,
        Noun::Posting => v1::Noun::Posting,
        Noun::Statement => v1::Noun::Statement,
        Noun::RulesAcceptance => v1::Noun::RulesAcceptance,
        Noun::OutsideValue => v1::Noun::OutsideValue,
        Noun::ExchangeRate => v1::Noun::ExchangeRate,
        Noun::Territory => v1::Noun::Territory,
        Noun::CreditingRule => v1::Noun::CreditingRule,
        Noun::QuotaProposal => v1::Noun::QuotaProposal,
        Noun::ProposalFigure => v1::Noun::ProposalFigure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::descriptors;

    #[test]
    fn every_kind_of_the_contract_is_one_of_ours() {
        let listed = descriptors().get_enum_by_name("attain.v1.Noun").unwrap();
        let contract: Vec<_> = listed.values().skip(1).map(|value| value.name().to_string()).collect();
        let ours: Vec<_> =
            Noun::ALL.into_iter().map(|noun| noun_wire(noun).as_str_name().to_string()).collect();
        assert_eq!(ours, contract);
    }
}
