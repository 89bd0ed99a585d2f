//! Admission policies and priority classes: both belong to the whole cluster and concern this namespace only.

use super::namespace::priorities;
use crate::settings::{Admission, AdmissionAction};
use crate::system::System;
use k8s_openapi::api::scheduling::v1::PriorityClass;
use mainstay_manifest::{Object, Phase};
use serde_json::{Value, json};

/// A rule in CEL: the condition that must hold, and what is said when it does not.
struct Rule {
    expression: String,
    message: String,
}

fn rule(expression: impl Into<String>, message: impl Into<String>) -> Rule {
    Rule { expression: expression.into(), message: message.into() }
}

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    if system.project.kubernetes.priority_classes {
        all.extend(priorities().into_iter().map(|(name, value)| priority_class(system, &name, &value)));
    }
    let kind = system.project.kubernetes.admission;
    if kind != Admission::Off {
        let workloads = json!([
            { "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"],
              "resources": ["deployments", "statefulsets", "daemonsets"] },
            { "apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["jobs"] },
        ]);
        let services = json!([
            { "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["services"] },
        ]);
        all.extend(policy(system, kind, "workloads", &workloads, &containers(), &workload_rules(system)));
        all.extend(policy(system, kind, "services", &services, &json!([]), &service_rules(system)));
    }
    all
}

/// All containers of a pod template, as a variable of the policy.
fn containers() -> Value {
    json!([
        { "name": "pod", "expression": "object.spec.template.spec" },
        { "name": "all", "expression": "variables.pod.containers + (has(variables.pod.initContainers) ? variables.pod.initContainers : [])" },
    ])
}

fn workload_rules(system: &System) -> Vec<Rule> {
    let registries = &system.project.kubernetes.image_registries;
    let mut rules = vec![
        rule(
            "variables.all.all(c, !c.image.endsWith(':latest') && (c.image.contains('@sha256:') || c.image.matches(':[^/]+$')))",
            "An image has a version or a digest, and the version is not `latest`.",
        ),
        rule(
            "variables.all.all(c, has(c.resources) && has(c.resources.requests) && has(c.resources.limits) && 'memory' in c.resources.limits)",
            "Every container has requests and a memory limit.",
        ),
        rule(
            "!(object.kind in ['Deployment', 'StatefulSet']) || variables.pod.containers.all(c, has(c.readinessProbe) && has(c.livenessProbe))",
            "Every container that runs for long has a readiness and a liveness probe.",
        ),
        rule(
            format!(
                "variables.all.all(c, {}(has(c.securityContext) && has(c.securityContext.readOnlyRootFilesystem) && c.securityContext.readOnlyRootFilesystem))",
                // these two images write beside their programs when they start
                if system.component("kibana").is_some() { "c.name in ['elasticsearch', 'kibana'] || " } else { "" }
            ),
            "The root file system of a container is read-only.",
        ),
    ];
    let with_token: Vec<_> = super::monitoring::WITH_TOKEN.iter().map(|name| format!("'{name}'")).collect();
    rules.push(rule(
        format!(
            "(has(variables.pod.automountServiceAccountToken) && !variables.pod.automountServiceAccountToken) || (has(variables.pod.serviceAccountName) && variables.pod.serviceAccountName in [{}])",
            with_token.join(", ")
        ),
        "A pod gets no token of the API server unless it talks to it.",
    ));
    if !registries.is_empty() {
        let mut allowed: Vec<_> =
            registries.iter().map(|r| format!("c.image.startsWith('{}/')", r.trim_end_matches('/'))).collect();
        // the project's own image may have been loaded into the nodes by hand
        allowed.push(format!("c.image == '{}'", system.image));
        rules.push(rule(
            format!("variables.all.all(c, {})", allowed.join(" || ")),
            format!("Images come from {}.", registries.join(" or ")),
        ));
    }
    if system.image.contains("@sha256:") {
        let repository =
            system.image.split(['@']).next().unwrap_or_default().rsplit_once(':').map_or("", |(name, _)| name);
        rules.push(rule(
            format!("variables.all.all(c, !c.image.startsWith('{repository}') || c.image.contains('@sha256:'))"),
            "The project's own image is named by its digest.",
        ));
    }
    rules
}

fn service_rules(system: &System) -> Vec<Rule> {
    let gateway = system.home_of("gateway").map_or("gateway", |gateway| gateway.name.as_str());
    vec![rule(
        format!(
            "!has(object.spec.type) || object.spec.type in ['ClusterIP', 'ExternalName'] || (has(object.spec.selector) && 'app.kubernetes.io/name' in object.spec.selector && object.spec.selector['app.kubernetes.io/name'] == '{gateway}')"
        ),
        "Only the gateway is exposed: other Services are of type ClusterIP.",
    )]
}

fn policy(
    system: &System,
    kind: Admission,
    name: &str,
    resources: &Value,
    variables: &Value,
    rules: &[Rule],
) -> Vec<Object> {
    let action = system.project.kubernetes.admission_action;
    let validations: Vec<_> =
        rules.iter().map(|r| json!({ "expression": r.expression, "message": r.message })).collect();
    let selector = json!({ "matchLabels": { "kubernetes.io/metadata.name": system.namespace } });
    let meta = system.cluster_meta(name, &system.project.name, "policy");
    let why = format!(
        "What {name} in the namespace {} must be like. {}",
        system.namespace,
        match action {
            AdmissionAction::Audit =>
                "What breaks it is reported, not refused: [kubernetes] admission_action = \"deny\" refuses it.",
            AdmissionAction::Deny => "What breaks it is refused.",
        }
    );
    let mut constraints = json!({ "resourceRules": resources });
    if kind == Admission::Kyverno {
        constraints["namespaceSelector"] = selector;
        let value = json!({
            "apiVersion": "policies.kyverno.io/v1",
            "kind": "ValidatingPolicy",
            "metadata": meta,
            "spec": {
                "validationActions": [if action == AdmissionAction::Deny { "Deny" } else { "Audit" }],
                "matchConstraints": constraints,
                "variables": variables,
                "validations": validations,
            },
        });
        return vec![Object::new(Phase::Configuration, format!("policy/{name}.yaml"), why, &value)];
    }
    let definition = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": meta,
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": constraints,
            "variables": variables,
            "validations": validations,
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": meta,
        "spec": {
            "policyName": meta.name,
            "validationActions": if action == AdmissionAction::Deny { json!(["Deny"]) } else { json!(["Audit", "Warn"]) },
            "matchResources": { "namespaceSelector": selector },
        },
    });
    vec![
        Object::new(Phase::Configuration, format!("policy/{name}.yaml"), why, &definition),
        Object::new(
            Phase::Configuration,
            format!("policy/{name}-binding.yaml"),
            format!("Applies the policy to the namespace {} and to no other.", system.namespace),
            &binding,
        ),
    ]
}

fn priority_class(system: &System, name: &str, value: &str) -> Object {
    let typed = PriorityClass {
        metadata: system.cluster_meta(name, &system.project.name, "policy"),
        value: value.parse().unwrap_or(0),
        global_default: Some(false),
        description: Some(format!("{name} of the project {}", system.project.name)),
        ..PriorityClass::default()
    };
    Object::new(
        Phase::Namespace,
        format!("policy/priority-{name}.yaml"),
        "When a node is full, the database stays before the roles, and the roles before the rest.",
        &typed,
    )
}
