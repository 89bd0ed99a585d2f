//! `mainstay serve --roles …`: chosen roles against a database by URL.

use super::up::flags;
use crate::app::{App, Listen, Signals};
use crate::cli::Serve;
use crate::config::Config;
use crate::database::{Logins, external};
use crate::failure::Outcome;
use crate::project::Project;
use crate::roles::{Role, named};
use crate::secrets::Secrets;
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::ConfigError;
use mainstay_kernel::lifecycle::Lifecycle;

pub(super) async fn run(arguments: Serve) -> Outcome {
    let roles = named(&arguments.roles);
    let project = Project::open(&arguments.project)?;
    let config = Config::load(&project, flags(arguments.port, arguments.host))?;
    mainstay_kernel::log::init(&config.log.level, config.log.format).map_err(anyhow::Error::msg)?;
    let clock = SystemClock::shared();
    let secrets = secrets(&project, &config, &roles, &clock)?;
    let logins = match external(&config)? {
        Some(url) => Logins { setup: url.clone(), owner: url.clone(), data: url.clone(), auth: url },
        None if roles.iter().all(|role| !role.info().needs_database) => nowhere()?,
        None => {
            return Err(ConfigError::new(
                "DATABASE_URL",
                "these roles need a database; set it to postgresql://user:password@host:5432/database (`mainstay up` runs one of its own)",
            )
            .into());
        }
    };
    let listen = Listen::bind(&config).await?;
    let app = App::build(&project, config, &secrets, &logins, &roles, listen, clock)?;
    app.run(&project, None, Lifecycle::new(), Signals::listen()?).await
}

/// The project's secrets when they are on this machine; else only what the environment gives.
fn secrets(
    project: &Project,
    config: &Config,
    roles: &[Role],
    clock: &mainstay_kernel::clock::SharedClock,
) -> Outcome<Secrets> {
    if let Some(secrets) = Secrets::load(project)? {
        return Ok(secrets);
    }
    if config.identity.jwt_secret.is_none() && config.identity.jwt_keys.is_none() {
        if roles.contains(&Role::Auth) || roles.contains(&Role::Gateway) {
            return Err(ConfigError::new(
                "JWT_SECRET",
                "set JWT_SECRET or MAINSTAY_IDENTITY_JWT_KEYS, so that all roles know the same keys",
            )
            .into());
        }
        tracing::warn!("no key is configured (JWT_SECRET): tokens of other processes cannot be verified");
    }
    Secrets::ephemeral(clock)
}

/// A login that leads nowhere, for roles that have no database.
fn nowhere() -> Outcome<Logins> {
    let none = mainstay_pg::ConnectOptions::parse("postgresql://none@127.0.0.1:1/none").map_err(anyhow::Error::msg)?;
    Ok(Logins { setup: none.clone(), owner: none.clone(), data: none.clone(), auth: none })
}
