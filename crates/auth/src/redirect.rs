//! Where a browser may be sent after a sign-in (supabase/auth: `IsRedirectURLValid`).

use crate::glob::{Glob, GlobError};
use std::net::IpAddr;
use url::Url;

/// The site and the allow-list.
#[derive(Debug)]
pub(crate) struct Redirects {
    site_url: String,
    site: Option<Url>,
    allowed: Vec<Glob>,
}

// === impl Redirects ===

impl Redirects {
    pub(crate) fn new(site_url: &str, allow_list: &[String]) -> Result<Self, GlobError> {
        let allowed = allow_list.iter().map(|pattern| Glob::parse(pattern)).collect::<Result<_, _>>()?;
        Ok(Self { site_url: site_url.to_owned(), site: Url::parse(site_url).ok(), allowed })
    }

    /// `wanted` when it is allowed, the site otherwise.
    pub(crate) fn choose(&self, wanted: Option<&str>) -> String {
        match wanted {
            Some(target) if self.allows(target) => target.to_owned(),
            _ => self.site_url.clone(),
        }
    }

    /// The site itself.
    pub(crate) fn site(&self) -> &str {
        &self.site_url
    }

    fn allows(&self, target: &str) -> bool {
        // Browsers strip leading control characters and blanks, which would dodge the checks below.
        if target.is_empty() || target.len() > 2048 || target.chars().any(|c| c <= ' ' || c == '\u{7f}' || c == '\\') {
            return false;
        }
        match Url::parse(target) {
            Ok(url) if self.is_site(&url) => true,
            Ok(url) => !is_suspicious(&url, target) && self.is_listed(target),
            // Deep links such as com.my_app://callback are not URLs to every parser; the list alone decides.
            Err(_) => !has_web_scheme(target) && self.is_listed(target),
        }
    }

    /// Same scheme, host and port as the site. On loopback the port is free (RFC 8252 section 7.3).
    fn is_site(&self, url: &Url) -> bool {
        let Some(site) = &self.site else { return false };
        site.host_str().is_some()
            && site.host_str() == url.host_str()
            && site.scheme() == url.scheme()
            && url.username().is_empty()
            && url.password().is_none()
            && (site.port_or_known_default() == url.port_or_known_default() || is_loopback(url))
    }

    fn is_listed(&self, target: &str) -> bool {
        let without_fragment = target.split('#').next().unwrap_or_default();
        self.allowed.iter().any(|glob| glob.matches(without_fragment))
    }
}

