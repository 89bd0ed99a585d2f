//! The controllers and the kubelet, as far as a deployer sees them: they move statuses, make pods and fail as they are told.

use super::Double;
use super::schema;
use super::store::{State, now};
use serde_json::{Value, json};
use std::time::Duration;

/// How a workload behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Its pods become ready, its Job completes.
    Ready,
    /// Nothing happens.
    Silent,
    /// A container waits for this reason, with this message.
    Waits(&'static str, &'static str),
    /// A container ends with this code and reason, again and again.
    Crashes(i64, &'static str),
    /// No node takes the pod.
    Unschedulable(&'static str),
    /// No pod is made.
    NotCreated(&'static str),
    /// A volume is not mounted.
    NotMounted(&'static str),
    /// It runs and its probe fails.
    Unhealthy(&'static str),
    /// A Job fails.
    Fails,
}

pub(crate) async fn run(double: Double) {
    loop {
        tokio::time::sleep(Duration::from_millis(15)).await;
        step(&mut double.state());
        double.announce();
    }
}

const WORKLOADS: [&str; 4] = ["deployments", "statefulsets", "daemonsets", "jobs"];

fn step(state: &mut State) {
    for quota in state.all("resourcequotas", None).into_iter().cloned().collect::<Vec<_>>() {
        let name = |field: &str| quota["metadata"][field].as_str().unwrap().to_owned();
        state.edit("resourcequotas", &name("namespace"), &name("name"), "kube-controller-manager", "status", |o| {
            let used = o["status"]["used"].as_i64().unwrap_or(0) + 1;
            o["status"] = json!({"hard": o["spec"]["hard"], "used": used});
        });
    }
    for plural in WORKLOADS {
        let todo: Vec<Value> = state.all(plural, None).into_iter().cloned().collect();
        for object in todo {
            let name = object["metadata"]["name"].as_str().unwrap().to_owned();
            let behaviour = state.behaviours.get(&name).cloned().unwrap_or(Behaviour::Ready);
            move_on(state, plural, &object, &behaviour);
        }
    }
}

fn move_on(state: &mut State, plural: &'static str, object: &Value, behaviour: &Behaviour) {
    let name = object["metadata"]["name"].as_str().unwrap();
    let namespace = object["metadata"]["namespace"].as_str().unwrap();
    let generation = object["metadata"]["generation"].as_i64().unwrap_or(1);
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    if *behaviour == Behaviour::Silent {
        return;
    }
    let seen = object["status"]["observedGeneration"].as_i64();
    if plural == "jobs" {
        if object["status"].get("conditions").is_some() {
            return;
        }
        let done = match behaviour {
            Behaviour::Ready => json!({"succeeded": 1, "conditions": [
                {"type": "SuccessCriteriaMet", "status": "True"}, {"type": "Complete", "status": "True"}]}),
            Behaviour::Fails => json!({"failed": 1, "conditions": [
                {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit"}]}),
            _ => json!({"active": 1}),
        };
        pods(state, object, object, behaviour, 1);
        state.edit(plural, namespace, name, "kube-controller-manager", "status", |o| o["status"] = done);
        return;
    }
    let good = *behaviour == Behaviour::Ready;
    let ready = if good { wanted } else { 0 };
    let status = match plural {
        "statefulsets" => {
            json!({"observedGeneration": generation, "replicas": wanted, "readyReplicas": ready, "updatedReplicas": wanted,
            "currentRevision": if good { format!("r{generation}") } else { "r0".into() }, "updateRevision": format!("r{generation}")})
        }
        "daemonsets" => {
            json!({"observedGeneration": generation, "desiredNumberScheduled": 1, "updatedNumberScheduled": 1,
            "numberAvailable": i64::from(good), "numberReady": i64::from(good)})
        }
        _ => {
            let mut status = json!({"observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted,
                "readyReplicas": ready, "availableReplicas": ready});
            if let Behaviour::NotCreated(message) = behaviour {
                status["conditions"] =
                    json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]);
            }
            status
        }
    };
    if object["status"] == status {
        return;
    }
    // the first look only says that it was seen: waiting must not take an old status for a new one
    if seen != Some(generation) && !good {
        state.edit(plural, namespace, name, "kube-controller-manager", "status", |o| {
            o["status"] = json!({"observedGeneration": generation, "replicas": 0});
        });
    }
    let mut owner = object.clone();
    if plural == "deployments" {
        state.edit(plural, namespace, name, "kube-controller-manager", "", |o| {
            if o["metadata"].get("annotations").is_none() {
                o["metadata"]["annotations"] = json!({});
            }
            o["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = generation.to_string().into();
        });
        owner = replica_set(state, object, generation);
    }
    if !matches!(behaviour, Behaviour::NotCreated(_)) {
        pods(state, object, &owner, behaviour, wanted.max(1));
    } else if plural != "deployments" {
        let Behaviour::NotCreated(message) = behaviour else { return };
        event(state, object, "FailedCreate", message);
    }
    state.edit(plural, namespace, name, "kube-controller-manager", "status", |o| o["status"] = status);
}

fn owned(object: &Value, name: &str, labels: Value) -> Value {
    json!({"metadata": {"name": name, "namespace": object["metadata"]["namespace"], "labels": labels, "ownerReferences": [
        {"kind": object["kind"], "name": object["metadata"]["name"], "uid": object["metadata"]["uid"], "controller": true}]}})
}

fn replica_set(state: &mut State, object: &Value, generation: i64) -> Value {
    let name = format!("{}-{generation}", object["metadata"]["name"].as_str().unwrap());
    let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
    if let Some(live) = state.get("replicasets", &namespace, &name) {
        return live.clone();
    }
    let mut set = owned(object, &name, object["spec"]["template"]["metadata"]["labels"].clone());
    set["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": generation.to_string()});
    set["kind"] = "ReplicaSet".into();
    set["apiVersion"] = "apps/v1".into();
    state.create(schema::by_plural("replicasets").unwrap(), set, false)
}

fn pods(state: &mut State, object: &Value, owner: &Value, behaviour: &Behaviour, count: i64) {
    let namespace = object["metadata"]["namespace"].as_str().unwrap().to_owned();
    let template = &object["spec"]["template"];
    let container = template["spec"]["containers"][0].clone();
    for n in 0..count {
        let name = format!("{}-{n}", owner["metadata"]["name"].as_str().unwrap());
        let status = pod_status(behaviour, &container);
        if state.get("pods", &namespace, &name).is_some() {
            state.edit("pods", &namespace, &name, "kubelet", "status", |pod| pod["status"] = status);
            continue;
        }
        let mut pod = owned(owner, &name, template["metadata"]["labels"].clone());
        pod["kind"] = "Pod".into();
        pod["apiVersion"] = "v1".into();
        pod["spec"] = template["spec"].clone();
        pod["status"] = status;
        let pod = state.create(schema::by_plural("pods").unwrap(), pod, false);
        match behaviour {
            Behaviour::NotMounted(message) => event(state, &pod, "FailedMount", message),
            Behaviour::Unhealthy(message) => event(state, &pod, "Unhealthy", message),
            _ => {}
        }
    }
}

fn pod_status(behaviour: &Behaviour, container: &Value) -> Value {
    let status = |ready: bool, state: Value, last: Value, restarts: i64| json!({"name": container["name"], "image": container["image"], "ready": ready, "restartCount": restarts, "state": state, "lastState": last});
    let none = json!({});
    let (phase, ready, containers) = match behaviour {
        Behaviour::Ready => ("Running", true, vec![status(true, json!({"running": {}}), none, 0)]),
        Behaviour::Waits(reason, message) => {
            ("Pending", false, vec![status(false, json!({"waiting": {"reason": reason, "message": message}}), none, 0)])
        }
        Behaviour::Crashes(code, reason) => (
            "Running",
            false,
            vec![status(
                false,
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}),
                json!({"terminated": {"exitCode": code, "reason": reason}}),
                2,
            )],
        ),
        Behaviour::Fails => {
            ("Failed", false, vec![status(false, json!({"terminated": {"exitCode": 42, "reason": "Error"}}), none, 0)])
        }
        Behaviour::Unhealthy(_) => ("Running", false, vec![status(false, json!({"running": {}}), none, 0)]),
        _ => ("Pending", false, Vec::new()),
    };
    let mut conditions = vec![json!({"type": "Ready", "status": if ready { "True" } else { "False" }})];
    if let Behaviour::Unschedulable(message) = behaviour {
        conditions
            .push(json!({"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}));
    }
    json!({"phase": phase, "conditions": conditions, "containerStatuses": containers})
}

fn event(state: &mut State, about: &Value, reason: &str, message: &str) {
    let name = format!("{}.{reason}", about["metadata"]["name"].as_str().unwrap());
    let namespace = about["metadata"]["namespace"].as_str().unwrap().to_owned();
    if state.get("events", &namespace, &name).is_some() {
        return;
    }
    let event = json!({"kind": "Event", "apiVersion": "v1", "metadata": {"name": name, "namespace": namespace},
        "type": "Warning", "reason": reason, "message": message, "lastTimestamp": now(),
        "involvedObject": {"kind": about["kind"], "name": about["metadata"]["name"], "uid": about["metadata"]["uid"]}});
    state.create(schema::by_plural("events").unwrap(), event, false);
}
