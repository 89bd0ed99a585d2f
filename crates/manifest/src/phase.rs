//! The phases of a deployment.

use serde::{Deserialize, Serialize};
use std::fmt;

/// When an object is applied. Each phase is waited for before the next begins; removal goes the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The namespace with its quota and limit range.
    Namespace,
    /// What others refer to: network policies first, service accounts, RBAC, ConfigMaps, Secrets, custom admission policies.
    Configuration,
    /// Volumes, the database and its Services.
    Database,
    /// The Job that prepares the database.
    Init,
    /// Deployments of roles and of the user's own services, with their Services.
    Application,
    /// Exposure: Ingress, HTTPRoute, NodePort and LoadBalancer Services, certificates.
    Networking,
    /// Autoscalers and disruption budgets.
    Scaling,
    /// Prometheus, Alertmanager, Grafana, exporters, log collectors; backups.
    Monitoring,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 8] = [
        Self::Namespace,
        Self::Configuration,
        Self::Database,
        Self::Init,
        Self::Application,
        Self::Networking,
        Self::Scaling,
        Self::Monitoring,
    ];

    /// The name shown to people and written to JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Configuration => "configuration",
            Self::Database => "database",
            Self::Init => "init",
            Self::Application => "application",
            Self::Networking => "networking",
            Self::Scaling => "scaling",
            Self::Monitoring => "monitoring",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
