//! Rules about the namespace's objects, from kube-state-metrics and the kubelets; names of kubernetes-mixin.

use super::Severity::{Critical, Info, Warning};
use super::{Group, Rule, alert, group};
use crate::facts::Facts;

pub(super) fn groups(facts: &Facts) -> Vec<Group> {
    let mut apps = Vec::new();
    let mut resources = Vec::new();
    if facts.kube_state_metrics {
        apps.extend(pods());
        apps.extend(deployments());
        if facts.postgres.as_ref().is_some_and(|postgres| postgres.in_namespace) {
            apps.extend(stateful_sets());
        }
        apps.extend(general_jobs());
        if facts.components.iter().any(|component| component.autoscaled) {
            apps.extend(autoscalers());
        }
        resources.extend(quotas());
    }
    if facts.cadvisor {
        resources.push(throttling());
    }
    let storage = if facts.cadvisor { volumes() } else { Vec::new() };
    vec![group("kubernetes-apps", apps), group("kubernetes-resources", resources), group("kubernetes-storage", storage)]
}

/// Jobs that this project has a meaning for, and certificates; never part of the mixin.
pub(super) fn jobs(facts: &Facts) -> Group {
    let mut rules = Vec::new();
    if facts.kube_state_metrics {
        if let Some(job) = &facts.init_job {
            let failed = format!(
                "max by (namespace, job_name) (kube_job_failed{{@ns, condition=\"true\", job_name=~\"{job}.*\"}}) > 0"
            );
            rules.push(
                alert("MigrationJobFailed", Critical, "1m", &failed)
                    .says(
                        "The database was not prepared.",
                        "Job {{ $labels.job_name }} failed: schemas, tables or logins may be missing. Its log \
                            says which file.",
                    )
                    .into(),
            );
        }
        if let Some(backup) = &facts.backup {
            rules.extend(backups(&backup.cron_job, backup.max_age_hours));
        }
    }
    if facts.cert_manager_metrics {
        rules.push(
            alert(
                "CertificateExpiringSoon",
                Critical,
                "1h",
                // scraped through its chart, the certificate's namespace is called exported_namespace
                "min by (name) (certmanager_certificate_expiration_timestamp_seconds{@ns}
                   or certmanager_certificate_expiration_timestamp_seconds{exported_@ns}) - time() < 7 * 86400",
            )
            .says(
                "A certificate ends soon and was not renewed.",
                "Certificate {{ $labels.name }} ends in {{ $value | humanizeDuration }}. cert-manager should \
                    have renewed it; \
                 `kubectl describe certificate` says why it did not.",
            )
            .into(),
        );
    }
    group("mainstay.jobs", rules)
}

fn backups(cron_job: &str, hours: u32) -> Vec<Rule> {
    let seconds = u64::from(hours) * 3600;
    let cron = format!("@ns, cronjob=\"{cron_job}\"");
    vec![
        alert(
            "BackupTooOld",
            Critical,
            "10m",
            &format!(
                "time() - max by (namespace, cronjob) (kube_cronjob_status_last_successful_time{{{cron}}}) > {seconds}
                 or time() - (max by (namespace, cronjob) (kube_cronjob_created{{{cron}}})
                   unless on (namespace, cronjob) kube_cronjob_status_last_successful_time{{{cron}}}) > {seconds}"
            ),
        )
        .says(
            "There is no recent backup.",
            "The newest backup of {{ $labels.cronjob }} is {{ $value | humanizeDuration }} old, or none was ever \
                made. See \
             the Jobs of this CronJob and the fill of the backup volume.",
        )
        .into(),
        alert(
            "BackupFailed",
            Warning,
            "1m",
            &format!(
                "max by (namespace, job_name) (kube_job_failed{{@ns, condition=\"true\", \
                job_name=~\"{cron_job}-[0-9]+\"}}) > 0"
            ),
        )
        .says(
            "A backup failed.",
            "Job {{ $labels.job_name }} failed. Its log says why; the next one may succeed, and BackupTooOld \
                tells when none did.",
        )
        .into(),
    ]
}

