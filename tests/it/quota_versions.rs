//! Quotas adjusted, their versions, and how they came about.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::quota;

fn dollars(amount: &str) -> Value {
    json!({"currencyCode": "USD", "amount": amount})
}

/// An adjustment of ann's quota of the first quarter.
fn of_ann(kind: &str, what: Value) -> Value {
    let mut adjustment = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1", "kind": kind});
    adjustment.as_object_mut().unwrap().extend(what.as_object().unwrap().clone());
    json!({ "adjustment": adjustment })
}

async fn adjust(tenant: &Tenant, kind: &str, what: Value) -> Value {
    tenant.write("QuotaService/AdjustQuota", of_ann(kind, what)).await
}

/// A company in which ann's quota was adjusted by changes 8 to 11.
async fn adjusted() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let relief = json!({"reliefs": [{"date": "2026-02-01", "amount": dollars("5000.00")}]});
    let answer = adjust(&tenant, "KIND_LOST_ACCOUNT", relief.clone()).await;
    assert_eq!(
        answer,
        json!({"receipt": {"changeNumber": "8", "written": "1"}, "reliefs": relief["reliefs"]})
    );
    let ramp = json!({"ramp": {"startPeriod": "2026-01", "percents": ["50", "100"]}});
    adjust(&tenant, "KIND_JOINER", ramp).await;
    adjust(&tenant, "KIND_MID_YEAR_CHANGE", json!({"amount": dollars("120000.00")})).await;
    // 15 of 31 days of March, which has a third of 120,000: 40,000 x 15 / 31.
    let leave = json!({"leave": {"startDate": "2026-03-01", "endDate": "2026-03-16"}, "etag": "10"});
    let answer = adjust(&tenant, "KIND_LEAVE", leave).await;
    let worked_out = json!([{"date": "2026-03-01", "amount": dollars("19354.84")}]);
    assert_eq!(answer, json!({"receipt": {"changeNumber": "11", "written": "1"}, "reliefs": worked_out}));
    tenant
}

/// The versions of ann's quota: etag, kind, superseded by, reason.
async fn versions(tenant: &Tenant, as_of: &str) -> Vec<String> {
    let asked = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1", "asOfChange": as_of});
    let listed = tenant.get("QuotaService/ListQuotaVersions", asked).await;
    let line = |version: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_string();
        let parts =
            [&version["quota"]["etag"], &version["kind"], &version["supersededIn"], &version["reason"]];
        parts.map(text).join(" ")
    };
    listed["versions"].as_array().unwrap().iter().map(line).collect()
}

