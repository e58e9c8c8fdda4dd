//! People who come and go: reports that move to another manager, and payees whose assignments end.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{deal, payee};

const REASSIGN: &str = "PayeeService/ReassignReports";
const TERMINATE: &str = "PayeeService/TerminatePayee";
const UPSERT: &str = "PayeeService/UpsertPayees";

/// A payee's assignments in one text each: `from..to manager`.
async fn lines(tenant: &Tenant, id: &str) -> Vec<String> {
    let payee = tenant.get("PayeeService/GetPayee", json!({ "payeeId": id })).await;
    let line = |assignment: &Value| {
        let text = |name: &str| assignment[name].as_str().unwrap_or_default().to_string();
        format!("{}..{} {}", text("startDate"), text("endDate"), text("managerId")).trim_end().to_string()
    };
    payee["payee"]["assignments"].as_array().into_iter().flatten().map(line).collect()
}

async fn statement(tenant: &Tenant, id: &str, period: &str) -> Value {
    let asked = json!({"payeeId": id, "period": period});
    tenant.get("EarningsService/GetStatement", asked).await["statement"].clone()
}

#[tokio::test]
async fn reports_move_to_another_manager_from_a_day_on() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // Cat has a past with the lead, a gap, and a future with it; dan's line to the lead ended the day before.
    let mut cat = payee("cat", "rep", "lead");
    cat["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-02-11", "managerId": "lead", "planId": "rep", "title": "Rep"},
        {"startDate": "2026-02-20", "endDate": "2026-03-01", "managerId": "boss", "planId": "rep"},
        {"startDate": "2026-03-01", "managerId": "lead", "planId": "rep"}]);
    let mut dan = payee("dan", "rep", "lead");
    dan["assignments"][0]["endDate"] = json!("2026-02-10");
    let payees = json!({"payees": [cat, dan, payee("boss", "lead", "")]});
    tenant.write(UPSERT, payees).await;

    let asked = json!({"managerId": "lead", "newManagerId": "boss", "startDate": "2026-02-10"});
    let mut checked = tenant.signed(asked);
    checked["validateOnly"] = json!(true);
    let moved = json!({"receipt": {"written": "3"}, "payeeIds": ["ann", "bob", "cat"]});
    let before = tenant.head().await;
    assert_eq!(tenant.get(REASSIGN, checked.clone()).await, moved);
    assert_eq!(
        (tenant.head().await, lines(&tenant, "ann").await),
        (before, vec!["2026-01-01.. lead".into()])
    );

    checked["validateOnly"] = json!(false);
    let mut written = moved.clone();
    written["receipt"]["changeNumber"] = json!((before + 1).to_string());
    assert_eq!(tenant.get(REASSIGN, checked.clone()).await, written);
    for id in ["ann", "bob"] {
        assert_eq!(lines(&tenant, id).await, ["2026-01-01..2026-02-10 lead", "2026-02-10.. boss"], "{id}");
    }
    assert_eq!(
        lines(&tenant, "cat").await,
        [
            "2026-01-01..2026-02-10 lead",
            "2026-02-10..2026-02-11 boss",
            "2026-02-20..2026-03-01 boss",
            "2026-03-01.. boss"
        ]
    );
    assert_eq!(lines(&tenant, "dan").await, ["2026-01-01..2026-02-10 lead"]);
    // Everything else about an assignment is in both its parts.
    let cat = tenant.get("PayeeService/GetPayee", json!({"payeeId": "cat"})).await["payee"].clone();
    assert_eq!(
        (&cat["assignments"][1]["title"], &cat["assignments"][1]["planId"]),
        (&json!("Rep"), &json!("rep"))
    );
    assert_eq!((&cat["etag"], &cat["name"]), (&json!((before + 1).to_string()), &json!("Name of cat")));

    // The same request again, after a newer write, is answered as it was; the newer write stays.
    tenant.write(UPSERT, json!({"payees": [payee("ann", "rep", "lead")]})).await;
    assert_eq!(tenant.get(REASSIGN, checked).await, written);
    assert_eq!(lines(&tenant, "ann").await, ["2026-01-01.. lead"]);
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn some_reports_move_and_to_nobody() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    // What the team books counts for the lead as long as it reports to it: 1% of 1,000.00 and of 2,000.00.
    tenant
        .deals(&[deal("d1", "ann", "2026-01-19", "1000.00"), deal("d2", "ann", "2026-01-20", "500.00")])
        .await;
    tenant.deals(&[deal("d3", "bob", "2026-01-20", "2000.00")]).await;
    assert_eq!(statement(&tenant, "lead", "2026-01").await["earned"], "35.00");
    let asked = json!({"managerId": "lead", "startDate": "2026-01-20", "payeeIds": ["ann"]});
    let moved = tenant.write(REASSIGN, asked).await;
    assert_eq!(moved["payeeIds"], json!(["ann"]));
    assert_eq!(lines(&tenant, "ann").await, ["2026-01-01..2026-01-20 lead", "2026-01-20.."]);
    assert_eq!(lines(&tenant, "bob").await, ["2026-01-01.. lead"]);
    assert_eq!(statement(&tenant, "lead", "2026-01").await["earned"], "30.00");
    let listed = tenant.get("AdminService/ListChanges", json!({"afterChange": "9"})).await;
    let change = &listed["changes"][0];
    assert_eq!(
        (&change["rpc"], &change["reason"]),
        (&json!("attain.v1.PayeeService/ReassignReports"), &json!("a test"))
    );
}

