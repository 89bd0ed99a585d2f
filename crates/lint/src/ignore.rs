//! Silencing findings: by annotation with a reason, or by code for the whole run.

use crate::check::find_check;
use crate::report::{Finding, Report, Severity};
use crate::world::World;
use crate::{Options, lookup};
use std::collections::{BTreeSet, HashMap};

/// Annotation on an object: codes, a colon and the reason; one list per line.
pub const ANNOTATION: &str = "mainstay.dev/lint-ignore";

/// What an annotation says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Ignore<'a> {
    codes: BTreeSet<&'a str>,
    problems: Vec<(&'static str, String)>,
}

fn parse(text: &str) -> Ignore<'_> {
    let mut ignore = Ignore::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (codes, reason) = line.split_once(':').unwrap_or((line, ""));
        if reason.trim().is_empty() {
            ignore.problems.push(("ML002", format!("\"{line}\" gives no reason, so nothing is ignored")));
            continue;
        }
        for code in codes.split(',').map(str::trim) {
            if find_check(code).is_some() {
                ignore.codes.insert(code);
            } else {
                ignore.problems.push(("ML003", format!("there is no check \"{code}\"")));
            }
        }
    }
    ignore
}

/// Drops what is silenced, adds what is wrong with the annotations, and sorts.
pub(crate) fn apply(world: &World<'_>, findings: Vec<(usize, Finding)>, options: &Options) -> Report {
    let mut ignores = HashMap::new();
    let mut kept = Vec::new();
    for (index, item) in world.items.iter().enumerate() {
        let annotations = lookup::map(item.value, "metadata.annotations");
        let Some(text) = annotations.and_then(|all| all.get(ANNOTATION)) else { continue };
        let ignore = match text.as_str() {
            Some(text) => parse(text),
            None => {
                Ignore { problems: vec![("ML002", "the annotation is not a text".to_owned())], ..Ignore::default() }
            }
        };
        for (code, message) in &ignore.problems {
            kept.push(Finding {
                code,
                severity: Severity::Warning,
                source: item.source.to_owned(),
                line: item.line,
                object: item.title(),
                path: format!("metadata.annotations[{ANNOTATION}]"),
                message: format!("{message}."),
                way_out: find_check(code).map_or("", |check| check.way_out),
            });
        }
        ignores.insert(index, ignore.codes);
    }
    let before = findings.len();
    let silent = |item: &usize, code: &str| {
        options.ignore.contains(code) || ignores.get(item).is_some_and(|codes| codes.contains(code))
    };
    let of_annotations = kept.len();
    kept.extend(findings.into_iter().filter(|(item, finding)| !silent(item, finding.code)).map(|(_, finding)| finding));
    let ignored = before + of_annotations - kept.len();
    kept.sort_by(|a, b| {
        (b.severity, &a.source, a.line, &a.object, &a.path, a.code, &a.message)
            .cmp(&(a.severity, &b.source, b.line, &b.object, &b.path, b.code, &b.message))
    });
    kept.dedup();
    Report { findings: kept, objects: world.items.len(), ignored }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_needs_known_codes_and_a_reason() {
        assert_eq!(parse("ML101, ML102: made by hand: really").codes, BTreeSet::from(["ML101", "ML102"]));
        assert_eq!(parse("ML101: a\nML103: b").codes, BTreeSet::from(["ML101", "ML103"]));
        assert_eq!(parse("ML101").problems[0].0, "ML002");
        assert_eq!(parse("ML101:  ").problems[0].0, "ML002");
        assert_eq!(parse("ML999: because").problems[0].0, "ML003");
        assert_eq!(parse(":").problems[0].0, "ML002");
    }
}
