//! What every object of every system has: identity, labels, a place.

use crate::seed::{ALL, list, seed, text};
use mainstay_deploy::{objects, render};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const LABELS: [&str; 5] = ["name", "instance", "component", "part-of", "managed-by"];

fn label<'a>(object: &'a Value, name: &str) -> &'a str {
    object["metadata"]["labels"][format!("app.kubernetes.io/{name}")].as_str().unwrap_or_default()
}

#[test]
fn no_project_is_left_out() {
    assert_eq!(crate::projects::all(), ALL.map(str::to_owned).into());
}

#[test]
fn no_two_objects_are_one_and_each_has_a_file_with_a_reason() {
    for name in ALL {
        let seed = seed(name);
        let mut seen = BTreeSet::new();
        let mut files = BTreeSet::new();
        for object in objects(&seed.system) {
            assert!(seen.insert(object.id()), "{name}: {:?} is there twice", object.id());
            assert!(files.insert(object.path.clone()), "{name}: {} is written twice", object.path);
            assert!(!object.why.trim().is_empty(), "{name}: {} does not say why it is there", object.path);
        }
    }
}

#[test]
fn every_object_is_labelled() {
    for name in ALL {
        let seed = seed(name);
        let templates = seed.of_kind("StatefulSet").flat_map(|set| list(set, "/spec/volumeClaimTemplates"));
        for object in seed.objects.iter().chain(templates) {
            let who = format!("{name}: {} {}", text(object, "/kind"), text(object, "/metadata/name"));
            for wanted in LABELS {
                let value = label(object, wanted);
                assert!(!value.is_empty() && value.len() <= 63, "{who} has no label {wanted}");
            }
            assert_eq!(label(object, "managed-by"), "mainstay", "{who}");
            assert_eq!(label(object, "instance"), seed.system.project.name, "{who}");
            assert_eq!(label(object, "part-of"), seed.system.project.name, "{who}");
        }
    }
}

#[test]
fn every_object_has_its_namespace_or_carries_it_in_its_name() {
    let cluster = [
        "Namespace",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "PriorityClass",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingPolicy",
    ];
    for name in ALL {
        let seed = seed(name);
        let home = &seed.system.namespace;
        for object in &seed.objects {
            let (kind, own) = (text(object, "/kind"), text(object, "/metadata/name"));
            let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
            if cluster.contains(&kind) {
                assert_eq!(namespace, None, "{name}: {kind} {own}");
                assert!(own.starts_with(home.as_str()), "{name}: {kind} {own} could be another project's");
            } else {
                assert!(
                    namespace == Some(home) || namespace == Some(&format!("{home}-logging")),
                    "{name}: {kind} {own} is in {namespace:?}"
                );
            }
        }
    }
}

#[test]
fn the_namespace_enforces_the_restricted_standard_of_a_fixed_version() {
    for name in ALL {
        let seed = seed(name);
        let labels = &seed.get("Namespace", &seed.system.namespace)["metadata"]["labels"];
        for mode in ["enforce", "audit", "warn"] {
            assert_eq!(labels[format!("pod-security.kubernetes.io/{mode}")], "restricted", "{name}");
            let version = labels[format!("pod-security.kubernetes.io/{mode}-version")].as_str().unwrap();
            assert!(version.starts_with("v1."), "{name}: {version}");
        }
        for namespace in seed.of_kind("Namespace") {
            assert_eq!(namespace["metadata"]["annotations"]["mainstay.dev/keep"], "true");
        }
    }
}

