//! A small company that most tests begin with: a lead, two reps who report to it, and what they are promised.

use serde_json::{Value, json};

use super::Tenant;

/// A calendar in dollars from January 2026 on.
pub fn calendar() -> Value {
    json!({"calendar": {
        "currencyCode": "USD", "timeZone": "Europe/Berlin", "fiscalFirstMonth": 1,
        "rounding": "ROUNDING_HALF_AWAY_FROM_ZERO", "firstPeriod": "2026-01",
    }})
}

/// Own bookings, and the team's.
pub fn measures() -> Value {
    let measure = |id: &str, credit: &str| json!({"measureId": id, "name": id, "eventType": "TYPE_BOOKED", "credit": credit, "value": "VALUE_AMOUNT"});
    json!({"measures": [measure("own", "CREDIT_DIRECT"), measure("team", "CREDIT_ROLLED_UP")]})
}

/// A plan with one component on a measure.
pub fn plan(id: &str, measure: &str, window: &str, tiers: &[(&str, &str)]) -> Value {
    let tiers: Vec<_> =
        tiers.iter().map(|(edge, rate)| json!({"edgePercent": edge, "ratePercent": rate})).collect();
    json!({
        "effectiveFrom": "2026-01",
        "plan": {"planId": id, "name": id, "components": [{
            "componentId": "commission", "name": "Commission", "window": window,
            "rates": {"measureId": measure, "mode": "MODE_MARGINAL", "tiers": tiers},
        }]},
    })
}

/// A person in a plan from January 2026 on.
pub fn payee(id: &str, plan: &str, manager: &str) -> Value {
    let assignment = json!({"startDate": "2026-01-01", "planId": plan, "managerId": manager});
    json!({"payeeId": id, "kind": "KIND_PERSON", "name": format!("Name of {id}"), "assignments": [assignment]})
}

/// A quota in dollars.
pub fn quota(payee: &str, measure: &str, window: &str, amount: &str) -> Value {
    let amount = json!({"currencyCode": "USD", "amount": amount});
    json!({"payeeId": payee, "measureId": measure, "window": window, "amount": amount})
}

/// A deal won and booked on a day.
pub fn deal(id: &str, owner: &str, day: &str, amount: &str) -> Value {
    json!({
        "dealId": id, "ownerId": owner, "outcome": "OUTCOME_WON",
        "events": [{"eventId": "b", "type": "TYPE_BOOKED", "eventDate": day, "amount": amount}],
    })
}

impl Tenant {
    /// Sets up the company: `lead` over `ann` and `bob`. Reps have 10% on their own bookings and 20% above a
    /// quota of 100,000.00 a quarter, the lead 1% on the team's. Five changes after the key's.
    pub async fn company(&self) {
        self.write("AdminService/SetCalendar", calendar()).await;
        self.write("MeasureService/DefineMeasures", measures()).await;
        let rep = plan("rep", "own", "WINDOW_QUARTER", &[("0", "10"), ("100", "20")]);
        self.write("PlanService/PublishPlan", rep).await;
        self.write("PlanService/PublishPlan", plan("lead", "team", "WINDOW_MONTH", &[("0", "1")])).await;
        let payees = [payee("lead", "lead", ""), payee("ann", "rep", "lead"), payee("bob", "rep", "lead")];
        self.write("PayeeService/UpsertPayees", json!({ "payees": payees })).await;
        let quotas = [
            quota("ann", "own", "FY2026-Q1", "100000.00"),
            quota("bob", "own", "FY2026", "400000.00"),
            quota("lead", "team", "FY2026", "800000.00"),
        ];
        self.write("QuotaService/SetQuotas", json!({ "quotas": quotas })).await;
    }

    /// Tells deals.
    pub async fn deals(&self, deals: &[Value]) -> Value {
        self.write("DealService/UpsertDeals", json!({ "deals": deals })).await
    }

    /// Closes a period to its end and gives the close.
    pub async fn close(&self, period: &str) -> Value {
        let close =
            self.write("PeriodService/ClosePeriod", json!({ "period": period })).await["close"].clone();
        if close["state"] == "STATE_CLOSED" {
            return close;
        }
        let steps = self.stream("PeriodService/WatchClose", vec![json!({ "period": period })]).await.unwrap();
        let last = steps.last().unwrap()["close"].clone();
        assert_eq!(last["state"], "STATE_CLOSED", "{last}");
        last
    }
}
