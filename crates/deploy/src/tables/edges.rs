//! Who may connect to whom: the one table that network policies, their tests and the picture are made from.

/// One end of an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whoever comes in from outside, by the ways of `[expose]`.
    Outside,
    /// A role, in whichever workload it runs.
    Role(&'static str),
    /// Every workload that runs a role with a login to PostgreSQL.
    DatabaseRoles,
    /// Every workload of roles.
    AllRoles,
    /// Each of the user's own services.
    Services,
    /// The user's services and jobs that want the database.
    DatabaseServices,
    /// The user's services that have metrics.
    MeteredServices,
    /// A component by name: `postgres`, `prometheus`.
    Component(&'static str),
    /// The Prometheus of an operator, in its own namespace.
    OperatorPrometheus,
    /// The cluster's DNS.
    Dns,
    /// The API server.
    ApiServer,
    /// Sign-in providers outside.
    Providers,
    /// Where alerts are sent.
    AlertReceivers,
    /// Everything that runs in the namespace.
    Everything,
}

/// A row: what may connect to what on which port, and why.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Who connects.
    pub from: Side,
    /// To whom.
    pub to: Side,
    /// Name of the container port.
    pub port: &'static str,
    /// Why.
    pub why: &'static str,
}

/// An edge of a system, both ends resolved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// Who connects.
    pub from: Peer,
    /// To whom.
    pub to: Peer,
    /// Ports and protocols.
    pub ports: Vec<(u16, &'static str)>,
    /// Name of the port at the target, when the target is a component.
    pub port_name: String,
    /// Why.
    pub why: &'static str,
}

/// An end of a resolved edge.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// A component of the system, by name.
    Component(String),
    /// Pods of another namespace; with these labels, or all of them.
    Namespace(String, Vec<(String, String)>),
    /// Addresses; empty means any.
    Addresses(Vec<String>),
}

/// The table.
pub const EDGES: &[Rule] = &[
    Rule { from: Side::Everything, to: Side::Dns, port: "dns", why: "names are looked up in the cluster's DNS" },
    Rule { from: Side::Outside, to: Side::Role("gateway"), port: "http", why: "the gateway is the only public entry" },
    Rule { from: Side::Role("gateway"), to: Side::Role("auth"), port: "http", why: "the gateway routes /auth/v1" },
    Rule { from: Side::Role("gateway"), to: Side::Role("data"), port: "http", why: "the gateway routes /rest/v1" },
    Rule {
        from: Side::Role("gateway"),
        to: Side::Role("storage"),
        port: "http",
        why: "the gateway routes /storage/v1",
    },
    Rule {
        from: Side::Role("gateway"),
        to: Side::Role("models"),
        port: "http",
        why: "only the gateway reaches the models",
    },
    Rule {
        from: Side::Role("gateway"),
        to: Side::Role("portal"),
        port: "http",
        why: "the gateway serves the web folder",
    },
    Rule {
        from: Side::Role("gateway"),
        to: Side::Services,
        port: "http",
        why: "the gateway routes /functions/v1/<name>",
    },
    Rule {
        from: Side::DatabaseRoles,
        to: Side::Component("postgres"),
        port: "postgres",
        why: "the role logs in to PostgreSQL",
    },
    Rule {
        from: Side::DatabaseServices,
        to: Side::Component("postgres"),
        port: "postgres",
        why: "the service asked for the database",
    },
    Rule {
        from: Side::Component("db-init"),
        to: Side::Component("postgres"),
        port: "postgres",
        why: "the Job prepares the database",
    },
    Rule {
        from: Side::Component("backup"),
        to: Side::Component("postgres"),
        port: "postgres",
        why: "dumps are made over the network",
    },
    Rule {
        from: Side::Component("postgres-exporter"),
        to: Side::Component("postgres"),
        port: "postgres",
        why: "the exporter reads the server's statistics",
    },
    Rule {
        from: Side::Role("auth"),
        to: Side::Providers,
        port: "https",
        why: "sign-in with a provider asks the provider",
    },
    Rule { from: Side::Component("prometheus"), to: Side::AllRoles, port: "metrics", why: "metrics are scraped" },
    Rule {
        from: Side::Component("prometheus"),
        to: Side::MeteredServices,
        port: "http",
        why: "the service's metrics are scraped",
    },
    Rule {
        from: Side::OperatorPrometheus,
        to: Side::AllRoles,
        port: "metrics",
        why: "the operator's Prometheus scrapes metrics",
    },
    Rule {
        from: Side::OperatorPrometheus,
        to: Side::MeteredServices,
        port: "http",
        why: "the operator's Prometheus scrapes the service",
    },
    Rule {
        from: Side::Component("prometheus"),
        to: Side::Component("postgres-exporter"),
        port: "metrics",
        why: "metrics are scraped",
    },
    Rule {
        from: Side::OperatorPrometheus,
        to: Side::Component("postgres-exporter"),
        port: "metrics",
        why: "the operator's Prometheus scrapes metrics",
    },
    Rule {
        from: Side::OperatorPrometheus,
        to: Side::Component("postgres"),
        port: "metrics",
        why: "the operator's Prometheus scrapes the servers of CloudNativePG",
    },
    Rule {
        from: Side::Component("prometheus"),
        to: Side::Component("kube-state-metrics"),
        port: "metrics",
        why: "metrics are scraped",
    },
    Rule {
        from: Side::Component("prometheus"),
        to: Side::Component("alertmanager"),
        port: "http",
        why: "alerts are handed over",
    },
    Rule {
        from: Side::Component("prometheus"),
        to: Side::ApiServer,
        port: "https",
        why: "scrape targets are discovered",
    },
    Rule {
        from: Side::Component("kube-state-metrics"),
        to: Side::ApiServer,
        port: "https",
        why: "it reads the state of objects",
    },
    Rule { from: Side::Component("alertmanager"), to: Side::AlertReceivers, port: "https", why: "alerts are sent out" },
    Rule {
        from: Side::Component("grafana"),
        to: Side::Component("prometheus"),
        port: "http",
        why: "dashboards ask Prometheus",
    },
    Rule {
        from: Side::Component("grafana"),
        to: Side::Component("alertmanager"),
        port: "http",
        why: "alerts are shown",
    },
    Rule { from: Side::Component("grafana"), to: Side::Component("loki"), port: "http", why: "dashboards ask Loki" },
    Rule { from: Side::Component("alloy"), to: Side::Component("loki"), port: "http", why: "log lines are stored" },
    Rule {
        from: Side::Component("alloy"),
        to: Side::ApiServer,
        port: "https",
        why: "log lines are read through the API",
    },
    Rule {
        from: Side::Component("fluent-bit"),
        to: Side::ApiServer,
        port: "https",
        why: "it asks for the labels of pods",
    },
    Rule {
        from: Side::Component("kibana"),
        to: Side::Component("elasticsearch"),
        port: "http",
        why: "searches ask Elasticsearch",
    },
    Rule {
        from: Side::Component("fluent-bit"),
        to: Side::Component("elasticsearch"),
        port: "http",
        why: "log lines are stored",
    },
];
