//! Deploying, again, differently.

use crate::double::Double;
use crate::fixture::{self, options, project};
use mainstay_cluster::{Action, Change, Error, Options, Silent, deploy, plan};
use mainstay_manifest::{Phase, keys};
use serde_json::json;

/// A double with the project on it.
pub(crate) async fn deployed() -> (Double, mainstay_cluster::Cluster, mainstay_cluster::Desired) {
    let double = Double::start().await;
    let (cluster, desired) = (double.cluster(), project("shop"));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    double.requests();
    (double, cluster, desired)
}

#[tokio::test]
async fn the_first_deploy_makes_everything_and_the_second_changes_nothing() {
    let double = Double::start().await;
    let (cluster, desired) = (double.cluster(), project("shop"));
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert!(planned.changes());
    assert!(planned.items.iter().all(|i| i.action == Action::Create), "{planned:#?}");
    assert_eq!(planned.items.iter().filter(|i| i.verified).count(), 1, "only the namespace can be tried");
    assert!(double.get("namespaces", "", "shop").is_none(), "a plan changes nothing");

    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(outcome.changes.iter().all(|a| a.change == Change::Created), "{:#?}", outcome.changes);
    assert_eq!((outcome.changes.len(), outcome.release), (desired.objects.len(), Some(1)));
    assert!(double.get("leases", "shop", "mainstay-deploy").is_none(), "the lock is given back");

    double.requests();
    let writes = |double: &Double| {
        let state = double.state();
        state.history.iter().filter(|c| !["resourcequotas", "leases"].contains(&c.plural)).count()
    };
    let before = writes(&double);
    let outcome = deploy(&double.cluster(), &desired, &options(), &Silent).await.unwrap();
    assert!(!outcome.changed(), "{:#?}", outcome.changes);
    assert_eq!(outcome.release, Some(1), "no release is added");
    let requests = double.requests();
    let kinds = 10;
    // discovery 2, namespace 1, lock 3, parent 1, releases 1
    assert!(requests.len() <= desired.objects.len() + kinds + 8, "{} {requests:#?}", requests.len());
    assert_eq!(requests.iter().filter(|r| r.starts_with("PATCH")).count(), desired.objects.len());
    assert_eq!(writes(&double), before, "nothing is written but the lock");
    assert!(!plan(&cluster, &desired, &options()).await.unwrap().changes());
}

#[tokio::test]
async fn old_servers_are_discovered_group_by_group() {
    let double = Double::start().await;
    double.state().old_discovery = true;
    double.state().page = 2;
    let outcome = deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap();
    assert!(outcome.changed());
    assert!(!deploy(&double.cluster(), &project("shop"), &options(), &Silent).await.unwrap().changed());
}

#[tokio::test]
async fn a_change_is_planned_and_done_and_nothing_else() {
    let (double, cluster, mut desired) = deployed().await;
    fixture::set(&mut desired, "ConfigMap", "settings", "/data/LOG_LEVEL", json!("debug"));
    fixture::set(
        &mut desired,
        "Deployment",
        "data",
        "/spec/template/spec/containers/0/image",
        json!("registry.test/mainstay:2"),
    );
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    let fields: Vec<String> = planned
        .items
        .iter()
        .flat_map(|i| i.fields.iter().map(move |f| format!("{} {} {:?} {:?}", i.object, f.field, f.old, f.new)))
        .collect();
    assert_eq!(
        fields,
        [
            "ConfigMap settings .data.LOG_LEVEL Some(\"\\\"info\\\"\") Some(\"\\\"debug\\\"\")",
            "Deployment data .spec.template.spec.containers[name=\"data\"].image Some(\"\\\"registry.test/mainstay:1\\\"\") Some(\"\\\"registry.test/mainstay:2\\\"\")",
        ]
    );
    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let changed: Vec<_> =
        outcome.changes.iter().filter(|a| a.change != Change::Unchanged).map(|a| a.object.as_str()).collect();
    assert_eq!(changed, ["ConfigMap settings", "Deployment data"]);
    assert_eq!(outcome.release, Some(2));
    assert_eq!(double.get("configmaps", "shop", "settings").unwrap()["data"]["LOG_LEVEL"], "debug");
}

