//! How a quota came about.

use sqlx::PgConnection;

use crate::auth::Role;
use crate::calc::RULES_REVISION;
use crate::calc::derivation::{self, Subject, Version};
use crate::calc::explain::Extent;
use crate::domain::date::{Window, WindowKind};
use crate::domain::explanation::Explanation;
use crate::domain::fault::{Fault, Violations};
use crate::domain::id::{MeasureId, PayeeId};
use crate::domain::proposal::{Figure, Terms};
use crate::domain::quota::QuotaKey;
use crate::storage;
use crate::storage::quota::version;

use super::super::earnings::{blocked, index, subject};
use super::super::{App, AsOf, Call, write};

/// Most versions that an explanation names.
const VERSIONS: i64 = 1000;

/// Which quota to explain. `payee` absent: the actor's own.
#[derive(Debug, Clone)]
pub struct ExplainQuotaQuery {
    pub payee: Option<PayeeId>,
    pub measure: MeasureId,
    pub window: Window,
    /// Node to start at; empty: the whole.
    pub path: String,
    /// Levels of children.
    pub depth: u16,
    /// Children of the start node to skip.
    pub skip: usize,
    /// Most children of each node.
    pub size: u16,
    pub as_of: AsOf,
}

/// What explaining a quota answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedQuota {
    pub explanation: Explanation,
    pub as_of: i64,
    pub rules_revision: u32,
}

impl App {
    /// The tree from an effective quota to what it is made of.
    pub async fn explain_quota(
        &self,
        call: &Call,
        query: ExplainQuotaQuery,
    ) -> Result<ExplainedQuota, Fault> {
        let asked = subject(call, query.payee)?;
        let seen = self.see(call, query.as_of).await?;
        self.authorise(call, &seen, seen.as_of, &asked, query.window.last().last_day()).await?;
        let terms = self.terms_seen(call, &seen).await?;
        let payee = index(&terms, &asked)?;
        if !terms.measures.contains_key(&query.measure) {
            let mut unknown = Violations::default();
            unknown.add("measure_id", format!("measure {} does not exist", query.measure));
            write::unknown(unknown)?;
        }
        let set = terms.quotas.get(&(payee, query.measure.clone()));
        let year = terms.calendar.window(WindowKind::Year, query.window.first());
        let from =
            [query.window, year].into_iter().find(|window| set.is_some_and(|set| set.contains_key(window)));
        let from = from.map(|window| QuotaKey { payee: asked, measure: query.measure.clone(), window });
        let mut versions: Vec<Version> = Vec::new();
        if let Some(key) = &from {
            let (tenant, calendar) = (call.tenant(), &terms.calendar);
            let mut tx = self.database().snapshot(tenant, call.timeout()).await?;
            let found = version::list(&mut tx, tenant, seen.as_of, calendar, key, 0, VERSIONS).await?;
            let version = |found: version::QuotaVersion| Version {
                change: found.change,
                kind: found.kind,
                proposal: found.proposal,
                given: None,
            };
            versions = found.into_iter().map(version).collect();
            // What was published last tells what the goal was made of.
            if let Some(last) = versions.iter_mut().rfind(|version| version.proposal.is_some()) {
                last.given = given(&mut tx, call, last, &key.payee).await?;
            }
        }
        let extent =
            Extent { depth: usize::from(query.depth), skip: query.skip, size: usize::from(query.size) };
        let work = move || {
            let subject = Subject { payee, measure: &query.measure, window: query.window };
            let versions = from.as_ref().map(|key| (key, versions.as_slice()));
            let explanation =
                derivation::explain(&terms, subject, versions, &query.path, extent).map_err(blocked)?;
            explanation.ok_or_else(|| Fault::not_found("explanation", &query.path))
        };
        // The quota of a whole company is the sum of everyone's.
        let explanation = super::super::facts::off_thread(work).await??;
        Ok(ExplainedQuota { explanation, as_of: seen.as_of, rules_revision: RULES_REVISION })
    }
}

/// What the proposal says that a version was published from: the figures from the top down to the payee; to a payee's key
/// from itself down.
async fn given(
    conn: &mut PgConnection,
    call: &Call,
    version: &Version,
    payee: &PayeeId,
) -> Result<Option<(Terms, Vec<Figure>)>, Fault> {
    let Some(id) = &version.proposal else { return Ok(None) };
    let (tenant, as_of) = (call.tenant(), version.change);
    let Some(proposal) = storage::proposal::get(&mut *conn, tenant, as_of, id).await? else {
        return Ok(None);
    };
    let mut line = storage::proposal::line(conn, tenant, as_of, &proposal.value, payee).await?;
    if call.actor.role == Role::Payee {
        let own = line.iter().position(|figure| Some(&figure.payee) == call.actor.payee.as_ref());
        line.drain(..own.unwrap_or(line.len()));
    }
    Ok(Some((proposal.value.body.terms, line)))
}
