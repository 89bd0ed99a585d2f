//! What this crate renders, against the edge table that it was planned with.

use crate::cast::Protocol;
use crate::projects;
use crate::proof::prove;
use crate::proof::{End, ExpectedEdge};
use crate::systems::prove_for_real;
use mainstay_deploy::tables::{Edge, Peer};
use mainstay_deploy::{
    Backup, Controller, DatabaseKind, Job, LoggingStack, Project, Service, System, Way, Workload, objects,
};
use serde_json::{Value, json};

impl From<&Peer> for End {
    fn from(peer: &Peer) -> Self {
        match peer {
            Peer::Component(name) if name.is_empty() => Self::Everything,
            Peer::Component(name) => Self::Component(name.clone()),
            Peer::Namespace(name, labels) => Self::Namespace(name.clone(), labels.clone()),
            Peer::Addresses(blocks) => Self::Addresses(blocks.clone()),
        }
    }
}

impl From<&Edge> for ExpectedEdge {
    fn from(edge: &Edge) -> Self {
        let protocol = |name: &str| if name == "UDP" { Protocol::Udp } else { Protocol::Tcp };
        let ports = edge.ports.iter().map(|(port, name)| (*port, protocol(name))).collect();
        Self { from: (&edge.from).into(), to: (&edge.to).into(), ports }
    }
}

/// The table of a system, and what an operator's pods need among themselves.
pub(crate) fn edges_of(system: &System) -> Vec<ExpectedEdge> {
    let mut edges: Vec<ExpectedEdge> = system.edges.iter().map(ExpectedEdge::from).collect();
    for operated in system.components.iter().filter(|component| component.controller == Controller::Operator) {
        let me = || End::component(&operated.name);
        let operator = || End::Namespace("cnpg-system".to_owned(), Vec::new());
        let api_server = || End::Addresses(system.project.kubernetes.api_server.clone());
        for port in [5432, 8000] {
            edges.push(ExpectedEdge::tcp(me(), me(), port));
            edges.push(ExpectedEdge::tcp(operator(), me(), port));
        }
        edges.extend([443, 6443].map(|port| ExpectedEdge::tcp(me(), api_server(), port)));
    }
    edges
}

fn rendered(project: Project) -> (Vec<Value>, Vec<ExpectedEdge>) {
    let system = System::plan(project).unwrap();
    let objects = objects(&system).into_iter().map(|object| object.value).collect();
    (objects, edges_of(&system))
}

fn project(change: impl FnOnce(&mut Project)) -> Project {
    let mut project = Project { name: "shop".to_owned(), version: "0.1.0".to_owned(), ..Project::default() };
    change(&mut project);
    project
}

/// Everything that has edges, at once.
fn full(project: &mut Project) {
    project.kubernetes.roles = ["gateway", "auth", "data", "storage", "models", "portal"].map(str::to_owned).to_vec();
    project.kubernetes.dns_servers = vec!["169.254.20.10/32".to_owned()];
    project.kubernetes.api_server = vec!["10.0.0.1/32".to_owned()];
    project.kubernetes.provider_ranges = vec!["203.0.113.0/24".to_owned()];
    project.roles.providers = vec!["google".to_owned()];
    project.workloads.insert(
        "auth-data".to_owned(),
        Workload { roles: vec!["auth".to_owned(), "data".to_owned()], ..Workload::default() },
    );
    project.expose.via = vec![Way::Ingress];
    project.expose.host = Some("shop.example.com".to_owned());
    project.monitoring.bundled = true;
    project.monitoring.postgres_exporter = true;
    project.monitoring.kube_state_metrics = true;
    project.alerts.webhook = serde_json::from_value(json!({"port": 8443})).unwrap();
    project.logging.stack = LoggingStack::Loki;
    project.backup = Backup { enabled: true, ..Backup::default() };
    let image = || "registry.example.com/x:1".to_owned();
    let metrics_path = Some("/metrics".to_owned());
    project.services.insert(
        "mailer".to_owned(),
        Service {
            image: image(),
            database: true,
            metrics_path,
            egress: vec!["198.51.100.7/32".to_owned()],
            ..Service::default()
        },
    );
    project.services.insert("plain".to_owned(), Service { image: image(), ..Service::default() });
    project
        .jobs
        .insert("import".to_owned(), Job { database: true, command: vec!["import".to_owned()], ..Job::default() });
}

/// A test for each project folder: on paper, then between network namespaces.
macro_rules! projects {
    ($($test:ident = $folder:literal),* $(,)?) => {
        $(
            #[test]
            fn $test() {
                let (objects, edges) = rendered(projects::read($folder));
                prove_for_real(concat!("rendered::", stringify!($test)), &objects, &edges);
            }
        )*

        #[test]
        fn no_project_is_left_out() {
            assert_eq!(projects::all(), [$($folder.to_owned()),*].into());
        }
    };
}

projects! {
    budget_app_holds = "systems/budget-app",
    fixture_budget_app_holds = "fixtures/budget-app",
    fixture_image_portal_holds = "fixtures/image-portal",
    fixture_rest_api_holds = "fixtures/rest-api",
    fixture_task_management_holds = "fixtures/task-management",
    fixture_xray_api_holds = "fixtures/xray-api",
}

#[test]
fn what_a_service_may_call_outside_is_an_edge() {
    let system = System::plan(project(full)).unwrap();
    let outside = Peer::Addresses(vec!["198.51.100.7/32".to_owned()]);
    let calls = |edge: &Edge| edge.from == Peer::Component("mailer".to_owned()) && edge.to == outside;
    assert!(system.edges.iter().any(calls), "[services.mailer] egress has no edge");
}

#[test]
fn a_plain_project_opens_its_edges_and_nothing_else() {
    let (objects, edges) = rendered(project(|_| {}));
    prove(&objects, &edges);
}

#[test]
fn everything_at_once_opens_its_edges_and_nothing_else() {
    let (objects, edges) = rendered(project(full));
    prove(&objects, &edges);
}

#[test]
fn everything_at_once_holds_between_network_namespaces() {
    let (objects, edges) = rendered(project(full));
    prove_for_real("rendered::everything_at_once_holds_between_network_namespaces", &objects, &edges);
}

#[test]
fn every_way_in_opens_the_gateway_only() {
    for way in [Way::Ingress, Way::GatewayApi, Way::NodePort, Way::LoadBalancer] {
        let (objects, edges) = rendered(project(|project| {
            project.expose.via = vec![way];
            project.expose.host = Some("shop.example.com".to_owned());
        }));
        prove(&objects, &edges);
    }
}

#[test]
fn an_operated_database_opens_its_edges_and_nothing_else() {
    let (objects, edges) = rendered(project(|project| project.database.kind = DatabaseKind::CloudNativePg));
    prove(&objects, &edges);
}

#[test]
fn an_external_database_is_reached_at_its_addresses_only() {
    let (objects, edges) = rendered(project(|project| {
        project.database.kind = DatabaseKind::External;
        project.database.host = Some("db.example.com".to_owned());
        project.database.ranges = vec!["192.168.77.0/28".to_owned()];
    }));
    prove(&objects, &edges);
}

#[test]
fn logs_cross_namespaces_on_their_edges_only() {
    let (objects, edges) = rendered(project(|project| project.logging.stack = LoggingStack::Efk));
    prove(&objects, &edges);
}

#[test]
fn an_operators_prometheus_reaches_the_metrics_only() {
    let (objects, edges) = rendered(project(|project| {
        full(project);
        project.monitoring.bundled = false;
        project.monitoring.operator = true;
    }));
    prove(&objects, &edges);
}