#[tokio::test]
async fn a_field_that_the_project_drops_goes_and_a_field_of_others_stays() {
    let (double, cluster, mut desired) = deployed().await;
    double.edit("configmaps", "shop", "settings", "other", |o| o["data"]["THEIRS"] = "kept".into());
    let object = desired.objects.iter_mut().find(|o| o.name() == "settings").unwrap();
    object.value["data"] = json!({"NEW": "1"});
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(double.get("configmaps", "shop", "settings").unwrap()["data"], json!({"NEW": "1", "THEIRS": "kept"}));
}

#[tokio::test]
async fn pruning_takes_what_is_gone_and_never_data() {
    let (double, cluster, mut desired) = deployed().await;
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "uploads", "namespace": "shop", "labels": fixture::labels("shop", "storage")},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    desired.objects.push(fixture::object(Phase::Database, claim));
    desired.objects.push(fixture::config_map("shop", "old-hash-1", "x"));
    let mut marked = fixture::config_map("shop", "marked", "x");
    marked.value["metadata"]["annotations"] = json!({keys::KEEP: "true"});
    desired.objects.push(marked);
    deploy(&cluster, &desired, &Options { wait: false, ..options() }, &Silent).await.unwrap();
    // somebody else's object of the same kind
    double.state().create(
        crate::double::resource("configmaps"),
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": "shop"}}),
        false,
    );
    for (kind, name) in [
        ("PersistentVolumeClaim", "uploads"),
        ("ConfigMap", "old-hash-1"),
        ("ConfigMap", "marked"),
        ("Secret", "api-keys"),
        ("HorizontalPodAutoscaler", "gateway"),
        ("Deployment", "gateway"),
        ("Service", "gateway"),
        ("StatefulSet", "postgres"),
    ] {
        fixture::remove(&mut desired, kind, name);
    }
    desired.secrets.retain(|s| s.name != "api-keys");
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert_eq!((planned.count(Action::Delete), planned.count(Action::Keep)), (5, 3), "{planned:#?}");
    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let of =
        |change| outcome.changes.iter().filter(|a| a.change == change).map(|a| a.object.as_str()).collect::<Vec<_>>();
    assert_eq!(
        of(Change::Pruned),
        [
            "HorizontalPodAutoscaler gateway",
            "Service gateway",
            "Deployment gateway",
            "StatefulSet postgres",
            "ConfigMap old-hash-1"
        ]
    );
    assert_eq!(of(Change::Kept), ["ConfigMap marked", "PersistentVolumeClaim uploads", "Secret api-keys"]);
    assert!(double.get("configmaps", "shop", "theirs").is_some());
    let parent = double.get("configmaps", "shop", "mainstay").unwrap();
    let kinds =
        parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"].as_str().unwrap().to_owned();
    assert_eq!(
        kinds,
        "ConfigMap,Deployment.apps,Job.batch,Namespace,PersistentVolumeClaim,ResourceQuota,Secret,Service,ServiceAccount",
        "kinds of what is kept stay, others go"
    );
    assert!(!deploy(&cluster, &desired, &options(), &Silent).await.unwrap().changed(), "what is kept is no change");
}

#[tokio::test]
async fn an_autoscalers_replicas_survive_a_deploy() {
    let (double, cluster, mut desired) = deployed().await;
    assert_eq!(double.get("deployments", "shop", "gateway").unwrap()["spec"]["replicas"], 3, "the initial number");
    double.state().edit("deployments", "shop", "gateway", "kube-controller-manager", "scale", |o| {
        o["spec"]["replicas"] = 5.into()
    });
    fixture::set(&mut desired, "Deployment", "gateway", "/spec/progressDeadlineSeconds", json!(301));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(double.get("deployments", "shop", "gateway").unwrap()["spec"]["replicas"], 5);
}

#[tokio::test]
async fn turning_the_autoscaler_on_and_off_does_not_reset_replicas() {
    let (double, cluster, mut desired) = deployed().await;
    let replicas = || double.get("deployments", "shop", "data").unwrap()["spec"]["replicas"].clone();
    let place = desired.objects.iter().position(|o| o.kind() == "Deployment" && o.name() == "data").unwrap();
    let fixed = std::mem::replace(&mut desired.objects[place], fixture::deployment("shop", "data", None));
    let mut scaler = desired.objects.iter().find(|o| o.kind() == "HorizontalPodAutoscaler").unwrap().clone();
    scaler.value["metadata"]["name"] = "data".into();
    scaler.value["spec"]["scaleTargetRef"]["name"] = "data".into();
    desired.objects.push(scaler);
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(replicas(), 2, "not reset to the default of 1");
    double
        .state()
        .edit("deployments", "shop", "data", "kube-controller-manager", "scale", |o| o["spec"]["replicas"] = 4.into());
    desired.objects.pop();
    desired.objects[place] = fixed;
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert_eq!(replicas(), 2, "the project's number again");
}

