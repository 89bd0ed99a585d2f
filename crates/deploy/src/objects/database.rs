//! PostgreSQL: its StatefulSet, Services and volumes, or the Cluster of CloudNativePG; and the Job that prepares it.

use super::common::{annotate, hash, map};
use super::configuration::{CONFIG_LIMIT, PROJECT_FILE, for_pods};
use super::pod::{
    OTHER_UID, OWN_UID, Pod, config_hash, config_volume, container, env, mount, mount_file, ports, scratch,
    secret_volume,
};
use crate::settings::{Database, DatabaseKind};
use crate::system::{Component, Kind, System};
use k8s_openapi::api::apps::v1::{
    RollingUpdateStatefulSetStrategy, StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
    StatefulSetUpdateStrategy,
};
use k8s_openapi::api::batch::v1::{
    Job, JobSpec, PodFailurePolicy, PodFailurePolicyOnExitCodesRequirement, PodFailurePolicyOnPodConditionsPattern,
    PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{
    ConfigMap, ExecAction, HostPathVolumeSource, ObjectReference, PersistentVolume, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PersistentVolumeSpec, Probe, Service, ServicePort,
    ServiceSpec, Volume, VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use mainstay_manifest::{Object, Phase, keys};
use serde_json::json;
use std::collections::BTreeMap;

/// Folder of the volume. The data lies in a folder below it: the top of a fresh volume may hold `lost+found`.
const DATA: &str = "/var/lib/postgresql/data";

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    let settings = &system.project.database;
    if let Some(postgres) = system.components.iter().find(|c| c.kind == Kind::Database) {
        match settings.kind {
            DatabaseKind::CloudNativePg => all.push(cluster(system, settings, postgres)),
            _ => {
                all.extend(volume(system, settings, postgres));
                all.push(stateful_set(system, settings, postgres));
                all.extend(services(system, settings, postgres));
            }
        }
    }
    if let Some(init) = system.components.iter().find(|c| c.kind == Kind::Init) {
        all.extend(migrations(system, init));
        all.push(job(system, init));
    }
    all
}

/// A claim of its own, and with `host_path` the volume it is bound to.
fn volume(system: &System, settings: &Database, postgres: &Component) -> Vec<Object> {
    let storage = &system.project.storage;
    let Some(claim) = &storage.claim_name else { return Vec::new() };
    let mut all = Vec::new();
    let mut spec = claim_spec(system);
    if let Some(path) = &storage.host_path {
        // a PersistentVolume belongs to the whole cluster: its name says whose it is
        let name = format!("{}-{}-pv", system.namespace, settings.name);
        let mut meta = system.cluster_meta("", &postgres.name, "database");
        meta.name = Some(name.clone());
        annotate(&mut meta, keys::KEEP, "true");
        annotate(&mut meta, keys::LINT_IGNORE, "ML135: the project asks for a folder of the node, with Retain");
        let typed = PersistentVolume {
            metadata: meta,
            spec: Some(PersistentVolumeSpec {
                capacity: Some(BTreeMap::from([("storage".to_owned(), Quantity(storage.size.clone()))])),
                access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                persistent_volume_reclaim_policy: Some("Retain".to_owned()),
                storage_class_name: Some(String::new()),
                host_path: Some(HostPathVolumeSource {
                    path: path.clone(),
                    type_: Some("DirectoryOrCreate".to_owned()),
                }),
                claim_ref: Some(ObjectReference {
                    namespace: Some(system.namespace.clone()),
                    name: Some(claim.clone()),
                    ..ObjectReference::default()
                }),
                ..PersistentVolumeSpec::default()
            }),
            ..PersistentVolume::default()
        };
        all.push(Object::new(
            Phase::Database,
            "db/pv.yaml",
            format!(
                "A folder of the node, for local clusters with one node. The data stays when the claim is deleted.\n\
                 The folder must belong to user {OTHER_UID}: `mkdir -p {path} && chown {OTHER_UID} {path}` on the node."
            ),
            &typed,
        ));
        spec.storage_class_name = Some(String::new());
        spec.volume_name = Some(name);
    }
    let mut meta = system.meta_of(claim, postgres);
    annotate(&mut meta, keys::KEEP, "true");
    let typed = PersistentVolumeClaim { metadata: meta, spec: Some(spec), ..PersistentVolumeClaim::default() };
    all.push(Object::new(
        Phase::Database,
        "db/pvc.yaml",
        "The database's volume. Neither `deploy` nor `destroy` removes it; `destroy --delete-data` does.",
        &typed,
    ));
    all
}

fn claim_spec(system: &System) -> PersistentVolumeClaimSpec {
    let storage = &system.project.storage;
    let mode = if storage.single_pod { "ReadWriteOncePod" } else { "ReadWriteOnce" };
    PersistentVolumeClaimSpec {
        access_modes: Some(vec![mode.to_owned()]),
        storage_class_name: storage.class.clone(),
        resources: Some(VolumeResourceRequirements {
            requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(storage.size.clone()))])),
            limits: None,
        }),
        ..PersistentVolumeClaimSpec::default()
    }
}