#[tokio::test]
async fn every_adjustment_is_a_version_with_what_it_is_for_and_why() {
    let tenant = adjusted().await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026-Q1", "100000.00")]}))
        .await;
    // What changes nothing is no version.
    let same = adjust(&tenant, "KIND_CORRECTION", json!({"amount": dollars("100000.00")})).await;
    assert_eq!(same, json!({"receipt": {"changeNumber": "13", "unchanged": "1"}}));
    assert_eq!(
        versions(&tenant, "0").await,
        [
            "7 - 8 a test",
            "8 KIND_LOST_ACCOUNT 9 a test",
            "9 KIND_JOINER 10 a test",
            "10 KIND_MID_YEAR_CHANGE 11 a test",
            "11 KIND_LEAVE 12 a test",
            "12 - - a test",
        ]
    );
    // As it was: what came later is not told, and what stood stood.
    assert_eq!(versions(&tenant, "8").await, ["7 - 8 a test", "8 KIND_LOST_ACCOUNT - a test"]);
    let asked = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1"});
    let listed = tenant.get("QuotaService/ListQuotaVersions", asked).await;
    let leave = &listed["versions"][4];
    assert_eq!(leave["rpc"], "attain.v1.QuotaService/AdjustQuota");
    assert_eq!(listed["versions"][5]["rpc"], "attain.v1.QuotaService/SetQuotas");
    let reliefs = json!([{"date": "2026-02-01", "amount": dollars("5000.00")},
        {"date": "2026-03-01", "amount": dollars("19354.84")}]);
    assert_eq!((&leave["quota"]["amount"], &leave["quota"]["reliefs"]), (&dollars("120000.00"), &reliefs));
    // Where a reason is erased in the journal, no version has it any more, and all else stays proven.
    let erase = json!({"changeNumbers": ["11"]});
    tenant.write("AdminService/ErasePersonalData", erase).await;
    assert_eq!(versions(&tenant, "0").await[4], "11 KIND_LEAVE 12 -");
    assert_eq!(versions(&tenant, "11").await[4], "11 KIND_LEAVE - -");
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn versions_come_in_pages_of_one_journal_number() {
    let tenant = adjusted().await;
    let mut asked = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1", "pageSize": 2});
    let mut etags = Vec::new();
    loop {
        let page = tenant.get("QuotaService/ListQuotaVersions", asked.clone()).await;
        assert_eq!(page["asOfChange"], "11");
        etags.extend(page["versions"].as_array().unwrap().iter().map(|v| v["quota"]["etag"].clone()));
        if etags.len() == 2 {
            adjust(&tenant, "KIND_TRANSFER", json!({"amount": dollars("1.00")})).await;
        }
        if page["nextPageToken"].is_null() {
            break;
        }
        asked["pageToken"] = page["nextPageToken"].clone();
    }
    assert_eq!(etags, ["7", "8", "9", "10", "11"]);
}

#[tokio::test]
async fn a_quota_explains_itself_from_goal_to_effective_quota() {
    let tenant = adjusted().await;
    let asked = json!({"payeeId": "ann", "measureId": "own", "window": "FY2026-Q1", "depth": 10});
    let explained = tenant.get("QuotaService/ExplainQuota", asked.clone()).await;
    // 120,000 x (50 + 100 + 100) / 300 less 5,000 and 19,354.84.
    let text = "\
effective quota of ann for own in FY2026-Q1: 75645.16 [payee:ann, measure:own]
  goal of FY2026-Q1: 120000.00 = set for the window [quota:ann/own/FY2026-Q1]
  2026-01-01 to before 2026-04-01: 75645.16 = 120000.00 x ramp 83.333333% - relief 24354.84 [assignment:ann/2026-01-01]
    ramp in percent of the goal: 83.333333 = mean of the months with a day, weighted by season
      ramp in 2026-01, percent: 50 = month 1 of service
      ramp in 2026-02, percent: 100 = month 2 of service
      ramp in 2026-03, percent: 100 = month 3 of service
    relief of 2026-02-01: 5000.00
    relief of 2026-03-01: 19354.84
  versions of quota ann/own/FY2026-Q1 [quota:ann/own/FY2026-Q1]
    set by change 7 [change:7]
    adjusted, LOST_ACCOUNT by change 8 [change:8]
    adjusted, JOINER by change 9 [change:9]
    adjusted, MID_YEAR_CHANGE by change 10 [change:10]
    adjusted, LEAVE by change 11 [change:11]
";
    assert_eq!(explained["text"], text);
    // The same figure as everywhere else.
    let attained = json!({"payeeId": "ann", "period": "2026-01", "measureIds": ["own"]});
    let attained = tenant.get("EarningsService/GetAttainment", attained).await;
    assert_eq!(attained["attainments"][1]["quota"], "75645.16");
    let mut then = asked;
    then["asOfChange"] = json!("8");
    let then = tenant.get("QuotaService/ExplainQuota", then).await;
    assert_eq!(then["explanation"]["value"], "95000.00");
    // Where there is none, that is said.
    let none = json!({"payeeId": "ann", "measureId": "team", "window": "FY2026-Q1"});
    let none = tenant.get("QuotaService/ExplainQuota", none).await;
    let said = "effective quota of ann for team in FY2026-Q1 = none is set for the window or its year \
                [payee:ann, measure:team]\n";
    assert_eq!(none["text"], said);
    let unknown = json!({"payeeId": "ann", "measureId": "won", "window": "FY2026-Q1"});
    assert_eq!(
        tenant.refused("QuotaService/ExplainQuota", unknown).await,
        "FailedPrecondition REFERENCE_UNKNOWN: measure_id measure won does not exist\ncount=1\n\
         measure_id: measure won does not exist"
    );
}

/// The lead's quota is the sum of its reports', and bob's terms change in mid-May.
async fn summed() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let sum =
        json!({"payeeId": "lead", "measureId": "team", "window": "FY2026", "sumOfReportsMeasureId": "own"});
    tenant.write("QuotaService/SetQuotas", json!({ "quotas": [sum] })).await;
    let assignment = |from: &str, to: &str, incentive: &str| json!({"startDate": from, "endDate": to, "planId": "rep", "managerId": "lead", "targetIncentive": incentive});
    let bob = json!({"payeeId": "bob", "kind": "KIND_PERSON", "name": "Bob",
        "assignments": [assignment("2026-01-01", "2026-05-16", "40000.00"), assignment("2026-05-16", "", "50000.00")]});
    tenant.write("PayeeService/UpsertPayees", json!({ "payees": [bob] })).await;
    tenant
}

