//! What people change at installation: `values.yaml`, and the points of the objects that each value goes to.

use super::points::{containers, escape, is_secret_reference, pod_of, texts};
use super::template::{Expression, Marked, reference};
use crate::{Kind, System};
use mainstay_manifest::{Object, Phase, keys, yaml};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The values, filled while the objects are gone through.
pub(super) struct Values {
    pub(super) image: Image,
    pull_policy: String,
    pull_secrets: Vec<Value>,
    host: Option<String>,
    /// Names of the Secrets that pods read: as rendered, and as used.
    known_secrets: Vec<String>,
    secrets: BTreeMap<String, String>,
    components: BTreeMap<String, Map<String, Value>>,
    quota: Option<Value>,
    limits: Option<Value>,
}

/// An image reference taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) repository: String,
    /// What stands between repository and version: `:` or `@`, or nothing.
    separator: &'static str,
    pub(super) tag: String,
}

impl Image {
    fn read(text: &str) -> Self {
        let name_starts = text.rfind('/').map_or(0, |at| at + 1);
        // a tag may be followed by a digest: both are then the tag
        let at = text[name_starts..].find([':', '@']).map(|at| at + name_starts);
        let Some(at) = at else { return Self { repository: text.to_owned(), separator: "", tag: String::new() } };
        let separator = if text[at..].starts_with('@') { "@" } else { ":" };
        Self { repository: text[..at].to_owned(), separator, tag: text[at + 1..].to_owned() }
    }

    fn expression(&self) -> Expression {
        let mut text = format!("{{{{ {} }}}}", reference(&["image", "repository"]));
        if !self.separator.is_empty() {
            text.push_str(&format!("{}{{{{ {} }}}}", self.separator, reference(&["image", "tag"])));
        }
        Expression::Text(text)
    }
}

impl Values {
    pub(super) fn new(system: &System) -> Self {
        let services = system.project.services.values().filter_map(|service| service.secret_name.clone());
        let jobs = system.project.jobs.values().filter_map(|job| job.secret_name.clone());
        let made = crate::secrets(system).into_iter().map(|spec| spec.name);
        Self {
            image: Image::read(&system.image),
            pull_policy: String::from("IfNotPresent"),
            pull_secrets: Vec::new(),
            host: system.project.expose.host.clone(),
            known_secrets: made.chain(services).chain(jobs).collect(),
            secrets: BTreeMap::new(),
            components: BTreeMap::new(),
            quota: None,
            limits: None,
        }
    }

    /// Finds the points of an object and notes the values that they have now.
    pub(super) fn mark(&mut self, system: &System, object: &Object) -> Marked {
        let mut object = object.clone();
        let mut points = Vec::new();
        let name = text(&object.value, &format!("/metadata/labels/{}", escape(keys::NAME)));
        let component = system.component(&name).map(|c| c.name.clone());
        if let Some(pod) = pod_of(&object) {
            self.pod(system, &object, pod, component.as_deref(), &mut points);
        }
        match object.kind() {
            "ServiceAccount" => self.pull_secrets(&object, "", &mut points),
            "ResourceQuota" => {
                self.quota = object.value.pointer("/spec/hard").cloned();
                points.push(("/spec/hard".to_owned(), Expression::Yaml(reference(&["quota"]))));
            }
            "LimitRange" => {
                self.limits = object.value.pointer("/spec/limits").cloned();
                points.push(("/spec/limits".to_owned(), Expression::Yaml(reference(&["limitRange"]))));
            }
            _ => {}
        }
        if let Some(component) = component {
            self.numbers(&object, &component, &mut points);
            self.storage(&object, &component, &mut points);
        }
        self.host(system, &object, &mut points);
        self.secret_names(&object, &mut points);
        if object.kind() == "Job" {
            points.push(("/metadata/name".to_owned(), job_name(&object)));
        }
        keep(&mut object);
        Marked { object, points }
    }

    fn component(&mut self, name: &str, key: &str, value: Value) -> String {
        self.components.entry(name.to_owned()).or_default().insert(key.to_owned(), value);
        reference(&["components", name, key])
    }

