//! Findings and how they are told.

use serde::Serialize;
use std::fmt::Write as _;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Works; could be better.
    Advice,
    /// Works today and hurts later, or cannot be judged from the given files.
    Warning,
    /// Does not work, or is unsafe.
    Error,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Advice => "advice",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code (`ML101`); see [`crate::CHECKS`].
    pub code: &'static str,
    /// How bad it is in this case.
    pub severity: Severity,
    /// File, as the user named it.
    pub source: String,
    /// Line of the object's first content, counted from 1.
    pub line: usize,
    /// `Deployment shop/gateway`.
    pub object: String,
    /// Where in the object: `spec.template.spec.containers[0].image`.
    pub path: String,
    /// A sentence.
    pub message: String,
    /// What to do.
    pub way_out: &'static str,
}

/// What was found in how many objects.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Worst first, then by file, line and path.
    pub findings: Vec<Finding>,
    /// How many objects were checked.
    pub objects: usize,
    /// How many findings were silenced by annotations and options.
    pub ignored: usize,
}

#[derive(Serialize)]
struct Summary<'a> {
    objects: usize,
    errors: usize,
    warnings: usize,
    advice: usize,
    ignored: usize,
    findings: &'a [Finding],
}

impl Report {
    /// The worst severity; `None` when nothing was found.
    #[must_use]
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// How many findings have this severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// 1 when there are errors, or warnings and `strict`; otherwise 0. Advice never fails.
    #[must_use]
    pub fn exit_code(&self, strict: bool) -> u8 {
        let limit = if strict { Severity::Warning } else { Severity::Error };
        u8::from(self.worst().is_some_and(|worst| worst >= limit))
    }

    /// One JSON document with counts and findings.
    #[must_use]
    pub fn json(&self) -> String {
        let summary = Summary {
            objects: self.objects,
            errors: self.count(Severity::Error),
            warnings: self.count(Severity::Warning),
            advice: self.count(Severity::Advice),
            ignored: self.ignored,
            findings: &self.findings,
        };
        serde_json::to_string_pretty(&summary).unwrap_or_default()
    }

    /// For people, with a summary in the last line. `color` adds ANSI sequences.
    #[must_use]
    pub fn text(&self, color: bool) -> String {
        let mut out = String::new();
        for finding in &self.findings {
            let (on, off) = match (color, finding.severity) {
                (false, _) => ("", ""),
                (true, Severity::Error) => ("\u{1b}[1;31m", "\u{1b}[0m"),
                (true, Severity::Warning) => ("\u{1b}[1;33m", "\u{1b}[0m"),
                (true, Severity::Advice) => ("\u{1b}[1;36m", "\u{1b}[0m"),
            };
            let _ = writeln!(
                out,
                "{on}{}{off} {}  {}:{}  {}",
                finding.severity.word(),
                finding.code,
                printable(&finding.source),
                finding.line,
                printable(&finding.object)
            );
            let place = if finding.path.is_empty() { String::new() } else { format!("{}: ", printable(&finding.path)) };
            let _ = writeln!(out, "    {place}{}", printable(&finding.message));
            let _ = writeln!(out, "    \u{2192} {}", finding.way_out);
        }
        if !self.findings.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", self.summary());
        out
    }

    /// `31 objects: 2 errors, 1 warning, 4 pieces of advice.`
    #[must_use]
    pub fn summary(&self) -> String {
        let mut out = format!("{}: ", plural(self.objects, "object", "objects"));
        if self.findings.is_empty() {
            out.push_str("nothing to report");
        } else {
            let parts = [
                (Severity::Error, "error", "errors"),
                (Severity::Warning, "warning", "warnings"),
                (Severity::Advice, "piece of advice", "pieces of advice"),
            ];
            let words: Vec<String> = parts
                .iter()
                .map(|(severity, one, many)| (self.count(*severity), one, many))
                .filter(|(count, _, _)| *count > 0)
                .map(|(count, one, many)| plural(count, one, many))
                .collect();
            out.push_str(&words.join(", "));
        }
        if self.ignored > 0 {
            let _ = write!(out, " ({} ignored)", self.ignored);
        }
        out.push('.');
        out
    }
}

fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// Names come from files of strangers: nothing in them may move the cursor.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(severity: Severity) -> Finding {
        Finding {
            code: "ML101",
            severity,
            source: "a.yaml".into(),
            line: 3,
            object: "Pod x/\u{1b}[2Jy".into(),
            path: "spec".into(),
            message: "It is not there.".into(),
            way_out: "Add it.",
        }
    }

    #[test]
    fn the_exit_code_follows_the_worst_finding() {
        let report = |findings: Vec<Finding>| Report { findings, objects: 2, ignored: 1 };
        assert_eq!(report(vec![]).exit_code(true), 0);
        assert_eq!(report(vec![finding(Severity::Advice)]).exit_code(true), 0);
        assert_eq!(report(vec![finding(Severity::Warning)]).exit_code(false), 0);
        assert_eq!(report(vec![finding(Severity::Warning)]).exit_code(true), 1);
        assert_eq!(report(vec![finding(Severity::Advice), finding(Severity::Error)]).exit_code(false), 1);
    }

    #[test]
    fn text_tells_place_sentence_and_way_out_and_cannot_be_abused() {
        let report = Report { findings: vec![finding(Severity::Error)], objects: 2, ignored: 1 };
        let text = report.text(false);
        assert!(
            text.starts_with("error ML101  a.yaml:3  Pod x/\u{fffd}[2Jy\n    spec: It is not there.\n    → Add it.\n"),
            "{text}"
        );
        assert!(text.ends_with("\n2 objects: 1 error (1 ignored).\n"), "{text}");
        assert!(report.text(true).contains("\u{1b}[1;31merror\u{1b}[0m"));
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["errors"], 1);
        assert_eq!(json["findings"][0]["severity"], "error");
    }
}
