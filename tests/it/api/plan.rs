//! `PlanService`: versions, drafts and what they change; `MeasureService`.

use serde_json::{Value, json};

use crate::harness::Tenant;
use crate::harness::company::{calendar, measures, plan};

#[tokio::test]
async fn versions_follow_each_other_and_never_change() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut second = plan("rep", "own", "WINDOW_QUARTER", &[("0", "11")]);
    second["effectiveFrom"] = json!("2026-04");
    let published = tenant.write("PlanService/PublishPlan", second.clone()).await;
    assert_eq!(published, json!({"receipt": {"changeNumber": "8", "written": "1"}, "version": 2}));
    for from in ["2026-04", "2026-02"] {
        let mut third = second.clone();
        third["effectiveFrom"] = json!(from);
        let refused = tenant.refused_write("PlanService/PublishPlan", third).await;
        let expected = format!(
            "AlreadyExists PLAN_VERSION_EXISTS: version 2 of plan rep counts from 2026-04: the next one must count from a \
             later period, got {from}\neffective_from=2026-04\nplan=rep\nversion=2"
        );
        assert_eq!(refused, expected);
    }
    let get = |version: i32| json!({"planId": "rep", "version": version});
    let first = tenant.get("PlanService/GetPlan", get(1)).await;
    let expected = json!({"asOfChange": "8", "planVersion": {"version": 1, "effectiveFrom": "2026-01", "etag": "4", "plan": {
        "planId": "rep", "name": "rep", "currencyCode": "USD", "components": [{
            "componentId": "commission", "name": "Commission", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE",
            "rates": {"measureId": "own", "mode": "MODE_MARGINAL", "tiers": [
                {"edgePercent": "0", "ratePercent": "10"}, {"edgePercent": "100", "ratePercent": "20"}]}}]}}});
    assert_eq!(first, expected);
    let on = |day: &str, as_of: &str| json!({"planId": "rep", "onDate": day, "asOfChange": as_of});
    for (day, as_of, version) in
        [("2026-04-01", "0", 2), ("2026-03-31", "0", 1), ("2026-01-01", "0", 1), ("2026-04-01", "7", 1)]
    {
        let found = tenant.get("PlanService/GetPlan", on(day, as_of)).await["planVersion"].clone();
        let etag = if version == 2 { "8" } else { "4" };
        assert_eq!((&found["version"], &found["etag"]), (&json!(version), &json!(etag)), "{day}");
    }
    let early = tenant.refused("PlanService/GetPlan", on("2025-12-31", "0")).await;
    let name = "rep in force on 2025-12-31: its first version counts from 2026-01";
    assert_eq!(early, format!("NotFound NOT_FOUND: plan {name} not found\nid={name}\nresource=plan"));
    let listed = async |day: &str, as_of: &str| {
        let asked = json!({"onDate": day, "asOfChange": as_of});
        let listed = tenant.get("PlanService/ListPlans", asked).await;
        let versions = listed["planVersions"].as_array().cloned().unwrap_or_default();
        let named = |found: &serde_json::Value| {
            format!("{} {}", found["plan"]["planId"].as_str().unwrap(), found["version"])
        };
        versions.iter().map(named).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(listed("", "0").await, "lead 1, rep 1, rep 2");
    assert_eq!(listed("2026-04-01", "0").await, "lead 1, rep 2");
    assert_eq!(listed("2026-03-31", "0").await, "lead 1, rep 1");
    assert_eq!(listed("2026-04-01", "7").await, "lead 1, rep 1");
    assert_eq!(listed("2025-12-31", "0").await, "");
    let third = tenant.refused("PlanService/GetPlan", get(3)).await;
    assert_eq!(third, "NotFound NOT_FOUND: plan rep version 3 not found\nid=rep version 3\nresource=plan");
}

/// A measure of each unit beside the company's, which count money.
async fn count_pieces(tenant: &Tenant) {
    let measure = |id: &str, value: &str| json!({"measureId": id, "name": id, "eventType": "TYPE_BOOKED", "credit": "CREDIT_DIRECT", "value": value});
    let measures = [measure("margin", "VALUE_MARGIN"), measure("pieces", "VALUE_QUANTITY")];
    tenant.write("MeasureService/DefineMeasures", json!({ "measures": measures })).await;
}