#[tokio::test]
async fn nobody_to_move_is_said_with_every_name() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let asked = |manager: &str, to: &str, from: &str, payees: &[&str]| json!({"managerId": manager, "newManagerId": to, "startDate": from, "payeeIds": payees});
    assert_eq!(
        tenant.refused_write(REASSIGN, asked("ann", "lead", "2026-02-01", &[])).await,
        "FailedPrecondition NOT_REPORTING: manager_id nobody reports to ann on 2026-02-01 or later\n\
         manager=ann\nstart_date=2026-02-01\n\
         manager_id: nobody reports to ann on 2026-02-01 or later"
    );
    assert_eq!(
        tenant.refused_write(REASSIGN, asked("lead", "", "2026-02-01", &["ann", "lead"])).await,
        "FailedPrecondition NOT_REPORTING: payee_ids[1] lead does not report to lead on 2026-02-01 or later\n\
         manager=lead\nstart_date=2026-02-01\n\
         payee_ids[1]: lead does not report to lead on 2026-02-01 or later"
    );
    assert_eq!(
        tenant.refused_write(REASSIGN, asked("leda", "boss", "2026-02-01", &["ann", "anne"])).await,
        "FailedPrecondition REFERENCE_UNKNOWN: 3 names are unknown, the first: manager_id payee leda does not exist\n\
         count=3\n\
         manager_id: payee leda does not exist\n\
         new_manager_id: payee boss does not exist\n\
         payee_ids[1]: payee anne does not exist"
    );
    let bad = json!({"requestId": "r", "managerId": "lead", "newManagerId": "lead", "startDate": "2026-02-30",
        "payeeIds": ["ann", "bob", "ann"]});
    assert_eq!(
        tenant.refused(REASSIGN, bad).await,
        "InvalidArgument INVALID_REQUEST: 4 fields are wrong, the first: reason must not be empty\n\
         reason: must not be empty\n\
         new_manager_id: must be another payee, got lead\n\
         start_date: must be a calendar day such as \"2026-03-31\", got \"2026-02-30\"\n\
         payee_ids[2]: must be given once, got ann as in payee_ids[0]"
    );
}

