//! `[alerts]`: who is told, and how. Secrets are not in it; they are files, named here.

use serde::Deserialize;

/// A way to tell somebody.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// `[alerts.email]`.
    Email,
    /// `[alerts.slack]`.
    Slack,
    /// `[alerts.webhook]`.
    Webhook,
}

/// `[alerts.email]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Email {
    /// Addresses that mail goes to.
    pub to: Vec<String>,
    /// Address that mail comes from.
    pub from: String,
    /// Mail server and port: `smtp.example.com:587`.
    pub smarthost: String,
    /// Name to sign in with. The password is the Secret's key `ALERTS_SMTP_PASSWORD`. Unset: no sign-in.
    #[serde(default)]
    pub username: Option<String>,
}

/// `[alerts.slack]`. The webhook's URL is the Secret's key `ALERTS_SLACK_URL`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// Channel or person: `#operations`, `@kim`.
    pub channel: String,
}

/// `[alerts.webhook]`. The URL is the Secret's key `ALERTS_WEBHOOK_URL`, because such URLs carry tokens.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    /// Port of the URL, which the network policy opens.
    #[serde(default = "https")]
    pub port: u16,
}

fn https() -> u16 {
    443
}

mainstay_kernel::section! {
    /// Who is told when something is wrong, by Alertmanager. Nobody is, until a channel is set.
    pub struct Alerts in "alerts" {
        /// Mail: `to` (a list), `from`, `smarthost` ("host:port") and `username`.
        pub email: Option<Email> = None,
        /// Slack: `channel`.
        pub slack: Option<Slack> = None,
        /// A POST to a URL, for any other service: `port` of the URL when it is not 443.
        pub webhook: Option<Webhook> = None,
        /// Channels for what needs somebody now. Unset: all that are configured.
        pub critical: Option<Vec<Channel>> = None,
        /// Channels for what needs somebody soon. Unset: Slack and the webhook; mail when there is neither.
        pub warning: Option<Vec<Channel>> = None,
        /// Channels for what is only worth knowing.
        pub info: Vec<Channel> = Vec::new(),
        /// How long alerts of one group are gathered before the first message.
        pub group_wait: String = "30s".into(),
        /// How long until news of a group that was told already is sent.
        pub group_interval: String = "5m".into(),
        /// How long until an alert that still fires is told again.
        pub repeat_interval: String = "12h".into(),
    }
    validate(this) {
        this.check()
    }
}

// === impl Channel ===

impl Channel {
    /// As written in `mainstay.toml`.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Slack => "slack",
            Self::Webhook => "webhook",
        }
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.text())
    }
}

// === impl Alerts ===

impl Alerts {
    /// Key of the Secret with the mail server's password.
    pub const SMTP_PASSWORD: &'static str = "ALERTS_SMTP_PASSWORD";
    /// Key of the Secret with the URL of Slack's incoming webhook.
    pub const SLACK_URL: &'static str = "ALERTS_SLACK_URL";
    /// Key of the Secret with the URL of `[alerts.webhook]`.
    pub const WEBHOOK_URL: &'static str = "ALERTS_WEBHOOK_URL";

    /// Whether anybody is told anything.
    #[must_use]
    pub fn has_receiver(&self) -> bool {
        !self.configured().is_empty()
    }

    /// TCP ports that messages leave by, sorted, each once.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let mut ports = Vec::new();
        if let Some(email) = &self.email {
            ports.push(email.smarthost.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(25));
        }
        if self.slack.is_some() {
            ports.push(443);
        }
        ports.extend(self.webhook.as_ref().map(|webhook| webhook.port));
        ports.sort_unstable();
        ports.dedup();
        ports
    }

    /// Keys that the Secret of Alertmanager must hold.
    #[must_use]
    pub fn secrets(&self) -> Vec<&'static str> {
        let mut keys = Vec::new();
        if self.email.as_ref().is_some_and(|email| email.username.is_some()) {
            keys.push(Self::SMTP_PASSWORD);
        }
        if self.slack.is_some() {
            keys.push(Self::SLACK_URL);
        }
        if self.webhook.is_some() {
            keys.push(Self::WEBHOOK_URL);
        }
        keys
    }

    /// Channels that are set up.
    pub(crate) fn configured(&self) -> Vec<Channel> {
        let channels = [
            (self.email.is_some(), Channel::Email),
            (self.slack.is_some(), Channel::Slack),
            (self.webhook.is_some(), Channel::Webhook),
        ];
        channels.into_iter().filter_map(|(set, channel)| set.then_some(channel)).collect()
    }

    /// Channels of `critical`.
    pub(crate) fn on_critical(&self) -> Vec<Channel> {
        self.critical.clone().unwrap_or_else(|| self.configured())
    }

    /// Channels of `warning`.
    pub(crate) fn on_warning(&self) -> Vec<Channel> {
        self.warning.clone().unwrap_or_else(|| {
            let configured = self.configured();
            let quiet: Vec<Channel> = configured.iter().copied().filter(|c| *c != Channel::Email).collect();
            if quiet.is_empty() { configured } else { quiet }
        })
    }

    fn check(&self) -> Result<(), (&'static str, String)> {
        if let Some(email) = &self.email {
            check_email(email).map_err(|problem| ("email", problem))?;
        }
        if self.slack.as_ref().is_some_and(|slack| slack.channel.trim().is_empty()) {
            return Err(("slack", "`channel` is empty; write \"#operations\"".into()));
        }
        if self.webhook.as_ref().is_some_and(|webhook| webhook.port == 0) {
            return Err(("webhook", "`port` is at least 1".into()));
        }
        let configured = self.configured();
        let lists = [("critical", &self.on_critical()), ("warning", &self.on_warning()), ("info", &self.info)];
        for (key, channels) in lists {
            if let Some(missing) = channels.iter().find(|channel| !configured.contains(channel)) {
                let name = missing.text();
                return Err((key, format!("names {name}, which is not set up; add [alerts.{name}]")));
            }
        }
        let times = [
            ("group_wait", &self.group_wait),
            ("group_interval", &self.group_interval),
            ("repeat_interval", &self.repeat_interval),
        ];
        for (key, time) in times {
            if !is_duration(time) {
                return Err((key, format!("{time:?} is not a time; write \"30s\", \"5m\" or \"12h\"")));
            }
        }
        Ok(())
    }
}

fn check_email(email: &Email) -> Result<(), String> {
    // a comma or a line break would make one address into several, or into another header
    let is_address = |text: &str| {
        text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
            && !text.chars().any(|c| c.is_control() || c.is_whitespace() || matches!(c, ',' | ';' | '{' | '}'))
    };
    if email.to.is_empty() {
        return Err("`to` names nobody".into());
    }
    if let Some(wrong) = email.to.iter().chain([&email.from]).find(|address| !is_address(address)) {
        return Err(format!("{wrong:?} is not a mail address"));
    }
    match email.smarthost.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => Ok(()),
        _ => Err(format!("`smarthost` {:?} is not host:port; write \"smtp.example.com:587\"", email.smarthost)),
    }
}

/// Durations as Prometheus writes them: one number and one unit.
fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = &text[digits.len()..];
    matches!(unit, "s" | "m" | "h" | "d") && digits.parse::<u32>().is_ok_and(|n| n > 0)
}
