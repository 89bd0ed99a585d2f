//! Which role a path belongs to, what of the path the role sees, and what the route is called in metrics.

/// The parts of Mainstay that answer through the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `/auth/v1`
    Auth,
    /// `/rest/v1`
    Data,
    /// `/storage/v1`
    Storage,
    /// `/functions/v1`
    Functions,
    /// `/realtime/v1`
    Realtime,
    /// `/graphql/v1`
    Graphql,
    /// Everything else.
    Portal,
}

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Route {
    /// The role that answers.
    pub(crate) role: Role,
    /// The part of the path that the role does not see.
    pub(crate) prefix: &'static str,
    /// The name in metrics: a template from a closed set, never the path itself.
    pub(crate) template: &'static str,
}

/// Whether a route is closed to requests without an API key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRule {
    /// 401 without a known key.
    Required,
    /// A known key is used, a missing or unknown one is the role's business.
    Optional,
}

const PREFIXES: [(&str, Role); 6] = [
    ("/rest/v1", Role::Data),
    ("/auth/v1", Role::Auth),
    ("/storage/v1", Role::Storage),
    ("/functions/v1", Role::Functions),
    ("/realtime/v1", Role::Realtime),
    ("/graphql/v1", Role::Graphql),
];

/// Auth's fixed paths: inside path and template.
const AUTH_PATHS: &[(&str, &str)] = &[
    ("/token", "/auth/v1/token"),
    ("/user", "/auth/v1/user"),
    ("/signup", "/auth/v1/signup"),
    ("/logout", "/auth/v1/logout"),
    ("/recover", "/auth/v1/recover"),
    ("/resend", "/auth/v1/resend"),
    ("/otp", "/auth/v1/otp"),
    ("/magiclink", "/auth/v1/magiclink"),
    ("/verify", "/auth/v1/verify"),
    ("/authorize", "/auth/v1/authorize"),
    ("/callback", "/auth/v1/callback"),
    ("/settings", "/auth/v1/settings"),
    ("/health", "/auth/v1/health"),
    ("/invite", "/auth/v1/invite"),
    ("/reauthenticate", "/auth/v1/reauthenticate"),
    ("/.well-known/jwks.json", "/auth/v1/.well-known/jwks.json"),
];

/// Auth's families of paths: beginning and template.
const AUTH_FAMILIES: &[(&str, &str)] = &[
    ("/admin/users", "/auth/v1/admin/users"),
    ("/admin/", "/auth/v1/admin/{resource}"),
    ("/factors", "/auth/v1/factors"),
    ("/sso", "/auth/v1/sso"),
    ("/user/", "/auth/v1/user/{resource}"),
    ("/.well-known/", "/auth/v1/.well-known/{document}"),
];

const STORAGE_FAMILIES: &[(&str, &str)] = &[
    ("/object/public/", "/storage/v1/object/public/{object}"),
    ("/object/sign/", "/storage/v1/object/sign/{object}"),
    ("/object/upload/sign/", "/storage/v1/object/upload/sign/{object}"),
    ("/object/authenticated/", "/storage/v1/object/authenticated/{object}"),
    ("/object/list/", "/storage/v1/object/list/{bucket}"),
    ("/object/info/", "/storage/v1/object/info/{object}"),
    ("/object/move", "/storage/v1/object/move"),
    ("/object/copy", "/storage/v1/object/copy"),
    ("/object", "/storage/v1/object/{object}"),
    ("/render/image/", "/storage/v1/render/image/{object}"),
    ("/upload/resumable", "/storage/v1/upload/resumable"),
    ("/bucket", "/storage/v1/bucket"),
];

/// Finds the route of a path. The longest prefix wins by construction: no prefix begins with another.
pub(crate) fn find(path: &str) -> Route {
    for (prefix, role) in PREFIXES {
        if let Some(inside) = path.strip_prefix(prefix)
            && (inside.is_empty() || inside.starts_with('/'))
        {
            return Route { role, prefix, template: template(role, inside) };
        }
    }
    Route { role: Role::Portal, prefix: "", template: portal_template(path) }
}

/// Whether the route needs an API key. `inside` is the path as the role sees it.
pub(crate) fn key_rule(role: Role, inside: &str) -> KeyRule {
    match role {
        Role::Storage | Role::Functions | Role::Portal => KeyRule::Optional,
        Role::Auth if is_open_auth_path(inside) => KeyRule::Optional,
        Role::Auth | Role::Data | Role::Realtime | Role::Graphql => KeyRule::Required,
    }
}

