//! The path of a URL as a path below the web folder.

use percent_encoding::percent_decode_str;

/// The one folder beginning with a dot that is meant to be public (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// A relative path that stays below its root.
///
/// - no segment is empty, `.`, `..` or begins with a dot (`.well-known` at the top excepted)
/// - no NUL, control character or backslash
/// - valid UTF-8 after decoding once
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SitePath {
    /// Segments joined by slashes; empty for the root.
    relative: String,
    kind: Kind,
}

/// How the URL wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `/docs`
    Plain,
    /// `/docs/` or `/`
    Folder,
}

impl SitePath {
    /// Reads the path of a request target; `None` for paths that no file may answer.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let decoded = percent_decode_str(path).decode_utf8().ok()?;
        if decoded.chars().any(|c| c == '\\' || c.is_control()) {
            return None;
        }
        let inside = decoded.strip_prefix('/')?;
        let (relative, kind) = match inside.strip_suffix('/') {
            _ if inside.is_empty() => ("", Kind::Folder),
            Some(folder) => (folder, Kind::Folder),
            None => (inside, Kind::Plain),
        };
        let is_public = |(index, segment): (usize, &str)| {
            !segment.is_empty() && (!segment.starts_with('.') || (index == 0 && segment == WELL_KNOWN))
        };
        let is_safe = inside.is_empty() || relative.split('/').enumerate().all(is_public);
        is_safe.then(|| Self { relative: relative.to_owned(), kind })
    }

    pub(crate) fn relative(&self) -> &str {
        &self.relative
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    /// The last segment.
    pub(crate) fn name(&self) -> &str {
        self.relative.rsplit('/').next().unwrap_or_default()
    }

    /// The document of a folder.
    pub(crate) fn index(&self) -> String {
        if self.relative.is_empty() { "index.html".to_owned() } else { format!("{}/index.html", self.relative) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_their_root() {
        for (path, relative, kind) in [
            ("/", "", Kind::Folder),
            ("/a/b.js", "a/b.js", Kind::Plain),
            ("/a/", "a", Kind::Folder),
            ("/a%20b", "a b", Kind::Plain),
            ("/%C3%BC.html", "ü.html", Kind::Plain),
            ("/a..b", "a..b", Kind::Plain),
            ("/.well-known/security.txt", ".well-known/security.txt", Kind::Plain),
        ] {
            assert_eq!(SitePath::parse(path), Some(SitePath { relative: relative.into(), kind }), "{path}");
        }
        for bad in [
            "",
            "a",
            "/..",
            "/../etc/passwd",
            "/a/../b",
            "/%2e%2e/etc/passwd",
            "/..%2fetc",
            "/a%2f..%2f..%2fb",
            "/a\\b",
            "/a%5cb",
            "/a%00.html",
            "/.env",
            "/.git/config",
            "/a/.well-known/x",
            "//evil.example",
            "/a//b",
            "/%ff",
            "/./a",
            "/a%0ab",
        ] {
            assert_eq!(SitePath::parse(bad), None, "{bad}");
        }
    }
}