#[tokio::test]
async fn a_moved_line_never_leads_back_to_its_start() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut boss = payee("boss", "lead", "");
    boss["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-06-15", "planId": "lead"},
        {"startDate": "2026-06-15", "endDate": "2026-06-16", "planId": "lead", "managerId": "ann"}]);
    tenant.write(UPSERT, json!({"payees": [boss]})).await;
    let to = |to: &str| json!({"managerId": "lead", "newManagerId": to, "startDate": "2026-02-01"});
    let cycle = |day: &str, payees: &str| {
        format!(
            "FailedPrecondition REPORTING_CYCLE: on {day} the reporting line of {payees} leads back to its start\n\
             day={day}\npayees={payees}"
        )
    };
    // Months later, on one day alone, the new manager reports to one of the reports.
    assert_eq!(tenant.refused_write(REASSIGN, to("boss")).await, cycle("2026-06-15", "ann, boss"));
    // One of the reports takes over: it cannot report to itself and is moved first.
    assert_eq!(tenant.refused_write(REASSIGN, to("ann")).await, cycle("2026-02-01", "ann"));
    let first = json!({"managerId": "lead", "startDate": "2026-02-01", "payeeIds": ["ann"]});
    tenant.write(REASSIGN, first).await;
    assert_eq!(tenant.write(REASSIGN, to("ann")).await["payeeIds"], json!(["bob"]));
    assert_eq!(lines(&tenant, "bob").await, ["2026-01-01..2026-02-01 lead", "2026-02-01.. ann"]);
}

#[tokio::test]
async fn a_cut_never_makes_more_assignments_than_a_payee_may_have() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut full = payee("full", "rep", "lead");
    let day = |number: u32| format!("2026-{:02}-{:02}", number / 28 + 1, number % 28 + 1);
    let one =
        |number: u32| json!({"startDate": day(number), "endDate": day(number + 1), "managerId": "lead"});
    let mut assignments: Vec<Value> = (0..199).map(one).collect();
    assignments.push(json!({"startDate": day(199), "managerId": "lead"}));
    full["assignments"] = json!(assignments);
    tenant.write(UPSERT, json!({"payees": [full]})).await;
    let asked = |from: &str| json!({"managerId": "lead", "startDate": from, "payeeIds": ["full"]});
    let refused = tenant.refused_write(REASSIGN, asked("2026-12-01")).await;
    let message = "start_date full would have more than 200 assignments";
    let expected = format!("InvalidArgument INVALID_REQUEST: {message}\n{}", message.replacen(' ', ": ", 1));
    assert_eq!(refused, expected);
    // Where the last one begins, nothing is cut.
    tenant.write(REASSIGN, asked(&day(199))).await;
}

