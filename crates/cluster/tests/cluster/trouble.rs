//! A server that is busy, forgetful, strict, or not there.

use crate::double::{Behaviour, Deny, Double, Fault};
use crate::fixture::{Told, options, project};
use mainstay_cluster::{Options, Silent, connect, deploy};
use mainstay_kernel::clock::SystemClock;
use std::time::Duration;

#[tokio::test]
async fn a_busy_server_is_asked_again() {
    let double = Double::start().await;
    let fault = |method, path, status| Fault { method, path, status, times: 2 };
    double.state().faults =
        vec![fault("PATCH", "deployments/data", 429), fault("GET", "configmaps", 503), fault("PATCH", "services", 500)];
    let outcome = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap();
    assert_eq!(outcome.release, Some(1));
    double.state().faults = vec![Fault { method: "PATCH", path: "deployments/data", status: 500, times: 99 }];
    let failure = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC008");
    assert!(failure.to_string().contains("patch Deployment data"), "{failure}");
}

#[tokio::test]
async fn a_watch_that_ends_or_is_forgotten_goes_on() {
    for short in [true, false] {
        let double = Double::start().await;
        double.behave("data", Behaviour::Silent);
        if short {
            double.state().short_watches = Some(1);
        }
        let other = double.clone();
        let cluster = double.cluster();
        let meanwhile = async move {
            for n in 0..10_u32 {
                tokio::time::sleep(Duration::from_millis(20)).await;
                other.edit("deployments", "shop", "data", "x", |o| {
                    o["metadata"]["annotations"] = serde_json::json!({"n": n.to_string()})
                });
                let now = other.state().version;
                if !short {
                    other.state().forgotten = now + 1;
                }
            }
            other.behave("data", Behaviour::Ready);
        };
        let desired = project("shop");
        let wishes = options();
        let (outcome, ()) = tokio::join!(deploy(&cluster, &desired, &wishes, &Silent), meanwhile);
        assert_eq!(outcome.unwrap().release, Some(1));
    }
}

#[tokio::test]
async fn what_is_not_allowed_is_named() {
    let double = Double::start().await;
    double.state().denied.insert(Deny("patch", "services"));
    let failure = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC005");
    assert!(failure.to_string().contains("patch Service in namespace shop"), "{failure}");
}

#[tokio::test]
async fn without_the_right_to_watch_or_to_see_pods_waiting_still_works() {
    let double = Double::start().await;
    double.state().denied.extend([
        Deny("watch", "deployments"),
        Deny("list", "pods"),
        Deny("list", "events"),
        Deny("list", "replicasets"),
    ]);
    deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap();
}

#[tokio::test]
async fn inside_a_namespace_that_may_not_be_looked_at() {
    let double = Double::start().await;
    let theirs = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    double.state().create(crate::double::resource("namespaces"), theirs, false);
    double.state().denied.extend([Deny("get", "namespaces"), Deny("patch", "namespaces")]);
    let mut desired = project("shop");
    desired.objects.retain(|o| o.kind() != "Namespace");
    deploy(&double.cluster(), &desired, &options(), &Silent).await.unwrap();
}

#[tokio::test]
async fn namespaces_that_are_missing_or_going_are_told() {
    let double = Double::start().await;
    let mut desired = project("shop");
    desired.objects.retain(|o| o.kind() != "Namespace");
    assert_eq!(deploy(&double.cluster(), &desired, &options(), &Silent).await.unwrap_err().error.code(), "MC013");
    let going = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "status": {"phase": "Terminating"}});
    double.state().create(crate::double::resource("namespaces"), going, false);
    assert_eq!(deploy(&double.cluster(), &desired, &options(), &Silent).await.unwrap_err().error.code(), "MC012");
}

#[tokio::test]
async fn a_workload_that_is_deleted_meanwhile_ends_the_wait() {
    let double = Double::start().await;
    double.behave("data", Behaviour::Silent);
    let other = double.clone();
    let (cluster, desired, wishes) = (double.cluster(), project("shop"), Options { ..options() });
    let told = Told::default();
    let meanwhile = async {
        while !told.text().contains("0/2 ready") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        other.state().delete(crate::double::resource("deployments"), "shop", "data");
        other.announce();
    };
    let (failure, ()) = tokio::join!(deploy(&cluster, &desired, &wishes, &told), meanwhile);
    assert!(failure.unwrap_err().to_string().contains("it was deleted"));
}

#[tokio::test]
async fn kubeconfigs_that_lead_nowhere() {
    let folder = std::env::temp_dir().join(format!("mainstay-cluster-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("config");
    let clock = SystemClock::shared;
    let code =
        |result: Result<_, mainstay_cluster::Error>| result.map(|_: mainstay_cluster::Cluster| ()).unwrap_err().code();
    assert_eq!(code(connect(None, Some(&folder.join("none")), clock()).await), "MC001");
    std::fs::write(&path, ": not yaml :\n\t{").unwrap();
    assert_eq!(code(connect(None, Some(&path), clock()).await), "MC001");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\nclusters: [{{name: c, cluster: {{server: 'http://127.0.0.1:{port}'}}}}]\n\
         users: [{{name: ann, user: {{token: abc}}}}]\ncontexts: [{{name: here, context: {{cluster: c, user: ann}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    assert_eq!(code(connect(Some("there"), Some(&path), clock()).await), "MC002");
    let cluster = connect(None, Some(&path), clock()).await.unwrap();
    assert_eq!((cluster.origin().context.as_str(), cluster.origin().user.as_str()), ("here", "ann"));
    let pace = mainstay_cluster::Pace { retry: Duration::from_millis(1), ..Default::default() };
    let failure = deploy(&cluster.paced(pace), &project("shop"), &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC003");
    assert!(failure.to_string().contains("Connection refused"), "{failure}");
    std::fs::remove_dir_all(folder).unwrap();
}
