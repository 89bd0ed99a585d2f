//! What a container's status says is wrong. Pure.

use crate::api::{number, text};
use crate::diagnose::{Class, Scene, Symptom, events_of, sign};
use serde_json::Value;

/// Why an image was not pulled: the back-off that follows says only that it was not.
pub(crate) fn pull_event<'a>(pod: &Value, scene: &'a Scene) -> Option<&'a str> {
    let failed = |m: &&str| m.starts_with("Failed to pull image");
    events_of(scene, text(pod, "/metadata/uid")).map(|e| text(e, "/message")).filter(failed).last()
}

pub(crate) fn of_container(object: &str, pod: &Value, status: &Value, pull: Option<&str>) -> Option<Symptom> {
    let name = text(status, "/name");
    let reason = text(status, "/state/waiting/reason");
    let message = text(status, "/state/waiting/message");
    let image = text(status, "/image");
    let restarts = number(status, "/restartCount");
    let ready = status.get("ready").and_then(Value::as_bool).unwrap_or(false);
    let at = |class, cause: String, hint: &str| Some(sign(class, object, Some(pod), cause, hint));
    match reason {
        "ErrImageNeverPull" => at(
            Class::Container,
            format!("image {image} is not on the node and may not be pulled"),
            "Bring it there (`mainstay image`, then the cluster's own command for archives), or push it to a registry.",
        ),
        "InvalidImageName" => {
            at(Class::Container, format!("the image name {image:?} is not valid"), "Correct it in mainstay.toml.")
        }
        "ImagePullBackOff" | "ErrImagePull" | "RegistryUnavailable" => {
            let class = if reason == "ImagePullBackOff" { Class::Container } else { Class::Soft };
            let message = pull.map_or_else(|| message.to_owned(), |pull| format!("{message}; {pull}"));
            at(class, format!("image {image} cannot be pulled: {message}"), pull_hint(&message))
        }
        "CreateContainerConfigError" => {
            let hint = if message.contains("find key") || message.contains("not found") {
                "Add the key, or the object, that the message names."
            } else if message.contains("runAsNonRoot") || message.contains("non-root") {
                "The image runs as root: use one that does not, or set its user."
            } else {
                "Correct what the message names."
            };
            // the kubelet's caches lag behind the API: that passes
            let class = if message.contains("failed to sync") { Class::Soft } else { Class::Container };
            at(class, format!("container {name} cannot be configured: {message}"), hint)
        }
        "CreateContainerError" | "RunContainerError" | "PreCreateHookError" | "PostStartHookError" => at(
            Class::Container,
            format!("container {name} cannot be started: {message}"),
            "Look at its command, its volumes and the node's runtime.",
        ),
        _ => {
            let last = ["/lastState/terminated", "/state/terminated"]
                .iter()
                .find_map(|p| status.pointer(p))
                .filter(|t| number(t, "/exitCode") != 0)?;
            let often = restarts >= 3 || (restarts >= 2 && reason == "CrashLoopBackOff");
            if ready {
                return None;
            }
            let (cause, hint) = exit(name, last, restarts);
            let mut symptom = sign(if often { Class::Now } else { Class::Soft }, object, Some(pod), cause, hint);
            // while it waits to be started again, its last run is the previous one
            let previous = status.pointer("/state/terminated").is_none();
            symptom.log = Some((text(pod, "/metadata/name").to_owned(), name.to_owned(), previous));
            Some(symptom)
        }
    }
}

fn pull_hint(message: &str) -> &'static str {
    let lower = message.to_lowercase();
    if ["not found", "manifest unknown", "notfound"].iter().any(|m| lower.contains(m)) {
        "There is no such image or tag in the registry: push it, or correct the name."
    } else if ["unauthorized", "denied", "authentication", "forbidden"].iter().any(|m| lower.contains(m)) {
        "The registry wants a login: name its Secret in [kubernetes] image_pull_secrets."
    } else if lower.contains("no match for platform") || lower.contains("no matching manifest") {
        "The image was not built for the node's architecture."
    } else if lower.contains("no such host") || lower.contains("dial tcp") || lower.contains("timeout") {
        "The node cannot reach the registry."
    } else if lower.contains("x509") || lower.contains("http response to https") {
        "The node does not trust the registry's certificate."
    } else {
        "Check the image's name and the node's way to the registry."
    }
}

fn exit(name: &str, terminated: &Value, restarts: i64) -> (String, &'static str) {
    let code = number(terminated, "/exitCode");
    let reason = text(terminated, "/reason");
    let times = if restarts > 0 { format!(", restarted {restarts} times") } else { String::new() };
    let message = text(terminated, "/message");
    let more = if message.is_empty() { String::new() } else { format!(": {message}") };
    if reason == "OOMKilled" {
        return (format!("container {name} was killed for using too much memory{times}"), "Raise its memory limit.");
    }
    let hint = match code {
        64 => "Its configuration is wrong: the log says which key.",
        126 | 127 => "Its command is not in the image, or cannot be executed there.",
        137 => "It was killed: by the liveness or startup probe, or for memory.",
        _ => "Its log says why.",
    };
    (format!("container {name} ended with exit code {code}{times}{more}"), hint)
}
