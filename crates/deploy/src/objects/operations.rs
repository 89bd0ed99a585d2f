//! Backups and the user's own jobs.

use super::common::{Map, annotate, hash, map};
use super::configuration::PROJECT_FILE;
use super::pod::{
    OTHER_UID, OWN_UID, Pod, config_hash, config_volume, container, env, mount, mount_file, scratch, secret_volume,
};
use super::services::environment;
use crate::settings::Job as Settings;
use crate::system::{Component, Kind, System};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec};
use k8s_openapi::api::core::v1::{
    ConfigMap, PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, Volume,
    VolumeResourceRequirements,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use mainstay_manifest::{Object, Phase, keys};
use std::collections::BTreeMap;

/// Makes a dump, checks that it can be read, then gives it its final name and drops the oldest.
pub(super) const BACKUP_SCRIPT: &str = include_str!("scripts/backup.sh");
/// Restores the newest dump into a server of its own.
pub(super) const VERIFY_SCRIPT: &str = include_str!("scripts/verify.sh");

const SCRIPTS: &str = "backup-scripts";

pub(super) fn objects(system: &System) -> Vec<Object> {
    let mut all = Vec::new();
    if system.component("backup").is_some_and(|c| c.kind == Kind::Backup) {
        all.extend(backups(system));
    }
    for component in system.components.iter().filter(|c| c.kind == Kind::Job) {
        if let Some(settings) = system.project.jobs.get(&component.name) {
            all.extend(own_job(system, component, settings));
        }
    }
    all
}

fn backups(system: &System) -> Vec<Object> {
    let settings = &system.project.backup;
    let mut all = Vec::new();
    let Some(backup) = system.component("backup") else { return all };
    let scripts = ConfigMap {
        metadata: system.meta_of(SCRIPTS, backup),
        data: Some(map([("backup.sh", BACKUP_SCRIPT), ("verify.sh", VERIFY_SCRIPT)])),
        ..ConfigMap::default()
    };
    all.push(Object::new(
        Phase::Configuration,
        "backup/scripts.yaml",
        "What the two CronJobs run. Plain shell, so that a restore by hand needs nothing of ours.",
        &scripts,
    ));
    let mut meta = system.meta_of("backup", backup);
    annotate(&mut meta, keys::KEEP, "true");
    let claim = PersistentVolumeClaim {
        metadata: meta,
        spec: Some(PersistentVolumeClaimSpec {
            access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
            storage_class_name: settings.class.clone(),
            resources: Some(VolumeResourceRequirements {
                requests: Some(BTreeMap::from([("storage".to_owned(), Quantity(settings.storage.clone()))])),
                limits: None,
            }),
            ..PersistentVolumeClaimSpec::default()
        }),
        ..PersistentVolumeClaim::default()
    };
    all.push(Object::new(
        Phase::Monitoring,
        "backup/pvc.yaml",
        "Where dumps are kept. Copy them out of the cluster too: a volume beside the database shares its fate.",
        &claim,
    ));
    for (name, schedule, deadline) in
        [("backup", &settings.schedule, 3600), ("backup-verify", &settings.verify_schedule, 7200)]
    {
        let Some(component) = system.component(name) else { continue };
        let pod = backup_pod(system, component);
        let digest = hash([BACKUP_SCRIPT, VERIFY_SCRIPT]);
        let typed = cron_job(system, component, schedule, &settings.time_zone, deadline, config_hash(pod, &digest));
        let why = if name == "backup" {
            format!("Dumps the database at \"{schedule}\" ({}) and keeps {} dumps.", settings.time_zone, settings.keep)
        } else {
            "Restores the newest dump into an empty server: a backup that was never restored is a hope.".to_owned()
        };
        all.push(Object::new(Phase::Monitoring, format!("backup/{name}/cronjob.yaml"), why, &typed));
    }
    all
}

fn backup_pod<'a>(system: &'a System, component: &'a Component) -> Pod<'a> {
    let database = &system.project.database;
    let image = database.image.clone().unwrap_or_else(|| system.third_party("postgres"));
    let is_backup = component.name == "backup";
    let mut main = container(system, &component.name, image, component.size);
    let script = if is_backup { "/scripts/backup.sh" } else { "/scripts/verify.sh" };
    main.command = Some(vec!["/bin/bash".to_owned(), script.to_owned()]);
    let mut variables = vec![
        env("BACKUP_DIR", "/backups"),
        env("BACKUP_KEEP", system.project.backup.keep.to_string()),
        env("HOME", "/tmp"),
    ];
    let mut mounts = vec![
        mount("backups", "/backups", !is_backup),
        mount("scripts", "/scripts", true),
        mount("tmp", "/tmp", false),
        mount("run", "/var/run/postgresql", false),
    ];
    let mut pod = Pod::new(system, component, OTHER_UID)
        .restart("Never")
        .volume(config_volume("scripts", SCRIPTS, &Map::new()))
        // a restore takes as much room as the database may have
        .volume(scratch("tmp", if is_backup { "64Mi" } else { &system.project.storage.size }))
        .volume(scratch("run", "16Mi"))
        .volume(Volume {
            name: "backups".to_owned(),
            persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                claim_name: "backup".to_owned(),
                read_only: None,
            }),
            ..Volume::default()
        });
    if is_backup {
        variables.push(env("DATABASE_URL_FILE", "/run/secrets/backup/DATABASE_URL"));
        mounts.push(mount("secrets", "/run/secrets/backup", true));
        pod = pod.volume(secret_volume("secrets", &system.init_secret()));
    }
    main.env = Some(variables);
    main.volume_mounts = Some(mounts);
    pod.container(main)
}

