//! A hardened pod: what every pod template of the system is made with.

use super::common::{Map, annotate};
use crate::settings::PullPolicy;
use crate::system::{Component, System};
use k8s_openapi::api::core::v1::{
    Affinity, Capabilities, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, EnvVar,
    HTTPGetAction, KeyToPath, Lifecycle, LifecycleHandler, LocalObjectReference, PodAffinityTerm, PodAntiAffinity,
    PodSecurityContext, PodSpec, PodTemplateSpec, Probe, SeccompProfile, SecretVolumeSource, SecurityContext,
    SleepAction, TopologySpreadConstraint, Volume, VolumeMount, WeightedPodAffinityTerm,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Quantity as Amount, keys};

/// User id of our own image.
pub(super) const OWN_UID: i64 = 65532;
/// User id of the images of others. Above 10000, so that it is nobody on the node.
pub(super) const OTHER_UID: i64 = 10001;

/// A pod that is being put together.
pub(super) struct Pod<'a> {
    system: &'a System,
    component: &'a Component,
    uid: i64,
    grace: i64,
    init: Vec<Container>,
    containers: Vec<Container>,
    volumes: Vec<Volume>,
    annotations: Vec<(String, String)>,
    account: Option<String>,
    token: bool,
    restart: Option<&'static str>,
}

impl<'a> Pod<'a> {
    pub(super) fn new(system: &'a System, component: &'a Component, uid: i64) -> Self {
        Self {
            system,
            component,
            uid,
            grace: 30,
            init: Vec::new(),
            containers: Vec::new(),
            volumes: Vec::new(),
            annotations: Vec::new(),
            account: None,
            token: false,
            restart: None,
        }
    }

    pub(super) fn grace(mut self, seconds: i64) -> Self {
        self.grace = seconds;
        self
    }

    pub(super) fn container(mut self, container: Container) -> Self {
        self.containers.push(container);
        self
    }

    pub(super) fn init(mut self, container: Container) -> Self {
        self.init.push(container);
        self
    }

    pub(super) fn volume(mut self, volume: Volume) -> Self {
        if !self.volumes.iter().any(|v| v.name == volume.name) {
            self.volumes.push(volume);
        }
        self
    }

    pub(super) fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The name of the service account, and whether the pod talks to the API server.
    pub(super) fn account(mut self, name: &str, token: bool) -> Self {
        self.account = Some(name.to_owned());
        self.token = token;
        self
    }

    pub(super) fn restart(mut self, policy: &'static str) -> Self {
        self.restart = Some(policy);
        self
    }

    pub(super) fn template(mut self) -> PodTemplateSpec {
        let system = self.system;
        self.room_for_volumes();
        let mut meta = ObjectMeta { labels: Some(system.pod_labels(self.component)), ..ObjectMeta::default() };
        for (key, value) in &self.annotations {
            annotate(&mut meta, key, value);
        }
        let spread = self.component.is_lasting() && self.component.most() > 1;
        let selector = system.pod_selector(self.component);
        let kubernetes = &system.project.kubernetes;
        let secrets: Vec<_> =
            kubernetes.image_pull_secrets.iter().map(|name| LocalObjectReference { name: name.clone() }).collect();
        let spec = PodSpec {
            service_account_name: Some(self.account.unwrap_or_else(|| self.component.name.clone())),
            automount_service_account_token: Some(self.token),
            enable_service_links: Some(false),
            host_users: kubernetes.user_namespaces.then_some(false),
            image_pull_secrets: (!secrets.is_empty()).then_some(secrets),
            priority_class_name: kubernetes.priority_classes.then(|| priority(system, self.component)),
            termination_grace_period_seconds: Some(self.grace),
            restart_policy: self.restart.map(str::to_owned),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(self.uid),
                run_as_group: Some(self.uid),
                fs_group: Some(self.uid),
                fs_group_change_policy: Some("OnRootMismatch".to_owned()),
                // a kubelet refuses the pod when its runtime does not know the policy; before 1.36 many do not
                supplemental_groups_policy: (kubernetes.version.0 >= 36).then(|| "Strict".to_owned()),
                seccomp_profile: Some(SeccompProfile { type_: "RuntimeDefault".to_owned(), localhost_profile: None }),
                ..PodSecurityContext::default()
            }),
            affinity: spread.then(|| apart(&selector)),
            topology_spread_constraints: spread.then(|| {
                ["kubernetes.io/hostname", "topology.kubernetes.io/zone"]
                    .map(|key| TopologySpreadConstraint {
                        max_skew: 1,
                        topology_key: key.to_owned(),
                        when_unsatisfiable: "ScheduleAnyway".to_owned(),
                        label_selector: Some(selector.clone()),
                        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
                        ..TopologySpreadConstraint::default()
                    })
                    .to_vec()
            }),
            init_containers: (!self.init.is_empty()).then_some(self.init),
            containers: self.containers,
            volumes: (!self.volumes.is_empty()).then_some(self.volumes),
            ..PodSpec::default()
        };
        PodTemplateSpec { metadata: Some(meta), spec: Some(spec) }
    }
}

