//! Claims, volumes and the storage of the node.

use super::{check, missing};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::podsecurity::Level;
use crate::report::Severity::{Advice, Error, Warning};
use crate::world::World;
use mainstay_manifest::Quantity;
use serde_json::Value;
use std::collections::BTreeSet;

pub(crate) const THEME: Theme = Theme {
    name: "Storage",
    checks: &[
        check(
            "ML131",
            Error,
            "claim that its volume cannot satisfy",
            "The claim stays Pending.",
            "Give the volume at least the claimed size, the same access modes and the same storage class.",
        ),
        check(
            "ML132",
            Warning,
            "volume that does not exist",
            "The claim stays Pending until somebody makes the volume.",
            "Correct spec.volumeName or add the PersistentVolume.",
        ),
        check(
            "ML133",
            Advice,
            "StorageClass that is not in the files",
            "The claim stays Pending when the cluster has no such class.",
            "Make sure that the cluster has it, or leave storageClassName out for the default class.",
        ),
        check(
            "ML134",
            Error,
            "folder of the node in a pod",
            "The pod reads and writes the node: a way out of the container, and data that does not move with the pod.",
            "Use a PersistentVolumeClaim or emptyDir. An agent that needs the node goes into a namespace labelled privileged, with read-only mounts.",
        ),
        check(
            "ML135",
            Error,
            "PersistentVolume in a folder of the node",
            "The data is on one node and gone with it.",
            "Use a storage class. For a local cluster, keep it with persistentVolumeReclaimPolicy: Retain.",
        ),
        check(
            "ML136",
            Error,
            "one volume for many pods",
            "A ReadWriteOnce volume attaches to one node only: further pods elsewhere never start.",
            "Use ReadWriteMany, a StatefulSet with volumeClaimTemplates, or one replica.",
        ),
    ],
    run: &[binding, classes, host_paths, host_volumes, shared],
};

fn size(value: &Value, path: &str) -> Option<Quantity> {
    lookup::at(value, path).and_then(lookup::scalar)?.parse().ok()
}

fn binding(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("PersistentVolumeClaim") {
        let claim = world.items[*index].value;
        let Some(name) = lookup::text(claim, "spec.volumeName").filter(|name| !name.is_empty()) else { continue };
        let Some(found) = world.find("PersistentVolume", "", name) else {
            missing(lint, "ML132", *index, "spec.volumeName", "PersistentVolume", "", name);
            continue;
        };
        let volume = world.items[found].value;
        let mut report = |path: &str, message: String| lint.report("ML131", *index, path, message);
        let wanted = size(claim, "spec.resources.requests.storage");
        let has = size(volume, "spec.capacity.storage");
        if let (Some(wanted), Some(has)) = (wanted, has)
            && wanted > has
        {
            report(
                "spec.resources.requests.storage",
                format!("It claims {wanted}, PersistentVolume \"{name}\" has {has}."),
            );
        }
        let offered: BTreeSet<&str> = lookup::words(volume, "spec.accessModes").into_iter().collect();
        for mode in lookup::words(claim, "spec.accessModes") {
            if !offered.contains(mode) {
                report("spec.accessModes", format!("PersistentVolume \"{name}\" does not offer {mode}."));
            }
        }
        let (of_claim, of_volume) =
            (lookup::text(claim, "spec.storageClassName"), lookup::word(volume, "spec.storageClassName"));
        if of_claim.is_some_and(|class| class != of_volume) {
            let message = format!(
                "Its class is \"{}\", the class of PersistentVolume \"{name}\" is \"{of_volume}\".",
                of_claim.unwrap_or_default()
            );
            report("spec.storageClassName", message);
        }
    }
}

fn classes(lint: &mut Lint<'_>) {
    let world = lint.world;
    if world.of_kind("StorageClass").is_empty() {
        return;
    }
    let volumes: BTreeSet<&str> = world
        .of_kind("PersistentVolume")
        .iter()
        .map(|v| lookup::word(world.items[*v].value, "spec.storageClassName"))
        .collect();
    for index in world.of_kind("PersistentVolumeClaim") {
        let class = lookup::word(world.items[*index].value, "spec.storageClassName");
        if !class.is_empty() && world.find("StorageClass", "", class).is_none() && !volumes.contains(class) {
            let message = format!("StorageClass \"{class}\" is not among the given ones.");
            lint.report("ML133", *index, "spec.storageClassName", message);
        }
    }
}

fn host_paths(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in &world.workloads {
        let privileged = super::security::enforced(world, workload.namespace) == Some(Level::Privileged);
        for (index, volume) in lookup::list(workload.spec, "volumes").iter().enumerate() {
            if lookup::at(volume, "hostPath").is_none() {
                continue;
            }
            let name = lookup::word(volume, "name");
            let folder = lookup::word(volume, "hostPath.path");
            let path = format!("{}.volumes[{index}].hostPath", workload.path);
            let mounts = || workload.containers.iter().flat_map(|c| lookup::list(c.value, "volumeMounts"));
            let writable = mounts().any(|m| lookup::word(m, "name") == name && !lookup::is_true(m, "readOnly"));
            if !privileged {
                lint.report("ML134", workload.item, path, format!("Volume \"{name}\" is the node's {folder}."));
            } else if writable {
                let message = format!("Volume \"{name}\" is the node's {folder}, and a container may write to it.");
                lint.report_as(Warning, "ML134", workload.item, path, message);
            }
        }
    }
}

fn host_volumes(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("PersistentVolume") {
        let value = world.items[*index].value;
        if lookup::at(value, "spec.hostPath").is_none() {
            continue;
        }
        let message = format!("Its data is in {} of a node.", lookup::word(value, "spec.hostPath.path"));
        let retain = lookup::text(value, "spec.persistentVolumeReclaimPolicy") == Some("Retain");
        let severity = if retain { Warning } else { Error };
        lint.report_as(severity, "ML135", *index, "spec.hostPath", message);
    }
}

/// Claims of a pod that only one node can attach.
pub(super) fn single_claims<'a>(
    world: &'a World<'_>,
    workload: &'a crate::workload::Workload<'_>,
) -> Vec<(String, &'a str)> {
    let volumes = lookup::list(workload.spec, "volumes").iter().enumerate();
    volumes
        .filter_map(|(index, volume)| {
            let name = lookup::text(volume, "persistentVolumeClaim.claimName")?;
            let claim = world.find("PersistentVolumeClaim", workload.namespace, name)?;
            let modes = lookup::words(world.items[claim].value, "spec.accessModes");
            let single =
                !modes.is_empty() && modes.iter().all(|mode| matches!(*mode, "ReadWriteOnce" | "ReadWriteOncePod"));
            single.then(|| (format!("{}.volumes[{index}].persistentVolumeClaim", workload.path), name))
        })
        .collect()
}

fn shared(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        if !workload.is_service() || world.most(position) < 2 {
            continue;
        }
        for (path, name) in single_claims(world, workload) {
            let message =
                format!("Up to {} pods share claim \"{name}\", which one node can attach.", world.most(position));
            lint.report("ML136", workload.item, path, message);
        }
    }
}