fn stateful_set(system: &System, settings: &Database, postgres: &Component) -> Object {
    let storage = &system.project.storage;
    let image = settings.image.clone().unwrap_or_else(|| system.third_party("postgres"));
    let data = storage.claim_name.as_ref().map_or(storage.template_name.as_str(), |_| "data");
    let mut main = container(system, "postgres", image, postgres.size);
    main.ports = Some(ports(postgres));
    main.args = Some(parameters(postgres));
    main.env = Some(vec![
        env("PGDATA", format!("{DATA}/pgdata")),
        env("POSTGRES_DB_FILE", "/run/secrets/postgres/POSTGRES_DB"),
        env("POSTGRES_USER_FILE", "/run/secrets/postgres/POSTGRES_USER"),
        env("POSTGRES_PASSWORD_FILE", "/run/secrets/postgres/POSTGRES_PASSWORD"),
        env("POSTGRES_INITDB_ARGS", "--auth-host=scram-sha-256 --auth-local=scram-sha-256 --data-checksums"),
    ]);
    main.volume_mounts = Some(vec![
        mount(data, DATA, false),
        mount("run", "/var/run/postgresql", false),
        mount("tmp", "/tmp", false),
        mount("shm", "/dev/shm", false),
        mount("secrets", "/run/secrets/postgres", true),
    ]);
    main.startup_probe = Some(probe(5, 60, 0));
    main.readiness_probe = Some(probe(settings.readiness_every, 3, 0));
    main.liveness_probe = Some(probe(settings.liveness_every, 6, settings.liveness_delay));
    let mut shm = scratch("shm", "128Mi");
    if let Some(volume) = &mut shm.empty_dir {
        volume.medium = Some("Memory".to_owned());
    }
    let mut pod = Pod::new(system, postgres, OTHER_UID)
        // a fast shutdown has to write a checkpoint
        .grace(120)
        .container(main)
        .volume(secret_volume("secrets", &settings.secret_name))
        .volume(scratch("run", "16Mi"))
        .volume(scratch("tmp", "256Mi"))
        .volume(shm);
    let mut templates = None;
    if let Some(claim) = &storage.claim_name {
        pod = pod.volume(Volume {
            name: "data".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: claim.clone(),
                read_only: None,
            }),
            ..Volume::default()
        });
    } else {
        let mut meta = ObjectMeta {
            name: Some(storage.template_name.clone()),
            labels: Some(system.labels(&postgres.name, "database")),
            ..ObjectMeta::default()
        };
        annotate(&mut meta, keys::KEEP, "true");
        templates = Some(vec![PersistentVolumeClaim {
            metadata: meta,
            spec: Some(claim_spec(system)),
            ..PersistentVolumeClaim::default()
        }]);
    }
    let typed = StatefulSet {
        metadata: system.meta_of(&settings.name, postgres),
        spec: Some(StatefulSetSpec {
            service_name: Some(settings.headless_name.clone()),
            replicas: Some(1),
            pod_management_policy: Some("OrderedReady".to_owned()),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateStatefulSetStrategy { partition: Some(0), max_unavailable: None }),
            }),
            persistent_volume_claim_retention_policy: Some(StatefulSetPersistentVolumeClaimRetentionPolicy {
                when_deleted: Some("Retain".to_owned()),
                when_scaled: Some("Retain".to_owned()),
            }),
            revision_history_limit: Some(5),
            selector: system.pod_selector(postgres),
            template: pod.template(),
            volume_claim_templates: templates,
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    };
    Object::new(
        Phase::Database,
        "db/statefulset.yaml",
        "PostgreSQL. A StatefulSet and not a Deployment: never two servers on one volume. Its volume outlives it.",
        &typed,
    )
    .note("/spec/replicas", "One: this server does not replicate. [kubernetes.database] kind = \"cloudnativepg\" does.")
    .note(
        "/spec/template/spec/securityContext/runAsUser",
        "The image accepts any user; one above 10000 is nobody on the node.",
    )
}