#[test]
fn services_lead_to_named_ports_of_pods_that_exist() {
    for name in ALL {
        let seed = seed(name);
        let pods = seed.pods();
        for service in seed.of_kind("Service") {
            let who = format!("{name}: Service {}", text(service, "/metadata/name"));
            let selector = service["spec"]["selector"].as_object().unwrap();
            let keys: Vec<_> = selector.keys().map(String::as_str).collect();
            assert_eq!(keys, ["app.kubernetes.io/instance", "app.kubernetes.io/name"], "{who}");
            let matches = |template: &Value| selector.iter().all(|(k, v)| template["metadata"]["labels"][k] == *v);
            let behind: Vec<_> = pods.iter().filter(|pods| matches(pods.template)).collect();
            assert_eq!(behind.len(), 1, "{who} selects the pods of one workload");
            for port in list(service, "/spec/ports") {
                let target = text(port, "/targetPort");
                assert!(!text(port, "/name").is_empty() && !target.is_empty(), "{who}: {port}");
                let ports = behind[0].containers().iter().flat_map(|c| list(c, "/ports"));
                assert!(ports.into_iter().any(|p| p["name"] == target), "{who}: no container has a port {target}");
            }
        }
    }
}

#[test]
fn ingresses_have_a_host_a_certificate_and_a_service_with_that_port() {
    for name in ALL {
        let seed = seed(name);
        for ingress in seed.of_kind("Ingress") {
            for rule in list(ingress, "/spec/rules") {
                assert!(!text(rule, "/host").is_empty(), "{name}");
                for path in list(rule, "/http/paths") {
                    let service = seed.get("Service", text(path, "/backend/service/name"));
                    let port = text(path, "/backend/service/port/name");
                    assert!(list(service, "/spec/ports").iter().any(|p| p["name"] == port), "{name}: {port}");
                }
            }
            assert!(!list(ingress, "/spec/tls").is_empty(), "{name}");
            let annotations = ingress["metadata"]["annotations"].as_object();
            let odd = |key: &String| key.contains("snippet") || key.contains("rewrite");
            assert!(!annotations.is_some_and(|a| a.keys().any(odd)), "{name}");
        }
    }
}

#[test]
fn every_namespace_denies_by_default_and_every_edge_has_both_ends() {
    use mainstay_deploy::tables::Peer;
    for name in ALL {
        let seed = seed(name);
        let policies: Vec<_> = seed.of_kind("NetworkPolicy").collect();
        for namespace in seed.of_kind("Namespace") {
            let home = text(namespace, "/metadata/name");
            let denies = |p: &&&Value| {
                text(p, "/metadata/namespace") == home
                    && p["spec"]["podSelector"] == serde_json::json!({})
                    && p["spec"]["policyTypes"] == serde_json::json!(["Ingress", "Egress"])
                    && p["spec"]["ingress"].is_null()
                    && p["spec"]["egress"].is_null()
            };
            assert_eq!(policies.iter().filter(denies).count(), 1, "{name}: {home}");
        }
        let opens = |component: &str, direction: &str, port: u16| {
            policies.iter().any(|policy| {
                text(policy, "/spec/podSelector/matchLabels/app.kubernetes.io~1name") == component
                    && list(policy, &format!("/spec/{direction}"))
                        .iter()
                        .any(|rule| list(rule, "/ports").iter().any(|p| p["port"] == port))
            })
        };
        for edge in seed.system.edges.iter() {
            for (port, _) in &edge.ports {
                for (end, direction) in [(&edge.from, "egress"), (&edge.to, "ingress")] {
                    if let Peer::Component(component) = end
                        && !component.is_empty()
                    {
                        assert!(
                            opens(component, direction, *port),
                            "{name}: {direction} of {component} {port}: {}",
                            edge.why
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn the_same_project_gives_the_same_bytes() {
    for name in ALL {
        let bytes = || -> BTreeMap<String, String> {
            render::tree(&seed(name).system).unwrap().into_iter().map(|file| (file.path, file.text)).collect()
        };
        assert_eq!(bytes(), bytes(), "{name}");
        let helm = || render::helm(&seed(name).system).unwrap();
        assert_eq!(helm(), helm(), "{name}");
        let kustomize = || render::kustomize(&seed(name).system).unwrap();
        assert_eq!(kustomize(), kustomize(), "{name}");
    }
}
