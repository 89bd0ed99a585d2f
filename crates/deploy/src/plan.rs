//! From settings to components: what runs, and which combinations of settings cannot work.

use crate::project::Project;
use crate::settings::{DatabaseKind, LoggingStack, Service, Way};
use crate::system::{Component, Controller, Kind, PlanError, Scaling};
use crate::tables::{Role, Size, role, size_of};
use std::collections::BTreeMap;

type Result<T> = std::result::Result<T, PlanError>;

fn refuse<T>(key: impl Into<String>, problem: impl Into<String>) -> Result<T> {
    Err(PlanError { key: key.into(), problem: problem.into() })
}

/// Everything that runs.
pub(crate) fn components(project: &Project, namespace: &str) -> Result<Vec<Component>> {
    let mut components = workloads(project, namespace)?;
    for (name, service) in &project.services {
        service.check(name).or_else(|problem| refuse(format!("services.{name}"), problem))?;
        components.push(user_service(name, service, namespace));
    }
    for (name, job) in &project.jobs {
        job.check(name).or_else(|problem| refuse(format!("jobs.{name}"), problem))?;
        let size = size_of("job").with(
            job.cpu.as_ref(),
            job.cpu_limit.as_ref(),
            job.memory.as_ref(),
            job.memory_limit.as_ref(),
        );
        let controller = if job.schedule.is_some() { Controller::CronJob } else { Controller::Job };
        components.push(Component::new(name, Kind::Job, namespace, controller, size));
    }
    database(project, namespace, &mut components);
    watchers(project, namespace, &mut components);
    one_of_each_name(&components)?;
    combinations(project, &components)?;
    Ok(components)
}

