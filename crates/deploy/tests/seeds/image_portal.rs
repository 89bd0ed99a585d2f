//! Seed 001: portal, gateway, internal auth and image services, TLS in three ways, a complete set of monitoring.

use crate::seed::{Seed, autoscaler, changed, expect, let_in, list, seed, text};
use mainstay_deploy::TlsMode;
use mainstay_manifest::Source;
use serde_json::{Value, json};

fn portal() -> Seed {
    seed("fixtures/image-portal")
}

#[test]
fn every_role_has_a_deployment_of_one_image_and_a_service_inside() {
    let seed = portal();
    for (name, roles) in
        [("gateway", "gateway"), ("auth", "auth"), ("images", "storage"), ("portal", "portal"), ("data", "data")]
    {
        let main = seed.container("Deployment", name);
        assert_eq!(main["image"], "registry.example.com/image-portal:1.0.0");
        assert_eq!(main["args"], json!(["serve", "/project", "--roles", roles]));
        assert!(main["readinessProbe"].is_object() && main["livenessProbe"].is_object());
        expect(seed.get("Service", name), &[("/spec/type", json!("ClusterIP"))]);
        expect(seed.get("PodDisruptionBudget", &format!("{name}-pdb")), &[("/spec/maxUnavailable", json!(1))]);
        seed.get("ConfigMap", &format!("{name}-config"));
        assert!(!seed.secret(&format!("{name}-secret")).is_empty());
    }
    autoscaler(&seed, "gateway-hpa", "gateway", (2, 6), 70, None);
    autoscaler(&seed, "auth-hpa", "auth", (2, 4), 70, None);
    autoscaler(&seed, "images-hpa", "images", (2, 4), 70, None);
}

#[test]
fn only_the_gateway_reaches_what_is_internal() {
    let seed = portal();
    for name in ["auth", "images", "data", "portal"] {
        assert_eq!(let_in(seed.get("NetworkPolicy", name), 8080), ["gateway"], "{name}");
    }
    let gateway = seed.get("NetworkPolicy", "gateway");
    let rules = list(gateway, "/spec/ingress").iter().filter(|rule| rule["ports"][0]["port"] == 8889);
    let from: Vec<_> = rules.flat_map(|rule| list(rule, "/from")).collect();
    let controller = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}});
    assert_eq!(from, [&controller]);
    assert_eq!(
        let_in(seed.get("NetworkPolicy", "postgres"), 5432),
        ["auth", "backup", "data", "db-init", "images", "postgres-exporter"]
    );
    expect(
        seed.get("NetworkPolicy", "default-deny"),
        &[("/spec/podSelector", json!({})), ("/spec/policyTypes", json!(["Ingress", "Egress"]))],
    );
}

#[test]
fn data_is_kept_over_restarts() {
    let seed = portal();
    expect(
        seed.get("StatefulSet", "postgres"),
        &[("/spec/volumeClaimTemplates/0/spec/resources/requests/storage", json!("10Gi"))],
    );
    expect(seed.get("PersistentVolumeClaim", "prometheus"), &[("/spec/resources/requests/storage", json!("10Gi"))]);
    let volumes = list(seed.get("Deployment", "prometheus"), "/spec/template/spec/volumes");
    assert!(volumes.iter().any(|v| text(v, "/persistentVolumeClaim/claimName") == "prometheus"));
}

#[test]
fn tls_by_a_certificate_that_is_made_for_one() {
    let seed = portal();
    assert!(
        matches!(seed.secret("image-portal-tls")["tls.crt"], Source::Certificate(hosts) if hosts[0] == "images.example.com")
    );
    expect(seed.get("Secret", "image-portal-tls"), &[("/type", json!("kubernetes.io/tls"))]);
    expect(
        seed.get("Ingress", "gateway"),
        &[
            ("/spec/tls/0", json!({"hosts": ["images.example.com"], "secretName": "image-portal-tls"})),
            ("/spec/ingressClassName", json!("nginx")),
            ("/spec/rules/0/host", json!("images.example.com")),
        ],
    );
    assert_eq!(seed.of_kind("Issuer").count() + seed.of_kind("Certificate").count(), 0);
}