/// A component of every window, mode, axis and rate kind, and what else a plan can say, as it reads back.
fn everything() -> Value {
    json!({"planId": "full", "name": "Full", "currencyCode": "USD", "components": [
        {"componentId": "quarter", "name": "Q", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE", "lineKept": true,
         "clawback": {"steps": [{"days": 30, "percent": "100"}, {"days": 90, "percent": "50"}]},
         "rates": {"measureId": "own", "lineMeasureId": "team", "mode": "MODE_MARGINAL", "retroactiveToPercent": "50", "tiers": [
            {"edgePercent": "0", "ratePercent": "0"},
            {"edgePercent": "50", "ratePercent": "5", "edgeLower": true, "flatAmount": "100.00"}]}},
        {"componentId": "half", "name": "H", "window": "WINDOW_HALF", "reversal": "REVERSAL_AT_ORIGIN",
         "clawback": {"fullDays": 30, "termDays": 365},
         "rates": {"measureId": "margin", "mode": "MODE_RETROACTIVE", "axis": "AXIS_AMOUNT", "tiers": [
            {"edgeAmount": "0.00", "ratePercent": "5"}, {"edgeAmount": "100000.50", "ratePercent": "7.5"}]}},
        {"componentId": "units", "name": "U", "window": "WINDOW_YEAR", "reversal": "REVERSAL_OWN_DATE",
         "rates": {"measureId": "pieces", "mode": "MODE_MARGINAL", "axis": "AXIS_UNITS", "rateKind": "RATE_KIND_PER_UNIT",
            "retroactiveToUnits": "10.5", "tiers": [
            {"edgeUnits": "0", "rateAmount": "2.000001"}, {"edgeUnits": "10.5", "rateAmount": "3"}]}},
        {"componentId": "blocks", "name": "B", "window": "WINDOW_MONTH", "reversal": "REVERSAL_OWN_DATE",
         "rates": {"measureId": "pieces", "mode": "MODE_MARGINAL", "rateKind": "RATE_KIND_PER_BLOCK", "blockQuantity": "12",
            "tiers": [{"edgePercent": "0", "rateAmount": "25"}]}},
        {"componentId": "deal", "name": "D", "window": "WINDOW_DEAL", "reversal": "REVERSAL_OWN_DATE",
         "rates": {"measureId": "own", "mode": "MODE_WHOLE_CREDIT", "axis": "AXIS_MARGIN_PERCENT", "tiers": [
            {"edgePercent": "0", "ratePercent": "1"}, {"edgePercent": "30", "ratePercent": "2"}]}},
        {"componentId": "base", "name": "R", "window": "WINDOW_QUARTER", "reversal": "REVERSAL_OWN_DATE", "targetPercent": "60",
         "rates": {"measureId": "own", "mode": "MODE_MARGINAL", "rateKind": "RATE_KIND_BASE_RATE", "tiers": [
            {"edgePercent": "0", "rateMultiple": "0.5"}, {"edgePercent": "100", "rateMultiple": "1.5"}]}}]})
}

#[tokio::test]
async fn a_plan_with_everything_reads_back_as_it_was_published() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    count_pieces(&tenant).await;
    let publish = json!({"plan": everything(), "effectiveFrom": "2026-01"});
    tenant.write("PlanService/PublishPlan", publish).await;
    let read = tenant.get("PlanService/GetPlan", json!({"planId": "full"})).await;
    assert_eq!(read["planVersion"]["plan"], everything());
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["sound"], true, "{verified}");
}

/// A component of every kind, with every modifier, as it reads back.
fn every_kind() -> Value {
    serde_json::from_str(include_str!("../../plan-of-every-kind.json")).unwrap()
}

/// The measures that it names beside the company's.
async fn measure_every_kind(tenant: &Tenant) {
    count_pieces(tenant).await;
    let measure = |id: &str, event: &str, credit: &str, value: &str| json!({"measureId": id, "name": id, "eventType": event, "credit": credit, "value": value});
    let outside = |id: &str| json!({"measureId": id, "name": id, "outside": {"combine": "COMBINE_AVERAGE"}});
    let measures = [
        outside("satisfaction"),
        outside("on-time"),
        measure("booked", "TYPE_BOOKED", "CREDIT_DIRECT", "VALUE_AMOUNT"),
        measure("below", "TYPE_BOOKED", "CREDIT_ROLLED_UP", "VALUE_AMOUNT"),
        measure("paid", "TYPE_PAID", "CREDIT_DIRECT", "VALUE_AMOUNT"),
    ];
    tenant.write("MeasureService/DefineMeasures", json!({ "measures": measures })).await;
}

