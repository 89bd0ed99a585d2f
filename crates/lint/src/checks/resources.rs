//! Requests, limits and LimitRanges.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use crate::workload::{Container, Role, Workload};
use crate::world::World;
use mainstay_manifest::Quantity;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Resources",
    checks: &[
        check(
            "ML501",
            Error,
            "request above the limit",
            "The API server refuses the pod.",
            "Raise the limit or lower the request.",
        ),
        check(
            "ML502",
            Warning,
            "no request",
            "The scheduler counts the pod as nothing and overfills nodes.",
            "Request the CPU and memory that it usually needs.",
        ),
        check(
            "ML503",
            Warning,
            "no memory limit",
            "A leak takes the node's memory, and other pods are killed.",
            "Set limits.memory.",
        ),
        check(
            "ML504",
            Error,
            "size that cannot be read",
            "The API server refuses it.",
            "Write for example 250m, 0.5, 512Mi or 2Gi.",
        ),
        check(
            "ML505",
            Error,
            "size outside the LimitRange",
            "No pod or claim is created.",
            "Keep within the namespace's LimitRange, or change that.",
        ),
        check(
            "ML506",
            Advice,
            "no CPU limit",
            "One busy pod can slow its neighbours down.",
            "Set limits.cpu, unless throttling is worse for you.",
        ),
        check("ML507", Advice, "emptyDir without a size", "It may fill the node's disk.", "Set emptyDir.sizeLimit."),
        check(
            "ML508",
            Error,
            "LimitRange that contradicts itself",
            "The API server refuses it, or every pod in its namespace.",
            "Keep min ≤ defaultRequest ≤ default ≤ max.",
        ),
    ],
    run: &[containers, claims, ranges, directories],
};

/// The size at `resources.SIDE.NAME`, if it can be read.
pub(super) fn size(holder: &Value, side: &str, name: &str) -> Option<Quantity> {
    read(lookup::map(holder, &format!("resources.{side}"))?.get(name)?)
}

pub(super) fn read(value: &Value) -> Option<Quantity> {
    lookup::scalar(value)?.parse::<Quantity>().ok().filter(|size| size.0 >= 0)
}

/// Kubernetes also reads exponents, which nobody but programs writes.
fn is_size(value: &Value) -> bool {
    let Some(text) = lookup::scalar(value) else { return false };
    let exponent =
        || text.contains(['e', 'E']) && text.parse::<f64>().is_ok_and(|number| number.is_finite() && number >= 0.0);
    let exa = || text.strip_suffix("Ei").or_else(|| text.strip_suffix('E')).is_some_and(|n| n.parse::<f64>().is_ok());
    text.parse::<Quantity>().is_ok_and(|size| size.0 >= 0) || exponent() || exa()
}

fn shown(name: &str, size: Quantity) -> String {
    if name == "cpu" { size.cpu() } else { size.memory() }
}

fn containers(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for container in workload.containers.iter().filter(|container| container.role != Role::Ephemeral) {
            sizes(lint, workload, container);
            present(lint, world, workload, container);
            for name in ["cpu", "memory", "ephemeral-storage"] {
                let (request, limit) = (size(container.value, "requests", name), size(container.value, "limits", name));
                if let (Some(request), Some(limit)) = (request, limit)
                    && request > limit
                {
                    let message = format!(
                        "Container \"{}\" requests {} {name} and is limited to {}.",
                        container.name,
                        shown(name, request),
                        shown(name, limit)
                    );
                    lint.report("ML501", workload.item, format!("{}.resources", container.path), message);
                }
            }
        }
    }
}

fn sizes(lint: &mut Lint<'_>, workload: &Workload<'_>, container: &Container<'_>) {
    for side in ["requests", "limits"] {
        for (name, value) in lookup::entries(container.value, &format!("resources.{side}")) {
            if !is_size(value) {
                let path = format!("{}.resources.{side}.{name}", container.path);
                lint.report("ML504", workload.item, path, format!("{} is not a size.", lookup::brief(value)));
            }
        }
    }
}

fn present(lint: &mut Lint<'_>, world: &World<'_>, workload: &Workload<'_>, container: &Container<'_>) {
    let has = |side: &str, name: &str| {
        lookup::at(container.value, &format!("resources.{side}.{name}")).is_some()
            || lookup::at(workload.spec, &format!("resources.{side}.{name}")).is_some()
            || default_of(world, workload.namespace, side, name).is_some()
    };
    let path = format!("{}.resources", container.path);
    let missing: Vec<&str> =
        ["cpu", "memory"].into_iter().filter(|n| !has("requests", n) && !has("limits", n)).collect();
    if !missing.is_empty() {
        let message = format!("Container \"{}\" requests no {}.", container.name, missing.join(" and no "));
        lint.report("ML502", workload.item, format!("{path}.requests"), message);
    }
    for (name, code) in [("memory", "ML503"), ("cpu", "ML506")] {
        if !has("limits", name) {
            let message = format!("Container \"{}\" has no {name} limit.", container.name);
            lint.report(code, workload.item, format!("{path}.limits"), message);
        }
    }
}

