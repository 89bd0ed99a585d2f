//! HorizontalPodAutoscalers.

use super::check;
use crate::check::{Lint, Theme};
use crate::lookup;
use crate::report::Severity::{Advice, Error, Warning};
use std::collections::HashMap;

pub(crate) const THEME: Theme = Theme {
    name: "Autoscalers",
    checks: &[
        check(
            "ML411",
            Error,
            "minimum above the maximum",
            "The API server refuses it.",
            "Make minReplicas at most maxReplicas.",
        ),
        check("ML412", Error, "bounds below one", "The API server takes at least one replica.", "Use at least 1."),
        check(
            "ML413",
            Warning,
            "replicas beside an autoscaler",
            "Every apply sets the number back, and the autoscaler changes it again.",
            "Leave spec.replicas out.",
        ),
        check(
            "ML414",
            Warning,
            "autoscaler in the old form",
            "targetCPUUtilizationPercentage is a field of autoscaling/v1; v2 ignores or refuses it.",
            "Use autoscaling/v2 with spec.metrics.",
        ),
        check(
            "ML415",
            Error,
            "utilization without a request",
            "Utilization is a share of the request; without one the autoscaler does nothing.",
            "Request the resource in every container of the pod.",
        ),
        check(
            "ML416",
            Advice,
            "autoscaler of a database",
            "Further pods of a database are empty copies, not more of it.",
            "Remove the autoscaler; give the database more memory instead.",
        ),
        check(
            "ML417",
            Error,
            "two autoscalers for one workload",
            "They undo each other's decisions.",
            "Keep one, with all metrics in it.",
        ),
    ],
    run: &[bounds, form, targets],
};

fn bounds(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("HorizontalPodAutoscaler") {
        let value = world.items[*index].value;
        let min = lookup::number(value, "spec.minReplicas");
        let max = lookup::number(value, "spec.maxReplicas");
        if let Some(max) = max
            && min.unwrap_or(1) > max
        {
            lint.report(
                "ML411",
                *index,
                "spec.maxReplicas",
                format!("minReplicas is {}, maxReplicas {max}.", min.unwrap_or(1)),
            );
        }
        for (field, number) in [("minReplicas", min), ("maxReplicas", max)] {
            if let Some(number) = number.filter(|number| *number < 1) {
                lint.report("ML412", *index, format!("spec.{field}"), format!("{field} is {number}."));
            }
        }
        if max.is_none() {
            lint.report("ML412", *index, "spec.maxReplicas", "maxReplicas is missing.");
        }
    }
}

fn form(lint: &mut Lint<'_>) {
    let world = lint.world;
    for index in world.of_kind("HorizontalPodAutoscaler") {
        let item = &world.items[*index];
        if lookup::at(item.value, "spec.targetCPUUtilizationPercentage").is_some() && item.version != "v1" {
            let message = "autoscaling/v2 has no such field.";
            lint.report_as(Error, "ML414", *index, "spec.targetCPUUtilizationPercentage", message);
        } else if item.version == "v1" {
            lint.report("ML414", *index, "apiVersion", "autoscaling/v1 knows CPU only.");
        }
    }
}

fn targets(lint: &mut Lint<'_>) {
    let world = lint.world;
    let mut scaled: HashMap<usize, usize> = HashMap::new();
    for index in world.of_kind("HorizontalPodAutoscaler") {
        let item = &world.items[*index];
        let Some(position) = world.scale_target(*index) else { continue };
        let workload = &world.workloads[position];
        if let Some(first) = scaled.insert(position, *index)
            && world.first_of(*index) == *index
        {
            let message =
                format!("HorizontalPodAutoscaler \"{}\" scales {} too.", world.items[first].name, workload.title());
            lint.report("ML417", *index, "spec.scaleTargetRef", message);
        }
        if lookup::at(workload.outer, "replicas").is_some() {
            let message = format!("HorizontalPodAutoscaler \"{}\" decides the number of replicas.", item.name);
            lint.report("ML413", workload.item, "spec.replicas", message);
        }
        if workload.is_database() {
            lint.report("ML416", *index, "spec.scaleTargetRef", format!("{} runs a database.", workload.title()));
        }
        let mut resources = Vec::new();
        for (m, metric) in lookup::list(item.value, "spec.metrics").iter().enumerate() {
            let share = lookup::text(metric, "resource.target.type") == Some("Utilization");
            if let Some(name) = lookup::text(metric, "resource.name").filter(|_| share) {
                resources.push((name, format!("spec.metrics[{m}].resource")));
            }
        }
        if lookup::at(item.value, "spec.targetCPUUtilizationPercentage").is_some() {
            resources.push(("cpu", "spec.targetCPUUtilizationPercentage".to_owned()));
        }
        let of_pod = |name: &str| lookup::at(workload.spec, &format!("resources.requests.{name}")).is_some();
        for (name, path) in resources {
            // a limit without a request is a request too
            let lacks = workload.running().find(|container| {
                ["requests", "limits"]
                    .iter()
                    .all(|side| lookup::at(container.value, &format!("resources.{side}.{name}")).is_none())
            });
            if let Some(container) = lacks.filter(|_| !of_pod(name)) {
                let message = format!("Container \"{}\" of {} requests no {name}.", container.name, workload.title());
                lint.report("ML415", *index, path, message);
            }
        }
    }
}
