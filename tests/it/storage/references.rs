//! Verification of references: facts whose digests and changes are in order, and that name what does not exist.

use attain::domain::date::{Calendar, Period, WindowKind};
use attain::domain::encode::digest;
use attain::domain::id::{PayeeId, TenantId};
use attain::domain::measure::{Combine, Measure, Source};
use attain::domain::money::{Currency, Rounding};
use attain::domain::payee::{Payee, PayeeKind};
use attain::domain::proposal::{
    Allocation, Body, Figure, History, Limits, Made, Proposal, Season, Terms, Way, Weigh,
};
use attain::storage::journal::{self, Entry};
use attain::storage::verify::verify;
use attain::storage::{Database, measure, payee, proposal, tenant};
use uuid::Uuid;

use crate::harness::cluster::cluster;

/// What a proposal names: top, measure, measure of teams, measure of the history.
type Named = [&'static str; 4];

/// Of payees `ann` and `bob` and a measure `own`.
const GOOD: Named = ["ann", "own", "own", "own"];

/// The proposal `q1` with bait: payees in it are called as its fields are.
fn a_proposal([root, measure, team, history]: Named) -> Proposal {
    let period = |text: &str| Period::parse(text).unwrap();
    let calendar = Calendar {
        currency: Currency::parse("USD").unwrap(),
        zone: chrono_tz::UTC,
        fiscal_first_month: 1,
        rounding: Rounding::HalfAwayFromZero,
        first_period: period("2025-01"),
    };
    let bait = ["history", "measure", "root", "team_measure"].map(|id| id.parse::<PayeeId>().unwrap());
    let weight = attain::domain::number::Quantity(1_000_000);
    let way = Way::Allocate(Allocation {
        goal: 100,
        weigh: Weigh::Given,
        weights: bait.iter().map(|payee| (payee.clone(), weight)).collect(),
        over_assignment: Vec::new(),
    });
    let terms = Terms {
        root: root.parse().unwrap(),
        measure: measure.parse().unwrap(),
        team_measure: Some(team.parse().unwrap()),
        window: calendar.window(WindowKind::Quarter, period("2026-01")),
        currency: None,
        step: 1,
        way,
        history: History {
            measure: history.parse().unwrap(),
            first: period("2025-10"),
            last: period("2025-12"),
        },
        limits: Limits::default(),
        payee_limits: bait.into_iter().map(|payee| (payee, Limits::default())).collect(),
        season: Season::Even,
    };
    let body = Body { terms, seasonality: None, computed_as_of: 0, published: false };
    Proposal { id: "q1".parse().unwrap(), body }
}

fn a_figure(payee: &str, manager: Option<&str>) -> Figure {
    let made =
        Made { team: false, proposed: 0, weight: None, history: 0, floor: 0, ceiling: None, bound: None };
    let manager = manager.map(|id| id.parse().unwrap());
    Figure { payee: payee.parse().unwrap(), manager, level: 0, amount: 0, made }
}

/// What verification says of a journal whose one change wrote payees, a measure, the proposal, if it is `kept`, and
/// figures; nothing of it is committed.
async fn verified(database: &Database, of: TenantId, kept: bool, named: Named, figures: &[Figure]) -> String {
    let mut tx = database.begin(of, None).await.unwrap();
    let head = journal::lock(&mut tx, of).await.unwrap();
    let payees = ["ann", "bob"].map(|id| Payee {
        id: id.parse().unwrap(),
        kind: PayeeKind::Person,
        name: None,
        email: None,
        assignments: Vec::new(),
        source_version: None,
    });
    payee::upsert(&mut tx, of, 1, &payees).await.unwrap();
    let source = Source::Outside(Combine::Sum);
    let own = Measure { id: "own".parse().unwrap(), name: "Own".to_string(), source, step: None };
    measure::upsert(&mut tx, of, 1, &[own]).await.unwrap();
    let proposal = a_proposal(named);
    if kept {
        proposal::save(&mut tx, of, 1, &proposal).await.unwrap();
    }
    proposal::set_figures(&mut tx, of, 1, &proposal, figures, true).await.unwrap();
    let entry = Entry {
        actor: "k1",
        rpc: "Write",
        request_id: &"r-1".parse().unwrap(),
        request_digest: digest(b"body"),
        reason: None,
        time: "2026-01-02T03:04:05Z".parse().unwrap(),
    };
    journal::append(&mut tx, of, &head, &entry, b"answer", false).await.unwrap();
    let report = verify(&mut tx, of, &[]).await.unwrap();
    report.first_fault.unwrap_or_else(|| "sound".to_string())
}

#[tokio::test]
async fn what_a_proposal_and_its_figures_name_exists() {
    let database = Database::new(cluster().database().await, 2);
    let acme = TenantId(Uuid::from_u128(1));
    let mut tx = database.begin_global().await.unwrap();
    tenant::create(&mut tx, acme, "acme", "2026-01-01T00:00:00Z".parse().unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    let good = vec![a_figure("ann", None), a_figure("bob", Some("ann"))];
    let proposal = "quota_proposal q1 of change 1";
    for (named, figures, expected) in [
        (GOOD, good.clone(), "sound".to_string()),
        (["zed", "own", "own", "own"], good.clone(), format!("{proposal}: names payee zed")),
        (["ann", "none", "own", "own"], good.clone(), format!("{proposal}: names measure none")),
        (["ann", "own", "none", "own"], good.clone(), format!("{proposal}: names measure none")),
        (["ann", "own", "own", "none"], good.clone(), format!("{proposal}: names measure none")),
        (GOOD, vec![a_figure("zed", None)], "proposal_figure q1 zed of change 1: names payee zed".into()),
        (
            GOOD,
            vec![a_figure("bob", Some("zed"))],
            "proposal_figure q1 bob of change 1: names payee zed".into(),
        ),
    ] {
        let found = verified(&database, acme, true, named, &figures).await;
        let expected = match expected.as_str() {
            "sound" => expected,
            fault => format!("{fault}, which does not exist"),
        };
        assert_eq!(found, expected, "{named:?} {figures:?}");
    }
    assert_eq!(
        verified(&database, acme, false, GOOD, &good).await,
        "proposal_figure q1 ann of change 1: names proposal q1, which does not exist"
    );
}
