//! Every object of a system, part by part.

mod common;
mod configuration;
mod database;
mod exposure;
mod facts;
mod isolation;
mod logging;
mod monitoring;
mod namespace;
mod operations;
mod operator;
mod pod;
mod policies;
mod rbac;
mod scaling;
mod secrets;
mod services;
mod tls;
mod workloads;

pub use secrets::secrets;

use crate::system::System;
use mainstay_manifest::Object;

/// The desired objects of a system, in the order of phases and of files.
#[must_use]
pub fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    all.extend(namespace::objects(system));
    all.extend(isolation::objects(system));
    all.extend(policies::objects(system));
    all.extend(configuration::objects(system));
    all.extend(secrets::objects(system));
    all.extend(database::objects(system));
    all.extend(workloads::objects(system));
    all.extend(services::objects(system));
    all.extend(tls::objects(system));
    all.extend(exposure::objects(system));
    all.extend(scaling::objects(system));
    all.extend(monitoring::objects(system));
    all.extend(logging::objects(system));
    all.extend(operations::objects(system));
    all.sort_by(|a, b| a.phase.cmp(&b.phase).then_with(|| a.path.cmp(&b.path)));
    all
}