#[tokio::test]
async fn a_plan_of_every_kind_is_validated_published_read_and_compared() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    measure_every_kind(&tenant).await;
    let mut publish = json!({"plan": every_kind(), "effectiveFrom": "2026-01"});
    let validated = tenant.get("PlanService/ValidatePlan", publish.clone()).await;
    assert_eq!((&validated["violations"], &validated["warningCount"]), (&Value::Null, &Value::Null));
    assert_eq!(validated["diff"]["addedComponentIds"].as_array().unwrap().len(), 13);
    tenant.write("PlanService/PublishPlan", publish.clone()).await;
    let read = tenant.get("PlanService/GetPlan", json!({"planId": "every"})).await;
    assert_eq!(read["planVersion"]["plan"], every_kind());
    // As a draft too, spelt in its own way.
    publish["plan"]["components"][3]["objectives"]["targetAmount"] = json!("4000");
    publish["plan"]["components"][9]["pool"] = json!({"amount": "7", "weight": "WEIGHT_EQUAL"});
    publish["plan"]["components"][5]["matrix"]["cells"][1]["percents"][0] = json!("1.5");
    publish["plan"]["cap"] = json!({"limit": {"amount": "90000"}});
    let draft = json!({"draft": {"draftId": "d", "plan": publish["plan"]}});
    tenant.write("PlanService/SaveDraft", draft).await;
    let asked = json!({"planId": "every", "fromVersion": 1, "draftId": "d"});
    let diff = tenant.get("PlanService/DiffPlans", asked).await["diff"].clone();
    let text = |change: &Value, name: &str| change[name].as_str().unwrap_or("").to_string();
    let line = |change: &Value| {
        format!("{} {:?} {:?}", text(change, "path"), text(change, "oldText"), text(change, "newText"))
    };
    let changes: Vec<_> = diff["changes"].as_array().unwrap().iter().map(line).collect();
    assert_eq!(
        changes,
        [
            r#"components[margins].matrix.cells[1].percents[0] "1" "1.5""#,
            r#"components[share].pool.amount "" "7.00""#,
            r#"components[share].pool.measure_id "margin" """#,
            r#"components[share].pool.percent "2.5" """#,
            r#"components[share].pool.weight "WEIGHT_TARGET_INCENTIVE" "WEIGHT_EQUAL""#,
            r#"cap.limit.amount "" "90000.00""#,
            r#"cap.limit.incentive_percent "300" """#,
            r#"cap.span "WINDOW_HALF" """#,
        ]
    );
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["sound"], true, "{verified}");
    // Whatever names a measure keeps it as it is.
    let named = ["below", "booked", "margin", "on-time", "own", "paid", "pieces", "satisfaction"];
    let other =
        |id: &&str| json!({"measureId": id, "name": "Another", "outside": {"combine": "COMBINE_SUM"}});
    let measures: Vec<_> = named.iter().map(other).collect();
    let refused =
        tenant.refused_write("MeasureService/DefineMeasures", json!({ "measures": measures })).await;
    assert!(refused.contains(&format!("\nmeasures={}\n", named.join(", "))), "{refused}");
}