#[tokio::test]
async fn conflicts_name_the_owner_and_both_values_and_can_be_taken() {
    let (double, cluster, mut desired) = deployed().await;
    double.edit("deployments", "shop", "data", "kubectl-edit", |o| {
        o["spec"]["template"]["spec"]["containers"][0]["image"] = "evil:1".into();
        o["spec"]["replicas"] = 7.into();
    });
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert_eq!(planned.count(Action::Conflict), 1);
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    let text = failure.error.to_string();
    assert_eq!(failure.error.code(), "MC020");
    let Error::Conflict(report) = &failure.error else { panic!("{text}") };
    assert_eq!(report.object, "Deployment/data");
    let fields: Vec<_> = report.fields.iter().map(|f| (f.field.as_str(), f.theirs.as_str(), f.ours.as_str())).collect();
    assert_eq!(
        fields,
        [
            (".spec.replicas", "7", "2"),
            (".spec.template.spec.containers[name=\"data\"].image", "\"evil:1\"", "\"registry.test/mainstay:1\"")
        ]
    );
    assert!(report.fields[0].owner.starts_with("kubectl-edit using"), "{text}");
    assert!(text.contains("--take-ownership=Deployment/data"), "{text}");

    let partly = Options { take_ownership: vec![".spec.replicas".into()], ..options() };
    assert!(deploy(&cluster, &desired, &partly, &Silent).await.is_err(), "a path does not take the others");
    let all = Options { take_ownership: vec!["deployment/data".into()], ..options() };
    deploy(&cluster, &desired, &all, &Silent).await.unwrap();
    assert_eq!(double.get("deployments", "shop", "data").unwrap()["spec"]["replicas"], 2);
    fixture::set(&mut desired, "Deployment", "data", "/spec/replicas", json!(3));
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
}

#[tokio::test]
async fn a_strange_namespace_is_left_alone_unless_told() {
    let double = Double::start().await;
    let theirs =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "blue"}}});
    double.state().create(crate::double::resource("namespaces"), theirs, false);
    let (cluster, desired) = (double.cluster(), project("shop"));
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC011");
    assert_eq!(double.state().all("configmaps", None).len(), 0);
    deploy(&cluster, &desired, &Options { adopt_namespace: true, ..options() }, &Silent).await.unwrap();
    assert_eq!(double.get("namespaces", "", "shop").unwrap()["metadata"]["labels"]["team"], "blue");
    // from now on it is known, and still not ours to delete
    assert!(!deploy(&cluster, &desired, &options(), &Silent).await.unwrap().changed());
}

#[tokio::test]
async fn unknown_kinds_stop_before_anything_is_changed() {
    let double = Double::start().await;
    let (cluster, mut desired) = (double.cluster(), project("shop"));
    let monitor = json!({"apiVersion": "monitoring.coreos.com/v1", "kind": "ServiceMonitor", "metadata": {"name": "m", "namespace": "shop"}, "spec": {}});
    desired.objects.push(fixture::object(Phase::Monitoring, monitor));
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC010");
    assert!(failure.to_string().contains("Prometheus operator"));
    assert!(double.get("namespaces", "", "shop").is_none());
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert!(planned.items.iter().any(|i| i.object == "ServiceMonitor m" && !i.verified));
}

