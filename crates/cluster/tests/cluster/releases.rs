//! Release records, rollback, the lock, destroying.

use crate::apply::deployed;
use crate::double::{Behaviour, resource};
use crate::fixture::{self, options};
use mainstay_cluster::{Change, Data, Options, ReleaseStatus, Silent, deploy, destroy, history, rollback};
use mainstay_kernel::clock::{Clock as _, SystemClock};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn rollback_brings_back_what_was_there() {
    let (double, cluster, mut desired) = deployed().await;
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("debug"));
    fixture::remove(&mut desired, "Service", "data");
    desired.objects.push(fixture::config_map("shop", "new", "x"));
    desired.version = "2".into();
    desired.migrations.push("0002_more".into());
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("services", "shop", "data").is_none());

    let outcome = rollback(&cluster, "shop", None, &options(), &Silent).await.unwrap();
    assert_eq!(outcome.release, Some(3));
    assert!(outcome.notes[0].contains("0002_more"), "{:?}", outcome.notes);
    assert!(double.get("services", "shop", "data").is_some());
    assert!(double.get("configmaps", "shop", "new").is_none());
    assert_eq!(double.get("configmaps", "shop", "settings").unwrap()["data"]["LOG_LEVEL"], "info");
    let releases = history(&cluster, "shop").await.unwrap();
    assert_eq!(
        releases.iter().map(|r| (r.number, r.version.as_str())).collect::<Vec<_>>(),
        [(3, "1"), (2, "2"), (1, "1")]
    );
    assert_eq!((releases[0].note.as_str(), releases[0].who.as_str()), ("back to release 1", "tester"));
    assert_eq!(rollback(&cluster, "shop", Some(9), &options(), &Silent).await.unwrap_err().error.code(), "MC050");
}

#[tokio::test]
async fn after_a_failed_release_rollback_goes_to_the_good_one_before_it() {
    let (double, cluster, mut desired) = deployed().await;
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("debug"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("trace"));
    fixture::set(&mut desired, "Deployment", "data", "/spec/template/spec/terminationGracePeriodSeconds", json!(9));
    double.behave("data", Behaviour::Crashes(1, "Error"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    double.behave("data", Behaviour::Ready);
    rollback(&cluster, "shop", None, &options(), &Silent).await.unwrap();
    assert_eq!(double.get("configmaps", "shop", "settings").unwrap()["data"]["LOG_LEVEL"], "debug");
    assert_eq!(history(&cluster, "shop").await.unwrap()[0].note, "back to release 2");
}

#[tokio::test]
async fn rollback_refuses_a_database_that_went_another_way() {
    let (_double, cluster, mut desired) = deployed().await;
    desired.migrations = vec!["0001_other".into(), "0002".into()];
    desired.version = "2".into();
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let failure = rollback(&cluster, "shop", Some(1), &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC051");
    assert!(failure.to_string().contains("0001_other"));
}

#[tokio::test]
async fn ten_releases_are_kept_and_the_last_good_one_always() {
    let (double, cluster, mut desired) = deployed().await;
    double.behave("data", Behaviour::Crashes(1, "Error"));
    for n in 0..13 {
        fixture::set(
            &mut desired,
            "Deployment",
            "data",
            "/spec/template/spec/terminationGracePeriodSeconds",
            json!(n + 2),
        );
        deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    }
    let releases = history(&cluster, "shop").await.unwrap();
    assert_eq!(releases.len(), 11, "{releases:#?}");
    assert_eq!((releases[0].number, releases[0].status), (14, ReleaseStatus::Failed));
    assert!(releases[0].note.contains("exit code 1"));
    assert_eq!((releases[10].number, releases[10].status), (1, ReleaseStatus::Deployed));
    double.behave("data", Behaviour::Ready);
    rollback(&cluster, "shop", Some(1), &options(), &Silent).await.unwrap();
}

#[tokio::test]
async fn long_records_are_split() {
    let (double, cluster, mut desired) = deployed().await;
    let long: String = (0..1_600_000_u32).map(|n| char::from(b'a' + (n % 26) as u8)).collect();
    desired.objects.push(fixture::config_map("shop", "long", &long));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("secrets", "shop", "mainstay-release-2-2").is_some());
    fixture::remove(&mut desired, "ConfigMap", "long");
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    rollback(&cluster, "shop", Some(2), &options(), &Silent).await.unwrap();
    assert_eq!(
        double.get("configmaps", "shop", "long").unwrap()["data"]["LOG_LEVEL"].as_str().unwrap().len(),
        long.len()
    );
}

#[tokio::test]
async fn a_record_that_cannot_be_written_does_not_fail_the_deployment() {
    let (double, cluster, mut desired) = deployed().await;
    double.state().denied.insert(crate::double::Deny("create", "secrets"));
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("debug"));
    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(outcome.release.is_none() && outcome.notes[0].contains("could not be recorded"), "{:?}", outcome.notes);
}

#[tokio::test]
async fn one_deploys_at_a_time_and_a_dead_holder_is_outlived() {
    let (double, cluster, desired) = deployed().await;
    let lease = |ago: i64| {
        let renewed = SystemClock.now().checked_sub(jiff::SignedDuration::from_secs(ago)).unwrap();
        json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "mainstay-deploy", "namespace": "shop"},
            "spec": {"holderIdentity": "bob (x1)", "leaseDurationSeconds": 60, "renewTime": format!("{renewed:.6}")}})
    };
    double.create("leases", lease(10));
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC016");
    assert!(failure.to_string().starts_with("bob (x1) is deploying to namespace shop"), "{failure}");
    double.state().delete(resource("leases"), "shop", "mainstay-deploy");
    double.create("leases", lease(120));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("leases", "shop", "mainstay-deploy").is_none());
}