#[tokio::test]
async fn what_every_kind_names_is_there_and_fits() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    measure_every_kind(&tenant).await;
    let mut plan = every_kind();
    let components = plan["components"].as_array_mut().unwrap();
    components[0]["modifiers"]["multipliers"][0]["gauge"]["measureId"] = json!("own");
    components[0]["modifiers"]["gates"][0]["gauge"]["measureId"] = json!("won");
    components[1]["bonus"]["curve"]["gauge"]["measureId"] = json!("won");
    components[2]["bonus"]["curve"]["gauge"] = json!({"measureId": "satisfaction", "axis": "AXIS_UNITS"});
    components[2]["bonus"]["curve"]["points"] = json!([{"edgeUnits": "5", "percent": "100"}]);
    components[3]["objectives"]["objectives"][1]["measureId"] = json!("own");
    components[4]["spiff"]["measureId"] = json!("own");
    components[5]["matrix"]["measureId"] = json!("pieces");
    components[6]["matrix"]["columns"]["gauge"]["measureId"] = json!("pieces");
    components[7]["rank"]["gauge"]["measureId"] = json!("won");
    components[9]["pool"]["measureId"] = json!("pieces");
    components[10]["pool"]["gauge"]["measureId"] = json!("own");
    components[11]["override"]["rates"]["measureId"] = json!("pieces");
    components[12]["residual"]["rates"]["measureId"] = json!("own");
    let validated =
        tenant.get("PlanService/ValidatePlan", json!({"plan": plan, "effectiveFrom": "2026-01"})).await;
    let faults: Vec<_> = validated["violations"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(
        faults,
        [
            "plan.components[0].modifiers.gates[0].gauge.measure_id: measure won does not exist",
            "plan.components[0].modifiers.multipliers[0].gauge.measure_id: must count a number, got own",
            "plan.components[1].bonus.curve.gauge.measure_id: measure won does not exist",
            "plan.components[2].bonus.curve.gauge.measure_id: must be a measure of credits, satisfaction is an outside measure",
            "plan.components[3].objectives.objectives[1].measure_id: must count a number, got own",
            "plan.components[3].objectives.objectives[1].measure_id: must be an outside measure, own counts credits",
            "plan.components[4].spiff.measure_id: must count a number, got own",
            "plan.components[5].matrix.measure_id: must count money, got pieces",
            "plan.components[6].matrix.columns.gauge.measure_id: must count money, got pieces",
            "plan.components[7].rank.gauge.measure_id: measure won does not exist",
            "plan.components[9].pool.measure_id: must count money, got pieces",
            "plan.components[10].pool.gauge.measure_id: must count a number, got own",
            "plan.components[11].override.rates.measure_id: must count money where rates are percents, got pieces",
            "plan.components[11].override.rates.axis: must fit pieces, which counts a number: edges must be edge_units",
            "plan.components[11].override.rates.measure_id: must count credits of those below, pieces counts direct ones",
            "plan.components[12].residual.rates.measure_id: must count PAID events, own counts BOOKED",
        ]
    );
}

/// An override that takes off what others earn in components, from the company's team measure.
fn taking_off(plan: &str, component: &str, less: &[&str]) -> Value {
    json!({"effectiveFrom": "2026-01", "plan": {"planId": plan, "name": plan, "components": [
        {"componentId": component, "name": component, "window": "WINDOW_MONTH", "override": {"lessComponentIds": less,
         "rates": {"measureId": "team", "mode": "MODE_WHOLE_CREDIT", "axis": "AXIS_AMOUNT",
                   "tiers": [{"edgeAmount": "0", "ratePercent": "10"}]}}}]}})
}

#[tokio::test]
async fn what_overrides_take_off_is_published_and_leads_back_to_nobody() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let at = "plan.components[0].override.less_component_ids";
    let unknown = tenant
        .refused_write("PlanService/PublishPlan", taking_off("vp", "vp", &["commission", "director"]))
        .await;
    let sentence = "component director does not exist";
    assert_eq!(
        unknown,
        format!("FailedPrecondition REFERENCE_UNKNOWN: {at}[1] {sentence}\ncount=1\n{at}[1]: {sentence}")
    );
    tenant.write("PlanService/PublishPlan", taking_off("director", "director", &["commission"])).await;
    tenant.write("PlanService/PublishPlan", taking_off("vp", "vp", &["commission", "director"])).await;
    // The director's next version must not take off what takes off the director's.
    let mut next = taking_off("director", "director", &["commission", "vp"]);
    next["effectiveFrom"] = json!("2026-07");
    let sentence = "must not lead back to director by what published plans take off, got vp";
    let refused = tenant.refused_write("PlanService/PublishPlan", next.clone()).await;
    assert_eq!(
        refused,
        format!("FailedPrecondition REFERENCE_UNFIT: {at}[1] {sentence}\ncount=1\n{at}[1]: {sentence}")
    );
    let validated = tenant.get("PlanService/ValidatePlan", next).await;
    let faults: Vec<_> = validated["violations"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(faults, [format!("{at}[1]: {sentence}")]);
}

