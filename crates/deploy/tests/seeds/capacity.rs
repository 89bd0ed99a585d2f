//! Quota and limit range against what the objects really ask for.

use crate::seed::{ALL, Pods, Seed, amount, changed, list, seed, text};
use mainstay_manifest::Quantity;
use serde_json::Value;

/// Pods of a workload at its largest, and while it is updated.
fn most(seed: &Seed, pods: &Pods<'_>) -> u32 {
    let aims = |hpa: &&Value| text(hpa, "/spec/scaleTargetRef/name") == pods.name;
    let scaled = seed.of_kind("HorizontalPodAutoscaler").find(aims).and_then(|hpa| hpa["spec"]["maxReplicas"].as_u64());
    let count = u32::try_from(scaled.or(pods.owner["spec"]["replicas"].as_u64()).unwrap_or(1)).unwrap();
    match pods.kind {
        // those of the version before drain for up to 46 seconds, and the new ones do not wait for them
        "Deployment" if pods.owner["spec"]["strategy"]["type"] == "RollingUpdate" => 2 * count,
        _ => count,
    }
}

/// What one pod takes: the sum of its containers, or its largest init container.
fn takes(pods: &Pods<'_>, which: &str, resource: &str) -> Quantity {
    let of = |container: &Value| amount(&container["resources"][which][resource]);
    let together = pods.containers().iter().map(of).sum::<Quantity>();
    pods.init().iter().map(of).fold(together, Quantity::max)
}

#[test]
fn the_quota_holds_everything_at_its_largest_while_it_is_updated() {
    for name in ALL {
        let seed = seed(name);
        let home = seed.system.namespace.clone();
        let hard = seed.of_kind("ResourceQuota").next().unwrap()["spec"]["hard"].clone();
        let all = seed.pods();
        let here: Vec<_> = all.iter().filter(|p| text(p.owner, "/metadata/namespace") == home).collect();
        let count: u32 = here.iter().map(|pods| most(&seed, pods)).sum();
        let bound: u32 = hard["pods"].as_str().unwrap().parse().unwrap();
        assert!((count..=2 * count + 4).contains(&bound), "{name}: {bound} pods for {count}");
        for (key, which, resource) in [
            ("requests.cpu", "requests", "cpu"),
            ("requests.memory", "requests", "memory"),
            ("limits.cpu", "limits", "cpu"),
            ("limits.memory", "limits", "memory"),
        ] {
            let needed: Quantity = here.iter().map(|p| takes(p, which, resource).times(most(&seed, p))).sum();
            assert!(amount(&hard[key]) >= needed, "{name}: {key} is {} and not {needed:?}", hard[key]);
        }
        let own: Vec<_> = seed.of_kind("PersistentVolumeClaim").collect();
        let templates: Vec<_> =
            seed.of_kind("StatefulSet").flat_map(|s| list(s, "/spec/volumeClaimTemplates")).collect();
        let claims: Vec<_> = own.into_iter().chain(templates).collect();
        assert_eq!(hard["persistentvolumeclaims"], claims.len().to_string(), "{name}");
        let storage: Quantity = claims.iter().map(|c| amount(&c["spec"]["resources"]["requests"]["storage"])).sum();
        assert_eq!(amount(&hard["requests.storage"]), storage, "{name}");
        let services: Vec<_> = seed.of_kind("Service").collect();
        let bound = |key: &str| hard[key].as_str().unwrap().parse::<usize>().unwrap();
        assert!(bound("services") >= services.len(), "{name}");
        let of = |kind: &str| services.iter().filter(|s| text(s, "/spec/type") == kind).count();
        assert_eq!(bound("services.loadbalancers"), of("LoadBalancer"), "{name}");
        // a load balancer's Service is given a node port too
        assert_eq!(bound("services.nodeports"), of("NodePort") + of("LoadBalancer"), "{name}");
        assert!(bound("count/secrets") >= seed.secrets.len() + 10, "{name}");
    }
}

/// What the API server makes of an item: a maximum is the default where there is none, a default the request.
fn defaults(item: &Value, key: &str) -> Value {
    let mut all = item["max"].as_object().cloned().unwrap_or_default();
    all.extend(item[key].as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

#[test]
fn every_container_and_claim_keeps_within_the_limit_range() {
    for name in ALL {
        let seed = seed(name);
        let range = seed.of_kind("LimitRange").next().unwrap();
        let item = |kind: &str| list(range, "/spec/limits").iter().find(|item| item["type"] == kind).unwrap();
        let bounds = item("Container");
        for resource in ["cpu", "memory"] {
            let of = |key: &str| amount(&bounds[key][resource]);
            assert!(
                of("min") <= of("defaultRequest")
                    && of("defaultRequest") <= of("default")
                    && of("default") <= of("max")
            );
        }
        for pods in seed.pods() {
            for container in pods.all() {
                for resource in ["cpu", "memory"] {
                    let own = |which: &str| amount(&container["resources"][which][resource]);
                    let who = format!("{name}: {} {} {resource}", pods.who(), text(container, "/name"));
                    assert!(own("requests") >= amount(&bounds["min"][resource]), "{who}");
                    assert!(own("limits") <= amount(&bounds["max"][resource]), "{who}");
                }
            }
        }
        let bounds = item("PersistentVolumeClaim");
        let templates = seed.of_kind("StatefulSet").flat_map(|s| list(s, "/spec/volumeClaimTemplates"));
        for claim in seed.of_kind("PersistentVolumeClaim").chain(templates) {
            let size = amount(&claim["spec"]["resources"]["requests"]["storage"]);
            assert!(amount(&bounds["min"]["storage"]) <= size && size <= amount(&bounds["max"]["storage"]), "{name}");
        }
    }
}

#[test]
fn without_cpu_limits_nothing_brings_them_back() {
    let seed = changed("systems/budget-app", |project| project.kubernetes.cpu_limits = false);
    for pods in seed.pods() {
        for container in pods.all() {
            assert!(container["resources"]["limits"]["cpu"].is_null(), "{}", pods.who());
        }
    }
    let range = seed.of_kind("LimitRange").next().unwrap();
    let item = &list(range, "/spec/limits")[0];
    assert!(defaults(item, "default")["cpu"].is_null(), "the limit range would limit every container: {item}");
    let quota = seed.of_kind("ResourceQuota").next().unwrap();
    assert!(quota["spec"]["hard"]["limits.cpu"].is_null(), "the quota would refuse every pod");
}

#[test]
fn a_small_claim_is_not_refused() {
    let seed = changed("systems/budget-app", |project| project.storage.size = "50Mi".into());
    let range = seed.of_kind("LimitRange").next().unwrap();
    let item = list(range, "/spec/limits").iter().find(|item| item["type"] == "PersistentVolumeClaim").unwrap();
    assert_eq!(item["min"]["storage"], "50Mi");
}
