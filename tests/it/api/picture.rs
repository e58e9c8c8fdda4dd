//! Pages: over the wire, by the command line, and as they were at the close.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::client::Client;
use crate::harness::cluster::cluster;
use crate::harness::company::{deal, payee, quota};
use crate::harness::server::{command, said};

const PAGE: &str = "EarningsService/GetStatementPage";
const TEAM: &str = "PerformanceService/GetTeamPage";

/// The page of an answer as text.
fn page(answer: &Value) -> String {
    String::from_utf8(STANDARD.decode(answer["page"].as_str().unwrap()).unwrap()).unwrap()
}

#[tokio::test]
async fn a_statements_page_has_the_figures_of_statement_and_attainment() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant
        .deals(&[deal("d1", "ann", "2026-01-10", "60000.00"), deal("d2", "ann", "2026-02-10", "55000.00")])
        .await;
    let answer = tenant.get(PAGE, json!({"payeeId": "ann", "period": "2026-02"})).await;
    assert_eq!(
        [&answer["contentType"], &answer["period"], &answer["onDate"], &answer["asOfChange"]],
        ["text/html; charset=utf-8", "2026-02", "2026-02-28", "8"]
    );
    let shown = page(&answer);
    assert!(shown.starts_with("<!DOCTYPE html>"), "{shown}");
    // 100,000 x 10% + 15,000 x 20% so far, 6,000.00 of it in January.
    for figure in [
        "7,000.00",
        "13,000.00",
        "115,000.00",
        "100,000.00",
        "115.0 %",
        "60,000.00",
        "55,000.00",
        "as of change 8",
    ] {
        assert!(shown.to_lowercase().contains(figure), "{figure}\n{shown}");
    }
    // The lead's quota is the year's 800,000.00: a twelfth of it stands at every month.
    let shown = page(&tenant.get(PAGE, json!({"payeeId": "lead", "period": "2026-02"})).await);
    // Of the year 59 days of 365 have passed: each weighs a twelfth over the days of its month, so two twelfths.
    for figure in [
        "115,000.00",
        "800,000.00",
        "14.3 %",
        "66,666.67",
        "ann",
        "pace asks for 16.6 %",
        "133,333 by 28 Feb",
    ] {
        assert!(shown.contains(figure), "{figure}\n{shown}");
    }
}

#[tokio::test]
async fn the_page_of_a_closed_month_stays_as_it_was() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "60000.00")]).await;
    tenant.close("2026-01").await;
    let asked = json!({"payeeId": "ann", "period": "2026-01"});
    let closed = tenant.get(PAGE, asked.clone()).await;
    tenant.deals(&[deal("late", "ann", "2026-01-11", "5000.00")]).await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026-Q1", "120000.00")]}))
        .await;
    let later = tenant.get(PAGE, asked).await;
    assert_eq!(later["page"], closed["page"]);
    assert!(page(&later).contains("60.0 %") && !page(&later).contains("65,000.00"));
    let february = page(&tenant.get(PAGE, json!({"payeeId": "ann", "period": "2026-02"})).await);
    assert!(february.contains("65,000.00") && february.contains("54.1 %"), "{february}");
}

#[tokio::test]
async fn what_is_open_does_not_keep_the_page_back() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut foreign = deal("d1", "ann", "2026-01-10", "1000.00");
    foreign["currencyCode"] = json!("EUR");
    tenant.deals(&[foreign, deal("d2", "ann", "2026-01-11", "2000.00")]).await;
    let asked = json!({"payeeId": "ann", "period": "2026-01"});
    let refused = tenant.refused("EarningsService/GetAttainment", asked.clone()).await;
    assert!(refused.contains("RUN_BLOCKED"), "{refused}");
    let shown = page(&tenant.get(PAGE, asked).await);
    assert!(shown.contains("Open questions") && shown.contains("EUR"), "{shown}");
}

