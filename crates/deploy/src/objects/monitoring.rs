//! What watches: Prometheus, Alertmanager, Grafana, exporters; or the objects of an operator that is there already.

use super::common::{Map, annotate, digest, map};
use super::facts::{facts, ssl_mode};
use super::pod::{
    OTHER_UID, Pod, config_hash, config_volume, container, env, get, mount, ports, scratch, secret_volume,
};
use super::rbac::{rights, rule};
use super::workloads::rolling;
use crate::system::{Component, Kind, System};
use k8s_openapi::api::core::v1::{
    ConfigMap, Container, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Service,
    ServicePort, ServiceSpec, Volume, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase, keys, yaml};
use mainstay_monitoring as watch;
use std::collections::BTreeMap;

/// Components whose pods talk to the API server.
pub(super) const WITH_TOKEN: &[&str] = &["prometheus", "kube-state-metrics", "alloy", "fluent-bit"];

/// Where the files of a Secret appear.
const SECRETS: &str = "/run/secrets/mainstay";

pub(super) fn objects(system: &System) -> Vec<Object> {
    let facts = facts(system);
    let mut all = Vec::new();
    for component in system.components.iter().filter(|c| c.kind == Kind::Monitoring) {
        match component.name.as_str() {
            "prometheus" => all.extend(prometheus(system, component, &facts)),
            "alertmanager" => all.extend(alertmanager(system, component, &facts)),
            "grafana" => all.extend(grafana(system, component, &facts)),
            "postgres-exporter" => all.extend(postgres_exporter(system, component, &facts)),
            _ => all.extend(kube_state_metrics(system, component)),
        }
    }
    if system.project.monitoring.operator {
        all.extend(super::operator::objects(system, &facts));
    }
    all
}
fn config_map(system: &System, component: &Component, name: &str, data: Map, file: &str, why: &str) -> Object {
    let typed = ConfigMap { metadata: system.meta_of(name, component), data: Some(data), ..ConfigMap::default() };
    Object::new(Phase::Monitoring, format!("monitoring/{}/{file}.yaml", component.name), why, &typed)
}

fn deployment(system: &System, component: &Component, pod: Pod<'_>, why: &str) -> Object {
    let (typed, _) = rolling(system, component, pod.template());
    Object::new(Phase::Monitoring, format!("{}/deployment.yaml", system.folder(component)), why, &typed)
}

fn service(system: &System, component: &Component, name: &str, why: &str) -> Object {
    let typed = Service {
        metadata: system.meta_of(name, component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(system.selector(component)),
            ports: Some(
                component
                    .ports
                    .iter()
                    .map(|(port, number)| ServicePort {
                        name: Some((*port).to_owned()),
                        port: i32::from(*number),
                        target_port: Some(IntOrString::String((*port).to_owned())),
                        protocol: Some("TCP".to_owned()),
                        ..ServicePort::default()
                    })
                    .collect(),
            ),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    Object::new(Phase::Monitoring, format!("{}/service.yaml", system.folder(component)), why, &typed)
}

/// Start-up, readiness and liveness of a program with paths for them.
fn probes(container: &mut Container, port: &str, ready: &str, alive: &str) {
    // a first start on a small share of a CPU takes minutes
    container.startup_probe = Some(get(alive, port, 2, 150));
    container.readiness_probe = Some(get(ready, port, 5, 3));
    container.liveness_probe = Some(get(alive, port, 10, 6));
}

/// The volume of a component's data: a claim when it has one, else empty with each pod.
pub(super) fn data_volume(component: &Component, limit: &str) -> Volume {
    match &component.volume {
        Some(_) => Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: component.name.clone(),
                read_only: None,
            }),
            ..Volume::default()
        },
        None => scratch("data", limit),
    }
}

/// The claim of a component's data.
pub(super) fn claim(system: &System, component: &Component) -> Option<Object> {
    let size = component.volume.clone()?;
    let mut meta = system.meta_of(&component.name, component);
    annotate(&mut meta, keys::KEEP, "true");
    let typed = PersistentVolumeClaim {
        metadata: meta,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size))])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    };
    let path = format!("{}/pvc.yaml", system.folder(component));
    Some(Object::new(Phase::Monitoring, path, format!("Data of {}, kept over restarts.", component.name), &typed))
}

