//! Rights.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Error, Warning};
use crate::world::World;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Rights",
    checks: &[
        check(
            "ML901",
            Error,
            "wildcard in a role",
            "It gives rights that nobody thought of, on kinds that do not exist yet.",
            "Name the groups, resources and verbs.",
        ),
        check(
            "ML902",
            Error,
            "role that reads all Secrets",
            "list and watch hand out the values of every Secret it reaches.",
            "Give \"get\" on the named Secrets, in a Role of the namespace.",
        ),
        check(
            "ML903",
            Error,
            "role that can give itself rights",
            "escalate, bind and impersonate lead to every right there is.",
            "Remove the verb, or name the roles with resourceNames.",
        ),
        check(
            "ML904",
            Error,
            "role that can enter pods",
            "exec, attach and portforward are shells and wires into every pod.",
            "Remove the resource.",
        ),
        check(
            "ML905",
            Error,
            "binding of cluster-admin",
            "It is every right on everything.",
            "Bind a role with the rights that are needed.",
        ),
        check(
            "ML906",
            Error,
            "rights for the default account",
            "Every pod without an account of its own has them.",
            "Give the workload a ServiceAccount and bind that.",
        ),
        check(
            "ML907",
            Error,
            "rights for everybody",
            "These groups hold everyone who reaches the API server, or every account.",
            "Name the users, groups or accounts.",
        ),
        check(
            "ML908",
            Error,
            "binding that gives nothing",
            "The API server refuses it, or it has no effect.",
            "Give it a roleRef with kind and name, and subjects.",
        ),
    ],
    run: &[roles, bindings],
};

fn has(rule: &Value, field: &str, words: &[&str]) -> bool {
    lookup::words(rule, field).iter().any(|word| words.contains(word))
}

fn roles(lint: &mut Lint<'_>) {
    let world = lint.world;
    for kind in ["Role", "ClusterRole"] {
        for index in world.of_kind(kind) {
            for (r, rule) in lookup::list(world.items[*index].value, "rules").iter().enumerate() {
                one(lint, *index, kind, rule, &format!("rules[{r}]"));
            }
        }
    }
}

fn one(lint: &mut Lint<'_>, index: usize, kind: &str, rule: &Value, path: &str) {
    let wild: Vec<&str> =
        ["apiGroups", "resources", "verbs"].into_iter().filter(|field| has(rule, field, &["*"])).collect();
    if !wild.is_empty() {
        let everything = wild.contains(&"verbs") && wild.contains(&"resources");
        let severity = if everything || kind == "ClusterRole" { Error } else { Warning };
        lint.report_as(severity, "ML901", index, path, format!("\"*\" stands for all {}.", wild.join(" and all ")));
    }
    let named = !lookup::list(rule, "resourceNames").is_empty();
    let core = has(rule, "apiGroups", &["", "*"]);
    if core && !named && has(rule, "resources", &["secrets"]) && has(rule, "verbs", &["list", "watch", "get", "*"]) {
        let lists = has(rule, "verbs", &["list", "watch", "*"]);
        if kind == "ClusterRole" || lists {
            let severity = if kind == "ClusterRole" { Error } else { Warning };
            lint.report_as(severity, "ML902", index, path, "It may read Secrets that it does not name.");
        }
    }
    for verb in ["escalate", "bind", "impersonate"] {
        if has(rule, "verbs", &[verb]) && !(named && verb == "bind") {
            lint.report("ML903", index, path, format!("It has the verb {verb}."));
        }
    }
    for resource in ["pods/exec", "pods/attach", "pods/portforward"] {
        if core && has(rule, "resources", &[resource]) && has(rule, "verbs", &["create", "get", "*"]) {
            lint.report("ML904", index, path, format!("It has the resource {resource}."));
        }
    }
}

fn bindings(lint: &mut Lint<'_>) {
    let world = lint.world;
    for kind in ["RoleBinding", "ClusterRoleBinding"] {
        for index in world.of_kind(kind) {
            binding(lint, world, *index, kind);
        }
    }
}

fn binding(lint: &mut Lint<'_>, world: &World<'_>, index: usize, kind: &str) {
    let value = world.items[index].value;
    let (of, role) = (lookup::word(value, "roleRef.kind"), lookup::word(value, "roleRef.name"));
    if !matches!(of, "Role" | "ClusterRole") || role.is_empty() || (kind == "ClusterRoleBinding" && of == "Role") {
        lint.report("ML908", index, "roleRef", format!("A {kind} cannot give the {of} \"{role}\"."));
    }
    if of == "ClusterRole" && role == "cluster-admin" {
        lint.report("ML905", index, "roleRef", "It gives cluster-admin.");
    }
    for (s, subject) in lookup::list(value, "subjects").iter().enumerate() {
        let name = lookup::word(subject, "name");
        let path = format!("subjects[{s}]");
        let everybody = [
            "system:authenticated",
            "system:unauthenticated",
            "system:serviceaccounts",
            "system:anonymous",
            "system:masters",
        ];
        match lookup::word(subject, "kind") {
            "ServiceAccount" if name == "default" => lint.report("ML906", index, path, "The account is \"default\"."),
            "ServiceAccount" if kind == "ClusterRoleBinding" && lookup::word(subject, "namespace").is_empty() => {
                lint.report("ML908", index, path, format!("The account \"{name}\" has no namespace here."));
            }
            "Group" | "User" if everybody.contains(&name) => {
                lint.report("ML907", index, path, format!("The subject is {name}."));
            }
            _ => {}
        }
    }
}