    fn pod(
        &mut self,
        system: &System,
        object: &Object,
        pod: &str,
        component: Option<&str>,
        points: &mut Vec<(String, Expression)>,
    ) {
        self.pull_secrets(object, pod, points);
        for (index, (at, container)) in containers(object, pod).into_iter().enumerate() {
            let image = text(container, "/image");
            if image == system.image {
                points.push((format!("{at}/image"), self.image.expression()));
                self.pull_policy = text(container, "/imagePullPolicy");
                points.push((format!("{at}/imagePullPolicy"), Expression::Quote(reference(&["image", "pullPolicy"]))));
            }
            let (Some(component), 0) = (component, index) else { continue };
            if image != system.image && !image.is_empty() {
                points
                    .push((format!("{at}/image"), Expression::Quote(self.component(component, "image", json!(image)))));
            }
            if let Some(resources) = container.get("resources").filter(|r| r.as_object().is_some_and(|r| !r.is_empty()))
            {
                let value = self.component(component, "resources", resources.clone());
                points.push((format!("{at}/resources"), Expression::Yaml(value)));
            }
        }
        let hash = format!("{}/metadata/annotations/{}", pod.trim_end_matches("/spec"), escape(keys::CONFIG_HASH));
        let roles = format!("{}/metadata/annotations/{}", pod.trim_end_matches("/spec"), escape(keys::ROLES));
        let before = object.value.pointer(&hash).and_then(Value::as_str);
        let reads_address = object.value.pointer(&roles).is_some() && system.public_url().is_some();
        if let (Some(host), Some(before), true) = (&self.host, before, reads_address) {
            // the address is part of what the pods read: another one rolls them
            let (value, now) = (reference(&["host"]), json!(host));
            let text =
                format!("{before}{{{{ if ne {value} {now} }}}}-{{{{ {value} | sha256sum | trunc 8 }}}}{{{{ end }}}}");
            points.push((hash, Expression::Text(text)));
        }
    }

    fn pull_secrets(&mut self, object: &Object, at: &str, points: &mut Vec<(String, Expression)>) {
        let at = format!("{at}/imagePullSecrets");
        if let Some(secrets) = object.value.pointer(&at).and_then(Value::as_array) {
            self.pull_secrets.clone_from(secrets);
        }
        points.push((at, Expression::Optional(reference(&["imagePullSecrets"]))));
    }

    /// Numbers of pods. PostgreSQL and the stores have one pod each, which is no matter of choice.
    fn numbers(&mut self, object: &Object, component: &str, points: &mut Vec<(String, Expression)>) {
        let at = match object.kind() {
            "Deployment" => &["replicas"][..],
            "HorizontalPodAutoscaler" => &["minReplicas", "maxReplicas"],
            "Cluster" => &["instances"],
            _ => &[],
        };
        for key in at {
            let pointer = format!("/spec/{key}");
            // an exclusive volume allows one pod
            let exclusive = text(&object.value, "/spec/strategy/type") == "Recreate";
            if let Some(number) = object.value.pointer(&pointer).filter(|_| !exclusive).cloned() {
                points.push((pointer, Expression::Int(self.component(component, key, number))));
            }
        }
    }

    fn storage(&mut self, object: &Object, component: &str, points: &mut Vec<(String, Expression)>) {
        let mut at = match object.kind() {
            "PersistentVolumeClaim" => vec!["/spec/resources/requests/storage".to_owned()],
            "PersistentVolume" => vec!["/spec/capacity/storage".to_owned()],
            "Cluster" => vec!["/spec/storage/size".to_owned()],
            _ => Vec::new(),
        };
        let templates =
            object.value.pointer("/spec/volumeClaimTemplates").and_then(Value::as_array).map_or(0, Vec::len);
        at.extend((0..templates).map(|i| format!("/spec/volumeClaimTemplates/{i}/spec/resources/requests/storage")));
        for pointer in at {
            if let Some(size) = object.value.pointer(&pointer).cloned() {
                points.push((pointer, Expression::Quote(self.component(component, "storage", size))));
            }
        }
    }

    fn host(&self, system: &System, object: &Object, points: &mut Vec<(String, Expression)>) {
        let (Some(host), url) = (&self.host, system.public_url()) else { return };
        for (pointer, found) in texts(&object.value) {
            let place = match object.kind() {
                "Ingress" => pointer.starts_with("/spec/rules/") || pointer.starts_with("/spec/tls/"),
                "HTTPRoute" => pointer.starts_with("/spec/hostnames/"),
                "Certificate" => pointer.starts_with("/spec/dnsNames/"),
                _ => false,
            };
            let is_url = object.kind() == "ConfigMap" && pointer.starts_with("/data/");
            if place && found == host {
                points.push((pointer, Expression::Quote(reference(&["host"]))));
            } else if is_url && Some(found) == url.as_deref() {
                let scheme = found.split("://").next().unwrap_or("http");
                points.push((pointer, Expression::Text(format!("{scheme}://{{{{ {} }}}}", reference(&["host"])))));
            }
        }
    }

