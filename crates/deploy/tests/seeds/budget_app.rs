//! Seed 002: the household budget, as its drawing has it (the fixture) and as it is delivered (`systems/budget-app`).

use crate::seed::{Seed, changed, expect, list, probe, seed, sizes, text};
use mainstay_deploy::render;
use mainstay_manifest::Source;
use serde_json::{Value, json};

fn both() -> [Seed; 2] {
    ["fixtures/budget-app", "systems/budget-app"].map(seed)
}

#[test]
fn the_gateway_is_the_entry() {
    for seed in both() {
        seed.get("Namespace", "budget-app");
        expect(
            seed.get("Service", "gateway"),
            &[
                ("/spec/type", json!("LoadBalancer")),
                ("/spec/ports/0/port", json!(80)),
                ("/spec/ports/0/targetPort", json!("http")),
            ],
        );
        expect(
            seed.get("Deployment", "gateway"),
            &[
                ("/spec/replicas", json!(1)),
                ("/spec/template/spec/containers/0/ports/0/containerPort", json!(8889)),
                ("/spec/template/spec/containers/0/args", json!(["serve", "/project", "--roles", "gateway,portal"])),
            ],
        );
        let main = seed.container("Deployment", "gateway");
        sizes(main, ("100m", "200m"), ("64Mi", "128Mi"));
        probe(main, "readinessProbe", "/nginx-health", 5, None);
        probe(main, "livenessProbe", "/livez", 10, None);
        let config = seed.get("ConfigMap", "gateway-config");
        assert_eq!(text(config, "/data/MAINSTAY_GATEWAY_AUTH_URL"), "http://auth:5000/auth/v1");
        assert_eq!(text(config, "/data/MAINSTAY_GATEWAY_DATA_URL"), "http://data:5000/rest/v1");
        // the gateway's own time limit is 60 s; nothing here sets another
        assert!(!config.to_string().contains("TIMEOUT"));
        let others = seed.of_kind("Service").filter(|s| text(s, "/metadata/name") != "gateway");
        for service in others {
            expect(service, &[("/spec/type", json!("ClusterIP"))]);
        }
    }
}

#[test]
fn the_application_runs_twice_and_waits_for_the_database() {
    for seed in both() {
        for service in ["auth", "data"] {
            expect(
                seed.get("Service", service),
                &[("/spec/type", json!("ClusterIP")), ("/spec/ports/0/port", json!(5000))],
            );
        }
        expect(
            seed.get("Deployment", "auth-data"),
            &[
                ("/spec/replicas", json!(2)),
                ("/spec/template/spec/containers/0/ports/0/containerPort", json!(5000)),
                ("/spec/template/spec/initContainers/0/name", json!("wait-for-postgres")),
            ],
        );
        let main = seed.container("Deployment", "auth-data");
        sizes(main, ("250m", "500m"), ("256Mi", "512Mi"));
        probe(main, "readinessProbe", "/api/health", 5, Some(10));
        probe(main, "livenessProbe", "/livez", 10, Some(30));
        let wait = &seed.get("Deployment", "auth-data")["spec"]["template"]["spec"]["initContainers"][0];
        let args: Vec<_> = list(wait, "/args").iter().filter_map(Value::as_str).collect();
        assert_eq!(args[..6], ["wait", "/project", "--for", "postgres", "--every", "2s"]);
    }
}

#[test]
fn secrets_hold_what_the_seed_names() {
    for seed in both() {
        let keys = seed.secret("auth-data-secret");
        assert!(
            matches!(keys["DATABASE_URL"], Source::Template(url) if url.contains("@postgres-service:5432/budget_app"))
        );
        assert_eq!(keys["SECRET_KEY"], &Source::Template("{gateway-secret/SECRET_KEY}".into()));
        for name in ["GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"] {
            assert_eq!(keys[name], &Source::Given { variable: name.into(), required: false });
        }
        // not secret, so it is in the ConfigMap
        expect(seed.get("ConfigMap", "auth-data-config"), &[("/data/FLASK_ENV", json!("production"))]);
        let postgres = seed.secret("postgres-secret");
        for name in ["POSTGRES_DB", "POSTGRES_USER", "POSTGRES_PASSWORD"] {
            assert!(postgres.contains_key(name), "{name}");
        }
        assert_eq!(postgres["POSTGRES_PASSWORD"], &Source::Random(32));
    }
}

#[test]
fn the_database_is_probed_and_sized_as_in_the_seed() {
    for seed in both() {
        expect(
            seed.get("Service", "postgres-service"),
            &[("/spec/type", json!("ClusterIP")), ("/spec/ports/0/port", json!(5432))],
        );
        let main = seed.container("StatefulSet", "postgres");
        sizes(main, ("250m", "500m"), ("256Mi", "512Mi"));
        for (which, every, delay) in [("readinessProbe", 5, Value::Null), ("livenessProbe", 10, json!(30))] {
            expect(
                &main[which],
                &[
                    ("/exec/command/0", json!("pg_isready")),
                    ("/periodSeconds", json!(every)),
                    ("/initialDelaySeconds", delay),
                ],
            );
        }
        expect(
            seed.get("PersistentVolumeClaim", "postgres-pvc"),
            &[("/spec/resources/requests/storage", json!("2Gi"))],
        );
    }
}

