//! The `[gateway]` section.

use mainstay_kernel::config::{Seconds, Size};
use mainstay_kernel::http::{EdgeLimits, Networks};
use serde::Deserialize;
use std::fmt;

/// Policy of HTML pages that the project serves itself: nothing from other origins, no inline script or style.
pub(crate) const PAGE_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                                      connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'self'; \
                                      form-action 'self'; frame-ancestors 'none'";

/// Which requests get a line in the access log.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// Every request.
    All,
    /// Answers of 500 and above, and those that took longer than a second.
    Errors,
    /// None.
    Off,
}

mainstay_kernel::section! {
    /// The public listener: where it listens, what it admits, how it answers browsers.
    pub struct Config in "gateway" {
        /// Address to listen on. `0.0.0.0` (or `::`) makes the project reachable from other machines.
        pub bind: String = "127.0.0.1".into(),
        /// Port to listen on.
        pub port: u16 = 8889,
        /// Address of the project as clients see it, such as `https://app.example.com`. Unset: made of scheme, address and port.
        pub public_url: Option<String> = None,
        /// Certificate chain in PEM. With `tls_key`, the listener speaks HTTPS.
        pub tls_certificate: Option<String> = None,
        /// Private key in PEM.
        pub tls_key: Option<String> = None,
        /// Speak HTTPS with a certificate made at start-up, which browsers warn about. For trying HTTPS out.
        pub tls_self_signed: bool = false,
        /// Send plain HTTP requests to the HTTPS address of the project (its public URL must begin with `https`).
        pub redirect_to_https: bool = false,
        /// Address ranges of the proxies in front, whose `X-Forwarded-*` headers are believed, such as `["10.0.0.0/8"]`.
        pub trusted_proxies: Vec<String> = Vec::new(),
        /// Further paths that answer like `/health`.
        pub health_paths: Vec<String> = Vec::new(),
        /// Where the auth role answers when it is not in this process, such as `http://auth:8080`.
        pub auth_url: Option<String> = None,
        /// Where the data role answers when it is not in this process.
        pub data_url: Option<String> = None,
        /// Where the storage role answers when it is not in this process.
        pub storage_url: Option<String> = None,
        /// Where functions answer when they are not in this process.
        pub functions_url: Option<String> = None,
        /// Where the project's own services answer, by name: `{ reports = "http://reports:8080" }` serves /functions/v1/reports.
        pub services: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new(),
        /// Where realtime answers when it is not in this process.
        pub realtime_url: Option<String> = None,
        /// Where the portal answers when it is not in this process.
        pub portal_url: Option<String> = None,
        /// Origins whose pages may call the API; `*` means all.
        pub cors_origins: Vec<String> = vec!["*".into()],
        /// Request headers that pages may send besides those of the client libraries.
        pub cors_headers: Vec<String> = Vec::new(),
        /// How long a browser may remember the answer to a preflight.
        pub cors_max_age: Seconds = Seconds::new(3600),
        /// `X-Frame-Options`: `DENY`, `SAMEORIGIN`, or empty for none.
        pub frame_options: String = "DENY".into(),
        /// `X-XSS-Protection`; browsers that still know it are safest with `0`. Empty for none.
        pub xss_protection: String = "0".into(),
        /// `Content-Security-Policy` of the project's pages. Empty for none.
        pub content_security_policy: String = PAGE_POLICY.into(),
        /// `Strict-Transport-Security` max-age, sent over HTTPS only; `0` for none.
        pub hsts_max_age: Seconds = Seconds::new(31_536_000),
        /// Time for a request to be answered; afterwards it is cancelled with status 504.
        pub timeout: Seconds = Seconds::new(60),
        /// The same for storage, where bodies are large and lines may be slow.
        pub storage_timeout: Seconds = Seconds::new(600),
        /// Longest request target (path and query).
        pub uri_limit: Size = Size(16 * 1024),
        /// Largest head of a request.
        pub head_limit: Size = Size(64 * 1024),
        /// Largest body towards auth.
        pub auth_body_limit: Size = Size(1_000_000),
        /// Largest body towards the data API.
        pub data_body_limit: Size = Size(10_000_000),
        /// Largest body towards storage: its own limit of 50 MiB plus room for the form around a file.
        pub storage_body_limit: Size = Size(55_000_000),
        /// Largest body towards functions.
        pub functions_body_limit: Size = Size(10_000_000),
        /// Requests per second of one client address (an IPv6 /64 counts as one); `0` for no limit.
        pub rate_limit_per_address: u32 = 200,
        /// How many of them may come at once.
        pub rate_limit_per_address_burst: u32 = 400,
        /// Requests per second of one API key, over all its users; `0` for no limit.
        pub rate_limit_per_key: u32 = 0,
        /// How many of them may come at once.
        pub rate_limit_per_key_burst: u32 = 1000,
        /// Address ranges without a rate limit.
        pub rate_limit_exempt: Vec<String> = vec!["127.0.0.0/8".into(), "::1/128".into()],
        /// Requests being worked on at once; more are answered 503 until some have ended.
        pub max_in_flight: usize = 1024,
        /// Compress texts of 1 KiB and more for clients that accept it.
        pub compression: bool = true,
        /// Which requests are logged: `all`, `errors` (500 and above, or slower than a second) or `off`.
        pub access_log: AccessLog = AccessLog::Errors,
        /// Connections at once.
        pub connections: usize = 8192,
        /// Connections of one peer address at once.
        pub connections_per_address: usize = 2048,
        /// Time for the TLS handshake, and for the head of a request to arrive.
        pub head_deadline: Seconds = Seconds::new(10),
        /// Time a connection may stay without a request.
        pub idle_deadline: Seconds = Seconds::new(75),
        /// How long the listener stays open after SIGTERM, answering with `Connection: close`, so that clients and load
        /// balancers move on before it closes.
        pub drain_delay: Seconds = Seconds::new(1),
        /// Time for requests in flight to end when stopping.
        pub drain_deadline: Seconds = Seconds::new(30),
    }
    validate(this) {
        for (key, ranges) in [("trusted_proxies", &this.trusted_proxies), ("rate_limit_exempt", &this.rate_limit_exempt)] {
            Networks::parse(ranges).map_err(|error| (key, error.to_string()))?;
        }
        if this.tls_certificate.is_some() != this.tls_key.is_some() {
            return Err(("tls_certificate", "`tls_certificate` and `tls_key` are needed together".into()));
        }
        if let Some(path) = this.health_paths.iter().find(|path| !path.starts_with('/')) {
            return Err(("health_paths", format!("{path:?} does not begin with a slash")));
        }
        if this.max_in_flight == 0 {
            return Err(("max_in_flight", "with 0 no request would ever be answered".into()));
        }
        this.check_header_texts()
    }
}

