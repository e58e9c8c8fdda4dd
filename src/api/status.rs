//! A fault as a gRPC status: the code of its reason, exactly one `ErrorInfo`, and what its reason calls for beside it.

use std::collections::HashMap;
use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::api::v1::ErrorReason;
use crate::domain::fault::{Fault, Reason};

/// The domain of all reasons.
const DOMAIN: &str = "attain";
/// When to come back to a server that had all the work it could hold.
const RETRY_AFTER: Duration = Duration::from_secs(1);
// Details travel in a header, and widespread clients refuse more than 8 KiB of headers, losing the whole answer.
/// Most bytes of the violations that an answer carries.
const MAX_VIOLATIONS: usize = 2500;
/// Most bytes of the message and of a value in the metadata.
const MAX_TEXT: usize = 500;

/// The reason's value in the contract, and the code it is answered with.
fn published(reason: Reason) -> (ErrorReason, Code) {
    match reason {
        Reason::InvalidRequest => (ErrorReason::InvalidRequest, Code::InvalidArgument),
        Reason::PageTokenInvalid => (ErrorReason::PageTokenInvalid, Code::InvalidArgument),
        Reason::KeyInvalid => (ErrorReason::KeyInvalid, Code::Unauthenticated),
        Reason::RoleNotAllowed => (ErrorReason::RoleNotAllowed, Code::PermissionDenied),
        Reason::NotFound => (ErrorReason::NotFound, Code::NotFound),
        Reason::RequestIdReused => (ErrorReason::RequestIdReused, Code::AlreadyExists),
        Reason::ReferenceUnknown => (ErrorReason::ReferenceUnknown, Code::FailedPrecondition),
        Reason::ReportingCycle => (ErrorReason::ReportingCycle, Code::FailedPrecondition),
        Reason::CalendarMissing => (ErrorReason::CalendarMissing, Code::FailedPrecondition),
        Reason::CalendarFixed => (ErrorReason::CalendarFixed, Code::FailedPrecondition),
        Reason::MeasureInUse => (ErrorReason::MeasureInUse, Code::FailedPrecondition),
        Reason::PlanVersionExists => (ErrorReason::PlanVersionExists, Code::AlreadyExists),
        Reason::PeriodOutOfOrder => (ErrorReason::PeriodOutOfOrder, Code::FailedPrecondition),
        Reason::RunBlocked => (ErrorReason::RunBlocked, Code::FailedPrecondition),
        Reason::RejectLimitExceeded => (ErrorReason::RejectLimitExceeded, Code::FailedPrecondition),
        Reason::CloseOvertaken => (ErrorReason::CloseOvertaken, Code::Aborted),
        Reason::Overloaded => (ErrorReason::Overloaded, Code::ResourceExhausted),
        Reason::DeadlineExceeded => (ErrorReason::DeadlineExceeded, Code::DeadlineExceeded),
        Reason::DatabaseUnavailable => (ErrorReason::DatabaseUnavailable, Code::Unavailable),
        Reason::Internal => (ErrorReason::Internal, Code::Internal),
        Reason::EtagMismatch => (ErrorReason::EtagMismatch, Code::Aborted),
        Reason::ReferenceUnfit => (ErrorReason::ReferenceUnfit, Code::FailedPrecondition),
        Reason::ChangeNotReached => (ErrorReason::ChangeNotReached, Code::Unavailable),
        Reason::NotReporting => (ErrorReason::NotReporting, Code::FailedPrecondition),
        Reason::ReportsRemain => (ErrorReason::ReportsRemain, Code::FailedPrecondition),
        Reason::RulesRevisionPending => (ErrorReason::RulesRevisionPending, Code::FailedPrecondition),
        Reason::PlanTestsFailed => (ErrorReason::PlanTestsFailed, Code::FailedPrecondition),
        Reason::AllocationInfeasible => (ErrorReason::AllocationInfeasible, Code::FailedPrecondition),
        Reason::EnvelopeBroken => (ErrorReason::EnvelopeBroken, Code::FailedPrecondition),
        Reason::ProposalPublished => (ErrorReason::ProposalPublished, Code::FailedPrecondition),
        Reason::WindowClosed => (ErrorReason::WindowClosed, Code::FailedPrecondition),
    }
}

impl From<Fault> for Status {
    fn from(fault: Fault) -> Status {
        let (reason, code) = published(fault.reason);
        let name = reason.as_str_name();
        let name = name.strip_prefix("ERROR_REASON_").unwrap_or(name);
        let metadata = fault.metadata.iter().map(|(key, value)| (key.to_string(), shortened(value)));
        let mut metadata: HashMap<String, String> = metadata.collect();
        let count = fault.violations.len();
        let mut details = ErrorDetails::new();
        if count > 0 {
            metadata.insert("violations".into(), count.to_string());
            details.set_bad_request(violations(&fault));
        }
        details.set_error_info(name, DOMAIN, metadata);
        if fault.reason == Reason::Overloaded {
            details.set_retry_info(Some(RETRY_AFTER));
        }
        Status::with_error_details(code, shortened(&fault.message), details)
    }
}

