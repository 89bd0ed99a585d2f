//! The chart. Its templates are rendered by our own reading of them, and by Helm itself where there is one (`HELM`, or
//! `helm` on the path).

use crate::fixture;
use crate::gotemplate;
use crate::kustomize::{Folder, by_id, run};
use mainstay_deploy::{System, objects, render};
use mainstay_manifest::{Id, Object, keys, yaml};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::process::Command;

/// The objects that the chart should make: those of the tree without the release's own namespace and without Secrets.
fn expected(system: &System) -> BTreeMap<Id, Value> {
    let inside = |o: &Object| o.kind() != "Secret" && !(o.kind() == "Namespace" && o.name() == system.namespace);
    objects(system).into_iter().filter(inside).map(|object| (object.id(), object.value)).collect()
}

/// Compares what a chart makes with the tree; the differences that the chart's README names are taken back first.
fn compare(system: &System, made: BTreeMap<Id, Value>) {
    let expected = expected(system);
    let mut made: BTreeMap<Id, Value> = made
        .into_values()
        .map(|mut value| {
            if value["kind"] == "Job" {
                let name = value["metadata"]["name"].as_str().unwrap().to_owned();
                let (rest, digest) = name.rsplit_once('-').unwrap();
                let (rest, own) = rest.rsplit_once('-').unwrap();
                assert!(digest.len() == 8 && own.len() == 8 && name.len() <= 63, "{name}");
                value["metadata"]["name"] = json!(rest);
            }
            let keep = value
                .pointer_mut("/metadata/annotations")
                .and_then(Value::as_object_mut)
                .and_then(|a| a.remove("helm.sh/resource-policy"));
            if value.pointer("/metadata/annotations") == Some(&json!({})) {
                value["metadata"].as_object_mut().unwrap().remove("annotations");
            }
            let lasting =
                ["PersistentVolume", "PersistentVolumeClaim", "Namespace"].contains(&value["kind"].as_str().unwrap());
            let marked = value.pointer("/metadata/annotations").is_some_and(|a| a[keys::KEEP] == "true");
            assert_eq!(keep.is_some(), lasting || marked, "{value}");
            (Id::of(&value), value)
        })
        .collect();
    assert_eq!(made.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (id, value) in expected {
        assert_eq!(made.remove(&id).unwrap(), value, "{id} of {}", system.project.name);
    }
}

fn file<'a>(files: &'a [render::File], path: &str) -> &'a str {
    &files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("{path} is missing")).text
}

fn values(files: &[render::File]) -> Value {
    yaml::read("values.yaml", file(files, "values.yaml")).unwrap().remove(0).value
}

/// Renders the chart by our own reading of its templates.
fn template(files: &[render::File], values: &Value, namespace: &str) -> Result<String, String> {
    let root = json!({ "Values": values, "Release": { "Namespace": namespace } });
    let mut out = String::new();
    for file in files.iter().filter(|f| f.path.starts_with("templates/") && f.path.ends_with(".yaml")) {
        out.push_str("---\n");
        out.push_str(&gotemplate::render(&file.text, &root).map_err(|error| format!("{}: {error}", file.path))?);
        out.push('\n');
    }
    Ok(out)
}

#[test]
fn the_chart_makes_the_objects_of_the_tree() {
    for system in fixture::all() {
        let files = render::helm(&system).unwrap();
        let text = template(&files, &values(&files), &system.namespace).unwrap();
        compare(&system, by_id(&text));
    }
}

#[test]
fn another_namespace_is_refused() {
    let files = render::helm(&fixture::small()).unwrap();
    let error = template(&files, &values(&files), "default").unwrap_err();
    assert!(error.contains("this chart is for the namespace notes"), "{error}");
}

