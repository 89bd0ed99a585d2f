//! What every pod, Deployment, StatefulSet and Job of every system has.

use crate::seed::{ALL, Pods, Seed, amount, list, seed, text};
use mainstay_manifest::Quantity;
use serde_json::{Value, json};

/// Images that write beside their programs when they start.
const WRITES_ITS_IMAGE: [&str; 2] = ["elasticsearch", "kibana"];
/// Reads files of root on the node, in a namespace for it.
const COLLECTOR: &str = "fluent-bit";
/// What talks to the API server.
const WITH_TOKEN: [&str; 4] = ["prometheus", "kube-state-metrics", "alloy", "fluent-bit"];

fn each(mut check: impl FnMut(&Seed, &Pods<'_>, &str)) {
    for name in ALL {
        let seed = seed(name);
        let pods = seed.pods();
        assert!(pods.len() >= 6, "{name}");
        for pods in &pods {
            check(&seed, pods, &format!("{name}: {}", pods.who()));
        }
    }
}

#[test]
fn selectors_are_name_and_instance_and_pods_carry_the_version() {
    each(|_, pods, who| {
        let labels = &pods.template["metadata"]["labels"];
        assert!(labels["app.kubernetes.io/version"].is_string(), "{who}");
        if pods.is_lasting() {
            let selector = pods.owner["spec"]["selector"]["matchLabels"].as_object().unwrap();
            let keys: Vec<_> = selector.keys().map(String::as_str).collect();
            assert_eq!(keys, ["app.kubernetes.io/instance", "app.kubernetes.io/name"], "{who}");
            assert!(selector.iter().all(|(key, value)| labels[key] == *value), "{who}");
        }
    });
}

#[test]
fn pods_are_locked_down() {
    each(|_, pods, who| {
        let spec = pods.spec();
        let context = &spec["securityContext"];
        assert_eq!(spec["enableServiceLinks"], false, "{who}");
        assert_eq!(context["seccompProfile"]["type"], "RuntimeDefault", "{who}");
        assert_eq!(context["fsGroupChangePolicy"], "OnRootMismatch", "{who}");
        assert_eq!(context["fsGroup"], context["runAsGroup"], "{who}: a Secret's files are for the group");
        for absent in ["hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace", "hostAliases"] {
            assert!(spec[absent].is_null(), "{who}: {absent}");
        }
        if pods.name != COLLECTOR {
            assert_eq!(context["runAsNonRoot"], true, "{who}");
            let uid = context["runAsUser"].as_i64().unwrap();
            let least = if WRITES_ITS_IMAGE.contains(&pods.name) { 1000 } else { 10_000 };
            assert!(uid >= least, "{who}: user {uid}");
            assert!(list(spec, "/volumes").iter().all(|volume| volume["hostPath"].is_null()), "{who}");
        }
        for container in pods.all() {
            let own = &container["securityContext"];
            assert_eq!(own["allowPrivilegeEscalation"], false, "{who}");
            assert_eq!(own["privileged"], false, "{who}");
            assert_eq!(own["capabilities"], json!({"drop": ["ALL"]}), "{who}");
            assert_eq!(own["readOnlyRootFilesystem"], !WRITES_ITS_IMAGE.contains(&pods.name), "{who}");
            assert_eq!(own["runAsNonRoot"], pods.name != COLLECTOR, "{who}");
            for port in list(container, "/ports") {
                assert!(port["containerPort"].as_i64().unwrap() >= 1024, "{who}");
                assert!(port["hostPort"].is_null() && port["name"].is_string(), "{who}");
            }
        }
    });
}

#[test]
fn what_lasts_has_three_probes_on_named_ports() {
    each(|_, pods, who| {
        if !pods.is_lasting() {
            return;
        }
        for container in pods.containers() {
            let names: Vec<_> = list(container, "/ports").iter().map(|port| &port["name"]).collect();
            for which in ["startupProbe", "readinessProbe", "livenessProbe"] {
                let probe = &container[which];
                assert!(probe.is_object(), "{who} has no {which}");
                assert!(probe["periodSeconds"].is_i64() && probe["timeoutSeconds"].is_i64(), "{who} {which}");
                let port = probe.pointer("/httpGet/port").or_else(|| probe.pointer("/tcpSocket/port"));
                assert!(port.is_none_or(|port| names.contains(&port)), "{who} {which}: {port:?} is none of {names:?}");
            }
            let action = |which: &str| {
                let probe = &container[which];
                (probe["httpGet"].clone(), probe["tcpSocket"].clone(), probe["exec"].clone())
            };
            let failures = |which: &str| container[which]["failureThreshold"].as_i64().unwrap();
            if pods.name == "postgres" {
                // the seeds ask pg_isready for both: to be taken out must come long before to be killed
                assert!(failures("livenessProbe") >= 2 * failures("readinessProbe"), "{who}");
            } else {
                assert_ne!(action("readinessProbe"), action("livenessProbe"), "{who}");
            }
            let patience = failures("startupProbe") * container["startupProbe"]["periodSeconds"].as_i64().unwrap();
            assert!(patience >= 60, "{who}: {patience} s to start");
        }
    });
}

#[test]
fn every_container_says_what_it_needs_and_volumes_have_room() {
    each(|_, pods, who| {
        for container in pods.all() {
            let own = &container["resources"];
            for resource in ["cpu", "memory", "ephemeral-storage"] {
                let (request, limit) = (amount(&own["requests"][resource]), amount(&own["limits"][resource]));
                assert!(Quantity::default() < request && request <= limit, "{who}: {resource}");
            }
        }
        let mut on_disk = Quantity::default();
        for volume in list(pods.spec(), "/volumes").iter().filter(|volume| volume["emptyDir"].is_object()) {
            let limit = amount(&volume["emptyDir"]["sizeLimit"]);
            if volume["emptyDir"]["medium"] != "Memory" {
                on_disk = on_disk + limit;
            }
        }
        let room = pods.containers().iter().map(|c| amount(&c["resources"]["limits"]["ephemeral-storage"]));
        let room = room.fold(Quantity::default(), |sum, room| sum + room);
        assert!(
            on_disk < room,
            "{who} is evicted before its volumes are full: {} of {}",
            on_disk.memory(),
            room.memory()
        );
        assert!(list(pods.spec(), "/volumes").iter().any(|v| v["name"] == "tmp"), "{who} has no /tmp");
    });
}

#[test]
fn updates_leave_no_gap_and_old_versions_are_kept() {
    each(|_, pods, who| {
        let spec = &pods.owner["spec"];
        if pods.is_lasting() {
            assert_eq!(spec["revisionHistoryLimit"], 5, "{who}");
        }
        if pods.kind == "Deployment" {
            let claims = list(pods.spec(), "/volumes").iter().any(|v| v["persistentVolumeClaim"].is_object());
            assert_eq!(spec["minReadySeconds"], 5, "{who}");
            assert!(spec["progressDeadlineSeconds"].is_i64(), "{who}");
            if claims {
                assert_eq!(spec["strategy"]["type"], "Recreate", "{who}: two pods would share a volume");
            } else {
                assert_eq!(spec["strategy"]["rollingUpdate"]["maxUnavailable"], 0, "{who}");
            }
        }
        let grace = pods.spec()["terminationGracePeriodSeconds"].as_i64().unwrap();
        if pods.has_roles() {
            let sleep = pods.containers()[0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_i64().unwrap();
            assert!(grace > 31 + sleep, "{who}: killed after {grace} s, while it drains");
        }
        if pods.kind == "StatefulSet" || pods.name == "prometheus" {
            assert!(grace >= 120, "{who}: a store writes what it has before it goes");
        }
        if matches!(pods.kind, "Job" | "CronJob") {
            assert_eq!(pods.spec()["restartPolicy"], "Never", "{who}");
            let job = if pods.kind == "Job" { spec } else { &spec["jobTemplate"]["spec"] };
            assert!(job["backoffLimit"].is_i64() && job["activeDeadlineSeconds"].is_i64(), "{who}");
        }
        if pods.kind == "CronJob" {
            for key in ["startingDeadlineSeconds", "timeZone", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
                assert!(!spec[key].is_null(), "{who}: {key}");
            }
            assert_eq!(spec["concurrencyPolicy"], "Forbid", "{who}");
        }
    });
}

#[test]
fn what_has_several_pods_is_spread_scaled_and_protected() {
    each(|seed, pods, who| {
        if pods.kind != "Deployment" {
            return;
        }
        let aims = |hpa: &&Value| text(hpa, "/spec/scaleTargetRef/name") == pods.name;
        let hpa = seed.of_kind("HorizontalPodAutoscaler").find(aims);
        let replicas = pods.owner["spec"]["replicas"].as_i64();
        assert_eq!(replicas.is_none(), hpa.is_some(), "{who}: replicas belong to the Deployment or to its autoscaler");
        let least = hpa.map_or(replicas, |hpa| hpa["spec"]["minReplicas"].as_i64()).unwrap();
        if let Some(hpa) = hpa {
            let most = hpa["spec"]["maxReplicas"].as_i64().unwrap();
            assert!((2..=most).contains(&least), "{who}");
            assert!(hpa["spec"]["behavior"]["scaleUp"].is_object(), "{who}");
            assert_eq!(hpa["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"], 300, "{who}");
            let first: i64 = text(pods.owner, "/metadata/annotations/mainstay.dev~1initial-replicas").parse().unwrap();
            assert!((least..=most).contains(&first), "{who}");
        }
        let several = hpa.is_some() || least > 1;
        let spread = list(pods.spec(), "/topologySpreadConstraints");
        let keys: Vec<_> = spread.iter().map(|s| text(s, "/topologyKey")).collect();
        let wanted: &[&str] = if several { &["kubernetes.io/hostname", "topology.kubernetes.io/zone"] } else { &[] };
        assert_eq!(keys, wanted, "{who}");
        assert_eq!(pods.spec()["affinity"]["podAntiAffinity"].is_object(), several, "{who}");
        let selects = |pdb: &&Value| pdb["spec"]["selector"] == pods.owner["spec"]["selector"];
        let budget = seed.of_kind("PodDisruptionBudget").find(selects);
        assert_eq!(budget.is_some(), least >= 2, "{who}: a budget for one pod would only stop drains");
        if let Some(budget) = budget {
            assert_eq!(budget["spec"]["maxUnavailable"], 1, "{who}");
            assert_eq!(budget["spec"]["unhealthyPodEvictionPolicy"], "AlwaysAllow", "{who}");
        }
    });
}

#[test]
fn every_component_has_an_account_and_only_four_have_a_token() {
    each(|seed, pods, who| {
        let account = text(pods.spec(), "/serviceAccountName");
        assert!(!account.is_empty() && account != "default", "{who}");
        let namespace = text(pods.owner, "/metadata/namespace");
        let object = seed
            .of_kind("ServiceAccount")
            .find(|a| text(a, "/metadata/name") == account && text(a, "/metadata/namespace") == namespace)
            .unwrap_or_else(|| panic!("{who}: no account {account} in {namespace}"));
        assert_eq!(object["automountServiceAccountToken"], false, "{who}");
        let sharing = seed.pods().iter().filter(|other| text(other.spec(), "/serviceAccountName") == account).count();
        assert_eq!(sharing, 1, "{who}: its account is its own");
        let talks = WITH_TOKEN.contains(&pods.name);
        assert_eq!(pods.spec()["automountServiceAccountToken"], talks, "{who}");
        let bound = seed.objects.iter().any(|binding| {
            text(binding, "/kind").ends_with("RoleBinding")
                && list(binding, "/subjects").iter().any(|s| s["name"] == account && s["namespace"] == namespace)
        });
        assert_eq!(bound, talks, "{who}");
    });
}

#[test]
fn rights_are_read_only_and_never_reach_secrets() {
    for name in ALL {
        let seed = seed(name);
        for role in seed.objects.iter().filter(|o| matches!(text(o, "/kind"), "Role" | "ClusterRole")) {
            for rule in list(role, "/rules") {
                let texts = |key: &str| -> Vec<&str> { list(rule, key).iter().filter_map(Value::as_str).collect() };
                let who = format!("{name}: {} {rule}", text(role, "/metadata/name"));
                assert!(texts("/verbs").iter().all(|verb| ["get", "list", "watch"].contains(verb)), "{who}");
                let refused = ["*", "secrets", "pods/exec", "pods/attach"];
                assert!(texts("/resources").iter().all(|resource| !refused.contains(resource)), "{who}");
                assert!(!texts("/apiGroups").contains(&"*"), "{who}");
                if seed.system.project.monitoring.node_metrics {
                    continue;
                }
                assert!(!texts("/resources").contains(&"nodes/proxy"), "{who}: commands can be run with it");
            }
        }
    }
}

#[test]
fn images_are_pinned() {
    each(|seed, pods, who| {
        for container in pods.all() {
            let image = text(container, "/image");
            assert!(!image.is_empty() && !image.ends_with(":latest"), "{who}: {image}");
            let last = image.rsplit('/').next().unwrap_or_default();
            assert!(last.contains(':') || last.contains('@'), "{who}: {image} has no version");
            let third =
                mainstay_deploy::tables::IMAGES.iter().find(|i| image.starts_with(&format!("{}:", i.repository)));
            let loaded = format!("{:?}", seed.system.project.kubernetes.image_pull_policy).contains("never");
            if let Some(third) = third.filter(|third| !third.digest.is_empty() && !loaded) {
                assert!(image.ends_with(third.digest), "{who}: {image}");
            }
        }
    });
}
