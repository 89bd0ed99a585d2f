//! From an object and its points of change to a Helm template.
//!
//! The template language is used as little as can be: `{{ value | quote }}`, `{{ value | int }}`, `{{- toYaml value |
//! nindent n }}`, `with`, and texts put together from values. Everything else is printed as it stands.

use mainstay_manifest::{Object, yaml};
use serde_json::json;
use std::fmt::Write as _;

/// What stands at a point instead of the rendered value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// A text value.
    Quote(String),
    /// A whole number.
    Int(String),
    /// A map or list that is never empty.
    Yaml(String),
    /// A list that is left out, with its key, when it is empty.
    Optional(String),
    /// A text put together: template code without quotes or backslashes outside of `{{ }}`.
    Text(String),
}

/// An object with its points of change.
pub(super) struct Marked {
    pub(super) object: Object,
    pub(super) points: Vec<(String, Expression)>,
}

/// Writes the template of an object.
pub(super) fn write(marked: &Marked) -> String {
    let mut object = marked.object.clone();
    let mark = unused(&yaml::write(&object));
    for (index, (pointer, _)) in marked.points.iter().enumerate() {
        set(&mut object.value, pointer, &format!("{mark}{index}x"));
    }
    let mut out = String::new();
    for line in yaml::write(&object).lines() {
        match point(line, &mark) {
            Some((before, index)) => substitute(&mut out, before, &marked.points[index].1),
            None => {
                out.push_str(&verbatim(line));
                out.push('\n');
            }
        }
    }
    out
}

/// A word that the object does not contain; the YAML writer leaves words without quotes.
fn unused(text: &str) -> String {
    let mut mark = String::from("MainstayValue");
    while text.contains(&mark) {
        mark.push('Z');
    }
    mark
}

/// The part of a line before a mark, and which mark it is.
fn point<'a>(line: &'a str, mark: &str) -> Option<(&'a str, usize)> {
    let at = line.find(mark)?;
    let index = line[at + mark.len()..].trim_end_matches('x').parse().ok()?;
    Some((&line[..at], index))
}

fn substitute(out: &mut String, before: &str, expression: &Expression) {
    let before = verbatim(before);
    // the column of the key: a map in a list begins after "- "
    let column = before.len() - before.trim_start_matches([' ', '-']).len();
    let pad = " ".repeat(column);
    let _ = match expression {
        Expression::Quote(value) => writeln!(out, "{before}{{{{ {value} | quote }}}}"),
        Expression::Int(value) => writeln!(out, "{before}{{{{ {value} | int }}}}"),
        Expression::Text(text) => writeln!(out, "{before}\"{text}\""),
        Expression::Yaml(value) => {
            writeln!(out, "{}\n{pad}  {{{{- toYaml {value} | nindent {} }}}}", before.trim_end(), column + 2)
        }
        Expression::Optional(value) => writeln!(
            out,
            "{pad}{{{{- with {value} }}}}\n{}\n{pad}  {{{{- toYaml . | nindent {} }}}}\n{pad}{{{{- end }}}}",
            before.trim_end(),
            column + 2
        ),
    };
}

/// A text that Helm prints as it stands: `{{` in Prometheus rules, Alertmanager templates and dashboards is theirs.
pub(super) fn verbatim(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

/// Puts a mark at a pointer; the last key may be new.
fn set(value: &mut serde_json::Value, pointer: &str, mark: &str) {
    if let Some(place) = value.pointer_mut(pointer) {
        *place = json!(mark);
        return;
    }
    let Some((parent, key)) = pointer.rsplit_once('/') else { return };
    if let Some(map) = value.pointer_mut(parent).and_then(serde_json::Value::as_object_mut) {
        map.insert(key.replace("~1", "/").replace("~0", "~"), json!(mark));
    }
}

/// A value of the chart: `.Values.image.tag`, or with `index` when a part is no identifier.
pub(super) fn reference(path: &[&str]) -> String {
    let is_word = |part: &&&str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let words: Vec<_> = path.iter().take_while(is_word).collect();
    let mut out = String::from(".Values");
    for word in &words {
        let _ = write!(out, ".{word}");
    }
    if words.len() == path.len() {
        return out;
    }
    let rest: Vec<_> = path[words.len()..].iter().map(|part| format!("\"{part}\"")).collect();
    format!("(index {out} {})", rest.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_manifest::Phase;

    #[test]
    fn values_stand_where_they_are_wanted_and_foreign_braces_are_kept() {
        let value = json!({
            "kind": "X",
            "rule": "{{ $labels.pod }} {{{",
            "spec": {"list": [{"resources": {}, "amount": 1}], "name": "a MainstayValue0x"},
        });
        let marked = Marked {
            object: Object::new(Phase::Application, "x.yaml", "About {{ it }}.", &value),
            points: vec![
                (
                    "/spec/list/0/resources".into(),
                    Expression::Yaml(reference(&["components", "auth-data", "resources"])),
                ),
                ("/spec/list/0/amount".into(), Expression::Int(reference(&["n"]))),
                ("/spec/pull".into(), Expression::Optional(reference(&["pull"]))),
            ],
        };
        assert_eq!(
            write(&marked),
            "# About {{ \"{{\" }} it }}.\nkind: X\nrule: \"{{ \"{{\" }} $labels.pod }} {{ \"{{\" }}{\"\nspec:\n  name: a MainstayValue0x\n  list:\n    - amount: {{ .Values.n | int }}\n      \
             resources:\n        {{- toYaml (index .Values.components \"auth-data\" \"resources\") | nindent 8 }}\n  \
             {{- with .Values.pull }}\n  pull:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n"
        );
    }
}
