//! Seed 004: one application, four ways in, an autoscaler on CPU and memory.

use crate::seed::{Seed, autoscaler, changed, expect, list, probe, seed};
use mainstay_deploy::objects;
use mainstay_manifest::{Phase, Source};
use serde_json::json;
use std::collections::BTreeMap;

fn tasks() -> Seed {
    seed("fixtures/task-management")
}

#[test]
fn settings_and_credentials_have_the_names_of_the_seed() {
    let seed = tasks();
    seed.get("Namespace", "task-management");
    expect(
        seed.get("ConfigMap", "task-management-config"),
        &[
            ("/data/NODE_ENV", json!("production")),
            ("/data/HOST", json!("0.0.0.0")),
            ("/data/PORT", json!("8080")),
            ("/data/DB_HOST", json!("postgres-service")),
            ("/data/DB_PORT", json!("5432")),
        ],
    );
    let keys = seed.secret("task-management-secrets");
    assert_eq!(keys["DB_PASSWORD"], &Source::Template("{postgres-secret/AUTHENTICATOR_PASSWORD}".into()));
    assert!(matches!(keys["JWT_SECRET"], Source::Random(32..)), "{:?}", keys["JWT_SECRET"]);
    for name in ["SMTP_USER", "SMTP_PASS"] {
        assert_eq!(keys[name], &Source::Given { variable: name.into(), required: false });
    }
}

#[test]
fn the_database_is_a_stateful_set_with_a_claim_template() {
    let seed = tasks();
    expect(
        seed.get("StatefulSet", "postgres"),
        &[
            ("/spec/serviceName", json!("postgres-service")),
            ("/spec/volumeClaimTemplates/0/metadata/name", json!("postgres-storage")),
            ("/spec/volumeClaimTemplates/0/spec/resources/requests/storage", json!("1Gi")),
            ("/spec/podManagementPolicy", json!("OrderedReady")),
        ],
    );
    let main = seed.container("StatefulSet", "postgres");
    assert!(list(main, "/volumeMounts").iter().any(|mount| mount["name"] == "postgres-storage"));
    expect(seed.get("Service", "postgres-service"), &[("/spec/clusterIP", json!("None"))]);
}

#[test]
fn three_pods_that_are_updated_one_after_the_other() {
    let seed = tasks();
    expect(
        seed.get("Deployment", "task-management-app"),
        &[
            ("/spec/strategy/type", json!("RollingUpdate")),
            // the number belongs to the autoscaler from then on
            ("/spec/replicas", json!(null)),
            ("/metadata/annotations/mainstay.dev~1initial-replicas", json!("3")),
            ("/spec/template/spec/containers/0/ports/0/containerPort", json!(8080)),
            ("/spec/template/spec/containers/0/ports/0/name", json!("http")),
        ],
    );
    let unscaled = changed("fixtures/task-management", |project| {
        let app = project.workloads.get_mut("task-management-app").unwrap();
        (app.min_replicas, app.max_replicas, app.target_cpu, app.target_memory) = (None, None, None, None);
    });
    expect(unscaled.get("Deployment", "task-management-app"), &[("/spec/replicas", json!(3))]);
    let main = seed.container("Deployment", "task-management-app");
    probe(main, "readinessProbe", "/health-check", 5, None);
    autoscaler(&seed, "task-management-hpa", "task-management-app", (2, 10), 70, Some(80));
}

#[test]
fn every_way_in_is_there() {
    let seed = tasks();
    let port = |number: u16| ("/spec/ports/0/port", json!(number));
    let target = || ("/spec/ports/0/targetPort", json!("http"));
    expect(seed.get("Service", "task-management-service"), &[("/spec/type", json!("ClusterIP")), port(80), target()]);
    expect(
        seed.get("Service", "task-management-service-nodeport"),
        &[("/spec/type", json!("NodePort")), port(80), target(), ("/spec/ports/0/nodePort", json!(30080))],
    );
    expect(
        seed.get("Service", "task-management-service-loadbalancer"),
        &[("/spec/type", json!("LoadBalancer")), port(80), target()],
    );
    expect(
        seed.get("Ingress", "task-management-ingress"),
        &[
            ("/spec/rules/0/host", json!("task-management-api.local")),
            ("/spec/rules/0/http/paths/0/path", json!("/")),
            ("/spec/rules/0/http/paths/0/backend/service/name", json!("task-management-service")),
            ("/metadata/annotations/cert-manager.io~1issuer", json!("task-management-issuer")),
        ],
    );
}

#[test]
fn objects_are_applied_in_the_phases_of_the_seed() {
    let seed = tasks();
    let mut phases: BTreeMap<String, Phase> = BTreeMap::new();
    for object in objects(&seed.system) {
        phases.insert(object.id().to_string(), object.phase);
    }
    let order = [
        "Namespace task-management",
        "ConfigMap task-management-config",
        "StatefulSet postgres",
        "Job db-init",
        "Deployment task-management-app",
        "Ingress task-management-ingress",
        "HorizontalPodAutoscaler task-management-hpa",
        "Deployment prometheus",
    ];
    for pair in order.windows(2) {
        assert!(phases[pair[0]] < phases[pair[1]], "{} before {}", pair[0], pair[1]);
    }
    assert_eq!(phases["Secret task-management-secrets"], phases["ConfigMap task-management-config"]);
    assert_eq!(phases["Service task-management-service"], phases["Deployment task-management-app"]);
}
