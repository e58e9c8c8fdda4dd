//! Rules of another revision: what they move in closed periods is shown apart and posted only once it is accepted.

use attain::calc::RULES_REVISION;
use attain::domain::date::{Calendar, Period, WindowKind};
use attain::domain::id::TenantId;
use attain::domain::ledger::{Key, Posting, PostingKind};
use attain::storage::journal::{Entry, Head};
use attain::storage::ledger::{self, Close};
use attain::storage::{self, Database, journal};
use serde_json::{Value, json};
use sqlx::{Postgres, Transaction};

use crate::harness::Tenant;
use crate::harness::company::deal;
use crate::harness::{eventually, refusal};

const ACCEPT: &str = "PeriodService/AcceptRulesRevision";
const CLOSE: &str = "PeriodService/ClosePeriod";
const PREVIEW: &str = "PeriodService/PreviewPeriod";
/// What a server before the upgrade ran.
const OTHER: u32 = RULES_REVISION + 1;

/// A change that a server with rules of another revision makes, by the functions that ours makes its changes with.
struct Elsewhere {
    tx: Transaction<'static, Postgres>,
    tenant: TenantId,
    head: Head,
}

impl Elsewhere {
    async fn begin(tenant: &Tenant) -> Elsewhere {
        let database = Database::new(tenant.options.clone(), 1);
        let mut global = database.begin_global().await.unwrap();
        let id = storage::tenant::by_slug(&mut global, &tenant.slug).await.unwrap().unwrap();
        drop(global);
        let mut tx = database.begin(id, None).await.unwrap();
        let head = journal::lock(&mut tx, id).await.unwrap();
        Elsewhere { tx, tenant: id, head }
    }

    fn number(&self) -> i64 {
        self.head.number + 1
    }

    async fn commit(mut self, rpc: &str, ledger: bool) {
        let entry = Entry {
            actor: "elsewhere",
            rpc,
            request_id: &format!("elsewhere-{}", self.number()).parse().unwrap(),
            request_digest: [7; 32],
            reason: None,
            time: "2026-02-01T08:00:00Z".parse().unwrap(),
        };
        journal::append(&mut self.tx, self.tenant, &self.head, &entry, b"1", ledger).await.unwrap();
        self.tx.commit().await.unwrap();
    }

    /// Closes January with what those rules earned: payee, plan, window, minor units.
    async fn close(mut self, earned: &[(&str, &str, WindowKind, i128)]) {
        let (period, number) = (Period::parse("2026-01").unwrap(), self.number());
        let calendar = storage::calendar::get(&mut self.tx, self.tenant, self.head.number).await.unwrap();
        let calendar: Calendar = calendar.unwrap().value;
        let postings = earned.iter().flat_map(|(payee, plan, window, amount)| {
            let key = Key {
                payee: payee.parse().unwrap(),
                plan: plan.parse().unwrap(),
                component: "commission".parse().unwrap(),
                window: calendar.window(*window, period),
            };
            let amount = *amount;
            let currency = calendar.currency;
            PostingKind::ALL.map(|kind| Posting {
                key: key.clone(),
                for_period: period,
                kind,
                currency,
                amount,
            })
        });
        let postings: Vec<Posting> = postings.collect();
        let close = Close {
            period,
            as_of: self.head.number,
            rules_revision: OTHER,
            digest: [9; 32],
            payees: 3,
            postings: i64::try_from(postings.len()).unwrap(),
            totals: [(calendar.currency, earned.iter().map(|(_, _, _, amount)| amount).sum())].into(),
            change: number,
        };
        ledger::post(&mut self.tx, self.tenant, number, &calendar, period, &postings).await.unwrap();
        ledger::insert_close(&mut self.tx, self.tenant, &close).await.unwrap();
        self.commit("attain.v1.PeriodService/ClosePeriod", true).await;
    }

    /// Accepts those rules, as its admin would.
    async fn accept(mut self) {
        let number = self.number();
        ledger::accept_rules(&mut self.tx, self.tenant, number, OTHER).await.unwrap();
        self.commit("attain.v1.PeriodService/AcceptRulesRevision", false).await;
    }
}

