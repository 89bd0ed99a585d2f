//! What passes every schema and fails on a cluster: one test for each trap.

use crate::seed::{Seed, changed, expect, let_in, list, seed, text};
use mainstay_deploy::{AdmissionAction, DatabaseKind, IssuerType, Project, SecretsFrom, System, TlsMode, Way};
use serde_json::{Value, json};

fn plain(change: impl FnOnce(&mut Project)) -> Result<Seed, String> {
    let mut project = Project { name: "shop".to_owned(), version: "0.1.0".to_owned(), ..Project::default() };
    change(&mut project);
    System::plan(project.clone()).map_err(|error| error.to_string())?;
    Ok(Seed::of(project))
}

fn egress_ports(policy: &Value) -> Vec<u64> {
    let rules = list(policy, "/spec/egress").iter();
    rules.flat_map(|rule| list(rule, "/ports")).filter_map(|port| port["port"].as_u64()).collect()
}

#[test]
fn mail_without_sign_in_waits_for_no_secret() {
    let mail = json!({"to": ["ops@example.com"], "from": "a@example.com", "smarthost": "mail.example.com:25"});
    let seed = changed("fixtures/image-portal", |project| {
        project.alerts.slack = None;
        project.alerts.critical = None;
        project.alerts.warning = None;
        project.alerts.email = serde_json::from_value(mail).unwrap();
    });
    assert_eq!(seed.find("Secret", "alertmanager-secret"), None);
    let pod = &seed.get("Deployment", "alertmanager")["spec"]["template"]["spec"];
    assert!(list(pod, "/volumes").iter().all(|volume| volume["secret"].is_null()), "the pod would wait for ever");
    assert!(list(&pod["containers"][0], "/volumeMounts").iter().all(|mount| mount["name"] != "secrets"));
}

#[test]
fn the_exporter_is_given_a_name_and_a_password() {
    let seed = seed("fixtures/image-portal");
    let keys: Vec<_> = seed.secret("postgres-exporter-secret").into_keys().collect();
    assert_eq!(keys, ["DATA_SOURCE_PASS", "DATA_SOURCE_USER"]);
}

#[test]
fn the_exporter_asks_an_external_server_at_its_port() {
    let seed = changed("fixtures/image-portal", |project| {
        project.database.kind = DatabaseKind::External;
        project.database.host = Some("db.example.com".into());
        project.database.port = 6432;
        project.backup.enabled = false;
    });
    let variables = list(seed.container("Deployment", "postgres-exporter"), "/env");
    let address = variables.iter().find(|v| v["name"] == "DATA_SOURCE_URI").unwrap();
    assert_eq!(address["value"], "db.example.com:6432/image_portal?sslmode=require");
}

#[test]
fn an_acme_server_reaches_the_pod_that_answers_it() {
    let seed = seed("fixtures/rest-api");
    let solver = &seed.get("Issuer", "rest-api-issuer")["spec"]["acme"]["solvers"][0]["http01"]["ingress"];
    // the quota has no node port for it, and cert-manager takes one unless told otherwise
    assert_eq!(*solver, json!({"serviceType": "ClusterIP", "ingressClassName": "nginx"}));
    assert_eq!(seed.of_kind("ResourceQuota").next().unwrap()["spec"]["hard"]["services.nodeports"], "0");
    expect(
        seed.get("NetworkPolicy", "acme-solver"),
        &[
            ("/spec/podSelector/matchLabels", json!({"acme.cert-manager.io/http01-solver": "true"})),
            ("/spec/ingress/0/ports", json!([{"port": 8089, "protocol": "TCP"}])),
            (
                "/spec/ingress/0/from/0/namespaceSelector/matchLabels",
                json!({"kubernetes.io/metadata.name": "ingress-nginx"}),
            ),
        ],
    );
    let without = changed("fixtures/rest-api", |project| project.tls.issuer_type = IssuerType::SelfSigned);
    assert_eq!(without.find("NetworkPolicy", "acme-solver"), None);
    let pods = |seed: &Seed| -> u32 {
        text(seed.of_kind("ResourceQuota").next().unwrap(), "/spec/hard/pods").parse().unwrap()
    };
    assert_eq!(pods(&seed), pods(&without) + 1, "its pod counts");
}

#[test]
fn an_acme_server_is_answered_through_the_gateway_api_when_that_is_the_way_in() {
    let acme = |project: &mut Project| {
        project.expose.host = Some("shop.example.com".into());
        project.expose.gateway = "infra/public".into();
        project.tls.mode = TlsMode::Issuer;
        project.tls.issuer_type = IssuerType::Acme;
        project.tls.acme_email = Some("ops@example.com".into());
    };
    let seed = plain(|project| {
        acme(project);
        project.expose.via = vec![Way::GatewayApi];
    });
    let seed = seed.unwrap();
    assert_eq!(
        seed.get("Issuer", "shop-issuer")["spec"]["acme"]["solvers"],
        json!([{"http01": {"gatewayHTTPRoute": {
            "serviceType": "ClusterIP", "parentRefs": [{"name": "public", "namespace": "infra"}],
        }}}])
    );
    let refused = plain(|project| {
        acme(project);
        project.expose.via = vec![Way::LoadBalancer];
    });
    assert!(refused.err().unwrap().contains("tls.issuer_type"));
}

