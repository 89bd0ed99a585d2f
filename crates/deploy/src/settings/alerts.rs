//! `[alerts]`.

use super::kubernetes::choice;

choice! {
    /// Somebody who is told.
    Receiver {
        /// Mail to `email_to`.
        Email = "email",
        /// A Slack channel.
        Slack = "slack",
        /// A web hook of your own.
        Webhook = "webhook",
    }
}

mainstay_kernel::section! {
    /// Who is told when something is wrong. Setting a receiver makes the bundled Alertmanager. Addresses that are secrets
    /// (Slack's and the web hook's URL, the mail password) are given to `mainstay deploy` as MAINSTAY_ALERTS_SLACK_URL,
    /// MAINSTAY_ALERTS_WEBHOOK_URL and MAINSTAY_ALERTS_EMAIL_PASSWORD.
    pub struct Alerts in "alerts" {
        /// Mail addresses. Empty: no mail.
        pub email_to: Vec<String> = Vec::new(),
        /// Sender of the mails.
        pub email_from: Option<String> = None,
        /// Mail server as `host:port`.
        pub email_server: Option<String> = None,
        /// Login at the mail server; unset: none is needed.
        pub email_username: Option<String> = None,
        /// Slack channel, such as `#alerts`. Unset: no Slack.
        pub slack_channel: Option<String> = None,
        /// Send alerts to a web hook.
        pub webhook: bool = false,
        /// Who hears of critical alerts. Empty: everybody above.
        pub critical: Vec<Receiver> = Vec::new(),
        /// Who hears of warnings. Empty: everybody above.
        pub warning: Vec<Receiver> = Vec::new(),
        /// Time after which an alert that goes on is told again, in hours.
        pub repeat_hours: u32 = 12,
    }
    validate(this) {
        if !this.email_to.is_empty() && (this.email_from.is_none() || this.email_server.is_none()) {
            return Err(("email_to", "mails need `email_from` and `email_server` (host:port) too".into()));
        }
        if this.email_server.as_ref().is_some_and(|server| port_of(server).is_none()) {
            return Err(("email_server", "is written host:port, such as smtp.example.com:587".into()));
        }
        let known = this.receivers();
        for (key, list) in [("critical", &this.critical), ("warning", &this.warning)] {
            if let Some(unknown) = list.iter().find(|receiver| !known.contains(receiver)) {
                return Err((key, format!("{:?} is named here and not set up above", unknown.text())));
            }
        }
        if this.repeat_hours == 0 { return Err(("repeat_hours", "is at least 1".into())); }
        Ok(())
    }
}

fn port_of(server: &str) -> Option<u16> {
    server.rsplit_once(':').filter(|(host, _)| !host.is_empty()).and_then(|(_, port)| port.parse().ok())
}

impl Alerts {
    /// The receivers that are set up.
    #[must_use]
    pub fn receivers(&self) -> Vec<Receiver> {
        let mut receivers = Vec::new();
        if !self.email_to.is_empty() {
            receivers.push(Receiver::Email);
        }
        if self.slack_channel.is_some() {
            receivers.push(Receiver::Slack);
        }
        if self.webhook {
            receivers.push(Receiver::Webhook);
        }
        receivers
    }

    /// Whether anybody is told.
    #[must_use]
    pub fn has_receiver(&self) -> bool {
        !self.receivers().is_empty()
    }

    /// Ports that Alertmanager connects to.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let mut ports = Vec::new();
        if self.slack_channel.is_some() || self.webhook {
            ports.push(443);
        }
        if !self.email_to.is_empty() {
            ports.extend(self.email_server.as_deref().and_then(port_of));
        }
        ports
    }
}
