//! `attain verify`: a line for each tenant and each anchor, and a fault if anything was altered.

use std::io::Write as _;

use anyhow::{Context as _, bail};

use super::database::Started;
use super::tenant::CONNECTIONS;
use crate::app::App;
use crate::app::journal::Verified;
use crate::app::tenant::command_line;
use crate::domain::change::{Anchor, AnchorState};

/// Verifies one tenant or all of them, also past one that was altered.
pub async fn run(database: &Started, only: Option<&str>, anchors: &[String]) -> anyhow::Result<()> {
    let anchors = anchors.iter().map(|text| read_anchor(text)).collect::<Result<Vec<_>, _>>()?;
    database.migrate().await?;
    let pool = database.pool(CONNECTIONS);
    let app = App::new(pool.clone());
    let mut tenants = app.tenants().await?;
    tenants.retain(|(_, slug)| only.is_none_or(|only| only == slug));
    if let Some(only) = only.filter(|_| tenants.is_empty()) {
        bail!("there is no tenant {only:?}");
    }
    if tenants.is_empty() {
        eprintln!("there are no tenants: nothing was verified");
    }
    let mut altered = 0;
    for (tenant, slug) in &tenants {
        let call = command_line(*tenant, slug)?;
        let verified = app.verify(&call, &anchors, 0).await.with_context(|| format!("tenant {slug}"))?;
        altered += usize::from(verified.first_fault.is_some());
        writeln!(std::io::stdout(), "{}", line(slug, &verified))?;
        for (anchor, state) in anchors.iter().zip(&verified.anchors) {
            writeln!(
                std::io::stdout(),
                "{slug}: anchor {anchor} {}",
                became(*state, verified.anchor.number)
            )?;
        }
    }
    pool.close().await;
    match altered {
        0 => Ok(()),
        altered => bail!("{altered} of {} tenants were altered", tenants.len()),
    }
}

fn read_anchor(text: &str) -> anyhow::Result<Anchor> {
    Anchor::parse(text)
        .with_context(|| format!("the anchor must be a change's number and hash, 17:9f86…, got {text:?}"))
}

fn line(slug: &str, verified: &Verified) -> String {
    let Verified { first_fault, changes, rows, erased, anchor, .. } = verified;
    match first_fault {
        None if *erased > 0 => {
            format!("{slug}: sound, {changes} changes, {rows} rows, {erased} erased, head {anchor}")
        }
        None => format!("{slug}: sound, {changes} changes, {rows} rows, head {anchor}"),
        Some(fault) => format!("{slug}: ALTERED: {fault}"),
    }
}

/// What became of an anchor where the journal ends at `head`.
fn became(state: AnchorState, head: i64) -> String {
    match state {
        AnchorState::Holds => "holds".to_string(),
        AnchorState::Differs => "DIFFERS: the journal up to it was written anew".to_string(),
        AnchorState::Beyond => format!("is BEYOND the head, change {head}: the journal's end was cut off"),
    }
}
