//! Whether the ConfigMaps, Secrets and accounts that pods and bindings name exist.

use super::{check, missing};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const THEME: Theme = Theme {
    name: "References of pods and bindings",
    checks: &[
        check(
            "ML101",
            Error,
            "ConfigMap that does not exist",
            "The pod waits in CreateContainerConfigError or ContainerCreating for ever.",
            "Correct the name, add the ConfigMap, or set optional: true.",
        ),
        check(
            "ML102",
            Error,
            "Secret that does not exist",
            "The pod waits in CreateContainerConfigError or ContainerCreating for ever.",
            "Correct the name, add the Secret, or set optional: true.",
        ),
        check(
            "ML103",
            Error,
            "key that does not exist",
            "The container does not start without the key.",
            "Correct the key, add it, or set optional: true.",
        ),
        check(
            "ML104",
            Error,
            "PersistentVolumeClaim that does not exist",
            "The pod cannot be scheduled.",
            "Correct the name or add the claim.",
        ),
        check(
            "ML105",
            Error,
            "ServiceAccount that does not exist",
            "No pod is created; bindings have no effect.",
            "Correct the name or add the ServiceAccount.",
        ),
        check(
            "ML106",
            Advice,
            "image pull Secret that is not in the files",
            "Pulling from a private registry fails without it.",
            "Make sure that it exists in the namespace before the pods start.",
        ),
        check(
            "ML107",
            Error,
            "role that does not exist",
            "The binding gives no rights.",
            "Correct roleRef or add the role.",
        ),
        check(
            "ML108",
            Warning,
            "PriorityClass that does not exist",
            "The API server refuses pods with an unknown PriorityClass.",
            "Correct the name or add the PriorityClass.",
        ),
    ],
    run: &[pods, accounts, claims, priorities, bindings],
};

/// A use of a ConfigMap or Secret.
struct Use<'a> {
    kind: &'static str,
    name: &'a str,
    /// Keys that have to be there.
    keys: Vec<(&'a str, String)>,
    path: String,
}

fn pods(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let mut uses = Vec::new();
        for (index, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
            let path = format!("{}.volumes[{index}]", workload.path);
            of_volume(volume, &path, &mut uses);
            for (index, source) in lookup::list(volume, "projected.sources").iter().enumerate() {
                of_projection(source, &format!("{path}.projected.sources[{index}]"), &mut uses);
            }
        }
        for container in &workload.containers {
            of_environment(container.value, &container.path, &mut uses);
        }
        for one in uses {
            look_up(lint, workload.item, workload.namespace, one);
        }
        for (index, entry) in lookup::list(workload.spec, "imagePullSecrets").iter().enumerate() {
            let name = lookup::word(entry, "name");
            if !name.is_empty() && !makes_secret(world, workload.namespace, name) {
                let path = format!("{}.imagePullSecrets[{index}]", workload.path);
                lint.report("ML106", workload.item, path, format!("Secret \"{name}\" is not among the given files."));
            }
        }
    }
}

fn push<'a>(uses: &mut Vec<Use<'a>>, kind: &'static str, name: Option<&'a str>, holder: &'a Value, path: String) {
    let Some(name) = name.filter(|name| !name.is_empty()) else { return };
    if lookup::is_true(holder, "optional") {
        return;
    }
    let items = lookup::list(holder, "items").iter().enumerate();
    let mut keys: Vec<_> =
        items.filter_map(|(i, item)| Some((lookup::text(item, "key")?, format!("{path}.items[{i}].key")))).collect();
    if let Some(key) = lookup::text(holder, "key") {
        keys.push((key, format!("{path}.key")));
    }
    uses.push(Use { kind, name, keys, path });
}

fn of_volume<'a>(volume: &'a Value, path: &str, uses: &mut Vec<Use<'a>>) {
    if let Some(source) = lookup::at(volume, "configMap") {
        push(uses, "ConfigMap", lookup::text(source, "name"), source, format!("{path}.configMap"));
    }
    if let Some(source) = lookup::at(volume, "secret") {
        push(uses, "Secret", lookup::text(source, "secretName"), source, format!("{path}.secret"));
    }
}

fn of_projection<'a>(source: &'a Value, path: &str, uses: &mut Vec<Use<'a>>) {
    for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        if let Some(holder) = lookup::at(source, field) {
            push(uses, kind, lookup::text(holder, "name"), holder, format!("{path}.{field}"));
        }
    }
}

fn of_environment<'a>(container: &'a Value, path: &str, uses: &mut Vec<Use<'a>>) {
    for (index, entry) in lookup::list(container, "envFrom").iter().enumerate() {
        for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
            if let Some(holder) = lookup::at(entry, field) {
                push(uses, kind, lookup::text(holder, "name"), holder, format!("{path}.envFrom[{index}].{field}"));
            }
        }
    }
    for (index, entry) in lookup::list(container, "env").iter().enumerate() {
        for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")] {
            if let Some(holder) = lookup::at(entry, &format!("valueFrom.{field}")) {
                let path = format!("{path}.env[{index}].valueFrom.{field}");
                push(uses, kind, lookup::text(holder, "name"), holder, path);
            }
        }
    }
}

