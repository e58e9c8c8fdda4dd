//! The order and the batches in which facts arrive are nothing to what they come to.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use serde_json::{Value, json};

use crate::harness::company::{deal, quota};
use crate::harness::{Tenant, random};

const CASES: usize = 4;
const DEALS: usize = 24;
const PERIODS: [&str; 3] = ["2026-01", "2026-02", "2026-03"];

/// A day of the quarter.
fn day(random: &mut StdRng) -> String {
    format!("2026-{:02}-{:02}", random.random_range(1..=3), random.random_range(1..=28))
}

fn amount(random: &mut StdRng, most: u32) -> String {
    format!("{}.{:02}", random.random_range(1..most), random.random_range(0..100))
}

/// A deal with one or two bookings, perhaps split, perhaps taken back in part or whole.
fn random_deal(place: usize, random: &mut StdRng) -> Value {
    let owner = ["ann", "bob"][random.random_range(0..2)];
    let mut made = deal(&format!("d{place}"), owner, &day(random), &amount(random, 20_000));
    let events = made["events"].as_array_mut().unwrap();
    if random.random_ratio(1, 3) {
        let (day, amount) = (day(random), amount(random, 20_000));
        events.push(json!({"eventId": "b2", "type": "TYPE_BOOKED", "eventDate": day, "amount": amount}));
    }
    if random.random_ratio(1, 3) {
        let reverses = json!([{"eventId": "b", "amount": "0.50"}]);
        events.push(
            json!({"eventId": "r", "type": "TYPE_REFUNDED", "eventDate": "2026-03-30", "reverses": reverses}),
        );
    }
    if random.random_ratio(1, 3) {
        let part = random.random_range(1..100);
        let split = |payee: &str, part: u32| json!({"payeeId": payee, "role": "AE", "splitPercent": part.to_string()});
        made["splits"] = json!([split("ann", part), split("bob", 100 - part)]);
    }
    made
}

async fn fresh() -> Tenant {
    let tenant = Tenant::new().await;
    tenant.company().await;
    tenant
        .write("QuotaService/SetQuotas", json!({"quotas": [quota("ann", "own", "FY2026", "400000.00")]}))
        .await;
    tenant
}

/// Tells deals in some order, a few at a time, by small writes and imports.
async fn tell(tenant: &Tenant, mut deals: Vec<Value>, random: &mut StdRng) {
    deals.shuffle(random);
    let mut row = 0;
    while !deals.is_empty() {
        let rest = deals.split_off(random.random_range(1..=deals.len()));
        if random.random() {
            tenant.deals(&deals).await;
        } else {
            let numbered = deals.into_iter().map(|deal| {
                row += 1;
                json!({"rowNumber": row.to_string(), "deal": deal})
            });
            let batch = json!({"batch": {"rows": numbered.collect::<Vec<_>>()}});
            let header = json!({"header": {"requestId": tenant.request_id(), "source": "crm"}});
            tenant.stream("DealService/ImportDeals", vec![header, batch]).await.unwrap();
        }
        deals = rest;
    }
}

/// What three closes came to: their digests, and every statement but for the journal number it names.
async fn outcome(tenant: &Tenant) -> Vec<Value> {
    let mut outcome = Vec::new();
    for period in PERIODS {
        let close = tenant.close(period).await;
        outcome.push(json!([close["digest"], close["totals"], close["postingCount"]]));
        for payee in ["ann", "bob", "lead"] {
            let asked = json!({ "payeeId": payee, "period": period });
            let mut statement = tenant.get("EarningsService/GetStatement", asked).await["statement"].clone();
            statement.as_object_mut().unwrap().remove("asOfChange");
            outcome.push(statement);
        }
    }
    outcome
}

#[tokio::test]
async fn facts_in_any_order_and_any_batches_come_to_the_same() {
    let mut random = random();
    for case in 0..CASES {
        let deals: Vec<_> = (0..DEALS).map(|place| random_deal(place, &mut random)).collect();
        let straight = fresh().await;
        straight.deals(&deals).await;
        let expected = outcome(&straight).await;
        assert!(expected.iter().all(|part| !part[0].is_null() || part.is_object()), "{expected:#?}");
        for _ in 0..2 {
            let shuffled = fresh().await;
            tell(&shuffled, deals.clone(), &mut random).await;
            assert_eq!(outcome(&shuffled).await, expected, "case {case}");
        }
    }
}
