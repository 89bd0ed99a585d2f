//! The `[auth]` section of the configuration.

use mainstay_kernel::config::Seconds;
use mainstay_kernel::http::Networks;
use secrecy::SecretString;
use serde::Deserialize;
use std::collections::BTreeMap;

mainstay_kernel::section! {
    /// Accounts, sessions and tokens (`/auth/v1`).
    pub struct Config in "auth" {
        /// Address of the application: where people land after a sign-in or a link, and always an allowed redirect.
        pub site_url: String = "http://localhost:3000".to_owned(),
        /// Further allowed redirect addresses. Globs: `*` stops at `.` and `/`, `**` does not.
        pub uri_allow_list: Vec<String> = Vec::new(),
        /// Life of an access token.
        pub jwt_expiry: Seconds = Seconds::new(3600),
        /// Confirm addresses on sign-up without a mail. Off: accounts start unconfirmed and cannot sign in with a
        /// password until confirmed by a link from `admin/generate_link` or by an administrator.
        pub autoconfirm: bool = true,
        /// Refuse new accounts; administrators still create them.
        pub disable_signup: bool = false,
        /// Allow sign-ups without an address.
        pub anonymous_users: bool = false,
        /// Fewest characters in a password.
        pub password_min_length: usize = 6,
        /// Sets of characters of which a password needs one each, for example `["0123456789", "!#%"]`.
        pub password_required_characters: Vec<String> = Vec::new(),
        /// Memory of one password hash, in KiB (argon2id).
        pub password_hash_memory_kib: u32 = 19_456,
        /// Passes over that memory.
        pub password_hash_passes: u32 = 2,
        /// Password hashes computed at once; 0 means one per processor core.
        pub password_hash_parallel: usize = 0,
        /// Password hashes that may wait for their turn; more are refused with 429.
        pub password_hash_queue: usize = 64,
        /// How long a replaced refresh token still answers with its successor.
        pub refresh_token_reuse_interval: Seconds = Seconds::new(10),
        /// Longest life of a session; 0 means no limit.
        pub session_timebox: Seconds = Seconds::new(0),
        /// Longest time between two refreshes of a session; 0 means no limit.
        pub session_inactivity_timeout: Seconds = Seconds::new(0),
        /// Life of links and codes from `admin/generate_link`.
        pub otp_expiry: Seconds = Seconds::new(3600),
        /// An e-mail change needs the link of the old and of the new address.
        pub double_confirm_email_changes: bool = true,
        /// Token refreshes per client address and 5 minutes; 0 means no limit.
        pub rate_limit_token_refresh: u32 = 150,
        /// Sign-ups and sign-ins per client address and 5 minutes; 0 means no limit.
        pub rate_limit_sign_in_sign_ups: u32 = 30,
        /// Password attempts per client address and account and 5 minutes; 0 means no limit.
        pub rate_limit_password_per_account: u32 = 15,
        /// Link and code verifications per client address and 5 minutes; 0 means no limit.
        pub rate_limit_token_verifications: u32 = 30,
        /// Anonymous sign-ups per client address and hour; 0 means no limit.
        pub rate_limit_anonymous_users: u32 = 30,
        /// Client address ranges without rate limits. Empty it when a proxy on this machine is not in
        /// `gateway.trusted_proxies`: all its clients would look local.
        pub rate_limit_exempt: Vec<String> = vec!["127.0.0.0/8".to_owned(), "::1/128".to_owned()],
        /// Accept OIDC issuers over plain HTTP on any host. Loopback hosts are always accepted. For tests only.
        pub allow_insecure_issuer: bool = false,
        /// External OpenID Connect providers by id: `[auth.external.google]`.
        pub external: BTreeMap<String, Provider> = BTreeMap::new(),
    }
    validate(this) { this.check() }
}

/// One external provider, `[auth.external.<id>]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Issuer URL; discovery is read from `<issuer>/.well-known/openid-configuration`. Known for `google`.
    #[serde(default)]
    pub issuer: Option<String>,
    /// Client id that the provider gave.
    pub client_id: String,
    /// Client secret that the provider gave; absent for a public client.
    #[serde(default, alias = "client_secret")]
    pub secret: Option<SecretString>,
    /// Name to show on a button. The id when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Scopes besides `openid`.
    #[serde(default = "default_scopes")]
    pub scopes: Vec<String>,
    /// Off keeps the entry but refuses sign-ins.
    #[serde(default = "enabled")]
    pub enabled: bool,
}

