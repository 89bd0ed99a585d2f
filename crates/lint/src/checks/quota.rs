//! What all workloads ask for together, against the ResourceQuota.

use super::{check, resources};
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Error, Warning};
use crate::workload::{Role, Workload};
use crate::world::World;
use mainstay_manifest::Quantity;
use serde_json::Value;

pub(crate) const THEME: Theme = Theme {
    name: "Quotas",
    checks: &[
        check(
            "ML511",
            Error,
            "more than the quota",
            "Some pods, claims or Services are never created; a roll-out may hang.",
            "Raise spec.hard, or lower replicas, maxReplicas or requests.",
        ),
        check(
            "ML512",
            Error,
            "quota on what a container does not set",
            "Under such a quota every pod without that size is refused.",
            "Set it in every container, or add a LimitRange with a default.",
        ),
    ],
    run: &[quotas],
};

/// Thousandths, which saturate instead of overflowing: the numbers are a stranger's.
fn times(size: Quantity, count: i64) -> Quantity {
    Quantity(size.0.saturating_mul(i128::from(count.max(0))))
}

fn plus(a: Quantity, b: Quantity) -> Quantity {
    Quantity(a.0.saturating_add(b.0))
}

/// What one pod asks for: sidecars run beside every later init container (KEP-753).
fn of_pod(world: &World<'_>, workload: &Workload<'_>, side: &str, name: &str) -> Quantity {
    if let Some(size) = resources::size(workload.spec, side, name) {
        return size;
    }
    let (mut running, mut peak) = (Quantity(0), Quantity(0));
    for container in &workload.containers {
        let own = |side: &str| resources::size(container.value, side, name);
        let request = if side == "requests" { own("requests").or_else(|| own("limits")) } else { own("limits") };
        let size = request.or_else(|| resources::default_of(world, workload.namespace, side, name)).unwrap_or_default();
        match container.role {
            Role::Init => peak = peak.max(plus(running, size)),
            Role::Main | Role::Sidecar => running = plus(running, size),
            Role::Ephemeral => {}
        }
    }
    plus(running.max(peak), overhead(workload, name))
}

fn overhead(workload: &Workload<'_>, name: &str) -> Quantity {
    lookup::at(workload.spec, "overhead").and_then(|all| all.get(name)).and_then(resources::read).unwrap_or_default()
}

/// How many pods a workload has at most, and how many more while it is rolled out.
fn pods(world: &World<'_>, position: usize) -> (i64, i64) {
    let workload = &world.workloads[position];
    let most = world.most(position);
    match workload.kind {
        "Deployment" => {
            let recreate = lookup::text(workload.outer, "strategy.type") == Some("Recreate");
            let surge = match lookup::at(workload.outer, "strategy.rollingUpdate.maxSurge") {
                _ if recreate => 0,
                Some(Value::Number(number)) => number.as_i64().unwrap_or(0),
                Some(Value::String(text)) => percent(text.trim_end_matches('%').parse().unwrap_or(0), most),
                _ => percent(25, most),
            };
            (most, surge.max(0))
        }
        "Job" => (lookup::number(workload.outer, "parallelism").unwrap_or(1), 0),
        "CronJob" => (lookup::number(workload.outer, "jobTemplate.spec.parallelism").unwrap_or(1), 0),
        _ => (most, 0),
    }
}

fn percent(share: i64, of: i64) -> i64 {
    share.saturating_mul(of).saturating_add(99) / 100
}

/// What the files use of one limit: at rest, and with every Deployment rolling out at once.
fn used(world: &World<'_>, namespace: &str, name: &str) -> Option<(Quantity, Quantity)> {
    let count = |n: usize| Quantity(i128::try_from(n).unwrap_or(i128::MAX / 1000).saturating_mul(1000));
    let (side, resource) = match name {
        "cpu" | "memory" | "ephemeral-storage" => ("requests", name),
        _ => match name.split_once('.') {
            Some((side @ ("requests" | "limits"), resource)) => (side, resource),
            _ => ("", name),
        },
    };
    if side == "requests" && resource == "storage" {
        let size = storage(world, namespace);
        return Some((size, size));
    }
    if !side.is_empty() {
        return Some(sum(world, namespace, |workload| of_pod(world, workload, side, resource)));
    }
    let of_kind = |kind: &str| count(world.of_kind_in(kind, namespace).len());
    let same = |size: Quantity| Some((size, size));
    match name {
        "pods" | "count/pods" => Some(sum(world, namespace, |_| Quantity(1000))),
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => same(claims(world, namespace)),
        "services.loadbalancers" => same(services(world, namespace, false)),
        "services.nodeports" => same(services(world, namespace, true)),
        "services" | "count/services" => same(of_kind("Service")),
        "secrets" | "count/secrets" => same(of_kind("Secret")),
        // every namespace has kube-root-ca.crt
        "configmaps" | "count/configmaps" => same(plus(of_kind("ConfigMap"), Quantity(1000))),
        "count/deployments.apps" => same(of_kind("Deployment")),
        "count/statefulsets.apps" => same(of_kind("StatefulSet")),
        "count/cronjobs.batch" => same(of_kind("CronJob")),
        _ => None,
    }
}

