//! What is in the picture, before anything has a place.

use super::super::summary::kind;
use crate::tables::Peer;
use crate::{Component, Controller, DatabaseKind, Kind, System, TlsMode, Way};

/// Everything that is drawn.
pub(super) struct Scene {
    pub(super) title: String,
    pub(super) subtitle: String,
    pub(super) namespace: String,
    pub(super) outside: Card,
    pub(super) ways: Vec<Card>,
    pub(super) gateway: Card,
    /// Roles and services behind the gateway.
    pub(super) apps: Vec<Card>,
    /// What runs until it is done.
    pub(super) jobs: Vec<Card>,
    pub(super) database: Option<Card>,
    /// The database is no part of the namespace.
    pub(super) database_outside: bool,
    /// Size of the database's volume.
    pub(super) volume: Option<String>,
    pub(super) groups: Vec<Group>,
    pub(super) configs: Vec<String>,
    pub(super) secrets: Vec<String>,
    /// Network policies hold the connections to those that are drawn.
    pub(super) guarded: bool,
}

/// A box.
#[derive(Clone, Default)]
pub(super) struct Card {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) lines: Vec<String>,
    pub(super) tone: Tone,
    /// More than one pod.
    pub(super) many: bool,
    /// A network policy selects its pods.
    pub(super) guarded: bool,
    /// Port on which the gateway calls it.
    pub(super) called: Option<String>,
    /// It logs in to PostgreSQL.
    pub(super) sql: bool,
}

/// What a box stands for; its colour.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Tone {
    #[default]
    Outside,
    Way,
    Gateway,
    Role,
    Service,
    Database,
    Job,
    Monitoring,
    Logging,
}

/// Boxes that belong together, beside the path of requests.
pub(super) struct Group {
    pub(super) title: String,
    pub(super) about: String,
    pub(super) cards: Vec<Card>,
    /// It reads the metrics of the roles, on this port.
    pub(super) scrapes: Option<String>,
    /// It is in another namespace.
    pub(super) away: bool,
}

impl Scene {
    pub(super) fn of(system: &System) -> Self {
        let fallback = Card { name: "gateway".to_owned(), tone: Tone::Gateway, ..Card::default() };
        let home = system.home_of("gateway");
        let is_gateway = |c: &Component| home.is_some_and(|gateway| gateway.name == c.name);
        let cards = |wanted: &dyn Fn(&Component) -> bool| -> Vec<Card> {
            system.components.iter().filter(|c| wanted(c)).map(|c| card(system, c)).collect()
        };
        let configs = crate::objects(system)
            .into_iter()
            .filter(|object| object.kind() == "ConfigMap")
            .map(|object| object.name().to_owned())
            .collect();
        let secrets = crate::secrets(system).into_iter().filter(|s| !s.keys.is_empty()).map(|spec| spec.name).collect();
        let external = system.project.database.kind == DatabaseKind::External;
        let uses_database = system.components.iter().any(|c| c.kind == Kind::Init);
        let database = cards(&|c| c.kind == Kind::Database).into_iter().next();
        Self {
            title: system.project.name.clone(),
            subtitle: format!(
                "{} on Kubernetes {} or newer, Mainstay {}",
                system.image, system.project.kubernetes.version, system.project.version
            ),
            namespace: system.namespace.clone(),
            outside: outside(system),
            ways: ways(system),
            gateway: home.map_or(fallback, |gateway| card(system, gateway)),
            apps: cards(&|c| is_app(c) && !is_gateway(c)),
            jobs: cards(&|c| !c.is_lasting()),
            volume: system.components.iter().find(|c| c.kind == Kind::Database).and_then(|c| c.volume.clone()),
            database: database.or_else(|| (external && uses_database).then(|| foreign_database(system))),
            database_outside: external,
            groups: groups(system, cards),
            configs,
            secrets,
            guarded: system.project.kubernetes.network_policies,
        }
    }
}

fn outside(system: &System) -> Card {
    Card {
        name: "Browsers and apps".to_owned(),
        kind: "outside the cluster".to_owned(),
        lines: system.project.roles.public_url.clone().or_else(|| system.public_url()).into_iter().collect(),
        ..Card::default()
    }
}