#[test]
fn values_reach_the_objects() {
    let system = fixture::large();
    let files = render::helm(&system).unwrap();
    let mut values = values(&files);
    let job =
        |text: &str| by_id(text).into_keys().find(|id| id.kind == "Job" && id.name.starts_with("db-init-")).unwrap();
    let before = job(&template(&files, &values, "shop").unwrap());
    values["image"]["tag"] = json!("9.9.9");
    values["imagePullSecrets"] = json!([]);
    values["host"] = json!("other.example.com");
    values["components"]["auth"]["replicas"] = json!(7);
    values["components"]["gateway"]["maxReplicas"] = json!(20);
    values["components"]["postgres"]["storage"] = json!("50Gi");
    values["components"]["postgres"]["image"] = json!("mirror/postgres:17");
    values["components"]["auth"]["resources"] = json!({ "requests": { "cpu": "1" } });
    values["secrets"]["auth-secret"] = json!("mine");
    let text = template(&files, &values, "shop").unwrap();
    let made = by_id(&text);
    let get = |kind: &str, name: &str| made.iter().find(|(id, _)| id.kind == kind && id.name == name).unwrap().1;
    let auth = &get("Deployment", "auth")["spec"];
    assert_eq!(auth["replicas"], 7);
    assert_eq!(auth["template"]["spec"]["containers"][0]["image"], "registry.example.com:5000/shop/app:9.9.9");
    assert_eq!(auth["template"]["spec"]["containers"][0]["resources"], json!({ "requests": { "cpu": "1" } }));
    assert_eq!(auth["template"]["spec"]["imagePullSecrets"], Value::Null);
    let volumes = auth["template"]["spec"]["volumes"].as_array().unwrap();
    assert!(volumes.iter().any(|volume| volume["secret"]["secretName"] == "mine"));
    assert_eq!(get("HorizontalPodAutoscaler", "gateway-hpa")["spec"]["maxReplicas"], 20);
    assert_eq!(get("Ingress", "gateway")["spec"]["rules"][0]["host"], "other.example.com");
    assert_eq!(get("ConfigMap", "gateway-config")["data"]["MAINSTAY_GATEWAY_PUBLIC_URL"], "https://other.example.com");
    let postgres = get("StatefulSet", "postgres");
    assert_eq!(postgres.pointer("/spec/volumeClaimTemplates/0/spec/resources/requests/storage"), Some(&json!("50Gi")));
    assert_eq!(postgres.pointer("/spec/template/spec/containers/0/image"), Some(&json!("mirror/postgres:17")));
    assert!(!text.contains("shop.example.com\n") && !text.contains("/app:1.4.2"));
    let hash = format!("metadata/annotations/{}", keys::CONFIG_HASH.replace('/', "~1"));
    let rolled = auth.pointer(&format!("/template/{hash}")).and_then(Value::as_str).unwrap();
    assert!(rolled.contains('-'), "another host rolls the pods: {rolled}");
    assert_ne!(job(&text), before, "other values make a new Job");
}

#[test]
fn no_value_is_secret_and_every_value_is_described() {
    for system in fixture::all() {
        let files = render::helm(&system).unwrap();
        for text in ["password", "token"] {
            assert!(!file(&files, "values.yaml").lines().any(|l| !l.trim_start().starts_with('#') && l.contains(text)));
        }
        let schema: Value = serde_json::from_str(file(&files, "values.schema.json")).unwrap();
        described(&schema, &schema, &values(&files), "values");
    }
}

/// Each value has a property with a description in the schema, and no further ones are allowed.
fn described(root: &Value, schema: &Value, value: &Value, at: &str) {
    let schema = match schema["$ref"].as_str() {
        Some(target) => root.pointer(target.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    assert!(schema["description"].is_string() || schema["$ref"].is_string(), "{at} is not described");
    let (Some(properties), Some(map)) = (schema["properties"].as_object(), value.as_object()) else { return };
    assert_eq!(schema["additionalProperties"], false, "{at}");
    for (key, value) in map {
        described(root, properties.get(key).unwrap_or_else(|| panic!("{at}.{key}")), value, &format!("{at}.{key}"));
    }
}

fn helm() -> Option<String> {
    let name = std::env::var("HELM").unwrap_or_else(|_| "helm".to_owned());
    let works = Command::new(&name).arg("version").output().is_ok_and(|output| output.status.success());
    assert!(works || std::env::var_os("HELM").is_none(), "HELM={name} does not run");
    works.then_some(name)
}

#[test]
fn helm_makes_the_same_objects_and_refuses_wrong_values() {
    let Some(helm) = helm() else {
        eprintln!("no helm: set HELM to its path to run this test");
        return;
    };
    for system in fixture::all() {
        let chart = Folder::of(&format!("helm-{}", system.project.name), &render::helm(&system).unwrap());
        let version = format!("{}.0", system.project.kubernetes.version);
        let command = |verb: &str| {
            let mut command = Command::new(&helm);
            command.arg(verb);
            if verb == "template" {
                command.args(["release"]);
            }
            command.arg(&chart.0).args(["--namespace", &system.namespace, "--kube-version", &version]);
            command
        };
        run(command("lint").arg("--strict"));
        compare(&system, by_id(&run(&mut command("template"))));
        for wrong in [
            "image.colour=red",
            "image.pullPolicy=Sometimes",
            "image.tag=",
            "components.gateway.resources.requests.cpu=lots",
        ] {
            let output = command("template").args(["--set", wrong]).output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            let tagless = wrong.starts_with("image.tag") && !system.image.contains([':', '@']);
            assert!(tagless || (!output.status.success() && error.contains("schema")), "{wrong}: {error}");
        }
        let output = Command::new(&helm)
            .args(["template", "release"])
            .arg(&chart.0)
            .args(["--namespace", "elsewhere", "--kube-version", &version])
            .output()
            .unwrap();
        assert!(String::from_utf8_lossy(&output.stderr).contains("this chart is for the namespace"), "{output:?}");
        run(Command::new(&helm).arg("package").arg(&chart.0).arg("--destination").arg(&chart.0));
    }
}
