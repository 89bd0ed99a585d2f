//! Files for Prometheus, Grafana, Loki, Alloy and Fluent Bit.

use crate::{facts, tools};
use mainstay_monitoring::*;
use serde_json::{Value, json};

fn options() -> PrometheusOptions {
    PrometheusOptions {
        alertmanager: Some("alertmanager:9093".to_owned()),
        kube_state_metrics: Some("kube-state-metrics:8080".to_owned()),
        ..PrometheusOptions::default()
    }
}

fn jobs(config: &Value) -> Vec<&str> {
    config["scrape_configs"].as_array().unwrap().iter().map(|job| job["job_name"].as_str().unwrap()).collect()
}

#[test]
fn promtool_accepts_the_configuration_and_its_rules() {
    for (label, facts) in facts::all() {
        let folder = tools::folder(&format!("prometheus-{label}"));
        std::fs::create_dir_all(folder.join("rules")).unwrap();
        tools::write(&folder.join("rules"), "mainstay.yaml", &rules(&facts).to_value());
        let rule_files = vec![folder.join("rules/*.yaml").to_str().unwrap().to_owned()];
        let mut config = prometheus_config(&facts, &PrometheusOptions { rule_files, ..options() });
        // Debian's Prometheus is built without discovery in Kubernetes, and has no service account
        for job in config["scrape_configs"].as_array_mut().unwrap() {
            let job = job.as_object_mut().unwrap();
            if job.remove("kubernetes_sd_configs").is_some() {
                job.insert("static_configs".to_owned(), json!([{ "targets": ["localhost:1"] }]));
                job.remove("authorization");
                job.remove("tls_config");
            }
        }
        let file = tools::write(&folder, "prometheus.yaml", &config);
        let said =
            tools::run("promtool", &["check", "config", &file], "").unwrap_or_else(|said| panic!("{label}: {said}"));
        assert!(said.contains("1 rule files found"), "{label}: {said}");
    }
}

#[test]
fn each_system_has_the_jobs_that_it_has_targets_for() {
    let full = prometheus_config(&facts::full(), &options());
    let all = ["prometheus", "mainstay", "mailer", "postgres-exporter", "kube-state-metrics", "kubelet", "cadvisor"];
    assert_eq!(jobs(&full), all);
    assert_eq!(full["global"]["scrape_interval"], "15s");
    let small = prometheus_config(&facts::small(), &PrometheusOptions::default());
    assert_eq!(jobs(&small), ["prometheus", "mainstay"]);
    assert!(small.get("alerting").is_none());
}

#[test]
fn discovery_stays_in_the_namespace_and_keeps_the_project() {
    let config = prometheus_config(&facts::full(), &options());
    for job in config["scrape_configs"].as_array().unwrap() {
        for discovery in job["kubernetes_sd_configs"].as_array().into_iter().flatten() {
            if discovery["role"] == "pod" {
                assert_eq!(discovery["namespaces"]["names"], json!(["budget-app"]));
                let keep = &job["relabel_configs"][0];
                assert_eq!((&keep["regex"], &keep["action"]), (&json!("budget-app"), &json!("keep")));
                assert_eq!(keep["source_labels"], json!(["__meta_kubernetes_pod_label_app_kubernetes_io_part_of"]));
            } else {
                // nodes know every namespace's containers
                assert_eq!(job["metric_relabel_configs"][0]["regex"], "budget-app");
            }
        }
    }
    let mainstay =
        config["scrape_configs"].as_array().unwrap().iter().find(|job| job["job_name"] == "mainstay").unwrap();
    let targets: Vec<&str> =
        mainstay["relabel_configs"].as_array().unwrap().iter().filter_map(|r| r["target_label"].as_str()).collect();
    assert_eq!(targets, ["role", "pod", "namespace", "node"]);
}

#[test]
fn an_operators_endpoints_give_the_label_that_dashboards_ask_for() {
    let endpoints = service_monitor_endpoints(15, "metrics", "/metrics");
    assert_eq!(endpoints[0]["interval"], "15s");
    assert_eq!(endpoints[0]["scrapeTimeout"], "10s");
    assert_eq!(endpoints[0]["relabelings"][0]["targetLabel"], "role");
}