/// Paths that browsers and other servers reach by a link, where no header can be set.
fn is_open_auth_path(inside: &str) -> bool {
    // a path that climbs or hides its characters must not borrow the freedom of its beginning
    let plain = !inside.contains("..") && !inside.contains('%');
    let family = inside.starts_with("/.well-known/") || inside.starts_with("/sso/saml/");
    matches!(inside, "/verify" | "/callback" | "/authorize") || (plain && family)
}

fn template(role: Role, inside: &str) -> &'static str {
    match role {
        Role::Data if matches!(inside, "" | "/") => "/rest/v1/",
        Role::Data if inside.starts_with("/rpc/") => "/rest/v1/rpc/{function}",
        Role::Data => "/rest/v1/{table}",
        Role::Auth => named(AUTH_PATHS, AUTH_FAMILIES, inside, "/auth/v1/{other}"),
        Role::Storage => named(&[], STORAGE_FAMILIES, inside, "/storage/v1/{other}"),
        Role::Functions => "/functions/v1/{function}",
        Role::Realtime => "/realtime/v1/{channel}",
        Role::Graphql => "/graphql/v1",
        Role::Portal => portal_template(inside),
    }
}

fn portal_template(path: &str) -> &'static str {
    match path {
        "/" => "/",
        "/mainstay.json" => "/mainstay.json",
        _ if path.starts_with("/_/") => "/_/{file}",
        _ => "/{file}",
    }
}

type Names = &'static [(&'static str, &'static str)];

fn named(exact: Names, families: Names, inside: &str, other: &'static str) -> &'static str {
    let exactly = exact.iter().find(|(path, _)| *path == inside);
    exactly.or_else(|| families.iter().find(|(start, _)| inside.starts_with(start))).map_or(other, |(_, name)| name)
}

// === impl Role ===

impl Role {
    /// The name in sentences.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Data => "the data API",
            Self::Storage => "storage",
            Self::Functions => "functions",
            Self::Realtime => "realtime",
            Self::Graphql => "GraphQL",
            Self::Portal => "a portal",
        }
    }

    /// The value of the label `peer`.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Data => "data",
            Self::Storage => "storage",
            Self::Functions => "functions",
            Self::Realtime => "realtime",
            Self::Graphql => "graphql",
            Self::Portal => "portal",
        }
    }
}

// === impl Route ===

impl Route {
    /// The path as the role sees it (empty when the request named the bare prefix).
    pub(crate) fn inside<'a>(&self, path: &'a str) -> &'a str {
        path.get(self.prefix.len()..).unwrap_or_default()
    }

    /// True for paths of an API, false for pages.
    pub(crate) fn is_api(&self) -> bool {
        self.role != Role::Portal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_find_their_role_and_template() {
        for (path, role, template) in [
            ("/rest/v1/", Role::Data, "/rest/v1/"),
            ("/rest/v1", Role::Data, "/rest/v1/"),
            ("/rest/v1/orders", Role::Data, "/rest/v1/{table}"),
            ("/rest/v1/rpc/add_them", Role::Data, "/rest/v1/rpc/{function}"),
            ("/rest/v10/orders", Role::Portal, "/{file}"),
            ("/auth/v1/token", Role::Auth, "/auth/v1/token"),
            ("/auth/v1/admin/users/1234", Role::Auth, "/auth/v1/admin/users"),
            ("/auth/v1/nonsense", Role::Auth, "/auth/v1/{other}"),
            ("/storage/v1/object/public/a/b.png", Role::Storage, "/storage/v1/object/public/{object}"),
            ("/storage/v1/object/a/b.png", Role::Storage, "/storage/v1/object/{object}"),
            ("/functions/v1/hello", Role::Functions, "/functions/v1/{function}"),
            ("/realtime/v1/websocket", Role::Realtime, "/realtime/v1/{channel}"),
            ("/graphql/v1", Role::Graphql, "/graphql/v1"),
            ("/", Role::Portal, "/"),
            ("/app.js", Role::Portal, "/{file}"),
        ] {
            let route = find(path);
            assert_eq!((route.role, route.template), (role, template), "{path}");
        }
    }

    #[test]
    fn only_linkable_auth_paths_are_open() {
        for open in ["/verify", "/callback", "/authorize", "/.well-known/jwks.json", "/sso/saml/acs"] {
            assert_eq!(key_rule(Role::Auth, open), KeyRule::Optional, "{open}");
        }
        for closed in ["", "/token", "/verify/x", "/.well-known/../admin/users", "/sso/saml/%2e%2e/x", "/sso"] {
            assert_eq!(key_rule(Role::Auth, closed), KeyRule::Required, "{closed}");
        }
        assert_eq!(key_rule(Role::Data, "/orders"), KeyRule::Required);
        assert_eq!(key_rule(Role::Storage, "/object/a"), KeyRule::Optional);
    }
}
