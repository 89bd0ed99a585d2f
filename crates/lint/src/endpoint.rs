//! Finding in texts what a program will connect to: URLs, `host:port`, `*_HOST` with `*_PORT`.

/// Somewhere a text says to connect to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    /// As written, or the scheme's usual one.
    pub(crate) port: Option<i64>,
    /// Written with a scheme or under a `_HOST` key; other words with a colon may be anything.
    pub(crate) certain: bool,
}

/// Ports of schemes that name a server.
const SCHEMES: &[(&str, i64)] = &[
    ("http", 80),
    ("https", 443),
    ("ws", 80),
    ("wss", 443),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("mongodb", 27017),
    ("redis", 6379),
    ("rediss", 6379),
    ("amqp", 5672),
    ("amqps", 5671),
    ("nats", 4222),
    ("smtp", 25),
    ("ldap", 389),
    ("memcached", 11211),
];

/// The endpoints in a text. Lines that begin with `#` are comments.
pub(crate) fn in_text(text: &str) -> Vec<Endpoint> {
    let mut found = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        for token in line.split(|c: char| c.is_whitespace() || "\"'`<>(){}[]|;,".contains(c)) {
            if let Some(endpoint) = in_token(token) {
                found.push(endpoint);
            }
        }
        found.extend(in_dsn(line));
    }
    found.sort();
    found.dedup();
    found
}

fn in_token(token: &str) -> Option<Endpoint> {
    if let Some((before, rest)) = token.split_once("://") {
        let scheme = before.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '+')).next()?.to_ascii_lowercase();
        // jdbc:postgresql, postgresql+asyncpg
        let scheme = scheme.split('+').next()?;
        let usual = SCHEMES.iter().find(|(name, _)| *name == scheme).map(|(_, port)| *port);
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit('@').next()?;
        let (host, port) = split_port(host)?;
        return Some(Endpoint { host, port: port.or(usual), certain: true });
    }
    // KEY=host:port, --flag=host:port
    let value = token.rsplit('=').next()?;
    let value = value.split('/').next()?;
    let value = value.rsplit('@').next()?;
    let (host, port) = split_port(value)?;
    port.map(|port| Endpoint { host, port: Some(port), certain: false })
}

/// libpq's `host=postgres port=5432`.
fn in_dsn(line: &str) -> Option<Endpoint> {
    let field = |name: &str| {
        line.split(|c: char| c.is_whitespace() || c == '"' || c == '\'')
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    };
    if !line.contains("host=") || field("dbname").or_else(|| field("user")).is_none() {
        return None;
    }
    let host = field("host")?;
    let port = field("port").map_or(Some(5432), |port| port.parse().ok())?;
    is_host(host).then(|| Endpoint { host: host.to_owned(), port: Some(port), certain: true })
}

fn split_port(text: &str) -> Option<(String, Option<i64>)> {
    let (host, port) = match text.split_once(':') {
        None => (text, None),
        Some((host, port)) => {
            let number: i64 = port.parse().ok().filter(|port| (1..=65535).contains(port))?;
            (host, Some(number))
        }
    };
    is_host(host).then(|| (host.to_owned(), port))
}

/// A DNS name that may be a Service's.
pub(crate) fn is_host(text: &str) -> bool {
    text.len() <= 253
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.trim_end_matches('.').ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.')
}

/// The name and namespace that a host may mean, for a program in namespace `home`; `None` for names of the internet.
///
/// A pod's resolver completes `a`, `a.ns`, `a.ns.svc` and `a.ns.svc.cluster.local`; the last label of a headless pod's
/// name (`pod-0.a`) is left to the caller.
pub(crate) fn service_name<'a>(host: &'a str, home: &'a str) -> Option<(&'a str, &'a str)> {
    let mut labels = host.trim_end_matches('.').split('.');
    let name = labels.next()?;
    let Some(namespace) = labels.next() else { return Some((name, home)) };
    match (labels.next(), labels.next()) {
        (None, _) | (Some("svc"), _) => Some((name, namespace)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Option<(String, Option<i64>)> {
        in_text(text).into_iter().next().map(|endpoint| (endpoint.host, endpoint.port))
    }

    #[test]
    fn endpoints_are_found_where_programs_write_them() {
        let is =
            |text: &str, host: &str, port: i64| assert_eq!(one(text), Some((host.to_owned(), Some(port))), "{text}");
        is("http://auth:8080/x", "auth", 8080);
        is("http://auth", "auth", 80);
        is("url = \"https://auth.shop.svc.cluster.local\"", "auth.shop.svc.cluster.local", 443);
        is("postgres://user:pass@db:5433/x?sslmode=require", "db", 5433);
        is("postgresql+asyncpg://db/x", "db", 5432);
        is("jdbc:postgresql://db:5432/x", "db", 5432);
        is("  proxy_pass http://auth:8080;", "auth", 8080);
        is("targets: [prometheus:9090]", "prometheus", 9090);
        is("--upstream=auth:8081", "auth", 8081);
        is("host=db dbname=x", "db", 5432);
        for none in
            ["# http://auth:8080", "12:30", "a: b", "sha256:abcdef", "http://127.0.0.1:80", "key:value", "x:99999", ""]
        {
            assert_eq!(one(none), None, "{none}");
        }
    }

    #[test]
    fn hosts_are_completed_as_a_resolver_does() {
        assert_eq!(service_name("auth", "shop"), Some(("auth", "shop")));
        assert_eq!(service_name("auth.x", "shop"), Some(("auth", "x")));
        assert_eq!(service_name("auth.x.svc", "shop"), Some(("auth", "x")));
        assert_eq!(service_name("auth.x.svc.cluster.local.", "shop"), Some(("auth", "x")));
        assert_eq!(service_name("www.example.com", "shop"), None);
    }
}
