//! The Deployments of roles and their Services.

use super::common::{annotate, hash, map};
use super::configuration::{PROJECT_FILE, for_pods};
use super::pod::{
    OWN_UID, Pod, config_hash, config_volume, container, env, get, mount, mount_file, ports, scratch, secret_volume,
    sleep_before_stop,
};
use crate::settings::Way;
use crate::system::{Component, System};
use crate::tables::size_of;
use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::api::core::v1::{
    ConfigMapEnvSource, Container, EnvFromSource, PodTemplateSpec, Probe, Service, ServicePort, ServiceSpec,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase, keys};

/// Seconds between "no more requests, please" and SIGTERM.
const PRE_STOP: i64 = 5;

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    for component in system.workloads() {
        all.push(deployment(system, component));
        all.extend(services(system, component));
    }
    all
}

fn deployment(system: &System, component: &Component) -> Object {
    let template = template(system, component);
    let names: Vec<_> = component.roles().iter().map(|role| role.name).collect();
    let about: Vec<_> = component.roles().iter().map(|role| format!("{}: {}", role.name, role.about)).collect();
    let (typed, scaled) = rolling(system, component, template);
    let object = Object::new(
        Phase::Application,
        format!("{}/deployment.yaml", system.folder(component)),
        format!("{} runs the role{} {}.", component.name, if names.len() == 1 { "" } else { "s" }, about.join("; ")),
        &typed,
    )
    .note("/spec/strategy/rollingUpdate/maxUnavailable", "No pod goes before its successor is ready.");
    if scaled { object.note("/spec/selector", "No `replicas` here: the autoscaler decides.") } else { object }
}

/// A Deployment that is updated without a gap. Says whether an autoscaler decides its size.
pub(super) fn rolling(system: &System, component: &Component, template: PodTemplateSpec) -> (Deployment, bool) {
    let mut meta = system.meta_of(&component.name, component);
    let scaled = component.scaling.is_some();
    if scaled {
        annotate(&mut meta, keys::INITIAL_REPLICAS, &component.replicas.to_string());
    }
    // two pods cannot write to one volume: the old one goes first
    let exclusive = component.volume.is_some();
    let strategy = if exclusive {
        DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None }
    } else {
        DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(RollingUpdateDeployment {
                max_unavailable: Some(IntOrString::Int(0)),
                max_surge: Some(IntOrString::String("25%".to_owned())),
            }),
        }
    };
    let typed = Deployment {
        metadata: meta,
        spec: Some(DeploymentSpec {
            replicas: (!scaled).then(|| i32::try_from(component.replicas).unwrap_or(i32::MAX)),
            min_ready_seconds: Some(5),
            progress_deadline_seconds: Some(600),
            revision_history_limit: Some(5),
            selector: system.pod_selector(component),
            strategy: Some(strategy),
            template,
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    };
    (typed, scaled)
}

fn template(system: &System, component: &Component) -> PodTemplateSpec {
    let names: Vec<_> = component.roles().iter().map(|role| role.name).collect();
    let has_gateway = names.contains(&"gateway");
    let mut main = container(system, &component.name, system.image.clone(), component.size);
    main.args = Some(vec!["serve".to_owned(), "/project".to_owned(), "--roles".to_owned(), names.join(",")]);
    main.ports = Some(ports(component));
    main.env = Some(vec![env("MAINSTAY_SECRETS_DIR", "/run/secrets/mainstay")]);
    main.env_from = Some(sources(system, component));
    main.volume_mounts = Some(mounts());
    let (startup, readiness, liveness) = probes(system, component);
    main.startup_probe = startup;
    main.readiness_probe = Some(readiness);
    main.liveness_probe = Some(liveness);
    main.lifecycle = Some(sleep_before_stop(PRE_STOP));
    let mut pod = Pod::new(system, component, OWN_UID)
        .grace(PRE_STOP + system.project.roles.drain_seconds + 10)
        .annotation(keys::ROLES, &names.join(","))
        .volume(secret_volume("secrets", &system.secret_name(component)))
        .volume(config_volume("project", PROJECT_FILE, &map([])))
        .volume(scratch("tmp", "64Mi"));
    if has_gateway && system.tls_at_gateway() {
        pod = pod.volume(secret_volume("tls", &system.tls_secret()));
        main.volume_mounts.get_or_insert_with(Vec::new).push(mount("tls", "/run/secrets/tls", true));
    }
    if component.needs_database() {
        pod = pod.init(wait(system, component, &names));
    }
    let mut variables = system.variables(component);
    if component.needs_database() {
        // with a ConfigMap of their own they are not among the workload's, and pods read them all the same
        variables.extend(super::configuration::database_variables(system));
    }
    let text = for_pods(&system.project.file);
    let digest = hash(variables.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]).chain([text.as_str()]));
    config_hash(pod.container(main), &digest).template()
}

