//! A small project: what the tests want on the cluster.

use mainstay_cluster::{Desired, Options};
use mainstay_manifest::{Object, Phase, SecretKey, SecretSpec, Source, keys};
use serde_json::{Value, json};

/// An image that the double "runs"; the real cluster is told another by `MAINSTAY_TEST_IMAGE`.
pub(crate) fn image() -> String {
    std::env::var("MAINSTAY_TEST_IMAGE").unwrap_or_else(|_| "registry.test/mainstay:1".into())
}

pub(crate) fn labels(project: &str, name: &str) -> Value {
    json!({
        keys::NAME: name, keys::INSTANCE: project, keys::PART_OF: project,
        keys::MANAGED_BY: keys::MANAGER, keys::COMPONENT: "api",
    })
}

pub(crate) fn object(phase: Phase, value: Value) -> Object {
    Object::new(phase, "x.yaml", "a test", &value)
}

fn meta(project: &str, name: &str) -> Value {
    json!({"name": name, "namespace": project, "labels": labels(project, name)})
}

fn pod(project: &str, name: &str, command: &[&str]) -> Value {
    json!({
        "metadata": {"labels": labels(project, name)},
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": name, "image": image(), "imagePullPolicy": "IfNotPresent", "command": command,
                "envFrom": [{"configMapRef": {"name": "settings"}}],
                "ports": [{"name": "http", "containerPort": 8080}],
                "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
            }],
        },
    })
}

/// A Deployment as the deployer renders it; without replicas when an autoscaler scales it.
pub(crate) fn deployment(project: &str, name: &str, replicas: Option<u32>) -> Object {
    let mut value = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(project, name),
        "spec": {
            "progressDeadlineSeconds": 300,
            "selector": {"matchLabels": {keys::NAME: name, keys::INSTANCE: project}},
            "template": pod(project, name, &["sleep", "1000000"]),
        },
    });
    match replicas {
        Some(count) => value["spec"]["replicas"] = count.into(),
        None => value["metadata"]["annotations"] = json!({keys::INITIAL_REPLICAS: "3"}),
    }
    object(Phase::Application, value)
}

pub(crate) fn config_map(project: &str, name: &str, value: &str) -> Object {
    let map =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta(project, name), "data": {"LOG_LEVEL": value}});
    object(Phase::Configuration, map)
}

pub(crate) fn namespace(project: &str) -> Object {
    object(
        Phase::Namespace,
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": project, "labels": labels(project, project)}}),
    )
}

pub(crate) fn job(project: &str, name: &str) -> Object {
    let mut template = pod(project, name, &["true"]);
    template["spec"]["restartPolicy"] = "Never".into();
    object(
        Phase::Init,
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta(project, name),
            "spec": {"backoffLimit": 1, "template": template}}),
    )
}