fn default_scopes() -> Vec<String> {
    vec!["email".to_owned(), "profile".to_owned()]
}

fn enabled() -> bool {
    true
}

// === impl Config ===

impl Config {
    fn check(&self) -> Result<(), (&'static str, String)> {
        let site = url::Url::parse(&self.site_url).map_err(|e| ("site_url", format!("is not a URL: {e}")))?;
        if site.host().is_none() {
            return Err(("site_url", "needs a host, for example https://app.example.com".to_owned()));
        }
        Networks::parse(&self.rate_limit_exempt).map_err(|error| ("rate_limit_exempt", error.to_string()))?;
        for pattern in &self.uri_allow_list {
            crate::glob::Glob::parse(pattern).map_err(|e| ("uri_allow_list", format!("{pattern:?}: {e}")))?;
        }
        if self.jwt_expiry.0.as_secs() == 0 {
            return Err(("jwt_expiry", "must be at least one second".to_owned()));
        }
        if !(1..=1024).contains(&self.password_min_length) {
            return Err(("password_min_length", "must be between 1 and 1024".to_owned()));
        }
        argon2::Params::new(self.password_hash_memory_kib, self.password_hash_passes, 1, None)
            .map_err(|e| ("password_hash_memory_kib", format!("argon2 refuses these parameters: {e}")))?;
        for (id, provider) in &self.external {
            provider.issuer_url(id, self.allow_insecure_issuer).map_err(|e| ("external", format!("{id}: {e}")))?;
        }
        Ok(())
    }
}

// === impl Provider ===

impl Provider {
    /// The issuer of provider `id`, known or configured.
    ///
    /// # Errors
    /// A sentence when there is none, it is not a URL, or it is plain HTTP to another machine.
    pub(crate) fn issuer_url(&self, id: &str, allow_insecure: bool) -> Result<String, String> {
        let issuer = match (&self.issuer, id) {
            (Some(issuer), _) => issuer.clone(),
            (None, "google") => "https://accounts.google.com".to_owned(),
            (None, _) => return Err("needs an issuer".to_owned()),
        };
        let url = url::Url::parse(&issuer).map_err(|e| format!("issuer is not a URL: {e}"))?;
        match url.scheme() {
            "https" => Ok(issuer),
            "http" if allow_insecure || is_loopback(&url) => Ok(issuer),
            "http" => Err("issuer must use https, or be on this machine (allow_insecure_issuer for tests)".to_owned()),
            other => Err(format!("issuer has the scheme {other}, not https")),
        }
    }
}

fn is_loopback(url: &url::Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_issuers_are_for_this_machine_only() {
        let provider = |issuer: &str| Provider {
            issuer: Some(issuer.to_owned()),
            client_id: "id".to_owned(),
            secret: None,
            name: None,
            scopes: Vec::new(),
            enabled: true,
        };
        for good in ["https://id.example.com", "http://localhost:9000", "http://127.0.0.1:1", "http://[::1]:2"] {
            assert!(provider(good).issuer_url("x", false).is_ok(), "{good}");
        }
        for bad in ["http://id.example.com", "ftp://localhost", "nonsense"] {
            assert!(provider(bad).issuer_url("x", false).is_err(), "{bad}");
        }
        assert!(provider("http://id.example.com").issuer_url("x", true).is_ok());
    }

    #[test]
    fn bad_sections_are_refused_with_the_key_at_fault() {
        type Spoil = fn(&mut Config);
        let cases: [(&str, Spoil); 4] = [
            ("site_url", |c| c.site_url = "not a url".into()),
            ("uri_allow_list", |c| c.uri_allow_list = vec!["https://[".into()]),
            ("jwt_expiry", |c| c.jwt_expiry = Seconds::new(0)),
            ("password_min_length", |c| c.password_min_length = 0),
        ];
        for (key, spoil) in cases {
            let mut config = Config::default();
            assert!(config.check().is_ok());
            spoil(&mut config);
            assert_eq!(config.check().unwrap_err().0, key);
        }
    }
}
