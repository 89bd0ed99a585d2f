//! What rules, panels and configurations depend on.

/// A system as far as watching it is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Name of the project: the value of the label `app.kubernetes.io/part-of`.
    pub project: String,
    /// Namespace of the project.
    pub namespace: String,
    /// What runs, in any order; sorted by name where the order shows.
    pub components: Vec<Component>,
    /// The database, when its exporter may be scraped.
    pub postgres: Option<Postgres>,
    /// kube-state-metrics is scraped: states of pods, Deployments, Jobs, quotas.
    pub kube_state_metrics: bool,
    /// Nodes are scraped (kubelet and cAdvisor): containers' CPU and memory, fill of volumes. Needs cluster-wide
    /// rights.
    pub cadvisor: bool,
    /// The Prometheus that reads the rules evaluates kubernetes-mixin already, as kube-prometheus-stack does. Its
    /// alerts, recordings, `Watchdog` and `InfoInhibitor` are then left out: a second copy would tell everything twice.
    pub kubernetes_mixin: bool,
    /// cert-manager's own metrics are scraped. Without them nothing here knows when a certificate ends.
    pub cert_manager_metrics: bool,
    /// Loki is a data source of Grafana.
    pub loki: bool,
    /// Backups are made by a CronJob.
    pub backup: Option<Backup>,
    /// Beginning of the names of Jobs that prepare the database (`db-init`): their failure is critical.
    pub init_job: Option<String>,
}

/// Pods that share the label `app.kubernetes.io/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// Name: the label `role` of its series.
    pub name: String,
    /// Mainstay roles that run in it (`gateway`, `auth`, `data`, `portal`); none for anything else.
    pub roles: Vec<String>,
    /// Where its metrics are; `None` when it has none.
    pub scrape: Option<Scrape>,
    /// A HorizontalPodAutoscaler scales it.
    pub autoscaled: bool,
    /// Memory limit of its main container, in bytes.
    pub memory_limit: Option<u64>,
}

/// Where metrics are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrape {
    /// Name of the container port.
    pub port: String,
    /// Path on it.
    pub path: String,
}

/// A database server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Postgres {
    /// Name of its Service.
    pub service: String,
    /// Major version. From 17 on checkpoints are counted in another view, with other names.
    pub major: u32,
    /// Component name of the exporter (`postgres-exporter`); `None` when it does not run.
    pub exporter: Option<String>,
    /// It is a StatefulSet of the namespace, not an operator's or somebody else's server.
    pub in_namespace: bool,
}

/// A backup CronJob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Name of the CronJob.
    pub cron_job: String,
    /// Age in hours from which the newest backup is too old: the schedule's period and some hours to run.
    pub max_age_hours: u32,
}

// === impl Facts ===

impl Facts {
    /// A system of which nothing is known yet: no components, no cluster metrics.
    #[must_use]
    pub fn new(project: &str, namespace: &str) -> Self {
        Self {
            project: project.to_owned(),
            namespace: namespace.to_owned(),
            components: Vec::new(),
            postgres: None,
            kube_state_metrics: false,
            cadvisor: false,
            kubernetes_mixin: false,
            cert_manager_metrics: false,
            loki: false,
            backup: None,
            init_job: None,
        }
    }

    /// Components sorted by name.
    pub(crate) fn sorted(&self) -> Vec<&Component> {
        let mut components: Vec<&Component> = self.components.iter().collect();
        components.sort_by(|a, b| a.name.cmp(&b.name));
        components
    }

    /// Components that run Mainstay's binary, sorted by name.
    pub(crate) fn mainstay(&self) -> Vec<&Component> {
        self.sorted().into_iter().filter(|component| !component.roles.is_empty()).collect()
    }

    /// Whether any component runs the role.
    pub(crate) fn runs(&self, role: &str) -> bool {
        self.components.iter().any(|component| component.roles.iter().any(|r| r == role))
    }

    /// Whether some role answers through the gateway from another process, so that the gateway measures its calls.
    pub(crate) fn has_remote_roles(&self) -> bool {
        let gateways: Vec<_> = self.components.iter().filter(|c| c.roles.iter().any(|r| r == "gateway")).collect();
        !gateways.is_empty()
            && ["auth", "data", "portal"]
                .iter()
                .any(|role| self.runs(role) && gateways.iter().any(|g| !g.roles.iter().any(|r| r == role)))
    }

    /// Whether a connection pool exists anywhere.
    pub(crate) fn has_pool(&self) -> bool {
        self.runs("auth") || self.runs("data")
    }

    /// Component name of the database exporter, when it runs.
    pub(crate) fn exporter(&self) -> Option<&str> {
        self.postgres.as_ref().and_then(|postgres| postgres.exporter.as_deref())
    }
}

// === impl Component ===

impl Component {
    /// A component of Mainstay roles, scraped on its container port `metrics`.
    #[must_use]
    pub fn roles(name: &str, roles: &[&str]) -> Self {
        Self {
            name: name.to_owned(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            scrape: Some(Scrape::metrics()),
            autoscaled: false,
            memory_limit: None,
        }
    }

    /// Any other component.
    #[must_use]
    pub fn other(name: &str, scrape: Option<Scrape>) -> Self {
        Self { name: name.to_owned(), roles: Vec::new(), scrape, autoscaled: false, memory_limit: None }
    }
}

// === impl Scrape ===

impl Scrape {
    /// Port `metrics`, path `/metrics`: Mainstay's admin listener and most exporters.
    #[must_use]
    pub fn metrics() -> Self {
        Self { port: "metrics".to_owned(), path: "/metrics".to_owned() }
    }
}
