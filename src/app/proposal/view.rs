//! What a caller sees of a proposal: all of it, or with a payee's key the envelope of its payee and all below.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::Call;
use crate::auth::Role;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{PayeeId, ProposalId};
use crate::domain::proposal::{Figure, Proposal, Terms};
use crate::storage;
use crate::storage::proposal::FigureList;

use super::{absent, not_reporting};

/// A proposal as it is seen.
pub(super) struct View {
    pub(super) proposal: Proposal,
    /// With a payee's key what alone is seen.
    pub(super) own: Option<Own>,
}

/// A payee's part of a proposal.
pub(super) struct Own {
    payee: PayeeId,
    /// The payee and everybody below.
    payees: BTreeSet<PayeeId>,
}

impl View {
    /// Finds a proposal. Absent and not yours read alike: a payee's key has to have an envelope in it.
    pub(super) async fn find(
        conn: &mut PgConnection,
        call: &Call,
        as_of: i64,
        id: &ProposalId,
    ) -> Result<View, Fault> {
        let proposal = storage::proposal::get(&mut *conn, call.tenant(), as_of, id).await?;
        let proposal = proposal.ok_or_else(|| absent(id))?.value;
        let own = match call.actor.role {
            Role::Payee => {
                let payee = call.actor.payee.clone().ok_or_else(|| absent(id))?;
                let payees = storage::proposal::below(conn, call.tenant(), as_of, id, &payee).await?;
                if payees.is_empty() {
                    return Err(absent(id));
                }
                Some(Own { payees: payees.into_iter().chain([payee.clone()]).collect(), payee })
            }
            Role::Admin | Role::Service | Role::Payroll | Role::Auditor => None,
        };
        Ok(View { proposal, own })
    }

    /// The terms, and the figures that are seen, by payee.
    pub(super) async fn figures(
        self,
        conn: &mut PgConnection,
        call: &Call,
        as_of: i64,
    ) -> Result<(Terms, Vec<Figure>), Fault> {
        let View { proposal, own } = self;
        let payees = own.map(Own::into_payees);
        let list = FigureList { payees: payees.as_deref(), ..FigureList::ALL };
        let stored = storage::proposal::figures(conn, call.tenant(), as_of, &proposal, list).await?;
        Ok((proposal.body.terms, stored.into_iter().map(|stored| stored.value).collect()))
    }
}

impl Own {
    /// Whether a payee's figure is seen.
    pub(super) fn sees(&self, payee: &PayeeId) -> bool {
        self.payees.contains(payee)
    }

    /// Whose figures are seen, by id.
    pub(super) fn into_payees(self) -> Vec<PayeeId> {
        self.payees.into_iter().collect()
    }

    /// Refuses what names others than those below; whoever does not exist reads the same.
    pub(super) fn check_below(&self, named: &[(PayeeId, i64)]) -> Result<(), Fault> {
        let own = &self.payee;
        let mut violations = Violations::default();
        let others = |payee: &PayeeId| payee == own || !self.sees(payee);
        for (place, (payee, _)) in named.iter().enumerate().filter(|(_, (payee, _))| others(payee)) {
            violations.add(format!("changes[{place}]"), format!("{payee} does not report to {own}"));
        }
        not_reporting(own, violations)
    }

    /// What is wrong above the payee is told without others' figures.
    pub(super) fn unnamed(&self, fault: Fault) -> Fault {
        let own = &self.payee;
        let about = fault.metadata.get("payee").and_then(|payee| payee.parse().ok());
        if about.is_none_or(|payee| self.sees(&payee)) {
            return fault;
        }
        let message =
            format!("what those below {own} would have together does not fit the bounds above {own}");
        Fault::new(Reason::EnvelopeBroken, message).with("manager", own)
    }
}
