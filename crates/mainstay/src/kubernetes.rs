//! A project folder as the deployer sees it.

use crate::cli;
use crate::config::Config;
use crate::failure::Outcome;
use crate::project::{FILE, Project};
use mainstay_deploy::{RoleFacts, System};
use mainstay_kernel::config::{ConfigError, Flag};
use mainstay_pg::migrate;

/// Reads a project folder and resolves it for a cluster.
pub(crate) fn system(arguments: &cli::Project, flags: Vec<Flag>) -> Outcome<System> {
    let project = Project::open(arguments)?;
    project.require_file()?;
    let path = project.dir.join(FILE);
    // what stands in this machine's environment (a database URL, a port) is not what stands on the cluster
    let config = Config::on_cluster(&project, flags)?;
    let file = project.file()?.map(|(_, text)| text).unwrap_or_default();
    let text = file.clone();
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
        site_url: config.site_url_is_set.then(|| config.auth.site_url.clone()),
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
    .map_err(|error| {
        let line = line_of(&text, &error.key).map(|line| format!(":{line}")).unwrap_or_default();
        ConfigError::new(format!("{}{line}", path.display()), error.to_string()).into()
    })
}

/// The line with the header of the table that a setting stands in: `services.api` and `services.api.port` are both below
/// `[services.api]`. The key itself may not be there at all, when it is what is missing.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let header = |line: &str| {
        let name = line.trim().strip_prefix('[')?.split(']').next()?;
        Some(name.replace(['"', '\'', ' '], ""))
    };
    let headers: Vec<(usize, String)> =
        text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, header(line)?))).collect();
    let mut wanted = Some(key);
    while let Some(table) = wanted {
        if let Some((line, _)) = headers.iter().find(|(_, name)| name == table) {
            return Some(*line);
        }
        wanted = table.rsplit_once('.').map(|(parent, _)| parent);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::line_of;

    #[test]
    fn settings_are_found_by_the_headers_of_their_tables() {
        let text = "name = \"x\"\n\n[services.api]\nport = 1\n[workloads.\"a b\"] # here\n[ kubernetes . database ]\n";
        for (key, line) in [
            ("services.api", Some(3)),
            ("services.api.port", Some(3)),
            ("workloads.a b", None),
            ("kubernetes.database.user", Some(6)),
            ("services", None),
            ("name", None),
        ] {
            assert_eq!(line_of(text, key), line, "{key}");
        }
    }
}