fn cron_job(
    system: &System,
    component: &Component,
    schedule: &str,
    time_zone: &str,
    deadline: i64,
    pod: Pod<'_>,
) -> CronJob {
    let mut labels = k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta::default();
    labels.labels = Some(system.labels(&component.name, component.part()));
    CronJob {
        metadata: system.meta_of(&component.name, component),
        spec: Some(CronJobSpec {
            schedule: schedule.to_owned(),
            time_zone: Some(time_zone.to_owned()),
            concurrency_policy: Some("Forbid".to_owned()),
            starting_deadline_seconds: Some(600),
            successful_jobs_history_limit: Some(3),
            failed_jobs_history_limit: Some(3),
            suspend: None,
            job_template: JobTemplateSpec {
                metadata: Some(labels),
                spec: Some(JobSpec {
                    backoff_limit: Some(2),
                    active_deadline_seconds: Some(deadline),
                    template: pod.template(),
                    ..JobSpec::default()
                }),
            },
        }),
        ..CronJob::default()
    }
}

/// `[jobs.<name>]`: once for each version of it, or at set times.
fn own_job(system: &System, component: &Component, settings: &Settings) -> Vec<Object> {
    let folder = system.folder(component);
    let config = format!("{}-config", component.name);
    let mut all = Vec::new();
    let own = settings.image.is_none();
    let image = settings.image.clone().unwrap_or_else(|| system.image.clone());
    let mut main = container(system, &component.name, image, component.size);
    let mut command = settings.command.clone();
    if own && command.first().is_some_and(|c| c == "mainstay") {
        // the image's entry point is the command already
        command.remove(0);
        main.args = Some(command);
    } else {
        main.command = (!command.is_empty()).then_some(command);
    }
    main.env_from = environment(&config, !settings.env.is_empty(), settings.secret_name.as_ref());
    let mut mounts = vec![mount("tmp", "/tmp", false)];
    let mut pod = Pod::new(system, component, if own { OWN_UID } else { OTHER_UID })
        .restart("Never")
        .volume(scratch("tmp", "256Mi"));
    if own {
        main.env = Some(vec![env("MAINSTAY_SECRETS_DIR", "/run/secrets/mainstay"), env("MAINSTAY_LOG_FORMAT", "json")]);
        mounts.push(mount_file("project", "/project/mainstay.toml", "mainstay.toml"));
        pod = pod.volume(config_volume("project", PROJECT_FILE, &Map::new()));
        if settings.database {
            mounts.push(mount("secrets", "/run/secrets/mainstay", true));
            pod = pod.volume(secret_volume("secrets", &system.init_secret()));
        }
    }
    main.volume_mounts = Some(mounts);
    if !settings.env.is_empty() {
        let typed = ConfigMap {
            metadata: system.meta_of(&config, component),
            data: Some(settings.env.clone()),
            ..ConfigMap::default()
        };
        let why = format!("Environment of the job {}.", component.name);
        all.push(Object::new(Phase::Configuration, format!("{folder}/configmap.yaml"), why, &typed));
    }
    let digest = hash(settings.env.iter().flat_map(|(k, v)| [k.as_str(), v.as_str()]));
    let pod = config_hash(pod.container(main), &digest);
    let deadline = settings.deadline.unwrap_or(3600);
    match &settings.schedule {
        Some(schedule) => {
            let zone = settings.time_zone.as_deref().unwrap_or("Etc/UTC");
            let typed = cron_job(system, component, schedule, zone, deadline, pod);
            let why = format!("{}: a job of the project's own, at \"{schedule}\" ({zone}).", component.name);
            all.push(Object::new(Phase::Monitoring, format!("{folder}/cronjob.yaml"), why, &typed));
        }
        None => {
            let mut meta = system.meta_of(&component.name, component);
            annotate(&mut meta, keys::REPLACE, "true");
            let typed = Job {
                metadata: meta,
                spec: Some(JobSpec {
                    backoff_limit: Some(3),
                    active_deadline_seconds: Some(deadline),
                    template: pod.template(),
                    ..JobSpec::default()
                }),
                ..Job::default()
            };
            let why = format!("{}: a job of the project's own. It runs again when it is changed.", component.name);
            all.push(Object::new(Phase::Application, format!("{folder}/job.yaml"), why, &typed));
        }
    }
    all
}