#[tokio::test]
async fn rates_and_edges_fit_what_their_measures_count() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    count_pieces(&tenant).await;
    let mut plan = everything();
    plan["components"][0]["rates"]["measureId"] = json!("pieces");
    plan["components"][1]["rates"]["lineMeasureId"] = json!("pieces");
    plan["components"][2]["rates"]["measureId"] = json!("own");
    plan["components"][3]["rates"]["measureId"] = json!("won");
    plan["components"][5]["rates"]["lineMeasureId"] = json!("pieces");
    let publish = json!({"plan": plan, "effectiveFrom": "2026-01"});
    let violations = [
        ("plan.components[0].rates.measure_id", "must count money where rates are percents, got pieces"),
        ("plan.components[1].rates.axis", "must fit pieces, which counts a number: edges must be edge_units"),
        (
            "plan.components[2].rates.measure_id",
            "must count a number where rates are per unit or block, got own",
        ),
        ("plan.components[2].rates.axis", "must fit own, which counts money: edges must be edge_amount"),
        ("plan.components[3].rates.measure_id", "measure won does not exist"),
        (
            "plan.components[5].rates.line_measure_id",
            "must count the same unit as own where rates are multiples of the base rate, got pieces",
        ),
    ];
    let lines: Vec<_> = violations.iter().map(|(field, message)| format!("{field}: {message}")).collect();
    let expected = format!(
        "FailedPrecondition REFERENCE_UNFIT: 6 fields do not fit what they name, the first: {} {}\ncount=6\n{}",
        violations[0].0,
        violations[0].1,
        lines.join("\n")
    );
    assert_eq!(tenant.refused_write("PlanService/PublishPlan", publish.clone()).await, expected);
    // The same, as data.
    let validated = tenant.get("PlanService/ValidatePlan", publish).await;
    let said: Vec<_> = validated["violations"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(said, lines);
}

fn said(violation: &Value) -> String {
    format!("{}: {}", violation["field"].as_str().unwrap(), violation["message"].as_str().unwrap())
}

#[tokio::test]
async fn validating_says_every_fault_what_is_missing_and_what_changes() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut next = plan("rep", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "25")]);
    next["effectiveFrom"] = json!("2026-04");
    let component = json!({"componentId": "base", "name": "Base", "window": "WINDOW_YEAR", "targetPercent": "50",
        "rates": {"measureId": "team", "mode": "MODE_MARGINAL", "rateKind": "RATE_KIND_BASE_RATE",
            "tiers": [{"edgePercent": "0", "rateMultiple": "1"}]}});
    next["plan"]["components"].as_array_mut().unwrap().push(component);
    let before = tenant.head().await;
    let validated = tenant.get("PlanService/ValidatePlan", next.clone()).await;
    // Ann's quota of the first quarter says nothing for the second; bob has one for the year.
    let warning = |payee: &str, component: &str, message: &str| json!({"payeeId": payee, "componentId": component, "message": message});
    let expected = json!({
        "warnings": [
            warning("ann", "commission", "has no quota of own for FY2026-Q2"),
            warning("ann", "base", "has no target incentive on 2026-04-01"),
            warning("ann", "base", "has no quota of team for FY2026"),
            warning("bob", "base", "has no target incentive on 2026-04-01"),
            warning("bob", "base", "has no quota of team for FY2026"),
        ],
        "warningCount": 5,
        "diff": {
            "fromVersion": 1,
            "changes": [
                {"path": "components[commission].rates.tiers[1].rate_percent", "oldText": "20", "newText": "25"},
                {"path": "components[base].component_id", "newText": "base"},
                {"path": "components[base].name", "newText": "Base"},
                {"path": "components[base].window", "newText": "WINDOW_YEAR"},
                {"path": "components[base].reversal", "newText": "REVERSAL_OWN_DATE"},
                {"path": "components[base].rates.measure_id", "newText": "team"},
                {"path": "components[base].rates.mode", "newText": "MODE_MARGINAL"},
                {"path": "components[base].rates.tiers[0].edge_percent", "newText": "0"},
                {"path": "components[base].rates.tiers[0].rate_multiple", "newText": "1"},
                {"path": "components[base].rates.rate_kind", "newText": "RATE_KIND_BASE_RATE"},
                {"path": "components[base].target_percent", "newText": "50"},
            ],
            "changeCount": 11,
            "addedComponentIds": ["base"],
            "keptComponentIds": ["commission"],
        },
        "asOfChange": before.to_string(),
    });
    assert_eq!(validated, expected);
    // With faults of its own, of what it names, and of when it counts, all at once.
    next["effectiveFrom"] = json!("2026-01");
    next["plan"]["components"][0]["rates"]["tiers"][1]["edgePercent"] = json!("0");
    next["plan"]["components"][0]["rates"]["measureId"] = json!("won");
    next["plan"]["components"][1]["window"] = json!("WINDOW_UNSPECIFIED");
    let validated = tenant.get("PlanService/ValidatePlan", next).await;
    let faults: Vec<_> = validated["violations"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(
        faults,
        [
            "plan.components[0].rates.tiers[1].edge_percent: must be above the edge before it, 0, got 0",
            "plan.components[1].window: must be given",
            "plan.components[0].rates.measure_id: measure won does not exist",
            "effective_from: version 1 of plan rep counts from 2026-01: the next one must count from a later period, got 2026-01",
        ]
    );
    assert_eq!(validated["warningCount"], Value::Null);
    assert_eq!(tenant.head().await, before);
}

