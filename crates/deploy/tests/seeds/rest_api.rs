//! Seed 003: a REST API over PostgreSQL, with a service of the user's own beside it.

use crate::seed::{Seed, autoscaler, expect, list, seed, text};
use mainstay_deploy::{LoggingStack, objects, render};
use mainstay_manifest::Source;
use serde_json::json;

fn rest() -> Seed {
    seed("fixtures/rest-api")
}

#[test]
fn the_api_is_updated_without_a_gap_and_heals_itself() {
    let seed = rest();
    expect(
        seed.get("Deployment", "api"),
        &[
            ("/spec/strategy/type", json!("RollingUpdate")),
            ("/spec/strategy/rollingUpdate/maxUnavailable", json!(0)),
            ("/metadata/annotations/mainstay.dev~1initial-replicas", json!("2")),
            (
                "/spec/template/spec/containers/0/ports/0",
                json!({"name": "http", "containerPort": 8000, "protocol": "TCP"}),
            ),
        ],
    );
    let main = seed.container("Deployment", "api");
    assert!(main["readinessProbe"].is_object() && main["livenessProbe"].is_object());
    expect(seed.get("PodDisruptionBudget", "api-pdb"), &[("/spec/maxUnavailable", json!(1))]);
    autoscaler(&seed, "api-hpa", "api", (2, 6), 60, None);
}

#[test]
fn the_service_maps_80_to_8000() {
    let seed = rest();
    expect(
        seed.get("Service", "api-service"),
        &[
            ("/spec/type", json!("ClusterIP")),
            ("/spec/ports/0/port", json!(80)),
            ("/spec/ports/0/targetPort", json!("http")),
        ],
    );
}

#[test]
fn the_ingress_has_the_host_the_path_and_a_certificate_of_cert_manager() {
    let seed = rest();
    expect(
        seed.get("Ingress", "api-ingress"),
        &[
            ("/spec/rules/0/host", json!("api.example.com")),
            ("/spec/rules/0/http/paths/0/path", json!("/")),
            ("/spec/rules/0/http/paths/0/pathType", json!("Prefix")),
            ("/spec/rules/0/http/paths/0/backend/service/name", json!("api-service")),
            ("/spec/tls/0", json!({"hosts": ["api.example.com"], "secretName": "rest-api-tls"})),
            ("/metadata/annotations", json!(null)),
        ],
    );
    expect(
        seed.get("Certificate", "rest-api-tls"),
        &[
            ("/spec/dnsNames", json!(["api.example.com"])),
            ("/spec/secretName", json!("rest-api-tls")),
            ("/spec/issuerRef", json!({"name": "rest-api-issuer", "kind": "Issuer", "group": "cert-manager.io"})),
        ],
    );
    expect(seed.get("Issuer", "rest-api-issuer"), &[("/spec/acme/email", json!("ops@example.com"))]);
}

#[test]
fn settings_and_credentials_have_the_names_of_the_seed() {
    let seed = rest();
    expect(
        seed.get("ConfigMap", "api-config"),
        &[("/data/APP_ENV", json!("production")), ("/data/LOG_LEVEL", json!("info")), ("/data/PORT", json!("8000"))],
    );
    let main = seed.container("Deployment", "api");
    assert_eq!(main["envFrom"], json!([{"configMapRef": {"name": "api-config"}}]));
    let login = seed.secret("api-secrets");
    assert_eq!(login["POSTGRES_USER"], &Source::Plain("authenticator".into()));
    assert_eq!(login["POSTGRES_PASSWORD"], &Source::Template("{postgres-secrets/AUTHENTICATOR_PASSWORD}".into()));
    let owner = seed.secret("postgres-secrets");
    assert!(owner.contains_key("POSTGRES_USER") && owner.contains_key("POSTGRES_PASSWORD"));
}

#[test]
fn the_database_keeps_its_data_in_a_claim_of_its_own() {
    let seed = rest();
    expect(
        seed.get("PersistentVolumeClaim", "postgres-pvc"),
        &[
            ("/spec/resources/requests/storage", json!("5Gi")),
            ("/metadata/annotations/mainstay.dev~1keep", json!("true")),
        ],
    );
    let set = seed.get("StatefulSet", "postgres");
    let volumes = list(set, "/spec/template/spec/volumes");
    assert!(volumes.iter().any(|v| text(v, "/persistentVolumeClaim/claimName") == "postgres-pvc"));
    assert_eq!(set["spec"]["replicas"], 1, "a claim of its own is for one pod");
}

#[test]
fn the_tree_has_the_shape_of_the_seed() {
    let seed = rest();
    let files: Vec<String> = render::tree(&seed.system).unwrap().into_iter().map(|file| file.path).collect();
    // the folder is called after the workload
    let app = ["deployment", "service", "ingress", "configmap", "secret"].map(|file| format!("api/{file}.yaml"));
    let db = ["statefulset", "service", "pvc"].map(|file| format!("db/{file}.yaml"));
    for file in app.iter().chain(&db) {
        assert!(files.contains(file), "{file} is missing of {files:#?}");
    }
    for object in objects(&seed.system) {
        assert_eq!(files.iter().filter(|path| **path == object.path).count(), 1, "{}", object.path);
    }
}

#[test]
fn a_service_of_ones_own_stands_beside_the_roles() {
    let seed = rest();
    let main = seed.container("Deployment", "reports");
    expect(
        main,
        &[
            ("/image", json!("registry.example.com/reports:2.3.0")),
            ("/ports/0/containerPort", json!(8081)),
            ("/readinessProbe/httpGet/path", json!("/healthz")),
            (
                "/envFrom",
                json!([{"configMapRef": {"name": "reports-config"}}, {"secretRef": {"name": "reports-secrets"}}]),
            ),
        ],
    );
    expect(seed.get("ConfigMap", "reports-config"), &[("/data/REPORT_FORMAT", json!("pdf"))]);
    expect(seed.get("Service", "reports"), &[("/spec/ports/0/port", json!(8081))]);
    expect(
        seed.get("CronJob", "cleanup"),
        &[("/spec/schedule", json!("0 4 * * *")), ("/spec/concurrencyPolicy", json!("Forbid"))],
    );
}

#[test]
fn metrics_reach_prometheus_and_logs_reach_loki() {
    let seed = rest();
    for (name, path) in [("api", "/metrics"), ("reports", "/metrics"), ("postgres-exporter", "/metrics")] {
        let monitor = seed.get("ServiceMonitor", name);
        expect(monitor, &[("/spec/endpoints/0/path", json!(path)), ("/spec/endpoints/0/interval", json!("15s"))]);
        let mark = &monitor["spec"]["selector"]["matchLabels"]["mainstay.dev/metrics"];
        let service = seed.get("Service", &format!("{name}-metrics"));
        assert_eq!(service["metadata"]["labels"]["mainstay.dev/metrics"], *mark);
        assert_eq!(service["spec"]["ports"][0]["name"], monitor["spec"]["endpoints"][0]["port"]);
    }
    seed.get("PrometheusRule", "rest-api");
    seed.get("StatefulSet", "loki");
    seed.get("Deployment", "alloy");
    assert_eq!(seed.system.project.logging.stack, LoggingStack::Loki);
    expect(seed.get("ConfigMap", "api-config"), &[("/data/MAINSTAY_LOG_FORMAT", json!("json"))]);
    let dashboards = seed.of_kind("ConfigMap").filter(|c| c["metadata"]["labels"]["grafana_dashboard"] == "1");
    assert!(dashboards.count() >= 5);
}
