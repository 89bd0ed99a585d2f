//! `[alerts]` as it is written, and what is refused.

use crate::alertmanager::alerts;
use mainstay_kernel::config::Section;
use mainstay_monitoring::{Alerts, Channel};

const MAIL: &str =
    r#"email = { to = ["ops@example.com"], from = "a@example.com", smarthost = "mail.example.com:587" }"#;

#[test]
fn lists_name_channels_in_small_letters() {
    let alerts = alerts(&format!("{MAIL}\ncritical = [\"email\"]\nwarning = []"));
    assert_eq!(alerts.critical, Some(vec![Channel::Email]));
    assert_eq!(alerts.warning, Some(vec![]));
    assert_eq!(alerts.validate(), Ok(()));
}

#[test]
fn what_cannot_work_is_refused_with_its_key() {
    let with = |text: &str| alerts(text).validate().map_err(|(key, problem)| format!("{key}: {problem}"));
    for (text, said) in [
        ("critical = [\"slack\"]", "critical: names slack, which is not set up; add [alerts.slack]"),
        ("slack = { channel = \" \" }", "slack: `channel` is empty; write \"#operations\""),
        ("webhook = { port = 0 }", "webhook: `port` is at least 1"),
        ("repeat_interval = \"often\"", "repeat_interval: \"often\" is not a time; write \"30s\", \"5m\" or \"12h\""),
        ("group_wait = \"0s\"", "group_wait: \"0s\" is not a time; write \"30s\", \"5m\" or \"12h\""),
    ] {
        assert_eq!(with(text).unwrap_err(), said);
    }
    for (from, to, said) in [
        ("mail.example.com:587", "mail.example.com", "is not host:port"),
        ("mail.example.com:587", ":587", "is not host:port"),
        ("mail.example.com:587", "mail.example.com:70000", "is not host:port"),
        ("ops@example.com", "ops", "\"ops\" is not a mail address"),
        ("ops@example.com", "ops@example.com, eve@example.org", "is not a mail address"),
        ("ops@example.com", "ops@example.com\\r\\nBcc: eve@example.org", "is not a mail address"),
        ("ops@example.com", "{{ .Labels }}@example.com", "is not a mail address"),
        ("[\"ops@example.com\"]", "[]", "`to` names nobody"),
    ] {
        let problem = with(&MAIL.replace(from, to)).unwrap_err();
        assert!(problem.starts_with("email: ") && problem.contains(said), "{to}: {problem}");
    }
    assert_eq!(with(MAIL), Ok(()));
}

#[test]
fn unknown_keys_are_refused() {
    let mut alerts = Alerts::default();
    let value: toml::Table =
        toml::from_str("slack = { channel = \"#a\", url = \"https://hooks.example.com/x\" }").unwrap();
    let said = alerts.assign("slack", value["slack"].clone()).unwrap_err();
    assert!(said.contains("unknown field"), "{said}");
    assert!(alerts.assign("pager", toml::Value::Boolean(true)).is_err());
}
