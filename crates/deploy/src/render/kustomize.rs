//! Kustomize: a base, a component for each option, and two overlays.

use super::{File, RenderError, check};
use crate::System;
use mainstay_manifest::{Object, yaml};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Fields of a Service that only a way in from outside needs.
const EXPOSURE_FIELDS: [&str; 3] = ["externalTrafficPolicy", "loadBalancerClass", "loadBalancerSourceRanges"];

/// The options that have a component: name, what it is, and whether `overlays/dev` has it too.
const OPTIONS: &[(&str, &str, bool)] = &[
    ("network-policies", "Nothing is open but what the policies name.", true),
    ("loadbalancer", "The gateway gets an address from the cluster's load balancer.", true),
    ("nodeport", "The gateway answers on a port of every node.", true),
    ("ingress", "The gateway is reached through an ingress controller.", true),
    ("gateway-api", "The gateway is reached through a Gateway of the Gateway API.", true),
    ("tls", "The certificate for the host name.", true),
    ("autoscaling", "Autoscalers, which need the cluster's metrics API.", false),
    ("disruption-budgets", "Planned events take one pod at a time.", false),
    ("admission", "Admission policies for the namespace.", false),
    ("monitoring", "Metrics, dashboards and alerts.", false),
    ("logging", "Log collection.", false),
    ("backup", "Backups of the database.", false),
];

/// A kustomize folder: `base/`, `components/<option>/` for the options that are on, `overlays/default` (builds to the
/// objects of the tree) and `overlays/dev` (one pod of each, images from the node, no extras).
///
/// # Errors
/// When two objects want one file or a path leaves the folder.
pub fn kustomize(system: &System) -> Result<Vec<File>, RenderError> {
    let objects = crate::objects(system);
    check(&objects)?;
    let mut parts: Vec<Part> = std::iter::once(("base", ""))
        .chain(OPTIONS.iter().map(|(name, about, _)| (*name, *about)))
        .map(|(name, about)| Part { name, about, objects: Vec::new(), patches: Vec::new() })
        .collect();
    for object in &objects {
        let home = option(object).unwrap_or("base");
        let (mut object, opened) = (object.clone(), if home == "base" { close(object) } else { None });
        if let Some(opened) = opened {
            object.value = opened.closed;
            push(&mut parts, opened.option, |part| part.patches.push(opened.patch));
        }
        push(&mut parts, home, |part| part.objects.push(object));
    }
    parts.retain(|part| part.name == "base" || !part.objects.is_empty() || !part.patches.is_empty());
    let mut files = vec![File::new("README.md", readme(system, &parts))];
    for part in &parts {
        files.extend(part.files());
    }
    let on: Vec<&str> = parts.iter().skip(1).map(|part| part.name).collect();
    files.push(File::new("overlays/default/kustomization.yaml", default_overlay(&on)));
    let dev: Vec<&str> = OPTIONS.iter().filter(|(name, _, dev)| *dev && on.contains(name)).map(|o| o.0).collect();
    files.push(File::new("overlays/dev/kustomization.yaml", dev_overlay(system, &objects, &dev)));
    Ok(files)
}

struct Part {
    name: &'static str,
    about: &'static str,
    objects: Vec<Object>,
    patches: Vec<Value>,
}

fn push(parts: &mut [Part], name: &str, change: impl FnOnce(&mut Part)) {
    if let Some(part) = parts.iter_mut().find(|part| part.name == name) {
        change(part);
    }
}

impl Part {
    fn folder(&self) -> String {
        if self.name == "base" { "base".to_owned() } else { format!("components/{}", self.name) }
    }

    fn files(&self) -> Vec<File> {
        let folder = self.folder();
        let paths: Vec<&str> = self.objects.iter().map(|object| object.path.as_str()).collect();
        let mut value = if self.name == "base" {
            json!({ "apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization" })
        } else {
            json!({ "apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component" })
        };
        if !paths.is_empty() {
            value["resources"] = json!(paths);
        }
        if !self.patches.is_empty() {
            value["patches"] = json!(self.patches);
        }
        let about =
            if self.name == "base" { "The project without its options; overlays add them." } else { self.about };
        let mut files = vec![File::new(format!("{folder}/kustomization.yaml"), commented(about, &value))];
        files.extend(self.objects.iter().map(|o| File::new(format!("{folder}/{}", o.path), yaml::write(o))));
        files
    }
}

/// The option that an object belongs to; none for the base.
fn option(object: &Object) -> Option<&'static str> {
    match object.kind() {
        "NetworkPolicy" => return Some("network-policies"),
        "HorizontalPodAutoscaler" => return Some("autoscaling"),
        "PodDisruptionBudget" => return Some("disruption-budgets"),
        "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding" | "ValidatingPolicy" => {
            return Some("admission");
        }
        "Ingress" => return Some("ingress"),
        "HTTPRoute" => return Some("gateway-api"),
        "Service" if object.phase == mainstay_manifest::Phase::Networking => return way(object),
        _ => {}
    }
    let folder = object.path.split('/').next()?;
    OPTIONS
        .iter()
        .map(|o| o.0)
        .find(|name| ["tls", "monitoring", "logging", "backup"].contains(name) && *name == folder)
}

fn way(object: &Object) -> Option<&'static str> {
    match object.value.pointer("/spec/type").and_then(Value::as_str) {
        Some("LoadBalancer") => Some("loadbalancer"),
        Some("NodePort") => Some("nodeport"),
        _ => None,
    }
}

