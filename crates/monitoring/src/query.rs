//! PromQL text with the places that differ filled in, and the names it mentions.
//!
//! Expressions are written with `@ns` for the namespace matcher; rules fill in the project's namespace and dashboards
//! the variable, so that both are written in one form.

/// Fills in the namespace of a rule.
pub(crate) fn in_namespace(expression: &str, namespace: &str) -> String {
    let quoted = namespace.replace('\\', "\\\\").replace('"', "\\\"");
    tidy(&expression.replace("@ns", &format!("namespace=\"{quoted}\"")))
}

/// Fills in the variables of a dashboard: `@ns` and `@role`.
pub(crate) fn with_variables(expression: &str) -> String {
    tidy(&expression.replace("@ns", "namespace=\"$namespace\"").replace("@role", "role=~\"$role\""))
}

/// One line: line breaks and indents of the source are not part of an expression.
fn tidy(expression: &str) -> String {
    expression.split_whitespace().collect::<Vec<_>>().join(" ").replace("( ", "(").replace(" )", ")")
}

/// Words that look like metric names and are not.
const KEYWORDS: &[&str] = &[
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "offset",
    "bool",
    "inf",
    "nan",
    "atan2",
    "start",
    "end",
];

/// The metric names in an expression, without functions, labels and strings, in order of appearance.
///
/// A tokenizer, not a parser: the label lists of `by`, `without`, `on`, `ignoring`, `group_left` and `group_right`
/// are skipped, and so is everything in braces and brackets.
#[must_use]
pub fn metric_names(expression: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut rest = expression;
    let mut labels_follow = false;
    while let Some(first) = rest.chars().next() {
        match first {
            '"' | '\'' | '`' => rest = after_string(rest, first),
            '{' => rest = after(rest, '{', '}'),
            '[' => rest = after(rest, '[', ']'),
            '(' if labels_follow => {
                rest = after(rest, '(', ')');
                labels_follow = false;
            }
            c if c.is_ascii_digit() || c == '$' => {
                // numbers and durations (`1e9`, `5m`), variables of dashboards (`$__rate_interval`)
                let end = rest[1..]
                    .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')))
                    .map_or(rest.len(), |n| n + 1);
                rest = &rest[end..];
            }
            c if c.is_ascii_alphabetic() || matches!(c, '_' | ':') => {
                let end =
                    rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))).unwrap_or(rest.len());
                let word = &rest[..end];
                rest = &rest[end..];
                let called = rest.trim_start().starts_with('(');
                let lists_labels = matches!(word, "by" | "without" | "on" | "ignoring" | "group_left" | "group_right");
                labels_follow = lists_labels && called;
                let keyword = KEYWORDS.contains(&word.to_ascii_lowercase().as_str());
                let aggregation = ["by", "without"]
                    .iter()
                    .any(|w| rest.trim_start().strip_prefix(w).is_some_and(|r| r.trim_start().starts_with('(')));
                if !keyword && !called && !aggregation && !names.iter().any(|name| name == word) {
                    names.push(word.to_owned());
                }
            }
            c => rest = &rest[c.len_utf8()..],
        }
    }
    names
}

fn after(text: &str, open: char, close: char) -> &str {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if matches!(c, '"' | '\'' | '`') {
            rest = after_string(rest, c);
            continue;
        }
        rest = &rest[c.len_utf8()..];
        if c == open {
            depth += 1;
        } else if c == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return rest;
            }
        }
    }
    rest
}

fn after_string(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return &text[at + c.len_utf8()..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_among_functions_labels_and_strings() {
        let expression = r#"sum by (role, le) (rate(a_bucket{x="b(c)", y=~"d\"e"}[$__rate_interval])) / on (pod)
            group_left (node) topk(1, f:g) > 1e9 and absent(h) offset 5m"#;
        assert_eq!(metric_names(expression), ["a_bucket", "f:g", "h"]);
        assert_eq!(metric_names("count(up == 0) without (job)"), ["up"]);
        assert_eq!(metric_names("sum by (a) (b) unless ignoring(c) d"), ["b", "d"]);
        assert_eq!(metric_names("\"unclosed"), Vec::<String>::new());
        assert_eq!(metric_names("a{unclosed"), ["a"]);
    }

    #[test]
    fn a_namespace_cannot_leave_its_quotes() {
        assert_eq!(in_namespace("up{@ns}", "a\"} or up{b=\"c"), r#"up{namespace="a\"} or up{b=\"c"}"#);
    }
}
