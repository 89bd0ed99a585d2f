//! The namespace with its quota and limit range.

use super::common::{annotate, map};
use crate::settings::Way;
use crate::system::{Component, Controller, System};
use crate::tables::{Size, size_of};
use k8s_openapi::api::core::v1::{
    LimitRange, LimitRangeItem, LimitRangeSpec, Namespace, ResourceQuota, ResourceQuotaSpec,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use mainstay_manifest::{Object, Phase, Quantity as Amount, keys};
use std::collections::BTreeMap;

pub(super) fn objects(system: &System) -> Vec<Object> {
    let kubernetes = &system.project.kubernetes;
    let mut all = Vec::new();
    if kubernetes.create_namespace {
        all.push(namespace(system, &system.namespace, kubernetes.pod_security.text(), "namespace.yaml"));
    }
    if let Some(collector) = system.components.iter().find(|c| c.namespace != system.namespace) {
        let mut object = namespace(system, &collector.namespace, "privileged", "logging/namespace.yaml");
        object.why =
            "The log collector reads files of the node, which `restricted` forbids: it lives apart from the project."
                .into();
        all.push(object);
    }
    all.push(quota(system));
    all.push(limit_range(system));
    all
}

fn namespace(system: &System, name: &str, level: &str, path: &str) -> Object {
    let mut meta = system.meta(name, &system.project.name, "namespace");
    meta.namespace = None;
    annotate(&mut meta, keys::KEEP, "true");
    let version = format!("v{}", system.project.kubernetes.version);
    let labels = meta.labels.get_or_insert_with(BTreeMap::new);
    for mode in ["enforce", "audit", "warn"] {
        labels.insert(format!("pod-security.kubernetes.io/{mode}"), level.to_owned());
        labels.insert(format!("pod-security.kubernetes.io/{mode}-version"), version.clone());
    }
    let typed = Namespace { metadata: meta, ..Namespace::default() };
    Object::new(
        Phase::Namespace,
        path,
        format!(
            "Everything of {} lives here, and the API server refuses pods that break the Pod Security Standard `{level}`.",
            system.project.name
        ),
        &typed,
    )
}

/// What may be used at most: everything at its largest, twice where an update may meet pods that still drain, and the Jobs.
fn quota(system: &System) -> Object {
    let kubernetes = &system.project.kubernetes;
    let name = kubernetes.quota_name.clone().unwrap_or_else(|| format!("{}-rq", system.project.name));
    let here = || system.components.iter().filter(|c| c.namespace == system.namespace);
    let total = here().map(|c| c.pod_size().times(c.most() + surge(c))).fold(Size::default(), Size::plus);
    let mut pods: u32 = here().map(|c| c.most() + surge(c)).sum();
    let mut total = total;
    if super::tls::answers_challenges(system) {
        pods += 1;
        total = total.plus(super::tls::SOLVER);
    }
    let claims: Vec<Amount> = volumes(system);
    let text = |amount: String| Quantity(amount);
    let mut hard = BTreeMap::from([
        ("requests.cpu".to_owned(), text(total.cpu.cpu())),
        ("requests.memory".to_owned(), text(total.memory.memory_mebi())),
        ("limits.memory".to_owned(), text(total.memory_limit.memory_mebi())),
        ("pods".to_owned(), text(pods.to_string())),
        ("persistentvolumeclaims".to_owned(), text(claims.len().to_string())),
        ("requests.storage".to_owned(), text(claims.iter().copied().sum::<Amount>().memory())),
        ("services".to_owned(), text((here().count() * 2 + 6).to_string())),
        ("services.nodeports".to_owned(), text(node_ports(system).to_string())),
        ("services.loadbalancers".to_owned(), text(u32::from(system.exposed_by(Way::LoadBalancer)).to_string())),
        // ours, ten release records, and room for those of other tools
        ("count/secrets".to_owned(), text((super::secrets(system).len() + 30).to_string())),
    ]);
    if kubernetes.cpu_limits {
        hard.insert("limits.cpu".to_owned(), text(total.cpu_limit.cpu()));
    }
    let typed = ResourceQuota {
        metadata: system.meta(&name, &system.project.name, "namespace"),
        spec: Some(ResourceQuotaSpec { hard: Some(hard), ..ResourceQuotaSpec::default() }),
        ..ResourceQuota::default()
    };
    Object::new(
        Phase::Namespace,
        "resourcequota.yaml",
        "What the whole namespace may use: every component at its most pods, as many again that still drain during an update,\n\
         and all Jobs at once. `mainstay render --summary` shows the sum.",
        &typed,
    )
}

/// Extra pods while a component is updated.
fn surge(component: &Component) -> u32 {
    match component.controller {
        Controller::Deployment if component.volume.is_some() => 0,
        // pods of the version before count until they have drained, and those of the new one do not wait for that
        Controller::Deployment => component.most(),
        // a Job that failed is tried again while its failed pod is still there; those do not count, but overlaps do
        Controller::CronJob | Controller::Job => 1,
        _ => 0,
    }
}

/// A LoadBalancer Service is given a node port too.
fn node_ports(system: &System) -> u32 {
    u32::from(system.exposed_by(Way::NodePort)) + u32::from(system.exposed_by(Way::LoadBalancer))
}

fn volumes(system: &System) -> Vec<Amount> {
    system
        .components
        .iter()
        .flat_map(|c| {
            let size = c.volume.as_ref().and_then(|v| v.parse().ok());
            std::iter::repeat_n(size, usize::try_from(c.replicas).unwrap_or(1)).flatten()
        })
        .collect()
}

/// What a container gets that asks for nothing, and the bounds for those that ask. Nothing of ours relies on it.
fn limit_range(system: &System) -> Object {
    let kubernetes = &system.project.kubernetes;
    let name = kubernetes.limit_range_name.clone().unwrap_or_else(|| format!("{}-lr", system.project.name));
    let default = size_of("service");
    let most = system.components.iter().map(|c| c.size).fold(default.times(2), Size::max);
    let of = |cpu: Amount, memory: Amount| {
        Some(BTreeMap::from([
            ("cpu".to_owned(), Quantity(cpu.cpu())),
            ("memory".to_owned(), Quantity(memory.memory())),
        ]))
    };
    // a default or a maximum of the CPU becomes the limit of every container that has none
    let bound = |cpu: Amount, memory: Amount| {
        let mut all = of(cpu, memory);
        if let Some(all) = all.as_mut().filter(|_| !kubernetes.cpu_limits) {
            all.remove("cpu");
        }
        all
    };
    let mut limits = vec![LimitRangeItem {
        type_: "Container".to_owned(),
        default_request: of(default.cpu, default.memory),
        default: bound(default.cpu_limit, default.memory_limit),
        max: bound(most.cpu_limit, most.memory_limit),
        min: of(Amount::millicores(5), Amount::mebibytes(8)),
        ..LimitRangeItem::default()
    }];
    if let Some(largest) = volumes(system).into_iter().max() {
        let least = volumes(system).into_iter().fold(Amount::mebibytes(100), Amount::min);
        limits.push(LimitRangeItem {
            type_: "PersistentVolumeClaim".to_owned(),
            max: Some(BTreeMap::from([("storage".to_owned(), Quantity(largest.memory()))])),
            min: Some(BTreeMap::from([("storage".to_owned(), Quantity(least.memory()))])),
            ..LimitRangeItem::default()
        });
    }
    let typed = LimitRange {
        metadata: system.meta(&name, &system.project.name, "namespace"),
        spec: Some(LimitRangeSpec { limits }),
    };
    Object::new(
        Phase::Namespace,
        "limitrange.yaml",
        "Bounds for each container, and what one gets that asks for nothing. All containers of the project ask.",
        &typed,
    )
}

impl Component {
    /// What one pod of it takes from a quota: the sum of its containers, or its largest init container.
    #[must_use]
    pub fn pod_size(&self) -> Size {
        if self.needs_database() { self.size.max(size_of("wait-for-postgres")) } else { self.size }
    }
}

/// Selector labels as a label query, for hints in comments.
pub(super) fn query(system: &System, component: &Component) -> String {
    system.selector(component).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")
}

/// PriorityClass names and values.
pub(super) fn priorities() -> std::collections::BTreeMap<String, String> {
    map([("database", "3000"), ("roles", "2000"), ("rest", "1000")])
}