fn look_up(lint: &mut Lint<'_>, item: usize, namespace: &str, one: Use<'_>) {
    let world = lint.world;
    let Some(found) = world.find(one.kind, namespace, one.name) else {
        let made = (one.kind == "ConfigMap" && one.name == "kube-root-ca.crt")
            || (one.kind == "Secret" && makes_secret(world, namespace, one.name));
        if !made {
            let code = if one.kind == "ConfigMap" { "ML101" } else { "ML102" };
            missing(lint, code, item, one.path, one.kind, namespace, one.name);
        }
        return;
    };
    let Some(present) = keys_of(&world.items[found]) else { return };
    for (key, path) in one.keys {
        if !present.contains(key) {
            lint.report("ML103", item, path, format!("{} \"{}\" has no key \"{key}\".", one.kind, one.name));
        }
    }
}

/// The keys of a ConfigMap or Secret; `None` when the files do not tell them, as for Secrets that are filled later.
fn keys_of<'a>(item: &'a crate::world::Item<'_>) -> Option<BTreeSet<&'a str>> {
    let mut keys: BTreeSet<&str> = ["data", "binaryData", "stringData"]
        .iter()
        .flat_map(|field| lookup::entries(item.value, field).map(|(key, _)| key))
        .collect();
    if let Some(announced) = item.annotation(mainstay_manifest::keys::SECRET_KEYS) {
        keys.extend(announced.split(',').map(str::trim).filter(|key| !key.is_empty()));
    }
    (!keys.is_empty()).then_some(keys)
}

/// Whether a Secret is in the files, or something in them makes it.
pub(super) fn makes_secret(world: &World<'_>, namespace: &str, name: &str) -> bool {
    let made_by = |kind: &str, field: &str| {
        world.of_kind_in(kind, namespace).iter().any(|item| lookup::word(world.items[*item].value, field) == name)
    };
    world.find("Secret", namespace, name).is_some()
        || world.find("SealedSecret", namespace, name).is_some()
        || made_by("Certificate", "spec.secretName")
        || made_by("ExternalSecret", "spec.target.name")
        || (world.find("ExternalSecret", namespace, name).is_some())
        || is_of_cluster(world, namespace, name)
}

/// CloudNativePG makes `NAME-app`, `NAME-superuser`, `NAME-ca` and others for its `Cluster`.
fn is_of_cluster(world: &World<'_>, namespace: &str, name: &str) -> bool {
    name.rsplit_once('-').is_some_and(|(cluster, part)| {
        matches!(part, "app" | "superuser" | "ca" | "server" | "replication")
            && world.find("Cluster", namespace, cluster).is_some()
    })
}

fn accounts(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let name = lookup::word(workload.spec, "serviceAccountName");
        if !matches!(name, "" | "default") && world.find("ServiceAccount", workload.namespace, name).is_none() {
            let path = format!("{}.serviceAccountName", workload.path);
            missing(lint, "ML105", workload.item, path, "ServiceAccount", workload.namespace, name);
        }
    }
}

fn claims(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for (index, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
            let name = lookup::word(volume, "persistentVolumeClaim.claimName");
            if !name.is_empty()
                && world.find("PersistentVolumeClaim", workload.namespace, name).is_none()
                && !of_template(world, workload.namespace, name)
            {
                let path = format!("{}.volumes[{index}].persistentVolumeClaim.claimName", workload.path);
                missing(lint, "ML104", workload.item, path, "PersistentVolumeClaim", workload.namespace, name);
            }
        }
    }
}

/// Whether a claim is made by a StatefulSet: `TEMPLATE-SET-ORDINAL`.
fn of_template(world: &World<'_>, namespace: &str, name: &str) -> bool {
    let Some((stem, ordinal)) = name.rsplit_once('-') else { return false };
    ordinal.parse::<u32>().is_ok()
        && world.of_kind_in("StatefulSet", namespace).iter().any(|item| {
            let set = &world.items[*item];
            lookup::list(set.value, "spec.volumeClaimTemplates")
                .iter()
                .any(|template| format!("{}-{}", lookup::word(template, "metadata.name"), set.name) == stem)
        })
}

fn priorities(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let name = lookup::word(workload.spec, "priorityClassName");
        if !name.is_empty() && !name.starts_with("system-") && world.find("PriorityClass", "", name).is_none() {
            let message = format!("PriorityClass \"{name}\" is not among the given files.");
            lint.report("ML108", workload.item, format!("{}.priorityClassName", workload.path), message);
        }
    }
}

fn bindings(lint: &mut Lint<'_>) {
    let world = lint.world;
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for index in world.of_kind(kind) {
            let item = &world.items[*index];
            let role = lookup::word(item.value, "roleRef.name");
            let of = lookup::word(item.value, "roleRef.kind");
            let home = if of == "Role" { item.namespace } else { "" };
            let built_in = of == "ClusterRole"
                && (role.starts_with("system:") || matches!(role, "admin" | "edit" | "view" | "cluster-admin"));
            if !built_in && !role.is_empty() && world.find(of, home, role).is_none() {
                missing(lint, "ML107", *index, "roleRef.name", of, home, role);
            }
            for (position, subject) in lookup::list(item.value, "subjects").iter().enumerate() {
                let name = lookup::word(subject, "name");
                let namespace = lookup::text(subject, "namespace").unwrap_or(item.namespace);
                let is_account = lookup::word(subject, "kind") == "ServiceAccount" && name != "default";
                if is_account && world.find("ServiceAccount", namespace, name).is_none() {
                    let path = format!("subjects[{position}].name");
                    missing(lint, "ML105", *index, path, "ServiceAccount", namespace, name);
                }
            }
        }
    }
}
