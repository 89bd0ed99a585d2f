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
    Image {
        component: "postgres",
        repository: "docker.io/library/postgres",
        tag: "17.6-bookworm",
        digest: "sha256:f3bd19c606e442c3d7bdfa8002e03fe260a1023351e0ea4598032022b68dd6e3",
    },
    Image {
        component: "prometheus",
        repository: "docker.io/prom/prometheus",
        tag: "v3.5.0",
        digest: "sha256:63805ebb8d2b3920190daf1cb14a60871b16fd38bed42b857a3182bc621f4996",
    },
    Image {
        component: "alertmanager",
        repository: "docker.io/prom/alertmanager",
        tag: "v0.28.1",
        digest: "sha256:27c475db5fb156cab31d5c18a4251ac7ed567746a2483ff264516437a39b15ba",
    },
    Image {
        component: "grafana",
        repository: "docker.io/grafana/grafana",
        tag: "12.1.1",
        digest: "sha256:a1701c2180249361737a99a01bc770db39381640e4d631825d38ff4535efa47d",
    },
    Image {
        component: "postgres-exporter",
        repository: "quay.io/prometheuscommunity/postgres-exporter",
        tag: "v0.17.1",
        digest: "sha256:38606faa38c54787525fb0ff2fd6b41b4cfb75d455c1df294927c5f611699b17",
    },
    Image {
        component: "kube-state-metrics",
        repository: "registry.k8s.io/kube-state-metrics/kube-state-metrics",
        tag: "v2.18.0",
        digest: "sha256:1545919b72e3ae035454fc054131e8d0f14b42ef6fc5b2ad5c751cafa6b2130e",
    },
    Image {
        component: "loki",
        repository: "docker.io/grafana/loki",
        tag: "3.5.3",
        digest: "sha256:3165cecce301ce5b9b6e3530284b080934a05cd5cafac3d3d82edcb887b45ecd",
    },
    Image {
        component: "alloy",
        repository: "docker.io/grafana/alloy",
        tag: "v1.19.2",
        digest: "sha256:b8ec653c44235fbe910879145dac3597d66b0aaecf60bcbbe82580767771a839",
    },
    Image {
        component: "elasticsearch",
        repository: "docker.elastic.co/elasticsearch/elasticsearch",
        tag: "8.19.8",
        digest: "sha256:1b6a877f18352510860ee065f01472bd37d33ac5eb1d943e0b9ed366b149638c",
    },
    Image { component: "kibana", repository: "docker.elastic.co/kibana/kibana", tag: "8.19.8", digest: "" },
    Image { component: "fluent-bit", repository: "docker.io/fluent/fluent-bit", tag: "4.2.2", digest: "" },
    Image {
        component: "cloudnativepg",
        repository: "ghcr.io/cloudnative-pg/postgresql",
        tag: "17.6",
        digest: "sha256:30b304a2e300ed80b6d1b740e4369e9b0f25599fb518de78c01fd9f25531791b",
    },
];

/// The reference of a component's image, from `mirror` when there is one. Without `pinned` the digest is left out: an image
/// that was loaded into a node from an archive is known there by its tag only.
#[must_use]
pub fn image(component: &str, mirror: Option<&str>, pinned: bool) -> String {
    let Some(image) = IMAGES.iter().find(|image| image.component == component) else { return component.to_owned() };
    let repository = match mirror {
        None => image.repository.to_owned(),
        // a mirror keeps the path and replaces the registry
        Some(mirror) => {
            let path = image.repository.split_once('/').map_or(image.repository, |(_, path)| path);
            format!("{}/{path}", mirror.trim_end_matches('/'))
        }
    };
    let digest = if image.digest.is_empty() || !pinned { String::new() } else { format!("@{}", image.digest) };
    format!("{repository}:{}{digest}", image.tag)
}
