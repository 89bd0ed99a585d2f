//! A system and its objects, with ways to ask for them.

use crate::projects;
use mainstay_deploy::{Project, System, objects, secrets};
use mainstay_manifest::yaml::{self, Document};
use mainstay_manifest::{Quantity, SecretSpec, Source};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Every project that the assertions about all objects run over.
pub(crate) const ALL: [&str; 6] = [
    "systems/budget-app",
    "fixtures/budget-app",
    "fixtures/image-portal",
    "fixtures/rest-api",
    "fixtures/task-management",
    "fixtures/xray-api",
];

pub(crate) struct Seed {
    pub(crate) system: System,
    pub(crate) objects: Vec<Value>,
    pub(crate) secrets: Vec<SecretSpec>,
}

/// Pods that an object makes: its kind and name, and the template.
pub(crate) struct Pods<'a> {
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) owner: &'a Value,
    pub(crate) template: &'a Value,
}

pub(crate) fn project(name: &str) -> Project {
    let shelf = if name.starts_with("systems/") { "../.." } else { "tests" };
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(shelf).join(name).join("migrations");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let text =
        |path: &Path| (path.file_name().unwrap().to_string_lossy().into(), std::fs::read_to_string(path).unwrap());
    Project { migrations: files.iter().map(|path| text(path)).collect(), ..projects::read(name) }
}

pub(crate) fn seed(name: &str) -> Seed {
    changed(name, |_| {})
}

/// A seed's project with another setting.
pub(crate) fn changed(name: &str, change: impl FnOnce(&mut Project)) -> Seed {
    let mut project = project(name);
    change(&mut project);
    Seed::of(project)
}

impl Seed {
    pub(crate) fn of(project: Project) -> Self {
        let system = System::plan(project).unwrap_or_else(|error| panic!("{error}"));
        let objects = objects(&system).into_iter().map(|object| object.value).collect();
        Self { secrets: secrets(&system), system, objects }
    }

    pub(crate) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.objects
            .iter()
            .filter(|object| object["kind"] == kind)
            .find(|object| text(object, "/metadata/name") == name)
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> &Value {
        self.find(kind, name).unwrap_or_else(|| {
            let there: Vec<_> = self.of_kind(kind).map(|object| text(object, "/metadata/name")).collect();
            panic!("there is no {kind} {name}; there are {there:?}")
        })
    }

    pub(crate) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    pub(crate) fn pods(&self) -> Vec<Pods<'_>> {
        let pods = |owner| {
            let pointer = match text(owner, "/kind") {
                "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/template",
                "CronJob" => "/spec/jobTemplate/spec/template",
                _ => return None,
            };
            let template = owner.pointer(pointer).unwrap();
            Some(Pods { kind: text(owner, "/kind"), name: text(owner, "/metadata/name"), owner, template })
        };
        self.objects.iter().filter_map(pods).collect()
    }

    /// The main container of a workload.
    pub(crate) fn container(&self, kind: &str, name: &str) -> &Value {
        self.get(kind, name).pointer("/spec/template/spec/containers/0").unwrap()
    }

    /// The specification of a Secret, which must also be an object without values.
    pub(crate) fn secret(&self, name: &str) -> BTreeMap<&str, &Source> {
        self.get("Secret", name);
        let spec = self.secrets.iter().find(|spec| spec.name == name).unwrap();
        spec.keys.iter().map(|key| (key.name.as_str(), &key.source)).collect()
    }

    /// A file in a ConfigMap, read as YAML.
    pub(crate) fn file(&self, config_map: &str, key: &str) -> Value {
        let object = self.get("ConfigMap", config_map);
        let text = object["data"][key].as_str().unwrap_or_else(|| panic!("{config_map} has no {key}"));
        let documents: Vec<Document> = yaml::read(key, text).unwrap();
        documents[0].value.clone()
    }
}

