//! A system written out: files for kubectl, kustomize and Helm, its sizes as a table, and its picture.
//!
//! Everything returns text; nothing is written to a disk here.

mod helm;
mod kustomize;
mod picture;
mod readme;
mod summary;
mod tree;

pub use helm::helm;
pub use kustomize::kustomize;
pub use picture::{picture_svg, picture_text};
pub use summary::{Quota, Row, Summary, Total, Volume, summary};
pub use tree::tree;

use mainstay_manifest::Object;
use std::collections::BTreeMap;

/// A file of a rendered folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Path below the folder, with `/` between its parts. Never absolute, never with `..`.
    pub path: String,
    /// Its content, UTF-8, ending with a line break.
    pub text: String,
}

impl File {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Objects that cannot be written as files. Both are mistakes in mainstay, not in a project.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// Two objects want the same file.
    #[error("{first} and {second} would both be written to {path}; this is a mistake in mainstay, please report it")]
    SamePath {
        /// The file.
        path: String,
        /// Who came first.
        first: String,
        /// Who came second.
        second: String,
    },
    /// A path that leads out of the folder, or that not every file system can hold.
    #[error(
        "{object} would be written to {path:?}, which is no plain path inside the folder; this is a mistake in mainstay, please report it"
    )]
    UnsafePath {
        /// The path.
        path: String,
        /// The object.
        object: String,
    },
}

/// Refuses objects whose files would overwrite each other or lie outside the folder.
fn check(objects: &[Object]) -> Result<(), RenderError> {
    let mut seen: BTreeMap<String, &Object> = BTreeMap::new();
    for object in objects {
        if !is_plain(&object.path) {
            return Err(RenderError::UnsafePath { path: object.path.clone(), object: object.id().to_string() });
        }
        // some file systems take `A` and `a` for one name
        if let Some(other) = seen.insert(object.path.to_ascii_lowercase(), object) {
            return Err(RenderError::SamePath {
                path: object.path.clone(),
                first: other.id().to_string(),
                second: object.id().to_string(),
            });
        }
    }
    Ok(())
}

/// Letters, digits, `.`, `-` and `_` between slashes; no part begins with a dot.
fn is_plain(path: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    path.len() <= 255
        && path.ends_with(".yaml")
        && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.') && part.chars().all(fits))
}

/// The first sentence of an explanation, on one line.
fn first_sentence(why: &str) -> String {
    let line = why.split_whitespace().collect::<Vec<_>>().join(" ");
    line.find(". ").map_or(line.as_str(), |end| &line[..=end]).to_owned()
}

/// A text as a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use mainstay_manifest::Phase;
    use serde_json::json;

    fn object(path: &str, name: &str) -> Object {
        Object::new(Phase::Application, path, "Why.", &json!({"kind": "X", "metadata": {"name": name}}))
    }

    #[test]
    fn paths_stay_inside_the_folder() {
        for path in ["a.yaml", "db/init/job.yaml", "logging/fluent-bit/daemonset.yaml"] {
            assert_eq!(check(&[object(path, "a")]), Ok(()), "{path}");
        }
        for path in [
            "/a.yaml",
            "../a.yaml",
            "a/../b.yaml",
            "a//b.yaml",
            "a\\b.yaml",
            ".a.yaml",
            "a b.yaml",
            "",
            "a",
            "c:/x.yaml",
        ] {
            assert!(matches!(check(&[object(path, "a")]), Err(RenderError::UnsafePath { .. })), "{path}");
        }
    }

    #[test]
    fn two_objects_with_one_file_are_refused() {
        let error = check(&[object("a/b.yaml", "one"), object("A/b.yaml", "two")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "X one and X two would both be written to A/b.yaml; this is a mistake in mainstay, please report it"
        );
    }

    #[test]
    fn sentences_end_at_their_first_full_stop() {
        assert_eq!(first_sentence("One 1.5 thing\nhere. Two."), "One 1.5 thing here.");
        assert_eq!(first_sentence("No stop"), "No stop");
    }
}
