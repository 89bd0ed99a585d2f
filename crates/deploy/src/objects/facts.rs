//! What rules, dashboards and routes are made from.

use crate::settings::{DatabaseKind, TlsMode};
use crate::system::{Kind, System};
use mainstay_monitoring as watch;

/// What rules and panels are made from.
#[must_use]
pub(super) fn facts(system: &System) -> watch::Facts {
    let monitoring = &system.project.monitoring;
    let mut facts = watch::Facts::new(&system.project.name, &system.namespace);
    for component in system.components.iter().filter(|c| c.is_lasting()) {
        let service = system.project.services.get(&component.name);
        let scrape = match component.kind {
            Kind::Roles(_) => Some(watch::Scrape::metrics()),
            Kind::Service => {
                service.and_then(|s| s.metrics_path.clone()).map(|path| watch::Scrape { port: "http".to_owned(), path })
            }
            _ => None,
        };
        facts.components.push(watch::Component {
            name: component.name.clone(),
            roles: component.roles().iter().map(|role| role.name.to_owned()).collect(),
            scrape,
            autoscaled: component.scaling.is_some(),
            memory_limit: u64::try_from(component.size.memory_limit.0 / 1000).ok(),
        });
    }
    if system.components.iter().any(|c| c.kind == Kind::Init) {
        facts.postgres = Some(watch::Postgres {
            service: system.database_host(),
            major: major(system),
            exporter: system.component("postgres-exporter").map(|c| c.name.clone()),
            in_namespace: system.project.database.kind == DatabaseKind::StatefulSet,
        });
        facts.init_job = Some(system.project.database.init_name.clone());
    }
    // an operator's stack brings both
    facts.kube_state_metrics = monitoring.kube_state_metrics || monitoring.operator;
    facts.cadvisor = (monitoring.bundled && monitoring.node_metrics) || monitoring.operator;
    facts.kubernetes_mixin = monitoring.operator;
    // the stack of an operator usually scrapes cert-manager as well
    facts.cert_manager_metrics =
        monitoring.operator && matches!(system.project.tls.mode, TlsMode::Issuer | TlsMode::Annotation);
    facts.loki = system.component("loki").is_some();
    facts.backup = system.component("backup").filter(|c| c.kind == Kind::Backup).map(|c| watch::Backup {
        cron_job: c.name.clone(),
        max_age_hours: backup_age(&system.project.backup.schedule),
    });
    facts
}

/// The server's own TLS: ours has none inside the namespace, an operator's and an external one do.
pub(super) fn ssl_mode(system: &System) -> &str {
    // the exporter's driver has no `prefer`
    if let Some(mode) = system.project.database.ssl_mode.as_deref().filter(|mode| *mode != "prefer") {
        return mode;
    }
    if system.project.database.kind == DatabaseKind::StatefulSet { "disable" } else { "require" }
}

/// Major version of the server, from the tag of its image; 17 when the tag does not tell.
fn major(system: &System) -> u32 {
    let database = &system.project.database;
    let known = if database.kind == DatabaseKind::CloudNativePg { "cloudnativepg" } else { "postgres" };
    let image = database.image.clone().unwrap_or_else(|| system.third_party(known));
    let tag = image.split('@').next().and_then(|name| name.rsplit_once(':')).map_or("", |(_, tag)| tag);
    let digits: String = tag.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|major| (9..100).contains(major)).unwrap_or(17)
}

/// Hours after which the newest backup is too old: the longest pause of the schedule and six hours.
fn backup_age(schedule: &str) -> u32 {
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    let is_any = |index: usize| fields.get(index).is_none_or(|field| field.starts_with('*'));
    let every = fields.get(1).and_then(|hour| hour.strip_prefix("*/")).and_then(|step| step.parse().ok());
    let pause = match (is_any(1), is_any(2) && is_any(4), is_any(2)) {
        (true, true, _) => every.unwrap_or(1).min(24),
        (_, true, _) => 24,
        // some days of the week, or of the month
        (_, false, true) => 7 * 24,
        (_, false, false) => 31 * 24,
    };
    pause + 6
}
