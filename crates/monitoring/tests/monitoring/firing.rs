//! The rules, evaluated by promtool: each alert once when it must fire and once when it must not.

use crate::cases::{CASES, Case};
use crate::{facts, tools};
use mainstay_monitoring::{Facts, rules};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn system(name: &str) -> Facts {
    facts::all().into_iter().find(|(label, _)| *label == name).unwrap().1
}

fn written(folder: &std::path::Path, name: &str, facts: &Facts) -> String {
    tools::write(folder, &format!("{name}.rules.yaml"), &rules(facts).to_value())
}

/// Series of a test: what the case says, and all components up where it says nothing about a component.
fn series(facts: &Facts, stated: &[(&str, &str)], minutes: u32) -> Vec<Value> {
    let matcher = format!("namespace='{}'", facts.namespace);
    let all_up = facts.components.iter().filter(|component| {
        let own = format!("role='{}'", component.name);
        component.scrape.is_some() && !stated.iter().any(|(name, _)| name.starts_with("up{") && name.contains(&own))
    });
    let up = all_up.map(|c| (format!("up{{{matcher}, role='{}', pod='{0}'}}", c.name), format!("1+0x{minutes}")));
    let stated = stated.iter().map(|(name, values)| (name.replace("NS", &matcher), (*values).to_owned()));
    up.chain(stated).map(|(name, values)| json!({ "series": name.replace('\'', "\""), "values": values })).collect()
}

fn test(case: &Case, stated: &[(&str, &str)], fires: bool) -> Value {
    let facts = system(case.system);
    let (name, severity) = (case.alert, case.severity);
    let expected = if fires {
        json!([{ "labels": format!("{{alertname=\"{name}\", severity=\"{severity}\", \
            namespace=\"{}\"}}", facts.namespace), "value": 1 }])
    } else {
        json!([])
    };
    json!({
        "name": format!("{name} {}", if fires { "fires" } else { "is quiet" }),
        "interval": "1m",
        "input_series": series(&facts, stated, case.at + 10),
        "promql_expr_test": [{
            "expr": format!("group by (alertname, severity, namespace) (ALERTS{{alertname=\"{name}\", \
                severity=\"{severity}\", alertstate=\"firing\"}})"),
            "eval_time": format!("{}m", case.at),
            "exp_samples": expected,
        }],
    })
}

#[test]
fn promtool_accepts_the_rules_of_every_system() {
    let folder = tools::folder("rules");
    for (label, facts) in facts::all() {
        let file = written(&folder, label, &facts);
        let said =
            tools::run("promtool", &["check", "rules", &file], "").unwrap_or_else(|said| panic!("{label}: {said}"));
        assert!(said.contains("SUCCESS") && !said.to_lowercase().contains("duplicate"), "{label}: {said}");
    }
}

#[test]
fn every_alert_fires_when_it_must() {
    evaluate(true);
}

#[test]
fn no_alert_fires_when_it_must_not() {
    evaluate(false);
}

fn evaluate(fires: bool) {
    let folder = tools::folder(if fires { "firing" } else { "quiet" });
    for system_name in ["full", "small", "operator"] {
        let facts = system(system_name);
        let rule_file = written(&folder, system_name, &facts);
        // promtool takes groups in any order unless told; at a slow pace an alert would find its recording gone stale
        let order: Vec<String> = rules(&facts).groups.into_iter().map(|group| group.name).collect();
        // hours of evaluations a minute apart take minutes; what is asked for so late does not need them
        for (pace, minutes) in [("1m", 0..240), ("15m", 240..u32::MAX)] {
            let chosen = |case: &&Case| {
                case.system == system_name && minutes.contains(&case.at) && (fires || case.alert != "Watchdog")
            };
            let tests: Vec<Value> = CASES
                .iter()
                .filter(chosen)
                .map(|case| test(case, if fires { case.fires } else { case.quiet }, fires))
                .collect();
            let file = tools::write(
                &folder,
                &format!("{system_name}-{pace}.test.yaml"),
                &json!({
                    "rule_files": [rule_file], "evaluation_interval": pace, "group_eval_order": order, "tests": tests,
                }),
            );
            tools::run("promtool", &["test", "rules", &file], "")
                .unwrap_or_else(|said| panic!("{system_name}: {said}"));
        }
    }
}