impl Pods<'_> {
    pub(crate) fn who(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    pub(crate) fn spec(&self) -> &Value {
        &self.template["spec"]
    }

    pub(crate) fn containers(&self) -> &[Value] {
        list(self.spec(), "/containers")
    }

    pub(crate) fn init(&self) -> &[Value] {
        list(self.spec(), "/initContainers")
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.containers().iter().chain(self.init())
    }

    pub(crate) fn is_lasting(&self) -> bool {
        !matches!(self.kind, "Job" | "CronJob")
    }

    /// Whether the pods run roles of ours.
    pub(crate) fn has_roles(&self) -> bool {
        self.template.pointer("/metadata/annotations/mainstay.dev~1roles").is_some()
    }
}

pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

pub(crate) fn amount(value: &Value) -> Quantity {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no quantity"));
    text.parse().unwrap()
}

/// Compares values at pointers and tells all that differ.
#[track_caller]
pub(crate) fn expect(object: &Value, rows: &[(&str, Value)]) {
    let differs = |(pointer, wanted): &(&str, Value)| {
        let found = object.pointer(pointer).unwrap_or(&Value::Null);
        (found != wanted).then(|| format!("{pointer}: {found}, and {wanted} was asked for"))
    };
    let wrong: Vec<_> = rows.iter().filter_map(differs).collect();
    let who = format!("{} {}", text(object, "/kind"), text(object, "/metadata/name"));
    assert!(wrong.is_empty(), "{who}\n{}", wrong.join("\n"));
}

/// Requests and limits as the seeds write them: CPU from-to, memory from-to.
#[track_caller]
pub(crate) fn sizes(container: &Value, cpu: (&str, &str), memory: (&str, &str)) {
    expect(
        container,
        &[
            ("/resources/requests/cpu", json!(cpu.0)),
            ("/resources/limits/cpu", json!(cpu.1)),
            ("/resources/requests/memory", json!(memory.0)),
            ("/resources/limits/memory", json!(memory.1)),
        ],
    );
}

/// A probe by GET: path, seconds between and before, and (where it matters) the port's name.
#[track_caller]
pub(crate) fn probe(container: &Value, which: &str, path: &str, every: i32, delay: Option<i32>) {
    let probe = &container[which];
    expect(
        probe,
        &[
            ("/httpGet/path", json!(path)),
            ("/periodSeconds", json!(every)),
            ("/initialDelaySeconds", delay.map_or(Value::Null, |delay| json!(delay))),
        ],
    );
}

/// An autoscaler of a Deployment.
#[track_caller]
pub(crate) fn autoscaler(seed: &Seed, name: &str, deployment: &str, range: (u32, u32), cpu: u32, memory: Option<u32>) {
    let hpa = seed.get("HorizontalPodAutoscaler", name);
    let metric = |name: &str, percent: u32| {
        json!({"type": "Resource", "resource": {
            "name": name, "target": {"type": "Utilization", "averageUtilization": percent},
        }})
    };
    let metrics: Vec<_> =
        [Some(metric("cpu", cpu)), memory.map(|m| metric("memory", m))].into_iter().flatten().collect();
    expect(
        hpa,
        &[
            ("/apiVersion", json!("autoscaling/v2")),
            ("/spec/scaleTargetRef", json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": deployment})),
            ("/spec/minReplicas", json!(range.0)),
            ("/spec/maxReplicas", json!(range.1)),
            ("/spec/metrics", json!(metrics)),
        ],
    );
    seed.get("Deployment", deployment);
}

/// The names of the components that a policy lets in on a port.
pub(crate) fn let_in(policy: &Value, port: u16) -> Vec<&str> {
    let mut names = Vec::new();
    for rule in list(policy, "/spec/ingress") {
        if list(rule, "/ports").iter().any(|p| p["port"] == port) {
            for peer in list(rule, "/from") {
                names.push(text(peer, "/podSelector/matchLabels/app.kubernetes.io~1name"));
            }
            if list(rule, "/from").is_empty() {
                names.push("anybody");
            }
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}
