//! The kinds that the double knows: their names, defaults, fields and what may not change.

use serde_json::{Value, json};

pub(crate) struct Resource {
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) namespaced: bool,
}

const fn r(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    namespaced: bool,
) -> Resource {
    Resource { group, version, kind, plural, namespaced }
}

pub(crate) const RESOURCES: &[Resource] = &[
    r("", "v1", "Namespace", "namespaces", false),
    r("", "v1", "Node", "nodes", false),
    r("", "v1", "ConfigMap", "configmaps", true),
    r("", "v1", "Secret", "secrets", true),
    r("", "v1", "ServiceAccount", "serviceaccounts", true),
    r("", "v1", "Service", "services", true),
    r("", "v1", "Pod", "pods", true),
    r("", "v1", "Event", "events", true),
    r("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    r("", "v1", "ResourceQuota", "resourcequotas", true),
    r("apps", "v1", "Deployment", "deployments", true),
    r("apps", "v1", "StatefulSet", "statefulsets", true),
    r("apps", "v1", "DaemonSet", "daemonsets", true),
    r("apps", "v1", "ReplicaSet", "replicasets", true),
    r("batch", "v1", "Job", "jobs", true),
    r("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    r("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    r("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true),
    r("networking.k8s.io", "v1", "Ingress", "ingresses", true),
    r("networking.k8s.io", "v1", "IngressClass", "ingressclasses", false),
    r("coordination.k8s.io", "v1", "Lease", "leases", true),
    r("storage.k8s.io", "v1", "StorageClass", "storageclasses", false),
    r("", "v1", "LimitRange", "limitranges", true),
    r("rbac.authorization.k8s.io", "v1", "Role", "roles", true),
    r("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true),
    r("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false),
    r("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", false),
    r("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices", true),
    r("external-secrets.io", "v1", "ExternalSecret", "externalsecrets", true),
];

pub(crate) fn by_plural(plural: &str) -> Option<&'static Resource> {
    RESOURCES.iter().find(|r| r.plural == plural)
}

impl Resource {
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.into() } else { format!("{}/{}", self.group, self.version) }
    }

    /// Kinds whose generation counts changes of the spec.
    pub(crate) fn has_generation(&self) -> bool {
        matches!(self.group, "apps" | "batch" | "policy" | "networking.k8s.io") || self.plural == "pods"
    }
}

/// The first field that the kind does not have.
pub(crate) fn unknown_field(object: &Value) -> Option<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let top: &[&str] = match kind {
        "ConfigMap" => &["data", "binaryData", "immutable"],
        "Secret" => &["data", "stringData", "type", "immutable"],
        "ServiceAccount" => &["secrets", "imagePullSecrets", "automountServiceAccountToken"],
        "Role" | "ClusterRole" => &["rules"],
        "RoleBinding" | "ClusterRoleBinding" => &["roleRef", "subjects"],
        _ => &["spec", "status"],
    };
    let known =
        |name: &String| ["apiVersion", "kind", "metadata"].contains(&name.as_str()) || top.contains(&name.as_str());
    if let Some(name) = object.as_object()?.keys().find(|name| !known(name)) {
        return Some(format!(".{name}"));
    }
    let spec: &[&str] = match kind {
        "Deployment" => &[
            "replicas",
            "selector",
            "template",
            "strategy",
            "minReadySeconds",
            "revisionHistoryLimit",
            "paused",
            "progressDeadlineSeconds",
        ],
        "PodDisruptionBudget" => &["minAvailable", "maxUnavailable", "selector", "unhealthyPodEvictionPolicy"],
        _ => return None,
    };
    let name = object["spec"].as_object()?.keys().find(|name| !spec.contains(&name.as_str()))?;
    Some(format!(".spec.{name}"))
}

/// What the server adds.
pub(crate) fn default(object: &mut Value) {
    let set = |object: &mut Value, path: &str, value: Value| {
        let (parent, name) = path.rsplit_once('/').unwrap();
        if let Some(Value::Object(map)) = object.pointer_mut(parent) {
            map.entry(name.to_owned()).or_insert(value);
        }
    };
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => {
            set(object, "/spec/replicas", json!(1));
            set(object, "/spec/revisionHistoryLimit", json!(10));
            set(object, "/spec/progressDeadlineSeconds", json!(600));
            set(
                object,
                "/spec/strategy",
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
            );
            pod(object);
        }
        "StatefulSet" => {
            set(object, "/spec/replicas", json!(1));
            set(object, "/spec/podManagementPolicy", json!("OrderedReady"));
            set(object, "/spec/updateStrategy", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
            pod(object);
        }
        "Job" => {
            let uid = object["metadata"]["uid"].clone();
            set(object, "/spec/backoffLimit", json!(6));
            set(object, "/spec/completions", json!(1));
            // as the Job strategy does: the selector and the pods' labels are generated
            set(object, "/spec/selector", json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}));
            set(object, "/spec/template/metadata/labels/batch.kubernetes.io~1controller-uid", Value::Null);
            if let Some(labels) = object.pointer_mut("/spec/template/metadata/labels").and_then(Value::as_object_mut) {
                labels.remove("batch.kubernetes.io~1controller-uid");
                labels.insert("batch.kubernetes.io/controller-uid".into(), uid);
            }
            pod(object);
        }
        "Service" => {
            set(object, "/spec/type", json!("ClusterIP"));
            set(object, "/spec/clusterIP", json!("10.96.0.7"));
            set(object, "/spec/sessionAffinity", json!("None"));
            for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
                let map = port.as_object_mut().unwrap();
                map.entry("protocol").or_insert(json!("TCP"));
            }
            set(object, "/status", json!({"loadBalancer": {}}));
        }
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            set(object, "/spec", json!({"finalizers": ["kubernetes"]}));
            set(object, "/status", json!({"phase": "Active"}));
            set(object, "/metadata/labels", json!({}));
            object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        }
        "Secret" => set(object, "/type", json!("Opaque")),
        "PersistentVolumeClaim" => set(object, "/status", json!({"phase": "Pending"})),
        "HorizontalPodAutoscaler" => set(object, "/status", json!({"currentReplicas": 0})),
        _ => {}
    }
}