/// Addresses that only look harmless: IP addresses other than loopback (in whatever spelling, which the URL parser
/// has already normalised), names with characters that no host has, and credentials in front of the host.
fn is_suspicious(url: &Url, raw: &str) -> bool {
    if !url.username().is_empty() || url.password().is_some() {
        return true;
    }
    match url.host() {
        Some(url::Host::Ipv4(ip)) => !ip.is_loopback() || !raw.contains(&ip.to_string()),
        Some(url::Host::Ipv6(ip)) => !ip.is_loopback(),
        Some(url::Host::Domain(name)) => {
            let numeric = name.chars().all(|c| c.is_ascii_digit());
            let foreign_ip = name.parse::<IpAddr>().is_ok_and(|ip| !ip.is_loopback());
            let odd = has_web_scheme(raw) && !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
            (numeric && !name.is_empty()) || foreign_ip || odd
        }
        None => has_web_scheme(raw),
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn has_web_scheme(target: &str) -> bool {
    let lower = target.get(..6).unwrap_or(target).to_ascii_lowercase();
    lower.starts_with("http:") || lower.starts_with("https:")
}

/// Adds pairs to the query of an address.
pub(crate) fn with_query(target: &str, pairs: &[(&str, &str)]) -> String {
    edit(target, |url| {
        url.query_pairs_mut().extend_pairs(pairs);
    })
}

/// Puts pairs into the fragment of an address, in place of what was there.
pub(crate) fn with_fragment(target: &str, pairs: &[(&str, &str)]) -> String {
    edit(target, |url| url.set_fragment(Some(&encode(pairs))))
}

/// Puts an error where both kinds of clients look: query (PKCE) and fragment (implicit).
pub(crate) fn with_error(target: &str, pairs: &[(&str, &str)]) -> String {
    edit(target, |url| {
        url.set_query(Some(&encode(pairs)));
        url.set_fragment(Some(&encode(pairs)));
    })
}

fn encode(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn edit(target: &str, change: impl FnOnce(&mut Url)) -> String {
    match Url::parse(target) {
        Ok(mut url) => {
            change(&mut url);
            url.into()
        }
        // A deep link that the parser does not know: change a stand-in and carry its tail over.
        Err(_) => {
            let base = target.split(['?', '#']).next().unwrap_or_default();
            let tail = target.get(base.len()..).unwrap_or_default();
            let Ok(mut stand_in) = Url::parse(&format!("x://x/{tail}")) else { return target.to_owned() };
            change(&mut stand_in);
            let query = stand_in.query().filter(|q| !q.is_empty()).map(|q| format!("?{q}")).unwrap_or_default();
            let fragment = stand_in.fragment().map(|f| format!("#{f}")).unwrap_or_default();
            format!("{base}{query}{fragment}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redirects() -> Redirects {
        let list = ["https://*.preview.test/**", "com.my_app.test://callback", "http://127.0.0.1:*/x", "**://deep/*"];
        Redirects::new("https://app.test:8443/home", &list.map(str::to_owned)).unwrap()
    }

    #[test]
    fn the_allow_list_decides_and_the_site_is_the_way_out() {
        let redirects = redirects();
        for (target, allowed) in [
            ("https://app.test:8443/anything?x=1#y", true),
            ("https://app.test/anything", false),
            ("http://app.test:8443/", false),
            ("https://evil.test/", false),
            ("https://app.test:8443@evil.test/", false),
            ("https://user@app.test:8443/", false),
            ("https://app.test:8443.evil.test/", false),
            ("//evil.test/", false),
            ("/relative", false),
            ("javascript:alert(1)", false),
            ("https://pr-7.preview.test/a/b?c=d", true),
            ("https://pr-7.preview.test/a/b#fragment.is/ignored", true),
            ("https://a.b.preview.test/", false),
            ("com.my_app.test://callback", true),
            ("com.my_app.test://callback#later", true),
            ("com.other://callback", false),
            ("http://127.0.0.1:5555/x", true),
            ("http://2130706433/x", false),
            ("http://10.0.0.1/x", false),
            ("\thttps://app.test:8443/", false),
            ("https:/\\evil.test/", false),
            ("", false),
        ] {
            let expected = if allowed { target } else { "https://app.test:8443/home" };
            assert_eq!(redirects.choose(Some(target)), expected, "{target}");
        }
        assert_eq!(redirects.choose(None), redirects.site());
    }

    #[test]
    fn a_loopback_site_frees_the_port() {
        let redirects = Redirects::new("http://localhost:3000", &[]).unwrap();
        assert_eq!(redirects.choose(Some("http://localhost:5173/cb")), "http://localhost:5173/cb");
        assert_eq!(redirects.choose(Some("https://localhost:3000/")), "http://localhost:3000");
    }

    #[test]
    fn pairs_land_in_query_and_fragment() {
        assert_eq!(with_query("https://a.test/x?y=1#z", &[("code", "c d")]), "https://a.test/x?y=1&code=c+d#z");
        assert_eq!(with_fragment("https://a.test/x#old", &[("a", "1&2")]), "https://a.test/x#a=1%262");
        assert_eq!(with_error("https://a.test/x?q=1", &[("error", "e")]), "https://a.test/x?error=e#error=e");
        assert_eq!(
            with_query("com.my_app.test://callback?a=1", &[("code", "c")]),
            "com.my_app.test://callback?a=1&code=c"
        );
    }
}