fn pods() -> Vec<Rule> {
    vec![
        alert(
            "KubePodCrashLooping",
            Warning,
            "15m",
            r#"max_over_time(kube_pod_container_status_waiting_reason{@ns, reason="CrashLoopBackOff"}[5m]) >= 1"#,
        )
        .says(
            "A container crashes again and again.",
            "Container {{ $labels.container }} of pod {{ $labels.pod }} ends each time it starts. See \
             `mainstay logs --previous`.",
        )
        .into(),
        alert(
            "KubePodNotReady",
            Warning,
            "15m",
            r#"sum by (namespace, pod) (
                 max by (namespace, pod) (kube_pod_status_phase{@ns, phase=~"Pending|Unknown|Failed"})
                 * on (namespace, pod) group_left (owner_kind)
                 topk by (namespace, pod) (1, max by (namespace, pod, owner_kind) (kube_pod_owner{@ns,
                     owner_kind!="Job"}))
               ) > 0"#,
        )
        .says(
            "A pod does not run.",
            "Pod {{ $labels.pod }} has not been running for 15 minutes. `kubectl describe pod` names the cause: \
                no room, \
             no volume, no image.",
        )
        .into(),
        alert(
            "KubeContainerWaiting",
            Warning,
            "1h",
            r#"sum by (namespace, pod, container) (kube_pod_container_status_waiting_reason{@ns,
                reason!="CrashLoopBackOff"}) > 0"#,
        )
        .says(
            "A container waits.",
            "Container {{ $labels.container }} of pod {{ $labels.pod }} has been waiting for an hour: the image \
                cannot be \
             fetched, or a Secret or ConfigMap is missing.",
        )
        .into(),
        alert(
            "KubePdbNotEnoughHealthyPods",
            Warning,
            "15m",
            "kube_poddisruptionbudget_status_desired_healthy{@ns} - \
                kube_poddisruptionbudget_status_current_healthy{@ns} > 0",
        )
        .says(
            "Fewer pods are healthy than must be.",
            "{{ $value }} pods are missing for {{ $labels.poddisruptionbudget }}. Nodes cannot be drained until \
                they are back.",
        )
        .into(),
    ]
}

fn deployments() -> Vec<Rule> {
    vec![
        alert(
            "KubeDeploymentReplicasMismatch",
            Warning,
            "15m",
            "(kube_deployment_spec_replicas{@ns} > kube_deployment_status_replicas_available{@ns})
             and (changes(kube_deployment_status_replicas_updated{@ns}[10m]) == 0)",
        )
        .says(
            "A Deployment has too few pods.",
            "Deployment {{ $labels.deployment }} has had fewer available pods than it wants for 15 minutes.",
        )
        .into(),
        alert(
            "KubeDeploymentRolloutStuck",
            Warning,
            "15m",
            r#"kube_deployment_status_condition{@ns, condition="Progressing", status="false"} != 0"#,
        )
        .says(
            "A rollout does not go on.",
            "The rollout of {{ $labels.deployment }} stands still. The old pods still serve; `mainstay rollback` \
                takes the \
             new ones away.",
        )
        .into(),
    ]
}

fn stateful_sets() -> Vec<Rule> {
    vec![
        alert(
            "KubeStatefulSetReplicasMismatch",
            Warning,
            "15m",
            "(kube_statefulset_status_replicas_ready{@ns} != kube_statefulset_replicas{@ns})
             and (changes(kube_statefulset_status_replicas_updated{@ns}[10m]) == 0)",
        )
        .says(
            "A StatefulSet has too few pods.",
            "StatefulSet {{ $labels.statefulset }} has {{ $value }} ready pods, which is not what it wants.",
        )
        .into(),
        alert(
            "KubeStatefulSetUpdateNotRolledOut",
            Warning,
            "15m",
            "(max by (namespace, statefulset)
                (kube_statefulset_status_current_revision{@ns} unless kube_statefulset_status_update_revision{@ns})
              * on (namespace, statefulset)
                (kube_statefulset_replicas{@ns} != kube_statefulset_status_replicas_updated{@ns}))
             and on (namespace, statefulset) (changes(kube_statefulset_status_replicas_updated{@ns}[5m]) == 0)",
        )
        .says(
            "An update of a StatefulSet was not rolled out.",
            "Pods of {{ $labels.statefulset }} still have the template before the last one.",
        )
        .into(),
    ]
}