#[test]
fn the_name_of_an_authority_is_short_enough_for_a_certificate() {
    let seed = plain(|project| {
        project.name = "a".repeat(60);
        project.expose.via = vec![Way::Ingress];
        project.expose.host = Some("shop.example.com".into());
        project.tls.mode = TlsMode::Issuer;
    });
    let seed = seed.unwrap();
    let authority = seed.of_kind("Certificate").find(|c| c["spec"]["isCA"] == true).unwrap();
    assert!(text(authority, "/spec/commonName").len() <= 64, "{authority}");
}

#[test]
fn sign_in_by_a_provider_whose_client_is_given_when_deploying_gets_out() {
    let seed = seed("systems/budget-app");
    assert!(egress_ports(seed.get("NetworkPolicy", "auth-data")).contains(&443), "Google cannot be asked");
    let without = changed("systems/budget-app", |project| {
        project.workloads.get_mut("auth-data").unwrap().given.clear();
    });
    assert!(!egress_ports(without.get("NetworkPolicy", "auth-data")).contains(&443));
}

#[test]
fn whoever_has_a_token_reaches_the_api_server() {
    for name in ["fixtures/task-management", "fixtures/rest-api", "fixtures/image-portal"] {
        let seed = seed(name);
        for pods in seed.pods().iter().filter(|pods| pods.spec()["automountServiceAccountToken"] == true) {
            let ports = egress_ports(seed.get("NetworkPolicy", pods.name));
            assert!(ports.contains(&443) && ports.contains(&6443), "{name}: {}", pods.name);
        }
    }
}

#[test]
fn commands_cannot_be_run_with_the_rights_of_monitoring_unless_that_is_wanted() {
    let rights = |seed: &Seed| seed.get("ClusterRole", "budget-app-prometheus")["rules"].to_string();
    let seed = changed("systems/budget-app", |_| {});
    assert!(!rights(&seed).contains("nodes"), "{}", rights(&seed));
    let jobs = |seed: &Seed| seed.file("prometheus-config", "prometheus.yml").to_string();
    assert!(!jobs(&seed).contains("cadvisor"), "a job without the right for it");
    let wanted = changed("systems/budget-app", |project| project.monitoring.node_metrics = true);
    assert!(rights(&wanted).contains("nodes/proxy") && jobs(&wanted).contains("cadvisor"));
    let narrow = changed("systems/budget-app", |project| project.monitoring.cluster_role = false);
    assert_eq!(narrow.of_kind("ClusterRole").count(), 0);
    narrow.get("Role", "prometheus");
}

#[test]
fn a_policy_that_refuses_admits_what_is_rendered_with_it() {
    for name in ["fixtures/task-management", "fixtures/xray-api"] {
        let seed = changed(name, |project| {
            project.kubernetes.admission = mainstay_deploy::Admission::Native;
            project.kubernetes.admission_action = AdmissionAction::Deny;
        });
        let policy =
            seed.of_kind("ValidatingAdmissionPolicy").find(|p| text(p, "/metadata/name").ends_with("-workloads"));
        let rules = list(policy.unwrap(), "/spec/validations");
        let rule = rules.iter().find(|rule| text(rule, "/message").contains("read-only")).unwrap();
        let writes = seed.pods().iter().any(|p| p.name == "elasticsearch");
        assert_eq!(text(rule, "/expression").contains("c.name in ['elasticsearch', 'kibana']"), writes, "{name}");
        for rule in rules {
            let (open, close) =
                (text(rule, "/expression").matches('(').count(), text(rule, "/expression").matches(')').count());
            assert_eq!(open, close, "{rule}");
        }
    }
}

#[test]
fn the_groups_of_an_image_are_kept_where_a_runtime_may_not_know_better() {
    let strict = |version: u32| {
        let seed = plain(|project| project.kubernetes.version = mainstay_deploy::KubeVersion(version)).unwrap();
        let pod = &seed.get("Deployment", "gateway")["spec"]["template"]["spec"];
        pod["securityContext"]["supplementalGroupsPolicy"].clone()
    };
    // a kubelet from 1.33 on refuses pods with this field when its runtime does not support it; containerd 1 does not
    assert_eq!((strict(34), strict(35), strict(36)), (Value::Null, Value::Null, json!("Strict")));
}

