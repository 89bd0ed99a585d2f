//! What a component's account may do.

use crate::system::{Component, System};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use mainstay_manifest::{Object, Phase};

/// A rule: these verbs on these resources of these API groups.
pub(super) fn rule(groups: &[&str], resources: &[&str], verbs: &[&str]) -> PolicyRule {
    let list = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    PolicyRule {
        api_groups: Some(list(groups)),
        resources: Some(list(resources)),
        verbs: list(verbs),
        ..PolicyRule::default()
    }
}

/// A role for a component's account: in the namespace, or (with `cluster`) in the whole cluster.
pub(super) fn rights(
    system: &System,
    component: &Component,
    rules: Vec<PolicyRule>,
    cluster: bool,
    why: &str,
) -> Vec<Object> {
    let folder = system.folder(component);
    let subject = || {
        vec![Subject {
            kind: "ServiceAccount".to_owned(),
            name: component.name.clone(),
            namespace: Some(component.namespace.clone()),
            api_group: None,
        }]
    };
    let reference = |kind: &str, meta: &ObjectMeta| RoleRef {
        api_group: "rbac.authorization.k8s.io".to_owned(),
        kind: kind.to_owned(),
        name: meta.name.clone().unwrap_or_default(),
    };
    let binding_why = format!("Gives {} those rights.", component.name);
    if cluster {
        let meta = system.cluster_meta(&component.name, &component.name, component.part());
        let role_ref = reference("ClusterRole", &meta);
        let role = ClusterRole { metadata: meta.clone(), rules: Some(rules), aggregation_rule: None };
        let binding = ClusterRoleBinding { metadata: meta, role_ref, subjects: Some(subject()) };
        return vec![
            Object::new(Phase::Configuration, format!("{folder}/clusterrole.yaml"), why, &role),
            Object::new(Phase::Configuration, format!("{folder}/clusterrolebinding.yaml"), binding_why, &binding),
        ];
    }
    let mut meta = system.meta_of(&component.name, component);
    // rights are for what runs in the project's namespace, wherever the component itself lives
    meta.namespace = Some(system.namespace.clone());
    let role_ref = reference("Role", &meta);
    let role = Role { metadata: meta.clone(), rules: Some(rules) };
    let binding = RoleBinding { metadata: meta, role_ref, subjects: Some(subject()) };
    vec![
        Object::new(Phase::Configuration, format!("{folder}/role.yaml"), why, &role),
        Object::new(Phase::Configuration, format!("{folder}/rolebinding.yaml"), binding_why, &binding),
    ]
}