fn shortened(text: &str) -> String {
    let end = text.floor_char_boundary(MAX_TEXT);
    if end < text.len() { format!("{}…", &text[..end]) } else { text.to_string() }
}

/// All violations, or as many as an answer can carry and how many more there are.
fn violations(fault: &Fault) -> Vec<FieldViolation> {
    let mut kept = Vec::new();
    let mut bytes = 0;
    for (place, violation) in fault.violations.iter().enumerate() {
        let message = shortened(&violation.message);
        bytes += violation.field.len() + message.len();
        if bytes > MAX_VIOLATIONS {
            let more = format!("and {} more", fault.violations.len() - place);
            kept.push(FieldViolation::new("", more));
            break;
        }
        kept.push(FieldViolation::new(&violation.field, message));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::descriptors;
    use crate::domain::fault::Violations;

    const ALL: [Reason; 31] = [
        Reason::InvalidRequest,
        Reason::PageTokenInvalid,
        Reason::KeyInvalid,
        Reason::RoleNotAllowed,
        Reason::NotFound,
        Reason::RequestIdReused,
        Reason::ReferenceUnknown,
        Reason::ReportingCycle,
        Reason::CalendarMissing,
        Reason::CalendarFixed,
        Reason::MeasureInUse,
        Reason::PlanVersionExists,
        Reason::PeriodOutOfOrder,
        Reason::RunBlocked,
        Reason::RejectLimitExceeded,
        Reason::CloseOvertaken,
        Reason::Overloaded,
        Reason::DeadlineExceeded,
        Reason::DatabaseUnavailable,
        Reason::Internal,
        Reason::EtagMismatch,
        Reason::ChangeNotReached,
        Reason::ReferenceUnfit,
        Reason::NotReporting,
        Reason::ReportsRemain,
        Reason::RulesRevisionPending,
        Reason::PlanTestsFailed,
        Reason::AllocationInfeasible,
        Reason::EnvelopeBroken,
        Reason::ProposalPublished,
        Reason::WindowClosed,
    ];

    #[test]
    fn reasons_and_codes_are_those_of_the_contract() {
        let listed = descriptors().get_enum_by_name("attain.v1.ErrorReason").unwrap();
        let file = listed.parent_file();
        let source = file.file_descriptor_proto().source_code_info.clone().unwrap();
        // A value's path in its file: enums (5), the first, values (2), its place.
        let comment = |place: i32| {
            let at = source.location.iter().find(|location| location.path == [5, 0, 2, place]).unwrap();
            at.leading_comments().trim_start().to_string()
        };
        assert_eq!(listed.values().count(), ALL.len() + 1);
        for (place, (value, reason)) in (1..).zip(listed.values().skip(1).zip(ALL)) {
            let (published, code) = published(reason);
            assert_eq!(published.as_str_name(), value.name());
            let camel: String = format!("{code:?}");
            let spelled: String = comment(place).split(':').next().unwrap().replace('_', "").to_lowercase();
            assert_eq!(camel.to_lowercase(), spelled, "{}", value.name());
        }
    }

    #[test]
    fn a_fault_carries_its_values_and_every_violation() {
        let mut violations = Violations::default();
        violations.add("payees[0].name", "must not be empty");
        violations.add("payees[1].kind", "must be given");
        let status = Status::from(Fault::invalid(violations).with("payee", "E-1"));
        assert_eq!(status.code(), Code::InvalidArgument);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("INVALID_REQUEST", "attain"));
        assert_eq!(info.metadata["payee"], "E-1");
        assert_eq!(info.metadata["violations"], "2");
        let listed: Vec<_> = details
            .bad_request()
            .unwrap()
            .field_violations
            .iter()
            .map(|v| (v.field.as_str(), v.description.as_str()))
            .collect();
        assert_eq!(listed, [("payees[0].name", "must not be empty"), ("payees[1].kind", "must be given")]);
        assert!(details.retry_info().is_none());
    }

    #[test]
    fn only_overload_says_when_to_come_back() {
        for reason in ALL {
            let details = Status::from(Fault::new(reason, "no")).get_error_details();
            assert_eq!(details.retry_info().is_some(), reason == Reason::Overloaded, "{reason:?}");
            assert!(details.bad_request().is_none() && details.error_info().is_some(), "{reason:?}");
        }
    }

    #[test]
    fn an_answer_fits_in_eight_kibibytes_of_headers() {
        let mut violations = Violations::default();
        for place in 0..1000 {
            violations.add(format!("deals[{place}].amount"), "ü".repeat(5000));
        }
        let status = Status::from(Fault::invalid(violations).with("problems", "ü".repeat(5000)));
        let listed = status.get_details_bad_request().unwrap().field_violations;
        assert_eq!(listed.last().unwrap().description, format!("and {} more", 1001 - listed.len()));
        let headers = status.into_http::<()>().headers().clone();
        let bytes: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
        assert!(bytes < 8192, "{bytes}");
    }
}