#[test]
fn grafana_finds_its_sources_by_the_names_the_seed_has() {
    let options =
        GrafanaOptions { prometheus_url: "http://prometheus-service:9090".to_owned(), ..GrafanaOptions::default() };
    let sources = grafana_datasources(&facts::full(), &options);
    let first = &sources["datasources"][0];
    assert_eq!(
        (&first["name"], &first["type"], &first["url"], &first["access"], &first["isDefault"]),
        (
            &json!("Prometheus"),
            &json!("prometheus"),
            &json!("http://prometheus-service:9090"),
            &json!("proxy"),
            &json!(true)
        )
    );
    assert_eq!(sources["datasources"][1]["uid"], DATASOURCE_LOKI);
    assert_eq!(grafana_datasources(&facts::small(), &options)["datasources"].as_array().unwrap().len(), 1);
    assert_eq!(grafana_dashboard_provider(&facts::full(), "/d")["providers"][0]["options"]["path"], "/d");
    let env = grafana_env(&options);
    let value = |name: &str| env.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    assert_eq!(value("GF_AUTH_ANONYMOUS_ENABLED"), Some("false"));
    assert_eq!(value("GF_SECURITY_ADMIN_PASSWORD__FILE"), Some("/run/secrets/mainstay/GF_SECURITY_ADMIN_PASSWORD"));
    assert_eq!(value("GF_SECURITY_ADMIN_PASSWORD"), None);
}

#[test]
fn the_exporter_asks_for_what_its_servers_version_has() {
    let mut postgres = facts::full().postgres.unwrap();
    let args = postgres_exporter_args(&postgres);
    assert!(
        args.contains(&"--collector.stat_checkpointer".to_owned())
            && args.contains(&"--no-collector.stat_bgwriter".to_owned())
    );
    postgres.major = 16;
    assert!(
        !postgres_exporter_args(&postgres).iter().any(|arg| arg.contains("bgwriter") || arg.contains("checkpointer"))
    );
    let env = postgres_exporter_env(&postgres, "budget", "verify-full", "/run/secrets/mainstay/");
    assert_eq!(env[0], ("DATA_SOURCE_URI".to_owned(), "postgres-service:5432/budget?sslmode=verify-full".to_owned()));
    assert_eq!(env[2].1, "/run/secrets/mainstay/DATA_SOURCE_PASS");
}

#[test]
fn loki_keeps_lines_as_long_as_it_is_told() {
    let config = loki_config(168);
    assert_eq!(config["limits_config"]["retention_period"], "168h");
    assert_eq!(config["compactor"]["retention_enabled"], true);
    assert_eq!(config["compactor"]["delete_request_store"], "filesystem");
    assert_eq!(config["analytics"]["reporting_enabled"], false);
}

#[test]
fn alloy_reads_the_projects_pods_in_its_own_namespace() {
    let text = alloy_config(&facts::full(), "http://loki:3100/");
    for part in [
        "own_namespace = true",
        r#"label = "app.kubernetes.io/part-of=budget-app""#,
        r#"url = "http://loki:3100/loki/api/v1/push""#,
        r#"target_label  = "role""#,
        r#"expressions = { level = "level" }"#,
    ] {
        assert!(text.contains(part), "{part} is missing from:\n{text}");
    }
    let count = |c: char| text.chars().filter(|other| *other == c).count();
    assert_eq!(count('{'), count('}'));
    for reference in ["discovery.kubernetes.pods", "discovery.relabel.pods", "loki.process.lines", "loki.write.store"] {
        let (component, label) = reference.rsplit_once('.').unwrap();
        assert!(
            text.contains(&format!("{component} \"{label}\" {{")) && text.contains(&format!("{reference}.")),
            "{reference}"
        );
    }
}

#[test]
fn fluent_bit_opens_this_namespaces_files_only() {
    let login = Some(("elastic".to_owned(), "/run/secrets/mainstay/ELASTIC_PASSWORD".to_owned()));
    let options = FluentBitOptions { tls: true, login, ..FluentBitOptions::default() };
    let config = fluent_bit_config(&facts::full(), &options);
    assert_eq!(config["pipeline"]["inputs"][0]["path"], "/var/log/containers/*_budget-app_*.log");
    let output = &config["pipeline"]["outputs"][0];
    assert_eq!(
        (&output["name"], &output["tls.verify"], &output["logstash_prefix"]),
        (&json!("es"), &json!("on"), &json!("budget-app"))
    );
    assert_eq!(config["env"][0]["uri"], "file:///run/secrets/mainstay/ELASTIC_PASSWORD");
    let open = fluent_bit_config(&facts::full(), &FluentBitOptions { opensearch: true, ..FluentBitOptions::default() });
    assert_eq!(open["pipeline"]["outputs"][0]["name"], "opensearch");
    assert!(open.get("env").is_none() && open["pipeline"]["outputs"][0].get("http_passwd").is_none());
}
