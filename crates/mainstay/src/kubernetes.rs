//! A project folder as the deployer sees it.

use crate::cli;
use crate::config::Config;
use crate::failure::Outcome;
use crate::project::Project;
use mainstay_deploy::{RoleFacts, System};
use mainstay_kernel::config::{ConfigError, Flag};
use mainstay_pg::migrate;

/// Reads a project folder and resolves it for a cluster.
pub(crate) fn system(arguments: &cli::Project, flags: Vec<Flag>) -> Outcome<System> {
    let project = Project::open(arguments)?;
    project.require_file()?;
    // what stands in this machine's environment (a database URL, a port) is not what stands on the cluster
    let config = Config::on_cluster(&project, flags)?;
    let file = project.file()?.map(|(_, text)| text).unwrap_or_default();
    let migrations = migrate::read_folder(&project.dir.join("migrations"))?;
    let gateway = &config.gateway;
    let drain = gateway.drain_delay.0 + gateway.drain_deadline.0;
    let roles = RoleFacts {
        gateway_port: gateway.port,
        health_paths: gateway.health_paths.clone(),
        admin_port: config.admin.port,
        log_level: config.log.level.clone(),
        providers: config.auth.external.keys().cloned().collect(),
        drain_seconds: i64::try_from(drain.as_secs()).unwrap_or(i64::MAX),
        public_url: gateway.public_url.clone(),
    };
    let deploy = config.deploy;
    System::plan(mainstay_deploy::Project {
        name: config.project.name,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        file,
        migrations: migrations
            .into_iter()
            .map(|m| (format!("{}.sql", m.name.trim_end_matches(".sql")), m.sql))
            .collect(),
        roles,
        kubernetes: deploy.kubernetes,
        database: deploy.database,
        storage: deploy.storage,
        expose: deploy.expose,
        tls: deploy.tls,
        monitoring: deploy.monitoring,
        alerts: deploy.alerts,
        logging: deploy.logging,
        backup: deploy.backup,
        workloads: config.project.workloads,
        services: config.project.services,
        jobs: config.project.jobs,
    })
    .map_err(|error| ConfigError::new("mainstay.toml", error.to_string()).into())
}
