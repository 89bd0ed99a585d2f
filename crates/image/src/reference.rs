use crate::error::ImageError;
use std::fmt;

/// The full name of an image, written out as container engines and the kubelet understand a short one: without a
/// registry it is `docker.io`, there without a folder it is `library`, without a tag it is `latest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    repository: String,
    tag: String,
}

const REPOSITORY_LIMIT: usize = 255;
const TAG_LIMIT: usize = 128;

impl Reference {
    /// Reads a name by the grammar of <https://github.com/distribution/reference>.
    ///
    /// # Errors
    /// When it is none, or names a digest: a digest is the outcome, not a choice.
    pub fn parse(text: &str) -> Result<Self, ImageError> {
        let wrong = |problem| ImageError::Reference { tag: text.to_owned(), problem };
        if text.contains('@') {
            return Err(wrong("a digest cannot be chosen"));
        }
        // a colon after the last slash begins the tag, an earlier one the registry's port
        let (name, tag) = match text.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (text, "latest"),
        };
        if !is_tag(tag) {
            return Err(wrong("the tag has other characters than letters, digits, `.`, `_`, `-`, or is too long"));
        }
        let (registry, path) = match name.split_once('/') {
            Some((first, rest)) if first == "localhost" || first.contains(['.', ':']) => (first, rest.to_owned()),
            Some(_) => ("docker.io", name.to_owned()),
            None => ("docker.io", format!("library/{name}")),
        };
        if !is_registry(registry) {
            return Err(wrong("the registry is no host with an optional port"));
        }
        if !path.split('/').all(is_component) {
            return Err(wrong("names have lower-case letters and digits, with single `.`, `_` or dashes between them"));
        }
        let repository = format!("{registry}/{path}");
        if repository.len() > REPOSITORY_LIMIT {
            return Err(wrong("the name is longer than 255 characters"));
        }
        Ok(Self { repository, tag: tag.to_owned() })
    }

    /// The tag alone.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

fn is_tag(tag: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    tag.len() <= TAG_LIMIT && tag.starts_with(word) && tag.chars().all(|c| word(c) || c == '.' || c == '-')
}

fn is_registry(registry: &str) -> bool {
    let (host, port) = registry.split_once(':').unwrap_or((registry, "443"));
    let label = |label: &str| {
        let edge = |c: char| c.is_ascii_alphanumeric();
        label.starts_with(edge) && label.ends_with(edge) && label.chars().all(|c| edge(c) || c == '-')
    };
    host.split('.').all(label) && port.parse::<u16>().is_ok()
}

fn is_component(component: &str) -> bool {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separator = |s: &str| matches!(s, "" | "." | "_" | "__") || s.chars().all(|c| c == '-');
    component.starts_with(word) && component.ends_with(word) && component.split(word).all(separator)
}

#[cfg(test)]
mod tests {
    use super::Reference;

    #[test]
    fn short_names_are_written_out() {
        for (short, full) in [
            ("budget-app", "docker.io/library/budget-app:latest"),
            ("budget-app:1.0", "docker.io/library/budget-app:1.0"),
            ("team/budget-app:1.0", "docker.io/team/budget-app:1.0"),
            ("localhost/budget-app:dev", "localhost/budget-app:dev"),
            ("localhost:5000/a/b__c/d--e:v1", "localhost:5000/a/b__c/d--e:v1"),
            ("registry.example.com/x", "registry.example.com/x:latest"),
        ] {
            assert_eq!(Reference::parse(short).unwrap().to_string(), full);
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = format!("a/{}", "b".repeat(300));
        let long_tag = format!("a:{}", "b".repeat(129));
        for wrong in [
            "",
            ":",
            "a:",
            "Budget:1",
            "a b",
            "a:b:c",
            "a/../b",
            "a//b",
            "/a",
            "a/",
            "a._b",
            "-a",
            "a:-1",
            "a:ü",
            "a@sha256:00",
            "ex_ample.com/a",
            "host:port/a",
            "host:99999/a",
            "a\n:1",
            &long,
            &long_tag,
        ] {
            assert!(Reference::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
