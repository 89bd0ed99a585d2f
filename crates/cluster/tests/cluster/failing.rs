//! What cannot become ready: found early, with its cause.

use crate::double::{Behaviour, Double};
use crate::fixture::{self, Told, options, project};
use mainstay_cluster::{Error, Failure, Options, Silent, Trouble, deploy};
use std::time::{Duration, Instant};

/// Deploys with one workload behaving badly, and gives what was said.
async fn trouble(name: &str, behaviour: Behaviour, log: &str) -> (Double, Trouble) {
    let double = Double::start().await;
    double.behave(name, behaviour);
    double.state().logs.insert(name.into(), log.into());
    let began = Instant::now();
    let failure = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(20), "early, not at the deadline of 60 s: {failure:?}");
    assert!(double.get("leases", "shop", "mainstay-deploy").is_none(), "the lock is given back");
    match failure.error {
        Error::Failed(trouble) => (double, *trouble),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn images_that_cannot_be_pulled() {
    let message = "Back-off pulling image \"registry.test/mainstay:1\": manifest unknown";
    let (_, found) = trouble("data", Behaviour::Waits("ImagePullBackOff", message), "").await;
    assert_eq!(found.object, "Deployment data");
    assert!(found.cause.contains("registry.test/mainstay:1 cannot be pulled"), "{found}");
    assert!(found.hint.contains("push it"), "{found}");
    assert!(found.pod.unwrap().starts_with("data-1-"));
    let (_, found) = trouble("postgres", Behaviour::Waits("ErrImageNeverPull", "never"), "").await;
    assert!(found.object == "StatefulSet postgres" && found.hint.contains("`mainstay image`"), "{found}");
}

#[tokio::test]
async fn containers_that_cannot_be_configured_name_the_key() {
    let message = "couldn't find key JWT_KEYS in Secret shop/api-keys";
    let (_, found) = trouble("gateway", Behaviour::Waits("CreateContainerConfigError", message), "").await;
    assert!(found.cause.contains("JWT_KEYS in Secret shop/api-keys"), "{found}");
}

#[tokio::test]
async fn crashes_show_the_exit_code_and_the_last_lines() {
    let (_, found) = trouble("data", Behaviour::Crashes(64, "Error"), "starting\nbad config: data.pool\n").await;
    assert!(found.cause.contains("exit code 64") && found.hint.contains("configuration"), "{found}");
    assert_eq!(found.log, ["starting", "bad config: data.pool"]);
    let (_, found) = trouble("data", Behaviour::Crashes(137, "OOMKilled"), "").await;
    assert!(found.cause.contains("too much memory") && found.hint.contains("memory limit"), "{found}");
}

#[tokio::test]
async fn pods_that_no_node_takes_or_that_cannot_be_made() {
    let (_, found) =
        trouble("data", Behaviour::Unschedulable("0/1 nodes are available: 1 Insufficient cpu."), "").await;
    assert!(found.cause.contains("Insufficient cpu") && found.hint.contains("lower the requests"), "{found}");
    let quota = "pods \"x\" is forbidden: exceeded quota: shop-rq, requested: pods=1";
    let (_, found) = trouble("data", Behaviour::NotCreated(quota), "").await;
    assert!(found.cause.contains("exceeded quota") && found.pod.is_none() && found.hint.contains("quota"), "{found}");
    let security = "pods \"x\" is forbidden: violates PodSecurity \"restricted:v1.36\"";
    let (_, found) = trouble("postgres", Behaviour::NotCreated(security), "").await;
    assert!(found.object == "StatefulSet postgres" && found.hint.contains("pod security level"), "{found}");
}

#[tokio::test]
async fn volumes_that_cannot_be_mounted() {
    let message = "MountVolume.SetUp failed for volume \"tls\" : secret \"gateway-tls\" not found";
    let (_, found) = trouble("gateway", Behaviour::NotMounted(message), "").await;
    assert!(found.cause.contains("gateway-tls") && found.hint.contains("Create what"), "{found}");
}

#[tokio::test]
async fn a_failed_job_stops_before_the_roles() {
    let (double, found) = trouble("db-init-aaaa", Behaviour::Fails, "ERROR: relation exists\n").await;
    assert_eq!(found.object, "Job db-init-aaaa");
    assert!(found.cause.contains("BackoffLimitExceeded"), "{found}");
    assert_eq!(found.log, ["ERROR: relation exists"]);
    assert!(double.get("statefulsets", "shop", "postgres").is_some());
    assert!(double.get("deployments", "shop", "data").is_none(), "roles come after the Job");
    // the cause is gone: the same Job runs again
    double.behave("db-init-aaaa", Behaviour::Ready);
    let outcome = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap();
    let job = outcome.changes.iter().find(|a| a.object == "Job db-init-aaaa").unwrap();
    assert!(job.note.contains("runs again"), "{job:?}");
}

#[tokio::test]
async fn a_failing_probe_is_told_and_the_deadline_decides() {
    let double = Double::start().await;
    double.behave("data", Behaviour::Unhealthy("Readiness probe failed: HTTP probe failed with statuscode: 503"));
    let told = Told::default();
    let wishes = Options { deadline: Duration::from_millis(900), ..options() };
    let Failure { error, .. } = deploy(&double.cluster(), &project("shop"), &wishes, &told).await.unwrap_err();
    assert_eq!(error.code(), "MC031");
    let Error::Deadline { waiting, troubles, .. } = error else { panic!("{error}") };
    assert_eq!(waiting, ["Deployment data: 0/2 ready"]);
    assert!(troubles[0].cause.contains("statuscode: 503"), "{troubles:?}");
    assert!(told.text().contains("Readiness probe failed"));
    assert!(told.text().contains("0/2 ready"));
}

#[tokio::test]
async fn without_waiting_everything_is_applied_at_once() {
    let double = Double::start().await;
    double.behave("postgres", Behaviour::Silent);
    let wishes = Options { wait: false, ..options() };
    deploy(&double.cluster(), &project("shop"), &wishes, &Silent).await.unwrap();
    assert!(double.get("horizontalpodautoscalers", "shop", "gateway").is_some());
}

#[tokio::test]
async fn a_job_that_has_run_and_is_gone_does_not_run_again() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    double.state().delete(crate::double::resource("jobs"), "shop", "db-init-aaaa");
    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(!outcome.changed(), "{:#?}", outcome.changes);
    assert!(double.get("jobs", "shop", "db-init-aaaa").is_none());
    assert!(!mainstay_cluster::plan(&cluster, &desired, &options()).await.unwrap().changes());
    // a new one runs, and an empty database wants the old one again
    fixture::set(&mut desired, "Job", "db-init-aaaa", "/metadata/name", "db-init-bbbb".into());
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("jobs", "shop", "db-init-bbbb").is_some());
    double.state().delete(crate::double::resource("jobs"), "shop", "db-init-bbbb");
    double.state().delete(crate::double::resource("statefulsets"), "shop", "postgres");
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("jobs", "shop", "db-init-bbbb").is_some(), "the database is new");
}

#[tokio::test]
async fn an_atomic_deployment_goes_back() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", "debug".into());
    desired.objects.push(fixture::deployment("shop", "broken", Some(1)));
    double.behave("broken", Behaviour::Crashes(1, "Error"));
    let wishes = Options { atomic: true, ..options() };
    let failure = deploy(&cluster, &desired, &wishes, &Silent).await.unwrap_err();
    assert_eq!(failure.rolled_back_to, Some(1), "{failure:?}");
    assert_eq!(double.get("configmaps", "shop", "settings").unwrap()["data"]["LOG_LEVEL"], "info");
    assert!(double.get("deployments", "shop", "broken").is_none());
}
