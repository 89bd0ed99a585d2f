//! Seed 000: a public gateway, a model API that only the gateway reaches, a database.

use crate::seed::{Seed, autoscaler, expect, let_in, list, seed, text};
use mainstay_manifest::Source;
use serde_json::json;

fn xray() -> Seed {
    seed("fixtures/xray-api")
}

#[test]
fn the_namespace_isolates_and_is_bounded() {
    let seed = xray();
    expect(
        seed.get("Namespace", "xray-api"),
        &[("/metadata/labels/pod-security.kubernetes.io~1enforce", json!("restricted"))],
    );
    let quota = seed.get("ResourceQuota", "xray-api-rq");
    for key in
        ["requests.cpu", "limits.cpu", "requests.memory", "limits.memory", "pods", "persistentvolumeclaims", "services"]
    {
        assert!(quota["spec"]["hard"][key].is_string(), "{key} is not bounded");
    }
    let range = seed.get("LimitRange", "xray-api-lr");
    let item = list(range, "/spec/limits").iter().find(|item| item["type"] == "Container").unwrap();
    for key in ["default", "defaultRequest", "min", "max"] {
        for resource in ["cpu", "memory"] {
            assert!(item[key][resource].is_string(), "{key} {resource}");
        }
    }
}

#[test]
fn gateway_and_models_scale_by_their_cpu() {
    let seed = xray();
    autoscaler(&seed, "models-hpa", "models", (2, 5), 70, None);
    autoscaler(&seed, "gateway-hpa", "gateway", (2, 6), 70, None);
}

#[test]
fn the_database_has_its_names_and_its_own_volume() {
    let seed = xray();
    expect(
        seed.get("ConfigMap", "db-config"),
        &[("/data", json!({"DB_HOST": "db-svc", "DB_PORT": "5432", "DB_NAME": "xray_api"}))],
    );
    expect(
        seed.get("Service", "db-svc"),
        &[
            ("/spec/type", json!("ClusterIP")),
            ("/spec/clusterIP", json!(null)),
            ("/spec/ports/0/port", json!(5432)),
            ("/spec/ports/0/targetPort", json!("postgres")),
        ],
    );
    expect(
        seed.get("Service", "db-svc-hl"),
        &[("/spec/clusterIP", json!("None")), ("/spec/ports/0/port", json!(5432))],
    );
    expect(
        seed.get("StatefulSet", "postgres"),
        &[
            ("/spec/serviceName", json!("db-svc-hl")),
            ("/spec/volumeClaimTemplates/0/spec/resources/requests/storage", json!("5Gi")),
            ("/spec/persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Retain", "whenScaled": "Retain"})),
            ("/spec/template/spec/containers/0/ports/0/containerPort", json!(5432)),
        ],
    );
    let mounted = seed.container("StatefulSet", "postgres");
    let data = list(mounted, "/volumeMounts").iter().find(|mount| mount["name"] == "data").unwrap();
    assert_eq!(data["mountPath"], "/var/lib/postgresql/data");
    assert_eq!(seed.find("PersistentVolumeClaim", "data"), None, "a volume per replica is made from the template");
}

#[test]
fn db_init_runs_the_sql_and_may_run_again() {
    let seed = xray();
    let sql = seed.get("ConfigMap", "db-init-sql");
    assert!(text(sql, "/data/0001_notes.sql").contains("create table"), "{sql}");
    let job = seed.get("Job", "db-init");
    expect(job, &[("/metadata/annotations/mainstay.dev~1replace", json!("true")), ("/spec/backoffLimit", json!(6))]);
    let volumes = list(job, "/spec/template/spec/volumes");
    assert!(volumes.iter().any(|v| text(v, "/configMap/name") == "db-init-sql"));
    let args = &job["spec"]["template"]["spec"]["containers"][0]["args"];
    assert_eq!(*args, json!(["migrate", "/project", "--wait", "300"]));
}

#[test]
fn the_models_mount_config_and_login_and_only_the_gateway_reaches_them() {
    let seed = xray();
    let login = seed.secret("db-secrets");
    assert_eq!(login["POSTGRES_USER"], &Source::Plain("authenticator".into()));
    assert_eq!(login["POSTGRES_PASSWORD"], &Source::Template("{postgres-secret/AUTHENTICATOR_PASSWORD}".into()));
    assert!(login.contains_key("DATABASE_URL"));
    let models = seed.get("Deployment", "models");
    let main = seed.container("Deployment", "models");
    assert!(list(main, "/envFrom").contains(&json!({"configMapRef": {"name": "db-config"}})));
    let volumes = list(models, "/spec/template/spec/volumes");
    assert!(volumes.iter().any(|v| text(v, "/secret/secretName") == "db-secrets"));
    expect(seed.get("Service", "models"), &[("/spec/type", json!("ClusterIP")), ("/spec/ports/0/name", json!("http"))]);
    let policy = seed.get("NetworkPolicy", "allow-only-gateway");
    expect(
        policy,
        &[(
            "/spec/podSelector/matchLabels",
            json!({"app.kubernetes.io/instance": "xray-api", "app.kubernetes.io/name": "models"}),
        )],
    );
    assert_eq!(let_in(policy, 8080), ["gateway"]);
}

#[test]
fn the_gateway_answers_on_the_node_port_and_knows_the_models() {
    let seed = xray();
    expect(
        seed.get("Service", "gateway"),
        &[
            ("/spec/type", json!("NodePort")),
            ("/spec/ports/0/nodePort", json!(30080)),
            ("/spec/ports/0/targetPort", json!("http")),
        ],
    );
    let config = seed.get("ConfigMap", "gateway-config");
    assert_eq!(text(config, "/data/MAINSTAY_GATEWAY_FUNCTIONS_URL"), "http://models:8080/functions/v1");
    let main = seed.container("Deployment", "gateway");
    assert!(list(main, "/envFrom").contains(&json!({"configMapRef": {"name": "gateway-config"}})));
    assert!(seed.secret("gateway-secret").contains_key("JWT_SECRET"));
    for which in ["requests", "limits"] {
        assert!(main["resources"][which]["cpu"].is_string() && main["resources"][which]["memory"].is_string());
    }
    let exposed: Vec<_> = seed
        .of_kind("Service")
        .filter(|service| text(service, "/spec/type") != "ClusterIP")
        .map(|service| text(service, "/metadata/name"))
        .collect();
    assert_eq!(exposed, ["gateway"]);
}

#[test]
fn kyverno_policies_are_rendered_for_this_namespace_only() {
    let seed = xray();
    let policies: Vec<_> = seed.of_kind("ValidatingPolicy").collect();
    assert_eq!(policies.len(), 2);
    for policy in policies {
        expect(
            policy,
            &[
                ("/apiVersion", json!("policies.kyverno.io/v1")),
                (
                    "/spec/matchConstraints/namespaceSelector/matchLabels",
                    json!({"kubernetes.io/metadata.name": "xray-api"}),
                ),
            ],
        );
    }
}
