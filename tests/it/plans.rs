//! Plans as text against a real server: tested, refused where a test fails, compared, published.

use std::fs;

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::cluster::cluster;
use crate::harness::company::{calendar, plan};
use crate::harness::server::{attain, command, said};

const TEST: &str = "PlanService/TestPlan";
const PUBLISH: &str = "PlanService/PublishPlan";
const AE: &str = include_str!("../../plans/saas-ae.json");

/// A file of a test's own.
fn file(content: &Value) -> String {
    let path = cluster().folder().join(format!("plan-{}.json", cluster().number()));
    fs::write(&path, content.to_string()).unwrap();
    path.to_str().unwrap().to_string()
}

fn shipped(name: &str) -> String {
    format!("{}/plans/{name}.json", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command of `attain plan` against the tenant: whether it succeeded, stdout, stderr.
fn run(tenant: &Tenant, arguments: &[&str]) -> (bool, String, String) {
    let mut command = command(&[&["plan"], arguments, &["--server", &tenant.address]].concat());
    said(command.env("ATTAIN_KEY", &tenant.key).output().unwrap())
}

/// A test of a plan of 10 percent up to a quota of 100,000.00 a quarter and 20 above.
fn above_quota(expected: &str) -> Value {
    let quota = json!({"measureId": "own", "window": "FY2026-Q1", "amount": {"amount": "100000.00"}});
    json!({"title": "above quota 20 percent", "quotas": [quota], "deals": [{"closeDate": "2026-01-20", "amount": "120000.00"}],
        "expected": [{"period": "2026-01", "amount": expected}]})
}

#[tokio::test]
async fn tests_of_a_plan_are_run_over_the_measures_that_there_are() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let head = tenant.head().await;
    let tested = plan("new", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "20")])["plan"].clone();
    let asked = json!({"plan": tested, "tests": [above_quota("14000.00"), above_quota("13999.99")]});
    let answer = tenant.get(TEST, asked).await;
    assert_eq!((&answer["passed"], &answer["asOfChange"]), (&Value::Null, &json!("7")));
    let figure = json!({"payeeId": "rep", "componentId": "commission", "period": "2026-01", "expected": "14000.00", "earned": "14000.00"});
    assert_eq!(
        answer["outcomes"][0],
        json!({"title": "above quota 20 percent", "passed": true, "figures": [figure]})
    );
    assert_eq!(answer["outcomes"][1]["passed"], Value::Null);
    assert_eq!(answer["outcomes"][1]["figures"][0]["expected"], "13999.99");
    // A measure that nobody has defined comes with the request; a draft is tested as it stands.
    let file: Value = serde_json::from_str(AE).unwrap();
    let shipped = json!({"plan": file["plan"], "measures": file["measures"], "tests": file["tests"]});
    assert_eq!(tenant.get(TEST, shipped.clone()).await["passed"], true);
    let draft = json!({"draft": {"draftId": "spring", "plan": tested}});
    tenant.write("PlanService/SaveDraft", draft).await;
    let asked = json!({"draftId": "spring", "tests": [above_quota("14000.00")]});
    assert_eq!(tenant.get(TEST, asked).await["passed"], true);
    assert_eq!(tenant.head().await, head + 1);
    for (asked, expected) in [
        (
            json!({}),
            "InvalidArgument INVALID_REQUEST: 2 fields are wrong, the first: plan must be given, or a draft_id\n\
             plan: must be given, or a draft_id\ntests: must be 1 to 100, got 0",
        ),
        (
            json!({"draftId": "autumn", "tests": [above_quota("1.00")]}),
            "NotFound NOT_FOUND: draft autumn not found\nid=autumn\nresource=draft",
        ),
        (
            json!({"plan": file["plan"], "tests": [{"title": "t"}]}),
            "FailedPrecondition REFERENCE_UNKNOWN: plan.components[0].rates.measure_id measure own-bookings does not exist\ncount=1\n\
             plan.components[0].rates.measure_id: measure own-bookings does not exist",
        ),
        (
            json!({"plan": tested, "tests": [{"title": "t", "deals": [{"amount": "-1"}]}]}),
            "InvalidArgument INVALID_REQUEST: tests[0].deals[0].amount must not be below zero, got \"-1\"\n\
             tests[0].deals[0].amount: must not be below zero, got \"-1\"",
        ),
    ] {
        assert_eq!(tenant.refused(TEST, asked.clone()).await, expected, "{asked}");
    }
}

#[tokio::test]
async fn a_plan_whose_tests_fail_is_not_published() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut published = plan("new", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "20")]);
    published["tests"] = json!([above_quota("14000.00"), above_quota("13999.99")]);
    let failure = "rep by commission in 2026-01: expected 13999.99, earned 14000.00";
    assert_eq!(
        tenant.refused_write(PUBLISH, published.clone()).await,
        format!(
            "FailedPrecondition PLAN_TESTS_FAILED: plan new fails its tests: above quota 20 percent: {failure}\n\
             component=commission\nearned=14000.00\nexpected=13999.99\npayee=rep\nperiod=2026-01\nplan=new\n\
             test=above quota 20 percent\ntests[1]: above quota 20 percent: {failure}"
        )
    );
    published["tests"] = json!([above_quota("14000.00")]);
    let signed = tenant.signed(published);
    let answer = tenant.get(PUBLISH, signed.clone()).await;
    assert_eq!(answer["version"], 1);
    assert_eq!(tenant.get(PUBLISH, signed).await, answer);
}

