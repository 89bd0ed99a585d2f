//! The project's database: managed or external, prepared and migrated.

use crate::config::Config;
use crate::failure::Outcome;
use crate::project::Project;
use crate::secrets::Secrets;
use crate::terminal;
use anyhow::Context as _;
use mainstay_kernel::config::{ConfigError, ExposeSecret as _};
use mainstay_pg::managed::{Managed, ManagedSettings, Outcome as Start};
use mainstay_pg::migrate::{self, Migration};
use mainstay_pg::{Bootstrap, ConnectOptions};
use std::path::PathBuf;
use std::time::Instant;

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
            return Ok(Self { logins: external_logins(&options, secrets), managed: None });
        }
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
    pub(crate) async fn prepare(&self, project: &Project, config: &Config, secrets: &Secrets) -> Outcome {
        let passwords = vec![
            ("authenticator".to_owned(), secrets.database_authenticator_password.clone().into()),
            ("supabase_auth_admin".to_owned(), secrets.database_auth_password.clone().into()),
        ];
        Bootstrap { owner: self.logins.owner.user.clone(), passwords }
            .run(&self.logins.setup)
            .await
            .context("preparing the database (roles, schemas, helper functions)")?;
        migrate::apply(&self.logins.auth, "auth", &auth_migrations()).await.context("the auth schema")?;
        let migrations = migrate::read_folder(&project.dir.join("migrations"))?;
        for applied in migrate::apply(&self.logins.owner, "project", &migrations).await? {
            terminal::done(&format!("migration {} ({} ms)", applied.name, applied.took.as_millis()));
        }
        self.warn_of_closed_tables(config).await
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
    let Some(url) = &config.database.url else { return Ok(None) };
    let options = ConnectOptions::parse(url.expose_secret())
        .map_err(|problem| ConfigError::new("`database.url` (DATABASE_URL)", problem))?;
    Ok(Some(options))
}

fn external_logins(options: &ConnectOptions, secrets: &Secrets) -> Logins {
    Logins {
        setup: options.clone(),
        owner: options.clone(),
        data: options.as_user("authenticator", secrets.database_authenticator_password.clone().into()),
        auth: options.as_user("supabase_auth_admin", secrets.database_auth_password.clone().into()),
    }
}

fn managed_logins(superuser: ConnectOptions, owner: ConnectOptions, secrets: &Secrets) -> Logins {
    Logins {
        data: owner.as_user("authenticator", secrets.database_authenticator_password.clone().into()),
        auth: owner.as_user("supabase_auth_admin", secrets.database_auth_password.clone().into()),
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
