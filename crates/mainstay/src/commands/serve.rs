//! `mainstay serve --roles …`: chosen roles against a database by URL.

use super::up::flags;
use crate::app::{App, Signals};
use crate::cli::Serve;
use crate::config::Config;
use crate::database::{Logins, role_logins};
use crate::failure::Outcome;
use crate::listen::{AdminPort, Listen};
use crate::project::Project;
use crate::roles::{Role, named};
use crate::secrets::Secrets;
use mainstay_kernel::clock::SystemClock;
use mainstay_kernel::config::ConfigError;
use mainstay_kernel::lifecycle::Lifecycle;

pub(super) async fn run(arguments: Serve) -> Outcome {
    // first of all: as process 1 of a container, a signal that nobody listens for would be ignored
    let stop = Signals::listen()?;
    let roles = named(&arguments.roles);
    let project = Project::open(&arguments.project)?;
    let config = Config::load(&project, flags(arguments.port, arguments.host))?;
    mainstay_kernel::log::init(&config.log.level, config.log.format).map_err(anyhow::Error::msg)?;
    let clock = SystemClock::shared();
    let secrets = secrets(&project, &config, &roles, &clock)?;
    let logins = logins(&config, &roles)?;
    let listen = Listen::bind(&config, AdminPort::Exact).await?;
    let app = App::build(&project, config, &secrets, &logins, &roles, listen, clock)?;
    app.run(&project, None, Lifecycle::new(), stop).await
}

/// The project's secrets when they are on this machine; else only what the environment gives.
fn secrets(
    project: &Project,
    config: &Config,
    roles: &[Role],
    clock: &mainstay_kernel::clock::SharedClock,
) -> Outcome<Secrets> {
    let identity = &config.identity;
    let has_keys = identity.jwt_secret.is_some() || identity.jwt_keys.is_some();
    let has_api_keys = identity.publishable_key.is_some() && identity.secret_key.is_some();
    if has_keys && has_api_keys {
        return Secrets::ephemeral(clock);
    }
    if let Some(secrets) = Secrets::load(project)? {
        return Ok(secrets);
    }
    if !has_api_keys && (roles.contains(&Role::Gateway) || roles.contains(&Role::Portal)) {
        tracing::warn!(
            "MAINSTAY_IDENTITY_PUBLISHABLE_KEY and MAINSTAY_IDENTITY_SECRET_KEY are not both set: this process makes API keys of its own, which other processes do not know"
        );
    }
    if !has_keys {
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

/// Each role's own login; one that leads nowhere for roles that do not run here.
fn logins(config: &Config, roles: &[Role]) -> Outcome<Logins> {
    let none = mainstay_pg::ConnectOptions::parse("postgresql://none@127.0.0.1:1/none").map_err(anyhow::Error::msg)?;
    let own = role_logins(config, roles)?;
    let of = |wanted| own.iter().find(|(role, _)| *role == wanted).map_or(&none, |(_, login)| login).clone();
    let (data, auth) = (of(Role::Data), of(Role::Auth));
    Ok(Logins { setup: none.clone(), owner: none.clone(), auth_owner: none.clone(), data, auth })
}