#[tokio::test]
async fn a_sum_of_reports_explains_itself_down_to_their_quotas() {
    let tenant = summed().await;
    let asked = json!({"payeeId": "lead", "measureId": "team", "window": "FY2026-Q2", "depth": 10});
    let explained = tenant.get("QuotaService/ExplainQuota", asked.clone()).await;
    // 400,000 x 135 / 365 and 400,000 x 230 / 365.
    let text = "\
effective quota of lead for team in FY2026-Q2: 100000.00 [payee:lead, measure:team]
  goal of FY2026-Q2: 100000.00 = round(400000.00 x 50%) - round(400000.00 x 25%) [quota:lead/team/FY2026]
    goal of FY2026: 400000.00 = sum of the effective quotas of own of who reports directly on 2026-12-31 [quota:lead/team/FY2026]
      effective quota of ann for own in FY2026 = none is set for the window or its year [payee:ann, measure:own]
      effective quota of bob for own in FY2026: 400000.00 = 147945.21 + 252054.79 [payee:bob, measure:own]
        goal of FY2026: 400000.00 = set for the window [quota:bob/own/FY2026]
        2026-01-01 to before 2026-05-16: 147945.21 = 400000.00 x 135 of 365 days, rounded with the parts before it [assignment:bob/2026-01-01]
          part of the window, percent: 36.986301 = 135 of 365 days
        2026-05-16 to before 2027-01-01: 252054.79 = 400000.00 x 230 of 365 days, rounded with the parts before it [assignment:bob/2026-05-16]
          part of the window, percent: 63.013699 = 230 of 365 days
    weight of 2026-04 in the year, percent: 8.333333 = 100 / 12
    weight of 2026-05 in the year, percent: 8.333333 = 100 / 12
    weight of 2026-06 in the year, percent: 8.333333 = 100 / 12
  2026-04-01 to before 2026-07-01: 100000.00 = 100000.00 [assignment:lead/2026-01-01]
  versions of quota lead/team/FY2026 [quota:lead/team/FY2026]
    set by change 7 [change:7]
    set by change 8 [change:8]
";
    assert_eq!(explained["text"], text);
    // A node alone, and its children in pages.
    let mut bob = asked.clone();
    (bob["path"], bob["depth"], bob["pageSize"]) = (json!("goal/year/report-bob"), json!(1), json!(2));
    let page = tenant.get("QuotaService/ExplainQuota", bob.clone()).await["explanation"].clone();
    assert_eq!((&page["value"], &page["childCount"]), (&json!("400000.00"), &json!(3)));
    bob["pageToken"] = page["nextPageToken"].clone();
    let next = tenant.get("QuotaService/ExplainQuota", bob).await["explanation"].clone();
    let paths = [&page["children"][1]["path"], &next["children"][0]["path"]];
    assert_eq!(paths, ["goal/year/report-bob/from-2026-01-01", "goal/year/report-bob/from-2026-05-16"]);
    assert_eq!((next["children"].as_array().unwrap().len(), &next["nextPageToken"]), (1, &Value::Null));
    let mut absent = asked;
    absent["path"] = json!("goal/year/report-lead");
    assert_eq!(
        tenant.refused("QuotaService/ExplainQuota", absent).await,
        "NotFound NOT_FOUND: explanation goal/year/report-lead not found\nid=goal/year/report-lead\nresource=explanation"
    );
    // A payee reads its own and those of all below.
    let lead = tenant.key("ROLE_PAYEE", "lead").await;
    let own = json!({"measureId": "team", "window": "FY2026"});
    assert_eq!(lead.get("QuotaService/ExplainQuota", own).await["explanation"]["value"], "400000.00");
    let of_bob = json!({"payeeId": "bob", "measureId": "own", "window": "FY2026"});
    lead.get("QuotaService/ExplainQuota", of_bob.clone()).await;
    let ann = tenant.key("ROLE_PAYEE", "ann").await;
    assert_eq!(
        ann.refused("QuotaService/ExplainQuota", of_bob).await,
        "NotFound NOT_FOUND: payee bob not found\nid=bob\nresource=payee"
    );
}