#[test]
fn the_volume_is_a_folder_of_the_node_when_that_is_set() {
    let [fixture, delivered] = both();
    let volume = fixture.of_kind("PersistentVolume").next().unwrap();
    expect(
        volume,
        &[
            ("/spec/capacity/storage", json!("2Gi")),
            ("/spec/hostPath/path", json!("/tmp/k3d-postgres-data")),
            ("/spec/persistentVolumeReclaimPolicy", json!("Retain")),
            ("/spec/claimRef", json!({"namespace": "budget-app", "name": "postgres-pvc"})),
            ("/spec/storageClassName", json!("")),
        ],
    );
    expect(
        fixture.get("PersistentVolumeClaim", "postgres-pvc"),
        &[("/spec/volumeName", volume["metadata"]["name"].clone()), ("/spec/storageClassName", json!(""))],
    );
    assert_eq!(delivered.of_kind("PersistentVolume").count(), 0);
    let claim = delivered.get("PersistentVolumeClaim", "postgres-pvc");
    expect(claim, &[("/spec/storageClassName", Value::Null), ("/spec/volumeName", Value::Null)]);
}

#[test]
fn local_images_are_never_fetched() {
    let [fixture, _] = both();
    for pods in fixture.pods().iter().filter(|pods| pods.has_roles()) {
        for container in pods.all() {
            assert_eq!(
                (&container["image"], &container["imagePullPolicy"]),
                (&json!("budget-app:local"), &json!("Never"))
            );
        }
    }
}

#[test]
fn prometheus_reads_every_15_seconds_with_read_only_rights() {
    for seed in both() {
        let config = seed.file("prometheus-config", "prometheus.yml");
        expect(&config, &[("/global/scrape_interval", json!("15s"))]);
        let jobs = list(&config, "/scrape_configs");
        let own = jobs.iter().find(|job| job["job_name"] == "mainstay").unwrap();
        assert_eq!(own["kubernetes_sd_configs"][0]["role"], "pod");
        assert_eq!(own["kubernetes_sd_configs"][0]["namespaces"]["names"], json!(["budget-app"]));
        expect(seed.get("Service", "prometheus-service"), &[("/spec/ports/0/port", json!(9090))]);
        let main = seed.container("Deployment", "prometheus");
        sizes(main, ("250m", "500m"), ("256Mi", "512Mi"));
        probe(main, "readinessProbe", "/-/ready", 5, None);
        probe(main, "livenessProbe", "/-/healthy", 10, None);
        let volumes = list(seed.get("Deployment", "prometheus"), "/spec/template/spec/volumes");
        assert!(volumes.iter().any(|v| v["name"] == "data" && v["emptyDir"].is_object()));
        seed.get("ServiceAccount", "prometheus");
        let role = seed.get("ClusterRole", "budget-app-prometheus");
        assert_eq!(
            role["rules"],
            json!([
                {"apiGroups": [""], "resources": ["pods", "services", "endpoints"], "verbs": ["get", "list", "watch"]},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["get", "list", "watch"]},
            ])
        );
        let binding = seed.get("ClusterRoleBinding", "budget-app-prometheus");
        assert_eq!(
            binding["subjects"],
            json!([{"kind": "ServiceAccount", "name": "prometheus", "namespace": "budget-app"}])
        );
        assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    }
    let kept = changed("fixtures/budget-app", |project| project.monitoring.storage = Some("3Gi".into()));
    expect(kept.get("PersistentVolumeClaim", "prometheus"), &[("/spec/resources/requests/storage", json!("3Gi"))]);
}

#[test]
fn grafana_is_provisioned_and_its_password_is_generated() {
    for seed in both() {
        expect(seed.get("Service", "grafana-service"), &[("/spec/ports/0/port", json!(3000))]);
        let sources = seed.file("grafana-datasources", "datasources.yaml");
        expect(
            &sources,
            &[
                ("/datasources/0/type", json!("prometheus")),
                ("/datasources/0/url", json!("http://prometheus-service:9090")),
                ("/datasources/0/access", json!("proxy")),
            ],
        );
        let provider = seed.file("grafana-provider", "dashboards.yaml");
        let folder = provider["providers"][0]["options"]["path"].as_str().unwrap();
        let main = seed.container("Deployment", "grafana");
        let mounted = list(main, "/volumeMounts").iter().find(|mount| mount["mountPath"] == folder).unwrap();
        let volumes = list(seed.get("Deployment", "grafana"), "/spec/template/spec/volumes");
        let volume = volumes.iter().find(|v| v["name"] == mounted["name"]).unwrap();
        assert_eq!(volume["configMap"]["name"], "grafana-dashboards");
        sizes(main, ("100m", "200m"), ("128Mi", "256Mi"));
        probe(main, "readinessProbe", "/api/health", 5, None);
        assert_eq!(main["livenessProbe"]["periodSeconds"], 10);
        assert_eq!(seed.secret("grafana-secret")["GF_SECURITY_ADMIN_PASSWORD"], &Source::Random(24));
        let variables = list(main, "/env");
        let value = |name: &str| variables.iter().find(|v| v["name"] == name).map(|v| v["value"].clone());
        assert_eq!(
            value("GF_SECURITY_ADMIN_PASSWORD__FILE"),
            Some(json!("/run/secrets/mainstay/GF_SECURITY_ADMIN_PASSWORD"))
        );
        assert_eq!(value("GF_SECURITY_ADMIN_PASSWORD"), None);
    }
}

#[test]
fn the_table_of_resources_is_the_seeds() {
    for seed in both() {
        let total = render::summary(&seed.system).total;
        let told = format!("{total:?}");
        assert_eq!(total.pods, 6, "{told}");
        let text = render::summary(&seed.system).text();
        let line = text.lines().find(|line| line.starts_with("TOTAL")).unwrap();
        assert_eq!(
            line.split_whitespace().collect::<Vec<_>>(),
            ["TOTAL", "6", "1200m", "2400m", "1216Mi", "2432Mi"],
            "{text}"
        );
    }
}