fn prometheus(system: &System, component: &Component, facts: &watch::Facts) -> Vec<Object> {
    let monitoring = &system.project.monitoring;
    let options = watch::PrometheusOptions {
        scrape_interval_seconds: u32::try_from(monitoring.scrape_interval.0.as_secs()).unwrap_or(15).max(1),
        alertmanager: system.component("alertmanager").map(|_| "alertmanager-service:9093".to_owned()),
        rule_files: vec!["/etc/prometheus/rules/*.yaml".to_owned()],
        kube_state_metrics: system.component("kube-state-metrics").map(|_| "kube-state-metrics:8080".to_owned()),
    };
    let config = map([("prometheus.yml", &yaml::write_value(&watch::prometheus_config(facts, &options)))]);
    let rules = map([("rules.yaml", &yaml::write_value(&watch::rules(facts).to_value()))]);
    let mut main = container(system, "prometheus", system.third_party("prometheus"), component.size);
    main.args = Some(vec![
        "--config.file=/etc/prometheus/prometheus.yml".to_owned(),
        "--storage.tsdb.path=/prometheus".to_owned(),
        format!("--storage.tsdb.retention.time={}", monitoring.retention),
        format!("--storage.tsdb.retention.size={}", monitoring.retention_size),
        "--log.format=json".to_owned(),
    ]);
    main.ports = Some(ports(component));
    probes(&mut main, "http", "/-/ready", "/-/healthy");
    main.volume_mounts = Some(vec![
        mount("config", "/etc/prometheus", true),
        mount("rules", "/etc/prometheus/rules", true),
        mount("data", "/prometheus", false),
        mount("tmp", "/tmp", false),
    ]);
    let both = format!("{}{}", digest(&config), digest(&rules));
    let pod = Pod::new(system, component, OTHER_UID)
        // it writes what it has in memory when it stops
        .grace(120)
        .account(&component.name, true)
        .volume(config_volume("config", "prometheus-config", &Map::new()))
        .volume(config_volume("rules", "prometheus-rules", &Map::new()))
        .volume(data_volume(component, "2Gi"))
        .volume(scratch("tmp", "64Mi"))
        .container(main);
    let mut rights_of = vec![
        rule(&[""], &["pods", "services", "endpoints"], &["get", "list", "watch"]),
        rule(&["discovery.k8s.io"], &["endpointslices"], &["get", "list", "watch"]),
    ];
    if monitoring.node_metrics {
        rights_of.push(rule(&[""], &["nodes"], &["get", "list", "watch"]));
        rights_of.push(rule(&[""], &["nodes/metrics", "nodes/proxy"], &["get"]));
    }
    let why = if monitoring.node_metrics {
        "What is to be scraped, in any namespace, and what nodes say about containers. `nodes/proxy` is a strong right: who\n\
         has it can run commands in any container of any node. [monitoring] node_metrics = false takes it away."
    } else if monitoring.cluster_role {
        "Read-only: what is to be scraped, in any namespace.\n\
         [monitoring] cluster_role = false narrows it to the pods of this namespace."
    } else {
        "Read-only: the pods of this namespace, to find what is to be scraped."
    };
    let mut all = rights(system, component, rights_of, monitoring.cluster_role || monitoring.node_metrics, why);
    all.push(config_map(
        system,
        component,
        "prometheus-config",
        config,
        "config",
        "Scrapes every pod of the project on its port `metrics`. The targets are found through the API of the cluster.",
    ));
    all.push(config_map(
        system,
        component,
        "prometheus-rules",
        rules,
        "rules",
        "Recordings and alerts, under the names that runbooks of the Kubernetes and PostgreSQL mixins use.",
    ));
    all.extend(claim(system, component));
    all.push(deployment(
        system,
        component,
        config_hash(pod, &both),
        "Prometheus. Without [monitoring] storage its data ends with the pod.",
    ));
    all.push(service(
        system,
        component,
        "prometheus-service",
        "Inside the cluster only. To look at it: kubectl port-forward service/prometheus-service 9090",
    ));
    all
}

