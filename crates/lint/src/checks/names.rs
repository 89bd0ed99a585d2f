//! Names, labels and annotations.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Error, Warning};
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Names",
    checks: &[
        check(
            "ML801",
            Error,
            "bad name",
            "The API server refuses it.",
            "Use lower-case letters, digits and dashes; begin and end with a letter or digit. At most 63 characters, for some kinds 253.",
        ),
        check(
            "ML802",
            Error,
            "bad label",
            "The API server refuses it.",
            "Keys are [prefix/]name, values up to 63 letters, digits, dashes, dots and underscores.",
        ),
        check(
            "ML803",
            Error,
            "bad annotation",
            "The API server refuses it.",
            "Keys are [prefix/]name; all annotations of an object together have at most 256 KiB.",
        ),
        check(
            "ML804",
            Warning,
            "name too long for its pods",
            "Names of pods and Jobs are made from it, and cut or refused.",
            "Keep CronJobs to 52 characters, StatefulSets and Deployments shorter than 63.",
        ),
    ],
    run: &[names, labels, lengths],
};

/// RFC 1123 label.
pub(super) fn is_label(name: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let bytes = name.as_bytes();
    bytes.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

/// RFC 1123 subdomain.
fn is_subdomain(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|part| {
            part.len() <= 253
                && is_label(part.get(..part.len().min(63)).unwrap_or(part))
                && is_label_of_any_length(part)
        })
}

fn is_label_of_any_length(part: &str) -> bool {
    !part.ends_with('-') && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// What RBAC takes: anything that can be a part of a path.
fn is_path_segment(name: &str) -> bool {
    !matches!(name, "." | "..") && !name.contains(['/', '%'])
}

fn names(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (index, item) in world.items.iter().enumerate() {
        if item.name.is_empty() {
            continue;
        }
        let good = match item.is {
            // RFC 1035: it becomes a DNS label that begins with a letter
            "Service" => is_label(item.name) && item.name.starts_with(|c: char| c.is_ascii_lowercase()),
            "Namespace" => is_label(item.name),
            "Role" | "ClusterRole" | "RoleBinding" | "ClusterRoleBinding" => is_path_segment(item.name),
            "" => true,
            _ => is_subdomain(item.name),
        };
        if !good {
            lint.report(
                "ML801",
                index,
                "metadata.name",
                format!("\"{}\" cannot be the name of a {}.", item.name, item.kind),
            );
        }
        if !item.namespace.is_empty() && !is_label(item.namespace) {
            lint.report("ML801", index, "metadata.namespace", format!("\"{}\" cannot be a namespace.", item.namespace));
        }
    }
    for workload in &world.workloads {
        for container in &workload.containers {
            if !is_label(container.name) {
                let message = format!("\"{}\" cannot be the name of a container.", container.name);
                lint.report("ML801", workload.item, format!("{}.name", container.path), message);
            }
        }
        for (v, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
            let name = lookup::word(volume, "name");
            if !is_label(name) {
                let message = format!("\"{name}\" cannot be the name of a volume.");
                lint.report("ML801", workload.item, format!("{}.volumes[{v}].name", workload.path), message);
            }
        }
    }
}

/// `[prefix/]name` with a DNS prefix and a name of at most 63 characters.
fn is_key(key: &str) -> bool {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    prefix.is_none_or(is_subdomain) && !name.is_empty() && is_value(name)
}

fn is_value(value: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = value.as_bytes();
    bytes.is_empty()
        || (bytes.len() <= 63
            && edge(bytes.first())
            && edge(bytes.last())
            && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b)))
}

fn labels(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (index, item) in world.items.iter().enumerate() {
        one(lint, index, item.value, "metadata");
    }
    for workload in world.workloads.iter().filter(|workload| workload.kind != "Pod") {
        one(lint, workload.item, world.items[workload.item].value, workload.meta_path);
    }
}

fn one(lint: &mut Lint<'_>, index: usize, value: &Value, base: &str) {
    for (key, value) in lookup::entries(value, &format!("{base}.labels")) {
        let text = value.as_str().unwrap_or_default();
        if !is_key(key) {
            lint.report("ML802", index, format!("{base}.labels"), format!("\"{key}\" is not a label key."));
        } else if !is_value(text) {
            lint.report("ML802", index, format!("{base}.labels[{key}]"), format!("\"{text}\" is not a label value."));
        }
    }
    let mut size = 0;
    for (key, value) in lookup::entries(value, &format!("{base}.annotations")) {
        size += key.len() + value.as_str().map_or(0, str::len);
        if !is_key(key) {
            lint.report("ML803", index, format!("{base}.annotations"), format!("\"{key}\" is not an annotation key."));
        }
    }
    if size > 256 * 1024 {
        lint.report("ML803", index, format!("{base}.annotations"), format!("The annotations have {size} bytes."));
    }
}

fn lengths(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        // pods are called NAME-HASH-SUFFIX or NAME-ORDINAL, and that is a label of 63 characters
        let limit = match workload.kind {
            "CronJob" => 52,
            "StatefulSet" => 52,
            "Deployment" | "DaemonSet" | "Job" => 63,
            _ => continue,
        };
        if workload.name.len() > limit {
            let message =
                format!("The name has {} characters; {limit} are safe for a {}.", workload.name.len(), workload.kind);
            lint.report("ML804", workload.item, "metadata.name", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged_as_the_api_server_does() {
        assert!(
            is_label("a-1") && is_label("1a") && !is_label("A") && !is_label("-a") && !is_label("a-") && !is_label("")
        );
        assert!(!is_label(&"a".repeat(64)));
        assert!(
            is_subdomain("a.b-c") && is_subdomain(&"a".repeat(100)) && !is_subdomain("a..b") && !is_subdomain("a_b")
        );
        assert!(
            is_key("app.kubernetes.io/name") && is_key("A_b") && !is_key("/a") && !is_key("a/") && !is_key("a/b/c")
        );
        assert!(
            is_value("") && is_value("v1.0_x") && !is_value("a b") && !is_value("-a") && !is_value(&"a".repeat(64))
        );
    }
}