fn pod(object: &mut Value) {
    let Some(Value::Object(spec)) = object.pointer_mut("/spec/template/spec") else { return };
    spec.entry("restartPolicy").or_insert(json!("Always"));
    spec.entry("dnsPolicy").or_insert(json!("ClusterFirst"));
    for container in spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
        let container = container.as_object_mut().unwrap();
        container.entry("terminationMessagePath").or_insert(json!("/dev/termination-log"));
        for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
            port.as_object_mut().unwrap().entry("protocol").or_insert(json!("TCP"));
        }
    }
}

/// What a Secret of type `kubernetes.io/tls` lacks (validation.ValidateSecret): both keys must be there, empty or not.
pub(crate) fn incomplete(object: &Value) -> Option<(&'static str, String)> {
    let is_tls = object["kind"] == "Secret" && object["type"] == "kubernetes.io/tls";
    let missing = ["tls.crt", "tls.key"].into_iter().find(|key| object["data"].get(key).is_none())?;
    is_tls.then(|| ("data", format!("data[{missing}]: Required value")))
}

/// Why a change is refused: (field, message).
pub(crate) fn immutable(old: &Value, new: &Value) -> Option<(&'static str, String)> {
    let differs = |path: &str| old.pointer(path) != new.pointer(path);
    let is_immutable = |field: &'static str| Some((field, format!("{field}: Invalid value: {{}}: field is immutable")));
    match new["kind"].as_str().unwrap_or_default() {
        "Deployment" | "DaemonSet" if differs("/spec/selector") => is_immutable("spec.selector"),
        "Job" if differs("/spec/template") => is_immutable("spec.template"),
        "Job" if differs("/spec/selector") => is_immutable("spec.selector"),
        "StatefulSet" if differs("/spec/volumeClaimTemplates") || differs("/spec/selector") || differs("/spec/serviceName") => Some((
            "spec",
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden".into(),
        )),
        "Secret" if differs("/type") => is_immutable("type"),
        "RoleBinding" if differs("/roleRef") => Some(("roleRef", "roleRef: Invalid value: {}: cannot change roleRef".into())),
        "PersistentVolumeClaim" => {
            let size = |v: &Value| v.pointer("/spec/resources/requests/storage").and_then(Value::as_str).unwrap_or("0").parse::<mainstay_manifest::Quantity>().unwrap();
            (size(new) < size(old)).then(|| ("spec.resources.requests.storage", "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity".into()))
        }
        _ => None,
    }
}