#[tokio::test]
async fn another_tools_set_and_another_projects_object_are_refused() {
    let (double, cluster, desired) = deployed().await;
    double.edit("services", "shop", "data", "x", |o| {
        o["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = "applyset-else-v1".into()
    });
    assert_eq!(deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err().error.code(), "MC015");
    double.edit("configmaps", "shop", "mainstay", "x", |o| {
        o["metadata"]["annotations"]["applyset.kubernetes.io/tooling"] = "kubectl/v1.36".into();
    });
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC014");
    assert!(failure.to_string().contains("kubectl/v1.36"));
}

#[tokio::test]
async fn what_cannot_change_says_how_to_get_there_and_volumes_grow() {
    let (double, cluster, mut desired) = deployed().await;
    let template =
        |size: &str| json!([{"metadata": {"name": "data"}, "spec": {"resources": {"requests": {"storage": size}}}}]);
    fixture::set(&mut desired, "Deployment", "data", "/spec/selector/matchLabels", json!({keys::NAME: "data"}));
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC021");
    assert!(failure.to_string().contains("kubectl delete deployment data -n shop"), "{failure}");
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert_eq!(planned.count(Action::Refused), 1);

    let mut desired = project("shop");
    desired.objects.iter_mut().find(|o| o.kind() == "StatefulSet").unwrap().value["spec"]["volumeClaimTemplates"] =
        template("1Gi");
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert!(failure.to_string().contains("--cascade=orphan"), "{failure}");
    double.state().delete(crate::double::resource("statefulsets"), "shop", "postgres");
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data-postgres-0", "namespace": "shop"},
        "spec": {"resources": {"requests": {"storage": "1Gi"}}}});
    double.state().create(crate::double::resource("persistentvolumeclaims"), claim, false);
    desired.objects.iter_mut().find(|o| o.kind() == "StatefulSet").unwrap().value["spec"]["volumeClaimTemplates"] =
        template("2Gi");
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    assert!(planned.changes() && planned.count(Action::Refused) == 0, "{planned:#?}");
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let claim = double.get("persistentvolumeclaims", "shop", "data-postgres-0").unwrap();
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "2Gi");
    assert!(!plan(&cluster, &desired, &options()).await.unwrap().changes());
}

#[tokio::test]
async fn a_misspelt_field_is_refused_with_its_name() {
    let (double, cluster, mut desired) = deployed().await;
    desired.objects.iter_mut().find(|o| o.name() == "data" && o.kind() == "Deployment").unwrap().value["spec"]["replica"] =
        2.into();
    double.requests();
    let failure = deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err();
    assert_eq!(failure.error.code(), "MC022");
    assert!(failure.to_string().contains(".spec.replica: field not declared"), "{failure}");
    let patches =
        double.requests().iter().filter(|r| r.starts_with("PATCH") && r.ends_with("deployments/data")).count();
    assert_eq!(patches, 1, "it is not tried again");
}

#[tokio::test]
async fn a_job_with_another_template_is_replaced_when_it_says_so() {
    let (double, cluster, mut desired) = deployed().await;
    let uid = |double: &Double| double.get("jobs", "shop", "db-init-aaaa").unwrap()["metadata"]["uid"].clone();
    let job = |desired: &mut mainstay_cluster::Desired, hash: &str, replace: &str| {
        let job = desired.objects.iter_mut().find(|o| o.kind() == "Job").unwrap();
        job.value["metadata"]["annotations"] = json!({keys::REPLACE: replace});
        job.value["spec"]["template"]["metadata"]["annotations"] = json!({keys::CONFIG_HASH: hash});
    };
    let first = uid(&double);
    job(&mut desired, "2", "false");
    assert_eq!(plan(&cluster, &desired, &options()).await.unwrap().count(Action::Refused), 1);
    assert_eq!(deploy(&cluster, &desired, &options(), &Silent).await.unwrap_err().error.code(), "MC021");
    assert_eq!(uid(&double), first, "whoever does not say so keeps the Job");

    job(&mut desired, "2", "true");
    let planned = plan(&cluster, &desired, &options()).await.unwrap();
    let item = planned.items.iter().find(|i| i.object == "Job db-init-aaaa").unwrap();
    assert_eq!((item.action, item.reason.as_str()), (Action::Update, "it is replaced and runs again"));
    assert_eq!(uid(&double), first, "a plan replaces nothing");
    let outcome = deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    let applied = outcome.changes.iter().find(|a| a.object == "Job db-init-aaaa").unwrap();
    assert_eq!(applied.change, Change::Changed, "{applied:?}");
    let second = uid(&double);
    assert_ne!(second, first);
    assert!(!deploy(&cluster, &desired, &options(), &Silent).await.unwrap().changed());
    assert_eq!(uid(&double), second);

    // what has run is remembered with its configuration: gone and the same stays gone, gone and different runs
    double.state().delete(crate::double::resource("jobs"), "shop", "db-init-aaaa");
    assert!(!plan(&cluster, &desired, &options()).await.unwrap().changes());
    assert!(!deploy(&cluster, &desired, &options(), &Silent).await.unwrap().changed());
    assert!(double.get("jobs", "shop", "db-init-aaaa").is_none());
    job(&mut desired, "3", "true");
    assert!(plan(&cluster, &desired, &options()).await.unwrap().changes());
    deploy(&cluster, &desired, &options(), &Silent).await.unwrap();
    assert!(double.get("jobs", "shop", "db-init-aaaa").is_some());
}