#[test]
fn an_operators_prometheus_reaches_the_servers_of_cloudnativepg() {
    let seed = plain(|project| {
        project.database.kind = DatabaseKind::CloudNativePg;
        project.monitoring.operator = true;
    });
    let seed = seed.unwrap();
    assert_eq!(seed.get("Cluster", "postgres")["spec"]["monitoring"]["enablePodMonitor"], true);
    let policy = seed.get("NetworkPolicy", "postgres");
    assert_eq!(let_in(policy, 9187), ["prometheus"]);
    let refused = plain(|project| {
        project.database.kind = DatabaseKind::CloudNativePg;
        project.database.user = "owner".into();
    });
    assert!(refused.err().unwrap().contains("kubernetes.database.user"), "its superuser Secret must name postgres");
}

#[test]
fn postgres_starts_as_an_arbitrary_user_on_a_read_only_root() {
    let seed = seed("systems/budget-app");
    let set = seed.get("StatefulSet", "postgres");
    let main = seed.container("StatefulSet", "postgres");
    let mounts = list(main, "/volumeMounts");
    let writable = |path: &str| mounts.iter().any(|m| m["mountPath"] == path && m["readOnly"].is_null());
    // its socket, temporary files, shared memory, and the data in a folder below the volume's top
    for path in ["/var/run/postgresql", "/tmp", "/dev/shm", "/var/lib/postgresql/data"] {
        assert!(writable(path), "{path}");
    }
    let variables = list(main, "/env");
    let value =
        |name: &str| variables.iter().find(|v| v["name"] == name).map(|v| text(v, "/value")).unwrap_or_default();
    assert_eq!(value("PGDATA"), "/var/lib/postgresql/data/pgdata");
    for name in ["POSTGRES_DB_FILE", "POSTGRES_USER_FILE", "POSTGRES_PASSWORD_FILE"] {
        assert!(value(name).starts_with("/run/secrets/postgres/"), "{name}");
    }
    assert!(value("POSTGRES_INITDB_ARGS").contains("--auth-host=scram-sha-256"));
    // the image's entry point takes arguments that begin with a dash as the server's
    assert_eq!(main["args"][0], "-c");
    assert!(main["command"].is_null());
    assert_eq!(set["spec"]["template"]["spec"]["securityContext"]["fsGroup"], 10001);
    for which in ["startupProbe", "readinessProbe", "livenessProbe"] {
        let command = list(&main[which]["exec"], "/command");
        // over TCP: while the database is made the server answers on its socket, and is not ready
        assert!(command.contains(&json!("--host=127.0.0.1")), "{which}");
        // without a name libpq asks the image for that of the user id, which has none, and the server is never asked
        assert!(command.iter().any(|word| word.as_str().is_some_and(|w| w.starts_with("--username="))), "{which}");
    }
}

#[test]
fn a_restore_is_tried_as_a_user_that_the_image_does_not_know() {
    let seed = seed("fixtures/image-portal");
    let scripts = seed.get("ConfigMap", "backup-scripts");
    let verify = text(scripts, "/data/verify.sh");
    assert!(verify.contains("libnss_wrapper.so") && verify.contains("NSS_WRAPPER_PASSWD"), "initdb wants a name");
    let verifies = &seed.get("CronJob", "backup-verify")["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let scratch = list(verifies, "/volumes").iter().find(|volume| volume["name"] == "tmp").unwrap();
    assert_eq!(scratch["emptyDir"]["sizeLimit"], "10Gi", "a full database must fit");
    assert_eq!(verifies["containers"][0]["resources"]["limits"]["ephemeral-storage"], "11280Mi");
    let server = text(seed.container("StatefulSet", "postgres"), "/image").to_owned();
    for name in ["backup", "backup-verify"] {
        let job = &seed.get("CronJob", name)["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        assert_eq!(job["containers"][0]["image"], server, "pg_dump of another version may refuse the server");
    }
}

#[test]
fn a_store_without_the_optional_keys_still_makes_the_secret() {
    let seed = changed("systems/budget-app", |project| project.kubernetes.secrets = SecretsFrom::External);
    let names = |name: &str| -> Vec<String> {
        let data = list(seed.get("ExternalSecret", name), "/spec/data").iter();
        data.map(|entry| text(entry, "/secretKey").to_owned()).collect()
    };
    // one property that is named and missing, and the operator makes nothing at all
    assert_eq!(names("auth-data-secret"), ["DATABASE_URL", "MAINSTAY_DATABASE_AUTH_URL", "SECRET_KEY"]);
    expect(
        seed.get("ExternalSecret", "auth-data-secret"),
        &[
            ("/apiVersion", json!("external-secrets.io/v1")),
            ("/spec/dataFrom", json!([{"extract": {"key": "budget-app/auth-data-secret"}}])),
            ("/spec/data/0/remoteRef", json!({"key": "budget-app/auth-data-secret", "property": "DATABASE_URL"})),
            ("/spec/target/name", json!("auth-data-secret")),
            ("/spec/target/deletionPolicy", json!("Retain")),
        ],
    );
    assert!(seed.get("ExternalSecret", "gateway-secret")["spec"]["dataFrom"].is_null(), "nothing there is optional");
    assert_eq!(seed.of_kind("Secret").count(), 0);
}
