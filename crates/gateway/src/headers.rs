//! Security headers. A header that the role has set itself stays.

use crate::config::{Config, PAGE_POLICY};
use crate::exchange::Exchange;
use crate::route::Role;
use http::header::{self, Entry, HeaderName};
use http::{HeaderMap, HeaderValue};
use mainstay_kernel::http::{Response, Scheme};

const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// Documents below an API path were uploaded or written by users. They share the origin with the project's pages, so they
/// get no script, no form and no access to that origin.
const FOREIGN_DOCUMENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; font-src 'self' data:; frame-ancestors 'none'; sandbox",
);
/// Documents that roles write themselves, such as the result of following an e-mail link.
const ROLE_DOCUMENT_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; img-src 'self' data:; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// The headers, ready to be copied.
#[derive(Debug)]
pub(crate) struct SecurityHeaders {
    always: Vec<(HeaderName, HeaderValue)>,
    page_policy: Option<HeaderValue>,
    hsts: Option<HeaderValue>,
}

/// What a browser would do with the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// It may run script: HTML, SVG, XML.
    Active,
    /// It cannot.
    Passive,
}

impl SecurityHeaders {
    pub(crate) fn new(config: &Config) -> Self {
        let fixed =
            |name: &'static str, value: &'static str| (HeaderName::from_static(name), HeaderValue::from_static(value));
        let mut always = vec![
            fixed("x-content-type-options", "nosniff"),
            fixed("referrer-policy", "strict-origin-when-cross-origin"),
        ];
        for (name, text) in
            [(header::X_FRAME_OPTIONS, &config.frame_options), (header::X_XSS_PROTECTION, &config.xss_protection)]
        {
            always.extend(value(text).map(|value| (name, value)));
        }
        let hsts_seconds = config.hsts_max_age.0.as_secs();
        Self {
            always,
            page_policy: value(&page_policy(config)),
            hsts: (hsts_seconds > 0).then(|| value(&format!("max-age={hsts_seconds}"))).flatten(),
        }
    }

    pub(crate) fn decorate(&self, exchange: &Exchange, response: &mut Response) {
        let headers = response.headers_mut();
        headers.reserve(self.always.len() + 4);
        for (name, value) in &self.always {
            set(headers, name.clone(), value);
        }
        if exchange.scheme == Scheme::Https
            && let Some(hsts) = &self.hsts
        {
            set(headers, header::STRICT_TRANSPORT_SECURITY, hsts);
        }
        if content(headers) == Content::Active {
            self.decorate_document(exchange.route.role, headers);
        }
    }

    fn decorate_document(&self, role: Role, headers: &mut HeaderMap) {
        let policy = match role {
            Role::Portal => self.page_policy.as_ref(),
            Role::Storage => Some(&FOREIGN_DOCUMENT_POLICY),
            Role::Auth | Role::Data | Role::Functions | Role::Realtime | Role::Graphql => Some(&ROLE_DOCUMENT_POLICY),
        };
        if let Some(policy) = policy {
            set(headers, header::CONTENT_SECURITY_POLICY, policy);
        }
        set(headers, OPENER_POLICY, &HeaderValue::from_static("same-origin"));
        set(
            headers,
            PERMISSIONS_POLICY,
            &HeaderValue::from_static("geolocation=(self), camera=(self), microphone=(self), payment=(), usb=()"),
        );
    }
}

/// Who may frame the page is said twice, here and by `X-Frame-Options`; the default follows the setting.
fn page_policy(config: &Config) -> String {
    let policy = &config.content_security_policy;
    match config.frame_options.as_str() {
        "SAMEORIGIN" if policy == PAGE_POLICY => policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'"),
        "" if policy == PAGE_POLICY => policy.replace("; frame-ancestors 'none'", ""),
        _ => policy.clone(),
    }
}

fn value(text: &str) -> Option<HeaderValue> {
    if text.is_empty() { None } else { HeaderValue::from_str(text).ok() }
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &HeaderValue) {
    if let Entry::Vacant(vacant) = headers.entry(name) {
        vacant.insert(value.clone());
    }
}

fn content(headers: &HeaderMap) -> Content {
    let Some(media) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return Content::Passive;
    };
    let essence = media.split(';').next().unwrap_or_default().trim();
    let ends_with = |suffix: &str| {
        essence
            .len()
            .checked_sub(suffix.len())
            .and_then(|at| essence.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    if ends_with("html") || ends_with("xml") { Content::Active } else { Content::Passive }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_told_from_data() {
        for (media, expected) in [
            ("text/html; charset=utf-8", Content::Active),
            ("image/svg+xml", Content::Active),
            ("application/XHTML+XML", Content::Active),
            ("application/json", Content::Passive),
            ("ml", Content::Passive),
        ] {
            let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(media))]);
            assert_eq!(content(&headers), expected, "{media}");
        }
    }

    #[test]
    fn framing_is_said_the_same_way_twice() {
        let policy =
            |frame_options: &str| page_policy(&Config { frame_options: frame_options.into(), ..Config::default() });
        assert!(policy("DENY").ends_with("frame-ancestors 'none'"));
        assert!(policy("SAMEORIGIN").ends_with("frame-ancestors 'self'"));
        assert!(!policy("").contains("frame-ancestors"));
    }
}