impl Pod<'_> {
    /// What lies in empty volumes counts as the containers' ephemeral storage: a pod whose volumes may grow beyond that limit
    /// is evicted before they are full.
    fn room_for_volumes(&mut self) {
        let on_disk = |v: &Volume| {
            v.empty_dir.as_ref().filter(|e| e.medium.as_deref() != Some("Memory")).and_then(|e| e.size_limit.clone())
        };
        let limits = self.volumes.iter().filter_map(on_disk);
        let volumes: Vec<Amount> = limits.filter_map(|limit| limit.0.parse().ok()).collect();
        let main = self.containers.first_mut().and_then(|c| c.resources.as_mut()).and_then(|r| r.limits.as_mut());
        if let Some(limit) = main.and_then(|limits| limits.get_mut("ephemeral-storage"))
            && let Ok(own) = limit.0.parse::<Amount>()
        {
            *limit = Quantity(volumes.into_iter().fold(own, |sum, volume| sum + volume).memory());
        }
    }
}

/// Pods of one kind rather on different nodes.
fn apart(selector: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector) -> Affinity {
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![WeightedPodAffinityTerm {
                weight: 100,
                pod_affinity_term: PodAffinityTerm {
                    label_selector: Some(selector.clone()),
                    topology_key: "kubernetes.io/hostname".to_owned(),
                    ..PodAffinityTerm::default()
                },
            }]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

/// The PriorityClass of a component; `policies` renders the three.
fn priority(system: &System, component: &Component) -> String {
    use crate::system::Kind;
    let class = match component.kind {
        Kind::Database => "database",
        Kind::Roles(_) | Kind::Init => "roles",
        _ => "rest",
    };
    format!("{}-{class}", system.namespace)
}

/// A container with everything locked that it does not need.
pub(super) fn container(system: &System, name: &str, image: String, size: crate::tables::Size) -> Container {
    let policy = system.project.kubernetes.image_pull_policy;
    let own = image == system.image;
    Container {
        name: name.to_owned(),
        image: Some(image),
        image_pull_policy: Some(
            match policy {
                // the third-party images of a local cluster are fetched as usual
                PullPolicy::Never if own => "Never",
                PullPolicy::Always => "Always",
                _ => "IfNotPresent",
            }
            .to_owned(),
        ),
        resources: Some(system.resources(size)),
        security_context: Some(locked()),
        ..Container::default()
    }
}

/// No privilege, no capability, nothing written to the image.
pub(super) fn locked() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        privileged: Some(false),
        read_only_root_filesystem: Some(true),
        run_as_non_root: Some(true),
        capabilities: Some(Capabilities { drop: Some(vec!["ALL".to_owned()]), add: None }),
        ..SecurityContext::default()
    }
}

/// The named ports of a component.
pub(super) fn ports(component: &Component) -> Vec<ContainerPort> {
    component
        .ports
        .iter()
        .map(|(name, number)| ContainerPort {
            name: Some((*name).to_owned()),
            container_port: i32::from(*number),
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        })
        .collect()
}

/// A plain environment variable.
pub(super) fn env(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into()), value_from: None }
}

/// A GET probe.
pub(super) fn get(path: &str, port: &str, every: i32, failures: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_owned()),
            port: IntOrString::String(port.to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(every),
        timeout_seconds: Some(2),
        failure_threshold: Some(failures),
        ..Probe::default()
    }
}

/// Time for the news of a pod's end to reach everybody who sends it requests. Nothing runs for it in the container.
pub(super) fn sleep_before_stop(seconds: i64) -> Lifecycle {
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep: Some(SleepAction { seconds }), ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}

/// An empty volume with a limit.
pub(super) fn scratch(name: &str, limit: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource { size_limit: Some(Quantity(limit.to_owned())), medium: None }),
        ..Volume::default()
    }
}

/// A volume of a ConfigMap; with `items`, only those keys at those paths.
pub(super) fn config_volume(name: &str, config_map: &str, items: &Map) -> Volume {
    let items: Vec<_> =
        items.iter().map(|(key, path)| KeyToPath { key: key.clone(), path: path.clone(), mode: None }).collect();
    Volume {
        name: name.to_owned(),
        config_map: Some(ConfigMapVolumeSource {
            name: config_map.to_owned(),
            default_mode: Some(0o444),
            items: (!items.is_empty()).then_some(items),
            ..ConfigMapVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// A volume of a Secret, readable by the pod's group only.
pub(super) fn secret_volume(name: &str, secret: &str) -> Volume {
    Volume {
        name: name.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(0o440),
            ..SecretVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Where a volume appears.
pub(super) fn mount(name: &str, path: &str, read_only: bool) -> VolumeMount {
    VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    }
}

/// A single file of a volume.
pub(super) fn mount_file(name: &str, path: &str, key: &str) -> VolumeMount {
    VolumeMount { sub_path: Some(key.to_owned()), ..mount(name, path, true) }
}

/// Marks the pods with a hash of what they read, so that a change rolls them.
pub(super) fn config_hash<'a>(pod: Pod<'a>, hash: &str) -> Pod<'a> {
    pod.annotation(keys::CONFIG_HASH, hash)
}
