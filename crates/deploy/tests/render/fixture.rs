//! Systems to render: small, the household budget of the seeds, and one with everything switched on.

use mainstay_deploy::{
    Alerts, Backup, Database, DatabaseKind, Expose, Job, Kubernetes, Logging, LoggingStack, Monitoring, Project,
    PullPolicy, Service, Storage, System, Tls, TlsMode, Way, Workload,
};
use std::collections::BTreeMap;

pub(crate) fn project(name: &str) -> Project {
    Project {
        name: name.to_owned(),
        version: "0.1.0".to_owned(),
        file: format!("name = \"{name}\"\n"),
        migrations: vec![("0001_init.sql".to_owned(), "create table a (b text default '{{ x }}');\n".to_owned())],
        ..Project::default()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn workload(roles: &[&str], replicas: u32, cpu: (&str, &str), memory: (&str, &str)) -> Workload {
    Workload {
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        replicas: Some(replicas),
        cpu: text(cpu.0),
        cpu_limit: text(cpu.1),
        memory: text(memory.0),
        memory_limit: text(memory.1),
        ..Workload::default()
    }
}

/// Seed 002: a gateway, two pods of the application, PostgreSQL, Prometheus and Grafana.
pub(crate) fn budget_app() -> System {
    let mut project = project("budget-app");
    let mut api = workload(&["auth", "data"], 2, ("250m", "500m"), ("256Mi", "512Mi"));
    api.port = Some(5000);
    project.workloads = BTreeMap::from([
        ("gateway".to_owned(), workload(&["gateway", "portal"], 1, ("100m", "200m"), ("64Mi", "128Mi"))),
        ("auth-data".to_owned(), api),
    ]);
    project.expose = Expose { via: vec![Way::LoadBalancer], ..Expose::default() };
    project.storage = Storage {
        size: "2Gi".to_owned(),
        host_path: text("/tmp/k3d-postgres-data"),
        claim_name: text("postgres-pvc"),
        ..Storage::default()
    };
    project.monitoring = Monitoring { bundled: true, ..Monitoring::default() };
    System::plan(project).unwrap()
}

/// The gateway in front of one workload, and its database; nothing else.
pub(crate) fn small() -> System {
    let mut project = project("notes");
    project.kubernetes = Kubernetes {
        roles: vec!["gateway".to_owned(), "data".to_owned()],
        network_policies: false,
        cpu_limits: false,
        ..Kubernetes::default()
    };
    System::plan(project).unwrap()
}

/// Every role in one workload, and a database elsewhere.
pub(crate) fn single() -> System {
    let mut project = project("one");
    project.workloads = BTreeMap::from([(
        "everything".to_owned(),
        Workload {
            roles: ["gateway", "auth", "data", "portal"].map(str::to_owned).to_vec(),
            max_replicas: Some(4),
            ..Workload::default()
        },
    )]);
    project.database = Database { kind: DatabaseKind::External, host: text("db.example.com"), ..Database::default() };
    project.expose = Expose { via: vec![Way::NodePort], ..Expose::default() };
    System::plan(project).unwrap()
}

/// As much as can be switched on at once.
pub(crate) fn large() -> System {
    let mut project = project("shop");
    let scaled = || Workload {
        max_replicas: Some(10),
        min_replicas: Some(2),
        target_cpu: Some(60),
        target_memory: Some(80),
        ..Workload::default()
    };
    project.kubernetes = Kubernetes {
        roles: ["gateway", "auth", "data", "storage", "models", "portal"].map(str::to_owned).to_vec(),
        image: text("registry.example.com:5000/shop/app:1.4.2"),
        image_pull_secrets: vec!["registry".to_owned()],
        image_pull_policy: PullPolicy::Always,
        ..Kubernetes::default()
    };
    project.workloads = BTreeMap::from([("gateway".to_owned(), scaled()), ("models".to_owned(), scaled())]);
    project.services = BTreeMap::from([
        (
            "recommendations-of-the-day-for-returning-customers".to_owned(),
            Service {
                image: "ghcr.io/example/recommendations:3".to_owned(),
                env: BTreeMap::from([("TEMPLATE".to_owned(), "{{ name }} {{{".to_owned())]),
                secret_name: text("recommendations"),
                max_replicas: Some(3),
                metrics_path: text("/metrics"),
                ..Service::default()
            },
        ),
        ("invoices".to_owned(), Service { image: "invoices:1".to_owned(), database: true, ..Service::default() }),
    ]);
    project.jobs = BTreeMap::from([
        (
            "nightly".to_owned(),
            Job { schedule: text("0 3 * * *"), command: vec!["report".to_owned()], database: true, ..Job::default() },
        ),
        ("import".to_owned(), Job { image: text("importer:2"), ..Job::default() }),
    ]);
    project.expose = Expose {
        via: vec![Way::Ingress, Way::LoadBalancer, Way::NodePort],
        host: text("shop.example.com"),
        ingress_class: text("nginx"),
        ..Expose::default()
    };
    project.tls = Tls { mode: TlsMode::Issuer, ..Tls::default() };
    project.storage = Storage { size: "20Gi".to_owned(), class: text("fast"), ..Storage::default() };
    project.monitoring = Monitoring {
        bundled: true,
        postgres_exporter: true,
        kube_state_metrics: true,
        storage: text("5Gi"),
        ..Monitoring::default()
    };
    project.alerts = Alerts {
        slack: serde_json::from_value(serde_json::json!({ "channel": "#alerts" })).unwrap(),
        ..Alerts::default()
    };
    project.logging = Logging { stack: LoggingStack::Efk, ..Logging::default() };
    project.backup = Backup { enabled: true, ..Backup::default() };
    System::plan(project).unwrap()
}

/// Servers of an operator, an operator's Prometheus, the Gateway API and a certificate that is given.
pub(crate) fn operated() -> System {
    let mut project = project("operated");
    project.database = Database { kind: DatabaseKind::CloudNativePg, ..Database::default() };
    project.monitoring = Monitoring { operator: true, ..Monitoring::default() };
    project.logging = Logging { stack: LoggingStack::Loki, ..Logging::default() };
    project.expose = Expose { via: vec![Way::GatewayApi], host: text("operated.example.com"), ..Expose::default() };
    project.tls = Tls { mode: TlsMode::Manual, ..Tls::default() };
    project.kubernetes.image = text("registry.example.com/operated@sha256:0123456789abcdef");
    System::plan(project).unwrap()
}

pub(crate) fn all() -> Vec<System> {
    vec![small(), single(), budget_app(), large(), operated()]
}
