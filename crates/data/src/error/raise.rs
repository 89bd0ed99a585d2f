//! `RAISE SQLSTATE 'PGRST'`: SQL decides body, status and headers (PostgREST: "RAISE errors with HTTP status codes").

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode};
use serde::Deserialize;

use super::Problem;
use super::db::legal_header;

/// A complete answer chosen by SQL.
#[derive(Debug)]
pub(crate) struct Raised {
    pub(crate) status: StatusCode,
    pub(crate) problem: Problem,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Deserialize)]
struct Message {
    code: String,
    message: String,
    details: Option<String>,
    hint: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    status: u16,
    headers: BTreeMap<String, String>,
}

/// Reads the JSON in the error's message and detail.
///
/// # Errors
/// PGRST121 when either is missing or malformed.
pub(crate) fn read(message: &str, detail: Option<&str>) -> Result<Raised, Problem> {
    let body: Message = serde_json::from_str(message).map_err(|_| {
        malformed(
            &format!("Invalid JSON value for MESSAGE: '{message}'"),
            "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'.",
        )
    })?;
    let detail = detail.ok_or_else(|| malformed("DETAIL is missing in the RAISE statement", DETAIL_HINT))?;
    let head: Detail = serde_json::from_str(detail)
        .map_err(|_| malformed(&format!("Invalid JSON value for DETAIL: '{detail}'"), DETAIL_HINT))?;
    let status = StatusCode::from_u16(head.status)
        .map_err(|_| malformed(&format!("Invalid JSON value for DETAIL: '{detail}'"), DETAIL_HINT))?;
    let problem = Problem {
        code: body.code.into(),
        message: body.message,
        details: body.details.map(Into::into),
        hint: body.hint,
    };
    let headers = head.headers.iter().filter_map(|(k, v)| legal_header(k, v)).collect();
    Ok(Raised { status, problem, headers })
}

const DETAIL_HINT: &str =
    "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'.";

fn malformed(details: &str, hint: &str) -> Problem {
    Problem::new("PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error")
        .details(details)
        .hint(Some(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_chooses_the_whole_answer() {
        let raised = read(
            r#"{"code":"123","message":"Payment Required","details":"Quota exceeded"}"#,
            Some(r#"{"status":402,"headers":{"X-Powered-By":"Nerd Rage"}}"#),
        )
        .expect("well formed");
        assert_eq!(raised.status, 402);
        assert_eq!(raised.problem.code, "123");
        assert_eq!(raised.headers.len(), 1);
    }

    #[test]
    fn malformed_json_is_reported_not_hidden() {
        assert_eq!(read("nope", None).expect_err("bad").code, "PGRST121");
        assert_eq!(read(r#"{"code":"1","message":"m"}"#, None).expect_err("bad").code, "PGRST121");
        assert!(read(r#"{"code":"1","message":"m"}"#, Some(r#"{"status":9,"headers":{}}"#)).is_err());
    }
}
