//! Metadata, labels and small parts that all objects share.

use crate::system::{Component, System};
use k8s_openapi::api::core::v1::ResourceRequirements;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use mainstay_manifest::keys;
use std::collections::BTreeMap;

pub(super) type Map = BTreeMap<String, String>;

/// A map of texts.
pub(super) fn map<const N: usize>(entries: [(&str, &str); N]) -> Map {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

impl System {
    /// Labels of an object that belongs to `name` of `part`.
    pub(super) fn labels(&self, name: &str, part: &str) -> Map {
        map([
            (keys::NAME, name),
            (keys::INSTANCE, &self.project.name),
            (keys::COMPONENT, part),
            (keys::PART_OF, &self.project.name),
            (keys::MANAGED_BY, keys::MANAGER),
        ])
    }

    /// Labels of a component's pods.
    pub(super) fn pod_labels(&self, component: &Component) -> Map {
        let mut labels = self.labels(&component.name, component.part());
        labels.insert(keys::VERSION.to_owned(), label_value(&self.project.version));
        labels
    }

    /// Metadata of an object in the namespace.
    pub(super) fn meta(&self, name: &str, component: &str, part: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels(component, part)),
            ..ObjectMeta::default()
        }
    }

    /// Metadata of an object that belongs to a component.
    pub(super) fn meta_of(&self, name: &str, component: &Component) -> ObjectMeta {
        let mut meta = self.meta(name, &component.name, component.part());
        meta.namespace = Some(component.namespace.clone());
        meta
    }

    /// Metadata of a cluster-scoped object; its name carries the namespace, as two projects share the cluster.
    pub(super) fn cluster_meta(&self, name: &str, component: &str, part: &str) -> ObjectMeta {
        let mut meta = self.meta(&format!("{}-{name}", self.namespace), component, part);
        meta.namespace = None;
        meta
    }

    /// The selector of a component's pods.
    pub(super) fn pod_selector(&self, component: &Component) -> LabelSelector {
        LabelSelector { match_labels: Some(self.selector(component)), match_expressions: None }
    }

    /// Requests and limits of a component's main container.
    pub(super) fn resources(&self, size: crate::tables::Size) -> ResourceRequirements {
        let mut limits = BTreeMap::from([
            ("memory".to_owned(), Quantity(size.memory_limit.memory())),
            ("ephemeral-storage".to_owned(), Quantity("1Gi".to_owned())),
        ]);
        if self.project.kubernetes.cpu_limits {
            limits.insert("cpu".to_owned(), Quantity(size.cpu_limit.cpu()));
        }
        let requests = BTreeMap::from([
            ("cpu".to_owned(), Quantity(size.cpu.cpu())),
            ("memory".to_owned(), Quantity(size.memory.memory())),
            ("ephemeral-storage".to_owned(), Quantity("64Mi".to_owned())),
        ]);
        ResourceRequirements { limits: Some(limits), requests: Some(requests), claims: None }
    }

    /// The image of a third-party component.
    pub(super) fn third_party(&self, component: &str) -> String {
        let kubernetes = &self.project.kubernetes;
        let pinned = kubernetes.image_pull_policy != crate::settings::PullPolicy::Never;
        let ours = || crate::tables::image(component, kubernetes.image_mirror.as_deref(), pinned);
        kubernetes.images.get(component).cloned().unwrap_or_else(ours)
    }
}

/// A version as a label value: build metadata (`+…`) is not allowed there.
fn label_value(version: &str) -> String {
    version
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' })
        .take(63)
        .collect()
}

/// Adds an annotation.
pub(super) fn annotate(meta: &mut ObjectMeta, key: &str, value: &str) {
    meta.annotations.get_or_insert_with(BTreeMap::new).insert(key.to_owned(), value.to_owned());
}

/// The first 16 hexadecimal digits of the SHA-256 of texts, each with its length in front.
pub(super) fn hash<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    for text in texts {
        context.update(&(text.len() as u64).to_le_bytes());
        context.update(text.as_bytes());
    }
    context.finish().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The hash of a ConfigMap's data.
pub(super) fn digest(data: &Map) -> String {
    hash(data.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]))
}
