//! What runs pods: the pod template, its containers and how many there are.

use crate::lookup;
use crate::selector::{Labels, Selector};
use serde_json::Value;

/// What a container is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Main,
    Init,
    /// An init container that keeps running (`restartPolicy: Always`, KEP-753).
    Sidecar,
    Ephemeral,
}

/// A container and where it stands.
#[derive(Debug)]
pub(crate) struct Container<'a> {
    pub(crate) value: &'a Value,
    pub(crate) name: &'a str,
    pub(crate) path: String,
    pub(crate) role: Role,
}

/// An object with a pod template, or a Pod.
#[derive(Debug)]
pub(crate) struct Workload<'a> {
    /// Position of its object.
    pub(crate) item: usize,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    /// The object's own `spec`.
    pub(crate) outer: &'a Value,
    /// Metadata of the pods.
    pub(crate) meta: &'a Value,
    /// Path of the pods' metadata.
    pub(crate) meta_path: &'static str,
    /// The pods' `spec`.
    pub(crate) spec: &'a Value,
    /// Path of the pods' `spec`.
    pub(crate) path: &'static str,
    pub(crate) labels: Labels<'a>,
    pub(crate) containers: Vec<Container<'a>>,
}

static NOTHING: Value = Value::Null;

impl<'a> Workload<'a> {
    /// The pods that an object runs, if it is of a kind that does.
    pub(crate) fn of(item: usize, kind: &'a str, namespace: &'a str, name: &'a str, value: &'a Value) -> Option<Self> {
        let (meta_path, path) = match kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "Job" => {
                ("spec.template.metadata", "spec.template.spec")
            }
            "CronJob" => ("spec.jobTemplate.spec.template.metadata", "spec.jobTemplate.spec.template.spec"),
            "Pod" => ("metadata", "spec"),
            _ => return None,
        };
        let meta = lookup::at(value, meta_path).unwrap_or(&NOTHING);
        let spec = lookup::at(value, path).unwrap_or(&NOTHING);
        let outer = lookup::at(value, "spec").unwrap_or(&NOTHING);
        let mut containers = Vec::new();
        for (field, usual) in
            [("initContainers", Role::Init), ("containers", Role::Main), ("ephemeralContainers", Role::Ephemeral)]
        {
            for (index, container) in lookup::list(spec, field).iter().enumerate() {
                let sidecar = usual == Role::Init && lookup::text(container, "restartPolicy") == Some("Always");
                containers.push(Container {
                    value: container,
                    name: lookup::word(container, "name"),
                    path: format!("{path}.{field}[{index}]"),
                    role: if sidecar { Role::Sidecar } else { usual },
                });
            }
        }
        let labels = lookup::texts(meta, "labels");
        Some(Self { item, kind, name, namespace, outer, meta, meta_path, spec, path, labels, containers })
    }

    /// `Deployment gateway`.
    pub(crate) fn title(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// Runs until somebody stops it.
    pub(crate) fn is_service(&self) -> bool {
        matches!(self.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController")
    }

    /// `spec.replicas`, 1 when absent.
    pub(crate) fn replicas(&self) -> i64 {
        match self.kind {
            "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController" => {
                lookup::number(self.outer, "replicas").unwrap_or(1)
            }
            _ => 1,
        }
    }

    /// Its own selector; none for Pods, and for Jobs, whose selector the cluster makes.
    pub(crate) fn selector(&self) -> Option<Selector<'a>> {
        match self.kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" => {
                lookup::at(self.outer, "selector").map(Selector::of)
            }
            "ReplicationController" => {
                lookup::at(self.outer, "selector").map(|_| Selector::of_labels(lookup::texts(self.outer, "selector")))
            }
            _ => None,
        }
    }

    /// The containers that run as long as the pod.
    pub(crate) fn running(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| matches!(container.role, Role::Main | Role::Sidecar))
    }

    /// The containers of the template's own list.
    pub(crate) fn main(&self) -> impl Iterator<Item = &Container<'a>> {
        self.containers.iter().filter(|container| container.role == Role::Main)
    }

    /// Declared ports of running containers: name, number, protocol.
    pub(crate) fn ports(&self) -> impl Iterator<Item = (&'a str, i64, &'a str)> {
        self.running().flat_map(|container| {
            lookup::list(container.value, "ports").iter().filter_map(|port| {
                let protocol = lookup::text(port, "protocol").unwrap_or("TCP");
                Some((lookup::word(port, "name"), lookup::number(port, "containerPort")?, protocol))
            })
        })
    }

    /// The number behind a port that is written as a number or as a name.
    pub(crate) fn port_number(&self, port: &Value, protocol: &str) -> Option<i64> {
        match port {
            Value::Number(number) => number.as_i64(),
            Value::String(name) => {
                self.ports().find(|(n, _, p)| n == name && *p == protocol).map(|(_, number, _)| number)
            }
            _ => None,
        }
    }

    /// The value of a field of the container's security context, or else the pod's.
    pub(crate) fn security(&self, container: &Container<'a>, field: &str) -> Option<&'a Value> {
        let of = |value: &'a Value| lookup::at(value, "securityContext").and_then(|context| lookup::at(context, field));
        of(container.value).or_else(|| of(self.spec))
    }

    /// Whether a database server runs in it, judged by the image's name.
    pub(crate) fn is_database(&self) -> bool {
        const SERVERS: &[&str] = &[
            "postgres",
            "postgresql",
            "postgis",
            "timescaledb",
            "timescaledb-ha",
            "pgvector",
            "spilo",
            "mysql",
            "mysql-server",
            "mariadb",
            "percona-server",
            "mongo",
            "mongodb",
            "mongodb-community-server",
            "cassandra",
            "scylla",
            "cockroach",
            "couchdb",
            "elasticsearch",
            "opensearch",
            "clickhouse-server",
            "influxdb",
            "neo4j",
        ];
        const CLIENTS: &[&str] =
            &["psql", "pg_dump", "pg_dumpall", "pg_basebackup", "pg_restore", "mysql", "mysqldump"];
        self.is_service()
            && self.main().any(|container| {
                let image = lookup::word(container.value, "image");
                let repository = image.split('@').next().unwrap_or_default();
                let last = repository.rsplit('/').next().unwrap_or_default();
                let program = lookup::words(container.value, "command").first().copied().unwrap_or_default();
                let program = program.rsplit('/').next().unwrap_or_default();
                SERVERS.contains(&last.split(':').next().unwrap_or_default()) && !CLIENTS.contains(&program)
            })
    }
}