#[tokio::test]
async fn versions_and_drafts_are_compared() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let mut second = plan("rep", "own", "WINDOW_MONTH", &[("0", "11")]);
    second["effectiveFrom"] = json!("2026-04");
    tenant.write("PlanService/PublishPlan", second.clone()).await;
    let diff = async |to: Value| {
        let mut asked = json!({"planId": "rep", "fromVersion": 1});
        asked.as_object_mut().unwrap().extend(to.as_object().unwrap().clone());
        let answer = tenant.get("PlanService/DiffPlans", asked).await;
        let changes = answer["diff"]["changes"].as_array().cloned().unwrap_or_default();
        let text = |change: &Value, name: &str| change[name].as_str().unwrap_or("").to_string();
        let line = |change: &Value| {
            format!("{} {:?} {:?}", text(change, "path"), text(change, "oldText"), text(change, "newText"))
        };
        (answer["diff"]["toVersion"].as_i64(), changes.iter().map(line).collect::<Vec<_>>())
    };
    let changes = [
        r#"components[commission].window "WINDOW_QUARTER" "WINDOW_MONTH""#,
        r#"components[commission].rates.tiers[0].rate_percent "10" "11""#,
        r#"components[commission].rates.tiers[1].edge_percent "100" """#,
        r#"components[commission].rates.tiers[1].rate_percent "20" """#,
    ];
    let changes = changes.map(String::from).to_vec();
    assert_eq!(diff(json!({"toVersion": 2})).await, (Some(2), changes.clone()));
    assert_eq!(diff(json!({"toVersion": 0})).await, (Some(2), changes.clone()));
    assert_eq!(diff(json!({"toVersion": 1})).await, (Some(1), vec![]));
    assert_eq!(diff(json!({"plan": second["plan"]})).await, (None, changes.clone()));
    let draft = json!({"draft": {"draftId": "d", "plan": second["plan"]}});
    tenant.write("PlanService/SaveDraft", draft).await;
    assert_eq!(diff(json!({"draftId": "d"})).await, (None, changes));
    for (asked, refusal) in [
        (
            json!({"planId": "rep", "toVersion": 3}),
            "plan rep version 3 not found\nid=rep version 3\nresource=plan",
        ),
        (json!({"planId": "won", "toVersion": 1}), "plan won not found\nid=won\nresource=plan"),
        (json!({"planId": "rep", "draftId": "e"}), "draft e not found\nid=e\nresource=draft"),
    ] {
        assert_eq!(
            tenant.refused("PlanService/DiffPlans", asked).await,
            format!("NotFound NOT_FOUND: {refusal}")
        );
    }
}

