//! The scenarios of `tests/scenarios`, told to a real server, closed and read back.

#[path = "../scenarios/script.rs"]
mod script;

use attain::api::v1;
use attain::api::v1::admin_service_client::AdminServiceClient;
use attain::api::v1::deal_service_client::DealServiceClient;
use attain::api::v1::earnings_service_client::EarningsServiceClient;
use attain::api::v1::measure_service_client::MeasureServiceClient;
use attain::api::v1::payee_service_client::PayeeServiceClient;
use attain::api::v1::period_service_client::PeriodServiceClient;
use attain::api::v1::plan_service_client::PlanServiceClient;
use attain::api::v1::quota_service_client::QuotaServiceClient;
use attain::api::v1::territory_service_client::TerritoryServiceClient;
use attain::domain::money::Currency;
use prost_reflect::prost::Message as _;
use script::{Post, Step, Told};

use crate::harness::Tenant;
use crate::harness::client::Keyed;

/// A statement as it was read before a close, and what it must say ever after.
struct Kept {
    request: v1::GetStatementRequest,
    bytes: Vec<u8>,
}

struct World {
    tenant: Tenant,
    keyed: Keyed,
    payees: Vec<String>,
    kept: Vec<Kept>,
    /// What was told, and the answers.
    told: Vec<(Told, Vec<Vec<u8>>)>,
    /// Rows whose personal data was erased.
    erased: i64,
}

impl World {
    async fn new() -> World {
        let tenant = Tenant::new().await;
        let keyed = tenant.keyed();
        World { tenant, keyed, payees: Vec::new(), kept: Vec::new(), told: Vec::new(), erased: 0 }
    }

    async fn tell(&mut self, told: Told) {
        self.payees
            .extend(told.payees.iter().flat_map(|request| &request.payees).map(|p| p.payee_id.clone()));
        self.payees.sort();
        self.payees.dedup();
        let answers = self.send(told.clone()).await;
        self.told.push((told, answers));
    }