#[test]
fn plan_files_are_checked_and_tested_without_a_server() {
    let (ae, partner) = (shipped("saas-ae"), shipped("channel-partner"));
    let (done, out, error) = attain(&["plan", "check", &ae, &partner]);
    assert_eq!(
        (done, out, error.as_str()),
        (
            true,
            format!(
                "{ae}: plan saas-ae, 1 component, 1 measure, 6 tests\n\
                 {partner}: plan channel-partner, 1 component, 1 measure, 6 tests\n"
            ),
            ""
        )
    );
    let (done, out, _) = attain(&["plan", "test", &partner]);
    assert!(done && out.lines().skip(1).all(|line| line.starts_with("  passed  ")), "{out}");
    let mut bad: Value = serde_json::from_str(AE).unwrap();
    bad["tests"][1]["expected"][1]["amount"] = json!("10000.01");
    bad["tests"].as_array_mut().unwrap().truncate(2);
    let failing = file(&bad);
    let (done, out, error) = attain(&["plan", "test", &failing, &partner]);
    assert!(!done);
    assert!(
        out.contains(
            "  passed  below quota every deal is paid at 8 percent: 60,000 x 8%\n  \
             FAILED  each slice is paid at its own tier: 90,000 x 8%, then 10,000 x 8% + 50,000 x 12% + 20,000 x 16%\n          \
             rep by commission in 2026-01: 7,200.00, as expected\n          \
             rep by commission in 2026-02: expected 10,000.01, earned 10,000.00\n"
        ),
        "{out}"
    );
    assert_eq!(error, format!("{failing}: 1 of 2 tests failed\nattain: 1 of 2 plan files refused\n"));
    bad["plan"]["components"][0]["rates"]["tiers"][1]["edgePercent"] = json!("0");
    bad["measures"] = json!([]);
    let wrong = file(&bad);
    let (done, out, error) = attain(&["plan", "check", &wrong, "/nowhere.json"]);
    assert_eq!(
        (done, out.as_str(), error),
        (
            false,
            "",
            format!(
                "{wrong} is wrong:\n  \
                 plan.components[0].rates.tiers[1].edge_percent must be above the edge before it, 0, got 0\n  \
                 plan.components[0].rates.measure_id measure own-bookings does not exist\n\
                 cannot read /nowhere.json: No such file or directory (os error 2)\n\
                 attain: 2 of 2 plan files refused\n"
            )
        )
    );
}

#[tokio::test]
async fn a_plan_file_is_published_with_its_measures_and_compared_with_what_is_there() {
    let tenant = Tenant::new().await;
    tenant.write("AdminService/SetCalendar", calendar()).await;
    let ae = shipped("saas-ae");
    let publish =
        |file: &str, from: &str| run(&tenant, &["publish", file, "--from", from, "--reason", "the new year"]);
    let told = (
        true,
        "measures own-bookings defined by change 3\n\
         plan saas-ae version 1 counts from 2026-01, after 6 tests: change 4\n"
            .to_string(),
        String::new(),
    );
    assert_eq!(publish(&ae, "2026-01"), told);
    // The same file again is the same request.
    let again = "plan saas-ae version 1 counts from 2026-01, after 6 tests: change 4\n";
    assert_eq!(publish(&ae, "2026-01").1, again);
    assert_eq!(tenant.head().await, 4);
    assert_eq!(run(&tenant, &["diff", &ae]).1, "against version 1\n  nothing differs\n");
    let mut next: Value = serde_json::from_str(AE).unwrap();
    next["plan"]["components"][0]["rates"]["tiers"][1]["ratePercent"] = json!("13");
    let file_of_next = file(&next);
    assert_eq!(
        run(&tenant, &["diff", &file_of_next]).1,
        "against version 1\n  components[commission].rates.tiers[1].rate_percent: 12 -> 13\n"
    );
    let (done, out, error) = publish(&file_of_next, "2026-04");
    assert_eq!((done, out.as_str()), (false, ""));
    assert!(error.contains("FAILED") && error.contains("nothing was published"), "{error}");
    assert_eq!(tenant.head().await, 4);
    // Another meaning is another measure; the server says what else is wrong.
    next["plan"]["components"][0]["rates"]["tiers"][1]["ratePercent"] = json!("12");
    next["measures"][0]["eventType"] = json!("TYPE_PAID");
    next["tests"] = json!([]);
    let (done, _, error) = publish(&file(&next), "2026-04");
    let other = "attain: measure own-bookings means something else at the server: another meaning is another measure\n";
    assert_eq!((done, error.as_str()), (false, other));
    next["measures"][0] = serde_json::from_str::<Value>(AE).unwrap()["measures"][0].clone();
    next["measures"][0]["name"] = json!("What I sold");
    let (done, _, error) = publish(&file(&next), "2026-01");
    assert!(!done && error.contains("the next one must count from a later period, got 2026-01"), "{error}");
    assert_eq!(
        publish(&file(&next), "2026-04").1,
        "plan saas-ae version 2 counts from 2026-04, after 0 tests: change 5\n"
    );
}
