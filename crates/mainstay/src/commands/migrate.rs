//! `mainstay migrate`. Exit code 42 says that a migration is wrong and trying again cannot help (`podFailurePolicy` of a
//! Kubernetes Job); 1 says that it may.

use super::wait::Patience;
use crate::app::Signals;
use crate::cli;
use crate::config::Config;
use crate::database::{Database, auth_migrations};
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::secrets::Secrets;
use crate::terminal;
use mainstay_kernel::clock::SystemClock;
use mainstay_pg::migrate::{self, Migration};
use std::time::Duration;

pub(super) async fn run(arguments: &cli::Project, dry_run: bool, wait: Duration) -> Outcome {
    // as process 1 of a container, a signal that nobody listens for would be ignored
    let mut stop = Signals::listen()?;
    let project = Project::open(arguments)?;
    project.require_file()?;
    let config = Config::load(&project, Vec::new())?;
    mainstay_kernel::log::init("warn", config.log.format).map_err(anyhow::Error::msg)?;
    let secrets = Secrets::for_database(&project, &config, &SystemClock::shared())?;
    let database = Database::attach(&project, &config, &secrets).await?;
    let work = async {
        if database.managed.is_none() && !wait.is_zero() {
            let patience = Patience { timeout: wait, every: Duration::from_secs(2), total: wait };
            patience.wait_for(std::slice::from_ref(&database.logins.setup)).await?;
        }
        if dry_run {
            return show(&project, &database).await;
        }
        database.prepare(&project, &config).await.inspect(|()| terminal::done("the database is up to date"))
    };
    let result = tokio::select! {
        result = work => result,
        // what was not committed did not happen
        () = stop.wait() => Err(Failure::Stopped),
    };
    if let Some(managed) = &database.managed {
        managed.stop().await;
    }
    result
}

async fn show(project: &Project, database: &Database) -> Outcome {
    let migrations = migrate::read_folder(&project.dir.join("migrations"))?;
    for (set, migrations) in [("auth", auth_migrations()), ("project", migrations)] {
        show_set(database, set, &migrations).await?;
    }
    Ok(())
}

async fn show_set(database: &Database, set: &str, migrations: &[Migration]) -> Outcome {
    for state in migrate::state(&database.logins.setup, set, migrations).await? {
        let when = state.applied_at.map_or_else(|| "pending".to_owned(), |at| format!("applied {at}"));
        terminal::say(&format!("{set:<8} {:<40} {when}", state.name));
    }
    Ok(())
}
