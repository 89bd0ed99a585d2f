//! API keys and the bearer rule.
//!
//! The key says which application calls. It comes in the `apikey` header, else in the query (WebSockets and links cannot
//! set headers), from which it is removed. Client libraries send the key a second time as bearer token when nobody is
//! signed in; since roles only understand tokens, the key's own token takes that place.

use crate::error::Error;
use crate::exchange::Exchange;
use crate::route::{self, KeyRule, Role};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use mainstay_identity::{ApiKeys, KeyKind, ResolvedKey, bearer};
use mainstay_kernel::http::Request;
use std::sync::Arc;

const API_KEY: HeaderName = HeaderName::from_static("apikey");
const PARAMETER: &str = "apikey=";

/// Finds the key, applies the route's rule and decides the `Authorization` that the role sees.
pub(crate) fn admit(keys: &ApiKeys, exchange: &mut Exchange, request: &mut Request) -> Result<(), Error> {
    let role = exchange.route.role;
    if role == Role::Portal {
        return Ok(());
    }
    let from_query = take_from_query(request.uri_mut());
    let presented = request.headers().get(API_KEY).and_then(|value| value.to_str().ok()).or(from_query.as_deref());
    let rule = route::key_rule(role, exchange.route.inside(exchange.target.path()));
    let known = match (presented, rule) {
        (Some(key), _) => recognise(keys, key),
        (None, KeyRule::Required) => return Err(Error::KeyMissing),
        // functions are called with the opaque key as bearer token alone
        (None, KeyRule::Optional) => {
            bearer(request.headers()).filter(|token| is_opaque(token)).and_then(|key| recognise(keys, key))
        }
    };
    match (known, rule) {
        (Some(key), _) => {
            stand_in(&key, request.headers_mut());
            exchange.key = Some(key);
        }
        (None, KeyRule::Required) => return Err(Error::KeyUnknown),
        (None, KeyRule::Optional) => {}
    }
    exchange.authorization = request.headers().get(header::AUTHORIZATION).cloned();
    Ok(())
}

/// A user's session token is not an API key, although it verifies.
fn recognise(keys: &ApiKeys, presented: &str) -> Option<Arc<ResolvedKey>> {
    let key = keys.resolve(presented)?;
    let is_api_key = match key.kind {
        KeyKind::Publishable | KeyKind::Secret => true,
        KeyKind::Legacy => matches!(&*key.role, "anon" | "service_role"),
    };
    is_api_key.then_some(key)
}

/// The bearer rule: an `Authorization` that is there and not an opaque key stays; else the key's token takes its place.
fn stand_in(key: &ResolvedKey, headers: &mut HeaderMap) {
    let keeps_own = headers.contains_key(header::AUTHORIZATION) && !bearer(headers).is_some_and(is_opaque);
    if !keeps_own && let Some(value) = bearer_value(&key.token) {
        headers.insert(header::AUTHORIZATION, value);
    }
    // roles show request headers to SQL and to functions: the key that opens everything must not travel further
    if &*key.role == "service_role" {
        headers.remove(API_KEY);
    }
}

fn is_opaque(token: &str) -> bool {
    token.starts_with("sb_")
}

fn bearer_value(token: &str) -> Option<HeaderValue> {
    let mut text = String::with_capacity(7 + token.len());
    text.push_str("Bearer ");
    text.push_str(token);
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// Takes `apikey` out of the query. Costs nothing when it is not there.
fn take_from_query(uri: &mut Uri) -> Option<String> {
    let query = uri.query()?;
    let is_key = |pair: &&str| pair.starts_with(PARAMETER);
    let key = query.split('&').find(is_key)?;
    let key = percent_encoding::percent_decode_str(&key[PARAMETER.len()..]).decode_utf8().ok()?.into_owned();
    let rest = query.split('&').filter(|pair| !is_key(pair)).collect::<Vec<_>>().join("&");
    let target = if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{rest}", uri.path()) };
    let mut parts = std::mem::take(uri).into_parts();
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    *uri = Uri::from_parts(parts).unwrap_or_default();
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_leaves_the_query() {
        for (before, key, after) in [
            ("/a?apikey=k", Some("k"), "/a"),
            ("/a?x=1&apikey=k%2Fl&y=2", Some("k/l"), "/a?x=1&y=2"),
            ("/a?apikey=one&apikey=two&z", Some("one"), "/a?z"),
            ("/a?xapikey=k", None, "/a?xapikey=k"),
            ("/a", None, "/a"),
            ("http://host/a?apikey=k", Some("k"), "http://host/a"),
        ] {
            let mut uri: Uri = before.parse().unwrap();
            assert_eq!(take_from_query(&mut uri).as_deref(), key, "{before}");
            assert_eq!(uri.to_string(), after, "{before}");
        }
    }
}