#[tokio::test]
async fn a_payee_that_leaves_keeps_what_it_earned_and_later_reversals_count_at_the_origin() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut bob = payee("bob", "rep", "lead");
    bob["assignments"] = json!([
        {"startDate": "2026-01-01", "endDate": "2026-03-01", "managerId": "lead", "planId": "rep"},
        {"startDate": "2026-03-01", "managerId": "lead", "planId": "rep"}]);
    tenant.write(UPSERT, json!({"payees": [bob]})).await;
    // 10% of each; the second is dated after bob has left.
    tenant
        .deals(&[deal("d1", "bob", "2026-02-10", "5000.00"), deal("d2", "bob", "2026-02-15", "700.00")])
        .await;
    assert_eq!(statement(&tenant, "bob", "2026-02").await["earned"], "570.00");
    let asked = json!({"payeeId": "bob", "endDate": "2026-02-15"});
    let mut signed = tenant.signed(asked);
    signed["validateOnly"] = json!(true);
    let before = tenant.head().await;
    assert_eq!(tenant.get(TERMINATE, signed.clone()).await, json!({"receipt": {"written": "1"}}));
    assert_eq!(tenant.head().await, before);
    signed["validateOnly"] = json!(false);
    let written = tenant.get(TERMINATE, signed.clone()).await;
    let expected = json!({"receipt": {"changeNumber": (before + 1).to_string(), "written": "1"}});
    assert_eq!(written, expected);
    assert_eq!(lines(&tenant, "bob").await, ["2026-01-01..2026-02-15 lead"]);
    assert_eq!(tenant.get(TERMINATE, signed).await, expected);
    assert_eq!(tenant.head().await, before + 1);
    assert_eq!(statement(&tenant, "bob", "2026-02").await["earned"], "500.00");
    tenant.close("2026-01").await;
    tenant.close("2026-02").await;
    // In April 2,000.00 go back: bob has no assignment then, so it counts where the booking was earned.
    let mut refunded = deal("d1", "bob", "2026-02-10", "5000.00");
    refunded["events"] = json!([{"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-04-05",
        "reverses": [{"eventId": "b", "amount": "2000.00"}]}]);
    tenant.deals(&[refunded]).await;
    let april = statement(&tenant, "bob", "2026-04").await;
    assert_eq!(
        (&april["earned"], &april["components"][0]["window"]),
        (&json!("-200.00"), &json!("FY2026-Q1"))
    );
    assert_eq!(statement(&tenant, "bob", "2026-02").await["earned"], "500.00");
    // Ended before: nothing is made longer, and the call still has its change.
    let again = tenant.write(TERMINATE, json!({"payeeId": "bob", "endDate": "2026-05-01"})).await;
    assert_eq!(again["receipt"]["unchanged"], "1");
    assert_eq!(lines(&tenant, "bob").await, ["2026-01-01..2026-02-15 lead"]);
    // From before the first day on: nothing is left.
    tenant.write(TERMINATE, json!({"payeeId": "bob", "endDate": "2026-01-01"})).await;
    assert_eq!(lines(&tenant, "bob").await, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_is_left_reporting_to_a_payee_that_is_gone() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant.write(UPSERT, json!({"payees": [payee("boss", "lead", "")]})).await;
    let asked = |to: &str| json!({"payeeId": "lead", "endDate": "2026-03-01", "newManagerId": to});
    assert_eq!(
        tenant.refused_write(TERMINATE, asked("")).await,
        "FailedPrecondition REPORTS_REMAIN: 2 payees report to lead on 2026-03-01 or later, and nobody takes them over\n\
         end_date=2026-03-01\npayee=lead\nreports=2\n\
         new_manager_id: must say who takes over ann\n\
         new_manager_id: must say who takes over bob"
    );
    assert_eq!(
        tenant.refused_write(TERMINATE, asked("bass")).await,
        "FailedPrecondition REFERENCE_UNKNOWN: new_manager_id payee bass does not exist\n\
         count=1\nnew_manager_id: payee bass does not exist"
    );
    let itself = tenant.refused_write(TERMINATE, asked("lead")).await;
    assert!(itself.ends_with("\nnew_manager_id: must be another payee, got lead"), "{itself}");
    let cycle = tenant.refused_write(TERMINATE, asked("ann")).await;
    assert!(
        cycle.starts_with("FailedPrecondition REPORTING_CYCLE: on 2026-03-01 the reporting line of ann "),
        "{cycle}"
    );
    let done = tenant.write(TERMINATE, asked("boss")).await;
    assert_eq!((&done["receipt"]["written"], &done["payeeIds"]), (&json!("3"), &json!(["ann", "bob"])));
    assert_eq!(lines(&tenant, "lead").await, ["2026-01-01..2026-03-01"]);
    for id in ["ann", "bob"] {
        assert_eq!(lines(&tenant, id).await, ["2026-01-01..2026-03-01 lead", "2026-03-01.. boss"], "{id}");
    }
    // Reports that ended with the lead are no hindrance.
    tenant.write(TERMINATE, json!({"payeeId": "lead", "endDate": "2026-03-01"})).await;
}
