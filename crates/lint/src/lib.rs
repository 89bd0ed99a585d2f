//! Checks of Kubernetes objects against each other, for anybody's YAML.
//!
//! A schema says whether one object is well formed. This crate says whether the objects fit together: what a reference
//! names exists, what a Service selects listens, what a program is told to call may be called, what is asked for fits the
//! quota. It is pure: documents in ([`mainstay_manifest::yaml::read`]), a [`Report`] out.
//!
//! A finding that is meant to be so is silenced at the object, with a reason:
//! `mainstay.dev/lint-ignore: "ML101,ML205: the Secret is made by the platform team"`.

mod check;
mod checks;
mod endpoint;
mod ignore;
mod kinds;
mod lookup;
mod network;
mod podsecurity;
mod report;
mod selector;
mod workload;
mod world;

pub use check::{CHECKS, Check, Theme, find_check};
pub use ignore::ANNOTATION as IGNORE_ANNOTATION;
pub use report::{Finding, Report, Severity};

use mainstay_manifest::yaml::Document;
use std::collections::BTreeSet;
use world::World;

/// What to leave out.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Codes that are not reported at all (`ML652`).
    pub ignore: BTreeSet<String>,
}

/// Checks documents against each other. Never fails: what cannot be read is a finding.
///
/// Time and memory grow with the number of documents; documents are looked up in index maps, not compared in pairs.
#[must_use]
pub fn lint(documents: &[Document], options: &Options) -> Report {
    let world = World::new(documents);
    let mut lint = check::Lint::new(&world);
    for theme in CHECKS {
        for run in theme.run {
            run(&mut lint);
        }
    }
    ignore::apply(&world, lint.into_findings(), options)
}
