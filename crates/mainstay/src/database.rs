//! The project's database: managed or external, prepared and migrated.

use crate::config::Config;
use crate::failure::{Failure, Outcome};
use crate::project::Project;
use crate::roles::Role;
use crate::secrets::Secrets;
use crate::terminal;
use anyhow::Context as _;
use mainstay_kernel::config::{ConfigError, ExposeSecret as _, SecretString};
use mainstay_pg::managed::{Managed, ManagedSettings, Outcome as Start};
use mainstay_pg::migrate::{self, Migration};
use mainstay_pg::{Bootstrap, ConnectOptions, Connection, Statement};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// The login of the data role.
const DATA_LOGIN: &str = "authenticator";

/// The login of the auth role.
const AUTH_LOGIN: &str = "supabase_auth_admin";

/// The login of a statistics exporter.
const MONITOR_LOGIN: &str = "mainstay_monitor";

/// How messages name the URLs.
const MONITOR_URL: &str = "`database.monitor_url` (MAINSTAY_DATABASE_MONITOR_URL)";
const DATA_URL: &str = "`database.data_url` (MAINSTAY_DATABASE_DATA_URL)";
const AUTH_URL: &str = "`database.auth_url` (MAINSTAY_DATABASE_AUTH_URL)";

/// The advisory lock that lets one bootstrap at a time through. Not that of the migrations, which the auth login and
/// the owner take in turn; this is "bootstra" in ASCII.
const LOCK: i64 = 0x626f_6f74_7374_7261;

/// How each part of the process logs in.
#[derive(Debug, Clone)]
pub(crate) struct Logins {
    /// Prepares the database: creates roles and schemas.
    pub(crate) setup: ConnectOptions,
    /// Owns the project's objects.
    pub(crate) owner: ConnectOptions,
    /// The data role.
    pub(crate) data: ConnectOptions,
    /// The auth role.
    pub(crate) auth: ConnectOptions,
    /// Owns schema `auth`: the auth login on the server that `setup` prepares.
    pub(crate) auth_owner: ConnectOptions,
}

/// A database that answers.
pub(crate) struct Database {
    pub(crate) logins: Logins,
    /// Present when the server is ours.
    pub(crate) managed: Option<Managed>,
}

impl Database {
    /// Opens the project's database: the external one when a URL is configured, else the managed one, which is started.
    pub(crate) async fn open(project: &Project, config: &Config, secrets: &Secrets) -> Outcome<Self> {
        if let Some(options) = external(config)? {
            return Ok(Self { logins: external_logins(config, &options, secrets)?, managed: None });
        }
        require_owner(config)?;
        let began = Instant::now();
        terminal::progress("PostgreSQL: starting the project's own server");
        project.make_data()?;
        let managed = Managed::start(settings(project, config, secrets)).await?;
        if managed.port() != config.database.port {
            terminal::warn(&format!(
                "port {} is in use; PostgreSQL listens on 127.0.0.1:{} instead",
                config.database.port,
                managed.port()
            ));
        }
        let what = match managed.outcome {
            Start::Made => "a new database was made",
            Start::Copied => "a new database was made from the prepared template",
            Start::Started => "started",
            Start::Adopted => "was still running and has been taken over",
        };
        let version = managed.binaries().major;
        terminal::done(&format!("PostgreSQL {version}: {what} ({:.1} s)", began.elapsed().as_secs_f64()));
        let logins = managed_logins(managed.superuser(), managed.owner(), secrets);
        Ok(Self { logins, managed: Some(managed) })
    }

    /// Logs in to the database of a project that is running, or opens it for the time of one command.
    pub(crate) async fn attach(project: &Project, config: &Config, secrets: &Secrets) -> Outcome<Self> {
        if config.database.url.is_some() {
            return Self::open(project, config, secrets).await;
        }
        let Some((run, port)) = project.running().and_then(|run| run.database_port.map(|port| (run, port))) else {
            return Self::open(project, config, secrets).await;
        };
        let mut superuser =
            ConnectOptions::parse("postgresql://supabase_admin@127.0.0.1/postgres").map_err(anyhow::Error::msg)?;
        superuser.port = port;
        superuser.ssl_mode = mainstay_pg::SslMode::Disable;
        if let Some(socket) = run.database_socket {
            superuser.host = socket.display().to_string();
        }
        let owner = superuser.as_user("postgres", secrets.database_owner_password.clone().into());
        let superuser = superuser.as_user("supabase_admin", secrets.database_superuser_password.clone().into());
        Ok(Self { logins: managed_logins(superuser, owner, secrets), managed: None })
    }

