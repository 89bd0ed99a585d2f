//! The body: its bytes stay bytes, only the keys are looked at. PostgreSQL parses the JSON.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::csv;
use super::media::MediaType;
use crate::error::RequestError;

/// PostgreSQL's JSON parser recurses; it gives up at a depth that depends on its stack, we at this one.
const MAX_JSON_DEPTH: usize = 512;

/// A body ready to be bound.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Payload {
    pub(crate) body: Bytes,
    pub(crate) kind: PayloadKind,
    /// The columns or parameters named, sorted, without repeats.
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum PayloadKind {
    JsonObject,
    JsonArray,
    /// Function arguments of a form.
    Form(Vec<(String, String)>),
    /// Text, XML or bytes for a single unnamed parameter.
    Raw,
}

/// Who the body is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Table,
    Function,
}

/// Reads a body.
///
/// # Errors
/// PGRST102 when it is not what its `Content-Type` says, or rows differ in keys.
pub(crate) fn parse(
    body: Bytes,
    content: &MediaType,
    columns: Option<&[String]>,
    target: Target,
) -> Result<Payload, RequestError> {
    match (content, target) {
        (MediaType::Json | MediaType::Any, _) => json(body, columns, target),
        (MediaType::Csv, _) => {
            let table = csv::to_json(text(&body)?).map_err(|e| invalid(e.message()))?;
            Ok(Payload { body: table.json.into(), kind: PayloadKind::JsonArray, keys: sorted(table.header) })
        }
        (MediaType::Form, Target::Function) => {
            let pairs = form(&body)?;
            let keys = sorted(pairs.iter().map(|(k, _)| k.clone()).collect());
            Ok(Payload { body: Bytes::new(), kind: PayloadKind::Form(pairs), keys })
        }
        (MediaType::Form, Target::Table) => {
            let pairs = form(&body)?;
            let object: serde_json::Map<_, _> = pairs.into_iter().map(|(k, v)| (k, v.into())).collect();
            let keys = sorted(object.keys().cloned().collect());
            let body = serde_json::Value::Object(object).to_string().into();
            Ok(Payload { body, kind: PayloadKind::JsonObject, keys })
        }
        (MediaType::Text | MediaType::Xml, Target::Function) => {
            text(&body)?;
            Ok(Payload { body, kind: PayloadKind::Raw, keys: Vec::new() })
        }
        (MediaType::OctetStream, Target::Function) => Ok(Payload { body, kind: PayloadKind::Raw, keys: Vec::new() }),
        (other, _) => Err(invalid(format!("Content-Type not acceptable: {}", other.name()))),
    }
}

fn invalid(message: impl Into<String>) -> RequestError {
    RequestError::Body(message.into())
}

fn text(body: &Bytes) -> Result<&str, RequestError> {
    std::str::from_utf8(body).map_err(|_| invalid("The request body is not valid UTF-8"))
}

