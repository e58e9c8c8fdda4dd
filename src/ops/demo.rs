//! `attain demo`: a small company's year, told over the API to a server that is then left running. The company
//! is data in `examples/demo`; nothing here knows a figure.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use prost::{Message, Name};
use tonic::Status;

use super::client::{self, Keyed, MAX_ANSWER};
use super::database::Started;
use super::{serve, statement};
use crate::api::json::from_json;
use crate::api::v1;
use crate::api::v1::admin_service_client::AdminServiceClient;
use crate::api::v1::close::State;
use crate::api::v1::deal_service_client::DealServiceClient;
use crate::api::v1::earnings_service_client::EarningsServiceClient;
use crate::api::v1::measure_service_client::MeasureServiceClient;
use crate::api::v1::payee_service_client::PayeeServiceClient;
use crate::api::v1::period_service_client::PeriodServiceClient;
use crate::api::v1::plan_service_client::PlanServiceClient;
use crate::api::v1::quota_service_client::QuotaServiceClient;
use crate::app::App;
use crate::auth::Secret;
use crate::config::{DatabaseOptions, Serve};
use crate::picture::figures;
use crate::storage::private::default_data_dir;

const CALENDAR: &str = include_str!("../../examples/demo/calendar.json");
const MEASURES: &str = include_str!("../../examples/demo/measures.json");
const PAYEES: &str = include_str!("../../examples/demo/payees.json");
const QUOTAS: &str = include_str!("../../examples/demo/quotas.json");
const DEALS: &str = include_str!("../../examples/demo/deals.json");
const LATE_DEAL: &str = include_str!("../../examples/demo/late-deal.json");
const REFUND: &str = include_str!("../../examples/demo/refund.json");
/// Plan files: each is the `Plan` message as JSON.
const PLANS: [&str; 5] = [
    include_str!("../../examples/demo/plans/account-executive.json"),
    include_str!("../../examples/demo/plans/account-manager.json"),
    include_str!("../../examples/demo/plans/sales-manager.json"),
    include_str!("../../examples/demo/plans/sales-director.json"),
    include_str!("../../examples/demo/plans/partner.json"),
];
/// The first period of every plan.
const FROM: &str = "2026-01";
/// Months closed before the late deal arrives and the refund is told.
const BEFORE: [&str; 3] = ["2026-01", "2026-02", "2026-03"];
/// Months closed after.
const AFTER: [&str; 6] = ["2026-04", "2026-05", "2026-06", "2026-07", "2026-08", "2026-09"];
/// Whose statement is shown, and for which month: the one with the late deal and the refund in it.
const SHOWN: (&str, &str) = ("E-1101", "2026-04");

/// Serves, and tells the story as soon as the server listens.
pub async fn run(options: &Serve, database: &mut Started) -> anyhow::Result<()> {
    serve::run(options, database, |address, app| {
        tokio::spawn(async move {
            match tell(address, &app).await {
                Ok(()) => {}
                Err(fault) => eprintln!("attain: the demo stopped: {fault:#}"),
            }
        });
    })
    .await
}

/// Gives the demo a folder of its own beside the default one, unless a place is named.
pub fn keep_apart(options: &mut DatabaseOptions) -> anyhow::Result<()> {
    if options.data_dir.is_none() {
        options.data_dir = Some(default_data_dir()?.with_file_name("attain-demo"));
    }
    Ok(())
}

async fn tell(address: SocketAddr, app: &Arc<App>) -> anyhow::Result<()> {
    let slug = free_slug(app).await?;
    let key = app.create_tenant(&slug).await?;
    let server = format!("http://{address}");
    let story = Story { channel: client::connect_with(&server, None, &key).await?, requests: 0 };
    story.run(&slug, &server, &key).await
}

/// `demo`, or `demo-2`, `demo-3` … where earlier demos are in the database.
async fn free_slug(app: &App) -> anyhow::Result<String> {
    let taken: Vec<String> = app.tenants().await?.into_iter().map(|(_, slug)| slug).collect();
    let mut slugs =
        std::iter::once("demo".to_string()).chain((2_u32..).map(|number| format!("demo-{number}")));
    slugs.find(|slug| !taken.contains(slug)).context("every name of a demo is taken")
}

/// A message of the contract in a file of the company.
fn read<T: Message + Name + Default>(json: &str) -> anyhow::Result<T> {
    from_json(json).with_context(|| format!("a file of the demo is no {}", T::NAME))
}

fn refused(status: Status) -> anyhow::Error {
    client::refused(&status, str::to_string)
}

fn say(line: &str) {
    // The story is for whoever reads it; without a reader the server runs all the same.
    let _ = writeln!(std::io::stdout(), "{line}");
}

struct Story {
    channel: Keyed,
    requests: u32,
}

impl Story {
    async fn run(mut self, slug: &str, server: &str, key: &Secret) -> anyhow::Result<()> {
        self.company().await?;
        self.months(&BEFORE).await?;
        self.surprises().await?;
        self.months(&AFTER).await?;
        self.show().await?;
        say(&farewell(slug, server, key));
        Ok(())
    }

    fn request_id(&mut self, name: &str) -> String {
        self.requests += 1;
        format!("demo-{}-{name}", self.requests)
    }

