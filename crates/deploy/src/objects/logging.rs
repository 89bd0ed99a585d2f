//! Log collection: Loki with Alloy, or Elasticsearch and Kibana with Fluent Bit.

use super::common::{Map, annotate, digest, map};
use super::facts::facts;
use super::pod::{OTHER_UID, Pod, config_hash, config_volume, container, env, get, mount, ports, scratch};
use super::rbac::{rights, rule};
use super::workloads::rolling;
use crate::system::{Component, System};
use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetSpec, StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
};
use k8s_openapi::api::core::v1::{
    ConfigMap, HostPathVolumeSource, PersistentVolumeClaim, PersistentVolumeClaimSpec, PodSecurityContext, Service,
    ServicePort, ServiceSpec, Volume, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase, keys, yaml};
use mainstay_monitoring as watch;
use std::collections::BTreeMap;

/// Why the root file system of the two Elastic images is not read-only.
const WRITES_ITS_IMAGE: &str =
    "ML622: the image writes its configuration and keystore beside its programs when it starts";

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    for component in &system.components {
        match component.name.as_str() {
            "loki" => all.extend(loki(system, component)),
            "alloy" => all.extend(alloy(system, component)),
            "elasticsearch" => all.extend(elasticsearch(system, component)),
            "kibana" => all.extend(kibana(system, component)),
            "fluent-bit" => all.extend(fluent_bit(system, component)),
            _ => {}
        }
    }
    all
}

fn object(system: &System, component: &Component, file: &str, why: &str, typed: &impl serde::Serialize) -> Object {
    Object::new(Phase::Monitoring, format!("{}/{file}.yaml", system.folder(component)), why, typed)
}

fn config(system: &System, component: &Component, data: Map, why: &str) -> Object {
    let name = format!("{}-config", component.name);
    let typed = ConfigMap { metadata: system.meta_of(&name, component), data: Some(data), ..ConfigMap::default() };
    object(system, component, "config", why, &typed)
}

fn service(system: &System, component: &Component, why: &str) -> Object {
    let typed = Service {
        metadata: system.meta_of(&component.name, component),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            // a store has one pod with a name of its own
            cluster_ip: (component.controller == crate::system::Controller::StatefulSet).then(|| "None".to_owned()),
            selector: Some(system.selector(component)),
            ports: Some(vec![ServicePort {
                name: Some("http".to_owned()),
                port: i32::from(component.port("http")),
                target_port: Some(IntOrString::String("http".to_owned())),
                protocol: Some("TCP".to_owned()),
                ..ServicePort::default()
            }]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    object(system, component, "service", why, &typed)
}

/// A store with one pod and a volume of its own.
fn store(system: &System, component: &Component, pod: Pod<'_>) -> StatefulSet {
    let mut meta = ObjectMeta {
        name: Some("data".to_owned()),
        labels: Some(system.labels(&component.name, component.part())),
        ..ObjectMeta::default()
    };
    annotate(&mut meta, keys::KEEP, "true");
    let size = component.volume.clone().unwrap_or_default();
    StatefulSet {
        metadata: system.meta_of(&component.name, component),
        spec: Some(StatefulSetSpec {
            service_name: Some(component.name.clone()),
            replicas: Some(1),
            revision_history_limit: Some(5),
            selector: system.pod_selector(component),
            template: pod.template(),
            persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
                when_deleted: Some("Retain".to_owned()),
                when_scaled: Some("Retain".to_owned()),
            }),
            volume_claim_templates: Some(vec![PersistentVolumeClaim {
                metadata: meta,
                spec: Some(PersistentVolumeClaimSpec {
                    access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                    resources: Some(VolumeResourceRequirements {
                        requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(size))])),
                        limits: None,
                    }),
                    ..PersistentVolumeClaimSpec::default()
                }),
                ..PersistentVolumeClaim::default()
            }]),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }
}