/// The limits of a LimitRange for a kind of thing.
fn limits<'a>(world: &'a World<'_>, namespace: &str, of: &'a str) -> impl Iterator<Item = (usize, &'a Value)> {
    world.of_kind_in("LimitRange", namespace).iter().flat_map(move |item| {
        lookup::list(world.items[*item].value, "spec.limits")
            .iter()
            .filter(move |limit| lookup::word(limit, "type") == of)
            .map(|limit| (*item, limit))
    })
}

/// What a LimitRange gives to containers that say nothing.
pub(super) fn default_of(world: &World<'_>, namespace: &str, side: &str, name: &str) -> Option<Quantity> {
    let fields: &[&str] =
        if side == "requests" { &["defaultRequest", "default", "max", "min"] } else { &["default", "max"] };
    limits(world, namespace, "Container")
        .find_map(|(_, limit)| fields.iter().find_map(|field| read(lookup::map(limit, field)?.get(name)?)))
}

fn claims(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for (_, limit) in limits(world, workload.namespace, "Container") {
            for container in workload.containers.iter().filter(|container| container.role != Role::Ephemeral) {
                for name in ["cpu", "memory", "ephemeral-storage"] {
                    let bound = |field: &str| lookup::map(limit, field).and_then(|map| map.get(name)).and_then(read);
                    let of = |side: &str| size(container.value, side, name);
                    let top = of("limits").or_else(|| of("requests"));
                    let bottom = of("requests").or_else(|| of("limits"));
                    let path = format!("{}.resources", container.path);
                    if let (Some(max), Some(top)) = (bound("max"), top)
                        && top > max
                    {
                        let message = format!(
                            "Container \"{}\" may use {} {name}; at most {} is allowed.",
                            container.name,
                            shown(name, top),
                            shown(name, max)
                        );
                        lint.report("ML505", workload.item, path.clone(), message);
                    }
                    if let (Some(min), Some(bottom)) = (bound("min"), bottom)
                        && bottom < min
                    {
                        let message = format!(
                            "Container \"{}\" requests {} {name}; at least {} is needed.",
                            container.name,
                            shown(name, bottom),
                            shown(name, min)
                        );
                        lint.report("ML505", workload.item, path, message);
                    }
                }
            }
        }
    }
    for index in world.of_kind("PersistentVolumeClaim") {
        claim(lint, *index, world.items[*index].value, "spec");
    }
    for index in world.of_kind("StatefulSet") {
        for (t, template) in lookup::list(world.items[*index].value, "spec.volumeClaimTemplates").iter().enumerate() {
            claim(lint, *index, template, &format!("spec.volumeClaimTemplates[{t}].spec"));
        }
    }
}

fn claim(lint: &mut Lint<'_>, item: usize, value: &Value, path: &str) {
    let world = lint.world;
    let path = format!("{path}.resources.requests.storage");
    let Some(written) = lookup::at(value, "spec.resources.requests.storage") else {
        lint.report("ML504", item, path, "The claim has no size.");
        return;
    };
    let Some(wanted) = read(written) else {
        if !is_size(written) {
            lint.report("ML504", item, path, format!("{} is not a size.", lookup::brief(written)));
        }
        return;
    };
    for (_, limit) in limits(world, world.items[item].namespace, "PersistentVolumeClaim") {
        let bound = |field: &str| lookup::at(limit, field).and_then(|map| map.get("storage")).and_then(read);
        if bound("max").is_some_and(|max| wanted > max) || bound("min").is_some_and(|min| wanted < min) {
            lint.report("ML505", item, path.clone(), format!("{wanted} is outside what the LimitRange allows."));
        }
    }
}

fn ranges(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("LimitRange") {
        for (l, limit) in lookup::list(world.items[*index].value, "spec.limits").iter().enumerate() {
            for (field, value) in
                ["min", "defaultRequest", "default", "max"].iter().flat_map(|f| lookup::entries(limit, f))
            {
                if !is_size(value) {
                    lint.report(
                        "ML504",
                        *index,
                        format!("spec.limits[{l}]"),
                        format!("{field}: {} is not a size.", lookup::brief(value)),
                    );
                }
            }
            for name in ["cpu", "memory", "storage", "ephemeral-storage"] {
                let sizes: Vec<(&str, Quantity)> = ["min", "defaultRequest", "default", "max"]
                    .into_iter()
                    .filter_map(|field| Some((field, read(lookup::map(limit, field)?.get(name)?)?)))
                    .collect();
                for pair in sizes.windows(2).filter(|pair| pair[0].1 > pair[1].1) {
                    let message = format!("For {name}, {} is above {}.", pair[0].0, pair[1].0);
                    lint.report("ML508", *index, format!("spec.limits[{l}]"), message);
                }
            }
        }
    }
}

fn directories(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        for (index, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
            let Some(directory) = lookup::at(volume, "emptyDir") else { continue };
            let path = format!("{}.volumes[{index}].emptyDir.sizeLimit", workload.path);
            let name = lookup::word(volume, "name");
            match lookup::at(directory, "sizeLimit") {
                None => lint.report("ML507", workload.item, path, format!("Volume \"{name}\" has no sizeLimit.")),
                Some(size) if !is_size(size) => {
                    lint.report("ML504", workload.item, path, format!("{} is not a size.", lookup::brief(size)))
                }
                Some(_) => {}
            }
        }
    }
}