    /// Sends requests and collects what each answers, byte by byte.
    async fn send(&self, told: Told) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for request in told.calendars {
            let mut admin = AdminServiceClient::new(self.keyed.clone());
            answers.push(admin.set_calendar(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.measures {
            let mut measures = MeasureServiceClient::new(self.keyed.clone());
            answers.push(measures.define_measures(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.plans {
            let mut plans = PlanServiceClient::new(self.keyed.clone());
            answers.push(plans.publish_plan(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.payees {
            let mut payees = PayeeServiceClient::new(self.keyed.clone());
            answers.push(payees.upsert_payees(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.rates {
            let mut admin = AdminServiceClient::new(self.keyed.clone());
            answers.push(admin.set_exchange_rates(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.quotas {
            let mut quotas = QuotaServiceClient::new(self.keyed.clone());
            answers.push(quotas.set_quotas(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.values {
            let mut measures = MeasureServiceClient::new(self.keyed.clone());
            answers.push(measures.record_values(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.territories {
            let mut territories = TerritoryServiceClient::new(self.keyed.clone());
            answers.push(territories.upsert_territories(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.crediting_rules {
            let mut territories = TerritoryServiceClient::new(self.keyed.clone());
            answers
                .push(territories.set_crediting_rules(request).await.unwrap().into_inner().encode_to_vec());
        }
        for request in told.deals {
            let mut deals = DealServiceClient::new(self.keyed.clone());
            answers.push(deals.upsert_deals(request).await.unwrap().into_inner().encode_to_vec());
        }
        answers
    }

    /// Sends the requests of a step again: each answers its first answer, and the journal does not move.
    async fn replay(&self, name: &str, place: &str) {
        let head = self.tenant.head().await;
        let (told, answers) =
            self.told.iter().find(|(told, _)| told.name.as_deref() == Some(name)).expect(place);
        assert!(!answers.is_empty(), "{place}");
        assert_eq!(self.send(told.clone()).await, *answers, "{place}");
        assert_eq!(self.tenant.head().await, head, "{place}");
    }

    /// Erases a payee's name and address: from so many rows, and no version shows them any more.
    async fn erase(&mut self, payee_id: &str, erased: i64, place: &str) {
        let request = v1::ErasePersonalDataRequest {
            request_id: self.tenant.request_id(),
            reason: "scenario".into(),
            payee_ids: vec![payee_id.into()],
            ..Default::default()
        };
        let mut admin = AdminServiceClient::new(self.keyed.clone());
        let answer = admin.erase_personal_data(request).await.unwrap().into_inner();
        assert_eq!(answer.receipt.unwrap().written, erased, "{place}");
        self.erased += erased;
        let head = self.tenant.head().await;
        for as_of_change in 1..=head {
            let request =
                v1::GetPayeeRequest { payee_id: payee_id.into(), as_of_change, ..Default::default() };
            let read = PayeeServiceClient::new(self.keyed.clone()).get_payee(request).await;
            // Nobody knew the payee as of the first changes, everybody does as of the last.
            assert!(read.is_ok() || as_of_change < head, "{place}");
            let payee = read.map(|read| read.into_inner().payee.unwrap()).unwrap_or_default();
            assert_eq!((payee.name.as_str(), payee.email.as_str()), ("", ""), "{place}");
        }
    }

    /// Verifies the journal: sound, with so many rows erased.
    async fn verify(&self, erased: i64, place: &str) {
        let mut admin = AdminServiceClient::new(self.keyed.clone());
        let verified = admin.verify_journal(v1::VerifyJournalRequest::default()).await.unwrap().into_inner();
        assert!(verified.sound, "{place}: {}", verified.first_fault);
        assert_eq!(verified.erased, erased, "{place}");
        assert_eq!(verified.changes, self.tenant.head().await, "{place}");
    }

    async fn statement(&self, request: &v1::GetStatementRequest) -> v1::Statement {
        let mut earnings = EarningsServiceClient::new(self.keyed.clone());
        earnings.get_statement(request.clone()).await.unwrap().into_inner().statement.unwrap()
    }

    /// What is read otherwise than it was worked out.
    async fn read(
        &self,
        period: &str,
        statements: Vec<script::Statement>,
        attainments: Vec<script::Attainment>,
    ) -> Vec<String> {
        let mut differs = Vec::new();
        let mut compare = |expected: String, read: String| {
            if expected != read {
                differs.push(format!("  expected {expected}\n  read {read}"));
            }
        };
        for expected in statements {
            let (payee_id, period) = (expected.payee_id.clone(), period.to_string());
            let read =
                self.statement(&v1::GetStatementRequest { payee_id, period, ..Default::default() }).await;
            let zero = Currency::parse(&read.currency_code).unwrap().amount(0);
            let v1::Statement { payee_id, earned, adjusted, total, problems, .. } = read;
            let read = script::Statement { payee_id, earned, adjusted, total, problems };
            compare(format!("{:#?}", expected.or_zero(&zero)), format!("{read:#?}"));
        }
        for expected in attainments {
            let request = v1::GetAttainmentRequest {
                payee_id: expected.payee_id.clone(),
                period: period.to_string(),
                on_date: expected.on_date.clone().unwrap_or_default(),
                measure_ids: vec![expected.measure_id.clone()],
                ..Default::default()
            };
            let mut earnings = EarningsServiceClient::new(self.keyed.clone());
            let read = earnings.get_attainment(request).await.unwrap().into_inner().attainments;
            let read = read.into_iter().find(|read| read.window == expected.window).unwrap();
            let pace = expected.pace.as_ref().map(|_| script::Pace {
                elapsed_percent: read.elapsed_percent,
                expected: read.expected,
                pace_percent: read.pace_percent,
                forecast_by_pace: read.forecast_by_pace,
                days_left: read.days_left.into(),
                needed_per_week: read.needed_per_week,
            });
            let v1::Attainment { credited, quota, attainment_percent, .. } = read;
            let read = script::Attainment { credited, quota, attainment_percent, pace, ..expected.clone() };
            compare(format!("{expected:#?}"), format!("{read:#?}"));
        }
        differs
    }

    /// Closes a period, once more if it is closed already, and answers what it posted as earned.
    async fn close(&mut self, period: &str, number: usize) -> Vec<Post> {
        let mut periods = PeriodServiceClient::new(self.keyed.clone());
        let mut before = Vec::new();
        for payee_id in &self.payees {
            let (payee_id, period) = (payee_id.clone(), period.to_string());
            let request = v1::GetStatementRequest { payee_id, period, ..Default::default() };
            let statement = self.statement(&request).await;
            before.push((request, statement));
        }
        let known = self.postings(period).await.len();
        let request_id = format!("close-{number}");
        let request = v1::ClosePeriodRequest { request_id, period: period.into(), ..Default::default() };
        periods.close_period(request).await.unwrap();
        let watched = periods
            .watch_close(v1::WatchCloseRequest { period: period.into(), min_change: 0 })
            .await
            .unwrap();
        let mut watched = watched.into_inner();
        let mut last = None;
        while let Some(step) = watched.message().await.unwrap() {
            last = step.close;
        }
        let close = last.unwrap();
        assert_eq!(close.state(), v1::close::State::Closed);
        let posted = self.postings(period).await;
        assert_eq!(close.posting_count, i64::try_from(posted.len()).unwrap());
        for (request, open) in before {
            self.check_statement(request, open, &close).await;
        }
        self.check_double_entry(&posted, &close);
        let earned = posted.iter().skip(known).filter(|posting| posting.kind() == v1::posting::Kind::Earned);
        let mut earned: Vec<_> = earned.map(post).collect();
        earned.sort();
        earned
    }

    /// What a payee read while the period was open is what was closed, but for the state and the number; and
    /// what was closed before has not changed by a byte.
    async fn check_statement(
        &mut self,
        request: v1::GetStatementRequest,
        mut open: v1::Statement,
        close: &v1::Close,
    ) {
        let closed = self.statement(&request).await;
        assert_eq!(closed.state(), v1::statement::State::Closed);
        if open.state() == v1::statement::State::Open {
            open.set_state(v1::statement::State::Closed);
            assert_eq!(open, closed, "{} {}", request.payee_id, request.period);
            assert_eq!(closed.as_of_change, close.as_of_change);
            self.kept.push(Kept { request, bytes: closed.encode_to_vec() });
        }
    }

    /// Every entry moves its amount between two accounts; what is earned is released at booking.
    fn check_double_entry(&self, posted: &[v1::Posting], close: &v1::Close) {
        use v1::posting::{Account, Kind};
        let cents = |money: &Option<v1::Money>| -> i128 {
            money.as_ref().unwrap().amount.replace('.', "").parse().unwrap()
        };
        let currency = |money: &Option<v1::Money>| money.as_ref().unwrap().currency_code.clone();
        let mut sums = std::collections::BTreeMap::<_, i128>::new();
        for posting in posted {
            let accounts = match posting.kind() {
                Kind::Earned => (Account::Expense, Account::Held),
                Kind::Released => (Account::Held, Account::Payable),
                Kind::Unspecified => panic!("{posting:?}"),
            };
            assert_eq!((posting.debit(), posting.credit()), accounts);
            let currency = currency(&posting.amount);
            *sums.entry((currency.clone(), accounts.0)).or_default() += cents(&posting.amount);
            *sums.entry((currency, accounts.1)).or_default() -= cents(&posting.amount);
        }
        let totals = close.totals.iter().cloned().map(Some);
        let totals: std::collections::BTreeMap<_, _> =
            totals.map(|total| (currency(&total), cents(&total))).collect();
        assert!(sums.keys().all(|(currency, _)| totals.contains_key(currency)), "{sums:?} {totals:?}");
        for (currency, total) in totals {
            let sum = |account| sums.get(&(currency.clone(), account)).copied().unwrap_or_default();
            let balances = [sum(Account::Expense), sum(Account::Held), sum(Account::Payable)];
            assert_eq!(balances, [total, 0, -total]);
        }
    }

    async fn postings(&self, period: &str) -> Vec<v1::Posting> {
        let mut periods = PeriodServiceClient::new(self.keyed.clone());
        let mut request =
            v1::ListPostingsRequest { period: period.into(), page_size: 3, ..Default::default() };
        let mut postings = Vec::new();
        loop {
            let page = periods.list_postings(request.clone()).await.unwrap().into_inner();
            postings.extend(page.postings);
            if page.next_page_token.is_empty() {
                return postings;
            }
            request.page_token = page.next_page_token;
        }
    }

    async fn check_end(&self, scenario: &str) {
        for Kept { request, bytes } in &self.kept {
            let (payee, period) = (&request.payee_id, &request.period);
            assert_eq!(self.statement(request).await.encode_to_vec(), *bytes, "{scenario}: {payee} {period}");
        }
        self.verify(self.erased, scenario).await;
    }
}

fn post(posting: &v1::Posting) -> Post {
    Post {
        payee_id: posting.payee_id.clone(),
        plan_id: posting.plan_id.clone(),
        component_id: posting.component_id.clone(),
        window: posting.window.clone(),
        for_period: posting.for_period.clone(),
        amount: posting.amount.as_ref().unwrap().amount.clone(),
    }
}

#[tokio::test]
async fn a_real_server_posts_what_was_worked_out_by_hand() {
    let mut failures = Vec::new();
    for scenario in script::all() {
        let mut world = World::new().await;
        for (number, step) in scenario.steps.into_iter().enumerate() {
            match step {
                Step::Tell(told) => world.tell(*told).await,
                Step::Replay { name, why } => {
                    world.replay(&name, &format!("{}: replaying {name} ({why})", scenario.file)).await;
                }
                Step::Erase { payee_id, why, erased } => {
                    let place = format!("{}: erasing {payee_id} ({why})", scenario.file);
                    world.erase(&payee_id, erased, &place).await;
                }
                Step::Verify { why, erased } => {
                    world.verify(erased, &format!("{}: verifying ({why})", scenario.file)).await;
                }
                Step::Read { period, why, statements, attainments } => {
                    let (file, title) = (&scenario.file, &scenario.title);
                    let read = world.read(&period, statements, attainments).await.into_iter();
                    failures.extend(
                        read.map(|read| format!("{file}: {title}\n  reading {period} ({why})\n{read}")),
                    );
                }
                Step::Close { period, why, posts } => {
                    let posted = world.close(&period, number).await;
                    if posted != posts {
                        let (file, title) = (&scenario.file, &scenario.title);
                        failures.push(format!(
                            "{file}: {title}\n  closing {period} ({why})\n  expected {posts:#?}\n  posted {posted:#?}"
                        ));
                    }
                }
            }
        }
        world.check_end(&scenario.file).await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
