//! Postings: the double entries of a close (semantics 10).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::date::{Period, Window};
use super::id::{ComponentId, PayeeId, PlanId};
use super::money::Currency;

/// What is earned under: pay is a figure per key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
    /// Who earns.
    pub payee: PayeeId,
    /// Under which plan.
    pub plan: PlanId,
    /// By which component.
    pub component: ComponentId,
    /// In which window.
    pub window: Window,
}

/// The step of an earning's way that an entry records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PostingKind {
    /// Earned: expense, held for the payee.
    Earned,
    /// Released: no longer held, payable.
    Released,
}

/// An account of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Account {
    /// What pay has cost.
    Expense,
    /// Earned and not yet released.
    Held,
    /// Released and not yet paid.
    Payable,
}

impl Account {
    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Account::Expense => "EXPENSE",
            Account::Held => "HELD",
            Account::Payable => "PAYABLE",
        }
    }
}

impl PostingKind {
    /// Both kinds, in the order they are posted.
    pub const ALL: [PostingKind; 2] = [PostingKind::Earned, PostingKind::Released];

    /// The name in the API and in the database.
    pub fn name(self) -> &'static str {
        match self {
            PostingKind::Earned => "EARNED",
            PostingKind::Released => "RELEASED",
        }
    }

    /// The accounts that a positive amount debits and credits.
    pub fn accounts(self) -> (Account, Account) {
        match self {
            PostingKind::Earned => (Account::Expense, Account::Held),
            PostingKind::Released => (Account::Held, Account::Payable),
        }
    }
}

/// One entry of the ledger: debits one account and credits another with the same amount.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Posting {
    /// What is posted under.
    pub key: Key,
    /// The period that the amount belongs to; before the closed period: a prior-period adjustment.
    pub for_period: Period,
    /// The step recorded.
    pub kind: PostingKind,
    /// The plan's currency, in which the payee is paid.
    pub currency: Currency,
    /// Minor units, not zero; negative takes back.
    pub amount: i128,
}

/// What the ledger holds so far, by kind, key and period, in minor units of the currency of the key's plan.
pub type Posted = BTreeMap<(PostingKind, Key, Period), i128>;
