//! The plan: a project's settings resolved against the tables. Objects, pictures and sums are made from it.

use crate::plan::components;
use crate::project::Project;
use crate::settings::{DatabaseKind, Way, Workload, egress};
use crate::tables::{EDGES, Edge, Peer, Role, Rule, Side, Size};
use mainstay_manifest::keys;
use std::collections::BTreeMap;

/// A project resolved: what runs, how large it is, and who talks to whom.
#[derive(Debug, Clone)]
pub struct System {
    /// The project.
    pub project: Project,
    /// Namespace of everything but node-level log collectors.
    pub namespace: String,
    /// Image of the roles.
    pub image: String,
    /// Everything that runs.
    pub components: Vec<Component>,
    /// Who connects to whom.
    pub edges: Vec<Edge>,
}

/// Something that runs in pods.
#[derive(Debug, Clone)]
pub struct Component {
    /// Name: of the object, and of its label.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Namespace.
    pub namespace: String,
    /// Kind of the object that makes its pods.
    pub controller: Controller,
    /// Pods to begin with.
    pub replicas: u32,
    /// Autoscaling.
    pub scaling: Option<Scaling>,
    /// Of one pod.
    pub size: Size,
    /// Named container ports.
    pub ports: Vec<(&'static str, u16)>,
    /// Volume that outlives the pod.
    pub volume: Option<String>,
}

/// What a component is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Roles of ours.
    Roles(Vec<&'static Role>),
    /// `[services.<name>]`.
    Service,
    /// `[jobs.<name>]`.
    Job,
    /// PostgreSQL.
    Database,
    /// The Job that prepares the database.
    Init,
    /// Backups.
    Backup,
    /// Metrics and dashboards.
    Monitoring,
    /// Logs.
    Logging,
}

/// What makes the pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Controller {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 StatefulSet.
    StatefulSet,
    /// apps/v1 DaemonSet.
    DaemonSet,
    /// batch/v1 Job.
    Job,
    /// batch/v1 CronJob.
    CronJob,
    /// An operator of the cluster.
    Operator,
}

/// An autoscaler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scaling {
    /// Name of the object.
    pub name: String,
    /// Fewest pods.
    pub min: u32,
    /// Most pods.
    pub max: u32,
    /// Percentage of the CPU request.
    pub cpu: Option<u32>,
    /// Percentage of the memory request.
    pub memory: Option<u32>,
}

/// Settings that cannot be brought together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{key}`: {problem}")]
pub struct PlanError {
    /// The setting, as it is called in `mainstay.toml`.
    pub key: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl System {
    /// Resolves a project.
    ///
    /// # Errors
    /// When settings contradict each other: the setting, and a sentence with the way out.
    pub fn plan(project: Project) -> Result<Self, PlanError> {
        let namespace = project.kubernetes.namespace.clone().unwrap_or_else(|| project.name.clone());
        let image = project.kubernetes.image.clone().unwrap_or_else(|| format!("{}:{}", project.name, project.version));
        let components = components(&project, &namespace)?;
        let mut system = Self { project, namespace, image, components, edges: Vec::new() };
        system.edges = EDGES.iter().flat_map(|rule| system.resolve(rule)).collect();
        system.edges.extend(system.own_egress());
        system.edges.sort();
        system.edges.dedup();
        Ok(system)
    }

    /// The component with this name.
    #[must_use]
    pub fn component(&self, name: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.name == name)
    }

    /// The component that runs a role.
    #[must_use]
    pub fn home_of(&self, role: &str) -> Option<&Component> {
        self.components.iter().find(|component| component.roles().iter().any(|r| r.name == role))
    }

    /// The components that run roles.
    pub fn workloads(&self) -> impl Iterator<Item = &Component> {
        self.components.iter().filter(|component| !component.roles().is_empty())
    }

    /// `[workloads.<name>]` of a component; the default when there is none.
    #[must_use]
    pub fn settings_of(&self, component: &Component) -> Workload {
        self.project.workloads.get(&component.name).cloned().unwrap_or_default()
    }

    /// Whether PostgreSQL runs in the namespace.
    #[must_use]
    pub fn has_database_pods(&self) -> bool {
        self.project.database.kind != DatabaseKind::External
    }

    /// Host by which clients reach PostgreSQL.
    #[must_use]
    pub fn database_host(&self) -> String {
        let database = &self.project.database;
        match database.kind {
            DatabaseKind::StatefulSet => database.service_name.clone(),
            // the operator names the Service of the primary so
            DatabaseKind::CloudNativePg => format!("{}-rw", database.name),
            DatabaseKind::External => database.host.clone().unwrap_or_default(),
        }
    }

