//! A Helm chart of the rendered system.
//!
//! Decisions, and why:
//! - The chart is for the namespace that it was rendered for, and stops when it is installed elsewhere: addresses,
//!   certificates, scrape targets and names of cluster-scoped objects carry the namespace.
//! - The namespace itself and the Secrets must be there first. Helm keeps its release record in the namespace, so a chart
//!   cannot make it; and passwords in values end up in that record. `lookup` could keep generated ones, but it finds
//!   nothing under `helm template` and Argo CD, which would then make new passwords at each run.
//! - Jobs are no hooks. A `pre-install` hook runs before the database is there; a `post-install` hook waits, with `--wait`
//!   and in Argo CD, for roles that wait for the Job. Instead the name of a Job ends in a hash of what it was made from, so
//!   that a changed one is a new Job, and roles wait for it in their init container.
//! - Volumes are annotated to outlive `helm uninstall`.

mod chart;
mod points;
mod schema;
mod template;
mod values;

pub(super) use points::{containers, pod_of};

use super::{File, RenderError, check};
use crate::System;
use mainstay_manifest::{Object, yaml};

/// A Helm chart with the objects of the tree. With the values as rendered it makes the same objects, but for three things
/// that the chart's README names: no Namespace of the release, no Secrets, and Jobs with a longer name.
///
/// # Errors
/// When two objects want one file or a path leaves the folder.
pub fn helm(system: &System) -> Result<Vec<File>, RenderError> {
    let objects = crate::objects(system);
    check(&objects)?;
    let (before, inside): (Vec<Object>, Vec<Object>) =
        objects.into_iter().filter(|o| o.kind() != "Secret").partition(|o| is_own_namespace(system, o));
    let mut points = values::Values::new(system);
    let templates: Vec<File> = inside
        .iter()
        .map(|object| {
            let marked = points.mark(system, object);
            File::new(format!("templates/{}", object.path), template::write(&marked))
        })
        .collect();
    let mut files = vec![
        File::new("Chart.yaml", chart::chart(system)),
        File::new("README.md", chart::readme(system)),
        File::new(".helmignore", "# What is no part of the packaged chart.\nbefore/\n.git/\n*.tgz\n*.orig\n"),
        File::new("values.yaml", points.yaml(system)),
        File::new("values.schema.json", schema::schema(&points)),
        File::new("templates/NOTES.txt", chart::notes(system)),
        File::new("templates/namespace-check.yaml", chart::namespace_check(system)),
    ];
    files.extend(before.iter().map(|object| File::new(format!("before/{}", object.path), yaml::write(object))));
    files.extend(templates);
    Ok(files)
}

fn is_own_namespace(system: &System, object: &Object) -> bool {
    object.kind() == "Namespace" && object.name() == system.namespace
}
