//! Rules about the database, from postgres_exporter; names of its mixin. Those about replicas are left out: there are
//! none.

use super::Severity::{Critical, Warning};
use super::{Group, Rule, alert};
use crate::facts::{Facts, Postgres};

/// Databases that every server has and nobody asks.
const OWN: &str = r#"datname!~"template.*|postgres""#;

pub(super) fn group_of(postgres: &Postgres) -> Vec<Rule> {
    let mut rules = server();
    rules.extend(connections());
    rules.extend(work());
    rules.extend(upkeep(postgres.major));
    rules
}

pub(super) fn group(facts: &Facts) -> Option<Group> {
    let postgres = facts.postgres.as_ref().filter(|postgres| postgres.exporter.is_some())?;
    Some(super::group("PostgreSQL", group_of(postgres)))
}

fn server() -> Vec<Rule> {
    vec![
        alert("PostgreSQLDown", Critical, "1m", "pg_up{@ns} != 1")
            .says(
                "PostgreSQL does not answer.",
                "The exporter cannot reach the server. See the database pod's state and log, and the exporter's \
                    log for a \
                 refused password.",
            )
            .into(),
        alert("PostgresHasExporterErrors", Warning, "30m", "pg_exporter_last_scrape_error{@ns} > 0")
            .says(
                "The PostgreSQL exporter has errors.",
                "Some of its queries fail, so other alerts may be blind. Its log names the query.",
            )
            .into(),
    ]
}

fn connections() -> Vec<Rule> {
    let open = "sum by (namespace, instance) (pg_stat_activity_count{@ns})";
    let allowed = "(max by (namespace, instance) (pg_settings_max_connections{@ns})
                    - max by (namespace, instance) (pg_settings_superuser_reserved_connections{@ns}))";
    vec![
        alert("PostgreSQLMaxConnectionsReached", Critical, "1m", &format!("{open} >= {allowed}"))
            .says(
                "PostgreSQL has no connection left.",
                "{{ $value }} connections are open, all that there are. New ones are refused: lower the pools or the \
                 replicas, or raise max_connections.",
            )
            .into(),
        alert("PostgreSQLHighConnections", Warning, "10m", &format!("{open} > {allowed} * 0.8"))
            .says("PostgreSQL has few connections left.", "{{ $value }} connections are open, more than four in five.")
            .into(),
    ]
}

fn work() -> Vec<Rule> {
    let rate = |metric: &str| format!("rate(pg_stat_database_{metric}{{@ns, {OWN}}}[5m])");
    let (hit, read) = (rate("blks_hit"), rate("blks_read"));
    let (commits, rollbacks) = (rate("xact_commit"), rate("xact_rollback"));
    vec![
        alert(
            "PostgreSQLSlowQueries",
            Warning,
            "2m",
            &format!(
                "max by (namespace, datname) (pg_stat_activity_max_tx_duration{{@ns, {OWN}, \
                state!=\"idle\"}}) > 120"
            ),
        )
        .says(
            "A transaction is open for minutes.",
            "The longest transaction in {{ $labels.datname }} has been open for {{ $value | humanizeDuration }}. \
                It may hold \
             locks and keeps vacuum from its work; pg_stat_activity shows it.",
        )
        .into(),
        // a quiet server reads so little that a few cold blocks spoil its ratio
        alert(
            "PostgreSQLCacheHitRatio",
            Warning,
            "15m",
            &format!("avg by (namespace, datname) ({hit} / ({hit} + {read} > 100)) < 0.98"),
        )
        .says(
            "PostgreSQL reads much from disk.",
            "Only {{ $value | humanizePercentage }} of the blocks that {{ $labels.datname }} needs are in \
                memory. Give the \
             database more memory, or look for a scan that an index would spare.",
        )
        .into(),
        alert(
            "PostgresHasTooManyRollbacks",
            Warning,
            "5m",
            &format!("avg by (namespace, datname) ({rollbacks} / ({commits} + {rollbacks} > 1)) > 0.10"),
        )
        .says(
            "Many transactions are rolled back.",
            "{{ $value | humanizePercentage }} of the transactions in {{ $labels.datname }} are rolled back.",
        )
        .into(),
        alert(
            "PostgresHasHighDeadLocks",
            Warning,
            "5m",
            &format!("max by (namespace, datname) ({} * 60) > 5", rate("deadlocks")),
        )
        .says(
            "Transactions block one another.",
            "{{ $labels.datname }} has {{ $value | humanize }} deadlocks a minute. The server's log shows both \
                statements of each.",
        )
        .into(),
        alert(
            "PostgresAcquiredTooManyLocks",
            Warning,
            "5m",
            &format!(
                "sum by (namespace, instance, datname) (pg_locks_count{{@ns, {OWN}}})
                 / on (namespace, instance) group_left ()
                   (max by (namespace, instance) (pg_settings_max_locks_per_transaction{{@ns}})
                    * max by (namespace, instance) (pg_settings_max_connections{{@ns}})) > 0.20"
            ),
        )
        .says(
            "Many locks are held.",
            "{{ $labels.datname }} holds {{ $value | humanizePercentage }} of the locks that the server has room for.",
        )
        .into(),
    ]
}

fn upkeep(major: u32) -> Vec<Rule> {
    let table = |metric: &str| format!("pg_stat_user_tables_{metric}{{@ns, {OWN}}}");
    let (timed, requested) = if major >= 17 {
        ("pg_stat_checkpointer_num_timed_total", "pg_stat_checkpointer_num_requested_total")
    } else {
        ("pg_stat_bgwriter_checkpoints_timed_total", "pg_stat_bgwriter_checkpoints_req_total")
    };
    vec![
        alert(
            "PostgresTablesNotVaccumed",
            Warning,
            "30m",
            &format!(
                "({dead} > 1000 + 0.2 * {live}) and (time() - {auto} > 36000) and (time() - {hand} > 36000)",
                dead = table("n_dead_tup"),
                live = table("n_live_tup"),
                auto = table("last_autovacuum"),
                hand = table("last_vacuum"),
            ),
        )
        .says(
            "A table was not vacuumed.",
            "{{ $labels.schemaname }}.{{ $labels.relname }} has {{ $value | humanize }} dead rows and was not \
                vacuumed for ten \
             hours. Look for a transaction that is open for long.",
        )
        .into(),
        alert(
            "PostgresTooManyCheckpointsRequested",
            Warning,
            "5m",
            &format!(
                "rate({requested}{{@ns}}[30m]) / (rate({timed}{{@ns}}[30m]) + rate({requested}{{@ns}}[30m]) \
                > 0) > 0.5"
            ),
        )
        .says(
            "Checkpoints come faster than planned.",
            "{{ $value | humanizePercentage }} of the checkpoints are asked for by writes, not by time. Raise \
                max_wal_size.",
        )
        .into(),
        alert(
            "PGDatabaseXidAge",
            Warning,
            "10m",
            "max by (namespace, datname) \
            (pg_database_wraparound_age_datfrozenxid_seconds{@ns}) > 300000000",
        )
        .says(
            "Old transaction ids are not frozen.",
            "The oldest transaction id of {{ $labels.datname }} is {{ $value | humanize }} transactions old. \
                    At two thousand \
                 million the server stops taking writes; see why autovacuum does not finish.",
        )
        .into(),
    ]
}
