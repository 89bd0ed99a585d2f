//! The checks, one file per theme: its table first, then a small function per check.

pub(crate) mod certificates;
pub(crate) mod contents;
pub(crate) mod disruption;
pub(crate) mod document;
pub(crate) mod edges;
pub(crate) mod exposure;
pub(crate) mod hardening;
pub(crate) mod images;
pub(crate) mod jobs;
pub(crate) mod names;
pub(crate) mod policies;
pub(crate) mod ports;
pub(crate) mod probes;
pub(crate) mod quota;
pub(crate) mod rbac;
pub(crate) mod references;
pub(crate) mod resources;
pub(crate) mod rollout;
pub(crate) mod scaling;
pub(crate) mod secrets;
pub(crate) mod security;
pub(crate) mod selectors;
pub(crate) mod storage;
pub(crate) mod targets;

use crate::check::{Check, Lint};
use crate::report::Severity;

/// A row of a table.
const fn check(
    code: &'static str,
    severity: Severity,
    title: &'static str,
    why: &'static str,
    way_out: &'static str,
) -> Check {
    Check { code, severity, title, why, way_out }
}

/// What to say of something that is not there: an error when the files hold the namespace's other objects of that kind, so
/// that they are evidently complete; otherwise a warning, because it may be somewhere else.
fn missing(
    lint: &mut Lint<'_>,
    code: &'static str,
    item: usize,
    path: impl Into<String>,
    kind: &str,
    namespace: &str,
    name: &str,
) {
    if lint.world.of_kind_in(kind, namespace).is_empty() {
        let message = format!("{kind} \"{name}\" is not among the given files.");
        lint.report_as(Severity::Warning, code, item, path, message);
    } else {
        let place = if namespace.is_empty() { String::new() } else { format!(" in namespace \"{namespace}\"") };
        lint.report(code, item, path, format!("{kind} \"{name}\" does not exist{place}."));
    }
}
