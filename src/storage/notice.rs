//! Word of new changes between the servers of one database. A notice is a hint, which anybody on the database could
//! send: whoever hears one looks at the head.

use std::time::Duration;

use sqlx::postgres::{PgListener, PgPoolOptions};
use tokio::time::timeout;

use crate::domain::fault::{Fault, Reason};
use crate::domain::id::TenantId;

use super::{ACQUIRE_TIMEOUT, Conn, Database, fault};

const CHANNEL: &str = "attain_change";
/// How long a line may be silent before it is asked whether it is still there, and how long it has to say so.
const SILENCE: Duration = Duration::from_secs(5);

/// Has the database tell all servers of change `number` of a tenant, if and when the transaction commits.
pub async fn tell(conn: &mut Conn, tenant: TenantId, number: i64) -> Result<(), Fault> {
    let query = sqlx::query("select pg_notify($1, $2)").bind(CHANNEL).bind(format!("{tenant} {number}"));
    query.execute(conn).await.map_err(fault)?;
    Ok(())
}

/// A connection that hears of every change from the moment it was made.
pub struct Line(PgListener);

impl Line {
    /// Connects, beside the pool: requests that have taken all its connections do not keep a change from being heard.
    pub async fn connect(database: &Database) -> Result<Self, Fault> {
        let options = (*database.pool.connect_options()).clone();
        let own = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
        let own = own.connect_with(options).await.map_err(fault)?;
        let mut listener = PgListener::connect_with(&own).await.map_err(fault)?;
        listener.ignore_pool_close_event(true);
        // A line that was lost has missed something: that must be seen.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await.map_err(fault)?;
        Ok(Line(listener))
    }

    /// The next change heard of. After a fault the line is lost.
    pub async fn next(&mut self) -> Result<(TenantId, i64), Fault> {
        let lost = || Fault::new(Reason::DatabaseUnavailable, "the line to the database was lost");
        loop {
            let Ok(heard) = timeout(SILENCE, self.0.try_recv()).await else {
                let asked = timeout(SILENCE, sqlx::query("select 1").execute(&mut self.0)).await;
                asked.map_err(|_| lost())?.map_err(fault)?;
                continue;
            };
            let heard = heard.map_err(fault)?.ok_or_else(lost)?;
            if let Some(notice) = read(heard.payload()) {
                return Ok(notice);
            }
        }
    }
}

fn read(payload: &str) -> Option<(TenantId, i64)> {
    let (tenant, number) = payload.split_once(' ')?;
    Some((TenantId(tenant.parse().ok()?), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_on_the_channel_is_passed_over() {
        let tenant = TenantId(uuid::Uuid::from_u128(7));
        assert_eq!(read(&format!("{tenant} 12")), Some((tenant, 12)));
        for payload in ["", "12", "x 12", &format!("{tenant} x"), &format!("{tenant} 1 2")] {
            assert_eq!(read(payload), None, "{payload:?}");
        }
    }
}
