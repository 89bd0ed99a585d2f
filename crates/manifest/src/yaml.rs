//! YAML in and out. Reading is serde-saphyr's; writing is our own, because it carries comments.

use crate::Object;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// A document of a YAML stream.
#[derive(Debug, Clone)]
pub struct Document {
    /// File it came from, as the user named it.
    pub source: String,
    /// Line of its first content, counted from 1.
    pub line: usize,
    /// The content.
    pub value: Value,
}

/// A text that is not YAML.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{origin}:{line}: {problem}")]
pub struct YamlError {
    /// File.
    pub origin: String,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

/// Reads a stream of documents; empty ones are left out, and `List` objects are taken apart.
///
/// # Errors
/// With file and line when a document is not YAML.
pub fn read(source: &str, text: &str) -> Result<Vec<Document>, YamlError> {
    let mut documents = Vec::new();
    for (line, part) in split(text) {
        if part.lines().all(|l| l.trim().is_empty() || l.trim_start().starts_with('#')) {
            continue;
        }
        let value: Value = serde_saphyr::from_str(&part).map_err(|error| YamlError {
            origin: source.to_owned(),
            line: line + error.location().map_or(0, |l| usize::try_from(l.line()).unwrap_or(1).saturating_sub(1)),
            problem: first_line(&error.to_string()),
        })?;
        let content = part.lines().position(|l| !l.trim().is_empty() && !l.trim_start().starts_with('#')).unwrap_or(0);
        let document = |value| Document { source: source.to_owned(), line: line + content, value };
        let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        match value.get("items").and_then(Value::as_array) {
            Some(items) if is_list => documents.extend(items.iter().cloned().map(document)),
            _ if value.is_null() => {}
            _ => documents.push(document(value)),
        }
    }
    Ok(documents)
}

/// The parts between `---` lines, each with the number of its first line.
fn split(text: &str) -> Vec<(usize, String)> {
    let mut parts = vec![(1, String::new())];
    for (number, line) in text.lines().enumerate() {
        if line == "---" || line.starts_with("--- ") {
            let rest = line.trim_start_matches("---").trim();
            let first = if rest.is_empty() || rest.starts_with('#') { String::new() } else { format!("{rest}\n") };
            parts.push((number + if first.is_empty() { 2 } else { 1 }, first));
        } else if line == "..." {
            parts.push((number + 2, String::new()));
        } else if let Some((_, part)) = parts.last_mut() {
            part.push_str(line);
            part.push('\n');
        }
    }
    parts
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("not YAML").to_owned()
}

/// Writes an object with its comments.
#[must_use]
pub fn write(object: &Object) -> String {
    let mut out = String::new();
    for line in object.why.lines() {
        let _ = writeln!(out, "{}", format!("# {line}").trim_end());
    }
    Writer { notes: &object.notes, out: &mut out }.map_at(&object.value, 0, "");
    out
}

/// Writes a value without comments.
#[must_use]
pub fn write_value(value: &Value) -> String {
    let mut out = String::new();
    let mut writer = Writer { notes: &[], out: &mut out };
    match value {
        Value::Object(_) => writer.map_at(value, 0, ""),
        Value::Array(items) if !items.is_empty() => writer.list(items, 0, ""),
        other => {
            let _ = writeln!(out, "{}", scalar(other));
        }
    }
    out
}

struct Writer<'a> {
    notes: &'a [(String, String)],
    out: &'a mut String,
}

impl Writer<'_> {
    fn map_at(&mut self, value: &Value, indent: usize, pointer: &str) {
        let Value::Object(map) = value else { return };
        for (key, value) in ordered(map) {
            let here = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
            self.comments(&here, indent);
            self.pad(indent);
            self.entry(key, value, indent, &here);
        }
    }

    /// `key: value`, the key's indentation already written.
    fn entry(&mut self, key: &str, value: &Value, indent: usize, pointer: &str) {
        let key = plain_or_quoted(key);
        match value {
            Value::Object(map) if !map.is_empty() => {
                let _ = writeln!(self.out, "{key}:");
                self.map_at(value, indent + 2, pointer);
            }
            Value::Array(items) if !items.is_empty() => {
                let _ = writeln!(self.out, "{key}:");
                self.list(items, indent + 2, pointer);
            }
            Value::String(text) if is_block(text) => {
                let (mark, body) = block(text);
                let _ = writeln!(self.out, "{key}: {mark}");
                for line in body.lines() {
                    if line.is_empty() {
                        self.out.push('\n');
                    } else {
                        self.pad(indent + 2);
                        self.out.push_str(line);
                        self.out.push('\n');
                    }
                }
            }
            other => {
                let _ = writeln!(self.out, "{key}: {}", scalar(other));
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize, pointer: &str) {
        for (index, item) in items.iter().enumerate() {
            let here = format!("{pointer}/{index}");
            self.comments(&here, indent);
            self.pad(indent);
            self.out.push_str("- ");
            match item {
                Value::Object(map) if !map.is_empty() => {
                    for (position, (key, value)) in ordered(map).into_iter().enumerate() {
                        let at = format!("{here}/{}", key.replace('~', "~0").replace('/', "~1"));
                        if position > 0 {
                            self.comments(&at, indent + 2);
                            self.pad(indent + 2);
                        }
                        self.entry(key, value, indent + 2, &at);
                    }
                }
                Value::Array(inner) if !inner.is_empty() => {
                    let _ = writeln!(self.out, "{}", serde_json::to_string(inner).unwrap_or_default());
                }
                Value::String(text) if is_block(text) => {
                    let _ = writeln!(self.out, "{}", serde_json::to_string(text).unwrap_or_default());
                }
                other => {
                    let _ = writeln!(self.out, "{}", scalar(other));
                }
            }
        }
    }

    fn comments(&mut self, pointer: &str, indent: usize) {
        for (_, sentence) in self.notes.iter().filter(|(at, _)| at == pointer) {
            for line in sentence.lines() {
                for _ in 0..indent {
                    self.out.push(' ');
                }
                let _ = writeln!(self.out, "# {line}");
            }
        }
    }

    fn pad(&mut self, indent: usize) {
        for _ in 0..indent {
            self.out.push(' ');
        }
    }
}

/// Keys in the order people expect: what it is, what it is called, then the rest by name.
fn ordered(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const FIRST: &[&str] = &[
        "apiVersion",
        "kind",
        "metadata",
        "name",
        "namespace",
        "labels",
        "annotations",
        "type",
        "replicas",
        "selector",
        "image",
        "imagePullPolicy",
        "command",
        "args",
        "containerPort",
        "port",
        "targetPort",
        "nodePort",
        "protocol",
    ];
    const LAST: &[&str] = &["containers", "initContainers", "volumes", "spec", "template", "data", "binaryData"];
    let rank = |key: &str| {
        FIRST
            .iter()
            .position(|k| *k == key)
            .unwrap_or_else(|| FIRST.len() + 1 + LAST.iter().position(|k| *k == key).map_or(0, |position| position + 1))
    };
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by(|a, b| rank(a.0).cmp(&rank(b.0)).then_with(|| a.0.cmp(b.0)));
    entries
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => plain_or_quoted(text),
        other => other.to_string(),
    }
}