#[tokio::test]
async fn names_are_text_in_a_page() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut plan = crate::harness::company::plan("mark", "own", "WINDOW_MONTH", &[("0", "10")]);
    plan["plan"]["components"][0]["name"] = json!("<script>alert(1)</script> \"&\u{202e}");
    tenant.write("PlanService/PublishPlan", plan).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("mia", "mark", "")]})).await;
    let shown = page(&tenant.get(PAGE, json!({"payeeId": "mia", "period": "2026-01"})).await);
    assert!(shown.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{shown}");
    assert!(!shown.contains("<script"), "{shown}");
}

/// A payee as a page shows it.
fn who(name: &str, id: &str) -> String {
    format!("<bdi>{name}</bdi> <span class=\"id\">(<bdi>{id}</bdi>)</span>")
}

#[tokio::test]
async fn people_have_names_on_pages_until_these_are_erased() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "60000.00")]).await;
    tenant.close("2026-01").await;
    let mut ann = payee("ann", "rep", "lead");
    ann["name"] = json!("Ann <Archer>");
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": [ann] })).await;
    let statement = async |tenant: &Client, id: &str, as_of: i64| {
        let asked = json!({"payeeId": id, "period": "2026-01", "asOfChange": as_of.to_string()});
        page(&tenant.get(PAGE, asked).await)
    };
    let team = async |tenant: &Client| {
        page(&tenant.get(TEAM, json!({"managerId": "lead", "window": "FY2026-Q1"})).await)
    };
    // A closed month keeps its figures; who somebody is, is read as of the number asked for.
    let (before, now) = (who("Name of ann", "ann"), who("Ann &lt;Archer&gt;", "ann"));
    assert!(statement(&tenant, "ann", 9).await.contains(&before));
    for shown in [
        statement(&tenant, "ann", 0).await,
        statement(&tenant, "lead", 0).await,
        team(&tenant).await,
        statement(&tenant.key("ROLE_PAYEE", "ann").await, "ann", 0).await,
        team(&tenant.key("ROLE_PAYEE", "lead").await).await,
    ] {
        assert!(shown.contains(&now) && !shown.contains("Name of ann"), "{shown}");
    }
    assert!(team(&tenant).await.contains(&who("Name of bob", "bob")));
    // Names are of pages alone.
    let asked = json!({"payeeId": "ann", "period": "2026-01", "includeStanding": true});
    let told = tenant.get("EarningsService/GetStatement", asked).await.to_string();
    assert!(!told.contains("Archer") && !told.contains("Name of"), "{told}");

    tenant.write("AdminService/ErasePersonalData", json!({"reason": "asked for", "payeeIds": ["ann"]})).await;
    for shown in [
        statement(&tenant, "ann", 0).await,
        statement(&tenant, "ann", 9).await,
        statement(&tenant, "lead", 0).await,
        team(&tenant).await,
    ] {
        assert!(shown.contains("<bdi>ann</bdi>"), "{shown}");
        assert!(!shown.contains("Archer") && !shown.contains("Name of ann"), "{shown}");
    }
}

#[tokio::test]
async fn an_edge_that_must_be_exceeded_is_told_of_open_and_closed_months() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut plan =
        crate::harness::company::plan("mark", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "20")]);
    plan["plan"]["components"][0]["rates"]["tiers"][1]["edgeLower"] = json!(true);
    tenant.write("PlanService/PublishPlan", plan).await;
    tenant.write("PayeeService/UpsertPayees", json!({"payees": [payee("mia", "mark", "")]})).await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("mia", "own", "FY2026-Q1", "100000.00")]}))
        .await;
    tenant.deals(&[deal("d1", "mia", "2026-01-10", "100000.00")]).await;
    let asked = json!({"payeeId": "mia", "period": "2026-01"});
    let tiers = async || {
        let answer = tenant.get("EarningsService/GetStatement", asked.clone()).await;
        answer["statement"]["components"][0]["segments"][0]["tiers"].clone()
    };
    let open = tiers().await;
    assert_eq!((&open[0]["edgeLower"], &open[1]["edgeLower"]), (&json!(null), &json!(true)));
    // The whole of the quota is in the first tier, at 10 %.
    assert_eq!((&open[0]["credited"], &open[1]["credited"]), (&json!("100000.00"), &json!("0.00")));
    let shown = page(&tenant.get(PAGE, asked.clone()).await);
    for said in [
        "<td>0 % ◀</td>",
        "<td>above 100 %</td>",
        "<strong>0.01</strong> more reach <strong>20 %</strong>, the tier above 100 %",
    ] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    tenant.close("2026-01").await;
    assert_eq!(tiers().await, open);
}