fn alertmanager(system: &System, component: &Component, facts: &watch::Facts) -> Vec<Object> {
    let options = watch::AlertmanagerOptions { secrets_dir: SECRETS.to_owned() };
    let value = watch::alertmanager_config(facts, &system.project.alerts, &options);
    let config = map([("alertmanager.yml", &yaml::write_value(&value))]);
    let mut main = container(system, "alertmanager", system.third_party("alertmanager"), component.size);
    main.args = Some(
        [
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            // one instance: nobody to gossip with
            "--cluster.listen-address=",
            "--log.format=json",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    main.ports = Some(ports(component));
    probes(&mut main, "http", "/-/ready", "/-/healthy");
    let mut mounts = vec![
        mount("config", "/etc/alertmanager", true),
        mount("data", "/alertmanager", false),
        mount("tmp", "/tmp", false),
    ];
    let mut pod = Pod::new(system, component, OTHER_UID)
        .volume(config_volume("config", "alertmanager-config", &Map::new()))
        .volume(scratch("data", "64Mi"))
        .volume(scratch("tmp", "16Mi"));
    // mail without sign-in needs no Secret, and a pod waits for ever for one that nobody makes
    if !system.project.alerts.secrets().is_empty() {
        mounts.push(mount("secrets", SECRETS, true));
        pod = pod.volume(secret_volume("secrets", "alertmanager-secret"));
    }
    main.volume_mounts = Some(mounts);
    let pod = pod.container(main);
    let hash = digest(&config);
    vec![
        config_map(
            system,
            component,
            "alertmanager-config",
            config,
            "config",
            "Who hears of what. Addresses that are secret are files of the Secret alertmanager-secret.",
        ),
        deployment(system, component, config_hash(pod, &hash), "Alertmanager: groups, routes and silences alerts."),
        service(
            system,
            component,
            "alertmanager-service",
            "Inside the cluster only. To silence an alert: kubectl port-forward service/alertmanager-service 9093",
        ),
    ]
}

fn grafana(system: &System, component: &Component, facts: &watch::Facts) -> Vec<Object> {
    let options = watch::GrafanaOptions {
        prometheus_url: "http://prometheus-service:9090".to_owned(),
        loki_url: "http://loki:3100".to_owned(),
        alertmanager_url: system.component("alertmanager").map(|_| "http://alertmanager-service:9093".to_owned()),
        scrape_interval_seconds: u32::try_from(system.project.monitoring.scrape_interval.0.as_secs()).unwrap_or(15),
        secrets_dir: SECRETS.to_owned(),
    };
    let sources = map([("datasources.yaml", &yaml::write_value(&watch::grafana_datasources(facts, &options)))]);
    let provider = watch::grafana_dashboard_provider(facts, "/var/lib/grafana/dashboards");
    let provider = map([("dashboards.yaml", &yaml::write_value(&provider))]);
    let dashboards: Map = watch::dashboards(facts)
        .into_iter()
        .map(|d| (d.file, serde_json::to_string_pretty(&d.json).unwrap_or_default() + "\n"))
        .collect();
    let mut main = container(system, "grafana", system.third_party("grafana"), component.size);
    main.env = Some(watch::grafana_env(&options).into_iter().map(|(name, value)| env(&name, value)).collect());
    main.ports = Some(ports(component));
    // /api/health asks Grafana's database too; /healthz asks the process only
    probes(&mut main, "http", "/api/health", "/healthz");
    main.volume_mounts = Some(vec![
        mount("data", "/var/lib/grafana", false),
        mount("dashboards", "/var/lib/grafana/dashboards", true),
        mount("datasources", "/etc/grafana/provisioning/datasources", true),
        mount("provider", "/etc/grafana/provisioning/dashboards", true),
        mount("secrets", SECRETS, true),
        mount("tmp", "/tmp", false),
    ]);
    let hash = format!("{}{}{}", digest(&sources), digest(&provider), digest(&dashboards));
    let pod = Pod::new(system, component, OTHER_UID)
        .volume(scratch("data", "256Mi"))
        .volume(config_volume("dashboards", "grafana-dashboards", &Map::new()))
        .volume(config_volume("datasources", "grafana-datasources", &Map::new()))
        .volume(config_volume("provider", "grafana-provider", &Map::new()))
        .volume(secret_volume("secrets", "grafana-secret"))
        .volume(scratch("tmp", "64Mi"))
        .container(main);
    let config = |name: &str, data: Map, file: &str, why: &str| config_map(system, component, name, data, file, why);
    vec![
        config(
            "grafana-datasources",
            sources,
            "datasources",
            "Where Grafana asks: Prometheus, through Grafana itself (access: proxy).",
        ),
        config(
            "grafana-provider",
            provider,
            "provider",
            "Grafana loads dashboards from the folder of the ConfigMap grafana-dashboards.",
        ),
        config(
            "grafana-dashboards",
            dashboards,
            "dashboards",
            "The dashboards. They are provisioned: changes in the browser are not kept.",
        ),
        deployment(
            system,
            component,
            config_hash(pod, &hash),
            "Grafana. Everything it shows is provisioned, so that it needs no volume. The admin's password is generated:\n\
             kubectl get secret grafana-secret -o jsonpath='{.data.GF_SECURITY_ADMIN_PASSWORD}' | base64 -d",
        ),
        service(
            system,
            component,
            "grafana-service",
            "Inside the cluster only. To look at it: kubectl port-forward service/grafana-service 3000",
        ),
    ]
}

fn postgres_exporter(system: &System, component: &Component, facts: &watch::Facts) -> Vec<Object> {
    let Some(postgres) = &facts.postgres else { return Vec::new() };
    let mut main = container(system, "postgres-exporter", system.third_party("postgres-exporter"), component.size);
    main.args = Some(watch::postgres_exporter_args(postgres));
    main.env = Some(
        watch::postgres_exporter_env(postgres, &system.database_name(), ssl_mode(system), SECRETS)
            .into_iter()
            // a server outside may listen elsewhere
            .map(|(name, value)| env(&name, value.replacen(":5432/", &format!(":{}/", system.database_port()), 1)))
            .collect(),
    );
    main.ports = Some(ports(component));
    // its metrics ask the database; its front page does not
    probes(&mut main, "metrics", "/", "/");
    main.liveness_probe = Some(super::services::tcp("metrics"));
    main.volume_mounts = Some(vec![mount("secrets", SECRETS, true), mount("tmp", "/tmp", false)]);
    let pod = Pod::new(system, component, OTHER_UID)
        .volume(secret_volume("secrets", "postgres-exporter-secret"))
        .volume(scratch("tmp", "16Mi"))
        .container(main);
    vec![deployment(
        system,
        component,
        pod,
        "Reads PostgreSQL's statistics with a login that may do nothing else (pg_monitor).",
    )]
}

fn kube_state_metrics(system: &System, component: &Component) -> Vec<Object> {
    let mut main = container(system, "kube-state-metrics", system.third_party("kube-state-metrics"), component.size);
    let resources = "configmaps,cronjobs,daemonsets,deployments,horizontalpodautoscalers,jobs,persistentvolumeclaims,\
                     poddisruptionbudgets,pods,replicasets,resourcequotas,services,statefulsets";
    main.args = Some(vec![
        format!("--namespaces={}", system.namespace),
        format!("--resources={resources}"),
        "--port=8080".to_owned(),
        "--telemetry-port=8081".to_owned(),
    ]);
    main.ports = Some(ports(component));
    probes(&mut main, "telemetry", "/readyz", "/metrics");
    if let Some(readiness) = &mut main.readiness_probe {
        *readiness = get("/metrics", "telemetry", 5, 3);
    }
    main.liveness_probe = Some(get("/healthz", "metrics", 10, 6));
    main.startup_probe = Some(get("/healthz", "metrics", 2, 60));
    main.volume_mounts = Some(vec![mount("tmp", "/tmp", false)]);
    let pod = Pod::new(system, component, OTHER_UID)
        .account(&component.name, true)
        .volume(scratch("tmp", "16Mi"))
        .container(main);
    let rules = vec![
        rule(
            &[""],
            &["configmaps", "persistentvolumeclaims", "pods", "resourcequotas", "services"],
            &["list", "watch"],
        ),
        rule(&["apps"], &["daemonsets", "deployments", "replicasets", "statefulsets"], &["list", "watch"]),
        rule(&["batch"], &["cronjobs", "jobs"], &["list", "watch"]),
        rule(&["autoscaling"], &["horizontalpodautoscalers"], &["list", "watch"]),
        rule(&["policy"], &["poddisruptionbudgets"], &["list", "watch"]),
    ];
    let mut all = rights(system, component, rules, false, "Read-only, and only this namespace. No Secrets.");
    all.push(deployment(system, component, pod, "Turns the state of pods, Deployments, Jobs and quotas into metrics."));
    all.push(service(system, component, "kube-state-metrics", "Scraped by Prometheus."));
    all
}