#[test]
fn no_alert_is_without_a_case() {
    let tested: BTreeSet<(&str, &str)> = CASES.iter().map(|case| (case.alert, case.severity)).collect();
    let mut made = BTreeSet::new();
    for (_, facts) in facts::all() {
        made.extend(rules(&facts).alerts().map(|alert| (alert.name.clone(), alert.severity.text())));
    }
    let made: BTreeSet<(&str, &str)> = made.iter().map(|(name, severity)| (name.as_str(), *severity)).collect();
    assert_eq!(made, tested, "left: alerts that are generated, right: alerts with a case");
}

/// Messages as people get them: every template of a firing alert is filled in by promtool itself.
#[test]
fn messages_name_what_is_wrong() {
    let facts = facts::full();
    let folder = tools::folder("messages");
    let rule_file = written(&folder, "full", &facts);
    let annotations = json!({
        "summary": "A volume is nearly full.",
        "description": "The volume of data has 2% of its space left. Grow the claim, or let go of data.",
        "runbook_url": "docs/kubernetes/alerts.md#kubepersistentvolumefillingup",
    });
    let free = [
        ("kubelet_volume_stats_available_bytes{NS, persistentvolumeclaim='data'}", "2+0x9"),
        ("kubelet_volume_stats_capacity_bytes{NS, persistentvolumeclaim='data'}", "100+0x9"),
        ("kubelet_volume_stats_used_bytes{NS, persistentvolumeclaim='data'}", "98+0x9"),
    ];
    let labels = json!({ "severity": "critical", "namespace": "budget-app", "persistentvolumeclaim": "data" });
    let test = json!({
        "interval": "1m",
        "input_series": series(&facts, &free, 9),
        "alert_rule_test": [{
            "eval_time": "5m",
            "alertname": "KubePersistentVolumeFillingUp",
            "exp_alerts": [{ "exp_labels": labels, "exp_annotations": annotations }],
        }],
    });
    let value = json!({ "rule_files": [rule_file], "evaluation_interval": "1m", "tests": [test] });
    let file = tools::write(&folder, "test.yaml", &value);
    tools::run("promtool", &["test", "rules", &file], "").unwrap_or_else(|said| panic!("{said}"));
}

/// Labels that a message mentions must survive its expression: otherwise it reads "pod  in".
#[test]
fn messages_use_labels_that_are_there() {
    for alert in rules(&facts::full()).alerts() {
        let kept: Option<Vec<&str>> = ["sum by (", "max by (", "min by (", "avg by (", "time() - max by ("]
            .iter()
            .find_map(|start| alert.expr.strip_prefix(start))
            .map(|rest| rest.split(')').next().unwrap().split(", ").collect());
        for mention in alert.description.split("$labels.").skip(1) {
            let label: String = mention.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            let stated = alert.labels.iter().any(|(name, _)| *name == label);
            let survives = kept.as_ref().is_none_or(|kept| kept.contains(&label.as_str()));
            assert!(stated || survives, "{}: {label} is not among the labels of {}", alert.name, alert.expr);
        }
        assert!(alert.summary.ends_with('.') && alert.summary.len() < 90, "{}: {}", alert.name, alert.summary);
        assert!(
            alert.description.ends_with(['.', '`']) && !alert.description.contains("  "),
            "{}: {}",
            alert.name,
            alert.description
        );
        assert!(!alert.expr.contains('@'), "{}: {}", alert.name, alert.expr);
    }
}

#[test]
fn under_an_operator_with_the_mixin_nothing_is_told_twice() {
    let rules = rules(&facts::operator());
    assert!(!rules.alerts().any(|a| a.name.starts_with("Kube") || a.name == "Watchdog" || a.name == "InfoInhibitor"));
    assert!(!rules.records().any(|r| r.name.contains("container")));
    assert!(rules.alerts().any(|a| a.name == "BackupTooOld"), "what only this project knows stays");
}

#[test]
fn an_empty_system_still_has_a_watchdog() {
    let names: Vec<String> = rules(&facts::empty()).alerts().map(|a| a.name.clone()).collect();
    assert_eq!(names, ["TargetDown", "Watchdog"]);
}

#[test]
fn the_page_of_alerts_has_a_place_for_every_link() {
    let rules = rules(&facts::full());
    let page = rules.page();
    for alert in rules.alerts() {
        assert_eq!(page.matches(&format!("\n## {}\n", alert.name)).count(), 1, "{}", alert.name);
    }
}