#[tokio::test]
async fn an_adjustment_that_does_not_fit_is_refused_whole() {
    let tenant = summed().await;
    let refused = async |kind: &str, what: Value| {
        tenant.refused_write("QuotaService/AdjustQuota", of_ann(kind, what)).await
    };
    let amount = || json!({"amount": dollars("1.00")});
    let mut stale = amount();
    stale["etag"] = json!("6");
    let says = "expects change 6, but quota ann/own/FY2026-Q1 was last written by change 7";
    assert_eq!(
        refused("KIND_CORRECTION", stale).await,
        format!(
            "Aborted ETAG_MISMATCH: adjustment.etag {says}\nactual=7\ncount=1\nexpected=6\nid=ann/own/FY2026-Q1\nresource=quota\n\
             adjustment.etag: {says}"
        )
    );
    // A window that has its part of the year's has no quota of its own to adjust.
    let absent = json!({"window": "FY2026-Q2", "amount": dollars("1.00")});
    assert_eq!(
        refused("KIND_TRANSFER", absent).await,
        "NotFound NOT_FOUND: quota ann/own/FY2026-Q2 not found\nid=ann/own/FY2026-Q2\nresource=quota"
    );
    let units = json!({"units": "1", "reliefs": [{"date": "2026-01-01", "units": "1"}]});
    let must = "must be empty, an amount given: the measure counts money";
    assert_eq!(
        refused("KIND_TRANSFER", units).await,
        format!(
            "FailedPrecondition REFERENCE_UNFIT: 2 fields do not fit what they name, the first: adjustment.units {must}\ncount=2\n\
             adjustment.units: {must}\nadjustment.reliefs[0].units: {must}"
        )
    );
    let euro = json!({"amount": {"currencyCode": "EUR", "amount": "1.00"}});
    assert_eq!(
        refused("KIND_TRANSFER", euro).await,
        "FailedPrecondition REFERENCE_UNFIT: adjustment must be in USD as the quota is, got EUR\ncount=1\n\
         adjustment: must be in USD as the quota is, got EUR"
    );
    let many = |count: usize| json!({"reliefs": vec![json!({"date": "2026-01-01", "amount": dollars("0.01")}); count]});
    adjust(&tenant, "KIND_LOST_ACCOUNT", many(60)).await;
    assert_eq!(
        refused("KIND_LOST_ACCOUNT", many(41)).await,
        "FailedPrecondition REFERENCE_UNFIT: adjustment.reliefs must leave at most 100 in all, got 101\ncount=1\n\
         adjustment.reliefs: must leave at most 100 in all, got 101"
    );
    let leave = json!({"payeeId": "lead", "measureId": "team", "window": "FY2026", "kind": "KIND_LEAVE",
        "leave": {"startDate": "2026-03-01", "endDate": "2026-04-01"}});
    let must = "adjustment.leave must be absent: the goal is the sum of the reports', whom leave is told of";
    let refusal = tenant.refused_write("QuotaService/AdjustQuota", json!({ "adjustment": leave })).await;
    assert!(refusal.starts_with(&format!("FailedPrecondition REFERENCE_UNFIT: {must}")), "{refusal}");
}
