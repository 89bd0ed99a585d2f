//! Whether a document is an object at all, of a kind that exists, and there once.

use super::check;
use crate::check::{Lint, Theme};
use crate::report::Severity::{Error, Warning};
use crate::{kinds, lookup};
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Documents",
    checks: &[
        check(
            "ML001",
            Error,
            "not a Kubernetes object",
            "The API server takes only objects with apiVersion, kind and metadata.name.",
            "Add what is missing, or keep this file out of the folder.",
        ),
        check(
            "ML002",
            Warning,
            "ignore without a reason",
            "Nobody can judge later whether a silenced finding still may be silent.",
            "Write \"CODE,CODE: reason\".",
        ),
        check(
            "ML003",
            Warning,
            "ignore of an unknown code",
            "A mistyped code silences nothing.",
            "Use a code from the list of checks.",
        ),
        check(
            "ML004",
            Error,
            "object defined twice",
            "Only one of the two survives, and which one depends on the order of applying.",
            "Keep one of them, or give the other another name.",
        ),
        check(
            "ML005",
            Error,
            "API version that is gone",
            "The API server refuses the object.",
            "Change apiVersion, and the fields that changed with it.",
        ),
        check(
            "ML006",
            Error,
            "unknown kind",
            "The API server has no such kind in this group and version.",
            "Correct apiVersion or kind.",
        ),
        check(
            "ML007",
            Error,
            "wrong type of value",
            "The API server refuses the object, or a field is not what it looks like.",
            "Write the type that the field has; quote numbers and booleans where a text is meant.",
        ),
        check(
            "ML008",
            Warning,
            "namespace that is not there",
            "The object cannot be created before its namespace exists.",
            "Correct metadata.namespace, or add the Namespace.",
        ),
    ],
    run: &[identity, twice, versions, types, namespaces],
};

fn identity(lint: &mut Lint<'_>) {
    for (index, item) in lint.world.items.iter().enumerate() {
        if !item.value.is_object() {
            lint.report("ML001", index, "", "The document is not a map.");
            continue;
        }
        let generated = lookup::text(item.value, "metadata.generateName").is_some();
        for (field, value) in
            [("apiVersion", lookup::word(item.value, "apiVersion")), ("kind", item.kind), ("metadata.name", item.name)]
        {
            let is_config = item.group.ends_with("kustomize.config.k8s.io") && field == "metadata.name";
            let written = lookup::at(item.value, field).is_some_and(|found| !found.is_string());
            let unnamed = field == "metadata.name" && generated;
            if value.is_empty() && !written && !unnamed && !is_config {
                lint.report("ML001", index, field, format!("{field} is missing."));
            }
        }
    }
}

fn twice(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (index, item) in world.items.iter().enumerate() {
        let first = world.first_of(index);
        let other = &world.items[first];
        if first != index && !item.name.is_empty() && !item.is.is_empty() && other.group == item.group {
            let message = format!("It is also in {}:{}.", other.source, other.line);
            lint.report("ML004", index, "metadata.name", message);
        }
    }
}

fn versions(lint: &mut Lint<'_>) {
    for (index, item) in lint.world.items.iter().enumerate() {
        let api = lookup::word(item.value, "apiVersion");
        if api.is_empty() || item.kind.is_empty() {
            continue;
        }
        if let Some(retired) = kinds::retired(api, item.kind) {
            let message =
                format!("Kubernetes {} and later have no {api} {}; use {}.", retired.gone, item.kind, retired.instead);
            lint.report("ML005", index, "apiVersion", message);
        } else if kinds::is_known(item.group, item.version, item.kind) == Some(false) {
            let hint = kinds::home(item.kind).map_or(String::new(), |home| format!(" (it is in {home})"));
            lint.report("ML006", index, "kind", format!("There is no {} in {api}{hint}.", item.kind));
        }
    }
}

#[derive(Clone, Copy)]
enum Shape {
    Map,
    List,
    Text,
    Number,
}

impl Shape {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Map => value.is_object(),
            Self::List => value.is_array(),
            Self::Text => value.is_string(),
            Self::Number => value.is_i64() || value.is_u64(),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Map => "a map",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a whole number",
        }
    }
}

