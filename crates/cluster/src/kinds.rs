//! What must be known about kinds beside their schema: what brings them, what they hold, when they go.

use mainstay_manifest::Phase;

/// What to install so that the cluster knows a kind.
pub(crate) fn install_hint(group: &str, kind: &str) -> &'static str {
    match group {
        "monitoring.coreos.com" => {
            "Install the Prometheus operator with its custom resources (kube-prometheus-stack brings both), or use the bundled Prometheus."
        }
        "cert-manager.io" | "acme.cert-manager.io" => "Install cert-manager, or choose another way of TLS.",
        "postgresql.cnpg.io" => "Install the CloudNativePG operator, or use the built-in StatefulSet.",
        "gateway.networking.k8s.io" => {
            "Install the Gateway API's custom resources and a controller for them, or expose by Ingress."
        }
        "external-secrets.io" => "Install the External Secrets Operator.",
        "bitnami.com" if kind == "SealedSecret" => "Install the Sealed Secrets controller.",
        "policies.kyverno.io" => "Install Kyverno 1.17 or newer.",
        "kyverno.io" => "Install Kyverno.",
        "cilium.io" => "Cilium is not this cluster's network; use plain NetworkPolicies.",
        "snapshot.storage.k8s.io" => "Install the CSI snapshot controller and its custom resources.",
        "metrics.k8s.io" => "Install metrics-server.",
        _ => "A custom resource definition, or a newer cluster, is needed for it.",
    }
}

/// Kinds whose deletion deletes data. Neither pruned nor destroyed without `delete_data`.
pub(crate) fn holds_data(group: &str, kind: &str) -> bool {
    matches!(
        (group, kind),
        ("", "PersistentVolumeClaim" | "PersistentVolume" | "Namespace")
            | ("postgresql.cnpg.io", "Cluster" | "Backup" | "Database")
            | ("apiextensions.k8s.io", "CustomResourceDefinition")
            | ("snapshot.storage.k8s.io", _)
    )
}

/// The phase that a live object was applied in, as far as its kind tells. Removal goes from the last to the first.
pub(crate) fn phase_of(kind: &str) -> Phase {
    match kind {
        "Namespace" | "ResourceQuota" | "LimitRange" => Phase::Namespace,
        "PersistentVolumeClaim" | "PersistentVolume" | "StatefulSet" | "Cluster" => Phase::Database,
        "Job" => Phase::Init,
        "Deployment" | "Service" | "Pod" => Phase::Application,
        "Ingress" | "HTTPRoute" | "Gateway" | "Certificate" | "Issuer" => Phase::Networking,
        "HorizontalPodAutoscaler" | "PodDisruptionBudget" => Phase::Scaling,
        "DaemonSet" | "CronJob" | "ServiceMonitor" | "PodMonitor" | "PrometheusRule" => Phase::Monitoring,
        _ => Phase::Configuration,
    }
}