#[tokio::test]
async fn the_command_line_writes_the_same_page() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "60000.00")]).await;
    tenant.close("2026-01").await;
    let expected = page(&tenant.get(PAGE, json!({"payeeId": "ann", "period": "2026-01"})).await);
    let statement = |more: &[&str]| {
        let arguments = ["statement", "--payee", "ann", "--period", "2026-01", "--server", &tenant.address];
        let mut command = command(&[&arguments, more].concat());
        said(command.env("ATTAIN_KEY", &tenant.key).output().unwrap())
    };
    assert_eq!(statement(&["--html"]), (true, expected.clone(), String::new()));
    let path = cluster().folder().join(format!("page-{}.html", cluster().number()));
    let file = path.to_str().unwrap();
    assert_eq!(statement(&["--html", file]), (true, String::new(), String::new()));
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    let (done, out, error) = statement(&["--html", "/nowhere/page.html"]);
    assert!(!done && out.is_empty() && error.contains("cannot write /nowhere/page.html"), "{error}");
    let (done, out, _) = statement(&[]);
    assert!(done && out.contains("Statement of ann for 2026-01"), "{out}");
}

/// The company with a quarter of deals, won, lost and open.
async fn quarter() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let lost =
        json!({"dealId": "d3", "ownerId": "ann", "outcome": "OUTCOME_LOST", "closeDate": "2026-02-02"});
    let open = json!({
        "dealId": "d4", "ownerId": "bob", "outcome": "OUTCOME_OPEN", "amount": "80000.00", "currencyCode": "USD",
        "stage": "<i>Proposal</i> & more", "probabilityPercent": "25", "closeDate": "2026-03-20"});
    let won = |id: &str, owner: &str, day: &str, amount: &str| {
        let mut deal = deal(id, owner, day, amount);
        deal["closeDate"] = json!(day);
        deal
    };
    let deals =
        [won("d1", "ann", "2026-01-10", "110000.00"), won("d2", "bob", "2026-02-10", "50000.00"), lost, open];
    tenant.deals(&deals).await;
    tenant
}

#[tokio::test]
async fn a_teams_page_has_the_figures_of_its_performance() {
    let tenant = quarter().await;
    let asked = json!({"managerId": "lead", "window": "FY2026-Q1", "onDate": "2026-02-28"});
    let answer = tenant.get(TEAM, asked.clone()).await;
    assert_eq!(
        [
            &answer["contentType"],
            &answer["managerId"],
            &answer["window"],
            &answer["onDate"],
            &answer["asOfChange"]
        ],
        ["text/html; charset=utf-8", "lead", "FY2026-Q1", "2026-02-28", "8"]
    );
    let shown = page(&answer);
    // 160,000 of the quarter's 200,000.00; of three decided two are won; ann has 110 % of her own quota.
    for figure in ["160,000.00", "80.0 %", "200,000.00", "66.6 %", "110.0 %", "January 2026", "April 2025"] {
        assert!(shown.contains(figure), "{figure}\n{shown}");
    }
    // What is open is told of a window that is not over.
    assert!(!shown.contains("Proposal"), "{shown}");
    let ahead = page(&tenant.get(TEAM, json!({"managerId": "lead", "window": "2090-01"})).await);
    for figure in ["80,000.00", "20,000.00", "&lt;i&gt;Proposal&lt;/i&gt; &amp; more"] {
        assert!(ahead.contains(figure), "{figure}\n{ahead}");
    }
    assert!(!ahead.contains("<i>") && !ahead.contains("<script"), "{ahead}");
    // A manager asks for the own team without naming it, and nobody else for it.
    let own = json!({"window": "FY2026-Q1", "onDate": "2026-02-28"});
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    assert_eq!(page(&lead.get(TEAM, own).await).replace("change 9", "change 8"), shown);
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    assert!(ann.refused(TEAM, asked).await.starts_with("NotFound NOT_FOUND: payee lead not found"));
    let nothing = tenant.refused(TEAM, json!({"managerId": "lead", "window": "FY26"})).await;
    assert!(nothing.starts_with("InvalidArgument INVALID_REQUEST: window "), "{nothing}");
}

