//! Objects for a Prometheus Operator and a Grafana that are there already.

use super::common::{Map, annotate};
use crate::system::{Component, Kind, System};
use k8s_openapi::api::core::v1::{ConfigMap, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase};
use mainstay_monitoring as watch;
use serde_json::json;
use std::collections::BTreeMap;

/// ServiceMonitors, rules and dashboards for a Prometheus Operator and a Grafana that are there already.
pub(super) fn objects(system: &System, facts: &watch::Facts) -> Vec<Object> {
    let monitoring = &system.project.monitoring;
    let mut all = Vec::new();
    let labelled = |mut meta: ObjectMeta| {
        meta.labels.get_or_insert_with(Map::new).extend(monitoring.operator_labels.clone());
        meta
    };
    let interval = u32::try_from(monitoring.scrape_interval.0.as_secs()).unwrap_or(15);
    for component in &system.components {
        let Some((port, path)) = scraped(system, component) else { continue };
        let name = format!("{}-metrics", component.name);
        let folder = system.folder(component);
        let mut meta = system.meta_of(&name, component);
        let mark = [("mainstay.dev/metrics".to_owned(), component.name.clone())];
        meta.labels.get_or_insert_with(Map::new).extend(mark.clone());
        let typed = Service {
            metadata: meta,
            spec: Some(ServiceSpec {
                cluster_ip: Some("None".to_owned()),
                selector: Some(system.selector(component)),
                ports: Some(vec![ServicePort {
                    name: Some("metrics".to_owned()),
                    port: i32::from(component.port(port)),
                    target_port: Some(IntOrString::String(port.to_owned())),
                    protocol: Some("TCP".to_owned()),
                    ..ServicePort::default()
                }]),
                ..ServiceSpec::default()
            }),
            ..Service::default()
        };
        all.push(Object::new(
            Phase::Monitoring,
            format!("{folder}/service-metrics.yaml"),
            format!("Only for the ServiceMonitor: the metrics of {} are on a port of their own.", component.name),
            &typed,
        ));
        let value = json!({
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "metadata": labelled(system.meta_of(&component.name, component)),
            "spec": {
                "selector": { "matchLabels": Map::from(mark) },
                "namespaceSelector": { "matchNames": [system.namespace] },
                "endpoints": watch::service_monitor_endpoints(interval, "metrics", &path),
            },
        });
        all.push(Object::new(
            Phase::Monitoring,
            format!("{folder}/servicemonitor.yaml"),
            format!("Tells the Prometheus Operator to scrape {}.", component.name),
            &value,
        ));
    }
    let value = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": labelled(system.meta(&system.project.name, &system.project.name, "monitoring")),
        "spec": watch::rules(facts).to_value(),
    });
    all.push(Object::new(
        Phase::Monitoring,
        "monitoring/prometheusrule.yaml",
        "Recordings and alerts of the project. What kube-prometheus-stack alerts on already is not repeated.",
        &value,
    ));
    for dashboard in watch::dashboards(facts) {
        let slug = dashboard.file.trim_end_matches(".json").to_owned();
        let mut meta = system.meta(&format!("dashboard-{slug}"), &system.project.name, "monitoring");
        meta.labels.get_or_insert_with(Map::new).insert("grafana_dashboard".to_owned(), "1".to_owned());
        annotate(&mut meta, "grafana_folder", &system.project.name);
        let text = serde_json::to_string_pretty(&dashboard.json).unwrap_or_default() + "\n";
        let typed = ConfigMap {
            metadata: meta,
            data: Some(BTreeMap::from([(dashboard.file.clone(), text)])),
            ..ConfigMap::default()
        };
        all.push(Object::new(
            Phase::Monitoring,
            format!("monitoring/dashboards/{slug}.yaml"),
            format!("The dashboard \"{}\". Grafana's sidecar finds it by its label.", dashboard.title),
            &typed,
        ));
    }
    all
}

/// Port name and path of a component's metrics.
fn scraped(system: &System, component: &Component) -> Option<(&'static str, String)> {
    match component.kind {
        Kind::Roles(_) => Some(("metrics", "/metrics".to_owned())),
        Kind::Service => system.project.services.get(&component.name)?.metrics_path.clone().map(|path| ("http", path)),
        Kind::Monitoring if component.name == "postgres-exporter" => Some(("metrics", "/metrics".to_owned())),
        _ => None,
    }
}
