//! Proposals of quotas: computed on facts, talked over, changed within envelopes, published.

pub mod publish;
mod view;

use std::collections::BTreeMap;
use std::fmt::Display;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use crate::auth::policy::may;
use crate::auth::{Permission, Role};
use crate::calc::Calculation;
use crate::calc::proposal::{Proposed, Refusal, adjust, propose};
use crate::calc::quality::assess;
use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{PayeeId, ProposalId, TenantId};
use crate::domain::number::Quantity;
use crate::domain::proposal::{Body, Figure, Proposal, Terms};
use crate::domain::quality::Assessment;
use crate::storage::proposal::FigureList;
use crate::storage::{self, Stored};

use super::earnings::blocked;
use super::facts::off_thread;
use super::write::{Begun, Open, Touches, check_payees, unknown};
use super::{App, AsOf, Call, Listed, Page, Receipt, Write};

use view::{Own, View};

pub use crate::storage::proposal::Told;

/// What proposing answers.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ProposeReceipt {
    /// What was written.
    pub receipt: Receipt,
    /// How many payees are in it.
    pub payees: usize,
    /// The figure of the top.
    pub total: String,
    /// How many figures a bound holds.
    pub bound: usize,
}

/// What is to be proposed.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Under which name.
    pub id: ProposalId,
    /// What.
    pub terms: Terms,
    /// Whether the caller states a step; else it is the measure's.
    pub has_step: bool,
    /// Whether the caller states the months of the history; else they are the last ones that are over.
    pub has_history: bool,
}

/// A proposal and the change that last wrote it or one of its figures.
#[derive(Debug, Clone)]
pub struct Standing {
    pub proposal: Proposal,
    pub etag: i64,
    pub as_of: i64,
}

/// Figures of a page with what proposal they are of.
pub type Figures = (Proposal, Listed<Told>);

/// A payee's figures in two proposals.
#[derive(Debug, Clone)]
pub struct Compared {
    pub payee: PayeeId,
    pub one: Option<i64>,
    pub other: Option<i64>,
}

impl App {
    /// Proposes quotas.
    pub async fn propose_quotas(
        &self,
        call: &Call,
        write: Write,
        asked: Asked,
    ) -> Result<ProposeReceipt, Fault> {
        match self.begin::<ProposeReceipt>(call, write.clone()).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(mut open) => check_asked(&mut open, &asked).await?,
        }
        // Computed without the head: others go on writing. What it is computed on is kept with it.
        let seen = self.see(call, AsOf::default()).await?;
        let (facts, turn) = self.everything(call, &seen, &[]).await?;
        let Asked { id, mut terms, has_step, has_history } = asked;
        if !has_history {
            terms.history = terms.history.over_on(self.today(call, &seen).await?);
        } else if terms.history.first < facts.calendar.first_period {
            let (first, got) = (facts.calendar.first_period, terms.history.first);
            let mut violations = Violations::default();
            let message = format!("must not be before the first period {first}, got {got}");
            violations.add("proposal.history.first_period", message);
            return Err(Fault::unfit(violations));
        }
        let step = facts.measures.get(&terms.measure).and_then(|measure| measure.step);
        if let Some(Quantity(step)) = step.filter(|_| !has_step) {
            terms.step = step;
            let mut violations = Violations::default();
            terms.check("proposal", &mut violations);
            violations.finish(Some(()))?;
        }
        let as_of = facts.as_of;
        let work = move || {
            let _turn = turn;
            let through = terms.history.last.max(facts.calendar.first_period);
            let calculation = Calculation::open(&facts, through);
            propose(&calculation, &terms).map(|proposed| (terms, proposed))
        };
        let (terms, proposed) = off_thread(work).await?.map_err(|refusal| match refusal {
            Refusal::Open(problem) => blocked(problem),
            Refusal::Refused(fault) => fault,
        })?;
        let Proposed { figures, seasonality } = proposed;
        let body = Body { terms, seasonality, computed_as_of: as_of, published: false };
        let proposal = Proposal { id, body };
        let mut open = match self.begin::<ProposeReceipt>(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        check_open(&mut open, &proposal.id).await?;
        let (tenant, number) = (open.tenant(), open.number());
        let mut written = storage::proposal::save(open.conn(), tenant, number, &proposal).await?;
        let set =
            storage::proposal::set_figures(open.conn(), tenant, number, &proposal, &figures, true).await?;
        (written.written, written.unchanged) =
            (written.written + set.written, written.unchanged + set.unchanged);
        let top = figures.iter().find(|figure| figure.manager.is_none());
        let receipt = ProposeReceipt {
            receipt: open.receipt(written),
            payees: figures.len(),
            total: proposal.body.terms.text(top.map_or(0, |top| top.amount).into()),
            bound: figures.iter().filter(|figure| figure.made.bound.is_some()).count(),
        };
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// A proposal without its figures: of a payee's key without what is stated for others than those in its envelope.
    pub async fn proposal(&self, call: &Call, as_of: AsOf, id: &ProposalId) -> Result<Standing, Fault> {
        let mut read = self.read(call, as_of).await?;
        let (tx, as_of) = (&mut read.tx, read.as_of);
        let View { mut proposal, own } = View::find(&mut *tx, call, as_of, id).await?;
        if let Some(own) = &own {
            proposal.body.terms.retain(|payee| own.sees(payee));
        }
        let etag = storage::proposal::etag(tx, call.tenant(), as_of, id).await?;
        Ok(Standing { proposal, etag, as_of })
    }

    /// Proposals by name; of a payee's key those in which anybody reports to it.
    pub async fn proposals(&self, call: &Call, page: Page) -> Result<Listed<Stored<Proposal>>, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let after = page.after::<ProposalId>()?;
        let (tx, tenant) = (&mut read.tx, call.tenant());
        let manager = match call.actor.role {
            Role::Payee => Some(call.actor.payee.as_ref().map_or("", PayeeId::as_str)),
            Role::Admin | Role::Service | Role::Payroll | Role::Auditor => None,
        };
        let found =
            storage::proposal::list(tx, tenant, read.as_of, manager, after.as_ref(), page.limit()).await?;
        Ok(Listed::new(found, &page, read.as_of, |proposal| proposal.value.id.to_string()))
    }