fn loki(system: &System, component: &Component) -> Vec<Object> {
    let data = map([("loki.yaml", &yaml::write_value(&watch::loki_config(system.project.logging.retention_hours)))]);
    let mut main = container(system, "loki", system.third_party("loki"), component.size);
    main.args = Some(vec!["-config.file=/etc/loki/loki.yaml".to_owned()]);
    main.ports = Some(ports(component));
    main.startup_probe = Some(get("/ready", "http", 5, 60));
    main.readiness_probe = Some(get("/ready", "http", 5, 3));
    main.liveness_probe = Some(get("/metrics", "http", 10, 6));
    main.volume_mounts =
        Some(vec![mount("config", "/etc/loki", true), mount("data", "/loki", false), mount("tmp", "/tmp", false)]);
    let hash = digest(&data);
    let pod = Pod::new(system, component, OTHER_UID)
        .grace(120)
        .volume(config_volume("config", "loki-config", &Map::new()))
        .volume(scratch("tmp", "64Mi"))
        .container(main);
    vec![
        config(system, component, data, "One Loki that keeps its data on its own volume."),
        object(
            system,
            component,
            "statefulset",
            "Loki keeps log lines.",
            &store(system, component, config_hash(pod, &hash)),
        ),
        service(system, component, "Grafana reads here, Alloy writes here, and nobody else."),
    ]
}

fn alloy(system: &System, component: &Component) -> Vec<Object> {
    let data = map([("config.alloy", &watch::alloy_config(&facts(system), "http://loki:3100"))]);
    let mut main = container(system, "alloy", system.third_party("alloy"), component.size);
    main.args = Some(
        [
            "run",
            "--server.http.listen-addr=0.0.0.0:12345",
            "--storage.path=/var/lib/alloy",
            "--disable-reporting",
            "/etc/alloy/config.alloy",
        ]
        .map(str::to_owned)
        .to_vec(),
    );
    main.ports = Some(ports(component));
    main.startup_probe = Some(get("/-/ready", "http", 2, 60));
    main.readiness_probe = Some(get("/-/ready", "http", 5, 3));
    main.liveness_probe = Some(get("/-/healthy", "http", 10, 6));
    main.volume_mounts = Some(vec![
        mount("config", "/etc/alloy", true),
        mount("data", "/var/lib/alloy", false),
        mount("tmp", "/tmp", false),
    ]);
    let hash = digest(&data);
    let pod = Pod::new(system, component, OTHER_UID)
        .account(&component.name, true)
        .volume(config_volume("config", "alloy-config", &Map::new()))
        .volume(scratch("data", "256Mi"))
        .volume(scratch("tmp", "64Mi"))
        .container(main);
    let (typed, _) = rolling(system, component, config_hash(pod, &hash).template());
    let rules = vec![rule(&[""], &["pods"], &["get", "list", "watch"]), rule(&[""], &["pods/log"], &["get"])];
    let mut all = rights(system, component, rules, false, "Read-only: the pods of this namespace and their log lines.");
    all.push(config(system, component, data, "Reads the log lines of the project's pods and sends them to Loki."));
    all.push(object(
        system,
        component,
        "deployment",
        "Alloy reads logs through the API of the cluster: no host access, no root, no pod on every node.",
        &typed,
    ));
    all
}

fn elasticsearch(system: &System, component: &Component) -> Vec<Object> {
    let mut main = container(system, "elasticsearch", system.third_party("elasticsearch"), component.size);
    let heap = component.size.memory.0 / (1024 * 1024 * 1000) / 2;
    main.env = Some(vec![
        env("discovery.type", "single-node"),
        env("cluster.name", system.project.name.clone()),
        env("ES_JAVA_OPTS", format!("-Xms{heap}m -Xmx{heap}m")),
        // reached by Kibana and Fluent Bit only, which the network policies hold
        env("xpack.security.enabled", "false"),
        env("xpack.ml.enabled", "false"),
        env("path.logs", "/tmp"),
    ]);
    main.ports = Some(ports(component));
    main.startup_probe = Some(get("/_cluster/health?local=true", "http", 10, 60));
    main.readiness_probe = Some(get("/_cluster/health?local=true", "http", 10, 3));
    main.liveness_probe = Some(get("/", "http", 20, 6));
    // it writes its configuration and its keystore where they lie in the image
    if let Some(security) = &mut main.security_context {
        security.read_only_root_filesystem = Some(false);
    }
    main.volume_mounts = Some(vec![mount("data", "/usr/share/elasticsearch/data", false), mount("tmp", "/tmp", false)]);
    let pod = Pod::new(system, component, 1000).grace(120).volume(scratch("tmp", "512Mi")).container(main);
    vec![
        object(system, component, "statefulset", "Elasticsearch keeps log lines.", &{
            let mut typed = store(system, component, pod);
            annotate(&mut typed.metadata, keys::LINT_IGNORE, WRITES_ITS_IMAGE);
            typed
        }),
        service(system, component, "Kibana reads here, Fluent Bit writes here, and nobody else."),
    ]
}