    fn secret_names(&mut self, object: &Object, points: &mut Vec<(String, Expression)>) {
        // what cert-manager and the External Secrets Operator write to is named by the render, as is what reads it
        if !(pod_of(object).is_some() || ["Ingress", "Cluster"].contains(&object.kind())) {
            return;
        }
        for (pointer, found) in texts(&object.value) {
            if is_secret_reference(&pointer) && self.known_secrets.iter().any(|known| known == found) {
                self.secrets.insert(found.to_owned(), found.to_owned());
                points.push((pointer, Expression::Quote(reference(&["secrets", found]))));
            }
        }
    }

    /// All values as one JSON value.
    pub(super) fn value(&self) -> Value {
        let mut image = json!({ "repository": self.image.repository, "pullPolicy": self.pull_policy });
        if !self.image.separator.is_empty() {
            image["tag"] = json!(self.image.tag);
        }
        let mut value = json!({
            "image": image,
            "imagePullSecrets": self.pull_secrets,
            "components": self.components,
            "secrets": self.secrets,
        });
        for (key, part) in [
            ("host", self.host.as_ref().map(|host| json!(host))),
            ("quota", self.quota.clone()),
            ("limitRange", self.limits.clone()),
        ] {
            if let Some(part) = part {
                value[key] = part;
            }
        }
        value
    }

    /// `values.yaml` with comments.
    pub(super) fn yaml(&self, system: &System) -> String {
        let why = format!(
            "What can be changed at installation; everything else is a setting in mainstay.toml (render again).\n\
             No value here is secret: passwords are in Secrets that exist before `helm install`.\n\
             Generated by `mainstay render --format helm` for {}.",
            system.project.name
        );
        let mut object = Object::new(Phase::Namespace, "values.yaml", why, &self.value())
            .note("/image", "Image of the roles.")
            .note("/imagePullSecrets", "Secrets with registry credentials: [{name: registry}].")
            .note("/host", "Host name of the Ingress, HTTPRoute and certificate.")
            .note("/secrets", "Names of the Secrets that pods read: what they are called here, and there. README.md lists their keys.")
            .note("/quota", "Bounds of the whole namespace. Raise them with the numbers below them.")
            .note("/limitRange", "Bounds of each container and volume.")
            .note("/components", "What runs: pods, sizes, volumes, images of others.");
        for (name, about) in self.components.keys().filter_map(|name| Some((name, system.component(name)?))) {
            let about = match &about.kind {
                Kind::Roles(roles) => format!("roles: {}", roles.iter().map(|r| r.name).collect::<Vec<_>>().join(", ")),
                _ => about.part().to_owned(),
            };
            object = object.note(&format!("/components/{}", escape(name)), &about);
        }
        yaml::write(&object)
    }

    pub(super) fn has_tag(&self) -> bool {
        !self.image.separator.is_empty()
    }
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The name of a Job with a hash of its own content and one of the values: the template of a Job cannot be changed.
fn job_name(object: &Object) -> Expression {
    let name: String = object.name().chars().take(45).collect();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, object.value.to_string().as_bytes());
    let own: String = digest.as_ref().iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    Expression::Text(format!("{}-{own}-{{{{ toJson .Values | sha256sum | trunc 8 }}}}", name.trim_end_matches('-')))
}

/// `helm uninstall` leaves volumes and namespaces alone.
fn keep(object: &mut Object) {
    let lasting = ["PersistentVolumeClaim", "PersistentVolume", "Namespace"].contains(&object.kind());
    if !lasting && object.annotation(keys::KEEP) != Some("true") {
        return;
    }
    if let Some(meta) = object.value.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations = meta.entry("annotations").or_insert_with(|| json!({}));
        annotations["helm.sh/resource-policy"] = json!("keep");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_taken_apart_and_put_together_again() {
        let parts = |text| {
            let image = Image::read(text);
            (image.repository, image.separator, image.tag)
        };
        assert_eq!(parts("app:1.0"), ("app".into(), ":", "1.0".into()));
        assert_eq!(parts("r.example:5000/a/app"), ("r.example:5000/a/app".into(), "", String::new()));
        assert_eq!(parts("r:5000/app:1@sha256:ab"), ("r:5000/app".into(), ":", "1@sha256:ab".into()));
        assert_eq!(parts("app@sha256:ab"), ("app".into(), "@", "sha256:ab".into()));
    }
}