/// Namespace, configuration, Secrets, a database, its Job, two roles of which one is scaled, scaling.
pub(crate) fn project(project: &str) -> Desired {
    let secret = |name: &str| {
        let mut meta = meta(project, name);
        meta["annotations"] = json!({keys::SECRET_KEYS: "x", keys::KEEP: "true"});
        object(Phase::Configuration, json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta}))
    };
    let service = |name: &str, phase| {
        object(
            phase,
            json!({"apiVersion": "v1", "kind": "Service", "metadata": meta(project, name), "spec": {
            "type": "ClusterIP", "selector": {keys::NAME: name, keys::INSTANCE: project},
            "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}}),
        )
    };
    let set = object(
        Phase::Database,
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta(project, "postgres"), "spec": {
            "replicas": 1, "serviceName": "postgres",
            "selector": {"matchLabels": {keys::NAME: "postgres", keys::INSTANCE: project}},
            "template": pod(project, "postgres", &["sleep", "1000000"])}}),
    );
    let account = object(
        Phase::Configuration,
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta(project, "gateway"), "automountServiceAccountToken": false}),
    );
    let scaler = object(
        Phase::Scaling,
        json!({"apiVersion": scaler_version(), "kind": "HorizontalPodAutoscaler", "metadata": meta(project, "gateway"), "spec": {
            "minReplicas": 2, "maxReplicas": 5,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "gateway"}}}),
    );
    let key = |name: &str, source| SecretKey { name: name.into(), source };
    Desired {
        project: project.into(),
        namespace: project.into(),
        version: "1".into(),
        objects: vec![
            namespace(project),
            object(
                Phase::Namespace,
                json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": meta(project, "rq"),
                    "spec": {"hard": {"secrets": "40", "pods": "30"}}}),
            ),
            config_map(project, "settings", "info"),
            secret("db-secrets"),
            secret("api-keys"),
            account,
            set,
            service("postgres", Phase::Database),
            job(project, "db-init-aaaa"),
            deployment(project, "gateway", None),
            service("gateway", Phase::Application),
            deployment(project, "data", Some(2)),
            service("data", Phase::Application),
            scaler,
        ],
        secrets: vec![
            SecretSpec {
                name: "db-secrets".into(),
                keys: vec![
                    key("POSTGRES_USER", Source::Plain("owner".into())),
                    key("POSTGRES_PASSWORD", Source::Random(24)),
                    key(
                        "DATABASE_URL",
                        Source::Template(
                            "postgres://{db-secrets/POSTGRES_USER}:{db-secrets/POSTGRES_PASSWORD}@postgres/app".into(),
                        ),
                    ),
                ],
            },
            SecretSpec {
                name: "api-keys".into(),
                keys: vec![
                    key("PUBLISHABLE_KEY", Source::PublishableKey),
                    key("SECRET_KEY", Source::SecretApiKey),
                    key("JWT_KEYS", Source::SigningKeys),
                ],
            },
        ],
        migrations: vec!["0001_start".into()],
    }
}

fn scaler_version() -> String {
    std::env::var("MAINSTAY_TEST_HPA").unwrap_or_else(|_| "autoscaling/v2".into())
}

pub(crate) fn options() -> Options {
    Options { deadline: std::time::Duration::from_secs(60), who: Some("tester".into()), ..Options::default() }
}

/// Replaces the value at a JSON pointer of the named object.
pub(crate) fn set(desired: &mut Desired, kind: &str, name: &str, pointer: &str, value: Value) {
    let object = desired.objects.iter_mut().find(|o| o.kind() == kind && o.name() == name).expect("the object");
    *object.value.pointer_mut(pointer).expect("the pointer") = value;
}

pub(crate) fn remove(desired: &mut Desired, kind: &str, name: &str) {
    desired.objects.retain(|o| !(o.kind() == kind && o.name() == name));
}

/// An observer that keeps what it is told, as JSON lines.
#[derive(Default, Clone)]
pub(crate) struct Told(std::sync::Arc<std::sync::Mutex<Vec<String>>>);

impl mainstay_cluster::Observer for Told {
    fn event(&self, event: &mainstay_cluster::Event) {
        self.0.lock().unwrap().push(format!("{} {event:?}", serde_json::to_string(event).unwrap()));
    }
}

impl Told {
    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

/// As much of a certificate as tells its end, in DER: so many days from now.
pub(crate) fn certificate(days: i64) -> String {
    use base64::Engine as _;
    use mainstay_kernel::clock::{Clock as _, SystemClock};
    let ends = SystemClock.now().checked_add(jiff::SignedDuration::from_hours(days * 24)).unwrap();
    let time = ends.strftime("%y%m%d%H%M%SZ").to_string();
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap()], content].concat();
    let time = element(0x17, time.as_bytes());
    let validity = element(0x30, &[time.clone(), time].concat());
    let empty = element(0x30, &[]);
    let version = element(0xa0, &element(0x02, &[2]));
    let tbs = element(0x30, &[version, element(0x02, &[1]), empty.clone(), empty, validity].concat());
    let der = element(0x30, &tbs);
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        base64::engine::general_purpose::STANDARD.encode(der)
    )
}