    /// Roles, schemas, helper functions, the auth schema, then the project's migrations.
    pub(crate) async fn prepare(&self, project: &Project, config: &Config) -> Outcome {
        self.bootstrap().await.context("preparing the database (roles, schemas, helper functions)")?;
        if let Some(monitor) = read_url(config.database.monitor_url.as_ref(), MONITOR_URL)? {
            let monitor = check_login(MONITOR_URL, MONITOR_LOGIN, monitor)?;
            let password = monitor.password.unwrap_or_default();
            mainstay_pg::create_monitor(&self.logins.setup, MONITOR_LOGIN, &password)
                .await
                .context("the login of the statistics exporter")?;
        }
        migrate::apply(&self.logins.auth_owner, "auth", &auth_migrations())
            .await
            .map_err(|error| Failure::from(error).during("the auth schema"))?;
        let migrations = migrate::read_folder(&project.dir.join("migrations"))?;
        for applied in migrate::apply(&self.logins.owner, "project", &migrations).await? {
            terminal::done(&format!("migration {} ({} ms)", applied.name, applied.took.as_millis()));
        }
        self.warn_of_closed_tables(config).await
    }

    /// One at a time: what two of them create or replace at once, PostgreSQL refuses one of them.
    async fn bootstrap(&self) -> Result<(), mainstay_pg::Error> {
        let logins = [(DATA_LOGIN, &self.logins.data), (AUTH_LOGIN, &self.logins.auth)];
        let passwords = logins.into_iter().filter_map(|(role, login)| Some((role.to_owned(), login.password.clone()?)));
        let bootstrap = Bootstrap { owner: self.logins.owner.user.clone(), passwords: passwords.collect() };
        let mut gate = Connection::open(&Arc::new(self.logins.setup.clone())).await?;
        gate.pipeline(&[Statement::once("select pg_advisory_lock($1::bigint)").bind(LOCK)]).await?;
        bootstrap.run(&self.logins.setup).await?;
        gate.pipeline(&[Statement::once("select pg_advisory_unlock($1::bigint)").bind(LOCK)]).await?;
        Ok(())
    }

    async fn warn_of_closed_tables(&self, config: &Config) -> Outcome {
        let closed = mainstay_pg::exposed_without_policies(&self.logins.setup, &config.data.schemas).await?;
        if !closed.is_empty() {
            terminal::warn(&format!(
                "closed to anon and authenticated, because row-level security is off: {}. \
                 Switch it on (alter table … enable row level security) and write policies, or grant explicitly",
                closed.join(", ")
            ));
        }
        Ok(())
    }
}

/// The auth room's migrations in the runner's form.
pub(crate) fn auth_migrations() -> Vec<Migration> {
    mainstay_auth::MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration { name: (*name).to_owned(), sql: (*sql).to_owned() })
        .collect()
}

/// The configured external database.
pub(crate) fn external(config: &Config) -> Outcome<Option<ConnectOptions>> {
    read_url(config.database.url.as_ref(), "`database.url` (DATABASE_URL)")
}

/// Refuses logins of roles on a server of our own: with them belongs the URL of the owner.
pub(crate) fn require_owner(config: &Config) -> Outcome {
    let database = &config.database;
    if database.url.is_some() || (database.data_url.is_none() && database.auth_url.is_none()) {
        return Ok(());
    }
    let problem = "MAINSTAY_DATABASE_DATA_URL or MAINSTAY_DATABASE_AUTH_URL is set, so this must be the owner's login of the \
                   same database, and it is missing";
    Err(ConfigError::new("DATABASE_URL", problem).into())
}

/// The data role's own login, when it is configured.
fn data_url(config: &Config) -> Outcome<Option<ConnectOptions>> {
    read_url(config.database.data_url.as_ref(), DATA_URL)
}

/// The auth role's own login, when it is configured.
fn auth_url(config: &Config) -> Outcome<Option<ConnectOptions>> {
    read_url(config.database.auth_url.as_ref(), AUTH_URL)
}

fn read_url(url: Option<&SecretString>, place: &str) -> Outcome<Option<ConnectOptions>> {
    let Some(url) = url else { return Ok(None) };
    let options = ConnectOptions::parse(url.expose_secret()).map_err(|problem| ConfigError::new(place, problem))?;
    Ok(Some(options))
}