    /// Calendar, measures, plans, payees, quotas, deals.
    async fn company(&mut self) -> anyhow::Result<()> {
        let mut calendar: v1::SetCalendarRequest = read(CALENDAR)?;
        calendar.request_id = self.request_id("calendar");
        AdminServiceClient::new(self.channel.clone()).set_calendar(calendar).await.map_err(refused)?;
        let mut measures: v1::DefineMeasuresRequest = read(MEASURES)?;
        measures.request_id = self.request_id("measures");
        MeasureServiceClient::new(self.channel.clone()).define_measures(measures).await.map_err(refused)?;
        for plan in PLANS {
            let request = v1::PublishPlanRequest {
                request_id: self.request_id("plan"),
                reason: "plan year 2026".into(),
                plan: Some(read(plan)?),
                effective_from: FROM.into(),
                ..v1::PublishPlanRequest::default()
            };
            PlanServiceClient::new(self.channel.clone()).publish_plan(request).await.map_err(refused)?;
        }
        let mut payees: v1::UpsertPayeesRequest = read(PAYEES)?;
        payees.request_id = self.request_id("payees");
        let people = payees.payees.len();
        PayeeServiceClient::new(self.channel.clone()).upsert_payees(payees).await.map_err(refused)?;
        let mut quotas: v1::SetQuotasRequest = read(QUOTAS)?;
        quotas.request_id = self.request_id("quotas");
        quotas.reason = "set for 2026".into();
        let goals = quotas.quotas.len();
        QuotaServiceClient::new(self.channel.clone()).set_quotas(quotas).await.map_err(refused)?;
        let deals = self.deals(DEALS, "").await?;
        say(&format!(
            "\nA company: {people} payees (a director, managers, reps, an account manager, a partner firm), {} plans from\n\
             plan files, {goals} quotas, {deals} deals of a year, some of them shared, some still open.\n",
            PLANS.len()
        ));
        Ok(())
    }

    async fn deals(&mut self, json: &str, reason: &str) -> anyhow::Result<usize> {
        let mut deals: v1::UpsertDealsRequest = read(json)?;
        deals.request_id = self.request_id("deals");
        deals.reason = reason.into();
        let count = deals.deals.len();
        DealServiceClient::new(self.channel.clone()).upsert_deals(deals).await.map_err(refused)?;
        Ok(count)
    }

    async fn months(&mut self, periods: &[&str]) -> anyhow::Result<()> {
        for period in periods {
            let request = v1::ClosePeriodRequest {
                request_id: self.request_id("close"),
                reason: "month end".into(),
                period: (*period).into(),
                validate_only: false,
            };
            let mut client = PeriodServiceClient::new(self.channel.clone());
            let close = client.close_period(request).await.map_err(refused)?.into_inner().close;
            let close = close.unwrap_or_default();
            if close.state() != State::Closed {
                bail!("{period} is {:?}: {}", close.state(), close.failure);
            }
            let entries = close.posting_count;
            for total in close.totals {
                let amount = figures::grouped(&total.amount);
                say(&format!("  {period} closed: {amount:>12} {} in {entries} entries", total.currency_code));
            }
        }
        Ok(())
    }

    /// What every month end has to live with.
    async fn surprises(&mut self) -> anyhow::Result<()> {
        let late: v1::UpsertDealsRequest = read(LATE_DEAL)?;
        let refund: v1::UpsertDealsRequest = read(REFUND)?;
        self.deals(LATE_DEAL, "found in a drawer").await?;
        self.deals(REFUND, "half of the order sent back").await?;
        let id = |deals: &v1::UpsertDealsRequest| {
            deals.deals.first().map_or_else(String::new, |d| d.deal_id.clone())
        };
        say(&format!(
            "\nNow a deal of February turns up late ({}), and half of another one is refunded in April ({}). Three months are\n\
             closed; nothing in them is edited. The next close posts the differences.\n",
            id(&late),
            id(&refund)
        ));
        Ok(())
    }

    async fn show(&self) -> anyhow::Result<()> {
        let (payee, period) = SHOWN;
        let mut client =
            EarningsServiceClient::new(self.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        let text = statement::text(&mut client, payee, period).await?;
        say(&format!("\n{text}"));
        Ok(())
    }
}

/// Five lines to try, and how to stop.
fn farewell(slug: &str, server: &str, key: &Secret) -> String {
    let (payee, period) = SHOWN;
    let address = server.trim_start_matches("http://");
    let call = |body: &str, method: &str| {
        format!(
            "  grpcurl -plaintext -H \"authorization: Bearer $ATTAIN_KEY\" -d '{body}' {address} attain.v1.{method}\n"
        )
    };
    format!(
        "The server goes on at {server} for tenant {slug}, until Ctrl-C. To ask it yourself:\n\n  \
         export ATTAIN_KEY={}\n{}{}{}{}{}\nOr: attain statement --server {server} --payee {payee} --period {period}",
        key.reveal(),
        call(
            &format!("{{\"payeeId\": \"{payee}\", \"period\": \"2026-10\"}}"),
            "EarningsService/GetAttainment"
        ),
        call(
            &format!("{{\"payeeId\": \"{payee}\", \"period\": \"2026-10\"}}"),
            "EarningsService/GetStatement"
        ),
        call(
            &format!("{{\"payeeId\": \"{payee}\", \"period\": \"{period}\", \"depth\": 4}}"),
            "EarningsService/ExplainEarning"
        ),
        call("{\"period\": \"2026-10\"}", "PeriodService/PreviewPeriod"),
        call("{}", "AdminService/VerifyJournal"),
    )
}
