//! The main scenario on a real cluster. `MAINSTAY_TEST_KUBECONFIG=… cargo test -p mainstay-cluster -- --ignored`; the image of
//! `MAINSTAY_TEST_IMAGE` needs `sleep` and `true`.

use crate::fixture;
use mainstay_cluster::{Action, Change, Data, Event, Pace, connect, deploy, destroy, history, plan, rollback};
use mainstay_kernel::clock::SystemClock;
use serde_json::json;
use std::path::Path;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: MAINSTAY_TEST_KUBECONFIG"]
async fn the_main_scenario_on_a_real_cluster() {
    let path = std::env::var("MAINSTAY_TEST_KUBECONFIG").expect("MAINSTAY_TEST_KUBECONFIG");
    let cluster = connect(None, Some(Path::new(&path)), SystemClock::shared()).await.unwrap();
    let cluster = cluster.paced(Pace { look: Duration::from_secs(1), ..Pace::default() });
    let tell = |event: &Event| println!("{}", serde_json::to_string(event).unwrap());
    let options = fixture::options();
    let name = "mainstay-real";
    let mut desired = fixture::project(name);

    let first = plan(&cluster, &desired, &options).await.unwrap();
    assert!(first.changes() && first.items.iter().all(|i| i.action == Action::Create), "{first:#?}");
    let outcome = deploy(&cluster, &desired, &options, &tell).await.map_err(|f| println!("{f}")).unwrap();
    assert_eq!(outcome.release, Some(1));

    let before = cluster.requests();
    let outcome = deploy(&cluster, &desired, &options, &tell).await.unwrap();
    println!("{} requests for {} objects", cluster.requests() - before, desired.objects.len());
    assert!(
        !outcome.changed(),
        "{:#?}",
        outcome.changes.iter().filter(|a| a.change != Change::Unchanged).collect::<Vec<_>>()
    );
    let again = plan(&cluster, &desired, &options).await.unwrap();
    assert!(
        !again.changes(),
        "{:#?}",
        again.items.iter().filter(|i| i.action != Action::Unchanged).collect::<Vec<_>>()
    );

    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("debug"));
    fixture::remove(&mut desired, "Service", "data");
    let changed = plan(&cluster, &desired, &options).await.unwrap();
    assert_eq!((changed.count(Action::Update), changed.count(Action::Delete)), (1, 1), "{changed:#?}");
    let outcome = deploy(&cluster, &desired, &options, &tell).await.unwrap();
    assert_eq!(outcome.release, Some(2));
    assert_eq!(history(&cluster, name).await.unwrap().len(), 2);

    let outcome = rollback(&cluster, name, None, &options, &tell).await.unwrap();
    assert_eq!(outcome.release, Some(3));

    let done = destroy(&cluster, name, name, Data::Delete, Duration::from_secs(60), &tell).await.unwrap();
    println!("{done:#?}");
}