/// One component for each workload; roles that no workload names get one of their own.
fn workloads(project: &Project, namespace: &str) -> Result<Vec<Component>> {
    let mut homes: Vec<(String, Vec<&'static Role>)> = Vec::new();
    let mut placed: BTreeMap<&str, String> = BTreeMap::new();
    for (name, settings) in &project.workloads {
        settings.check(name).or_else(|problem| refuse(format!("workloads.{name}"), problem))?;
        let names = if settings.roles.is_empty() { vec![name.clone()] } else { settings.roles.clone() };
        let mut roles = Vec::new();
        for wanted in &names {
            let Some(role) = role(wanted) else {
                return refuse(
                    format!("workloads.{name}.roles"),
                    format!("there is no role {wanted:?}; the roles are {}", all_roles()),
                );
            };
            if let Some(other) = placed.insert(role.name, name.clone()) {
                return refuse(
                    format!("workloads.{name}.roles"),
                    format!("the role {wanted} already runs in the workload {other}; name it in one of them"),
                );
            }
            roles.push(role);
        }
        homes.push((name.clone(), roles));
    }
    for wanted in &project.kubernetes.roles {
        let Some(role) = role(wanted) else {
            return refuse("kubernetes.roles", format!("there is no role {wanted:?}; the roles are {}", all_roles()));
        };
        if !placed.contains_key(role.name) {
            homes.push((role.name.to_owned(), vec![role]));
        }
    }
    if !homes.iter().any(|(_, roles)| roles.iter().any(|role| role.name == "gateway")) {
        return refuse("kubernetes.roles", "the gateway is missing; it is the only way in");
    }
    Ok(homes.into_iter().map(|(name, roles)| workload(project, namespace, &name, roles)).collect())
}

fn all_roles() -> String {
    crate::tables::ROLES.iter().map(|role| role.name).collect::<Vec<_>>().join(", ")
}

fn workload(project: &Project, namespace: &str, name: &str, roles: Vec<&'static Role>) -> Component {
    let settings = project.workloads.get(name).cloned().unwrap_or_default();
    let own = roles.iter().map(|role| size_of(role.name)).reduce(Size::plus).unwrap_or_default();
    let size = own.with(
        settings.cpu.as_ref(),
        settings.cpu_limit.as_ref(),
        settings.memory.as_ref(),
        settings.memory_limit.as_ref(),
    );
    let is_gateway = roles.iter().any(|role| role.name == "gateway");
    let port = settings.port.unwrap_or(if is_gateway { project.roles.gateway_port } else { 8080 });
    let replicas = settings.replicas.unwrap_or_else(|| roles.iter().map(|role| role.replicas).max().unwrap_or(1));
    let scaling = settings.max_replicas.map(|max| Scaling {
        name: settings.hpa_name.clone().unwrap_or_else(|| format!("{name}-hpa")),
        min: settings.min_replicas.unwrap_or_else(|| replicas.min(2).min(max)),
        max,
        cpu: settings.target_cpu.or_else(|| settings.target_memory.is_none().then_some(70)),
        memory: settings.target_memory,
    });
    let replicas = scaling.as_ref().map_or(replicas, |s| settings.replicas.unwrap_or(s.min).clamp(s.min, s.max));
    let mut component = Component::new(name, Kind::Roles(roles), namespace, Controller::Deployment, size)
        .listening(&[("http", port), ("metrics", project.roles.admin_port)]);
    component.replicas = replicas;
    component.scaling = scaling;
    component
}

fn user_service(name: &str, service: &Service, namespace: &str) -> Component {
    let size = size_of("service").with(
        service.cpu.as_ref(),
        service.cpu_limit.as_ref(),
        service.memory.as_ref(),
        service.memory_limit.as_ref(),
    );
    let mut component = Component::new(name, Kind::Service, namespace, Controller::Deployment, size)
        .listening(&[("http", service.port.unwrap_or(8080))]);
    component.scaling = service.max_replicas.map(|max| Scaling {
        name: format!("{name}-hpa"),
        min: service.min_replicas.unwrap_or(2.min(max)),
        max,
        cpu: Some(service.target_cpu.unwrap_or(70)),
        memory: None,
    });
    let least = component.scaling.as_ref().map_or(1, |s| s.min);
    component.replicas = service.replicas.unwrap_or(least);
    component
}

fn database(project: &Project, namespace: &str, components: &mut Vec<Component>) {
    let settings = &project.database;
    let size = size_of("postgres").with(
        settings.cpu.as_ref(),
        settings.cpu_limit.as_ref(),
        settings.memory.as_ref(),
        settings.memory_limit.as_ref(),
    );
    if !components.iter().any(Component::needs_database) {
        return;
    }
    if settings.kind != DatabaseKind::External {
        let operator = settings.kind == DatabaseKind::CloudNativePg;
        let controller = if operator { Controller::Operator } else { Controller::StatefulSet };
        let mut postgres = Component::new(&settings.name, Kind::Database, namespace, controller, size)
            .listening(&[("postgres", 5432)])
            .keeping(Some(&project.storage.size));
        if operator {
            postgres.replicas = settings.instances;
            // each of its pods answers Prometheus by itself
            postgres.ports.push(("metrics", 9187));
        }
        components.push(postgres);
    }
    components.push(Component::new(&settings.init_name, Kind::Init, namespace, Controller::Job, size_of("db-init")));
    if project.backup.enabled {
        let mut backup = Component::new("backup", Kind::Backup, namespace, Controller::CronJob, size_of("backup"));
        backup.volume = Some(project.backup.storage.clone());
        components.push(backup);
        components.push(Component::new(
            "backup-verify",
            Kind::Backup,
            namespace,
            Controller::CronJob,
            size_of("backup-verify"),
        ));
    }
}

fn watchers(project: &Project, namespace: &str, components: &mut Vec<Component>) {
    let monitoring = &project.monitoring;
    let size = |name: &str| {
        let own = size_of(name);
        monitoring
            .sizes
            .get(name)
            .map_or(own, |s| own.with(s.cpu.as_ref(), s.cpu_limit.as_ref(), s.memory.as_ref(), s.memory_limit.as_ref()))
    };
    let add = |name: &str, kind: Kind, port: (&'static str, u16)| {
        Component::new(name, kind, namespace, Controller::Deployment, size(name)).listening(&[port])
    };
    let has_database = components.iter().any(|c| c.kind == Kind::Init);
    if monitoring.bundled {
        components.push(add("prometheus", Kind::Monitoring, ("http", 9090)).keeping(monitoring.storage.as_ref()));
        if project.alerts.has_receiver() {
            components.push(add("alertmanager", Kind::Monitoring, ("http", 9093)));
        }
        if monitoring.grafana {
            components.push(add("grafana", Kind::Monitoring, ("http", 3000)));
        }
    }
    if monitoring.postgres_exporter && has_database {
        components.push(add("postgres-exporter", Kind::Monitoring, ("metrics", 9187)));
    }
    if monitoring.kube_state_metrics {
        let mut metrics = add("kube-state-metrics", Kind::Monitoring, ("metrics", 8080));
        metrics.ports.push(("telemetry", 8081));
        components.push(metrics);
    }
    match project.logging.stack {
        LoggingStack::Off => {}
        LoggingStack::Loki => {
            let mut loki = add("loki", Kind::Logging, ("http", 3100)).keeping(Some(&project.logging.storage));
            loki.controller = Controller::StatefulSet;
            components.push(loki);
            components.push(add("alloy", Kind::Logging, ("http", 12345)));
        }
        LoggingStack::Efk => {
            let mut store = add("elasticsearch", Kind::Logging, ("http", 9200)).keeping(Some(&project.logging.storage));
            store.controller = Controller::StatefulSet;
            components.push(store);
            components.push(add("kibana", Kind::Logging, ("http", 5601)));
            let mut collector = add("fluent-bit", Kind::Logging, ("http", 2020));
            collector.controller = Controller::DaemonSet;
            collector.namespace = format!("{namespace}-logging");
            components.push(collector);
        }
    }
}

/// Two components with one name would be one label.
fn one_of_each_name(components: &[Component]) -> Result<()> {
    for (index, component) in components.iter().enumerate() {
        if components[..index].iter().any(|other| other.name == component.name) {
            return refuse(
                format!("{}s.{}", component.part(), component.name),
                format!("there is already a component called {}; choose another name", component.name),
            );
        }
    }
    Ok(())
}

/// Combinations that can be written down and cannot work.
fn combinations(project: &Project, components: &[Component]) -> Result<()> {
    use crate::settings::{IssuerType, TlsMode};
    let expose = &project.expose;
    if project.tls.mode == TlsMode::Annotation && !expose.via.contains(&Way::Ingress) {
        return refuse(
            "tls.mode",
            "`annotation` is read from an Ingress; add \"ingress\" to `[expose] via`, or use `issuer`",
        );
    }
    if project.tls.mode == TlsMode::Issuer && expose.host.is_none() {
        return refuse("tls.mode", "a certificate is made for a host name; set `[expose] host`");
    }
    if project.backup.enabled && project.database.kind == DatabaseKind::CloudNativePg {
        return refuse(
            "backup.enabled",
            "CloudNativePG makes backups itself (ScheduledBackup, to an object store); switch `[backup]` off here",
        );
    }
    if project.database.kind == DatabaseKind::CloudNativePg && project.database.user != "postgres" {
        return refuse(
            "kubernetes.database.user",
            "the superuser of a CloudNativePG cluster is called postgres; leave `user` out",
        );
    }
    let reachable = expose.via.contains(&Way::Ingress) || expose.via.contains(&Way::GatewayApi);
    let certified = matches!(project.tls.mode, TlsMode::Issuer | TlsMode::Annotation);
    if certified && project.tls.issuer_type == IssuerType::Acme && !reachable {
        return refuse(
            "tls.issuer_type",
            "an ACME server checks the host name over HTTP, which takes an Ingress or the Gateway API; add \"ingress\" or \"gateway-api\" to `[expose] via`",
        );
    }
    let gateway = components.iter().find(|c| c.roles().iter().any(|r| r.name == "gateway"));
    if gateway.is_some_and(|gateway| gateway.port("http") == gateway.port("metrics")) {
        return refuse("workloads", "the gateway's port and the admin port are the same; change one of them");
    }
    if gateway.is_some_and(|gateway| gateway.port("http") < 1024) {
        return refuse(
            "gateway.port",
            "ports below 1024 need a privilege that pods do not have; the Service maps 80 to any port",
        );
    }
    if project.storage.check().is_err() || (project.storage.host_path.is_some() && project.storage.claim_name.is_none())
    {
        let problem = project.storage.check().err().unwrap_or_else(|| {
            "`host_path` needs `claim_name`, the name of the claim that the volume is bound to".to_owned()
        });
        return refuse("database.storage", problem);
    }
    Ok(())
}