    /// Figures of a proposal by payee: of a payee's key the envelope that it has and those of all who report to it. Who
    /// changed them and why is told to keys that read the journal.
    pub async fn proposal_figures(
        &self,
        call: &Call,
        id: &ProposalId,
        manager: Option<&PayeeId>,
        page: Page,
    ) -> Result<Figures, Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let (tx, tenant, as_of) = (&mut read.tx, call.tenant(), read.as_of);
        let View { proposal, own } = View::find(&mut *tx, call, as_of, id).await?;
        let payees = own.map(Own::into_payees);
        let after = page.after::<PayeeId>()?;
        let list =
            FigureList { manager, payees: payees.as_deref(), after: after.as_ref(), limit: page.limit() };
        let mut found = storage::proposal::told(tx, tenant, as_of, &proposal, list).await?;
        if !may(call.actor.role, Permission::JournalRead) {
            found.iter_mut().for_each(|told| (told.actor, told.reason) = (String::new(), None));
        }
        Ok((proposal, Listed::new(found, &page, as_of, |told| told.figure.value.payee.to_string())))
    }

    /// Changes figures of a proposal.
    pub async fn adjust_proposal(
        &self,
        call: &Call,
        write: Write,
        id: ProposalId,
        changes: Vec<(PayeeId, i64)>,
    ) -> Result<Receipt, Fault> {
        let mut open = match self.begin(call, write).await? {
            Begun::Replayed(receipt) => return Ok(receipt),
            Begun::Fresh(open) => open,
        };
        let (tenant, number, as_of) = (open.tenant(), open.number(), open.head().number);
        let View { proposal, own } = View::find(open.conn(), call, as_of, &id).await?;
        if let Some(own) = &own {
            own.check_below(&changes)?;
        }
        check_unpublished(&proposal)?;
        check_etag(&mut open, &proposal).await?;
        let before = all_figures(open.conn(), tenant, as_of, &proposal).await?;
        let terms = proposal.body.terms.clone();
        let adjusted = off_thread(move || {
            let mut after = before.clone();
            adjust(&terms, &mut after, &changes)?;
            after.retain(|figure| {
                let known = before.binary_search_by(|known| known.payee.cmp(&figure.payee));
                known.is_ok_and(|place| before[place] != *figure)
            });
            Ok::<_, Fault>(after)
        });
        let changed = adjusted.await?.map_err(|fault| match &own {
            Some(own) => own.unnamed(fault),
            None => fault,
        })?;
        let written =
            storage::proposal::set_figures(open.conn(), tenant, number, &proposal, &changed, false).await?;
        let receipt = open.receipt(written);
        open.commit(&receipt, Touches::Facts).await?;
        Ok(receipt)
    }

    /// The figures of two proposals of one unit, by payee.
    pub async fn compare_proposals(
        &self,
        call: &Call,
        ids: (&ProposalId, &ProposalId),
        page: Page,
    ) -> Result<(Terms, Listed<Compared>), Fault> {
        let mut read = self.read(call, page.as_of).await?;
        let (tx, as_of) = (&mut read.tx, read.as_of);
        let (terms, ones) = View::find(&mut *tx, call, as_of, ids.0).await?.figures(tx, call, as_of).await?;
        let (others, theirs) =
            View::find(&mut *tx, call, as_of, ids.1).await?.figures(tx, call, as_of).await?;
        if terms.currency != others.currency {
            let name = |terms: &Terms| terms.currency.map_or("a number".to_string(), |c| c.to_string());
            let message = format!("must be in {}, got one in {}", name(&terms), name(&others));
            return Err(Fault::field("other_proposal_id", message));
        }
        let mut compared: BTreeMap<PayeeId, Compared> = BTreeMap::new();
        let mut note = |figure: Figure, second: bool| {
            let payee = figure.payee.clone();
            let entry = compared.entry(payee.clone()).or_insert(Compared { payee, one: None, other: None });
            *(if second { &mut entry.other } else { &mut entry.one }) = Some(figure.amount);
        };
        ones.into_iter().for_each(|figure| note(figure, false));
        theirs.into_iter().for_each(|figure| note(figure, true));
        let after = page.after::<PayeeId>()?;
        let size = usize::from(page.size).saturating_add(1);
        let rest = compared.into_values().filter(|one| after.as_ref().is_none_or(|after| one.payee > *after));
        Ok((terms, Listed::new(rest.take(size).collect(), &page, as_of, |one| one.payee.to_string())))
    }

    /// How good the quotas of a proposal would be, of a payee's key those in its envelope, and the journal number read as of.
    pub async fn assess_proposal(
        &self,
        call: &Call,
        as_of: AsOf,
        id: &ProposalId,
    ) -> Result<(Assessment, i64), Fault> {
        let seen = self.see(call, as_of).await?;
        let mut tx = self.database().snapshot(call.tenant(), call.timeout()).await?;
        let view = View::find(&mut tx, call, seen.as_of, id).await?;
        let (terms, figures) = view.figures(&mut tx, call, seen.as_of).await?;
        drop(tx);
        let (facts, turn) = self.everything(call, &seen, &[]).await?;
        let work = move || {
            let _turn = turn;
            assess(&facts, &terms, &figures)
        };
        Ok((off_thread(work).await?, seen.as_of))
    }
}

