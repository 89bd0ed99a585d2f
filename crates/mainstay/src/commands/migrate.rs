//! `mainstay migrate`.

use crate::cli;
use crate::config::Config;
use crate::database::{Database, auth_migrations};
use crate::failure::Outcome;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::terminal;
use mainstay_kernel::clock::SystemClock;
use mainstay_pg::migrate::{self, Migration};

pub(super) async fn run(arguments: &cli::Project, dry_run: bool) -> Outcome {
    let project = Project::open(arguments)?;
    project.require_file()?;
    let config = Config::load(&project, Vec::new())?;
    mainstay_kernel::log::init("warn", config.log.format).map_err(anyhow::Error::msg)?;
    let secrets = Secrets::load_or_make(&project, &SystemClock::shared())?;
    let database = Database::attach(&project, &config, &secrets).await?;
    let result = if dry_run {
        show(&project, &database).await
    } else {
        database.prepare(&project, &config, &secrets).await.inspect(|()| terminal::done("the database is up to date"))
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
