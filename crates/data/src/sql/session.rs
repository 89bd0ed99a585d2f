//! Settings in force for the transaction: search path, role, claims, request, time zone.

use bytes::Bytes;
use http::HeaderMap;

use super::snippet::Sql;
use crate::catalog::QualifiedName;
use crate::plan::{Plan, TxMode};

/// Who calls, with what.
#[derive(Debug, Clone)]
pub(crate) struct Session<'a> {
    pub(crate) role: &'a str,
    /// JSON text.
    pub(crate) claims: &'a str,
    pub(crate) role_settings: &'a [(String, String)],
    pub(crate) schema: &'a str,
    pub(crate) extra_search_path: &'a [String],
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) timezone: Option<&'a str>,
    pub(crate) pre_request: Option<&'a QualifiedName>,
}

/// One `SELECT` of `set_config` calls, local to the transaction. Role settings come before the role, so that granted
/// parameters are set with the login role's rights.
pub(super) fn settings(plan: &Plan, session: &Session<'_>) -> Sql {
    let mut sql = Sql::new("select set_config('search_path', ");
    sql.bind(search_path(session)).raw(", true)");
    for (name, value) in session.role_settings {
        setting(&mut sql, name, value);
    }
    if let Plan::Call(call) = plan {
        for (name, value) in &call.routine.settings {
            setting(&mut sql, name, value);
        }
    }
    sql.raw(", set_config('role', ").text(session.role);
    sql.raw(", true), set_config('request.jwt.claims', ").text(session.claims);
    sql.raw(", true), set_config('request.method', ").text(session.method);
    sql.raw(", true), set_config('request.path', ").text(session.path);
    sql.raw(", true), set_config('request.headers', ").bind(headers_json(session.headers));
    sql.raw(", true), set_config('request.cookies', ").bind(cookies_json(session.headers)).raw(", true)");
    if let Some(zone) = session.timezone {
        sql.raw(", set_config('timezone', ").text(zone).raw(", true)");
    }
    if plan.tx_mode() == TxMode::ReadOnly {
        sql.raw(", set_config('transaction_read_only', 'on', true)");
    }
    sql
}

pub(super) fn pre_request(function: &QualifiedName) -> Sql {
    let mut sql = Sql::new("select ");
    sql.qualified(function).raw("()");
    sql
}

fn setting(sql: &mut Sql, name: &str, value: &str) {
    sql.raw(", set_config(").text(name).raw(", ").text(value).raw(", true)");
}

fn search_path(session: &Session<'_>) -> Bytes {
    let mut names = Sql::default();
    let schemas = std::iter::once(session.schema).chain(session.extra_search_path.iter().map(String::as_str));
    names.join(", ", schemas, |sql, schema| {
        sql.ident(schema);
    });
    Bytes::from(names.into_parts().0)
}

/// All headers by lower-case name except cookies; of a repeated one the last.
fn headers_json(headers: &HeaderMap) -> Bytes {
    let names = headers.keys().filter(|name| *name != http::header::COOKIE);
    object(names.filter_map(|name| {
        let value = headers.get_all(name).iter().next_back()?;
        Some((name.as_str().into(), String::from_utf8_lossy(value.as_bytes())))
    }))
}

fn cookies_json(headers: &HeaderMap) -> Bytes {
    let lines = headers.get_all(http::header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    object(pairs.map(|(name, value)| (name.into(), value.into())))
}

type Member<'a> = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>);

fn object<'a>(members: impl Iterator<Item = Member<'a>>) -> Bytes {
    let mut json = Vec::with_capacity(512);
    json.push(b'{');
    for (i, (name, value)) in members.enumerate() {
        if i > 0 {
            json.push(b',');
        }
        push_text(&mut json, &name);
        json.push(b':');
        push_text(&mut json, &value);
    }
    json.push(b'}');
    json.into()
}

fn push_text(json: &mut Vec<u8>, text: &str) {
    // writing text into memory cannot fail
    let _ = serde_json::to_writer(json, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header};

    #[test]
    fn headers_and_cookies_are_json_objects() {
        let mut headers = HeaderMap::new();
        headers.insert("X-Thing", HeaderValue::from_static("a\"b"));
        headers.insert(header::COOKIE, HeaderValue::from_static("a=1; b=x=y"));
        assert_eq!(headers_json(&headers), r#"{"x-thing":"a\"b"}"#);
        assert_eq!(cookies_json(&headers), r#"{"a":"1","b":"x=y"}"#);
    }
}