#[test]
fn tls_by_issuer_and_certificate() {
    let seed = changed("fixtures/image-portal", |project| project.tls.mode = TlsMode::Issuer);
    expect(seed.get("Issuer", "image-portal-issuer-selfsigned"), &[("/spec", json!({"selfSigned": {}}))]);
    expect(
        seed.get("Issuer", "image-portal-issuer"),
        &[("/spec", json!({"ca": {"secretName": "image-portal-issuer-ca"}}))],
    );
    expect(
        seed.get("Certificate", "image-portal-tls"),
        &[
            ("/spec/issuerRef/name", json!("image-portal-issuer")),
            ("/spec/secretName", json!("image-portal-tls")),
            ("/spec/dnsNames", json!(["images.example.com"])),
        ],
    );
    // one owner: neither an annotation nor a Secret of ours
    expect(seed.get("Ingress", "gateway"), &[("/metadata/annotations", Value::Null)]);
    assert_eq!(seed.find("Secret", "image-portal-tls"), None);
}

#[test]
fn tls_by_annotation() {
    let seed = changed("fixtures/image-portal", |project| project.tls.mode = TlsMode::Annotation);
    expect(
        seed.get("Ingress", "gateway"),
        &[
            ("/metadata/annotations/cert-manager.io~1issuer", json!("image-portal-issuer")),
            ("/spec/tls/0/secretName", json!("image-portal-tls")),
        ],
    );
    seed.get("Issuer", "image-portal-issuer");
    assert_eq!(seed.find("Certificate", "image-portal-tls"), None, "cert-manager makes it from the annotation");
    assert_eq!(seed.find("Secret", "image-portal-tls"), None);
}

#[test]
fn alerts_are_grouped_routed_and_sent_to_mail_and_slack() {
    let seed = portal();
    let config = seed.file("alertmanager-config", "alertmanager.yml");
    let all = config.to_string();
    for wanted in
        ["group_wait", "group_interval", "repeat_interval", "ops@example.com", "smtp.example.com:587", "#alerts"]
    {
        assert!(all.contains(wanted), "{wanted} is missing of {all}");
    }
    let receivers = list(&config, "/receivers");
    assert!(
        receivers.iter().any(|r| r["email_configs"].is_array())
            && receivers.iter().any(|r| r["slack_configs"].is_array())
    );
    let keys = seed.secret("alertmanager-secret");
    assert_eq!(keys.keys().copied().collect::<Vec<_>>(), ["ALERTS_SLACK_URL", "ALERTS_SMTP_PASSWORD"]);
    for file in ["/run/secrets/mainstay/ALERTS_SMTP_PASSWORD", "/run/secrets/mainstay/ALERTS_SLACK_URL"] {
        assert!(all.contains(file), "{file} is not read");
    }
    let prometheus = seed.file("prometheus-config", "prometheus.yml");
    expect(
        &prometheus,
        &[("/alerting/alertmanagers/0/static_configs/0/targets", json!(["alertmanager-service:9093"]))],
    );
    assert!(!list(&seed.file("prometheus-rules", "rules.yaml"), "/groups").is_empty());
    let out = seed.get("NetworkPolicy", "alertmanager").to_string();
    assert!(out.contains("\"port\":587") && out.contains("\"port\":443"));
}

#[test]
fn the_five_dashboards_are_there_by_name() {
    let seed = portal();
    let data = seed.get("ConfigMap", "grafana-dashboards")["data"].as_object().unwrap();
    let title = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap()["title"].clone();
    let titles: Vec<Value> = data.values().map(title).collect();
    for wanted in ["Status Pods", "Histogram Bucket", "HTTP Request Count", "CPU Usage", "Memory Usage"] {
        assert!(titles.contains(&json!(wanted)), "{wanted} is missing of {titles:?}");
    }
}

#[test]
fn exporters_stand_beside_and_are_scraped() {
    let seed = portal();
    let jobs: Vec<_> = list(&seed.file("prometheus-config", "prometheus.yml"), "/scrape_configs")
        .iter()
        .map(|job| text(job, "/job_name").to_owned())
        .collect();
    for wanted in ["mainstay", "postgres-exporter", "kube-state-metrics", "cadvisor"] {
        assert!(jobs.contains(&wanted.to_owned()), "{wanted} is missing of {jobs:?}");
    }
    assert_eq!(let_in(seed.get("NetworkPolicy", "postgres-exporter"), 9187), ["prometheus"]);
    assert_eq!(let_in(seed.get("NetworkPolicy", "kube-state-metrics"), 8080), ["prometheus"]);
    for name in ["gateway", "auth", "images", "data", "portal"] {
        assert_eq!(let_in(seed.get("NetworkPolicy", name), 8890), ["prometheus"], "{name}");
    }
}