#[tokio::test]
async fn a_draft_may_have_any_fault_until_it_is_published() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let half = json!({"draftId": "next", "plan": {"planId": "rep", "components": [{"componentId": "commission", "rates": {"measureId": "won"}}]}});
    let saved = tenant.write("PlanService/SaveDraft", json!({ "draft": half })).await;
    let faults = [
        ("plan.name", "must not be empty"),
        ("plan.components[0].name", "must not be empty"),
        ("plan.components[0].window", "must be given"),
        ("plan.components[0].rates.mode", "must be given"),
    ];
    let faults: Vec<_> = faults.map(|(field, message)| json!({"field": field, "message": message})).to_vec();
    let receipt = json!({"changeNumber": "8", "written": "1"});
    assert_eq!(saved, json!({"receipt": receipt, "violationCount": 4, "firstViolations": faults}));
    let mut kept = half.clone();
    kept["etag"] = json!("8");
    let read = tenant.get("PlanService/GetDraft", json!({"draftId": "next"})).await;
    assert_eq!(read, json!({"draft": kept, "violations": faults, "asOfChange": "8"}));
    let publish =
        |etag: i64| json!({"draftId": "next", "draftEtag": etag.to_string(), "effectiveFrom": "2026-04"});
    let refused = tenant.refused_write("PlanService/PublishPlan", publish(8)).await;
    assert!(
        refused.starts_with("FailedPrecondition REFERENCE_UNFIT: 4 fields do not fit what they name, "),
        "{refused}"
    );

    // Made good, under the etag it was read at; another one who read it then is told.
    let mut good = plan("rep", "own", "WINDOW_QUARTER", &[("0", "12")])["plan"].clone();
    let mut draft = json!({"draftId": "next", "plan": good, "effectiveFrom": "2026-04", "etag": "8"});
    let saved = tenant.write("PlanService/SaveDraft", json!({ "draft": draft })).await;
    assert_eq!(saved, json!({"receipt": {"changeNumber": "9", "written": "1"}}));
    good["name"] = json!("Another");
    draft["plan"] = good;
    let mismatch = |field: &str| {
        let sentence = "expects change 8, but draft next was last written by change 9";
        format!(
            "Aborted ETAG_MISMATCH: {field} {sentence}\nactual=9\ncount=1\nexpected=8\nid=next\nresource=draft\n{field}: {sentence}"
        )
    };
    let refused = tenant.refused_write("PlanService/SaveDraft", json!({ "draft": draft })).await;
    assert_eq!(refused, mismatch("draft.etag"));
    assert_eq!(tenant.refused_write("PlanService/PublishPlan", publish(8)).await, mismatch("draft_etag"));
    let discard = json!({"draftId": "next", "etag": "8"});
    assert_eq!(tenant.refused_write("PlanService/DiscardDraft", discard).await, mismatch("etag"));
    let listed = tenant.get("PlanService/ListDrafts", json!({})).await;
    let header =
        json!({"draftId": "next", "planId": "rep", "name": "rep", "effectiveFrom": "2026-04", "etag": "9"});
    assert_eq!(listed, json!({"drafts": [header], "asOfChange": "9"}));
    // Its effective period counts where the request names none.
    let validated = tenant.get("PlanService/ValidatePlan", json!({"draftId": "next"})).await;
    assert_eq!((&validated["violations"], &validated["diff"]["changeCount"]), (&Value::Null, &json!(3)));

    let mut request = tenant.signed(json!({"draftId": "next", "draftEtag": "9"}));
    let published = tenant.get("PlanService/PublishPlan", request.clone()).await;
    assert_eq!(published, json!({"receipt": {"changeNumber": "10", "written": "1"}, "version": 2}));
    let version = tenant.get("PlanService/GetPlan", json!({"planId": "rep", "version": 2})).await;
    assert_eq!(version["planVersion"]["effectiveFrom"], "2026-04");
    // The draft is gone, as of before it is there, and the same request is answered the same.
    let gone = "NotFound NOT_FOUND: draft next not found\nid=next\nresource=draft";
    assert_eq!(tenant.refused("PlanService/GetDraft", json!({"draftId": "next"})).await, gone);
    let then = tenant.get("PlanService/GetDraft", json!({"draftId": "next", "asOfChange": "8"})).await;
    assert_eq!(then["draft"], kept);
    assert_eq!(tenant.get("PlanService/PublishPlan", request.clone()).await, published);
    request["requestId"] = json!(tenant.request_id());
    assert_eq!(tenant.refused("PlanService/PublishPlan", request).await, {
        let sentence = "expects change 9, but draft next does not exist";
        format!(
            "Aborted ETAG_MISMATCH: draft_etag {sentence}\nactual=0\ncount=1\nexpected=9\nid=next\nresource=draft\ndraft_etag: {sentence}"
        )
    });
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["sound"], true, "{verified}");
}

