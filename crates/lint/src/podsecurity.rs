//! The Pod Security Standards, as `pod-security-admission` of Kubernetes 1.31 and later evaluates them.
//!
//! Source: Kubernetes, "Pod Security Standards"; `k8s.io/pod-security-admission/policy`. Fields that later versions
//! restrict more (hosts in probes, 1.34) are restricted here too.

use crate::lookup;
use crate::workload::{Container, Workload};
use serde_json::Value;

/// A level of the standards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A rule that a pod breaks.
#[derive(Debug)]
pub(crate) struct Violation {
    /// The lowest level that forbids it.
    pub(crate) level: Level,
    pub(crate) path: String,
    pub(crate) message: String,
}

/// Where a security context stands: the pod's or a container's.
struct Scope<'a> {
    path: String,
    context: Option<&'a Value>,
    container: Option<&'a Container<'a>>,
}

/// Capabilities that the baseline lets a container add.
const BASELINE_CAPABILITIES: &[&str] = &[
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

const SAFE_SYSCTLS: &[&str] = &[
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

const SELINUX_TYPES: &[&str] = &["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

const VOLUME_TYPES: &[&str] =
    &["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];

/// What a pod breaks, of both levels.
pub(crate) fn evaluate(workload: &Workload<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let pod = Scope {
        path: format!("{}.securityContext", workload.path),
        context: lookup::at(workload.spec, "securityContext"),
        container: None,
    };
    let containers: Vec<Scope<'_>> = workload
        .containers
        .iter()
        .map(|container| Scope {
            path: format!("{}.securityContext", container.path),
            context: lookup::at(container.value, "securityContext"),
            container: Some(container),
        })
        .collect();
    let all: Vec<&Scope<'_>> = std::iter::once(&pod).chain(&containers).collect();
    host(workload, &mut found);
    volumes(workload, &mut found);
    contexts(&all, workload, &mut found);
    for scope in &containers {
        baseline_container(scope, is_in_user_namespace(workload), &mut found);
    }
    let windows = lookup::text(workload.spec, "os.name") == Some("windows");
    if !windows {
        for scope in &containers {
            restricted_container(scope, &mut found);
        }
        inherited_seccomp(&pod, &containers, &mut found);
    }
    users(&pod, &containers, is_in_user_namespace(workload), &mut found);
    found
}

/// In a user namespace, root in the pod is nobody on the node (KEP-127).
fn is_in_user_namespace(workload: &Workload<'_>) -> bool {
    lookup::truth(workload.spec, "hostUsers") == Some(false)
}

fn add(found: &mut Vec<Violation>, level: Level, path: String, message: impl Into<String>) {
    found.push(Violation { level, path, message: message.into() });
}

fn host(workload: &Workload<'_>, found: &mut Vec<Violation>) {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if lookup::is_true(workload.spec, field) {
            add(
                found,
                Level::Baseline,
                format!("{}.{field}", workload.path),
                format!("the pod uses the node's {field}"),
            );
        }
    }
    for container in &workload.containers {
        for (index, port) in lookup::list(container.value, "ports").iter().enumerate() {
            if lookup::number(port, "hostPort").is_some_and(|port| port != 0) {
                let path = format!("{}.ports[{index}].hostPort", container.path);
                add(found, Level::Baseline, path, format!("container \"{}\" takes a port of the node", container.name));
            }
        }
        for place in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle.postStart", "lifecycle.preStop"] {
            for handler in ["httpGet", "tcpSocket"] {
                let path = format!("{place}.{handler}.host");
                if !lookup::word(container.value, &path).is_empty() {
                    let message = format!("container \"{}\" lets the kubelet call another host", container.name);
                    add(found, Level::Baseline, format!("{}.{path}", container.path), message);
                }
            }
        }
    }
}

fn volumes(workload: &Workload<'_>, found: &mut Vec<Violation>) {
    for (index, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
        let name = lookup::word(volume, "name");
        let path = format!("{}.volumes[{index}]", workload.path);
        if lookup::at(volume, "hostPath").is_some() {
            let message = format!("volume \"{name}\" is a folder of the node (hostPath)");
            add(found, Level::Baseline, format!("{path}.hostPath"), message);
        }
        // a volume of no type at all is an emptyDir to the API server
        let kind = volume.as_object().and_then(|fields| {
            fields.iter().find(|(key, value)| *key != "name" && !value.is_null()).map(|(key, _)| key.as_str())
        });
        if let Some(kind) = kind.filter(|kind| !VOLUME_TYPES.contains(kind)) {
            add(found, Level::Restricted, path, format!("volume \"{name}\" is of type {kind}"));
        }
    }
}

/// Rules that hold for the pod's context and each container's alike.
fn contexts(scopes: &[&Scope<'_>], workload: &Workload<'_>, found: &mut Vec<Violation>) {
    for scope in scopes {
        let Some(context) = scope.context else { continue };
        let path = |field: &str| format!("{}.{field}", scope.path);
        if lookup::is_true(context, "windowsOptions.hostProcess") {
            add(found, Level::Baseline, path("windowsOptions.hostProcess"), "it is a Windows HostProcess");
        }
        if lookup::text(context, "seccompProfile.type") == Some("Unconfined") {
            add(found, Level::Baseline, path("seccompProfile.type"), "seccomp is switched off (Unconfined)");
        }
        if lookup::text(context, "appArmorProfile.type") == Some("Unconfined") {
            add(found, Level::Baseline, path("appArmorProfile.type"), "AppArmor is switched off (Unconfined)");
        }
        if let Some(options) = lookup::at(context, "seLinuxOptions") {
            if !SELINUX_TYPES.contains(&lookup::word(options, "type")) {
                add(found, Level::Baseline, path("seLinuxOptions.type"), "the SELinux type is not a container's");
            }
            for field in ["user", "role"] {
                if !lookup::word(options, field).is_empty() {
                    let message = format!("an SELinux {field} is set");
                    add(found, Level::Baseline, path(&format!("seLinuxOptions.{field}")), message);
                }
            }
        }
        if scope.container.is_none() {
            for (index, sysctl) in lookup::list(context, "sysctls").iter().enumerate() {
                let name = lookup::word(sysctl, "name");
                if !SAFE_SYSCTLS.contains(&name) {
                    add(
                        found,
                        Level::Baseline,
                        path(&format!("sysctls[{index}]")),
                        format!("sysctl \"{name}\" is not a safe one"),
                    );
                }
            }
        }
    }
    for (key, value) in lookup::entries(workload.meta, "annotations") {
        let value = value.as_str().unwrap_or_default();
        let allowed = value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        if key.starts_with("container.apparmor.security.beta.kubernetes.io/") && !allowed {
            let path = format!("{}.annotations[{key}]", workload.meta_path);
            add(found, Level::Baseline, path, "AppArmor is switched off by an annotation");
        }
    }
}

fn baseline_container(scope: &Scope<'_>, user_namespace: bool, found: &mut Vec<Violation>) {
    let (Some(container), Some(context)) = (scope.container, scope.context) else { return };
    let name = container.name;
    if lookup::is_true(context, "privileged") {
        add(
            found,
            Level::Baseline,
            format!("{}.privileged", scope.path),
            format!("container \"{name}\" is privileged"),
        );
    }
    for capability in lookup::words(context, "capabilities.add") {
        let path = format!("{}.capabilities.add", scope.path);
        if !BASELINE_CAPABILITIES.contains(&capability) {
            add(found, Level::Baseline, path, format!("container \"{name}\" adds the capability {capability}"));
        } else if capability != "NET_BIND_SERVICE" {
            add(found, Level::Restricted, path, format!("container \"{name}\" adds the capability {capability}"));
        }
    }
    if !matches!(lookup::word(context, "procMount"), "" | "Default") {
        let level = if user_namespace { Level::Restricted } else { Level::Baseline };
        add(found, level, format!("{}.procMount", scope.path), format!("container \"{name}\" sees all of /proc"));
    }
}

fn restricted_container(scope: &Scope<'_>, found: &mut Vec<Violation>) {
    let Some(container) = scope.container else { return };
    let name = container.name;
    let truth = |field| scope.context.and_then(|context| lookup::truth(context, field));
    if truth("allowPrivilegeEscalation") != Some(false) {
        let message = format!("container \"{name}\" does not set allowPrivilegeEscalation to false");
        add(found, Level::Restricted, format!("{}.allowPrivilegeEscalation", scope.path), message);
    }
    let drops = scope.context.map(|context| lookup::words(context, "capabilities.drop")).unwrap_or_default();
    if !drops.contains(&"ALL") {
        let message = format!("container \"{name}\" does not drop ALL capabilities");
        add(found, Level::Restricted, format!("{}.capabilities.drop", scope.path), message);
    }
}

fn inherited_seccomp(pod: &Scope<'_>, containers: &[Scope<'_>], found: &mut Vec<Violation>) {
    let profile = |scope: &Scope<'_>| {
        scope
            .context
            .and_then(|context| lookup::at(context, "seccompProfile"))
            .map(|p| lookup::word(p, "type").to_owned())
    };
    let good = |kind: &str| matches!(kind, "RuntimeDefault" | "Localhost");
    let of_pod = profile(pod);
    if of_pod.as_deref().is_some_and(|kind| !good(kind) && kind != "Unconfined") {
        add(
            found,
            Level::Restricted,
            format!("{}.seccompProfile.type", pod.path),
            "the pod's seccomp profile is none of the known ones",
        );
    }
    for scope in containers {
        let name = scope.container.map_or("", |container| container.name);
        let fine = profile(scope).map_or_else(|| of_pod.as_deref().is_some_and(good), |kind| good(&kind));
        if !fine {
            let message =
                format!("container \"{name}\" has no seccomp profile RuntimeDefault or Localhost, nor has its pod");
            add(found, Level::Restricted, format!("{}.seccompProfile", scope.path), message);
        }
    }
}

