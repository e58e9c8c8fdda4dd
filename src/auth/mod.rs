//! Who calls, and what they may do. The layer finds out who; the policy is pure and says what.

pub mod key;
pub mod layer;
pub mod policy;

use std::fmt;
use std::time::Instant;

use crate::domain::id::{KeyId, PayeeId, TenantId};

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Everything.
    Admin,
    /// An internal service: writes payees and deals, reads everything but the journal.
    Service,
    /// A payee: its own earnings, and those of all who report to it.
    Payee,
    /// Payroll: payees, statements and postings.
    Payroll,
    /// Reads everything, writes nothing.
    Auditor,
}

impl Role {
    /// All roles.
    pub const ALL: [Role; 5] = [Role::Admin, Role::Service, Role::Payee, Role::Payroll, Role::Auditor];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "ADMIN",
            Role::Service => "SERVICE",
            Role::Payee => "PAYEE",
            Role::Payroll => "PAYROLL",
            Role::Auditor => "AUDITOR",
        }
    }

    /// The role of a name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// What an rpc asks its caller to be allowed. The proto enum `Permission` lists the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Permission {
    /// See payees, their assignments and reporting lines.
    PayeesRead,
    /// Write payees and assignments.
    PayeesWrite,
    /// See deals, their events and the rejected rows of imports.
    DealsRead,
    /// Write deals and events, import files.
    DealsWrite,
    /// See measures, quotas and plans.
    RulesRead,
    /// Define measures, set quotas, publish plans.
    RulesWrite,
    /// See attainment, statements and explanations; whose is decided by [`policy::sees`].
    EarningsRead,
    /// Preview a close and see postings.
    LedgerRead,
    /// Close periods, accept another revision of the rules.
    LedgerClose,
    /// Read the journal and verify it.
    JournalRead,
    /// See the calendar, and find the journal number of an instant.
    CalendarRead,
    /// Set the calendar, make and revoke keys, erase personal data.
    TenantAdmin,
    /// Change proposed quotas, and move published ones; whose is decided by the reporting line.
    QuotasPlan,
    /// See proposed quotas; whose is decided by the reporting line.
    QuotasRead,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Permission; 14] = [
        Permission::PayeesRead,
        Permission::PayeesWrite,
        Permission::DealsRead,
        Permission::DealsWrite,
        Permission::RulesRead,
        Permission::RulesWrite,
        Permission::EarningsRead,
        Permission::LedgerRead,
        Permission::LedgerClose,
        Permission::JournalRead,
        Permission::CalendarRead,
        Permission::TenantAdmin,
        Permission::QuotasPlan,
        Permission::QuotasRead,
    ];

    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Permission::PayeesRead => "PAYEES_READ",
            Permission::PayeesWrite => "PAYEES_WRITE",
            Permission::DealsRead => "DEALS_READ",
            Permission::DealsWrite => "DEALS_WRITE",
            Permission::RulesRead => "RULES_READ",
            Permission::RulesWrite => "RULES_WRITE",
            Permission::EarningsRead => "EARNINGS_READ",
            Permission::LedgerRead => "LEDGER_READ",
            Permission::LedgerClose => "LEDGER_CLOSE",
            Permission::JournalRead => "JOURNAL_READ",
            Permission::CalendarRead => "CALENDAR_READ",
            Permission::TenantAdmin => "TENANT_ADMIN",
            Permission::QuotasPlan => "QUOTAS_PLAN",
            Permission::QuotasRead => "QUOTAS_READ",
        }
    }

    /// The permission of a name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }
}

/// Who calls: a key of a tenant in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// Whose facts the call is about.
    pub tenant: TenantId,
    /// The tenant's name in keys and logs.
    pub tenant_slug: String,
    /// The key's public part.
    pub key: KeyId,
    /// What the key may do.
    pub role: Role,
    /// For a payee's key: whose it is.
    pub payee: Option<PayeeId>,
}

/// When the caller gives up; put beside the [`Actor`] by the layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// Absent: never.
    pub at: Option<Instant>,
    /// Whether the caller said so, not the server for want of it.
    pub asked: bool,
}

/// A text that no log and no error may show.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: String) -> Self {
        Secret(text)
    }

    /// The text, for the one place that hands it out or hashes it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}