#[tokio::test]
async fn destroying_keeps_data_unless_told() {
    let (double, cluster, desired) = deployed().await;
    let labels = fixture::labels("shop", "postgres");
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-postgres-0", "namespace": "shop", "labels": labels}, "spec": {}});
    double.create("persistentvolumeclaims", claim);
    let secret = || double.get("secrets", "shop", "db-secrets").map(|s| s["data"].clone());
    let before = secret();
    let patience = Duration::from_secs(5);
    let done = destroy(&cluster, "shop", "shop", Data::Keep, patience, &Silent).await.unwrap();
    let kept: Vec<_> = done.iter().filter(|a| a.change == Change::Kept).map(|a| a.object.as_str()).collect();
    assert_eq!(kept, ["Secret api-keys", "Secret db-secrets"]);
    assert!(double.get("persistentvolumeclaims", "shop", "data-postgres-0").is_some());
    assert!(double.get("namespaces", "", "shop").is_some());
    for plural in ["deployments", "statefulsets", "services", "jobs", "pods", "horizontalpodautoscalers", "leases"] {
        assert_eq!(double.state().all(plural, Some("shop")).len(), 0, "{plural}");
    }
    // a later deploy finds its passwords again
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(secret(), before);

    destroy(&cluster, "shop", "shop", Data::Delete, patience, &Silent).await.unwrap();
    assert!(double.get("namespaces", "", "shop").is_none());
    assert!(double.get("persistentvolumeclaims", "shop", "data-postgres-0").is_none());
}

#[tokio::test]
async fn an_adopted_namespace_is_never_deleted() {
    let double = crate::double::Double::start().await;
    let theirs = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    double.create("namespaces", theirs);
    let (cluster, desired) = (double.cluster(), fixture::project("shop"));
    deploy(&cluster, &desired, &Options { adopt_namespace: true, ..options() }, &Silent).await.unwrap();
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    destroy(&cluster, "shop", "shop", Data::Delete, Duration::from_secs(5), &Silent).await.unwrap();
    assert!(double.get("namespaces", "", "shop").is_some());
    assert_eq!(double.state().all("secrets", Some("shop")).len(), 0);
}