fn users(pod: &Scope<'_>, containers: &[Scope<'_>], user_namespace: bool, found: &mut Vec<Violation>) {
    if user_namespace {
        return;
    }
    let non_root = |scope: &Scope<'_>| scope.context.and_then(|context| lookup::truth(context, "runAsNonRoot"));
    let is_root = |scope: &Scope<'_>| scope.context.and_then(|context| lookup::number(context, "runAsUser")) == Some(0);
    let of_pod = non_root(pod);
    if of_pod == Some(false) {
        add(
            found,
            Level::Restricted,
            format!("{}.runAsNonRoot", pod.path),
            "the pod allows root (runAsNonRoot: false)",
        );
    }
    if is_root(pod) {
        add(found, Level::Restricted, format!("{}.runAsUser", pod.path), "the pod runs as root");
    }
    for scope in containers {
        let name = scope.container.map_or("", |container| container.name);
        match non_root(scope).or(of_pod) {
            Some(true) => {}
            Some(false) if non_root(scope).is_none() => {}
            _ => {
                let message = format!("container \"{name}\" may run as root: neither it nor the pod sets runAsNonRoot");
                add(found, Level::Restricted, format!("{}.runAsNonRoot", scope.path), message);
            }
        }
        if is_root(scope) {
            add(
                found,
                Level::Restricted,
                format!("{}.runAsUser", scope.path),
                format!("container \"{name}\" runs as root"),
            );
        }
    }
}