fn ways(system: &System) -> Vec<Card> {
    let expose = &system.project.expose;
    let host = expose.host.clone().unwrap_or_default();
    let way = |name: &str, lines: Vec<String>| Card {
        name: name.to_owned(),
        kind: match name {
            "Ingress" if system.project.tls.mode != TlsMode::Off => "TLS ends here",
            "HTTPRoute" => "TLS ends at its Gateway",
            "LoadBalancer" | "NodePort" if system.tls_at_gateway() => "TLS, ends at the gateway",
            _ => "HTTP",
        }
        .to_owned(),
        lines,
        tone: Tone::Way,
        ..Card::default()
    };
    let mut all: Vec<Card> = expose
        .via
        .iter()
        .map(|kind| match kind {
            Way::LoadBalancer => {
                let port = if system.tls_at_gateway() && expose.port == 80 { 443 } else { expose.port };
                let mut lines = vec![format!("port {port}")];
                lines.extend(expose.source_ranges.iter().map(|range| format!("from {range}")));
                way("LoadBalancer", lines)
            }
            Way::NodePort => way(
                "NodePort",
                vec![match expose.node_port {
                    0 => "a port of every node".to_owned(),
                    port => format!("port {port} of every node"),
                }],
            ),
            Way::Ingress => {
                let class = expose.ingress_class.as_ref().map(|class| format!("class {class}"));
                way("Ingress", std::iter::once(host.clone()).chain(class).collect())
            }
            Way::GatewayApi => way("HTTPRoute", vec![host.clone(), format!("Gateway {}", expose.gateway)]),
        })
        .collect();
    if all.is_empty() {
        let mut card = way("Port-forward", vec!["mainstay open".to_owned()]);
        card.kind = "nothing is exposed".to_owned();
        all.push(card);
    }
    all
}

fn foreign_database(system: &System) -> Card {
    Card {
        name: "PostgreSQL".to_owned(),
        kind: "outside the namespace".to_owned(),
        lines: vec![format!("{}:{}", system.database_host(), system.database_port())],
        tone: Tone::Database,
        ..Card::default()
    }
}

fn card(system: &System, component: &Component) -> Card {
    let gateway = system.home_of("gateway").map(|gateway| Peer::Component(gateway.name.clone()));
    let me = Peer::Component(component.name.clone());
    let called = system.edges.iter().find(|edge| Some(&edge.from) == gateway.as_ref() && edge.to == me);
    Card {
        name: component.name.clone(),
        kind: kind(component.controller).to_owned(),
        lines: lines(system, component),
        tone: tone(system, component),
        many: component.replicas > 1 || component.most() > 1 || component.controller == Controller::DaemonSet,
        guarded: system.project.kubernetes.network_policies,
        called: called.and_then(|edge| edge.ports.first()).map(|(port, _)| format!(":{port}")),
        sql: sql(system, component),
    }
}

fn tone(system: &System, component: &Component) -> Tone {
    match component.kind {
        Kind::Roles(_) if system.home_of("gateway").is_some_and(|g| g.name == component.name) => Tone::Gateway,
        Kind::Roles(_) => Tone::Role,
        Kind::Service => Tone::Service,
        Kind::Database => Tone::Database,
        Kind::Job | Kind::Init | Kind::Backup => Tone::Job,
        Kind::Monitoring => Tone::Monitoring,
        Kind::Logging => Tone::Logging,
    }
}

fn sql(system: &System, component: &Component) -> bool {
    let project = &system.project;
    match component.kind {
        Kind::Roles(_) => component.needs_database(),
        Kind::Service => project.services.get(&component.name).is_some_and(|service| service.database),
        Kind::Job => project.jobs.get(&component.name).is_some_and(|job| job.database),
        Kind::Init => true,
        Kind::Backup => component.name == "backup",
        Kind::Database | Kind::Monitoring | Kind::Logging => false,
    }
}

fn lines(system: &System, component: &Component) -> Vec<String> {
    let mut lines = vec![pods(system, component)];
    if let Some(scaling) = &component.scaling {
        let targets = [("CPU", scaling.cpu), ("memory", scaling.memory)];
        let targets: Vec<_> = targets.iter().filter_map(|(name, t)| t.map(|t| format!("{name} {t} %"))).collect();
        lines.push(format!("HPA {}", targets.join(", ")));
    }
    let roles: Vec<_> = component.roles().iter().map(|role| role.name).collect();
    if !roles.is_empty() && roles != [component.name.as_str()] {
        lines.extend(wrap("roles ", &roles));
    }
    if !component.roles().is_empty() {
        lines.extend(system.services_of(component).iter().map(|(name, port)| format!("Service {name}:{port}")));
    }
    if component.kind == Kind::Database {
        lines.push(format!("Service {}:{}", system.database_host(), system.database_port()));
    } else if !component.ports.is_empty() {
        let ports: Vec<_> = component.ports.iter().map(|(name, port)| format!("{name} {port}")).collect();
        lines.push(ports.join(", "));
    }
    let size = component.size;
    let cpu_limit = if system.project.kubernetes.cpu_limits {
        format!(" to {}", size.cpu_limit.cpu_milli())
    } else {
        String::new()
    };
    lines.push(format!("CPU {}{cpu_limit}", size.cpu.cpu_milli()));
    lines.push(format!("memory {} to {}", size.memory.memory_mebi(), size.memory_limit.memory_mebi()));
    if let Some(volume) = component.volume.as_ref().filter(|_| component.kind != Kind::Database) {
        lines.push(format!("volume {volume}"));
    }
    lines.extend(reads(system, component));
    lines
}

