//! All sections of `mainstay.toml`, composed. Rooms own their sections; here stand only those of the binary.

use crate::failure::Outcome;
use crate::project::Project;
use mainstay_kernel::config::{
    ConfigError, Document, Flag, SECRETS_DIR, SecretString, Section, SectionInfo, Sources, read_secret_files,
};
use mainstay_kernel::log::Format;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

mainstay_kernel::section! {
    /// The project.
    pub(crate) struct ProjectConfig in "" {
        /// Name of the project: lower-case letters, digits and hyphens.
        pub(crate) name: String = "app".to_owned(),
        /// Deployments of several roles, or with sizes of their own, on a cluster: `[workloads.<name>]`.
        pub(crate) workloads: BTreeMap<String, mainstay_deploy::Workload> = BTreeMap::new(),
        /// Containers of your own beside the roles, on a cluster: `[services.<name>]`.
        pub(crate) services: BTreeMap<String, mainstay_deploy::Service> = BTreeMap::new(),
        /// Jobs of your own, once or at set times, on a cluster: `[jobs.<name>]`.
        pub(crate) jobs: BTreeMap<String, mainstay_deploy::Job> = BTreeMap::new(),
    }
    validate(this) {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if this.name.is_empty() || this.name.len() > 63 || !this.name.chars().all(fits) || this.name.starts_with('-') || this.name.ends_with('-') {
            return Err(("name", "use 1 to 63 lower-case letters, digits and hyphens, as in a host name".into()));
        }
        Ok(())
    }
}

mainstay_kernel::section! {
    /// The database. Without `url`, `up` runs a private PostgreSQL in the data folder.
    pub(crate) struct DatabaseConfig in "database" {
        /// Connection URL of an external server (postgresql://user:password@host:5432/database).
        pub(crate) url: Option<SecretString> = None,
        /// Connection URL of the data role's own login (`authenticator`). Unset: `url` with `serve`, a generated password with `up` and `migrate`.
        pub(crate) data_url: Option<SecretString> = None,
        /// Connection URL of the auth role's own login (`supabase_auth_admin`). Unset: like `data_url`.
        pub(crate) auth_url: Option<SecretString> = None,
        /// Connection URL of a login for a statistics exporter: `migrate` creates it with this password, and it may read statistics only. Unset: there is none.
        pub(crate) monitor_url: Option<SecretString> = None,
        /// Folder with `initdb` and `postgres`, when they are not in the usual places.
        pub(crate) bin_dir: Option<PathBuf> = None,
        /// Port of the managed server on 127.0.0.1; the next free one is taken when it is in use.
        pub(crate) port: u16 = 54322,
        /// Connections of the data role's pool; 0 sizes it to the machine (6 per core, at least 8).
        pub(crate) pool_size: usize = 0,
        /// Keep a prepared data directory in the user's cache folder, so that the next project starts faster.
        pub(crate) template_cache: bool = true,
    }
}

impl DatabaseConfig {
    /// Connections of the data role's pool.
    pub(crate) fn data_connections(&self) -> usize {
        match self.pool_size {
            0 => (cores() * 6).max(8),
            size => size,
        }
    }

    /// Connections of the auth role's pool.
    #[expect(clippy::unused_self, reason = "beside the one for data, which is a setting")]
    pub(crate) fn auth_connections(&self) -> usize {
        (cores() * 2).max(4)
    }

