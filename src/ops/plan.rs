//! `attain plan`: plan files checked and tested here, compared with what is in force, and published.
//!
//! Checking and testing need no server: the tests of a file run through the calculation that closes periods.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use super::client::{self, Keyed, refused};
use crate::api::convert::plan_test::{self, PlanFile};
use crate::api::json::{from_json, to_json};
use crate::api::v1;
use crate::api::v1::measure_service_client::MeasureServiceClient;
use crate::api::v1::plan_service_client::PlanServiceClient;
use crate::app::plan_test::{Figure, Outcome, run as run_test};
use crate::config::{Plan, PublishPlan};
use crate::domain::encode::{Record, hex};
use crate::domain::fault::{Fault, Violation};
use crate::domain::measure::Measure;
use crate::picture::figures::grouped;

/// Hexadecimal digits of the content's digest in a request's name: enough that no two contents meet by accident.
const NAME_DIGITS: usize = 32;
/// Measures on a page.
const PAGE: i32 = 1000;
/// Largest plan file that is read.
const MAX_FILE: u64 = 4 << 20;

/// Runs a command on plan files.
pub async fn run(command: &Plan) -> anyhow::Result<()> {
    match command {
        Plan::Check { files } => check(files),
        Plan::Test { files } => test(files),
        Plan::Diff { file, server } => diff(file, client::connect(server).await?).await,
        Plan::Publish(options) => publish(options).await,
    }
}

/// A plan file as it stands and as it reads.
struct Loaded {
    wire: v1::PlanFile,
    file: PlanFile,
}

fn load(path: &Path) -> anyhow::Result<Loaded> {
    let name = path.display();
    let size = fs::metadata(path).with_context(|| format!("cannot read {name}"))?.len();
    if size > MAX_FILE {
        bail!("{name} must be at most {MAX_FILE} bytes, got {size}");
    }
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let wire: v1::PlanFile = from_json(&text).map_err(|fault| anyhow!("{name} is no plan file: {fault}"))?;
    let file = plan_test::file(&wire).map_err(|fault| anyhow!("{name} is wrong:{}", violations(&fault)))?;
    Ok(Loaded { wire, file })
}

/// Every violation of a fault, a line each.
fn violations(fault: &Fault) -> String {
    let line = |violation: &Violation| format!("\n  {violation}");
    fault.violations.iter().map(line).collect()
}

fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Does something with every file, and says at the end how many were refused.
fn each(files: &[PathBuf], one: impl Fn(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut bad = 0;
    for file in files {
        if let Err(fault) = one(file) {
            eprintln!("{fault:#}");
            bad += 1;
        }
    }
    if bad > 0 {
        bail!("{bad} of {} refused", counted(files.len(), "plan file"));
    }
    Ok(())
}

fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    each(files, |path| {
        let PlanFile { plan, measures, tests } = load(path)?.file;
        let counts =
            [(plan.components.len(), "component"), (measures.len(), "measure"), (tests.len(), "test")];
        let counts = counts.map(|(count, noun)| counted(count, noun)).join(", ");
        writeln!(std::io::stdout(), "{}: plan {}, {counts}", path.display(), plan.id)?;
        Ok(())
    })
}

fn test(files: &[PathBuf]) -> anyhow::Result<()> {
    each(files, |path| {
        let outcomes = outcomes(&load(path)?.file);
        write!(std::io::stdout(), "{}\n{}", path.display(), shown(&outcomes))?;
        passed(path, &outcomes)
    })
}

fn outcomes(file: &PlanFile) -> Vec<Outcome> {
    file.tests.iter().map(run_test).collect()
}

/// The tests of a file, a line each, and below one that failed every figure of it.
fn shown(outcomes: &[Outcome]) -> String {
    let mut text = String::new();
    for outcome in outcomes {
        let word = if outcome.passed() { "passed" } else { "FAILED" };
        text.push_str(&format!("  {word}  {}\n", outcome.title));
        if outcome.passed() {
            continue;
        }
        for figure in &outcome.figures {
            text.push_str(&format!("          {}\n", figure_text(outcome, figure)));
        }
        for problem in &outcome.problems {
            text.push_str(&format!("          a question is open: {problem}\n"));
        }
    }
    text
}

fn figure_text(outcome: &Outcome, figure: &Figure) -> String {
    let (payee, component, period) = &figure.place;
    let [expected, earned] =
        [figure.expected, figure.earned].map(|minor| grouped(&outcome.currency.amount(minor)));
    let place = format!("{payee} by {component} in {period}");
    if figure.holds() {
        format!("{place}: {earned}, as expected")
    } else {
        format!("{place}: expected {expected}, earned {earned}")
    }
}

fn passed(path: &Path, outcomes: &[Outcome]) -> anyhow::Result<()> {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed()).count();
    if failed > 0 {
        bail!("{}: {failed} of {} failed", path.display(), counted(outcomes.len(), "test"));
    }
    Ok(())
}