// === impl AccessLog ===

/// As it is written in the file, for the generated reference.
impl fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::All => "\"all\"",
            Self::Errors => "\"errors\"",
            Self::Off => "\"off\"",
        })
    }
}

// === impl Config ===

impl Config {
    /// The bounds of the accept loop.
    #[must_use]
    pub fn edge_limits(&self) -> EdgeLimits {
        EdgeLimits {
            connections: self.connections,
            connections_per_address: self.connections_per_address,
            head_deadline: self.head_deadline.0,
            idle_deadline: self.idle_deadline.0,
            drain_deadline: self.drain_deadline.0,
            // the target is part of the head: a long target deserves its own, clearer answer
            head_size: self.head_limit.bytes().max(self.uri_limit.bytes() + 8 * 1024),
        }
    }

    fn check_header_texts(&self) -> Result<(), (&'static str, String)> {
        for (key, text) in [
            ("frame_options", &self.frame_options),
            ("xss_protection", &self.xss_protection),
            ("content_security_policy", &self.content_security_policy),
        ] {
            http::HeaderValue::from_str(text).map_err(|_| (key, format!("{text:?} cannot stand in a header")))?;
        }
        for name in &self.cors_headers {
            http::HeaderName::try_from(name).map_err(|_| ("cors_headers", format!("{name:?} is not a header name")))?;
        }
        for origin in &self.cors_origins {
            let bare =
                origin == "*" || url::Url::parse(origin).is_ok_and(|url| url.origin().ascii_serialization() == *origin);
            if !bare {
                let problem = format!(
                    "{origin:?} is not an origin; write for example \"https://app.example.com\", without a path"
                );
                return Err(("cors_origins", problem));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_kernel::config::Section as _;

    #[test]
    fn defaults_are_valid_and_mistakes_name_their_key() {
        assert!(Config::default().validate().is_ok());
        let with = |change: fn(&mut Config)| {
            let mut config = Config::default();
            change(&mut config);
            config.validate().map_err(|(key, _)| key)
        };
        assert_eq!(with(|c| c.trusted_proxies = vec!["ten".into()]), Err("trusted_proxies"));
        assert_eq!(with(|c| c.cors_origins = vec!["https://a.example/".into()]), Err("cors_origins"));
        assert_eq!(with(|c| c.cors_origins = vec!["https://a.example".into(), "http://localhost:3000".into()]), Ok(()));
        assert_eq!(with(|c| c.health_paths = vec!["health".into()]), Err("health_paths"));
        assert_eq!(with(|c| c.tls_key = Some("key.pem".into())), Err("tls_certificate"));
        assert_eq!(with(|c| c.content_security_policy = "a\nb".into()), Err("content_security_policy"));
    }
}