#[tokio::test]
async fn the_command_line_shows_a_team_as_text_and_as_a_page() {
    let tenant = quarter().await;
    let team = |more: &[&str]| {
        let arguments = ["team", "--manager", "lead", "--window", "FY2026-Q1", "--server", &tenant.address];
        let mut command = command(&[&arguments, more].concat());
        said(command.env("ATTAIN_KEY", &tenant.key).output().unwrap())
    };
    let expected = page(&tenant.get(TEAM, json!({"managerId": "lead", "window": "FY2026-Q1"})).await);
    assert_eq!(team(&["--html"]), (true, expected, String::new()));
    let (done, out, error) = team(&[]);
    assert!(done, "{error}");
    for line in [
        "160,000.00 USD booked, 2 deals won, 1 lost: 66.6 % won\n",
        "\nAttainment of team, up to ",
        " 80.0 %, ",
        "\n    160,000.00 of 200,000.00 USD; pace asks for ",
        "  Jan ████████████████████ 110,000.00\n  Feb █████████░░░░░░░░░░░  50,000.00 -54.5 %\n",
        "│ 1     ┆ ann    ┆ ████████████████████▶ ┆  110.0 % ┆ 110,000.00 ┆",
    ] {
        assert!(out.contains(line), "{line}\n{out}");
    }
}

#[tokio::test]
async fn the_terminal_shows_a_statement_with_pace_and_months() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "60000.00")]).await;
    tenant.close("2026-01").await;
    let arguments = ["statement", "--payee", "ann", "--period", "2026-01", "--server", &tenant.address];
    let (done, out, error) = said(command(&arguments).env("ATTAIN_KEY", &tenant.key).output().unwrap());
    assert!(done, "{error}");
    // 31 days of 90, a third of the quarter by months; February and March are yet to come.
    for part in [
        "Attainment of own, up to 31 Jan (┃ where pace would be)\n  FY2026-Q1 ██████┃█████░░░░░░░░ 60.0 %, on pace\n",
        "60,000.00 of 100,000.00 USD; pace asks for 33,333: 180.0 % is there",
        "\n  Jan ████████████████████ 60,000.00 ◀\n",
    ] {
        assert!(out.contains(part), "{part}\n{out}");
    }
    // The same from the service, and as it was once it is closed.
    let asked = json!({"payeeId": "ann", "period": "2026-01", "includeStanding": true});
    let standing = tenant.get("EarningsService/GetStatement", asked.clone()).await;
    assert_eq!((&standing["onDate"], &standing["asOfChange"]), (&json!("2026-01-31"), &json!("9")));
    let months = standing["months"].as_array().unwrap();
    assert_eq!(months.len(), 12);
    let months: Vec<_> =
        months.iter().map(|month| (month["window"].clone(), month["credited"].clone())).collect();
    assert_eq!(months[0], (json!("2026-01"), json!("60000.00")));
    assert_eq!(months[11], (json!("2026-12"), json!(null)));
    assert_eq!(standing["attainments"][1]["attainmentPercent"], "60");
    tenant.deals(&[deal("late", "ann", "2026-01-11", "5000.00")]).await;
    let later = tenant.get("EarningsService/GetStatement", asked.clone()).await;
    assert_eq!((&later["attainments"], &later["months"]), (&standing["attainments"], &standing["months"]));
    // Whoever does not ask for it has the statement alone.
    let mut alone = asked;
    alone.as_object_mut().unwrap().remove("includeStanding");
    let alone = tenant.get("EarningsService/GetStatement", alone).await;
    assert_eq!(
        (&alone["months"], &alone["attainments"], &alone["onDate"]),
        (&json!(null), &json!(null), &json!(null))
    );
    assert_eq!(alone["statement"], later["statement"]);
}
