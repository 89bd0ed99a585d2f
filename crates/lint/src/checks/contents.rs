//! What is inside a pod: containers, variables, volumes and mounts.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use crate::workload::Workload;
use std::collections::HashSet;

pub(crate) const THEME: Theme = Theme {
    name: "Contents of pods and maps",
    checks: &[
        check(
            "ML811",
            Error,
            "container twice",
            "The API server refuses two containers of one name.",
            "Give each container its own name.",
        ),
        check(
            "ML812",
            Warning,
            "variable twice",
            "Only the last one counts, and applying may drop the other.",
            "Remove one of them.",
        ),
        check(
            "ML813",
            Error,
            "volume twice",
            "The API server refuses two volumes of one name.",
            "Give each volume its own name.",
        ),
        check(
            "ML814",
            Error,
            "mount without its volume",
            "The API server refuses the pod.",
            "Correct the name, or add the volume.",
        ),
        check(
            "ML815",
            Advice,
            "volume that nobody mounts",
            "It is work for nothing, or a mount was forgotten.",
            "Mount it or remove it.",
        ),
        check(
            "ML816",
            Error,
            "two mounts on one path",
            "The API server refuses the pod.",
            "Give each mount its own path.",
        ),
        check(
            "ML817",
            Error,
            "object too large",
            "The API server takes 1 MiB at most.",
            "Split it, or put the data into a volume or an image.",
        ),
        check(
            "ML818",
            Advice,
            "immutable with a fixed name",
            "Its content can never change, and neither can the name that its users know.",
            "Put a hash of the content into the name, or drop immutable.",
        ),
    ],
    run: &[pods, sizes, immutable],
};

fn pods(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        containers(lint, workload);
        volumes(lint, workload);
    }
}

fn containers(lint: &mut Lint<'_>, workload: &Workload<'_>) {
    let mut names = HashSet::new();
    for container in &workload.containers {
        if !names.insert(container.name) {
            let message = format!("There are two containers named \"{}\".", container.name);
            lint.report("ML811", workload.item, format!("{}.name", container.path), message);
        }
        let mut variables = HashSet::new();
        for (e, entry) in lookup::list(container.value, "env").iter().enumerate() {
            let name = lookup::word(entry, "name");
            if !name.is_empty() && !variables.insert(name) {
                let message = format!("Container \"{}\" sets {name} twice.", container.name);
                lint.report("ML812", workload.item, format!("{}.env[{e}].name", container.path), message);
            }
        }
    }
}

fn volumes(lint: &mut Lint<'_>, workload: &Workload<'_>) {
    let mut names = HashSet::new();
    for (v, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
        let name = lookup::word(volume, "name");
        if !names.insert(name) {
            let message = format!("There are two volumes named \"{name}\".");
            lint.report("ML813", workload.item, format!("{}.volumes[{v}].name", workload.path), message);
        }
    }
    let templates = lookup::list(workload.outer, "volumeClaimTemplates");
    let known: HashSet<&str> =
        names.iter().copied().chain(templates.iter().map(|template| lookup::word(template, "metadata.name"))).collect();
    let mut mounted = HashSet::new();
    for container in &workload.containers {
        let mut paths = HashSet::new();
        for (m, mount) in lookup::list(container.value, "volumeMounts").iter().enumerate() {
            let name = lookup::word(mount, "name");
            let at = format!("{}.volumeMounts[{m}]", container.path);
            mounted.insert(name);
            if !known.contains(name) {
                let message =
                    format!("Container \"{}\" mounts \"{name}\", which the pod does not have.", container.name);
                lint.report("ML814", workload.item, format!("{at}.name"), message);
            }
            let path = lookup::word(mount, "mountPath");
            let folder = path.trim_end_matches('/');
            if !path.is_empty() && !paths.insert(folder) {
                let message = format!("Container \"{}\" has two mounts on {path}.", container.name);
                lint.report("ML816", workload.item, format!("{at}.mountPath"), message);
            }
        }
        mounted
            .extend(lookup::list(container.value, "volumeDevices").iter().map(|device| lookup::word(device, "name")));
    }
    let unused = lookup::list(workload.spec, "volumes").iter().enumerate();
    for (v, volume) in unused.filter(|(_, volume)| !mounted.contains(lookup::word(volume, "name"))) {
        let message = format!("No container mounts \"{}\".", lookup::word(volume, "name"));
        lint.report("ML815", workload.item, format!("{}.volumes[{v}]", workload.path), message);
    }
}

fn sizes(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("ConfigMap").iter().chain(world.of_kind("Secret")) {
        let value = world.items[*index].value;
        let size = |field: &str, encoded: bool| -> usize {
            lookup::entries(value, field)
                .map(|(key, value)| {
                    let length = value.as_str().map_or(0, str::len);
                    key.len() + if encoded { length / 4 * 3 } else { length }
                })
                .sum()
        };
        let secret = world.items[*index].is == "Secret";
        let total = size("data", secret) + size("binaryData", true) + size("stringData", false);
        if total > 1024 * 1024 {
            lint.report("ML817", *index, "data", format!("It holds {} KiB.", total / 1024));
        }
    }
}

fn immutable(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("ConfigMap").iter().chain(world.of_kind("Secret")) {
        let item = &world.items[*index];
        let last = item.name.rsplit('-').next().unwrap_or_default();
        let hashed = last.len() >= 5 && last.bytes().any(|b| b.is_ascii_digit());
        if lookup::is_true(item.value, "immutable") && !hashed {
            lint.report("ML818", *index, "immutable", format!("\"{}\" has no hash in its name.", item.name));
        }
    }
}
