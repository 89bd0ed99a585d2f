//! The table of roles: what runs in this process, and what each needs.

use crate::reach::Reach;
use mainstay_kernel::health::Readiness;
use mainstay_kernel::lifecycle::Lifecycle;
use mainstay_kernel::metrics::{Gauge, Registry};
use mainstay_pg::{Pool, Statement};
use std::time::Duration;

/// A role of the binary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Gateway,
    Auth,
    Data,
    Portal,
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RoleInfo {
    pub(crate) role: Role,
    pub(crate) name: &'static str,
    /// Where the gateway serves it.
    pub(crate) prefix: &'static str,
    pub(crate) needs_database: bool,
    pub(crate) about: &'static str,
}

/// All roles.
pub(crate) const ROLES: &[RoleInfo] = &[
    RoleInfo {
        role: Role::Gateway,
        name: "gateway",
        prefix: "/",
        needs_database: false,
        about: "the public entry: keys, limits, CORS, routing",
    },
    RoleInfo {
        role: Role::Auth,
        name: "auth",
        prefix: "/auth/v1",
        needs_database: true,
        about: "accounts, sessions, tokens, sign-in with providers",
    },
    RoleInfo {
        role: Role::Data,
        name: "data",
        prefix: "/rest/v1",
        needs_database: true,
        about: "REST over PostgreSQL under row-level security",
    },
    RoleInfo {
        role: Role::Portal,
        name: "portal",
        prefix: "/",
        needs_database: false,
        about: "the project's web folder",
    },
];

/// The rooms that run in this process.
#[derive(Default)]
pub(crate) struct Running {
    pub(crate) gateway: Option<mainstay_gateway::Room>,
    /// The gateway's first contact with roles behind URLs.
    pub(crate) reach: Reach,
    pub(crate) auth: Option<mainstay_auth::Room>,
    pub(crate) data: Option<mainstay_data::Room>,
    pub(crate) portal: Option<mainstay_portal::Room>,
    pub(crate) pools: Vec<PoolMeter>,
}

/// A pool and the gauges that show it.
pub(crate) struct PoolMeter {
    role: Role,
    pool: Pool,
    connections: Gauge,
    idle: Gauge,
    lent: Gauge,
}

/// The roles that `--roles` names, each once. The command line has already refused names that are none.
pub(crate) fn named(names: &[String]) -> Vec<Role> {
    ROLES.iter().filter(|info| names.iter().any(|name| name == info.name)).map(|info| info.role).collect()
}

// === impl Role ===

impl Role {
    /// Its row in the table.
    pub(crate) fn info(self) -> &'static RoleInfo {
        // the table has a row for every variant; a test holds it to that
        ROLES.iter().find(|info| info.role == self).unwrap_or(&ROLES[0])
    }
}

// === impl Running ===

impl Running {
    /// Each role's readiness, by name. A role with a database is ready only while that answers.
    pub(crate) async fn readiness(&self) -> Vec<(&'static str, Readiness)> {
        let mut all = Vec::new();
        if let Some(room) = &self.gateway {
            let readiness = match self.reach.readiness() {
                Readiness::Ready => room.ready(),
                not_reached @ Readiness::NotReady(_) => not_reached,
            };
            all.push(("gateway", readiness));
        }
        if let Some(room) = &self.auth {
            all.push(("auth", room.ready().await));
        }
        if let Some(room) = &self.data {
            let readiness = match self.pools.iter().find(|meter| meter.role == Role::Data) {
                Some(meter) if room.ready().is_ready() => meter.ping().await,
                _ => room.ready(),
            };
            all.push(("data", readiness));
        }
        if let Some(room) = &self.portal {
            all.push(("portal", room.ready()));
        }
        all
    }

    /// Starts the background work of every room.
    pub(crate) fn run(&self, lifecycle: &Lifecycle) {
        if let Some(room) = &self.gateway {
            room.run(lifecycle);
            self.reach.run(lifecycle);
        }
        if let Some(room) = &self.auth {
            room.run(lifecycle);
        }
        if let Some(room) = &self.data {
            room.run(lifecycle);
        }
        if let Some(room) = &self.portal {
            room.run(lifecycle);
        }
    }

    /// Brings gauges up to date that nobody updates in passing.
    pub(crate) fn refresh_metrics(&self) {
        for meter in &self.pools {
            meter.refresh();
        }
    }
}

// === impl PoolMeter ===

impl PoolMeter {
    pub(crate) fn register(registry: &Registry, role: Role, pool: &Pool) -> Self {
        let labels = [("pool", role.info().name)];
        Self {
            role,
            pool: pool.clone(),
            connections: registry.gauge("mainstay_db_pool_connections", "Most connections of the pool.", &labels),
            idle: registry.gauge("mainstay_db_pool_idle", "Open connections that wait to be lent.", &labels),
            lent: registry.gauge("mainstay_db_pool_lent", "Connections lent now.", &labels),
        }
    }

    async fn ping(&self) -> Readiness {
        let probe = [Statement::once("select 1")];
        match tokio::time::timeout(Duration::from_secs(2), self.pool.run(&probe)).await {
            Ok(Ok(_)) => Readiness::Ready,
            Ok(Err(_)) => Readiness::NotReady("the database cannot be reached".to_owned()),
            Err(_) => Readiness::NotReady("the database does not answer".to_owned()),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of connections")]
    fn refresh(&self) {
        let state = self.pool.state();
        self.connections.set(state.size as f64);
        self.idle.set(state.idle as f64);
        self.lent.set(state.lent as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_has_a_row_and_names_are_unique() {
        for role in [Role::Gateway, Role::Auth, Role::Data, Role::Portal] {
            assert_eq!(role.info().role, role);
        }
        let mut names: Vec<_> = ROLES.iter().map(|info| info.name).collect();
        names.dedup();
        assert_eq!(names.len(), ROLES.len());
    }

    #[test]
    fn roles_are_named_once_in_the_order_of_the_table() {
        let read = |text: &str| named(&text.split(',').map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(read("data,auth,data"), [Role::Auth, Role::Data]);
    }
}