fn absent(id: &ProposalId) -> Fault {
    Fault::not_found("proposal", id)
}

/// Figures by payee.
async fn all_figures(
    conn: &mut PgConnection,
    tenant: TenantId,
    as_of: i64,
    proposal: &Proposal,
) -> Result<Vec<Figure>, Fault> {
    let stored = storage::proposal::figures(conn, tenant, as_of, proposal, FigureList::ALL).await?;
    Ok(stored.into_iter().map(|stored| stored.value).collect())
}

fn not_reporting(manager: impl Display, violations: Violations) -> Result<(), Fault> {
    if violations.is_empty() {
        return Ok(());
    }
    let message = violations.sentence("payees do not report to the manager");
    Err(Fault::new(Reason::NotReporting, message).with("manager", manager).violating(violations))
}

fn check_unpublished(proposal: &Proposal) -> Result<(), Fault> {
    if !proposal.body.published {
        return Ok(());
    }
    let message = format!("proposal {} is published: its figures are quotas", proposal.id);
    Err(Fault::new(Reason::ProposalPublished, message).with("proposal", &proposal.id))
}

/// Refuses if the proposal or a figure of it was last written by another change than the request expects.
async fn check_etag(open: &mut Open, proposal: &Proposal) -> Result<(), Fault> {
    if !open.expects_etags() {
        return Ok(());
    }
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let etag = storage::proposal::etag(open.conn(), tenant, as_of, &proposal.id).await?;
    open.check_etags("proposal", |_| (proposal.id.to_string(), etag))
}

/// What can be said of a request before anything is computed: everybody whom it names exists, and it may be written.
async fn check_asked(open: &mut Open, asked: &Asked) -> Result<(), Fault> {
    let mut named = asked.terms.named();
    named.push(("root_payee_id".to_string(), asked.terms.root.clone()));
    let named: Vec<_> = named.into_iter().map(|(field, id)| (format!("proposal.{field}"), id)).collect();
    let mut violations = Violations::default();
    let tenant = open.tenant();
    check_payees(open.conn(), tenant, &named, &mut violations).await?;
    unknown(violations)?;
    check_open(open, &asked.id).await
}

/// Whether a proposal of this name may be written.
async fn check_open(open: &mut Open, id: &ProposalId) -> Result<(), Fault> {
    let (tenant, as_of) = (open.tenant(), open.head().number);
    let known = storage::proposal::get(open.conn(), tenant, as_of, id).await?;
    if let Some(known) = &known {
        check_unpublished(&known.value)?;
    }
    if open.expects_etags() {
        let etag = match known {
            Some(_) => storage::proposal::etag(open.conn(), tenant, as_of, id).await?,
            None => 0,
        };
        open.check_etags("proposal", |_| (id.to_string(), etag))?;
    }
    Ok(())
}
