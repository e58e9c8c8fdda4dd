//! A tenant of a test's own, with its first admin key.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection as _, PgConnection};

use super::client::Client;
use super::cluster::{cluster, execute};
use super::server::Server;

/// A tenant and its admin.
pub struct Tenant {
    pub slug: String,
    pub admin: Client,
    /// Where the server listens, `http://127.0.0.1:port`.
    pub address: String,
    pub options: PgConnectOptions,
    /// The server, where it is the test's own.
    own: Option<Server>,
    requests: AtomicU32,
}

impl Deref for Tenant {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.admin
    }
}

impl Tenant {
    /// A new tenant on the server that the tests of a run share.
    pub async fn new() -> Tenant {
        let server = Server::shared().await;
        Tenant::on(server)
    }

    /// A tenant alone in a database and on a server of its own.
    pub async fn alone() -> Tenant {
        let server = Server::start(&cluster().database().await, &[]);
        let mut tenant = Tenant::on(&server);
        tenant.own = Some(server);
        tenant
    }

    /// A new tenant on a server.
    pub fn on(server: &Server) -> Tenant {
        let slug = format!("t{}", cluster().number());
        let key = server.create_tenant(&slug);
        let admin = Client { channel: server.channel(), key };
        let requests = AtomicU32::new(0);
        let (address, options) = (server.address.clone(), server.options.clone());
        Tenant { slug, admin, address, options, own: None, requests }
    }

    /// The server of this tenant's own.
    pub fn server(&mut self) -> &mut Server {
        self.own.as_mut().expect("a tenant alone")
    }

    /// Starts another server on the same database, in the place of the one that was killed.
    pub fn restart(&mut self) {
        let server = Server::start(&self.options, &[]);
        self.address = server.address.clone();
        self.admin.channel = server.channel();
        self.own = Some(server);
    }

    /// Holds the head of this tenant's journal, so that no change can be made, until the connection says rollback.
    pub async fn hold_head(&self) -> PgConnection {
        let mut holder = self.database().await;
        let (begin, slug) = ("begin; select number from head where tenant_id", &self.slug);
        let hold = format!("{begin} = (select tenant_id from tenant where slug = '{slug}') for update");
        execute(&mut holder, &hold).await;
        holder
    }

    /// How many connections of this database wait for a lock.
    pub async fn waiting(&self) -> i64 {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        sqlx::query_scalar(waiting).fetch_one(&mut self.database().await).await.unwrap()
    }

    /// A request id that was not used before.
    pub fn request_id(&self) -> String {
        format!("r-{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// A message with a new request id and a reason.
    pub fn signed(&self, mut message: Value) -> Value {
        message["requestId"] = json!(self.request_id());
        message["reason"] = json!("a test");
        message
    }

    /// The answer of a write, under a new request id.
    pub async fn write(&self, rpc: &str, message: Value) -> Value {
        self.get(rpc, self.signed(message)).await
    }

    /// The refusal of a write, under a new request id; nothing is written.
    pub async fn refused_write(&self, rpc: &str, message: Value) -> String {
        let before = self.head().await;
        let refusal = self.refused(rpc, self.signed(message)).await;
        assert_eq!(self.head().await, before, "the journal moved under {refusal}");
        refusal
    }

    /// The number of the last change.
    pub async fn head(&self) -> i64 {
        let listed = self.get("PayeeService/ListPayees", json!({"pageSize": 1})).await;
        number(&listed["asOfChange"])
    }

    /// A caller in a role; payees name themselves.
    pub async fn key(&self, role: &str, payee: &str) -> Client {
        let key = json!({"key": {"role": role, "payeeId": payee}});
        let made = self.write("AdminService/CreateKey", key).await;
        self.admin.with_key(made["secretKey"].as_str().unwrap())
    }

    /// The database behind the service's back, as its superuser.
    pub async fn database(&self) -> PgConnection {
        PgConnection::connect_with(&self.options).await.unwrap()
    }
}

/// A 64-bit number, which JSON holds as text and leaves out if it is zero.
pub fn number(value: &Value) -> i64 {
    if value.is_null() { 0 } else { value.as_str().unwrap().parse().unwrap() }
}
