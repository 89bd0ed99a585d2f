//! A project on Kubernetes: from its settings to objects.
//!
//! ```text
//! Project ──plan──▶ System ──objects──▶ Vec<Object> ──render──▶ tree | kustomize | helm
//!                     │  └──secrets──▶ Vec<SecretSpec>
//!                     └──summary, picture
//! ```
//!
//! Everything here is pure: the same project gives the same bytes. What is said to a cluster is in `mainstay-cluster`.

mod objects;
mod plan;
mod project;
pub mod render;
mod settings;
mod system;
pub mod tables;

pub use mainstay_monitoring::Alerts;
pub use objects::{objects, secrets};
pub use project::{Project, RoleFacts};
pub use settings::*;
pub use system::{Component, Controller, Kind, PlanError, Scaling, System};
