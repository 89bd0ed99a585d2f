//! The main scenario on a real cluster. `MAINSTAY_TEST_KUBECONFIG=… cargo test -p mainstay-cluster -- --ignored`; the image of
//! `MAINSTAY_TEST_IMAGE` needs `sleep` and `true`.

use crate::fixture;
use mainstay_cluster::{Action, Change, Data, Event, Options, Pace, connect, deploy, destroy, history, plan, rollback};
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

/// What cannot become ready, on a real node: the same causes as in `failing`, in the words of the real kubelet.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: MAINSTAY_TEST_KUBECONFIG"]
async fn failures_on_a_real_node() {
    let path = std::env::var("MAINSTAY_TEST_KUBECONFIG").expect("MAINSTAY_TEST_KUBECONFIG");
    let cluster = connect(None, Some(Path::new(&path)), SystemClock::shared()).await.unwrap();
    let pace = Pace {
        look: Duration::from_secs(1),
        schedule: Duration::from_secs(5),
        volume: Duration::from_secs(10),
        ..Pace::default()
    };
    let cluster = cluster.paced(pace);
    let tell = |event: &Event| println!("{}", serde_json::to_string(event).unwrap());
    let options = fixture::options();
    let name = "mainstay-failing";
    let desired = fixture::project(name);
    deploy(&cluster, &desired, &options, &tell).await.map_err(|f| println!("{f}")).unwrap();

    let container = "/spec/template/spec/containers/0";
    let secret = json!([{"name": "X", "valueFrom": {"secretKeyRef": {"name": "db-secrets", "key": "NOPE"}}}]);
    let volumes = json!([{"name": "v", "secret": {"secretName": "no-such"}}]);
    let cases = [
        (format!("{container}/image"), json!("registry.invalid/none:1"), "cannot be pulled"),
        (format!("{container}/command"), json!(["sh", "-c", "echo the reason; exit 64"]), "exit code 64"),
        (format!("{container}/env"), secret, "NOPE"),
        (format!("{container}/resources"), json!({"requests": {"cpu": "900"}}), "Insufficient cpu"),
        ("/spec/template/spec/volumes".to_owned(), volumes, "no-such"),
    ];
    for (pointer, value, expected) in cases {
        let mut broken = desired.clone();
        let object = broken.objects.iter_mut().find(|o| o.kind() == "Deployment" && o.name() == "data").unwrap();
        let (parent, field) = pointer.rsplit_once('/').unwrap();
        object.value.pointer_mut(parent).unwrap()[field] = value;
        if field == "volumes" {
            // the kubelet sets up only what is mounted
            object.value.pointer_mut(container).unwrap()["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
        }
        let began = std::time::Instant::now();
        let failure =
            deploy(&cluster, &broken, &Options { deadline: Duration::from_secs(45), ..options.clone() }, &tell)
                .await
                .unwrap_err();
        println!("=== {} s: {failure}\n{failure:?}", began.elapsed().as_secs());
        assert!(format!("{failure:?}").contains(expected), "{expected}");
    }
    let mut broken = desired.clone();
    fixture::set(&mut broken, "Job", "db-init-aaaa", "/metadata/name", json!("db-init-bbbb"));
    fixture::set(
        &mut broken,
        "Job",
        "db-init-bbbb",
        &format!("{container}/command"),
        json!(["sh", "-c", "echo bad migration; exit 42"]),
    );
    for _ in 0..2 {
        let failure = deploy(&cluster, &broken, &options, &tell).await.unwrap_err();
        println!("=== {failure}");
        assert!(failure.to_string().contains("bad migration"), "also when it runs again");
    }
    let outcome = rollback(&cluster, name, Some(1), &options, &tell).await.unwrap();
    println!("=== {:?}", outcome.notes);
    assert!(!plan(&cluster, &desired, &options).await.unwrap().changes());
    let looked = mainstay_cluster::status(&cluster, name, name).await.unwrap();
    println!("=== {}", serde_json::to_string_pretty(&looked).unwrap());
    let found = mainstay_cluster::preflight(&cluster, &desired).await.unwrap();
    println!("=== {}", serde_json::to_string_pretty(&found).unwrap());
    println!("=== {:?}", destroy(&cluster, name, name, Data::Delete, Duration::from_secs(90), &tell).await);
}

/// A port of this machine leads to a pod; logs come as they are written; the autoscaler and other managers meet.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: MAINSTAY_TEST_KUBECONFIG"]
async fn ways_in_and_hands_of_others_on_a_real_node() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let path = std::env::var("MAINSTAY_TEST_KUBECONFIG").expect("MAINSTAY_TEST_KUBECONFIG");
    let cluster = connect(None, Some(Path::new(&path)), SystemClock::shared()).await.unwrap();
    let cluster = cluster.paced(Pace { look: Duration::from_secs(1), ..Pace::default() });
    let tell = |event: &Event| println!("{}", serde_json::to_string(event).unwrap());
    let options = fixture::options();
    let name = "mainstay-ways";
    let mut desired = fixture::project(name);
    let serve = json!([
        "sh",
        "-c",
        "echo up; mkdir -p /tmp/w; echo hello > /tmp/w/index.html; busybox httpd -f -p 8080 -h /tmp/w"
    ]);
    fixture::set(&mut desired, "Deployment", "data", "/spec/template/spec/containers/0/command", serve);
    deploy(&cluster, &desired, &options, &tell).await.map_err(|f| println!("{f}")).unwrap();

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let ask = async {
        let mut last = String::new();
        for _ in 0..3 {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.unwrap();
            last = answer;
        }
        last
    };
    let told = |text: &str| println!("forward: {text}");
    let answer = tokio::select! {
        ended = mainstay_cluster::forward(&cluster, name, name, "data", "http", listener, told) => panic!("{ended:?}"),
        answer = ask => answer,
    };
    assert!(answer.contains("hello"), "{answer}");
    let request = mainstay_cluster::LogRequest { component: Some("data".into()), follow: true, ..Default::default() };
    let mut lines = Vec::new();
    mainstay_cluster::logs(&cluster, name, name, &request, |line| {
        lines.push(line);
        lines.len() < 2
    })
    .await
    .unwrap();
    assert!(lines.iter().all(|l| l.line == "up"), "{lines:?}");

    let kubectl = |arguments: &[&str]| {
        let done = std::process::Command::new("kubectl")
            .args(["--kubeconfig", &path, "-n", name])
            .args(arguments)
            .output()
            .unwrap();
        println!("{} {}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    };
    kubectl(&["set", "image", "deployment/data", "data=localhost/pause:1"]);
    kubectl(&["label", "service/data", "colour=blue"]);
    let failure = deploy(&cluster, &desired, &options, &tell).await.unwrap_err();
    println!("=== {failure}");
    assert_eq!(failure.error.code(), "MC020");
    let take = Options { take_ownership: vec!["Deployment/data".into()], ..options.clone() };
    deploy(&cluster, &desired, &take, &tell).await.unwrap();
    // the autoscaler is turned on for data and its fixed number goes: nothing is reset
    let place = desired.objects.iter().position(|o| o.kind() == "Deployment" && o.name() == "data").unwrap();
    let mut scaled = desired.clone();
    let value = &mut scaled.objects[place].value;
    value["spec"].as_object_mut().unwrap().remove("replicas");
    value["metadata"]["annotations"] = json!({mainstay_manifest::keys::INITIAL_REPLICAS: "3"});
    deploy(&cluster, &scaled, &options, &tell).await.unwrap();
    kubectl(&["get", "deployment", "data", "-o", "jsonpath={.spec.replicas}"]);
    assert!(!plan(&cluster, &scaled, &options).await.unwrap().changes());
    let outcome = deploy(&cluster, &scaled, &options, &tell).await.unwrap();
    assert!(!outcome.changed());
    deploy(&cluster, &desired, &options, &tell).await.unwrap();
    let selector = json!({mainstay_manifest::keys::NAME: "data"});
    fixture::set(&mut desired, "Deployment", "data", "/spec/selector/matchLabels", selector);
    println!("=== {}", deploy(&cluster, &desired, &options, &tell).await.unwrap_err());
    desired.objects[place].value["spec"]["replica"] = 1.into();
    println!("=== {}", deploy(&cluster, &desired, &options, &tell).await.unwrap_err());
    println!("=== {:?}", mainstay_cluster::status(&cluster, name, name).await.unwrap().drift);
    destroy(&cluster, name, name, Data::Delete, Duration::from_secs(90), &tell).await.unwrap();
}
