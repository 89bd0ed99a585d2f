//! The built-in kinds of Kubernetes 1.31 to 1.37, and the API versions that are gone.

/// A built-in kind.
struct Kind {
    group: &'static str,
    versions: &'static [&'static str],
    namespaced: bool,
    kinds: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind {
        group: "",
        versions: &["v1"],
        namespaced: true,
        kinds: &[
            "Pod",
            "Service",
            "ConfigMap",
            "Secret",
            "ServiceAccount",
            "PersistentVolumeClaim",
            "ReplicationController",
            "Endpoints",
            "Event",
            "LimitRange",
            "ResourceQuota",
            "PodTemplate",
            "Binding",
        ],
    },
    Kind {
        group: "",
        versions: &["v1"],
        namespaced: false,
        kinds: &["Namespace", "Node", "PersistentVolume", "ComponentStatus"],
    },
    Kind {
        group: "apps",
        versions: &["v1"],
        namespaced: true,
        kinds: &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"],
    },
    Kind { group: "batch", versions: &["v1"], namespaced: true, kinds: &["Job", "CronJob"] },
    Kind {
        group: "autoscaling",
        versions: &["v2", "v1"],
        namespaced: true,
        kinds: &["HorizontalPodAutoscaler", "Scale"],
    },
    Kind { group: "policy", versions: &["v1"], namespaced: true, kinds: &["PodDisruptionBudget", "Eviction"] },
    Kind { group: "networking.k8s.io", versions: &["v1"], namespaced: true, kinds: &["Ingress", "NetworkPolicy"] },
    Kind {
        group: "networking.k8s.io",
        versions: &["v1", "v1beta1"],
        namespaced: false,
        kinds: &["IngressClass", "IPAddress", "ServiceCIDR"],
    },
    Kind { group: "rbac.authorization.k8s.io", versions: &["v1"], namespaced: true, kinds: &["Role", "RoleBinding"] },
    Kind {
        group: "rbac.authorization.k8s.io",
        versions: &["v1"],
        namespaced: false,
        kinds: &["ClusterRole", "ClusterRoleBinding"],
    },
    Kind {
        group: "storage.k8s.io",
        versions: &["v1", "v1beta1"],
        namespaced: false,
        kinds: &["StorageClass", "CSIDriver", "CSINode", "VolumeAttachment", "VolumeAttributesClass"],
    },
    Kind { group: "storage.k8s.io", versions: &["v1"], namespaced: true, kinds: &["CSIStorageCapacity"] },
    Kind { group: "scheduling.k8s.io", versions: &["v1"], namespaced: false, kinds: &["PriorityClass"] },
    Kind { group: "coordination.k8s.io", versions: &["v1"], namespaced: true, kinds: &["Lease"] },
    Kind { group: "discovery.k8s.io", versions: &["v1"], namespaced: true, kinds: &["EndpointSlice"] },
    Kind { group: "events.k8s.io", versions: &["v1"], namespaced: true, kinds: &["Event"] },
    Kind { group: "node.k8s.io", versions: &["v1"], namespaced: false, kinds: &["RuntimeClass"] },
    Kind { group: "apiextensions.k8s.io", versions: &["v1"], namespaced: false, kinds: &["CustomResourceDefinition"] },
    Kind { group: "apiregistration.k8s.io", versions: &["v1"], namespaced: false, kinds: &["APIService"] },
    Kind {
        group: "certificates.k8s.io",
        versions: &["v1", "v1alpha1", "v1beta1"],
        namespaced: false,
        kinds: &["CertificateSigningRequest", "ClusterTrustBundle"],
    },
    Kind {
        group: "admissionregistration.k8s.io",
        versions: &["v1", "v1beta1", "v1alpha1"],
        namespaced: false,
        kinds: &[
            "ValidatingWebhookConfiguration",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
        ],
    },
    Kind {
        group: "flowcontrol.apiserver.k8s.io",
        versions: &["v1"],
        namespaced: false,
        kinds: &["FlowSchema", "PriorityLevelConfiguration"],
    },
];

/// Groups whose kinds all stand above; an unknown kind in them is a mistake.
const CLOSED: &[&str] = &[
    "",
    "apps",
    "batch",
    "autoscaling",
    "policy",
    "rbac.authorization.k8s.io",
    "networking.k8s.io",
    "scheduling.k8s.io",
];

