//! The roles as the deployer sees them.

/// A role of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Role {
    /// Name, as `serve --roles` takes it.
    pub name: &'static str,
    /// Logs in to PostgreSQL.
    pub database: bool,
    /// Its pods hold nothing: they may be replaced one by one, spread and scaled.
    pub replicas: u32,
    /// Variable by which the gateway is told where the role answers; empty for the gateway itself.
    pub url_variable: &'static str,
    /// Path under which it answers in any process; where several roles share one, there only.
    pub prefix: &'static str,
    /// What it does, for people.
    pub about: &'static str,
}

/// All roles, the gateway first. `storage` and `models` are planned: they are rendered for projects that name them, and
/// `deploy` asks the binary whether it has them.
pub const ROLES: &[Role] = &[
    Role {
        name: "gateway",
        database: false,
        replicas: 2,
        url_variable: "",
        prefix: "",
        about: "the public entry: API keys, limits, CORS, routing",
    },
    Role {
        name: "auth",
        database: true,
        replicas: 2,
        url_variable: "MAINSTAY_GATEWAY_AUTH_URL",
        prefix: "/auth/v1",
        about: "accounts, sessions, tokens, sign-in with providers",
    },
    Role {
        name: "data",
        database: true,
        replicas: 2,
        url_variable: "MAINSTAY_GATEWAY_DATA_URL",
        prefix: "/rest/v1",
        about: "REST over PostgreSQL under row-level security",
    },
    Role {
        name: "storage",
        database: true,
        replicas: 2,
        url_variable: "MAINSTAY_GATEWAY_STORAGE_URL",
        prefix: "/storage/v1",
        about: "objects and images",
    },
    Role {
        name: "models",
        database: true,
        replicas: 2,
        url_variable: "MAINSTAY_GATEWAY_FUNCTIONS_URL",
        prefix: "/functions/v1",
        about: "model inference",
    },
    Role {
        name: "portal",
        database: false,
        replicas: 2,
        url_variable: "MAINSTAY_GATEWAY_PORTAL_URL",
        prefix: "",
        about: "the project's web folder",
    },
];

/// The role with this name.
#[must_use]
pub fn role(name: &str) -> Option<&'static Role> {
    ROLES.iter().find(|role| role.name == name)
}
