//! Third-party images, each at a fixed version.

/// An image that we do not build.
#[derive(Debug, Clone, Copy)]
pub struct Image {
    /// Component that runs it.
    pub component: &'static str,
    /// Repository, with its registry.
    pub repository: &'static str,
    /// Tag.
    pub tag: &'static str,
    /// Digest of the multi-platform index, `sha256:…`; empty when none could be verified.
    pub digest: &'static str,
}

/// Every third-party image.
pub const IMAGES: &[Image] = &[
    Image { component: "postgres", repository: "docker.io/library/postgres", tag: "17.6-bookworm", digest: "" },
    Image { component: "prometheus", repository: "docker.io/prom/prometheus", tag: "v3.5.0", digest: "" },
    Image { component: "alertmanager", repository: "docker.io/prom/alertmanager", tag: "v0.28.1", digest: "" },
    Image { component: "grafana", repository: "docker.io/grafana/grafana", tag: "12.1.1", digest: "" },
    Image {
        component: "postgres-exporter",
        repository: "quay.io/prometheuscommunity/postgres-exporter",
        tag: "v0.17.1",
        digest: "",
    },
    Image {
        component: "kube-state-metrics",
        repository: "registry.k8s.io/kube-state-metrics/kube-state-metrics",
        tag: "v2.16.0",
        digest: "",
    },
    Image { component: "loki", repository: "docker.io/grafana/loki", tag: "3.5.3", digest: "" },
    Image { component: "alloy", repository: "docker.io/grafana/alloy", tag: "v1.10.2", digest: "" },
    Image {
        component: "elasticsearch",
        repository: "docker.elastic.co/elasticsearch/elasticsearch",
        tag: "8.19.2",
        digest: "",
    },
    Image { component: "kibana", repository: "docker.elastic.co/kibana/kibana", tag: "8.19.2", digest: "" },
    Image { component: "fluent-bit", repository: "docker.io/fluent/fluent-bit", tag: "4.0.8", digest: "" },
    Image { component: "cloudnativepg", repository: "ghcr.io/cloudnative-pg/postgresql", tag: "17.6", digest: "" },
];

/// The reference of a component's image, from `mirror` when there is one.
#[must_use]
pub fn image(component: &str, mirror: Option<&str>) -> String {
    let Some(image) = IMAGES.iter().find(|image| image.component == component) else { return component.to_owned() };
    let repository = match mirror {
        None => image.repository.to_owned(),
        // a mirror keeps the path and replaces the registry
        Some(mirror) => {
            let path = image.repository.split_once('/').map_or(image.repository, |(_, path)| path);
            format!("{}/{path}", mirror.trim_end_matches('/'))
        }
    };
    let digest = if image.digest.is_empty() { String::new() } else { format!("@{}", image.digest) };
    format!("{repository}:{}{digest}", image.tag)
}
