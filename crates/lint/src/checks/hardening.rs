//! Good habits beyond the Pod Security Standards.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Warning};
use crate::workload::{Role, Workload};
use crate::world::World;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Hardening",
    checks: &[
        check(
            "ML621",
            Advice,
            "user id below 10000",
            "It may be the id of a real user of the node.",
            "Use runAsUser 10000 or above.",
        ),
        check(
            "ML622",
            Warning,
            "writable root file system",
            "An intruder can change the program.",
            "Set readOnlyRootFilesystem: true and mount an emptyDir where the program writes.",
        ),
        check(
            "ML623",
            Warning,
            "API token in the pod",
            "An intruder can talk to the API server with it.",
            "Set automountServiceAccountToken: false, unless the program calls the API; then give its account a role.",
        ),
        check(
            "ML624",
            Advice,
            "default ServiceAccount",
            "All workloads share it, and so do rights that somebody gives to it.",
            "Give the workload a ServiceAccount of its own.",
        ),
        check(
            "ML625",
            Advice,
            "Service addresses in the environment",
            "Kubernetes adds variables for every Service, and they can collide with yours.",
            "Set enableServiceLinks: false.",
        ),
        check(
            "ML626",
            Advice,
            "Secret in an environment variable",
            "Environments end up in crash reports and are visible to child processes.",
            "Mount the Secret as files.",
        ),
    ],
    run: &[users, roots, tokens, accounts, environments],
};

/// Node agents run as what the node needs.
fn is_agent(world: &World<'_>, workload: &Workload<'_>) -> bool {
    super::security::enforced(world, workload.namespace) == Some(crate::podsecurity::Level::Privileged)
}

fn users(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in world.workloads.iter().filter(|workload| !is_agent(world, workload)) {
        if let Some(uid) = low(workload.spec) {
            let path = format!("{}.securityContext.runAsUser", workload.path);
            lint.report("ML621", workload.item, path, format!("The pod runs as user {uid}."));
        }
        for container in &workload.containers {
            if let Some(uid) = low(container.value) {
                let path = format!("{}.securityContext.runAsUser", container.path);
                lint.report(
                    "ML621",
                    workload.item,
                    path,
                    format!("Container \"{}\" runs as user {uid}.", container.name),
                );
            }
        }
    }
}

fn low(holder: &Value) -> Option<i64> {
    lookup::number(holder, "securityContext.runAsUser").filter(|uid| (1..10_000).contains(uid))
}

fn roots(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in world.workloads.iter().filter(|workload| !is_agent(world, workload)) {
        for container in workload.containers.iter().filter(|container| container.role != Role::Ephemeral) {
            if !lookup::is_true(container.value, "securityContext.readOnlyRootFilesystem") {
                let path = format!("{}.securityContext.readOnlyRootFilesystem", container.path);
                lint.report(
                    "ML622",
                    workload.item,
                    path,
                    format!("Container \"{}\" can write to its image.", container.name),
                );
            }
        }
    }
}

fn account<'a>(workload: &Workload<'a>) -> &'a str {
    lookup::text(workload.spec, "serviceAccountName").filter(|name| !name.is_empty()).unwrap_or("default")
}

/// Whether some role is bound to the account: then the program means to call the API.
fn has_rights(world: &World<'_>, namespace: &str, name: &str) -> bool {
    let bound = |index: &usize| {
        let item = &world.items[*index];
        lookup::list(item.value, "subjects").iter().any(|subject| {
            lookup::word(subject, "name") == name
                && lookup::text(subject, "namespace").unwrap_or(item.namespace) == namespace
                && lookup::word(subject, "kind") == "ServiceAccount"
        })
    };
    world.of_kind("RoleBinding").iter().any(bound) || world.of_kind("ClusterRoleBinding").iter().any(bound)
}

fn tokens(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let name = account(workload);
        let of_account = world
            .find("ServiceAccount", workload.namespace, name)
            .and_then(|item| lookup::truth(world.items[item].value, "automountServiceAccountToken"));
        let mounted = lookup::truth(workload.spec, "automountServiceAccountToken").or(of_account).unwrap_or(true);
        if mounted && !(name != "default" && has_rights(world, workload.namespace, name)) {
            let message = format!("The token of account \"{name}\", which has no rights in these files, is mounted.");
            lint.report("ML623", workload.item, format!("{}.automountServiceAccountToken", workload.path), message);
        }
    }
}

fn accounts(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        if account(workload) == "default" {
            lint.report(
                "ML624",
                workload.item,
                format!("{}.serviceAccountName", workload.path),
                "The pod uses the account \"default\".",
            );
        }
        if lookup::truth(workload.spec, "enableServiceLinks") != Some(false) {
            lint.report(
                "ML625",
                workload.item,
                format!("{}.enableServiceLinks", workload.path),
                "It is not switched off.",
            );
        }
    }
}

fn environments(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for container in &workload.containers {
            for (e, entry) in lookup::list(container.value, "env").iter().enumerate() {
                if let Some(name) = lookup::text(entry, "valueFrom.secretKeyRef.name") {
                    let message = format!("{} comes from Secret \"{name}\".", lookup::word(entry, "name"));
                    lint.report("ML626", workload.item, format!("{}.env[{e}]", container.path), message);
                }
            }
            for (e, entry) in lookup::list(container.value, "envFrom").iter().enumerate() {
                if let Some(name) = lookup::text(entry, "secretRef.name") {
                    let message = format!("All keys of Secret \"{name}\" are in the environment.");
                    lint.report("ML626", workload.item, format!("{}.envFrom[{e}]", container.path), message);
                }
            }
        }
    }
}