/// A quarter of the memory for shared buffers, as PostgreSQL's documentation recommends; logs to standard output.
fn parameters(postgres: &Component) -> Vec<String> {
    let mebibytes = postgres.size.memory.0 / (1024 * 1024 * 1000);
    [
        format!("shared_buffers={}MB", (mebibytes / 4).max(32)),
        format!("effective_cache_size={}MB", (mebibytes / 2).max(64)),
        "max_connections=200".to_owned(),
        "password_encryption=scram-sha-256".to_owned(),
        "log_min_duration_statement=1000".to_owned(),
    ]
    .into_iter()
    .flat_map(|setting| ["-c".to_owned(), setting])
    .collect()
}

/// `pg_isready` over TCP: during initialisation the server listens on its socket only, and is not ready. The user must be
/// named: without one libpq asks the system for the name of the process's user, which uid 10001 does not have, and
/// `pg_isready` ends with 3 ("no attempt") and never asks the server. No one logs in, so the name need not exist.
fn probe(every: i32, failures: i32, delay: i32) -> Probe {
    let command = ["pg_isready", "--host=127.0.0.1", "--port=5432", "--username=postgres", "--quiet", "--timeout=3"];
    Probe {
        exec: Some(ExecAction { command: Some(command.map(str::to_owned).to_vec()) }),
        period_seconds: Some(every),
        timeout_seconds: Some(5),
        failure_threshold: Some(failures),
        initial_delay_seconds: (delay > 0).then_some(delay),
        ..Probe::default()
    }
}

fn services(system: &System, settings: &Database, postgres: &Component) -> Vec<Object> {
    let port = || ServicePort {
        name: Some("postgres".to_owned()),
        port: 5432,
        target_port: Some(IntOrString::String("postgres".to_owned())),
        protocol: Some("TCP".to_owned()),
        ..ServicePort::default()
    };
    let service = |name: &str, headless: bool| Service {
        metadata: system.meta_of(name, postgres),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            cluster_ip: headless.then(|| "None".to_owned()),
            publish_not_ready_addresses: headless.then_some(false),
            selector: Some(system.selector(postgres)),
            ports: Some(vec![port()]),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    };
    let mut all = Vec::new();
    if settings.service_name != settings.headless_name {
        all.push(Object::new(
            Phase::Database,
            "db/service.yaml",
            "The database's address inside the cluster. Only the pods that network/postgres.yaml names get through.",
            &service(&settings.service_name, false),
        ));
    }
    let file = if all.is_empty() { "db/service.yaml" } else { "db/service-headless.yaml" };
    all.push(Object::new(
        Phase::Database,
        file,
        "Gives each database pod a DNS name of its own.",
        &service(&settings.headless_name, true),
    ));
    all
}

/// A `Cluster` of CloudNativePG: the operator makes pods, volumes, Services and fail-over.
fn cluster(system: &System, settings: &Database, postgres: &Component) -> Object {
    let storage = &system.project.storage;
    let mut volume = json!({ "size": storage.size });
    if let Some(class) = &storage.class {
        volume["storageClass"] = json!(class);
    }
    let value = json!({
        "apiVersion": "postgresql.cnpg.io/v1",
        "kind": "Cluster",
        "metadata": system.meta_of(&settings.name, postgres),
        "spec": {
            "instances": settings.instances,
            "imageName": settings.image.clone().unwrap_or_else(|| system.third_party("cloudnativepg")),
            "primaryUpdateStrategy": "unsupervised",
            "enableSuperuserAccess": true,
            "superuserSecret": { "name": settings.secret_name },
            "bootstrap": { "initdb": { "database": system.database_name(), "dataChecksums": true } },
            "storage": volume,
            "resources": system.resources(postgres.size),
            "affinity": { "enablePodAntiAffinity": true, "topologyKey": "kubernetes.io/hostname" },
            "enablePDB": true,
            "monitoring": { "enablePodMonitor": system.project.monitoring.operator },
        },
    });
    Object::new(
        Phase::Database,
        "db/cluster.yaml",
        "PostgreSQL with replicas and fail-over by the CloudNativePG operator, which must be installed.",
        &value,
    )
}