/// A literal block keeps texts readable; it needs lines without control characters and a first line that shows its indent.
fn is_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\n', '\t'])
        && !text
            .chars()
            .any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}'))
        && !text.trim_end_matches('\n').is_empty()
        && !text.lines().any(|line| line.ends_with(' ') && line.trim().is_empty())
}

fn block(text: &str) -> (&'static str, &str) {
    if text.ends_with("\n\n") {
        ("|+", text)
    } else if text.ends_with('\n') {
        ("|", text)
    } else {
        ("|-", text)
    }
}

/// Texts that no YAML reader takes for something else stay bare; all others are quoted as JSON, which YAML is too.
fn plain_or_quoted(text: &str) -> String {
    let first = |c: char| c.is_ascii_alphabetic() || c == '/' || c == '_';
    let rest =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '.' | '$' | '(' | ')' | '=' | '+' | '@');
    let inner = |text: &str| {
        let chars: Vec<char> = text.chars().collect();
        chars.iter().enumerate().all(|(i, c)| {
            rest(*c)
                || (*c == ':' && chars.get(i + 1).is_some_and(|next| *next != ' '))
                || (*c == ' ' && i + 1 < chars.len() && chars[i + 1] != '#')
                || (*c == ',' && i + 1 < chars.len())
        })
    };
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];
    let bare = text.starts_with(first) && inner(text) && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    // sizes such as 250m start with a digit and are no number to any reader
    let quantity = text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.ends_with(['m', 'i'])
        && text[..text.len() - 1].trim_end_matches(['K', 'M', 'G', 'T']).chars().all(|c| c.is_ascii_digit());
    if bare || quantity { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Phase;
    use serde_json::json;

    fn round_trip(value: &Value) {
        let text = write_value(value);
        let back = read("t", &text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(&back[0].value, value, "\n{text}");
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        round_trip(
            &json!({"a": "yes", "b": "1", "c": 1, "d": true, "e": "true", "f": "", "g": null, "h": "a: b", "i": "a #b"}),
        );
        round_trip(
            &json!({"a": "250m", "b": "512Mi", "c": "1e3", "d": "0x10", "e": "~", "f": "- x", "g": "a,b", "h": "*x", "i": "0m1"}),
        );
        round_trip(
            &json!({"list": [1, "two", {"a": {"b": []}, "c": {}}, ["x", ["y"]], "multi\nline"], "t": "x\ny\n", "u": "x\n\ny", "v": "x\n\n"}),
        );
        round_trip(
            &json!({"weird": " lead\nx", "tab": "a\tb\nc", "colon": "a:", "uni": "ü → x", "nel": "a\u{85}\nb", "blank": "a\n  \nb", "key: x": 1, "1": 2}),
        );
        round_trip(
            &json!({"sql": "select 'a'; -- x\n  indented: y\n# not a comment\n", "date": "2026-01-01", "float": 1.5, "big": 18_446_744_073_709_551_615_u64}),
        );
    }

    #[test]
    fn comments_stand_before_what_they_are_about() {
        let object = Object::new(
            Phase::Database,
            "x.yaml",
            "Why it is there.",
            &json!({"kind": "X", "spec": {"ports": [{"name": "a", "port": 1}]}}),
        )
        .note("/spec/ports/0/port", "The port.");
        assert_eq!(
            write(&object),
            "# Why it is there.\nkind: X\nspec:\n  ports:\n    - name: a\n      # The port.\n      port: 1\n"
        );
    }

    #[test]
    fn streams_are_taken_apart_with_their_lines() {
        let text = "# head\n---\na: 1\n---\n# only a comment\n---\nkind: List\nitems:\n- b: 2\n- c: 3\n";
        let documents = read("f.yaml", text).unwrap();
        assert_eq!(documents.iter().map(|d| d.line).collect::<Vec<_>>(), [3, 7, 7]);
        let error = read("f.yaml", "a: 1\n---\nb: [\n").unwrap_err();
        assert!(error.to_string().starts_with("f.yaml:"), "{error}");
    }
}
