//! Sample data: the accounts of `[seed]`, then `seed.sql`.

use crate::config::Config;
use crate::database::Database;
use crate::failure::Outcome;
use crate::project::Project;
use crate::terminal;
use anyhow::Context as _;
use mainstay_pg::Connection;
use std::sync::Arc;

/// Creates the sample accounts that do not exist yet and runs `seed.sql` as the owner.
pub(crate) async fn run(
    project: &Project,
    config: &Config,
    database: &Database,
    auth: &mainstay_auth::Room,
) -> Outcome {
    for user in &config.seed.users {
        if crate::commands::user::create_if_absent(auth, &user.email, &user.password).await? {
            terminal::done(&format!("sample account {} (password: {})", user.email, user.password));
        }
    }
    let path = project.dir.join("seed.sql");
    if !path.exists() {
        return Ok(());
    }
    let script = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let mut connection = Connection::open(&Arc::new(database.logins.owner.clone())).await?;
    connection.batch("begin").await?;
    connection.batch(&script).await.context("seed.sql")?;
    connection.batch("commit").await.context("seed.sql")?;
    terminal::done("seed.sql");
    Ok(())
}
