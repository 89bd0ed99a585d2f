//! Media types by file name, and what may be said about caching.

use crate::config::Config;
use http::HeaderValue;

/// Extension and media type. Texts are always UTF-8.
const TYPES: &[(&str, &str)] = &[
    ("html", "text/html; charset=utf-8"),
    ("htm", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("webmanifest", "application/manifest+json"),
    ("txt", "text/plain; charset=utf-8"),
    ("md", "text/markdown; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("xml", "application/xml"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("jpg", "image/jpeg"),
    ("jpeg", "image/jpeg"),
    ("gif", "image/gif"),
    ("webp", "image/webp"),
    ("avif", "image/avif"),
    ("ico", "image/x-icon"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("ttf", "font/ttf"),
    ("otf", "font/otf"),
    ("wasm", "application/wasm"),
    ("pdf", "application/pdf"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("webm", "video/webm"),
    ("zip", "application/zip"),
    ("gz", "application/gzip"),
];
const UNKNOWN: &str = "application/octet-stream";

/// The media type of a file.
pub(crate) fn of(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(extension)).map_or(UNKNOWN, |(_, media)| media)
}

/// Whether compression pays.
pub(crate) fn is_text(media: &str) -> bool {
    media.starts_with("text/")
        || matches!(
            media,
            "application/json" | "application/manifest+json" | "application/xml" | "image/svg+xml" | "application/wasm"
        )
}

/// The `Cache-Control` of files.
#[derive(Debug)]
pub(crate) struct Caching {
    ordinary: HeaderValue,
    immutable: HeaderValue,
    immutable_paths: Vec<String>,
}

impl Caching {
    pub(crate) fn new(config: &Config) -> Self {
        let seconds = config.immutable_max_age.0.as_secs();
        Self {
            ordinary: HeaderValue::from_str(&config.cache_control).unwrap_or(HeaderValue::from_static("no-cache")),
            immutable: HeaderValue::try_from(format!("public, max-age={seconds}, immutable"))
                .unwrap_or(HeaderValue::from_static("no-cache")),
            immutable_paths: config.immutable_paths.clone(),
        }
    }

    /// What a file's path says about how long it stays the same.
    pub(crate) fn of(&self, relative: &str) -> HeaderValue {
        let name = relative.rsplit('/').next().unwrap_or_default();
        let is_listed = self.immutable_paths.iter().any(|start| relative.starts_with(start.trim_start_matches('/')));
        let is_document = name.ends_with(".html");
        if !is_document && (is_listed || has_hash(name)) { self.immutable.clone() } else { self.ordinary.clone() }
    }
}

/// `app.3f9a1c42.js`: a part of at least eight hexadecimal digits, one of them a digit, before the extension.
fn has_hash(name: &str) -> bool {
    let Some((stem, _)) = name.rsplit_once('.') else { return false };
    let is_hash = |part: &str| {
        part.len() >= 8
            && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            && part.bytes().any(|b| b.is_ascii_digit())
    };
    stem.split(['.', '-']).skip(1).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_follow_the_extension() {
        for (name, media) in [
            ("index.html", "text/html; charset=utf-8"),
            ("a/b.min.JS", "text/javascript; charset=utf-8"),
            ("x.woff2", "font/woff2"),
            ("LICENSE", UNKNOWN),
            ("x.exe", UNKNOWN),
        ] {
            assert_eq!(of(name), media, "{name}");
        }
    }

    #[test]
    fn only_names_with_a_hash_are_immutable() {
        let caching = Caching::new(&Config { immutable_paths: vec!["/assets/".into()], ..Config::default() });
        for (path, forever) in [
            ("app.3f9a1c42.js", true),
            ("css/site-0123456789abcdef.css", true),
            ("assets/index-BxYz12Ab.js", true),
            ("app.js", false),
            ("my-facade.js", false),
            ("page.3f9a1c42.html", false),
            ("20240101.txt", false),
            ("index.html", false),
        ] {
            assert_eq!(caching.of(path).to_str().unwrap().contains("immutable"), forever, "{path}");
        }
    }
}
