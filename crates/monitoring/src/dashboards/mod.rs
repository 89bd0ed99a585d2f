//! Dashboards of Grafana. The five of seed system 2 come first, under the names they have there.

mod capacity;
mod http;
mod logs;
mod panel;
mod pods;
mod postgres;
mod red;
mod usage;

use crate::facts::Facts;
use panel::{Panel, lay_out};
use serde_json::{Value, json};

/// Version of the dashboards' form: that of Grafana 12. Newer ones read it and migrate it.
pub const SCHEMA_VERSION: u32 = 42;

/// A dashboard.
#[derive(Debug, Clone, PartialEq)]
pub struct Dashboard {
    /// File name: `status-pods.json`.
    pub file: String,
    /// Stable id, by which links find it; at most 40 characters.
    pub uid: String,
    /// Title.
    pub title: String,
    /// The dashboard as Grafana reads it.
    pub json: Value,
}

/// What a dashboard lets choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variables {
    /// Data source and namespace.
    Namespace,
    /// And roles.
    Roles,
    /// And databases.
    Databases,
    /// Roles and levels of log lines, from Loki.
    Logs,
}

/// The dashboards of a system. What could never have data there is left out of them.
#[must_use]
pub fn dashboards(facts: &Facts) -> Vec<Dashboard> {
    let mut all = vec![
        dashboard(
            facts,
            "Status Pods",
            Variables::Roles,
            "Which pods run, are ready and restart.",
            &pods::panels(facts),
        ),
        dashboard(
            facts,
            "Histogram Bucket",
            Variables::Roles,
            "How long requests take: every bucket, not only an average.",
            &http::buckets(facts),
        ),
        dashboard(
            facts,
            "HTTP Request Count",
            Variables::Roles,
            "How many requests come, to which routes, and how they end.",
            &http::counts(facts),
        ),
        dashboard(
            facts,
            "CPU Usage",
            Variables::Roles,
            "CPU that the pods use, may use and are refused.",
            &usage::cpu(facts),
        ),
        dashboard(
            facts,
            "Memory Usage",
            Variables::Roles,
            "Memory that the pods use and may use.",
            &usage::memory(facts),
        ),
        dashboard(
            facts,
            "RED per role",
            Variables::Namespace,
            "Rate, errors and duration of each role.",
            &red::panels(facts),
        ),
    ];
    if facts.exporter().is_some() || facts.has_pool() {
        all.push(dashboard(
            facts,
            "PostgreSQL",
            if facts.exporter().is_some() { Variables::Databases } else { Variables::Namespace },
            "The database, and the pools that use it.",
            &postgres::panels(facts),
        ));
    }
    all.push(dashboard(
        facts,
        "Capacity",
        Variables::Namespace,
        "What is left: quota, volumes, autoscalers, pools, connections.",
        &capacity::panels(facts),
    ));
    if facts.loki {
        all.push(dashboard(facts, "Logs", Variables::Logs, "Log lines by role and level.", &logs::panels()));
    }
    all
}

fn dashboard(facts: &Facts, title: &str, variables: Variables, about: &str, panels: &[Panel]) -> Dashboard {
    let slug = title.to_lowercase().replace(' ', "-");
    let uid = format!("mainstay-{slug}");
    let json = json!({
        "uid": uid,
        "title": title,
        "description": about,
        "tags": ["mainstay", facts.project],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": true,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": { "from": "now-6h", "to": "now" },
        "timepicker": {},
        "timezone": "browser",
        "annotations": { "list": [{
            "builtIn": 1,
            "datasource": { "type": "grafana", "uid": "-- Grafana --" },
            "enable": true,
            "hide": true,
            "iconColor": "rgba(0, 211, 255, 1)",
            "name": "Annotations & Alerts",
            "type": "dashboard",
        }] },
        "links": [{
            "type": "dashboards",
            "title": "Mainstay",
            "tags": ["mainstay"],
            "asDropdown": true,
            "includeVars": true,
            "keepTime": true,
        }],
        "templating": { "list": variable_list(facts, variables) },
        "panels": lay_out(panels),
    });
    Dashboard { file: format!("{slug}.json"), uid, title: title.to_owned(), json }
}

fn variable_list(facts: &Facts, variables: Variables) -> Vec<Value> {
    if variables == Variables::Logs {
        return vec![
            source("logs", "loki", "Log source"),
            first(of_logs("namespace", "Namespace", ""), &facts.namespace),
            many(of_logs("role", "Role", "{namespace=\"$namespace\"}")),
            many(of_logs("level", "Level", "{namespace=\"$namespace\"}")),
            json!({
                "type": "textbox", "name": "search", "label": "Search", "query": "",
                "current": { "text": "", "value": "" },
            }),
        ];
    }
    // a namespace with a Mainstay process in it; a cluster's Prometheus knows many others
    let mut list = vec![
        source("datasource", "prometheus", "Data source"),
        first(asked("namespace", "Namespace", "label_values(mainstay_build_info, namespace)"), &facts.namespace),
    ];
    match variables {
        Variables::Roles => {
            list.push(many(asked("role", "Role", "label_values(up{namespace=\"$namespace\"}, role)")));
        }
        Variables::Databases => list.push(many(asked(
            "database",
            "Database",
            "label_values(pg_database_size_bytes{namespace=\"$namespace\", datname!~\"template.*\"}, datname)",
        ))),
        Variables::Namespace | Variables::Logs => {}
    }
    list
}

fn source(name: &str, kind: &str, label: &str) -> Value {
    json!({
        "type": "datasource", "name": name, "label": label, "query": kind, "regex": "", "hide": 0, "refresh": 1,
        "includeAll": false, "multi": false, "options": [], "current": {},
    })
}

/// One value; the project's namespace is only what is shown first.
fn first(mut variable: Value, value: &str) -> Value {
    variable["current"] = json!({ "text": value, "value": value });
    variable
}

/// Any number of values, all of them at first.
fn many(mut variable: Value) -> Value {
    variable["multi"] = json!(true);
    variable["includeAll"] = json!(true);
    variable["allValue"] = json!(".*");
    variable["current"] = json!({ "text": ["All"], "value": ["$__all"] });
    variable
}

/// A variable whose values Prometheus is asked for.
fn asked(name: &str, label: &str, query: &str) -> Value {
    let datasource = json!({ "type": "prometheus", "uid": "${datasource}" });
    let text = json!({ "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery" });
    variable(name, label, query, &datasource, &text)
}

/// A variable whose values are those of a label of log streams. Loki takes an object where Prometheus takes text.
fn of_logs(name: &str, label: &str, stream: &str) -> Value {
    let datasource = json!({ "type": "loki", "uid": "${logs}" });
    let definition =
        if stream.is_empty() { format!("label_values({name})") } else { format!("label_values({stream}, {name})") };
    // type 1: the values of one label
    let query = json!({ "type": 1, "label": name, "stream": stream, "refId": "LokiVariableQueryEditor-VariableQuery" });
    variable(name, label, &definition, &datasource, &query)
}

fn variable(name: &str, label: &str, definition: &str, datasource: &Value, query: &Value) -> Value {
    json!({
        "type": "query", "name": name, "label": label, "datasource": datasource, "definition": definition,
        "query": query, "regex": "", "sort": 1, "hide": 0, "refresh": 2, "includeAll": false, "multi": false,
        "options": [],
    })
}
