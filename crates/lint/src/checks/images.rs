//! Image references.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};

pub(crate) const THEME: Theme = Theme {
    name: "Images",
    checks: &[
        check(
            "ML651",
            Warning,
            "image without a version",
            "The next pod may run another program than the others.",
            "Name a version, best with its digest.",
        ),
        check(
            "ML652",
            Advice,
            "image without a digest",
            "A tag can be moved to another image.",
            "Write name:version@sha256:…",
        ),
        check(
            "ML653",
            Advice,
            "Always pull with a digest",
            "The digest cannot change, so pulling again only needs the registry to be up.",
            "Use imagePullPolicy: IfNotPresent.",
        ),
        check(
            "ML654",
            Error,
            "image that cannot be pulled",
            "The reference is empty or malformed.",
            "Write registry/name:version@sha256:…, in lower case.",
        ),
    ],
    run: &[images],
};

/// The repository, tag and digest of a reference.
fn parts(image: &str) -> (&str, Option<&str>, Option<&str>) {
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    match name.rfind(':').filter(|colon| !name[*colon..].contains('/')) {
        Some(colon) => (&name[..colon], Some(&name[colon + 1..]), digest),
        None => (name, None, digest),
    }
}

fn is_valid(image: &str) -> bool {
    let (repository, tag, digest) = parts(image);
    let (host, path) = repository.split_once('/').unwrap_or(("", repository));
    let path = if host.contains(['.', ':']) || host == "localhost" { path } else { repository };
    let name = !path.is_empty()
        && path.split('/').all(|part| {
            part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        });
    let word = |tag: &str| {
        (1..=128).contains(&tag.len()) && tag.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let hash = |digest: &str| {
        digest.split_once(':').is_some_and(|(algorithm, hex)| {
            hex.bytes().all(|b| b.is_ascii_hexdigit())
                && match algorithm {
                    "sha256" => hex.len() == 64,
                    "sha512" => hex.len() == 128,
                    _ => false,
                }
        })
    };
    name && tag.is_none_or(word) && digest.is_none_or(hash)
}

fn images(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for container in &workload.containers {
            let image = lookup::word(container.value, "image");
            let path = format!("{}.image", container.path);
            if !is_valid(image) {
                let message = format!("Container \"{}\" has the image \"{image}\".", container.name);
                lint.report("ML654", workload.item, path, message);
                continue;
            }
            let (_, tag, digest) = parts(image);
            let local = lookup::text(container.value, "imagePullPolicy") == Some("Never");
            if digest.is_none() && matches!(tag, None | Some("latest")) {
                lint.report("ML651", workload.item, path, format!("\"{image}\" is whatever was pushed last."));
            } else if digest.is_none() && !local {
                lint.report("ML652", workload.item, path, format!("\"{image}\" has no digest."));
            } else if digest.is_some() && lookup::text(container.value, "imagePullPolicy") == Some("Always") {
                let path = format!("{}.imagePullPolicy", container.path);
                lint.report(
                    "ML653",
                    workload.item,
                    path,
                    format!("Container \"{}\" pulls at every start.", container.name),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let digest = format!("sha256:{}", "a".repeat(64));
        assert_eq!(parts("localhost:5000/a/b:1@x"), ("localhost:5000/a/b", Some("1"), Some("x")));
        assert_eq!(parts("localhost:5000/a"), ("localhost:5000/a", None, None));
        for good in ["nginx", "nginx:1.27", "ghcr.io/a/b:v1", "localhost:5000/a:1", &format!("a@{digest}")] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "Nginx", "a b", "a:", "a@sha256:12", "ghcr.io/A/b", "{{ .Values.image }}", "/a"] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
