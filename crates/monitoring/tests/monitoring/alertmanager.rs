//! Alertmanager's configuration, as amtool reads and routes it.

use crate::{facts, tools};
use mainstay_kernel::config::Section;
use mainstay_monitoring::{AlertmanagerOptions, Alerts, alertmanager_config};
use serde_json::Value;

pub(crate) fn alerts(text: &str) -> Alerts {
    let mut alerts = Alerts::default();
    let table: toml::Table = toml::from_str(text).unwrap();
    for (key, value) in table {
        alerts.assign(&key, value).unwrap();
    }
    alerts
}

const ALL: &str = r##"
slack = { channel = "#operations" }
webhook = {}
[email]
to = ["ops@example.com", "kim@example.com"]
from = "alerts@example.com"
smarthost = "smtp.example.com:587"
username = "alerts"
"##;

/// Debian's amtool is 0.25, which reads a webhook's URL from the file itself only since 0.26: the key is put back to
/// the one that it knows, for the check alone.
fn for_old_amtool(mut config: Value) -> Value {
    for receiver in config["receivers"].as_array_mut().unwrap() {
        for webhook in receiver["webhook_configs"].as_array_mut().into_iter().flatten() {
            let file = webhook.as_object_mut().unwrap().remove("url_file").unwrap();
            assert!(file.as_str().unwrap().ends_with("/ALERTS_WEBHOOK_URL"));
            webhook["url"] = "https://example.com/hook".into();
        }
    }
    config
}

fn checked(name: &str, alerts: &Alerts) -> String {
    let config = alertmanager_config(&facts::full(), alerts, &AlertmanagerOptions::default());
    let file = tools::write(&tools::folder(name), "alertmanager.yaml", &for_old_amtool(config));
    tools::run("amtool", &["check-config", &file], "").unwrap_or_else(|said| panic!("{name}: {said}"));
    file
}

fn route(file: &str, labels: &[&str]) -> String {
    let flag = format!("--config.file={file}");
    let mut arguments = vec!["config", "routes", "test", flag.as_str()];
    arguments.extend(labels);
    tools::run("amtool", &arguments, "").unwrap().trim().to_owned()
}

#[test]
fn alerts_reach_the_receiver_of_their_severity() {
    let file = checked("routes", &alerts(&format!("info = [\"email\"]\n{ALL}")));
    let own = "namespace=budget-app";
    for (labels, receiver) in [
        (&[own, "severity=critical", "alertname=RoleDown"][..], "critical"),
        (&[own, "severity=warning"], "warning"),
        (&[own, "severity=info"], "info"),
        (&[own, "severity=page"], "warning"),
        (&[own, "severity=none", "alertname=Watchdog"], "watchdog"),
        (&[own, "severity=none", "alertname=InfoInhibitor"], "null"),
        (&["namespace=another", "severity=critical"], "null"),
        (&["severity=critical"], "null"),
    ] {
        assert_eq!(route(&file, labels), receiver, "{labels:?}");
    }
}

#[test]
fn every_alert_is_routed_somewhere_that_was_meant() {
    let file = checked("every", &alerts(ALL));
    for alert in mainstay_monitoring::rules(&facts::full()).alerts() {
        let expected = match (alert.name.as_str(), alert.severity.text()) {
            ("Watchdog", _) => "watchdog",
            ("InfoInhibitor", _) | (_, "info") => "null",
            (_, severity) => severity,
        };
        let labels = [
            format!("alertname={}", alert.name),
            format!("severity={}", alert.severity.text()),
            "namespace=budget-app".to_owned(),
        ];
        assert_eq!(route(&file, &labels.each_ref().map(String::as_str)), expected, "{}", alert.name);
    }
}

#[test]
fn the_worse_alert_silences_the_lesser_of_its_name() {
    let config = alertmanager_config(&facts::full(), &alerts(ALL), &AlertmanagerOptions::default());
    let inhibits = |source: &str, target: &str, equal: &[&str]| {
        config["inhibit_rules"].as_array().unwrap().iter().any(|rule| {
            rule["source_matchers"][0] == source
                && rule["target_matchers"][0] == target
                && rule["equal"] == serde_json::json!(equal)
        })
    };
    let same = ["namespace", "alertname"];
    assert!(inhibits("severity=\"critical\"", "severity=~\"warning|info\"", &same));
    assert!(inhibits("severity=\"warning\"", "severity=\"info\"", &same));
    assert!(inhibits("alertname=\"InfoInhibitor\"", "severity=\"info\"", &["namespace"]));
}

#[test]
fn with_no_channel_nobody_is_told() {
    let none = alerts("");
    assert!(!none.has_receiver() && none.ports().is_empty() && none.secrets().is_empty());
    let file = checked("none", &none);
    assert_eq!(route(&file, &["namespace=budget-app", "severity=critical"]), "null");
}

#[test]
fn mail_alone_takes_critical_and_warning() {
    let alerts = alerts(r#"email = { to = ["ops@example.com"], from = "a@example.com", smarthost = "mail:25" }"#);
    assert_eq!((alerts.ports(), alerts.secrets()), (vec![25], vec![]));
    let config = alertmanager_config(&facts::full(), &alerts, &AlertmanagerOptions::default());
    assert!(
        config["global"].get("smtp_auth_username").is_none()
            && config["global"].get("smtp_auth_password_file").is_none()
    );
    let file = checked("mail", &alerts);
    assert_eq!(route(&file, &["namespace=budget-app", "severity=warning"]), "warning");
}

#[test]
fn channels_are_as_configured_and_secrets_are_only_files() {
    let alerts = alerts(ALL);
    assert_eq!(alerts.ports(), [443, 587]);
    assert_eq!(alerts.secrets(), ["ALERTS_SMTP_PASSWORD", "ALERTS_SLACK_URL", "ALERTS_WEBHOOK_URL"]);
    let options = AlertmanagerOptions { secrets_dir: "/secrets/".to_owned() };
    let config = alertmanager_config(&facts::full(), &alerts, &options);
    let receiver =
        |name: &str| config["receivers"].as_array().unwrap().iter().find(|r| r["name"] == name).unwrap().clone();
    let critical = receiver("critical");
    assert_eq!(critical["email_configs"][0]["to"], "ops@example.com, kim@example.com");
    assert_eq!(critical["slack_configs"][0]["channel"], "#operations");
    assert_eq!(critical["slack_configs"][0]["api_url_file"], "/secrets/ALERTS_SLACK_URL");
    assert_eq!(critical["webhook_configs"][0]["url_file"], "/secrets/ALERTS_WEBHOOK_URL");
    assert_eq!(config["global"]["smtp_auth_password_file"], "/secrets/ALERTS_SMTP_PASSWORD");
    assert!(receiver("warning").get("email_configs").is_none(), "warnings go to Slack and the webhook only");
    let text = config.to_string();
    for inline in ["\"smtp_auth_password\"", "\"api_url\"", "\"url\"", "\"password\""] {
        assert!(!text.contains(inline), "{inline} is a secret");
    }
    assert_eq!(config["route"]["group_wait"], "30s");
    assert_eq!(config["route"]["group_interval"], "5m");
    assert_eq!(config["route"]["repeat_interval"], "12h");
}
