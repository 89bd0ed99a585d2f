//! How a workload is replaced and spread.

use super::{check, storage};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};

pub(crate) const THEME: Theme = Theme {
    name: "Roll-out and spread",
    checks: &[
        check(
            "ML431",
            Warning,
            "rolling update on a volume for one node",
            "The new pod waits for the volume that the old one holds: the roll-out hangs, or two programs write to it.",
            "Use strategy Recreate, or a StatefulSet.",
        ),
        check(
            "ML432",
            Warning,
            "database as a Deployment",
            "A roll-out can start a second server on the same data.",
            "Use a StatefulSet with a volumeClaimTemplate, or a database operator.",
        ),
        check(
            "ML433",
            Advice,
            "roll-out with a gap",
            "With Recreate nobody answers between the old and the new pods.",
            "Use RollingUpdate with maxUnavailable: 0, unless only one may run.",
        ),
        check(
            "ML434",
            Advice,
            "server that stops without waiting",
            "Requests still arrive for some seconds after the stop signal.",
            "Add lifecycle.preStop.sleep of 5 seconds.",
        ),
        check(
            "ML435",
            Error,
            "stop that takes longer than allowed",
            "The container is killed while preStop still runs.",
            "Make terminationGracePeriodSeconds longer than preStop and draining together.",
        ),
        check(
            "ML436",
            Advice,
            "one replica behind a Service",
            "Each restart and each drain is an outage.",
            "Use two replicas or an autoscaler with minReplicas: 2.",
        ),
        check(
            "ML437",
            Advice,
            "replicas that may share a node",
            "One node's failure can stop all of them.",
            "Add topologySpreadConstraints or a podAntiAffinity by kubernetes.io/hostname.",
        ),
        check(
            "ML438",
            Error,
            "deadline before the pods count as ready",
            "The API server wants progressDeadlineSeconds greater than minReadySeconds.",
            "Raise progressDeadlineSeconds.",
        ),
        check(
            "ML439",
            Error,
            "roll-out that cannot move",
            "With neither surge nor unavailable pods nothing may be replaced.",
            "Set maxSurge: 1.",
        ),
    ],
    run: &[volumes, strategies, stops, spread],
};

fn volumes(lint: &mut Lint<'_>) {
    let world = lint.world;
    for workload in world.workloads.iter().filter(|workload| workload.kind == "Deployment") {
        let rolling = lookup::text(workload.outer, "strategy.type").unwrap_or("RollingUpdate") == "RollingUpdate";
        for (path, name) in storage::single_claims(world, workload) {
            if rolling {
                let message = format!("Old and new pod share claim \"{name}\", which one node can attach.");
                lint.report("ML431", workload.item, path, message);
            }
        }
        if workload.is_database() {
            lint.report("ML432", workload.item, "kind", "It runs a database server.");
        }
    }
}

fn strategies(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        if workload.kind != "Deployment" {
            continue;
        }
        let single = !storage::single_claims(world, workload).is_empty();
        let recreate = lookup::text(workload.outer, "strategy.type") == Some("Recreate");
        if recreate && !single && !world.services_of(position).is_empty() {
            lint.report("ML433", workload.item, "spec.strategy.type", "All pods stop before new ones start.");
        }
        let ready = lookup::number(workload.outer, "minReadySeconds").unwrap_or(0);
        let deadline = lookup::number(workload.outer, "progressDeadlineSeconds").unwrap_or(600);
        if deadline <= ready {
            let message = format!("progressDeadlineSeconds is {deadline}, minReadySeconds {ready}.");
            lint.report("ML438", workload.item, "spec.progressDeadlineSeconds", message);
        }
        let zero = |field: &str| {
            lookup::at(workload.outer, &format!("strategy.rollingUpdate.{field}"))
                .and_then(lookup::scalar)
                .is_some_and(|text| matches!(text.as_str(), "0" | "0%"))
        };
        if zero("maxSurge") && zero("maxUnavailable") {
            lint.report("ML439", workload.item, "spec.strategy.rollingUpdate", "maxSurge and maxUnavailable are 0.");
        }
    }
}

fn stops(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        let grace = lookup::number(workload.spec, "terminationGracePeriodSeconds").unwrap_or(30);
        let exposed = workload.kind == "Deployment" && !world.services_of(position).is_empty();
        for container in workload.main() {
            let stop = lookup::at(container.value, "lifecycle.preStop");
            let serves = !lookup::list(container.value, "ports").is_empty();
            if exposed && serves && stop.is_none() && !workload.is_database() {
                let message = format!("Container \"{}\" has no lifecycle.preStop.", container.name);
                lint.report("ML434", workload.item, format!("{}.lifecycle.preStop", container.path), message);
            }
            let sleep = stop.and_then(|stop| lookup::number(stop, "sleep.seconds")).unwrap_or(0);
            if sleep > 0 && sleep >= grace {
                let message = format!("preStop sleeps {sleep} s, the pod may take {grace} s to stop.");
                lint.report("ML435", workload.item, format!("{}.lifecycle.preStop", container.path), message);
            }
        }
    }
}

fn spread(lint: &mut Lint<'_>) {
    let world = lint.world;
    for (position, workload) in world.workloads.iter().enumerate() {
        if !matches!(workload.kind, "Deployment" | "StatefulSet") {
            continue;
        }
        let fewest = world.fewest(position);
        let served = !world.services_of(position).is_empty();
        if workload.kind == "Deployment" && fewest == 1 && served && storage::single_claims(world, workload).is_empty()
        {
            lint.report("ML436", workload.item, "spec.replicas", "One pod answers all requests.");
        }
        let constraints = lookup::list(workload.spec, "topologySpreadConstraints");
        let spread = !constraints.is_empty() || lookup::at(workload.spec, "affinity.podAntiAffinity").is_some();
        if fewest >= 2 && !spread {
            let message = format!("Nothing keeps its {fewest} pods on different nodes.");
            lint.report("ML437", workload.item, format!("{}.topologySpreadConstraints", workload.path), message);
        }
    }
}
