//! All sections of `mainstay.toml`, composed. Rooms own their sections; here stand only those of the binary.

use crate::failure::Outcome;
use crate::project::Project;
use mainstay_kernel::config::{Document, Flag, SecretString, Section, SectionInfo, Sources};
use mainstay_kernel::log::Format;
use serde::Deserialize;
use std::path::PathBuf;

mainstay_kernel::section! {
    /// The project.
    pub(crate) struct ProjectConfig in "" {
        /// Name of the project: lower-case letters, digits and hyphens.
        pub(crate) name: String = "app".to_owned(),
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
    /// The admin listener: `/metrics`, `/livez`, `/readyz`. Never served on the public address.
    pub(crate) struct AdminConfig in "admin" {
        /// Address to listen on.
        pub(crate) host: String = "127.0.0.1".to_owned(),
        /// Port; with `up` the next free one is taken when it is in use.
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
    /// True when the project says what `auth.site_url` is.
    pub(crate) site_url_is_set: bool,
}

/// Every section there is, in the order of the reference.
pub(crate) fn sections() -> Vec<SectionInfo> {
    vec![
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
    ]
}

/// The layered document of a project.
pub(crate) fn document(project: &Project, flags: Vec<Flag>) -> Outcome<Document> {
    let file = project.file()?;
    let sources = Sources {
        file: file.as_ref().map(|(path, text)| (path.as_path(), text.as_str())),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
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