fn expect(lint: &mut Lint<'_>, item: usize, value: &Value, base: &str, path: &str, shape: Shape) {
    if let Some(found) = lookup::at(value, path).filter(|found| !shape.fits(found)) {
        let is = match found {
            Value::Object(_) => "a map",
            Value::Array(_) => "a list",
            Value::String(_) => "a text",
            Value::Bool(_) => "true or false",
            _ => "a number",
        };
        let at = if base.is_empty() { path.to_owned() } else { format!("{base}.{path}") };
        lint.report("ML007", item, at, format!("It is {is}; it has to be {}.", shape.word()));
    }
}

fn types(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (index, item) in world.items.iter().enumerate() {
        for path in ["metadata", "metadata.labels", "metadata.annotations", "spec"] {
            if path == "spec" && !kinds::is_known(item.group, item.version, item.kind).unwrap_or(false) {
                continue;
            }
            expect(lint, index, item.value, "", path, Shape::Map);
        }
        for path in ["apiVersion", "kind", "metadata.name", "metadata.namespace"] {
            // YAML takes a bare n, y, on or 1 for something else
            expect(lint, index, item.value, "", path, Shape::Text);
        }
        let mut texts = vec!["metadata.labels", "metadata.annotations"];
        match item.is {
            "ConfigMap" => texts.push("data"),
            "Secret" => texts.extend(["data", "stringData"]),
            "Service" => texts.push("spec.selector"),
            _ => {}
        }
        for path in texts {
            every_text(lint, index, item.value, path);
        }
    }
    for workload in &world.workloads {
        let (item, path) = (workload.item, workload.path);
        expect(lint, item, world.items[item].value, "", path, Shape::Map);
        expect(lint, item, workload.outer, "spec", "replicas", Shape::Number);
        every_text(lint, item, world.items[item].value, &format!("{}.labels", workload.meta_path));
        every_text(lint, item, world.items[item].value, &format!("{}.annotations", workload.meta_path));
        for field in ["containers", "initContainers", "volumes"] {
            expect(lint, item, workload.spec, path, field, Shape::List);
        }
        if workload.main().next().is_none() {
            lint.report("ML007", item, format!("{path}.containers"), "There is no container in the pod.");
        }
        for container in &workload.containers {
            for (field, shape) in [
                ("name", Shape::Text),
                ("image", Shape::Text),
                ("command", Shape::List),
                ("args", Shape::List),
                ("env", Shape::List),
                ("envFrom", Shape::List),
                ("ports", Shape::List),
                ("volumeMounts", Shape::List),
                ("resources", Shape::Map),
                ("securityContext", Shape::Map),
            ] {
                expect(lint, item, container.value, &container.path, field, shape);
            }
            for field in ["command", "args"] {
                for (index, word) in lookup::list(container.value, field).iter().enumerate() {
                    if !word.is_string() {
                        let at = format!("{}.{field}[{index}]", container.path);
                        lint.report("ML007", item, at, "It has to be a text; put it in quotes.");
                    }
                }
            }
            for (index, entry) in lookup::list(container.value, "env").iter().enumerate() {
                expect(lint, item, entry, &format!("{}.env[{index}]", container.path), "value", Shape::Text);
            }
            for (index, entry) in lookup::list(container.value, "ports").iter().enumerate() {
                expect(
                    lint,
                    item,
                    entry,
                    &format!("{}.ports[{index}]", container.path),
                    "containerPort",
                    Shape::Number,
                );
            }
        }
    }
}

fn every_text(lint: &mut Lint<'_>, item: usize, value: &Value, path: &str) {
    for (key, value) in lookup::entries(value, path) {
        if !value.is_string() && !value.is_null() {
            lint.report(
                "ML007",
                item,
                format!("{path}[{key}]"),
                format!("It is {} and has to be a text; put it in quotes.", lookup::brief(value)),
            );
        }
    }
}

fn namespaces(lint: &mut Lint<'_>) {
    let world = lint.world;
    if world.of_kind("Namespace").is_empty() {
        return;
    }
    for (index, item) in world.items.iter().enumerate() {
        let built_in = matches!(item.namespace, "" | "default" | "kube-system" | "kube-public" | "kube-node-lease");
        if !built_in && world.find("Namespace", "", item.namespace).is_none() {
            let message = format!("Namespace \"{}\" is not among the given ones.", item.namespace);
            lint.report("ML008", index, "metadata.namespace", message);
        }
        if item.namespace.is_empty() && kinds::is_namespaced(item.is) {
            let message = "No namespace is written, although the files bring one: it lands wherever kubectl points.";
            lint.report("ML008", index, "metadata.namespace", message);
        }
    }
}