fn general_jobs() -> Vec<Rule> {
    vec![
        alert(
            "KubeJobNotCompleted",
            Warning,
            "0s",
            "time() - max by (namespace, job_name)
               (kube_job_status_start_time{@ns} and kube_job_status_active{@ns} > 0) > 43200",
        )
        .says("A Job takes very long.", "Job {{ $labels.job_name }} has been running for more than twelve hours.")
        .into(),
        alert("KubeJobFailed", Warning, "15m", r#"kube_job_failed{@ns, condition="true"} > 0"#)
            .says(
                "A Job failed.",
                "Job {{ $labels.job_name }} failed. Delete it once its log has been read; the alert then ends.",
            )
            .into(),
    ]
}

fn autoscalers() -> Vec<Rule> {
    let (desired, current) = (
        "kube_horizontalpodautoscaler_status_desired_replicas{@ns}",
        "kube_horizontalpodautoscaler_status_current_replicas{@ns}",
    );
    let (min, max) =
        ("kube_horizontalpodautoscaler_spec_min_replicas{@ns}", "kube_horizontalpodautoscaler_spec_max_replicas{@ns}");
    vec![
        alert(
            "KubeHpaReplicasMismatch",
            Warning,
            "15m",
            &format!(
                "({desired} != {current}) and ({current} > {min}) and ({current} < {max}) and \
                    changes({current}[15m]) == 0"
            ),
        )
        .says(
            "An autoscaler does not get the pods it wants.",
            "{{ $labels.horizontalpodautoscaler }} wants another number of pods than there are, for 15 minutes.",
        )
        .into(),
        alert("KubeHpaMaxedOut", Warning, "15m", &format!("({current} == {max}) and ({max} > {min})"))
            .says(
                "An autoscaler is at its end.",
                "{{ $labels.horizontalpodautoscaler }} has run {{ $value }} pods, its most, for 15 minutes. Raise the \
                 maximum if load is to grow.",
            )
            .into(),
    ]
}

fn quotas() -> Vec<Rule> {
    let used = r#"kube_resourcequota{@ns, type="used"} / ignoring (type) (kube_resourcequota{@ns, type="hard"} > 0)"#;
    let quota = |name, severity, compare: &str, summary, description| {
        alert(name, severity, "15m", &format!("{used} {compare}")).says(summary, description).into()
    };
    vec![
        quota(
            "KubeQuotaAlmostFull",
            Info,
            "> 0.9 < 1",
            "The namespace's quota is nearly used.",
            "{{ $value | humanizePercentage }} of the quota for {{ $labels.resource }} is used. The next pods \
                may be refused.",
        ),
        quota(
            "KubeQuotaFullyUsed",
            Info,
            "== 1",
            "The namespace's quota is used.",
            "All of the quota for {{ $labels.resource }} is used. More pods are refused.",
        ),
        quota(
            "KubeQuotaExceeded",
            Warning,
            "> 1",
            "The namespace uses more than its quota.",
            "{{ $value | humanizePercentage }} of the quota for {{ $labels.resource }} is used: it was lowered \
                below what runs. \
             A pod that ends is not replaced.",
        ),
    ]
}

fn throttling() -> Rule {
    alert(
        "CPUThrottlingHigh",
        Info,
        "15m",
        r#"sum by (namespace, pod, container) (increase(container_cpu_cfs_throttled_periods_total{@ns,
            container!=""}[5m]))
           / sum by (namespace, pod, container) (increase(container_cpu_cfs_periods_total{@ns,
               container!=""}[5m])) > 0.25"#,
    )
    .says(
        "A container is held back by its CPU limit.",
        "{{ $labels.container }} of {{ $labels.pod }} is held back in {{ $value | humanizePercentage }} of its \
            time slices.",
    )
    .into()
}

fn volumes() -> Vec<Rule> {
    let left =
        |free: &str, all: &str| format!("kubelet_volume_stats_{free}{{@ns}} / (kubelet_volume_stats_{all}{{@ns}} > 0)");
    let used = |used: &str| format!("kubelet_volume_stats_{used}{{@ns}} > 0");
    let soon = |free: &str| format!("predict_linear(kubelet_volume_stats_{free}{{@ns}}[6h], 4 * 86400) < 0");
    let (bytes, inodes) = (left("available_bytes", "capacity_bytes"), left("inodes_free", "inodes"));
    let filling = |name: &str, severity, wait: &str, expr: String, summary: &str, description: &str| {
        alert(name, severity, wait, &expr).says(summary, description).into()
    };
    let space = "The volume of {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its \
        space left. \
                 Grow the claim, or let go of data.";
    let files = "The volume of {{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its \
        inodes left: \
                 it holds very many small files.";
    vec![
        filling(
            "KubePersistentVolumeFillingUp",
            Critical,
            "1m",
            format!("{bytes} < 0.03 and {}", used("used_bytes")),
            "A volume is nearly full.",
            space,
        ),
        filling(
            "KubePersistentVolumeFillingUp",
            Warning,
            "1h",
            format!("{bytes} < 0.15 and {} and {}", used("used_bytes"), soon("available_bytes")),
            "A volume will be full within four days.",
            space,
        ),
        filling(
            "KubePersistentVolumeInodesFillingUp",
            Critical,
            "1m",
            format!("{inodes} < 0.03 and {}", used("inodes_used")),
            "A volume has nearly no inodes left.",
            files,
        ),
        filling(
            "KubePersistentVolumeInodesFillingUp",
            Warning,
            "1h",
            format!("{inodes} < 0.15 and {} and {}", used("inodes_used"), soon("inodes_free")),
            "A volume will have no inodes left within four days.",
            files,
        ),
    ]
}
