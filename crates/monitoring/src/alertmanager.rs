//! The configuration of Alertmanager: who hears of what.

use crate::alerts::{Alerts, Channel, Email};
use crate::facts::Facts;
use serde_json::{Map, Value, json};

/// What the configuration depends on besides the facts and `[alerts]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertmanagerOptions {
    /// Folder with the Secret's keys as files; see [`Alerts::secrets`].
    pub secrets_dir: String,
}

impl Default for AlertmanagerOptions {
    fn default() -> Self {
        Self { secrets_dir: "/run/secrets/mainstay".to_owned() }
    }
}

/// `alertmanager.yml`. Alerts of the project's namespace go to the receivers `critical`, `warning` and `info` by
/// severity, everything else to `null`. Secrets are only named as files. Understood by Alertmanager 0.25 and newer; a
/// webhook needs 0.26, because older ones cannot read its URL from a file.
#[must_use]
pub fn alertmanager_config(facts: &Facts, alerts: &Alerts, options: &AlertmanagerOptions) -> Value {
    let levels = [("critical", alerts.on_critical()), ("warning", alerts.on_warning()), ("info", alerts.info.clone())];
    let receiver_of = |level: &str, channels: &[Channel]| if channels.is_empty() { "null" } else { level }.to_owned();
    let by_severity: Vec<Value> = levels
        .iter()
        .map(|(level, channels)| {
            json!({ "matchers": [format!("severity=\"{level}\"")], "receiver": receiver_of(level, channels) })
        })
        .collect();
    let receivers = levels
        .iter()
        .filter(|(_, channels)| !channels.is_empty())
        .map(|(level, channels)| receiver(level, channels, alerts, options));
    let silent = ["null", "watchdog"].map(|name| json!({ "name": name }));
    let mut config = json!({
        "route": {
            "receiver": "null",
            "group_by": ["namespace", "alertname"],
            "group_wait": alerts.group_wait,
            "group_interval": alerts.group_interval,
            "repeat_interval": alerts.repeat_interval,
            "routes": [
                { "matchers": ["alertname=\"Watchdog\""], "receiver": "watchdog" },
                { "matchers": ["alertname=\"InfoInhibitor\""], "receiver": "null" },
                {
                    "matchers": [format!("namespace={:?}", facts.namespace)],
                    // a severity that nobody planned for is better told than lost
                    "receiver": receiver_of("warning", &alerts.on_warning()),
                    "routes": by_severity,
                },
            ],
        },
        "inhibit_rules": [
            inhibit("severity=\"critical\"", "severity=~\"warning|info\"", &["namespace", "alertname"]),
            inhibit("severity=\"warning\"", "severity=\"info\"", &["namespace", "alertname"]),
            inhibit("alertname=\"InfoInhibitor\"", "severity=\"info\"", &["namespace"]),
            // a role that is down brings all the others; one message says enough
            inhibit(
                "alertname=\"RoleDown\"",
                "alertname=~\"TargetDown|HighErrorRate|HighLatencyP99\"",
                &["namespace", "role"],
            ),
        ],
        "receivers": silent.into_iter().chain(receivers).collect::<Vec<_>>(),
    });
    if let Some(email) = &alerts.email {
        config["global"] = global(email, options);
    }
    config
}

fn global(email: &Email, options: &AlertmanagerOptions) -> Value {
    let mut global = json!({ "smtp_smarthost": email.smarthost, "smtp_from": email.from, "smtp_require_tls": true });
    if let Some(username) = &email.username {
        global["smtp_auth_username"] = json!(username);
        global["smtp_auth_password_file"] = json!(file(options, Alerts::SMTP_PASSWORD));
    }
    global
}

fn receiver(name: &str, channels: &[Channel], alerts: &Alerts, options: &AlertmanagerOptions) -> Value {
    let mut receiver = Map::new();
    receiver.insert("name".to_owned(), json!(name));
    if let Some(email) = alerts.email.as_ref().filter(|_| channels.contains(&Channel::Email)) {
        let configs = json!([{ "to": email.to.join(", "), "send_resolved": true }]);
        receiver.insert("email_configs".to_owned(), configs);
    }
    if let Some(slack) = alerts.slack.as_ref().filter(|_| channels.contains(&Channel::Slack)) {
        let configs = json!([{
            "api_url_file": file(options, Alerts::SLACK_URL),
            "channel": slack.channel,
            "send_resolved": true,
            "title": "{{ .Status | toUpper }}: {{ .CommonLabels.alertname }} in {{ .CommonLabels.namespace }}",
            "text": "{{ range .Alerts }}{{ .Annotations.summary }} {{ .Annotations.description }}\n{{ end }}",
        }]);
        receiver.insert("slack_configs".to_owned(), configs);
    }
    if alerts.webhook.is_some() && channels.contains(&Channel::Webhook) {
        let configs = json!([{ "url_file": file(options, Alerts::WEBHOOK_URL), "send_resolved": true }]);
        receiver.insert("webhook_configs".to_owned(), configs);
    }
    Value::Object(receiver)
}

fn inhibit(source: &str, target: &str, equal: &[&str]) -> Value {
    json!({ "source_matchers": [source], "target_matchers": [target], "equal": equal })
}

fn file(options: &AlertmanagerOptions, key: &str) -> String {
    format!("{}/{key}", options.secrets_dir.trim_end_matches('/'))
}