fn sources(system: &System, component: &Component) -> Vec<EnvFromSource> {
    let from = |name: String| EnvFromSource {
        config_map_ref: Some(ConfigMapEnvSource { name, optional: None }),
        ..EnvFromSource::default()
    };
    let shared = system.project.database.config_name.clone().filter(|_| component.needs_database());
    shared.into_iter().chain([system.config_name(component)]).map(from).collect()
}

fn mounts() -> Vec<k8s_openapi::api::core::v1::VolumeMount> {
    vec![
        mount("secrets", "/run/secrets/mainstay", true),
        mount_file("project", "/project/mainstay.toml", "mainstay.toml"),
        mount("tmp", "/tmp", false),
    ]
}

/// The init container: the roles start once the database answers to their own login.
fn wait(system: &System, component: &Component, names: &[&str]) -> Container {
    let mut wait = container(system, "wait-for-postgres", system.image.clone(), size_of("wait-for-postgres"));
    let roles: Vec<_> =
        component.roles().iter().filter(|r| r.database && names.contains(&r.name)).map(|r| r.name).collect();
    wait.args = Some(
        ["wait", "/project", "--for", "postgres", "--every", "2s", "--timeout", "300s", "--roles", &roles.join(",")]
            .map(str::to_owned)
            .to_vec(),
    );
    wait.env = Some(vec![env("MAINSTAY_SECRETS_DIR", "/run/secrets/mainstay")]);
    wait.env_from = Some(sources(system, component));
    wait.volume_mounts = Some(mounts());
    wait
}

/// Start-up, readiness, liveness. With a delay of its own (as the seeds write it) there is no start-up probe.
fn probes(system: &System, component: &Component) -> (Option<Probe>, Probe, Probe) {
    let settings = system.settings_of(component);
    let path = settings.readiness_path.as_deref().unwrap_or("/readyz");
    let mut readiness = get(path, "metrics", settings.readiness_every.unwrap_or(5), 2);
    let mut liveness = get("/livez", "metrics", settings.liveness_every.unwrap_or(10), 3);
    readiness.initial_delay_seconds = settings.readiness_delay;
    liveness.initial_delay_seconds = settings.liveness_delay;
    (Some(get("/livez", "metrics", 2, 30)), readiness, liveness)
}

fn services(system: &System, component: &Component) -> Vec<Object> {
    let names = system.services_of(component);
    let single = names.len() == 1;
    let is_gateway = component.roles().iter().any(|role| role.name == "gateway");
    names
        .into_iter()
        .map(|(name, port)| {
            let file = if single { "service".to_owned() } else { format!("service-{name}") };
            let mut typed = service(system, component, &name, port);
            let mut why = format!("The address of {name} inside the cluster.");
            if is_gateway {
                why = "The address of the gateway.".to_owned();
                if let Some(spec) = &mut typed.spec {
                    super::exposure::open(system, spec, &mut why);
                }
            }
            Object::new(Phase::Application, format!("{}/{file}.yaml", system.folder(component)), why, &typed)
        })
        .collect()
}

/// A ClusterIP Service on a component's `http` port.
pub(super) fn service(system: &System, component: &Component, name: &str, port: u16) -> Service {
    Service {
        metadata: system.meta_of(name, component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(system.selector(component)),
            ports: Some(vec![http_port(port)]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    }
}

/// A Service port that leads to the container port `http`.
pub(super) fn http_port(port: u16) -> ServicePort {
    ServicePort {
        name: Some("http".to_owned()),
        port: i32::from(port),
        target_port: Some(IntOrString::String("http".to_owned())),
        protocol: Some("TCP".to_owned()),
        app_protocol: Some("http".to_owned()),
        ..ServicePort::default()
    }
}

/// Whether the gateway's own Service is the exposed one: it is when there is only one way in.
pub(super) fn own_service_is_exposed(system: &System, way: Way) -> bool {
    system.project.expose.via == [way]
}
