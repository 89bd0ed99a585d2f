//! What the deployer is given: the project's settings and files, read by the binary.

use crate::settings::{
    Backup, Database, Expose, Job, Kubernetes, Logging, Monitoring, Service, Storage, Tls, Workload,
};
use mainstay_monitoring::Alerts;
use std::collections::BTreeMap;

/// A project folder as far as it concerns a cluster. Nothing here is secret.
#[derive(Debug, Clone, Default)]
pub struct Project {
    /// Name of the project.
    pub name: String,
    /// Version of Mainstay, for image tags and labels.
    pub version: String,
    /// Text of `mainstay.toml`.
    pub file: String,
    /// The project's migrations: file name and SQL, in order.
    pub migrations: Vec<(String, String)>,
    /// Facts about the roles that the objects depend on.
    pub roles: RoleFacts,
    /// `[kubernetes]`.
    pub kubernetes: Kubernetes,
    /// `[kubernetes.database]`.
    pub database: Database,
    /// `[expose]`.
    pub expose: Expose,
    /// `[tls]`.
    pub tls: Tls,
    /// `[database.storage]`.
    pub storage: Storage,
    /// `[monitoring]`.
    pub monitoring: Monitoring,
    /// `[alerts]`.
    pub alerts: Alerts,
    /// `[logging]`.
    pub logging: Logging,
    /// `[backup]`.
    pub backup: Backup,
    /// `[workloads.<name>]`.
    pub workloads: BTreeMap<String, Workload>,
    /// `[services.<name>]`.
    pub services: BTreeMap<String, Service>,
    /// `[jobs.<name>]`.
    pub jobs: BTreeMap<String, Job>,
}

/// What the roles' own settings say.
#[derive(Debug, Clone)]
pub struct RoleFacts {
    /// `gateway.port`.
    pub gateway_port: u16,
    /// `gateway.health_paths`.
    pub health_paths: Vec<String>,
    /// `admin.port`.
    pub admin_port: u16,
    /// `log.level`.
    pub log_level: String,
    /// Ids of the external providers of `[auth.external.<id>]`.
    pub providers: Vec<String>,
    /// Seconds that draining takes: `gateway.drain_delay` and `gateway.drain_deadline` together.
    pub drain_seconds: i64,
    /// Whether `gateway.public_url` is set; when it is not, the address of `[expose] host` is.
    pub public_url: Option<String>,
    /// `auth.site_url`, when the project sets it: the address of last resort, so that tokens name one issuer everywhere.
    pub site_url: Option<String>,
}

impl Default for RoleFacts {
    fn default() -> Self {
        Self {
            gateway_port: 8889,
            health_paths: Vec::new(),
            admin_port: 8890,
            log_level: "info".to_owned(),
            providers: Vec::new(),
            drain_seconds: 31,
            public_url: None,
            site_url: None,
        }
    }
}
