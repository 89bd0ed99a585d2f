//! `/mainstay.json`: what a front end may know of the project.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use mainstay_kernel::http::{Response, Scheme, json};
use serde_json::json;

/// The public settings of a project. Nothing here is secret.
#[derive(Debug, Clone, Default)]
pub struct PublicInfo {
    /// Address of the project; when empty, the address that the request was sent to.
    pub url: String,
    /// The publishable API key.
    pub anon_key: String,
    /// Name of the project.
    pub name: String,
    /// Sign-in providers: id and name.
    pub external: Vec<(String, String)>,
}

impl PublicInfo {
    /// The answer to `/mainstay.json`. Not stored: keys change.
    pub(crate) fn respond(&self, headers: &HeaderMap, scheme: Scheme) -> Response {
        let external: Vec<_> = self.external.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
        let body = json!({
            "url": self.url_for(headers, scheme),
            "anon_key": self.anon_key,
            "name": self.name,
            "external": external,
        });
        let mut response = json(StatusCode::OK, &body);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The project's address as this client sees it. `X-Forwarded-*` was written by the gateway; whoever forges it, by
    /// calling the portal directly, only fools themselves, because the answer is not stored.
    pub(crate) fn url_for(&self, headers: &HeaderMap, scheme: Scheme) -> String {
        if !self.url.is_empty() {
            return self.url.trim_end_matches('/').to_owned();
        }
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let is_host = |host: &&str| host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b));
        let host = text("x-forwarded-host").or_else(|| text("host")).filter(is_host).unwrap_or("localhost");
        let scheme = match (text("x-forwarded-proto"), scheme) {
            (Some("https"), _) | (None, Scheme::Https) => "https",
            _ => "http",
        };
        format!("{scheme}://{host}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_configured_one_or_the_one_asked() {
        let headers = |pairs: &[(&'static str, &str)]| -> HeaderMap {
            pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect()
        };
        let info = PublicInfo::default();
        assert_eq!(info.url_for(&headers(&[("host", "localhost:8889")]), Scheme::Http), "http://localhost:8889");
        let forwarded =
            headers(&[("host", "portal:8080"), ("x-forwarded-host", "app.example"), ("x-forwarded-proto", "https")]);
        assert_eq!(info.url_for(&forwarded, Scheme::Http), "https://app.example");
        assert_eq!(info.url_for(&headers(&[("host", "a/b@c")]), Scheme::Https), "https://localhost");
        let fixed = PublicInfo { url: "https://fixed.example/".into(), ..PublicInfo::default() };
        assert_eq!(fixed.url_for(&forwarded, Scheme::Http), "https://fixed.example");
    }
}