/// The project's migrations as a ConfigMap; a folder too large for one stays in the image.
fn migrations(system: &System, init: &Component) -> Option<Object> {
    if !in_config_map(system) {
        return None;
    }
    let typed = ConfigMap {
        metadata: system.meta_of(&system.project.database.init_sql_name, init),
        data: Some(system.project.migrations.iter().cloned().collect()),
        ..ConfigMap::default()
    };
    Some(Object::new(
        Phase::Configuration,
        "db/init/configmap.yaml",
        "The SQL that makes schemas and tables: the project's migrations, in the order of their names.",
        &typed,
    ))
}

fn in_config_map(system: &System) -> bool {
    system.project.migrations.iter().map(|(name, sql)| name.len() + sql.len()).sum::<usize>() <= CONFIG_LIMIT
}

/// Prepares roles and schemas and applies pending migrations. It may run again at any time.
fn job(system: &System, init: &Component) -> Object {
    let settings = &system.project.database;
    let mut main = container(system, "migrate", system.image.clone(), init.size);
    main.args = Some(["migrate", "/project", "--wait", "300"].map(str::to_owned).to_vec());
    main.env = Some(vec![env("MAINSTAY_SECRETS_DIR", "/run/secrets/mainstay"), env("MAINSTAY_LOG_FORMAT", "json")]);
    let mut mounts = vec![
        mount("secrets", "/run/secrets/mainstay", true),
        mount_file("project", "/project/mainstay.toml", "mainstay.toml"),
        mount("tmp", "/tmp", false),
    ];
    let mut pod = Pod::new(system, init, OWN_UID)
        .restart("Never")
        .volume(secret_volume("secrets", &system.init_secret()))
        .volume(config_volume("project", PROJECT_FILE, &map([])))
        .volume(scratch("tmp", "64Mi"));
    if in_config_map(system) {
        mounts.push(mount("migrations", "/project/migrations", true));
        pod = pod.volume(config_volume("migrations", &settings.init_sql_name, &map([])));
    }
    main.volume_mounts = Some(mounts);
    let texts = system.project.migrations.iter().flat_map(|(name, sql)| [name.as_str(), sql.as_str()]);
    let text = for_pods(&system.project.file);
    let digest = hash(texts.chain([text.as_str(), system.image.as_str()]));
    let mut meta = system.meta_of(&settings.init_name, init);
    annotate(&mut meta, keys::REPLACE, "true");
    let typed = Job {
        metadata: meta,
        spec: Some(JobSpec {
            backoff_limit: Some(6),
            active_deadline_seconds: Some(900),
            pod_failure_policy: Some(PodFailurePolicy {
                rules: vec![
                    PodFailurePolicyRule {
                        action: "FailJob".to_owned(),
                        on_exit_codes: Some(PodFailurePolicyOnExitCodesRequirement {
                            container_name: Some("migrate".to_owned()),
                            operator: "In".to_owned(),
                            values: vec![2, 42, 64],
                        }),
                        on_pod_conditions: None,
                    },
                    PodFailurePolicyRule {
                        action: "Ignore".to_owned(),
                        on_exit_codes: None,
                        on_pod_conditions: Some(vec![PodFailurePolicyOnPodConditionsPattern {
                            type_: "DisruptionTarget".to_owned(),
                            status: "True".to_owned(),
                        }]),
                    },
                ],
            }),
            template: config_hash(pod.container(main), &digest).template(),
            ..JobSpec::default()
        }),
        ..Job::default()
    };
    Object::new(
        Phase::Init,
        "db/init/job.yaml",
        "Prepares the database: roles, schemas, and the project's migrations that are not applied yet. Roles start after it.\n\
         It may run again without harm. The template of a Job cannot be changed: `mainstay deploy` replaces it; by hand,\n\
         `kubectl replace --force -f` does.",
        &typed,
    )
    .note("/spec/podFailurePolicy/rules/0", "A wrong migration (exit code 42) and wrong settings (2, 64) stay wrong: no further tries.")
    .note("/spec/podFailurePolicy/rules/1", "A node that is drained says nothing about the migration.")
}

#[cfg(test)]
mod tests {
    use super::probe;

    #[test]
    fn the_probe_names_a_user_because_its_own_has_no_name() {
        let command = probe(5, 3, 0).exec.and_then(|exec| exec.command).unwrap_or_default();
        assert_eq!(command.first().map(String::as_str), Some("pg_isready"));
        assert!(command.iter().any(|part| part.starts_with("--username=")), "{command:?}");
    }
}