fn sum(world: &World<'_>, namespace: &str, each: impl Fn(&Workload<'_>) -> Quantity) -> (Quantity, Quantity) {
    let mut total = (Quantity(0), Quantity(0));
    for position in world.workloads_in(namespace) {
        let (steady, surge) = pods(world, *position);
        let one = each(&world.workloads[*position]);
        total.0 = plus(total.0, times(one, steady));
        total.1 = plus(total.1, times(one, steady.saturating_add(surge)));
    }
    total
}

fn templates<'a>(world: &'a World<'_>, namespace: &str) -> impl Iterator<Item = (&'a Value, i64)> {
    world.of_kind_in("StatefulSet", namespace).iter().flat_map(|item| {
        let value = world.items[*item].value;
        let replicas = world.workload_of(*item).map_or(1, |position| world.most(position));
        lookup::list(value, "spec.volumeClaimTemplates").iter().map(move |template| (template, replicas))
    })
}

fn claims(world: &World<'_>, namespace: &str) -> Quantity {
    let direct = i64::try_from(world.of_kind_in("PersistentVolumeClaim", namespace).len()).unwrap_or(i64::MAX);
    let made = templates(world, namespace).fold(0_i64, |sum, (_, replicas)| sum.saturating_add(replicas));
    times(Quantity(1000), direct.saturating_add(made))
}

fn storage(world: &World<'_>, namespace: &str) -> Quantity {
    let size = |value: &Value| {
        resources::size(lookup::at(value, "spec").unwrap_or(value), "requests", "storage").unwrap_or_default()
    };
    let direct = world.of_kind_in("PersistentVolumeClaim", namespace).iter().map(|item| size(world.items[*item].value));
    direct
        .chain(templates(world, namespace).map(|(template, replicas)| times(size(template), replicas)))
        .fold(Quantity(0), plus)
}

fn services(world: &World<'_>, namespace: &str, node_ports: bool) -> Quantity {
    let mut count = 0_usize;
    for item in world.of_kind_in("Service", namespace) {
        let value = world.items[*item].value;
        let balanced = lookup::text(value, "spec.type") == Some("LoadBalancer");
        let allocates = lookup::truth(value, "spec.allocateLoadBalancerNodePorts") != Some(false);
        if node_ports && (lookup::text(value, "spec.type") == Some("NodePort") || (balanced && allocates)) {
            count += lookup::list(value, "spec.ports").len();
        } else if !node_ports && balanced {
            count += 1;
        }
    }
    times(Quantity(1000), i64::try_from(count).unwrap_or(i64::MAX))
}

fn quotas(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("ResourceQuota") {
        let item = &world.items[*index];
        if lookup::at(item.value, "spec.scopes").is_some() || lookup::at(item.value, "spec.scopeSelector").is_some() {
            continue;
        }
        for (name, value) in lookup::entries(item.value, "spec.hard") {
            let path = format!("spec.hard[{name}]");
            let Some(hard) = resources::read(value) else {
                lint.report_as(Error, "ML511", *index, path, format!("{} is not a size.", lookup::brief(value)));
                continue;
            };
            let Some((steady, rolling)) = used(world, item.namespace, name) else { continue };
            let shown = |size: Quantity| if name.ends_with("cpu") { size.cpu() } else { size.memory() };
            if steady > hard {
                let message = format!("The files need {} at full scale, the quota is {}.", shown(steady), shown(hard));
                lint.report("ML511", *index, path, message);
            } else if rolling > hard {
                let message = format!(
                    "While everything is rolled out the files need {}, the quota is {}.",
                    shown(rolling),
                    shown(hard)
                );
                lint.report_as(Warning, "ML511", *index, path, message);
            }
            required(lint, *index, name);
        }
    }
}

/// A quota on a size makes it mandatory.
fn required(lint: &mut Lint<'_>, quota: usize, name: &str) {
    let world = lint.world;
    let (side, resource) = match name {
        "cpu" | "memory" => ("requests", name),
        _ => match name.split_once('.') {
            Some((side @ ("requests" | "limits"), resource @ ("cpu" | "memory"))) => (side, resource),
            _ => return,
        },
    };
    let namespace = world.items[quota].namespace;
    for workload in world.workloads_in(namespace).iter().map(|position| &world.workloads[*position]) {
        if resources::size(workload.spec, side, resource).is_some() {
            continue;
        }
        for container in workload.containers.iter().filter(|container| container.role != Role::Ephemeral) {
            let own = |side: &str| lookup::at(container.value, &format!("resources.{side}.{resource}")).is_some();
            let set = own(side) || (side == "requests" && own("limits"));
            if !set && resources::default_of(world, namespace, side, resource).is_none() {
                let message = format!(
                    "Container \"{}\" has no {side}.{resource}, on which ResourceQuota \"{}\" insists.",
                    container.name, world.items[quota].name
                );
                lint.report("ML512", workload.item, format!("{}.resources.{side}", container.path), message);
            }
        }
    }
}
