//! The table of metrics against the sources, and everything that asks for a metric against the table.

use crate::facts;
use mainstay_monitoring::metrics::{self, Kind, METRICS, Source};
use mainstay_monitoring::query::metric_names;
use mainstay_monitoring::{dashboards, rules};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

#[derive(Debug, PartialEq, Eq, Clone)]
struct Registered {
    kind: Kind,
    labels: BTreeSet<String>,
    help: String,
}

#[test]
fn mainstays_rows_are_what_the_code_registers() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found: BTreeMap<String, Registered> = BTreeMap::new();
    let mut files = Vec::new();
    for entry in std::fs::read_dir(crates).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() && !source.starts_with(env!("CARGO_MANIFEST_DIR")) {
            rust_files(&source, &mut files);
        }
    }
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        for (name, registered) in registrations(code) {
            let known = found.entry(name.clone()).or_insert_with(|| registered.clone());
            assert_eq!(*known, registered, "{name} is registered in two ways, once in {}", file.display());
        }
    }
    let table: BTreeMap<String, Registered> = METRICS
        .iter()
        .filter(|metric| metric.source == Source::Mainstay)
        .map(|metric| {
            let labels = metric.labels.iter().map(|label| (*label).to_owned()).collect();
            (metric.name.to_owned(), Registered { kind: metric.kind, labels, help: metric.help.to_owned() })
        })
        .collect();
    assert_eq!(
        table.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>(),
        "left: METRICS of crates/monitoring/src/metrics.rs, right: what the code registers"
    );
    for (name, row) in &table {
        assert_eq!(*row, found[name], "{name}: left is the table, right the code");
    }
}

fn rust_files(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// Calls of the kernel's registry with a literal name: name, kind, labels and help.
fn registrations(code: &str) -> Vec<(String, Registered)> {
    let mut all = Vec::new();
    for (method, kind) in [
        (".counter(", Kind::Counter),
        (".gauge(", Kind::Gauge),
        (".histogram(", Kind::Histogram),
        (".seconds_total(", Kind::Counter),
    ] {
        for (at, _) in code.match_indices(method) {
            let arguments = &code[at + method.len()..];
            let Some(name) = arguments.trim_start().strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                continue;
            };
            let arguments = &arguments[..end_of_call(arguments)];
            let help = help_of(arguments, &code[..at]);
            let labels = if arguments.trim_end().trim_end_matches(',').ends_with("&labels") {
                let declared = code[..at].rfind("let labels = ").unwrap();
                label_names(code[declared..].split(';').next().unwrap())
            } else {
                label_names(arguments)
            };
            all.push((name.to_owned(), Registered { kind, labels, help }));
        }
    }
    all
}

/// The second argument, a literal or a variable with one.
fn help_of(arguments: &str, before: &str) -> String {
    let after_name = arguments.split_once("\",").unwrap().1.trim_start();
    if let Some(literal) = after_name.strip_prefix('"') {
        return literal.split('"').next().unwrap().to_owned();
    }
    let variable: String = after_name.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let declared = before.rfind(&format!("let {variable} = \"")).unwrap();
    before[declared..].split('"').nth(1).unwrap().to_owned()
}

fn label_names(text: &str) -> BTreeSet<String> {
    let label = |part: &str| {
        let name = part.trim_start().strip_prefix('"')?.split('"').next()?;
        let follows = part.trim_start()[name.len() + 2..].trim_start().starts_with(',');
        (follows && !name.is_empty()).then(|| name.to_owned())
    };
    // the first piece holds the metric's own name, which is no label
    text.split('(').skip(1).filter_map(label).collect()
}

fn end_of_call(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    text.len()
}

#[test]
fn the_reader_of_sources_sees_kinds_labels_and_help() {
    let code = r#"
        let about = "Loads";
        let labels = [("pool", role.info().name)];
        registry.gauge("a", "Help (of a).", &labels);
        registry.counter(
            "b_total",
            about,
            &[("result", "ok"), ("other", x)],
        );
        registry.counter(name, "no literal", &[]);
    "#;
    let found: BTreeMap<_, _> = registrations(code).into_iter().collect();
    assert_eq!(found.keys().collect::<Vec<_>>(), ["a", "b_total"]);
    assert_eq!(found["a"].help, "Help (of a).");
    assert_eq!(found["a"].labels, BTreeSet::from(["pool".to_owned()]));
    assert_eq!(found["b_total"].help, "Loads");
    assert_eq!(found["b_total"].labels, BTreeSet::from(["result".to_owned(), "other".to_owned()]));
}

