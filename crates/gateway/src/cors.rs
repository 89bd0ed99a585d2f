//! Cross-origin requests: preflights are answered here, answers of the APIs get the headers that let pages read them.

use crate::config::Config;
use crate::exchange::Exchange;
use crate::route::Role;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use mainstay_kernel::http::{Body, Response};

/// What client libraries send: supabase-js and its relatives, then TUS (resumable uploads).
const ALLOW_HEADERS: &str = "apikey, authorization, content-type, x-client-info, prefer, range, accept-profile, content-profile, \
                             x-upsert, x-region, x-retry-count, x-supabase-api-version, traceparent, tracestate, baggage, \
                             x-request-id, if-match, if-none-match, tus-resumable, upload-length, upload-offset, \
                             upload-metadata, upload-defer-length, upload-concat, x-http-method-override";
const ALLOW_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, PUT, PATCH, POST, DELETE, OPTIONS");
const EXPOSE_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-range, content-location, location, preference-applied, x-total-count, link, x-supabase-api-version, \
     x-sb-error-code, upload-offset, upload-length, tus-resumable, x-request-id, retry-after",
);
const VARY_PREFLIGHT: HeaderValue =
    HeaderValue::from_static("origin, access-control-request-method, access-control-request-headers");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// Which origins may read.
#[derive(Debug)]
pub(crate) struct Cors {
    origins: Origins,
    allow_headers: HeaderValue,
    max_age: HeaderValue,
}

#[derive(Debug)]
enum Origins {
    /// Everybody, without cookies.
    Any,
    /// Those listed, with cookies.
    Listed(Vec<HeaderValue>),
}

impl Cors {
    pub(crate) fn new(config: &Config) -> Self {
        let origins = if config.cors_origins.iter().any(|origin| origin == "*") {
            Origins::Any
        } else {
            Origins::Listed(config.cors_origins.iter().filter_map(|origin| origin.parse().ok()).collect())
        };
        let headers = [&[ALLOW_HEADERS.to_owned()], config.cors_headers.as_slice()].concat().join(", ");
        Self {
            origins,
            allow_headers: HeaderValue::try_from(headers).unwrap_or(HeaderValue::from_static(ALLOW_HEADERS)),
            max_age: HeaderValue::from(config.cors_max_age.0.as_secs()),
        }
    }

    /// The answer to a preflight (Fetch standard, 3.2.2); `None` for any other request.
    pub(crate) fn preflight(&self, exchange: &Exchange, headers: &HeaderMap) -> Option<Response> {
        let asks = exchange.method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks || exchange.origin.is_none() || !exchange.route.is_api() {
            return None;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let answer = response.headers_mut();
        answer.insert(header::VARY, VARY_PREFLIGHT);
        if self.allowed(exchange.origin.as_ref()).is_some() {
            answer.insert(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOW_METHODS);
            answer.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, self.allow_headers.clone());
            answer.insert(header::ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        Some(response)
    }

    /// Adds the headers to an answer of an API, errors included: a page that may not read an error cannot explain it.
    pub(crate) fn decorate(&self, exchange: &Exchange, response: &mut Response) {
        if !exchange.route.is_api() {
            return;
        }
        let headers = response.headers_mut();
        // a function that speaks CORS itself knows better
        if exchange.route.role == Role::Functions && headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            return;
        }
        if matches!(self.origins, Origins::Listed(_)) {
            add_vary(headers, header::ORIGIN);
        }
        headers.remove(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let Some(origin) = self.allowed(exchange.origin.as_ref()) else { return };
        if matches!(self.origins, Origins::Listed(_)) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSE_HEADERS);
    }

    /// The value of `Access-Control-Allow-Origin`, if any. With `*` it is sent even without `Origin`, so that caches
    /// need not tell askers apart.
    fn allowed(&self, origin: Option<&HeaderValue>) -> Option<HeaderValue> {
        match &self.origins {
            Origins::Any => Some(ANY),
            Origins::Listed(listed) => origin.filter(|origin| listed.contains(origin)).cloned(),
        }
    }
}

/// Adds a name to `Vary` unless it is there.
pub(crate) fn add_vary(headers: &mut HeaderMap, name: HeaderName) {
    let present = headers.get_all(header::VARY).iter().any(|line| {
        line.to_str().is_ok_and(|line| line.split(',').any(|entry| entry.trim().eq_ignore_ascii_case(name.as_str())))
    });
    if !present {
        headers.append(header::VARY, HeaderValue::from(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_reflected_only_when_listed() {
        let listed = Cors::new(&Config { cors_origins: vec!["https://a.example".into()], ..Config::default() });
        let (a, b) = (HeaderValue::from_static("https://a.example"), HeaderValue::from_static("https://b.example"));
        assert_eq!(listed.allowed(Some(&a)), Some(a.clone()));
        assert_eq!((listed.allowed(Some(&b)), listed.allowed(None)), (None, None));
        assert_eq!(Cors::new(&Config::default()).allowed(Some(&b)), Some(ANY));
    }

    #[test]
    fn vary_is_added_once() {
        let mut headers = HeaderMap::new();
        headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding, Origin"));
        add_vary(&mut headers, header::ORIGIN);
        assert_eq!(headers.get_all(header::VARY).iter().count(), 1);
        add_vary(&mut headers, header::COOKIE);
        assert_eq!(headers.get_all(header::VARY).iter().count(), 2);
    }
}
