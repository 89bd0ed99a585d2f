//! Headers and status set by SQL (`response.headers`, `response.status`), applied last.

use std::collections::HashSet;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Map, Value};

use super::Draft;
use crate::error::RequestError;

pub(super) fn apply(draft: &mut Draft, status: Option<&str>, headers: Option<&str>) -> Result<(), RequestError> {
    if let Some(status) = status {
        draft.status = parse_status(status)?;
    }
    if let Some(headers) = headers {
        let mut replaced = HashSet::new();
        for (name, value) in parse_headers(headers)? {
            // ours gives way; several of SQL's own under one name (Set-Cookie) all stay
            if replaced.insert(name.clone()) {
                draft.headers.remove(&name);
            }
            draft.headers.append(name, value);
        }
    }
    Ok(())
}

fn parse_status(text: &str) -> Result<StatusCode, RequestError> {
    let number = text.trim().parse::<u16>().ok().filter(|n| (200..600).contains(n));
    number.and_then(|n| StatusCode::from_u16(n).ok()).ok_or(RequestError::OverrideStatus)
}

/// `[{"X-Name": "value"}, …]`
fn parse_headers(text: &str) -> Result<Vec<(HeaderName, HeaderValue)>, RequestError> {
    let objects: Vec<Map<String, Value>> = serde_json::from_str(text).map_err(|_| RequestError::OverrideHeaders)?;
    objects
        .into_iter()
        .map(|object| {
            let mut members = object.into_iter();
            match (members.next(), members.next()) {
                (Some((name, Value::String(value))), None) => {
                    let name = HeaderName::try_from(name).map_err(|_| RequestError::OverrideHeaders)?;
                    let value = HeaderValue::from_str(&value).map_err(|_| RequestError::OverrideHeaders)?;
                    Ok((name, value))
                }
                _ => Err(RequestError::OverrideHeaders),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_key_objects_with_texts_are_headers() {
        assert_eq!(parse_headers(r#"[{"Set-Cookie":"a=1"},{"Set-Cookie":"b=2"}]"#).expect("two").len(), 2);
        for bad in
            ["{}", "[1]", r#"[{"a":1}]"#, r#"[{"a":"1","b":"2"}]"#, "[{}]", r#"[{"a b":"1"}]"#, r#"[{"a":"x\ny"}]"#]
        {
            assert_eq!(parse_headers(bad), Err(RequestError::OverrideHeaders), "{bad}");
        }
    }

    #[test]
    fn only_statuses_are_statuses() {
        assert_eq!(parse_status("418").expect("teapot"), 418);
        for bad in ["", "abc", "99", "600", "100"] {
            assert!(parse_status(bad).is_err(), "{bad}");
        }
    }
}