#[test]
fn every_metric_that_is_asked_for_exists_in_that_system() {
    let mut used = BTreeSet::new();
    for (label, facts) in facts::all() {
        let rules = rules(&facts);
        let mut recorded: BTreeSet<String> = rules.records().map(|record| record.name.clone()).collect();
        if facts.kubernetes_mixin {
            recorded.extend(mixin_records());
        }
        let mut asked: Vec<(String, String)> = Vec::new();
        asked.extend(rules.records().map(|r| (r.name.clone(), r.expr.clone())));
        asked.extend(rules.alerts().map(|a| (a.name.clone(), a.expr.clone())));
        for dashboard in dashboards(&facts) {
            for panel in dashboard.json["panels"].as_array().unwrap() {
                for target in panel["targets"].as_array().into_iter().flatten() {
                    if target["datasource"]["type"] == "prometheus" {
                        let place = format!("{} / {}", dashboard.title, panel["title"]);
                        asked.push((place, target["expr"].as_str().unwrap().to_owned()));
                    }
                }
            }
        }
        for (place, expression) in asked {
            for name in metric_names(&expression) {
                let row = metrics::find(&name);
                assert!(
                    row.is_some() || recorded.contains(&name),
                    "{label}: {place} asks for {name}, which nothing exposes: {expression}"
                );
                let Some(row) = row else { continue };
                used.insert(row.name);
                let there = match row.source {
                    Source::Mainstay | Source::Prometheus => true,
                    Source::PostgresExporter => facts.postgres.as_ref().is_some_and(|p| p.exporter.is_some()),
                    Source::KubeStateMetrics => facts.kube_state_metrics,
                    Source::Kubelet => facts.cadvisor,
                    Source::CertManager => facts.cert_manager_metrics,
                };
                assert!(there, "{label}: {place} asks for {name} of {:?}, which is not scraped", row.source);
            }
        }
    }
    let unused: Vec<_> =
        METRICS.iter().filter(|m| m.source != Source::Mainstay && !used.contains(m.name)).map(|m| m.name).collect();
    assert!(unused.is_empty(), "rows of the table that no rule and no panel uses: {unused:?}");
    let untold: Vec<_> = METRICS.iter().filter(|m| !used.contains(m.name)).map(|m| m.name).collect();
    assert_eq!(untold, ["mainstay_auth_password_dummy_verifications_total"], "metrics of ours that no panel shows");
}

/// What kube-prometheus-stack records.
fn mixin_records() -> Vec<String> {
    let ours = mainstay_monitoring::rules(&facts::full());
    ours.records().map(|r| r.name.clone()).filter(|name| name.contains("container")).collect()
}

#[test]
fn a_role_that_does_not_run_is_asked_for_nothing() {
    let facts = facts::headless();
    let page = serde_json::to_string(&rules(&facts).to_value()).unwrap();
    for absent in ["mainstay_auth", "http_server", "http_client", "pg_", "kube_", "container_"] {
        assert!(!page.contains(absent), "{absent} in the rules of a system without it");
    }
    assert!(page.contains("mainstay_data_catalog_loads_total"));
}

#[test]
fn a_gateway_that_holds_every_role_has_nobody_to_miss() {
    let mut facts = facts::small();
    facts.components.truncate(1);
    facts.components[0].roles = ["gateway", "auth", "data", "portal"].map(str::to_owned).to_vec();
    assert!(!rules(&facts).alerts().any(|alert| alert.name == "GatewayUpstreamErrors"));
    assert!(!dashboards(&facts).iter().any(|d| d.json.to_string().contains("http_client_request_duration_seconds")));
    assert!(rules(&facts::small()).alerts().any(|alert| alert.name == "GatewayUpstreamErrors"));
}

#[test]
fn names_of_metrics_follow_prometheus_rules() {
    let mut page = String::new();
    for metric in METRICS.iter().filter(|metric| metric.source == Source::Mainstay) {
        let kind = format!("{:?}", metric.kind).to_lowercase();
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("{label}=\"x\"")).collect();
        let labels = labels.join(",");
        page.push_str(&format!("# HELP {} {}\n# TYPE {} {kind}\n", metric.name, metric.help, metric.name));
        if metric.kind == Kind::Histogram {
            let comma = if labels.is_empty() { "" } else { "," };
            page.push_str(&format!(
                "{0}_bucket{{{labels}{comma}le=\"+Inf\"}} 1\n{0}_sum{{{labels}}} 1\n{0}_count{{{labels}}} 1\n",
                metric.name
            ));
        } else {
            page.push_str(&format!("{}{{{labels}}} 1\n", metric.name));
        }
    }
    let said = crate::tools::run("promtool", &["check", "metrics"], &page);
    assert_eq!(said, Ok(String::new()), "promtool check metrics");
}
