//! What a role may do. Pure: no clock, no database; every pair of role and permission is decided here.

use crate::auth::{Actor, Permission, Role};
use crate::domain::id::PayeeId;

/// Whether keys of a role may call what asks for a permission.
pub fn may(role: Role, permission: Permission) -> bool {
    use Role::{Admin, Auditor, Payee, Payroll, Service};
    match permission {
        Permission::PayeesRead => matches!(role, Admin | Service | Payroll | Auditor),
        Permission::PayeesWrite | Permission::DealsWrite => matches!(role, Admin | Service),
        Permission::DealsRead | Permission::RulesRead | Permission::CalendarRead => {
            matches!(role, Admin | Service | Auditor)
        }
        Permission::EarningsRead => matches!(role, Admin | Service | Payee | Payroll | Auditor),
        Permission::LedgerRead => matches!(role, Admin | Service | Payroll | Auditor),
        Permission::QuotasRead => matches!(role, Admin | Service | Payee | Auditor),
        Permission::QuotasPlan => matches!(role, Admin | Payee),
        Permission::JournalRead => matches!(role, Admin | Auditor),
        Permission::RulesWrite | Permission::LedgerClose | Permission::TenantAdmin => matches!(role, Admin),
    }
}

/// Whether an actor sees a payee's earnings: everyone but a payee sees all; a payee its own and those of all
/// who report to it. `line` holds the managers above the subject on the day in question.
pub fn sees(actor: &Actor, subject: &PayeeId, line: &[PayeeId]) -> bool {
    match actor.role {
        Role::Admin | Role::Service | Role::Payroll | Role::Auditor => true,
        Role::Payee => actor.payee.as_ref().is_some_and(|payee| payee == subject || line.contains(payee)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::TenantId;

    #[test]
    fn every_pair_of_role_and_permission_is_as_the_contract_says() {
        // Admin, service, payee, payroll, auditor.
        let table = [
            (Permission::PayeesRead, "as.pu"),
            (Permission::PayeesWrite, "as..."),
            (Permission::DealsRead, "as..u"),
            (Permission::DealsWrite, "as..."),
            (Permission::RulesRead, "as..u"),
            (Permission::RulesWrite, "a...."),
            (Permission::EarningsRead, "asepu"),
            (Permission::LedgerRead, "as.pu"),
            (Permission::LedgerClose, "a...."),
            (Permission::JournalRead, "a...u"),
            (Permission::CalendarRead, "as..u"),
            (Permission::TenantAdmin, "a...."),
            (Permission::QuotasPlan, "a.e.."),
            (Permission::QuotasRead, "ase.u"),
        ];
        assert_eq!(table.map(|(permission, _)| permission), Permission::ALL);
        for (permission, allowed) in table {
            let letters = ["a", "s", "e", "p", "u"].into_iter().zip(Role::ALL);
            let row: String =
                letters.map(|(letter, role)| if may(role, permission) { letter } else { "." }).collect();
            assert_eq!(row, allowed, "{}", permission.name());
        }
    }

    #[test]
    fn a_payee_sees_itself_and_those_below_it() {
        let actor = |role, payee: Option<&str>| Actor {
            tenant: TenantId(uuid::Uuid::nil()),
            tenant_slug: "acme".into(),
            key: "k1".parse().unwrap(),
            role,
            payee: payee.map(|id| id.parse().unwrap()),
        };
        let id = |text: &str| text.parse::<PayeeId>().unwrap();
        let line = [id("M-1"), id("VP-1")];
        for (payee, seen) in [
            (Some("E-1"), true),
            (Some("M-1"), true),
            (Some("VP-1"), true),
            (Some("E-2"), false),
            (Some("E-10"), false),
            (None, false),
        ] {
            assert_eq!(sees(&actor(Role::Payee, payee), &id("E-1"), &line), seen, "{payee:?}");
        }
        for role in [Role::Admin, Role::Service, Role::Payroll, Role::Auditor] {
            assert!(sees(&actor(role, None), &id("E-1"), &line), "{role:?}");
        }
    }
}