/// January closed under other rules. Ours earn on its facts: ann 14,000.00 (10% up to 100,000.00, 20% of the rest),
/// bob 100.01 (10% of 1,000.10), the lead 1,210.00 (1% of both). Theirs earned 500.00 and 10.00 less, and 0.10 more.
async fn upgraded(tenant: &Tenant) {
    tenant.company().await;
    tenant
        .deals(&[deal("d1", "ann", "2026-01-10", "120000.00"), deal("d2", "bob", "2026-01-11", "1000.10")])
        .await;
    let earned = [
        ("ann", "rep", WindowKind::Quarter, 1_350_000),
        ("bob", "rep", WindowKind::Quarter, 9_001),
        ("lead", "lead", WindowKind::Month, 121_010),
    ];
    Elsewhere::begin(tenant).await.close(&earned).await;
}

fn money(amount: &str) -> Value {
    json!({"currencyCode": "USD", "amount": amount})
}

fn pending() -> String {
    format!(
        "FailedPrecondition RULES_REVISION_PENDING: the rules are of revision {RULES_REVISION}, closed periods of {OTHER}: \
         preview what that moves and accept it\n\
         accepted_rules_revision={OTHER}\nrules_revision={RULES_REVISION}"
    )
}

#[tokio::test]
async fn what_other_rules_move_in_closed_periods_is_shown_apart_and_posted_once_accepted() {
    let tenant = Tenant::new().await;
    upgraded(&tenant).await;
    // Since then: a late deal of ann for January (20% and 1% of 1,000.00), one of February (300.00), and bob's was
    // 100.00 smaller, which takes back the 10.00 that the rules give.
    let facts = [
        deal("d3", "ann", "2026-01-12", "1000.00"),
        deal("d4", "ann", "2026-02-05", "300.00"),
        deal("d2", "bob", "2026-01-11", "900.10"),
    ];
    tenant.deals(&facts).await;
    let february = json!({"period": "2026-02"});
    let preview = tenant.get(PREVIEW, february.clone()).await;
    let one = |id: &str, earned: &str, adjusted: &str, by_rules: &str| {
        let [earned, adjusted, by_rules] = [earned, adjusted, by_rules].map(money);
        json!({"payeeId": id, "earned": earned, "adjusted": adjusted, "adjustedByRules": by_rules})
    };
    let payees = json!([
        one("ann", "60.00", "700.00", "500.00"),
        one("bob", "0.00", "0.00", "10.00"),
        one("lead", "3.00", "8.90", "-0.10"),
    ]);
    assert_eq!(preview["payees"], payees);
    assert_eq!((&preview["payeeCount"], &preview["totals"]), (&json!("3"), &json!([money("771.90")])));
    assert_eq!(preview["adjustedByRules"], json!([money("509.90")]));
    assert_eq!(
        (&preview["rulesRevision"], &preview["acceptedRulesRevision"]),
        (&json!(RULES_REVISION), &json!(OTHER))
    );
    assert_eq!(tenant.refused_write(CLOSE, february.clone()).await, pending());

    let head = tenant.head().await;
    let wrong = tenant.refused_write(ACCEPT, json!({"rulesRevision": OTHER})).await;
    let message = format!("must be this server's revision {RULES_REVISION}, got {OTHER}");
    assert_eq!(
        wrong,
        format!("InvalidArgument INVALID_REQUEST: rules_revision {message}\nrules_revision: {message}")
    );
    let unsigned = tenant.refused(ACCEPT, json!({"requestId": "a", "rulesRevision": RULES_REVISION})).await;
    assert!(unsigned.ends_with("\nreason: must not be empty"), "{unsigned}");
    let signed = tenant.signed(json!({"rulesRevision": RULES_REVISION}));
    let accepted = json!({"receipt": {"changeNumber": (head + 1).to_string(), "written": "1"}});
    assert_eq!(tenant.get(ACCEPT, signed.clone()).await, accepted);
    assert_eq!(tenant.get(ACCEPT, signed).await, accepted, "sent again");
    let listed = tenant.get("AdminService/ListChanges", json!({"afterChange": head.to_string()})).await;
    let change = &listed["changes"][0];
    assert_eq!(
        (&change["rpc"], &change["reason"]),
        (&json!("attain.v1.PeriodService/AcceptRulesRevision"), &json!("a test"))
    );

    // Until it is posted it is shown as before; then it stands for January, with what facts moved.
    let preview = tenant.get(PREVIEW, february).await;
    assert_eq!((&preview["payees"], &preview["acceptedRulesRevision"]), (&payees, &json!(RULES_REVISION)));
    assert_eq!(tenant.close("2026-02").await["totals"], json!([money("771.90")]));
    let january = json!({"period": "2026-02", "forPeriod": "2026-01"});
    let listed = tenant.get("PeriodService/ListPostings", january).await;
    let posted = listed["postings"].as_array().unwrap().iter();
    let posted = posted.filter(|posting| posting["kind"] == "KIND_EARNED");
    let posted: Vec<_> =
        posted.map(|posting| json!([posting["payeeId"], posting["amount"]["amount"]])).collect();
    assert_eq!(posted, [json!(["ann", "700.00"]), json!(["lead", "8.90"])]);
    let preview = tenant.get(PREVIEW, json!({"period": "2026-03"})).await;
    assert_eq!((&preview["adjustedByRules"], &preview["payees"]), (&Value::Null, &Value::Null));
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn the_same_rules_and_a_tenant_without_closes_need_no_acceptance() {
    let tenant = Tenant::new().await;
    tenant.company().await;
    let accept = json!({"rulesRevision": RULES_REVISION});
    let preview = tenant.get(PREVIEW, json!({"period": "2026-01"})).await;
    assert_eq!(preview["acceptedRulesRevision"], Value::Null);
    assert_eq!(tenant.write(ACCEPT, accept.clone()).await["receipt"]["unchanged"], "1");
    // What was not pending was not accepted: it does not stand for a close.
    let preview = tenant.get(PREVIEW, json!({"period": "2026-01"})).await;
    assert_eq!(preview["acceptedRulesRevision"], Value::Null);
    tenant.close("2026-01").await;
    let preview = tenant.get(PREVIEW, json!({"period": "2026-02"})).await;
    assert_eq!(
        (&preview["acceptedRulesRevision"], &preview["adjustedByRules"]),
        (&json!(RULES_REVISION), &Value::Null)
    );
    assert_eq!(tenant.write(ACCEPT, accept).await["receipt"]["unchanged"], "1");
    tenant.close("2026-02").await;
    assert_eq!(tenant.get("AdminService/VerifyJournal", json!({})).await["sound"], true);
}

#[tokio::test]
async fn going_back_is_accepted_too_even_while_a_close_is_under_way() {
    let tenant = Tenant::alone().await;
    tenant.company().await;
    tenant.deals(&[deal("d1", "ann", "2026-01-10", "1000.00")]).await;
    tenant.close("2026-01").await;
    // The close has computed and waits for the head when the other rules are accepted.
    let elsewhere = Elsewhere::begin(&tenant).await;
    let (caller, message) = (tenant.admin.clone(), tenant.signed(json!({"period": "2026-02"})));
    let close = tokio::spawn(async move { caller.ask(CLOSE, message).await });
    eventually("the close waits for the head", async || tenant.waiting().await == 1).await;
    elsewhere.accept().await;
    assert_eq!(refusal(&close.await.unwrap().unwrap_err()), pending());
    assert_eq!(tenant.refused_write(CLOSE, json!({"period": "2026-02"})).await, pending());
    // These rules made the last close themselves: there is nothing that they move.
    let preview = tenant.get(PREVIEW, json!({"period": "2026-02"})).await;
    assert_eq!(
        (&preview["acceptedRulesRevision"], &preview["adjustedByRules"]),
        (&json!(OTHER), &Value::Null)
    );
    tenant.write(ACCEPT, json!({"rulesRevision": RULES_REVISION})).await;
    tenant.close("2026-02").await;
    let mut root = tenant.database().await;
    crate::harness::cluster::execute(&mut root, "update rules_acceptance set rules_revision = 9").await;
    let verified = tenant.get("AdminService/VerifyJournal", json!({})).await;
    assert_eq!(verified["firstFault"], "rules_acceptance 9 of change 10: its columns do not give its digest");
}
