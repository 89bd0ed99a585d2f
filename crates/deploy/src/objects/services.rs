//! The user's own services.

use super::common::{annotate, hash};
use super::pod::{OTHER_UID, Pod, config_hash, container, get, mount, ports, scratch, sleep_before_stop};
use super::workloads::{rolling, service};
use crate::settings::Service as Settings;
use crate::system::{Component, Kind, System};
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapEnvSource, EnvFromSource, Probe, SecretEnvSource, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase, keys};

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    for component in system.components.iter().filter(|c| c.kind == Kind::Service) {
        let Some(settings) = system.project.services.get(&component.name) else { continue };
        all.extend(one(system, component, settings));
    }
    all
}

fn one(system: &System, component: &Component, settings: &Settings) -> Vec<Object> {
    let folder = system.folder(component);
    let mut all = Vec::new();
    let mut main = container(system, &component.name, settings.image.clone(), component.size);
    main.command = (!settings.command.is_empty()).then(|| settings.command.clone());
    main.ports = Some(ports(component));
    main.env_from =
        environment(&format!("{}-config", component.name), !settings.env.is_empty(), settings.secret_name.as_ref());
    let mut probe = settings.health_path.as_deref().map_or_else(|| tcp("http"), |path| get(path, "http", 5, 3));
    main.readiness_probe = Some(probe.clone());
    // a connection is enough to live: what the health path reports may be the fault of others
    let alive = tcp("http");
    main.liveness_probe = Some(alive);
    probe.period_seconds = Some(2);
    probe.failure_threshold = Some(60);
    main.startup_probe = Some(probe);
    main.lifecycle = Some(sleep_before_stop(5));
    let mut mounts = vec![mount("tmp", "/tmp", false)];
    let mut pod =
        Pod::new(system, component, settings.uid.unwrap_or(OTHER_UID)).grace(45).volume(scratch("tmp", "256Mi"));
    for (index, path) in settings.writable.iter().filter(|path| *path != "/tmp").enumerate() {
        let name = format!("writable-{index}");
        mounts.push(mount(&name, path, false));
        pod = pod.volume(scratch(&name, "256Mi"));
    }
    main.volume_mounts = Some(mounts);
    if !settings.env.is_empty() {
        let typed = ConfigMap {
            metadata: system.meta_of(&format!("{}-config", component.name), component),
            data: Some(settings.env.clone()),
            ..ConfigMap::default()
        };
        all.push(Object::new(
            Phase::Configuration,
            format!("{folder}/configmap.yaml"),
            format!("Environment of {}.", component.name),
            &typed,
        ));
    }
    let digest = hash(settings.env.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]));
    let (mut typed, _) = rolling(system, component, config_hash(pod.container(main), &digest).template());
    if settings.secret_name.is_some() {
        annotate(
            &mut typed.metadata,
            keys::LINT_IGNORE,
            "ML102: the Secret of a service of one's own is made by its owner",
        );
    }
    all.push(Object::new(
        Phase::Application,
        format!("{folder}/deployment.yaml"),
        format!(
            "{}: a service of the project's own, reached through the gateway under /functions/v1/{0}.",
            component.name
        ),
        &typed,
    ));
    all.push(Object::new(
        Phase::Application,
        format!("{folder}/service.yaml"),
        format!("The address of {} inside the cluster; the gateway alone may use it.", component.name),
        &service(system, component, &component.name, component.port("http")),
    ));
    all
}

/// A container of the user's reads its environment from a ConfigMap of ours and a Secret of theirs.
pub(super) fn environment(config: &str, has_config: bool, secret: Option<&String>) -> Option<Vec<EnvFromSource>> {
    let config = has_config.then(|| EnvFromSource {
        config_map_ref: Some(ConfigMapEnvSource { name: config.to_owned(), optional: None }),
        ..EnvFromSource::default()
    });
    let secret = secret.map(|name| EnvFromSource {
        secret_ref: Some(SecretEnvSource { name: name.clone(), optional: None }),
        ..EnvFromSource::default()
    });
    let all: Vec<_> = config.into_iter().chain(secret).collect();
    (!all.is_empty()).then_some(all)
}

/// A probe that is content with a connection.
pub(super) fn tcp(port: &str) -> Probe {
    Probe {
        tcp_socket: Some(TCPSocketAction { port: IntOrString::String(port.to_owned()), host: None }),
        period_seconds: Some(10),
        timeout_seconds: Some(2),
        failure_threshold: Some(3),
        ..Probe::default()
    }
}