fn form(body: &Bytes) -> Result<Vec<(String, String)>, RequestError> {
    text(body)?;
    Ok(form_urlencoded::parse(body).map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys.dedup();
    keys
}

fn json(body: Bytes, columns: Option<&[String]>, target: Target) -> Result<Payload, RequestError> {
    let content = text(&body)?;
    refuse_deep(content)?;
    if content.trim_ascii().is_empty() {
        return match target {
            Target::Function => Ok(Payload { body: "{}".into(), kind: PayloadKind::JsonObject, keys: Vec::new() }),
            Target::Table => Err(invalid("Empty or invalid json")),
        };
    }
    if let Some(columns) = columns {
        let kind = match content.trim_ascii_start().starts_with('{') {
            true => PayloadKind::JsonObject,
            false => PayloadKind::JsonArray,
        };
        return Ok(Payload { body, kind, keys: sorted(columns.to_vec()) });
    }
    match shape(content)? {
        Shape::Object(keys) => Ok(Payload { body, kind: PayloadKind::JsonObject, keys }),
        Shape::Rows(keys) => Ok(Payload { body, kind: PayloadKind::JsonArray, keys }),
        // a function may take a list of anything as its one json parameter
        Shape::Mixed if target == Target::Function => {
            Ok(Payload { body, kind: PayloadKind::JsonArray, keys: Vec::new() })
        }
        Shape::Mixed => Err(invalid("All object keys must match")),
        Shape::Scalar if target == Target::Function => {
            Ok(Payload { body, kind: PayloadKind::JsonArray, keys: Vec::new() })
        }
        Shape::Scalar => Ok(Payload { body: "[]".into(), kind: PayloadKind::JsonArray, keys: Vec::new() }),
    }
}

fn refuse_deep(content: &str) -> Result<(), RequestError> {
    if content.len() <= MAX_JSON_DEPTH * 2 {
        return Ok(());
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in content.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return Err(invalid(format!("The JSON body is nested deeper than {MAX_JSON_DEPTH} levels")));
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// What a JSON body is made of at its first two levels.
#[derive(Debug, PartialEq)]
enum Shape {
    Object(Vec<String>),
    /// A list of objects with the same keys; empty lists too.
    Rows(Vec<String>),
    Mixed,
    Scalar,
}

fn shape(content: &str) -> Result<Shape, RequestError> {
    let bad = |_| invalid("Empty or invalid json");
    let mut parser = serde_json::Deserializer::from_str(content);
    let shape = match content.trim_ascii_start().as_bytes().first() {
        Some(b'{') => Shape::Object(sorted(owned(Keys.deserialize(&mut parser).map_err(bad)?))),
        Some(b'[') => Rows.deserialize(&mut parser).map_err(bad)?,
        _ => {
            serde::Deserialize::deserialize(&mut parser).map(|_: IgnoredAny| ()).map_err(bad)?;
            Shape::Scalar
        }
    };
    parser.end().map_err(bad)?;
    Ok(shape)
}

fn owned(keys: Option<Vec<Cow<'_, str>>>) -> Vec<String> {
    keys.unwrap_or_default().into_iter().map(Cow::into_owned).collect()
}

/// Yields the keys of an object, or `None` for anything else; values are skipped.
struct Keys;

impl<'de> DeserializeSeed<'de> for Keys {
    type Value = Option<Vec<Cow<'de, str>>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Option<Vec<Cow<'de, str>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = map.next_key_seed(Key)? {
            keys.push(key);
            map.next_value::<IgnoredAny>()?;
        }
        Ok(Some(keys))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A key, borrowed from the body unless it has escapes.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(key))
    }
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

/// Checks that all rows have the keys of the first.
struct Rows;

impl<'de> DeserializeSeed<'de> for Rows {
    type Value = Shape;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Rows {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let Some(first) = seq.next_element_seed(Keys)? else { return Ok(Shape::Rows(Vec::new())) };
        let mut same = first.is_some();
        let written = first.unwrap_or_default();
        let mut canonical = written.clone();
        canonical.sort();
        canonical.dedup();
        while let Some(next) = seq.next_element_seed(Keys)? {
            let equal = next.is_some_and(|mut keys| {
                // rows of one writer have their keys in one order; sort only when they do not
                keys == written || {
                    keys.sort();
                    keys.dedup();
                    keys == canonical
                }
            });
            same &= equal;
        }
        Ok(if same { Shape::Rows(owned(Some(canonical))) } else { Shape::Mixed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(body: &'static str) -> Result<Payload, RequestError> {
        parse(Bytes::from_static(body.as_bytes()), &MediaType::Json, None, Target::Table)
    }

    #[test]
    fn keys_are_found_without_touching_the_bytes() {
        let payload = table(r#" {"b":1,"a":{"c":[1,{"d":2}]},"\u0061":3} "#).expect("object");
        assert_eq!(payload.keys, ["a", "b"]);
        assert_eq!(payload.kind, PayloadKind::JsonObject);
        let rows = table(r#"[{"a":1,"b":2},{"b":3,"a":4}]"#).expect("rows");
        assert_eq!(
            (rows.keys.as_slice(), rows.kind),
            (["a".to_owned(), "b".to_owned()].as_slice(), PayloadKind::JsonArray)
        );
        assert!(table("[]").expect("empty").keys.is_empty());
        assert_eq!(table("[{},{}]").expect("empty objects").kind, PayloadKind::JsonArray);
    }

    #[test]
    fn rows_that_differ_are_refused() {
        for bad in [r#"[{"a":1},{"b":1}]"#, r#"[{"a":1},{"a":1,"b":2}]"#, "[1,2]", r#"[{"a":1},2]"#] {
            assert_eq!(table(bad), Err(RequestError::Body("All object keys must match".into())), "{bad}");
        }
    }

    #[test]
    fn text_that_is_no_json_is_refused() {
        for bad in ["", " ", "{", "{\"a\":}", "[1,", "nope", "{} {}", "{\"a\":1}x"] {
            assert_eq!(table(bad), Err(RequestError::Body("Empty or invalid json".into())), "{bad}");
        }
    }

    #[test]
    fn hostile_depth_and_encoding_are_refused() {
        let deep = Bytes::from(format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)));
        assert!(matches!(parse(deep.clone(), &MediaType::Json, None, Target::Table), Err(RequestError::Body(_))));
        assert!(matches!(
            parse(deep, &MediaType::Json, Some(&["a".into()]), Target::Table),
            Err(RequestError::Body(_))
        ));
        let bytes = Bytes::from_static(b"{\"a\":\"\xff\"}");
        assert!(matches!(parse(bytes, &MediaType::Json, None, Target::Table), Err(RequestError::Body(_))));
        let brackets_in_text = format!("{{\"a\":\"{}\"}}", "[\\\"".repeat(2_000));
        assert!(parse(brackets_in_text.into(), &MediaType::Json, None, Target::Table).is_ok());
    }

    #[test]
    fn forms_and_csv_become_json_for_tables() {
        let form = parse("a=1&b=x+y".into(), &MediaType::Form, None, Target::Table).expect("form");
        assert_eq!(form.body, r#"{"a":"1","b":"x y"}"#);
        let csv = parse("a,b\n1,NULL\n".into(), &MediaType::Csv, None, Target::Table).expect("csv");
        assert_eq!(csv.body, r#"[{"a":"1","b":null}]"#);
        assert!(parse("x".into(), &MediaType::Text, None, Target::Table).is_err());
    }
}
