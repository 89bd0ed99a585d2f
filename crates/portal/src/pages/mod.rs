//! Pages of the portal itself: the welcome and the problems. No inline style and no script, so that they work under the
//! strictest policy; without the style sheet they are still plain, readable documents in light and dark.

use crate::error::Error;
use crate::info::PublicInfo;
use mainstay_kernel::error::PublicError as _;

/// Media type of the pages.
pub(crate) const HTML: &str = "text/html; charset=utf-8";
/// The style sheet at `/_/style.css`.
pub(crate) const STYLE: &str = include_str!("style.css");

const WELCOME: &str = include_str!("welcome.html");
const PROBLEM: &str = include_str!("problem.html");

/// The page at `/` of a project without a web folder.
pub(crate) fn welcome(info: &PublicInfo, url: &str, web_dir: &str) -> String {
    fill(WELCOME, &[("name", &info.name), ("url", url), ("web_dir", web_dir)])
}

/// The page for a problem.
pub(crate) fn problem(error: Error) -> String {
    fill(PROBLEM, &[("status", error.status().as_str()), ("message", &error.message())])
}

/// Puts values into `{name}` places, escaped.
fn fill(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |page, (name, value)| page.replace(&format!("{{{name}}}"), &escape(value)))
}

/// Braces are escaped as well: a value must not become a place for the next one.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '{' => escaped.push_str("&#123;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        let info = PublicInfo { name: "<b>{url}\"".into(), ..PublicInfo::default() };
        let page = welcome(&info, "http://localhost:8889", "web");
        assert!(page.contains("&lt;b&gt;&#123;url}&quot;") && !page.contains("<b>"));
        assert!(page.contains("http://localhost:8889/rest/v1/"));
    }

    #[test]
    fn pages_bring_no_inline_style_or_script() {
        for page in [welcome(&PublicInfo::default(), "u", "web"), problem(Error::NotFound)] {
            assert!(page.contains("<meta name=\"color-scheme\" content=\"light dark\">"));
            assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script"), "{page}");
        }
    }
}