/// A Service of the base that is also the way in, taken apart.
struct Opened {
    option: &'static str,
    /// The Service as the base has it: inside the cluster only.
    closed: Value,
    /// What opens it again.
    patch: Value,
}

fn close(object: &Object) -> Option<Opened> {
    let option = (object.kind() == "Service").then(|| way(object)).flatten()?;
    let mut closed = object.value.clone();
    let spec = closed.get_mut("spec")?.as_object_mut()?;
    let mut operations = vec![json!({ "op": "replace", "path": "/spec/type", "value": spec.get("type") })];
    spec.insert("type".to_owned(), json!("ClusterIP"));
    for field in EXPOSURE_FIELDS {
        if let Some(value) = spec.remove(field) {
            operations.push(json!({ "op": "add", "path": format!("/spec/{field}"), "value": value }));
        }
    }
    for (index, port) in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate() {
        if let Some(value) = port.as_object_mut().and_then(|port| port.remove("nodePort")) {
            operations.push(json!({ "op": "add", "path": format!("/spec/ports/{index}/nodePort"), "value": value }));
        }
    }
    let patch = json!({
        "target": { "version": "v1", "kind": "Service", "name": object.name() },
        "patch": yaml::write_value(&Value::Array(operations)),
    });
    Some(Opened { option, closed, patch })
}

fn default_overlay(on: &[&str]) -> String {
    let mut value = overlay(on);
    if on.is_empty() {
        value.as_object_mut().map(|map| map.remove("components"));
    }
    commented("Everything that mainstay.toml asks for: the same objects as `mainstay render`.", &value)
}

fn overlay(options: &[&str]) -> Value {
    json!({
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": ["../../base"],
        "components": options.iter().map(|name| format!("../../components/{name}")).collect::<Vec<_>>(),
    })
}

/// One pod of each, and the project's own image from the node: it was loaded there, no registry has it.
fn dev_overlay(system: &System, objects: &[Object], options: &[&str]) -> String {
    let mut value = overlay(options);
    if options.is_empty() {
        value.as_object_mut().map(|map| map.remove("components"));
    }
    let (mut replicas, mut patches) = (Vec::new(), Vec::new());
    for object in objects {
        let here = option(object).is_none_or(|name| options.contains(&name));
        let Some(pod) = super::helm::pod_of(object).filter(|_| here) else { continue };
        if object.kind() == "Deployment" {
            replicas.push(json!({ "name": object.name(), "count": 1 }));
        }
        let operations: Vec<Value> = super::helm::containers(object, pod)
            .into_iter()
            .filter(|(_, container)| container.get("image").and_then(Value::as_str) == Some(&system.image))
            .map(|(at, _)| json!({ "op": "add", "path": format!("{at}/imagePullPolicy"), "value": "Never" }))
            .collect();
        if !operations.is_empty() {
            patches.push(json!({
                "target": { "kind": object.kind(), "name": object.name() },
                "patch": yaml::write_value(&Value::Array(operations)),
            }));
        }
    }
    if !replicas.is_empty() {
        value["replicas"] = json!(replicas);
    }
    if !patches.is_empty() {
        value["patches"] = json!(patches);
    }
    commented(
        "For a cluster on your own machine: one pod of each, no autoscaling, monitoring, log collection or backups,\n\
         and the project's own image from the node, loaded with `kind load`, `k3d image import` or `minikube image load`.",
        &value,
    )
}

fn commented(about: &str, value: &Value) -> String {
    let mut out = String::from("# Generated by `mainstay render --format kustomize`.\n");
    for line in about.lines() {
        let _ = writeln!(out, "# {line}");
    }
    out + &yaml::write_value(value)
}

fn readme(system: &System, parts: &[Part]) -> String {
    let mut out = format!(
        "# {} with kustomize\n\n\
         Generated by `mainstay render --format kustomize` (Mainstay {}) from `mainstay.toml`. What is edited here is lost\n\
         with the next run: put changes of your own into an overlay in a folder of yours that refers to these.\n\n\
         ```sh\n\
         kubectl apply -f base/namespace.yaml\n\
         mainstay render --secrets > secrets.yaml   # once; skip it when something else makes the Secrets\n\
         kubectl create -f secrets.yaml && rm secrets.yaml\n\
         kubectl apply --server-side --field-manager=mainstay -k overlays/default\n\
         ```\n\n\
         The Secrets are made with `create` and not `apply`: what one `apply` wrote, the next `apply` of a file without\n\
         values takes away again. Jobs cannot be changed: before a new version is applied, delete the old ones with\n\
         `kubectl -n {} delete job --all`. The roles wait for the database by themselves.\n\n\
         | Folder | What it is | In `overlays/dev` |\n|---|---|---|\n\
         | base | The project without its options | yes |\n",
        system.project.name, system.project.version, system.namespace,
    );
    for part in parts.iter().skip(1) {
        let dev = OPTIONS.iter().any(|(name, _, dev)| *name == part.name && *dev);
        let _ = writeln!(out, "| {} | {} | {} |", part.folder(), part.about, if dev { "yes" } else { "no" });
    }
    out.push_str(
        "| overlays/default | Base and all components: the same objects as `mainstay render` | |\n\
         | overlays/dev | One pod of each, images from the node | |\n",
    );
    out
}