fn kibana(system: &System, component: &Component) -> Vec<Object> {
    let mut main = container(system, "kibana", system.third_party("kibana"), component.size);
    main.env = Some(vec![
        env("ELASTICSEARCH_HOSTS", "http://elasticsearch:9200"),
        env("TELEMETRY_ENABLED", "false"),
        env("NEWSFEED_ENABLED", "false"),
    ]);
    main.ports = Some(ports(component));
    main.startup_probe = Some(get("/api/status", "http", 10, 60));
    main.readiness_probe = Some(get("/api/status", "http", 10, 3));
    main.liveness_probe = Some(get("/", "http", 20, 6));
    main.volume_mounts = Some(vec![mount("data", "/usr/share/kibana/data", false), mount("tmp", "/tmp", false)]);
    if let Some(security) = &mut main.security_context {
        security.read_only_root_filesystem = Some(false);
    }
    let pod = Pod::new(system, component, 1000)
        .volume(scratch("data", "256Mi"))
        .volume(scratch("tmp", "256Mi"))
        .container(main);
    let (mut typed, _) = rolling(system, component, pod.template());
    annotate(&mut typed.metadata, keys::LINT_IGNORE, WRITES_ITS_IMAGE);
    vec![
        object(system, component, "deployment", "Kibana searches log lines.", &typed),
        service(system, component, "Inside the cluster only. To look at it: kubectl port-forward service/kibana 5601"),
    ]
}

/// One pod on every node that reads the files of the node's log folder. It lives in a namespace of its own, because the
/// project's namespace refuses host folders.
fn fluent_bit(system: &System, component: &Component) -> Vec<Object> {
    let options = watch::FluentBitOptions {
        host: format!("elasticsearch.{}.svc", system.namespace),
        ..watch::FluentBitOptions::default()
    };
    let value = watch::fluent_bit_config(&facts(system), &options);
    let data = map([("fluent-bit.yaml", &yaml::write_value(&value))]);
    let mut main = container(system, "fluent-bit", system.third_party("fluent-bit"), component.size);
    main.args = Some(vec!["-c".to_owned(), "/etc/fluent-bit/fluent-bit.yaml".to_owned()]);
    main.ports = Some(ports(component));
    // its health reports errors while the store is still starting: that is no reason to be killed
    main.startup_probe = Some(get("/", "http", 2, 60));
    main.readiness_probe = Some(get("/api/v1/health", "http", 10, 3));
    main.liveness_probe = Some(get("/", "http", 20, 6));
    main.volume_mounts = Some(vec![
        mount("config", "/etc/fluent-bit", true),
        mount("logs", "/var/log", true),
        mount("buffers", "/buffers", false),
        mount("tmp", "/tmp", false),
    ]);
    // the node's log files belong to root
    if let Some(security) = &mut main.security_context {
        security.run_as_non_root = Some(false);
        security.run_as_user = Some(0);
    }
    let hash = digest(&data);
    let pod = Pod::new(system, component, OTHER_UID)
        .account(&component.name, true)
        .volume(config_volume("config", "fluent-bit-config", &Map::new()))
        .volume(Volume {
            name: "logs".to_owned(),
            host_path: Some(HostPathVolumeSource { path: "/var/log".to_owned(), type_: Some("Directory".to_owned()) }),
            ..Volume::default()
        })
        .volume(scratch("buffers", "512Mi"))
        .volume(scratch("tmp", "64Mi"))
        .container(main);
    let mut template = config_hash(pod, &hash).template();
    if let Some(spec) = &mut template.spec {
        spec.security_context = Some(PodSecurityContext {
            run_as_non_root: Some(false),
            ..spec.security_context.take().unwrap_or_default()
        });
    }
    let typed = DaemonSet {
        metadata: system.meta_of(&component.name, component),
        spec: Some(DaemonSetSpec {
            selector: system.pod_selector(component),
            revision_history_limit: Some(5),
            template,
            ..DaemonSetSpec::default()
        }),
        ..DaemonSet::default()
    };
    let rules = vec![rule(&[""], &["pods"], &["get", "list", "watch"])];
    let mut all = rights(system, component, rules, false, "Read-only: the pods of the project, for their labels.");
    all.push(config(
        system,
        component,
        data,
        "Reads the files of the project's pods and sends their lines to Elasticsearch.",
    ));
    all.push(object(system, component, "daemonset", "Fluent Bit reads the nodes' log files.", &typed));
    all
}