#[tokio::test]
async fn drafts_are_paged_and_discarded() {
    let tenant = Tenant::new().await;
    tenant.write("AdminService/SetCalendar", calendar()).await;
    for id in ["b", "a", "c"] {
        tenant.write("PlanService/SaveDraft", json!({"draft": {"draftId": id, "plan": {"name": id}}})).await;
    }
    // The same again is no new fact.
    let again = tenant
        .write("PlanService/SaveDraft", json!({"draft": {"draftId": "c", "plan": {"name": "c"}}}))
        .await;
    assert_eq!(again["receipt"], json!({"changeNumber": "6", "unchanged": "1"}));
    let first = tenant.get("PlanService/ListDrafts", json!({"pageSize": 2})).await;
    let ids = |page: &Value| {
        page["drafts"].as_array().unwrap().iter().map(|draft| draft["draftId"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&first), ["a", "b"]);
    let discard = json!({"draftId": "c"});
    let checked = tenant.get("PlanService/DiscardDraft", {
        let mut request = tenant.signed(discard.clone());
        request["validateOnly"] = json!(true);
        request
    });
    assert_eq!(checked.await, json!({"receipt": {"written": "1"}}));
    let discarded = tenant.write("PlanService/DiscardDraft", discard.clone()).await;
    assert_eq!(discarded, json!({"receipt": {"changeNumber": "7", "written": "1"}}));
    let gone = "NotFound NOT_FOUND: draft c not found\nid=c\nresource=draft";
    assert_eq!(tenant.refused_write("PlanService/DiscardDraft", discard).await, gone);
    // Later pages are as of the first.
    let next = json!({"pageSize": 2, "pageToken": first["nextPageToken"]});
    let second = tenant.get("PlanService/ListDrafts", next).await;
    assert_eq!((ids(&second), &second["asOfChange"]), (vec![json!("c")], &json!("6")));
    assert_eq!(ids(&tenant.get("PlanService/ListDrafts", json!({"minChange": "7"})).await), ["a", "b"]);
}

#[tokio::test]
async fn a_measure_in_use_never_changes() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let free = json!({"measureId": "free", "name": "Free", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH",
        "levels": 2, "roles": ["AE", "SE"], "value": "VALUE_AMOUNT"});
    tenant.write("MeasureService/DefineMeasures", json!({"measures": [free.clone()]})).await;
    // As it stands it may be said again, and what nobody names may change.
    let mut other = measures();
    other["measures"].as_array_mut().unwrap().push(free);
    other["measures"][2]["levels"] = json!(3);
    let written = tenant.write("MeasureService/DefineMeasures", other.clone()).await;
    assert_eq!(written["receipt"], json!({"changeNumber": "9", "written": "1", "unchanged": "2"}));
    other["measures"][0]["eventType"] = json!("TYPE_PAID");
    other["measures"][1]["levels"] = json!(1);
    assert_eq!(
        tenant.refused_write("MeasureService/DefineMeasures", other).await,
        "FailedPrecondition MEASURE_IN_USE: a plan, a quota or a value names own, team, which therefore cannot change\n\
         measures=own, team\n\
         measures[0]: own is named by a plan, a quota or a value and never changes: define another\n\
         measures[1]: team is named by a plan, a quota or a value and never changes: define another"
    );
    let listed = tenant.get("MeasureService/ListMeasures", json!({})).await;
    let free = json!({"measureId": "free", "name": "Free", "eventType": "TYPE_PAID", "credit": "CREDIT_BOTH",
        "levels": 3, "roles": ["AE", "SE"], "value": "VALUE_AMOUNT", "etag": "9"});
    assert_eq!(listed["measures"][0], free);
    assert_eq!(listed["measures"].as_array().unwrap().len(), 3);
}