    /// Port by which clients reach PostgreSQL.
    #[must_use]
    pub fn database_port(&self) -> u16 {
        match self.project.database.kind {
            DatabaseKind::External => self.project.database.port,
            _ => 5432,
        }
    }

    /// Name of the database.
    #[must_use]
    pub fn database_name(&self) -> String {
        let database = &self.project.database;
        database.database.clone().unwrap_or_else(|| self.project.name.replace('-', "_"))
    }

    /// Whether TLS ends at the gateway itself.
    #[must_use]
    pub fn tls_at_gateway(&self) -> bool {
        use crate::settings::TlsMode;
        self.project.tls.mode != TlsMode::Off && !self.exposed_by(Way::Ingress) && !self.exposed_by(Way::GatewayApi)
    }

    /// Whether the gateway is exposed in this way.
    #[must_use]
    pub fn exposed_by(&self, way: Way) -> bool {
        self.project.expose.via.contains(&way)
    }

    /// The labels by which a component's pods are selected.
    #[must_use]
    pub fn selector(&self, component: &Component) -> BTreeMap<String, String> {
        if component.controller == Controller::Operator {
            return BTreeMap::from([("cnpg.io/cluster".to_owned(), component.name.clone())]);
        }
        BTreeMap::from([
            (keys::NAME.to_owned(), component.name.clone()),
            (keys::INSTANCE.to_owned(), self.project.name.clone()),
        ])
    }

    /// The edges of a rule: one for each pair of components on its two sides.
    fn resolve(&self, rule: &Rule) -> Vec<Edge> {
        let mut edges = Vec::new();
        for from in self.peers(rule.from) {
            for to in self.peers(rule.to) {
                if from == to {
                    continue;
                }
                let (ports, port_name) = self.ports(&to, rule);
                if !ports.is_empty() {
                    edges.push(Edge { from: from.clone(), to, ports, port_name, why: rule.why });
                }
            }
        }
        edges
    }

    /// What the user's own services and jobs may call outside, as their settings say.
    fn own_egress(&self) -> Vec<Edge> {
        let services = self.project.services.iter().map(|(name, service)| (name, &service.egress));
        let jobs = self.project.jobs.iter().map(|(name, job)| (name, &job.egress));
        let mut edges = Vec::new();
        for (name, texts) in services.chain(jobs) {
            for (range, port) in egress(texts).unwrap_or_default() {
                edges.push(Edge {
                    from: Peer::Component(name.clone()),
                    to: Peer::Addresses(vec![range]),
                    ports: vec![(port, "TCP")],
                    port_name: String::new(),
                    why: "its settings name this address",
                });
            }
        }
        edges
    }