/// Prints what a file changes of the version that is published last.
async fn diff(path: &Path, server: Keyed) -> anyhow::Result<()> {
    let Loaded { wire, file } = load(path)?;
    let request = v1::DiffPlansRequest {
        plan_id: file.plan.id.to_string(),
        to: wire.plan.map(v1::diff_plans_request::To::Plan),
        ..v1::DiffPlansRequest::default()
    };
    let answer = PlanServiceClient::new(server).diff_plans(request).await;
    let diff = answer.map_err(|status| refused(&status, str::to_string))?.into_inner().diff;
    write!(std::io::stdout(), "{}", diff_text(&diff.unwrap_or_default()))?;
    Ok(())
}

fn diff_text(diff: &v1::PlanDiff) -> String {
    let mut text = format!("against version {}\n", diff.from_version);
    for (sign, ids) in [('+', &diff.added_component_ids), ('-', &diff.removed_component_ids)] {
        text.extend(ids.iter().map(|id| format!("{sign} component {id}\n")));
    }
    for change in &diff.changes {
        let or_none = |text: &str| if text.is_empty() { "nothing".to_string() } else { text.to_string() };
        let (old, new) = (or_none(&change.old_text), or_none(&change.new_text));
        text.push_str(&format!("  {}: {old} -> {new}\n", change.path));
    }
    let listed = i32::try_from(diff.changes.len()).unwrap_or(i32::MAX);
    if diff.change_count > listed {
        text.push_str(&format!("  and {} more\n", diff.change_count - listed));
    }
    if diff.change_count == 0 {
        text.push_str("  nothing differs\n");
    }
    text
}

/// Publishes a file whose tests pass, after the measures that it brings and the server does not have.
async fn publish(options: &PublishPlan) -> anyhow::Result<()> {
    let Loaded { wire, file } = load(&options.file)?;
    let outcomes = outcomes(&file);
    if let Err(fault) = passed(&options.file, &outcomes) {
        eprint!("{}", shown(&outcomes));
        return Err(fault.context("nothing was published"));
    }
    let server = client::connect(&options.server).await?;
    let mut content = Record::new("plan-file", 1).text(1, env!("CARGO_PKG_VERSION"));
    content = content.text(2, &to_json(&wire)?).text(3, &options.from.to_string()).text(4, &options.reason);
    let name = hex(&content.digest())[..NAME_DIGITS].to_string();
    let mut out = std::io::stdout().lock();
    if let Some((change, ids)) = define(&server, &wire.measures, &name, &options.reason).await? {
        writeln!(out, "measures {ids} defined by change {change}")?;
    }
    let request = v1::PublishPlanRequest {
        request_id: format!("plan-{name}"),
        reason: options.reason.clone(),
        plan: wire.plan,
        effective_from: options.from.to_string(),
        tests: wire.tests,
        ..v1::PublishPlanRequest::default()
    };
    let answer = PlanServiceClient::new(server).publish_plan(request).await;
    let answer = answer.map_err(|status| refused(&status, str::to_string))?.into_inner();
    let (change, tests) = (answer.receipt.unwrap_or_default().change_number, counted(outcomes.len(), "test"));
    let (id, version, from) = (&file.plan.id, answer.version, options.from);
    writeln!(out, "plan {id} version {version} counts from {from}, after {tests}: change {change}")?;
    Ok(())
}

/// Defines the measures that are not there yet; one that is there and means something else is refused. Answers the
/// change and the measures it defined, if there were any.
async fn define(
    server: &Keyed,
    measures: &[v1::Measure],
    name: &str,
    reason: &str,
) -> anyhow::Result<Option<(i64, String)>> {
    let mut client = MeasureServiceClient::new(server.clone());
    let read = |wires: &[v1::Measure]| {
        plan_test::defined(wires).map_err(|fault| anyhow!("a measure cannot be read:{}", violations(&fault)))
    };
    let known = read(&known(&mut client).await?)?;
    let mut missing = Vec::new();
    for (wire, measure) in measures.iter().zip(read(measures)?) {
        match known.iter().find(|known| known.id == measure.id) {
            None => missing.push(wire.clone()),
            // What people call it is not what it means.
            Some(known) if Measure { name: known.name.clone(), ..measure.clone() } == *known => {}
            Some(_) => bail!(
                "measure {} means something else at the server: another meaning is another measure",
                measure.id
            ),
        }
    }
    if missing.is_empty() {
        return Ok(None);
    }
    let ids: Vec<_> = missing.iter().map(|measure| measure.measure_id.clone()).collect();
    let request = v1::DefineMeasuresRequest {
        request_id: format!("measures-{name}"),
        reason: reason.to_string(),
        measures: missing,
        ..v1::DefineMeasuresRequest::default()
    };
    let answer = client.define_measures(request).await.map_err(|status| refused(&status, str::to_string))?;
    Ok(Some((answer.into_inner().receipt.unwrap_or_default().change_number, ids.join(", "))))
}

/// The server's measures.
async fn known(client: &mut MeasureServiceClient<Keyed>) -> anyhow::Result<Vec<v1::Measure>> {
    let mut known = Vec::new();
    let mut request = v1::ListMeasuresRequest { page_size: PAGE, ..v1::ListMeasuresRequest::default() };
    loop {
        let answer = client.list_measures(request.clone()).await;
        let answer = answer.map_err(|status| refused(&status, str::to_string))?.into_inner();
        known.extend(answer.measures);
        if answer.next_page_token.is_empty() {
            return Ok(known);
        }
        request.page_token = answer.next_page_token;
    }
}