/// An API version that is gone or going.
pub(crate) struct Retired {
    pub(crate) api: &'static str,
    /// Empty for all kinds.
    pub(crate) kind: &'static str,
    /// Kubernetes version without it.
    pub(crate) gone: &'static str,
    pub(crate) instead: &'static str,
}

/// Source: Kubernetes, "Deprecated API Migration Guide".
const RETIRED: &[Retired] = &[
    Retired { api: "extensions/v1beta1", kind: "Ingress", gone: "1.22", instead: "networking.k8s.io/v1" },
    Retired { api: "extensions/v1beta1", kind: "NetworkPolicy", gone: "1.16", instead: "networking.k8s.io/v1" },
    Retired { api: "extensions/v1beta1", kind: "", gone: "1.16", instead: "apps/v1" },
    Retired { api: "apps/v1beta1", kind: "", gone: "1.16", instead: "apps/v1" },
    Retired { api: "apps/v1beta2", kind: "", gone: "1.16", instead: "apps/v1" },
    Retired { api: "networking.k8s.io/v1beta1", kind: "Ingress", gone: "1.22", instead: "networking.k8s.io/v1" },
    Retired { api: "networking.k8s.io/v1beta1", kind: "IngressClass", gone: "1.22", instead: "networking.k8s.io/v1" },
    Retired { api: "batch/v1beta1", kind: "", gone: "1.25", instead: "batch/v1" },
    Retired { api: "batch/v2alpha1", kind: "", gone: "1.21", instead: "batch/v1" },
    Retired { api: "autoscaling/v2beta1", kind: "", gone: "1.25", instead: "autoscaling/v2" },
    Retired { api: "autoscaling/v2beta2", kind: "", gone: "1.26", instead: "autoscaling/v2" },
    Retired {
        api: "policy/v1beta1",
        kind: "PodSecurityPolicy",
        gone: "1.25",
        instead: "pod-security labels on the Namespace",
    },
    Retired { api: "policy/v1beta1", kind: "", gone: "1.25", instead: "policy/v1" },
    Retired {
        api: "rbac.authorization.k8s.io/v1beta1",
        kind: "",
        gone: "1.22",
        instead: "rbac.authorization.k8s.io/v1",
    },
    Retired {
        api: "rbac.authorization.k8s.io/v1alpha1",
        kind: "",
        gone: "1.22",
        instead: "rbac.authorization.k8s.io/v1",
    },
    Retired { api: "storage.k8s.io/v1beta1", kind: "CSIStorageCapacity", gone: "1.27", instead: "storage.k8s.io/v1" },
    Retired { api: "storage.k8s.io/v1beta1", kind: "StorageClass", gone: "1.22", instead: "storage.k8s.io/v1" },
    Retired { api: "scheduling.k8s.io/v1beta1", kind: "", gone: "1.22", instead: "scheduling.k8s.io/v1" },
    Retired { api: "coordination.k8s.io/v1beta1", kind: "", gone: "1.22", instead: "coordination.k8s.io/v1" },
    Retired { api: "discovery.k8s.io/v1beta1", kind: "", gone: "1.25", instead: "discovery.k8s.io/v1" },
    Retired { api: "events.k8s.io/v1beta1", kind: "", gone: "1.25", instead: "events.k8s.io/v1" },
    Retired { api: "node.k8s.io/v1beta1", kind: "", gone: "1.25", instead: "node.k8s.io/v1" },
    Retired { api: "apiextensions.k8s.io/v1beta1", kind: "", gone: "1.22", instead: "apiextensions.k8s.io/v1" },
    Retired { api: "apiregistration.k8s.io/v1beta1", kind: "", gone: "1.22", instead: "apiregistration.k8s.io/v1" },
    Retired {
        api: "certificates.k8s.io/v1beta1",
        kind: "CertificateSigningRequest",
        gone: "1.22",
        instead: "certificates.k8s.io/v1",
    },
    Retired {
        api: "admissionregistration.k8s.io/v1beta1",
        kind: "ValidatingWebhookConfiguration",
        gone: "1.22",
        instead: "admissionregistration.k8s.io/v1",
    },
    Retired {
        api: "admissionregistration.k8s.io/v1beta1",
        kind: "MutatingWebhookConfiguration",
        gone: "1.22",
        instead: "admissionregistration.k8s.io/v1",
    },
    Retired {
        api: "flowcontrol.apiserver.k8s.io/v1beta1",
        kind: "",
        gone: "1.26",
        instead: "flowcontrol.apiserver.k8s.io/v1",
    },
    Retired {
        api: "flowcontrol.apiserver.k8s.io/v1beta2",
        kind: "",
        gone: "1.29",
        instead: "flowcontrol.apiserver.k8s.io/v1",
    },
    Retired {
        api: "flowcontrol.apiserver.k8s.io/v1beta3",
        kind: "",
        gone: "1.32",
        instead: "flowcontrol.apiserver.k8s.io/v1",
    },
];