    fn ports(&self, to: &Peer, rule: &Rule) -> (Vec<(u16, &'static str)>, String) {
        if let Peer::Component(name) = to {
            let Some(component) = self.component(name) else { return (Vec::new(), String::new()) };
            let port = component.ports.iter().find(|(port, _)| *port == rule.port).map(|(_, number)| (*number, "TCP"));
            return (port.into_iter().collect(), rule.port.to_owned());
        }
        let ports = match rule.to {
            Side::Dns => vec![(53, "UDP"), (53, "TCP")],
            Side::ApiServer => vec![(443, "TCP"), (6443, "TCP")],
            Side::AlertReceivers => self.project.alerts.ports().into_iter().map(|port| (port, "TCP")).collect(),
            Side::Component("postgres") => vec![(self.database_port(), "TCP")],
            _ => vec![(443, "TCP")],
        };
        (ports, String::new())
    }

    fn peers(&self, side: Side) -> Vec<Peer> {
        let named = |filter: &dyn Fn(&Component) -> bool| {
            self.components.iter().filter(|c| filter(c)).map(|c| Peer::Component(c.name.clone())).collect::<Vec<_>>()
        };
        let kubernetes = &self.project.kubernetes;
        match side {
            Side::Outside => self.outside(),
            Side::Role(name) => named(&|c| c.roles().iter().any(|r| r.name == name)),
            Side::DatabaseRoles => named(&|c| c.roles().iter().any(|r| r.database)),
            Side::AllRoles => named(&|c| !c.roles().is_empty()),
            Side::Services => named(&|c| c.kind == Kind::Service),
            Side::DatabaseServices => named(&|c| match c.kind {
                Kind::Service => self.project.services.get(&c.name).is_some_and(|s| s.database),
                Kind::Job => self.project.jobs.get(&c.name).is_some_and(|j| j.database),
                _ => false,
            }),
            Side::MeteredServices => named(&|c| {
                c.kind == Kind::Service && self.project.services.get(&c.name).is_some_and(|s| s.metrics_path.is_some())
            }),
            Side::Component("postgres") if !self.has_database_pods() => {
                vec![Peer::Addresses(self.project.database.ranges.clone())]
            }
            Side::Component("postgres") => named(&|c| c.kind == Kind::Database),
            Side::Component("db-init") => named(&|c| c.kind == Kind::Init),
            Side::Component("backup") => named(&|c| c.kind == Kind::Backup && c.name == "backup"),
            Side::Component(name) => named(&|c| c.name == name && matches!(c.kind, Kind::Monitoring | Kind::Logging)),
            Side::OperatorPrometheus if self.project.monitoring.operator => {
                let labels = vec![("app.kubernetes.io/name".to_owned(), "prometheus".to_owned())];
                vec![Peer::Namespace(self.project.monitoring.operator_namespace.clone(), labels)]
            }
            Side::OperatorPrometheus => Vec::new(),
            Side::Dns => {
                let labels = vec![("k8s-app".to_owned(), "kube-dns".to_owned())];
                let mut peers = vec![Peer::Namespace("kube-system".to_owned(), labels)];
                if !kubernetes.dns_servers.is_empty() {
                    peers.push(Peer::Addresses(kubernetes.dns_servers.clone()));
                }
                peers
            }
            Side::ApiServer => vec![Peer::Addresses(kubernetes.api_server.clone())],
            Side::Providers if !self.asks_providers() => Vec::new(),
            Side::Providers => vec![Peer::Addresses(kubernetes.provider_ranges.clone())],
            Side::AlertReceivers => vec![Peer::Addresses(Vec::new())],
            Side::Everything => vec![Peer::Component(String::new())],
        }
    }

    /// Whether somebody may sign in by a provider: one stands in the project file, or the workload of the auth role is given
    /// the client of one when it is deployed.
    fn asks_providers(&self) -> bool {
        let client = |name: &String| name == "GOOGLE_CLIENT_ID" || name.starts_with("MAINSTAY_AUTH_EXTERNAL_");
        let given = |home: &Component| {
            let settings = self.settings_of(home);
            settings.given.iter().chain(settings.env.keys()).any(client)
        };
        !self.project.roles.providers.is_empty() || self.home_of("auth").is_some_and(given)
    }

    /// Where callers from outside come from, by the ways that are open.
    fn outside(&self) -> Vec<Peer> {
        let expose = &self.project.expose;
        let mut peers = Vec::new();
        if self.exposed_by(Way::LoadBalancer) || self.exposed_by(Way::NodePort) {
            // source ranges are held by the load balancer: behind it pods may see a node's address instead of the caller's
            peers.push(Peer::Addresses(Vec::new()));
        }
        if self.exposed_by(Way::Ingress) || self.exposed_by(Way::GatewayApi) {
            peers.push(Peer::Namespace(expose.ingress_namespace.clone(), Vec::new()));
        }
        peers
    }
}

impl Component {
    pub(crate) fn new(name: &str, kind: Kind, namespace: &str, controller: Controller, size: Size) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            namespace: namespace.to_owned(),
            controller,
            replicas: 1,
            scaling: None,
            size,
            ports: Vec::new(),
            volume: None,
        }
    }

    pub(crate) fn listening(mut self, ports: &[(&'static str, u16)]) -> Self {
        self.ports = ports.to_vec();
        self
    }

    pub(crate) fn keeping(mut self, volume: Option<&String>) -> Self {
        self.volume = volume.cloned();
        self
    }

    /// The roles in its pods.
    #[must_use]
    pub fn roles(&self) -> &[&'static Role] {
        if let Kind::Roles(roles) = &self.kind { roles } else { &[] }
    }

    /// Whether one of its roles logs in to PostgreSQL.
    #[must_use]
    pub fn needs_database(&self) -> bool {
        self.roles().iter().any(|role| role.database)
    }

    /// The number of a named port.
    #[must_use]
    pub fn port(&self, name: &str) -> u16 {
        self.ports.iter().find(|(port, _)| *port == name).map_or(0, |(_, number)| *number)
    }

    /// Most pods that may run at once, without the extra ones of an update.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.scaling.as_ref().map_or(self.replicas, |scaling| scaling.max.max(self.replicas))
    }

    /// Whether its pods run all the time (and not, as those of Jobs, until they are done).
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self.controller, Controller::Job | Controller::CronJob)
    }

    /// The part of the system that it belongs to, as label value and folder.
    #[must_use]
    pub fn part(&self) -> &'static str {
        match self.kind {
            Kind::Roles(_) => "api",
            Kind::Service => "service",
            Kind::Job => "job",
            Kind::Database | Kind::Init => "database",
            Kind::Backup => "backup",
            Kind::Monitoring => "monitoring",
            Kind::Logging => "logging",
        }
    }
}