/// Names separated by commas, broken where the narrower picture would cut them.
fn wrap(start: &str, names: &[&str]) -> Vec<String> {
    let mut lines = vec![start.to_owned()];
    for (index, name) in names.iter().enumerate() {
        let text = if index + 1 < names.len() { format!("{name}, ") } else { (*name).to_owned() };
        match lines.last_mut() {
            Some(line) if line.trim_end().len() + text.trim_end().len() < 25 => line.push_str(&text),
            _ => lines.push(text),
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

fn pods(system: &System, component: &Component) -> String {
    match component.controller {
        Controller::Job => "once for each version".to_owned(),
        Controller::CronJob => {
            let schedule = match component.name.as_str() {
                "backup" => Some(&system.project.backup.schedule),
                "backup-verify" => Some(&system.project.backup.verify_schedule),
                name => system.project.jobs.get(name).and_then(|job| job.schedule.as_ref()),
            };
            format!("at {}", schedule.map_or("set times", String::as_str))
        }
        Controller::DaemonSet => "1 pod on each node".to_owned(),
        _ if component.scaling.is_some() => {
            let least = component.scaling.as_ref().map_or(1, |s| s.min);
            format!("{least} to {} pods", component.most())
        }
        _ if component.replicas == 1 => "1 pod".to_owned(),
        _ => format!("{} pods", component.replicas),
    }
}

fn is_app(component: &Component) -> bool {
    matches!(component.kind, Kind::Roles(_) | Kind::Service)
}

/// What watches has no arrows of its own: whom it connects to stands in its box.
fn reads(system: &System, component: &Component) -> Vec<String> {
    if !matches!(component.kind, Kind::Monitoring | Kind::Logging) {
        return Vec::new();
    }
    let me = Peer::Component(component.name.clone());
    let mut lines = Vec::new();
    for edge in system.edges.iter().filter(|edge| edge.from == me) {
        match (&edge.to, edge.ports.first()) {
            // roles and services are left out: the group's arrow stands for them
            (Peer::Component(name), Some((port, _))) if !system.component(name).is_some_and(is_app) => {
                lines.push(format!("→ {name}:{port}"));
            }
            (Peer::Addresses(_), _) if edge.ports.iter().any(|(port, _)| *port == 6443) => {
                lines.push("→ API server".to_owned())
            }
            (Peer::Addresses(_), Some(_)) if component.name == "alertmanager" => {
                lines.push("→ receivers outside".to_owned())
            }
            _ => {}
        }
    }
    lines
}

fn groups(system: &System, cards: impl Fn(&dyn Fn(&Component) -> bool) -> Vec<Card>) -> Vec<Group> {
    let admin = format!(":{}", system.project.roles.admin_port);
    let monitoring = &system.project.monitoring;
    let mut all = Vec::new();
    if monitoring.operator {
        all.push(Group {
            title: format!("Namespace {}", monitoring.operator_namespace),
            about: "there already".to_owned(),
            cards: vec![Card {
                name: "Prometheus Operator".to_owned(),
                kind: "outside the namespace".to_owned(),
                lines: vec!["finds ServiceMonitors".to_owned()],
                tone: Tone::Monitoring,
                ..Card::default()
            }],
            scrapes: Some(admin.clone()),
            away: true,
        });
    }
    let watching = cards(&|c| c.kind == Kind::Monitoring);
    if !watching.is_empty() {
        let about = format!("every {}", monitoring_interval(system));
        let scrapes = monitoring.bundled.then_some(admin);
        all.push(Group { title: "Monitoring".to_owned(), about, cards: watching, scrapes, away: false });
    }
    let here = cards(&|c| c.kind == Kind::Logging && c.namespace == system.namespace);
    if !here.is_empty() {
        let about = format!("kept {} hours", system.project.logging.retention_hours);
        all.push(Group { title: "Logs".to_owned(), about, cards: here, scrapes: None, away: false });
    }
    let away = cards(&|c| c.kind == Kind::Logging && c.namespace != system.namespace);
    if !away.is_empty() {
        let title = format!("Namespace {}-logging", system.namespace);
        all.push(Group {
            title,
            about: "reads the nodes' log files".to_owned(),
            cards: away,
            scrapes: None,
            away: true,
        });
    }
    all
}

fn monitoring_interval(system: &System) -> String {
    let seconds = system.project.monitoring.scrape_interval;
    format!("{} s", seconds.0.as_secs())
}
