//! Dashboards as Grafana would read them.

use crate::facts;
use mainstay_monitoring::{Dashboard, dashboards};
use serde_json::Value;
use std::collections::BTreeSet;

fn each() -> Vec<(&'static str, Dashboard)> {
    facts::all()
        .into_iter()
        .flat_map(|(label, facts)| dashboards(&facts).into_iter().map(move |d| (label, d)))
        .collect()
}

fn panels(dashboard: &Dashboard) -> &Vec<Value> {
    dashboard.json["panels"].as_array().unwrap()
}

#[test]
fn the_five_of_the_seed_are_there_by_name_in_every_system() {
    for (label, facts) in facts::all() {
        let titles: Vec<String> = dashboards(&facts).into_iter().map(|d| d.title).collect();
        let five = ["Status Pods", "Histogram Bucket", "HTTP Request Count", "CPU Usage", "Memory Usage"];
        assert_eq!(titles[..5], five, "{label}");
        assert_eq!(titles.contains(&"Logs".to_owned()), facts.loki, "{label}");
    }
}

#[test]
fn panels_have_their_own_place_and_number() {
    for (label, dashboard) in each() {
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in panels(&dashboard) {
            let place = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{label} {}: two panels have one id", dashboard.title);
            assert!(place("x") + place("w") <= 24, "{label} {}: {} is too wide", dashboard.title, panel["title"]);
            for x in place("x")..place("x") + place("w") {
                for y in place("y")..place("y") + place("h") {
                    assert!(
                        taken.insert((x, y)),
                        "{label} {}: {} lies on another panel",
                        dashboard.title,
                        panel["title"]
                    );
                }
            }
        }
        let shown = panels(&dashboard).iter().filter(|panel| panel["type"] != "row").count();
        assert!(shown >= if label == "empty" { 1 } else { 3 }, "{label} {}: {shown} panels", dashboard.title);
    }
}

#[test]
fn every_query_goes_through_the_variables() {
    for (label, dashboard) in each() {
        let place = format!("{label} {}", dashboard.title);
        assert_eq!(dashboard.json["schemaVersion"], 42);
        assert_eq!(dashboard.json["refresh"], "30s");
        assert_eq!(dashboard.json["time"]["from"], "now-6h");
        let variables: BTreeSet<String> = dashboard.json["templating"]["list"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v["name"].as_str().unwrap().to_owned())
            .collect();
        for panel in panels(&dashboard).iter().filter(|panel| panel["type"] != "row") {
            let title = &panel["title"];
            assert!(!panel["description"].as_str().unwrap().is_empty(), "{place}: {title} says nothing about itself");
            assert!(!panel["targets"].as_array().unwrap().is_empty(), "{place}: {title} asks nothing");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{place}: {title} has no unit");
            for target in panel["targets"].as_array().unwrap() {
                let uid = if target["datasource"]["type"] == "loki" { "${logs}" } else { "${datasource}" };
                assert_eq!(target["datasource"]["uid"], uid, "{place}: {title}");
                assert_eq!(panel["datasource"], target["datasource"], "{place}: {title}");
                let expression = target["expr"].as_str().unwrap();
                assert!(
                    expression.contains("namespace=\"$namespace\""),
                    "{place}: {title} looks at every namespace: {expression}"
                );
                assert!(!expression.contains('@') && !expression.contains('\n'), "{place}: {title}: {expression}");
                assert!(
                    !expression.contains("budget-app") && !expression.contains("rest-api"),
                    "{place}: {title}: {expression}"
                );
                for (at, _) in expression.match_indices('$') {
                    let name: String =
                        expression[at + 1..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                    assert!(
                        name.starts_with("__") || variables.contains(&name),
                        "{place}: {title} uses ${name}, which it does not have"
                    );
                }
            }
        }
    }
}

/// Prometheus' own parser: the variables are replaced by what Grafana would put there, and each query becomes a rule.
#[test]
fn every_query_is_promql() {
    let folder = crate::tools::folder("queries");
    let mut rules = Vec::new();
    for (label, dashboard) in each() {
        for panel in panels(&dashboard) {
            for target in
                panel["targets"].as_array().into_iter().flatten().filter(|t| t["datasource"]["type"] == "prometheus")
            {
                let expression = target["expr"].as_str().unwrap();
                let expression = expression
                    .replace("$__rate_interval", "1m")
                    .replace("$namespace", "shop")
                    .replace("$role", "gateway|api")
                    .replace("$database", "shop");
                rules.push(serde_json::json!({
                    "record": format!("query:{}", rules.len()),
                    "expr": expression,
                    "labels": { "of": format!("{label} {} {}", dashboard.title, panel["title"]) },
                }));
            }
        }
    }
    assert!(rules.len() > 100);
    let file = crate::tools::write(
        &folder,
        "queries.yaml",
        &serde_json::json!({ "groups": [{ "name": "queries", "rules": rules }] }),
    );
    crate::tools::run("promtool", &["check", "rules", &file], "").unwrap_or_else(|said| panic!("{said}"));
}

#[test]
fn ids_are_stable_and_files_are_named_alike() {
    let expected = [
        ("status-pods.json", "mainstay-status-pods"),
        ("histogram-bucket.json", "mainstay-histogram-bucket"),
        ("http-request-count.json", "mainstay-http-request-count"),
        ("cpu-usage.json", "mainstay-cpu-usage"),
        ("memory-usage.json", "mainstay-memory-usage"),
        ("red-per-role.json", "mainstay-red-per-role"),
        ("postgresql.json", "mainstay-postgresql"),
        ("capacity.json", "mainstay-capacity"),
        ("logs.json", "mainstay-logs"),
    ];
    let made = dashboards(&facts::full());
    let made: Vec<_> = made.iter().map(|d| (d.file.as_str(), d.uid.as_str())).collect();
    assert_eq!(made, expected);
    assert!(expected.iter().all(|(_, uid)| uid.len() <= 40), "Grafana refuses longer ones");
}

#[test]
fn the_same_facts_give_the_same_bytes_in_whatever_order_they_come() {
    let facts = facts::full();
    let mut turned = facts.clone();
    turned.components.reverse();
    for facts in [&facts, &turned] {
        for (one, two) in dashboards(facts).iter().zip(dashboards(&facts::full())) {
            assert_eq!(
                serde_json::to_string(&one.json).unwrap(),
                serde_json::to_string(&two.json).unwrap(),
                "{}",
                one.title
            );
        }
        let rules = |facts| serde_json::to_string(&mainstay_monitoring::rules(facts).to_value()).unwrap();
        assert_eq!(rules(facts), rules(&facts::full()));
    }
}
