//! `attain tenant`: makes and lists tenants, and makes keys for those who lost theirs.

use std::io::Write as _;

use super::database::Started;
use crate::app::App;

/// Connections of a command that does one thing after another.
pub(super) const CONNECTIONS: u32 = 2;

/// Makes a tenant. Its first admin key stands alone on stdout.
pub async fn create(database: &Started, slug: &str) -> anyhow::Result<()> {
    database.migrate().await?;
    let pool = database.pool(CONNECTIONS);
    let key = App::new(pool.clone()).create_tenant(slug).await?;
    pool.close().await;
    eprintln!("tenant {slug} is made; its first admin key, shown this once and kept only as a hash:");
    writeln!(std::io::stdout(), "{}", key.reveal())?;
    Ok(())
}

/// Makes another admin key for a tenant. It stands alone on stdout.
pub async fn key(database: &Started, slug: &str, reason: Option<String>) -> anyhow::Result<()> {
    database.migrate().await?;
    let pool = database.pool(CONNECTIONS);
    let key = App::new(pool.clone()).create_admin_key(slug, reason).await?;
    pool.close().await;
    eprintln!("a new admin key of tenant {slug}, shown this once and kept only as a hash:");
    writeln!(std::io::stdout(), "{}", key.reveal())?;
    Ok(())
}

/// Prints every tenant's slug, a line each, in order.
pub async fn list(database: &Started) -> anyhow::Result<()> {
    database.migrate().await?;
    let pool = database.pool(CONNECTIONS);
    let tenants = App::new(pool.clone()).tenants().await?;
    pool.close().await;
    for (_, slug) in tenants {
        writeln!(std::io::stdout(), "{slug}")?;
    }
    Ok(())
}