    /// Connections that the managed server allows: both pools, and room for migrations, listeners and people.
    pub(crate) fn server_connections(&self) -> u32 {
        let wanted = self.data_connections() + self.auth_connections() + 30;
        u32::try_from(wanted.max(100)).unwrap_or(100)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

mainstay_kernel::section! {
    /// Logs on standard output.
    pub(crate) struct LogConfig in "log" {
        /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,mainstay_data=debug`.
        pub(crate) level: String = "info".to_owned(),
        /// `json`, `text`, or `auto`: text on a terminal and JSON elsewhere.
        pub(crate) format: Format = Format::Auto,
    }
}

mainstay_kernel::section! {
    /// The admin listener: `/metrics`, `/livez`, `/readyz`; `gateway.health_paths` answer here like `/readyz`. Its paths are
    /// never served on the public address.
    pub(crate) struct AdminConfig in "admin" {
        /// Address to listen on.
        pub(crate) host: String = "127.0.0.1".to_owned(),
        /// Port. When it is in use, `up` takes the next free one and `serve` refuses to start.
        pub(crate) port: u16 = 8890,
    }
}

mainstay_kernel::section! {
    /// Sample data for `up --seed`.
    pub(crate) struct SeedConfig in "seed" {
        /// Accounts to create before seed.sql runs. For samples only: their passwords stand in the project file.
        pub(crate) users: Vec<SeedUser> = Vec::new(),
    }
}

/// An account of the sample data.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeedUser {
    pub(crate) email: String,
    pub(crate) password: String,
}

/// Variable names that the seeds' deployments already use.
const ALIASES: &[(&str, &str, &str)] = &[
    ("PORT", "gateway", "port"),
    ("HOST", "gateway", "bind"),
    ("DATABASE_URL", "database", "url"),
    ("LOG_LEVEL", "log", "level"),
    ("SECRET_KEY", "identity", "jwt_secret"),
    ("JWT_SECRET", "identity", "jwt_secret"),
    ("GOOGLE_CLIENT_ID", "auth", "external.google.client_id"),
    ("GOOGLE_CLIENT_SECRET", "auth", "external.google.secret"),
];

/// Beginnings of the variables that settings of a cluster are taken from.
const CLUSTER_VARIABLES: &[&str] = &[
    "MAINSTAY_KUBERNETES_",
    "MAINSTAY_DATABASE_STORAGE_",
    "MAINSTAY_EXPOSE_",
    "MAINSTAY_TLS_",
    "MAINSTAY_MONITORING_",
    "MAINSTAY_ALERTS_",
    "MAINSTAY_LOGGING_",
    "MAINSTAY_BACKUP_",
    "MAINSTAY_WORKLOADS_",
    "MAINSTAY_SERVICES_",
    "MAINSTAY_JOBS_",
];

/// The typed configuration of a process.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) project: ProjectConfig,
    pub(crate) database: DatabaseConfig,
    pub(crate) log: LogConfig,
    pub(crate) admin: AdminConfig,
    pub(crate) seed: SeedConfig,
    pub(crate) identity: mainstay_identity::Config,
    pub(crate) gateway: mainstay_gateway::Config,
    pub(crate) auth: mainstay_auth::Config,
    pub(crate) data: mainstay_data::Config,
    pub(crate) portal: mainstay_portal::Config,
    pub(crate) deploy: DeployConfig,
    /// True when the project says what `auth.site_url` is.
    pub(crate) site_url_is_set: bool,
}

/// The sections that say how the project stands on a cluster.
#[derive(Debug, Clone)]
pub(crate) struct DeployConfig {
    pub(crate) kubernetes: mainstay_deploy::Kubernetes,
    pub(crate) database: mainstay_deploy::Database,
    pub(crate) storage: mainstay_deploy::Storage,
    pub(crate) expose: mainstay_deploy::Expose,
    pub(crate) tls: mainstay_deploy::Tls,
    pub(crate) monitoring: mainstay_deploy::Monitoring,
    pub(crate) alerts: mainstay_deploy::Alerts,
    pub(crate) logging: mainstay_deploy::Logging,
    pub(crate) backup: mainstay_deploy::Backup,
}

/// Every section there is, in the order of the reference.
pub(crate) fn sections() -> Vec<SectionInfo> {
    let mut all = vec![
        ProjectConfig::info(),
        mainstay_gateway::Config::info(),
        mainstay_auth::Config::info(),
        mainstay_data::Config::info(),
        mainstay_portal::Config::info(),
        DatabaseConfig::info(),
        mainstay_identity::Config::info(),
        AdminConfig::info(),
        LogConfig::info(),
        SeedConfig::info(),
    ];
    all.extend(mainstay_deploy::sections());
    all
}

/// The files that stand for environment variables.
fn secret_files() -> Outcome<Vec<(String, String)>> {
    let Some(folders) = std::env::var_os(SECRETS_DIR).filter(|folders| !folders.is_empty()) else {
        return Ok(Vec::new());
    };
    let place = format!("environment variable {SECRETS_DIR}");
    let folders = folders.into_string().map_err(|_| ConfigError::new(place, "the name is not UTF-8"))?;
    Ok(read_secret_files(&folders)?)
}

/// A variable of the environment, or the secret file of its name.
pub(crate) fn variable(name: &str) -> Outcome<Option<String>> {
    if let Ok(value) = std::env::var(name) {
        return Ok(Some(value));
    }
    Ok(secret_files()?.into_iter().find(|(known, _)| known == name).map(|(_, value)| value))
}

/// The layered document of a project.
pub(crate) fn document(project: &Project, flags: Vec<Flag>) -> Outcome<Document> {
    let file = project.file()?;
    let sources = Sources {
        file: file.as_ref().map(|(path, text)| (path.as_path(), text.as_str())),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        secret_files: secret_files()?,
        aliases: ALIASES,
        flags,
    };
    Ok(Document::read(sections(), sources)?)
}

impl Config {
    /// Reads and checks all sections.
    pub(crate) fn load(project: &Project, flags: Vec<Flag>) -> Outcome<Self> {
        let document = document(project, flags)?;
        Self::typed(&document)
    }

    /// Reads all sections as they are on a cluster: the project file, and of the environment only what is about clusters.
    /// A port or a database URL of this machine has no place there.
    pub(crate) fn on_cluster(project: &Project, flags: Vec<Flag>) -> Outcome<Self> {
        let file = project.file()?;
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| CLUSTER_VARIABLES.iter().any(|prefix| name.starts_with(prefix)))
            .collect();
        let file = file.as_ref().map(|(path, text)| (path.as_path(), text.as_str()));
        let document = Document::read(sections(), Sources { file, environment, flags, ..Sources::default() })?;
        Self::typed(&document)
    }

    /// Checks all sections of a document.
    pub(crate) fn typed(document: &Document) -> Outcome<Self> {
        Ok(Self {
            project: document.section()?,
            database: document.section()?,
            log: document.section()?,
            admin: document.section()?,
            seed: document.section()?,
            identity: document.section()?,
            gateway: document.section()?,
            auth: document.section()?,
            data: document.section()?,
            portal: document.section()?,
            deploy: DeployConfig {
                kubernetes: document.section()?,
                database: document.section()?,
                storage: document.section()?,
                expose: document.section()?,
                tls: document.section()?,
                monitoring: document.section()?,
                alerts: document.section()?,
                logging: document.section()?,
                backup: document.section()?,
            },
            site_url_is_set: document.entry("auth", "site_url").is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_has_room_for_the_pools() {
        for pool_size in [0, 8, 500] {
            let config = DatabaseConfig { pool_size, ..DatabaseConfig::default() };
            let pools = config.data_connections() + config.auth_connections();
            // PostgreSQL keeps three for superusers
            assert!(config.server_connections() as usize >= pools + 10 + 3, "{pool_size}");
        }
    }
}