/// What replaced an API version, if it is gone.
pub(crate) fn retired(api: &str, kind: &str) -> Option<&'static Retired> {
    RETIRED.iter().find(|entry| entry.api == api && (entry.kind.is_empty() || entry.kind == kind))
}

/// Whether an object of this group borrows a built-in kind's name.
pub(crate) fn is_foreign(group: &str, kind: &str) -> bool {
    let mut named = KINDS.iter().filter(|entry| entry.kinds.contains(&kind)).peekable();
    named.peek().is_some() && group != "extensions" && !named.any(|entry| entry.group == group)
}

/// Whether the API server has this kind in this group and version; `None` when only custom resources can tell.
pub(crate) fn is_known(group: &str, version: &str, kind: &str) -> Option<bool> {
    let here = KINDS.iter().find(|entry| entry.group == group && entry.kinds.contains(&kind));
    match here {
        Some(entry) => Some(entry.versions.contains(&version)),
        None if CLOSED.contains(&group) => Some(false),
        None => None,
    }
}

/// The groups and versions that a kind is really in.
pub(crate) fn home(kind: &str) -> Option<String> {
    let entry = KINDS.iter().find(|entry| entry.kinds.contains(&kind))?;
    let version = entry.versions.first()?;
    Some(if entry.group.is_empty() { (*version).to_owned() } else { format!("{}/{version}", entry.group) })
}

/// Whether objects of this kind have no namespace.
pub(crate) fn is_cluster_wide(kind: &str) -> bool {
    matches!(kind, "ClusterIssuer" | "GatewayClass" | "ClusterPolicy" | "ValidatingPolicy" | "ClusterSecretStore")
        || KINDS.iter().any(|entry| !entry.namespaced && entry.kinds.contains(&kind))
}

/// Whether a built-in kind lives in a namespace.
pub(crate) fn is_namespaced(kind: &str) -> bool {
    KINDS.iter().any(|entry| entry.namespaced && entry.kinds.contains(&kind))
}

/// Whether a group's objects may make an operator start pods: custom resources, except those known not to.
pub(crate) fn may_bring_pods(group: &str, kind: &str) -> bool {
    const NEVER: &[&str] = &[
        "cert-manager.io",
        "gateway.networking.k8s.io",
        "kyverno.io",
        "policies.kyverno.io",
        "external-secrets.io",
        "bitnami.com",
        "cilium.io",
        "traefik.io",
        "snapshot.storage.k8s.io",
        "kustomize.config.k8s.io",
        "extensions",
    ];
    const NEVER_KINDS: &[&str] = &["ServiceMonitor", "PodMonitor", "PrometheusRule", "Probe", "AlertmanagerConfig"];
    !group.is_empty()
        && !NEVER_KINDS.contains(&kind)
        && !NEVER.contains(&group)
        && !KINDS.iter().any(|entry| entry.group == group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_known_by_group_and_version() {
        assert_eq!(is_known("apps", "v1", "Deployment"), Some(true));
        assert_eq!(is_known("apps", "v1", "Deploymnet"), Some(false));
        assert_eq!(is_known("", "v1", "Deployment"), Some(false));
        assert_eq!(is_known("apps", "v2", "Deployment"), Some(false));
        assert_eq!(is_known("cert-manager.io", "v1", "Certificate"), None);
        assert_eq!(home("Deployment").as_deref(), Some("apps/v1"));
        assert!(is_foreign("serving.knative.dev", "Service"));
        assert!(!is_foreign("", "Service"));
        assert!(!is_foreign("cert-manager.io", "Certificate"));
        assert_eq!(retired("extensions/v1beta1", "Ingress").map(|r| r.instead), Some("networking.k8s.io/v1"));
        assert!(retired("apps/v1", "Deployment").is_none());
    }
}