/// What `serve` and `wait` log in with: the URL of each role that has a database, by role.
pub(crate) fn role_logins(config: &Config, roles: &[Role]) -> Outcome<Vec<(Role, ConnectOptions)>> {
    let mut logins = Vec::new();
    for role in roles.iter().filter(|role| role.info().needs_database) {
        let (own, variable) = match role {
            Role::Auth => (auth_url(config)?, "MAINSTAY_DATABASE_AUTH_URL"),
            _ => (data_url(config)?, "MAINSTAY_DATABASE_DATA_URL"),
        };
        let Some(login) = own.map_or_else(|| external(config), |own| Ok(Some(own)))? else {
            let name = role.info().name;
            let problem = format!(
                "the role {name} needs a database; set DATABASE_URL, or {variable} for this role alone, to \
                 postgresql://user:password@host:5432/database (`mainstay up` runs one of its own)"
            );
            return Err(ConfigError::new("DATABASE_URL", problem).into());
        };
        logins.push((*role, login));
    }
    Ok(logins)
}

/// Every login that is configured.
pub(crate) fn configured_logins(config: &Config) -> Outcome<Vec<ConnectOptions>> {
    Ok([external(config)?, data_url(config)?, auth_url(config)?].into_iter().flatten().collect())
}

/// With a URL that may prepare the database, the roles' own logins are made as their URLs say.
fn external_logins(config: &Config, options: &ConnectOptions, secrets: &Secrets) -> Outcome<Logins> {
    let own = |url: Option<ConnectOptions>, place, login, generated: &String| match url {
        Some(url) => check_login(place, login, url),
        None => Ok(options.as_user(login, generated.clone().into())),
    };
    let data = own(data_url(config)?, DATA_URL, DATA_LOGIN, &secrets.database_authenticator_password)?;
    let auth = own(auth_url(config)?, AUTH_URL, AUTH_LOGIN, &secrets.database_auth_password)?;
    let auth_owner = ConnectOptions { user: auth.user.clone(), password: auth.password.clone(), ..options.clone() };
    Ok(Logins { setup: options.clone(), owner: options.clone(), data, auth, auth_owner })
}

/// A login that the bootstrap makes has its name from there, and its password from the URL.
fn check_login(place: &str, login: &str, url: ConnectOptions) -> Outcome<ConnectOptions> {
    let form = format!("write postgresql://{login}:password@host:5432/database");
    if url.user != login {
        let problem =
            format!("the user is `{}`, and it must be `{login}`, which is made with this password; {form}", url.user);
        return Err(ConfigError::new(place, problem).into());
    }
    if url.password.as_ref().is_none_or(|password| password.expose_secret().is_empty()) {
        let problem = format!("there is no password, and `{login}` is made with the one that stands here; {form}");
        return Err(ConfigError::new(place, problem).into());
    }
    Ok(url)
}

fn managed_logins(superuser: ConnectOptions, owner: ConnectOptions, secrets: &Secrets) -> Logins {
    let auth = owner.as_user(AUTH_LOGIN, secrets.database_auth_password.clone().into());
    Logins {
        data: owner.as_user(DATA_LOGIN, secrets.database_authenticator_password.clone().into()),
        auth_owner: auth.clone(),
        auth,
        setup: superuser,
        owner,
    }
}

fn settings(project: &Project, config: &Config, secrets: &Secrets) -> ManagedSettings {
    let template_cache = config.database.template_cache.then(cache_folder).flatten();
    ManagedSettings {
        folder: project.data.clone(),
        bin_dir: config.database.bin_dir.clone(),
        port: config.database.port,
        superuser_password: secrets.database_superuser_password.clone().into(),
        owner_password: secrets.database_owner_password.clone().into(),
        durable: true,
        max_connections: config.database.server_connections(),
        template_cache,
    }
}

/// `$XDG_CACHE_HOME/mainstay`, else `~/.cache/mainstay`.
fn cache_folder() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let folder = base.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))?.join("mainstay");
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> ConnectOptions {
        ConnectOptions::parse(text).unwrap()
    }

    #[test]
    fn a_login_that_is_made_must_have_its_name_and_a_password() {
        assert!(check_login(DATA_URL, DATA_LOGIN, url("postgresql://authenticator:geheim@h/d")).is_ok());
        for (text, expected) in [
            ("postgresql://app:geheim@h/d", "the user is `app`, and it must be `authenticator`"),
            ("postgresql://authenticator@h/d", "there is no password"),
            ("postgresql://authenticator:@h/d", "there is no password"),
        ] {
            let told = check_login(DATA_URL, DATA_LOGIN, url(text)).unwrap_err().to_string();
            assert!(told.contains(expected) && told.contains("MAINSTAY_DATABASE_DATA_URL"), "{told}");
            assert!(!told.contains("geheim"), "{told}");
        }
    }
}
