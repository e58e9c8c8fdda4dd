//! The one way facts and ledger change: lock the head, replay or refuse, check, write, append the change.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, Postgres, Transaction};

use crate::domain::fault::{Fault, Reason, Violations};
use crate::domain::id::{PayeeId, TenantId};
use crate::storage::journal::{self, Head};
use crate::storage::{self, Written, notice};

use super::resident::Resident;
use super::{App, Call, Receipt, Write};

/// A mutating call that holds the tenant's head.
pub(super) enum Begun<T> {
    /// The same request was done before; its answer.
    Replayed(T),
    /// Nothing was done yet.
    Fresh(Box<Open>),
}

/// A change being made. Dropped without [`Open::commit`], it never was.
pub(super) struct Open {
    pub(super) tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    actor: String,
    write: Write,
    head: Head,
    resident: Arc<Resident>,
}

/// Whether a change touches the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Touches {
    Facts,
    Ledger,
}

impl App {
    /// Begins a change.
    pub(super) async fn begin<T: DeserializeOwned>(
        &self,
        call: &Call,
        write: Write,
    ) -> Result<Begun<T>, Fault> {
        let tx = self.database().begin(call.tenant(), call.timeout()).await?;
        self.enter(tx, call, write).await
    }

    /// Begins a change in a transaction that has only staged so far.
    pub(super) async fn enter<T: DeserializeOwned>(
        &self,
        mut tx: Transaction<'static, Postgres>,
        call: &Call,
        write: Write,
    ) -> Result<Begun<T>, Fault> {
        let tenant = call.tenant();
        let head = journal::lock(&mut tx, tenant).await?;
        let first = journal::replay(&mut tx, tenant, write.rpc, &write.request_id, &write.digest).await?;
        if let Some(answer) = first {
            let answer = serde_json::from_slice(&answer).map_err(storage::corrupt)?;
            return Ok(Begun::Replayed(answer));
        }
        let (actor, resident) = (call.actor.key.to_string(), Arc::clone(&self.inner.resident));
        Ok(Begun::Fresh(Box::new(Open { tx, tenant, actor, write, head, resident })))
    }
}

impl Open {
    /// The number this change will have.
    pub(super) fn number(&self) -> i64 {
        self.head.number + 1
    }

    /// Where the journal stood when the head was locked.
    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn tenant(&self) -> TenantId {
        self.tenant
    }

    pub(super) fn conn(&mut self) -> &mut PgConnection {
        &mut self.tx
    }

    /// Appends the change with its answer and commits; for `validate_only`, undoes it all and answers
    /// without a change number.
    pub(super) async fn commit<T: Serialize>(mut self, answer: &T, touches: Touches) -> Result<(), Fault> {
        if self.write.validate_only {
            return self.tx.rollback().await.map_err(storage::fault);
        }
        let answer = serde_json::to_vec(answer).map_err(storage::corrupt)?;
        let entry = journal::Entry {
            actor: &self.actor,
            rpc: self.write.rpc,
            request_id: &self.write.request_id,
            request_digest: self.write.digest,
            reason: self.write.reason.as_deref(),
            time: chrono::Utc::now(),
        };
        let ledger = touches == Touches::Ledger;
        let number = journal::append(&mut self.tx, self.tenant, &self.head, &entry, &answer, ledger).await?;
        notice::tell(&mut self.tx, self.tenant, number).await?;
        // Before it is there: no read after it may miss it, even if the caller has given up.
        self.resident.heard(self.tenant, number);
        self.tx.commit().await.map_err(storage::fault)
    }

    /// The receipt of what was written: with this change's number, unless nothing is to stay.
    pub(super) fn receipt(&self, written: Written) -> Receipt {
        let change = if self.write.validate_only { 0 } else { self.number() };
        let Written { written, unchanged } = written;
        Receipt { change, written, unchanged, stale: 0, first_stale: Vec::new() }
    }

    /// Whether the request names etags at all.
    pub(super) fn expects_etags(&self) -> bool {
        !self.write.etags.is_empty()
    }

    /// Refuses if a resource was last written by another change than the request expects. `actual` gives the name and
    /// the etag of the resource at a place of the request, 0 if there is none.
    pub(super) fn check_etags(
        &self,
        noun: &'static str,
        actual: impl Fn(usize) -> (String, i64),
    ) -> Result<(), Fault> {
        let mut violations = Violations::default();
        let mut first = None;
        for expected in &self.write.etags {
            let (name, actual) = actual(expected.place);
            if actual == expected.etag {
                continue;
            }
            let etag = expected.etag;
            let is = match actual {
                0 => "does not exist".to_string(),
                actual => format!("was last written by change {actual}"),
            };
            violations.add(&expected.field, format!("expects change {etag}, but {noun} {name} {is}"));
            first.get_or_insert((name, etag, actual));
        }
        let Some((name, expected, actual)) = first else { return Ok(()) };
        let message = violations.sentence("etags are not those of the resources");
        Err(Fault::new(Reason::EtagMismatch, message)
            .with("count", violations.len())
            .with("resource", noun)
            .with("id", name)
            .with("expected", expected)
            .with("actual", actual)
            .violating(violations))
    }
}

/// Names that a request gives and the field each stands in; refuses those that do not exist.
pub(super) fn refuse_unknown<T: PartialEq + std::fmt::Display>(
    noun: &'static str,
    named: &[(String, T)],
    missing: &[T],
    violations: &mut Violations,
) {
    for (field, id) in named.iter().filter(|(_, id)| missing.contains(id)) {
        violations.add(field.as_str(), format!("{noun} {id} does not exist"));
    }
}

/// The fault that lists every unknown name, if there is any.
pub(super) fn unknown(violations: Violations) -> Result<(), Fault> {
    if violations.is_empty() {
        return Ok(());
    }
    let message = violations.sentence("names are unknown");
    Err(Fault::new(Reason::ReferenceUnknown, message).with("count", violations.len()).violating(violations))
}

/// The fault that lists everything that does not fit what is there, unknown names too, if there is any.
pub(super) fn unfit(violations: Violations) -> Result<(), Fault> {
    if violations.is_empty() { Ok(()) } else { Err(Fault::unfit(violations)) }
}

/// Payees named by a request, checked in one query.
pub(super) async fn check_payees(
    conn: &mut PgConnection,
    tenant: TenantId,
    named: &[(String, PayeeId)],
    violations: &mut Violations,
) -> Result<(), Fault> {
    let mut ids: Vec<_> = named.iter().map(|(_, id)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    let missing = storage::payee::missing(conn, tenant, &ids).await?;
    refuse_unknown("payee", named, &missing, violations);
    Ok(())
}
