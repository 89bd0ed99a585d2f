//! PostgreSQL: what the server says of itself, and what the pools that use it say.

use super::panel::{Panel, bars, heading, lines, number};
use crate::facts::Facts;

const DATABASE: &str = "@ns, datname=~\"$database\"";

pub(super) fn panels(facts: &Facts) -> Vec<Panel> {
    let mut panels = Vec::new();
    if let Some(postgres) = facts.postgres.as_ref().filter(|postgres| postgres.exporter.is_some()) {
        panels.extend(server());
        panels.extend(work(postgres.major));
    }
    if facts.has_pool() {
        panels.extend(pools());
    }
    panels
}

fn server() -> Vec<Panel> {
    vec![
        heading("Server"),
        number("Up", "short")
            .about(
                "1 while the exporter reaches the \
            server.",
            )
            .query("max(pg_up{@ns})", "up")
            .good_from(1.0, 1.0),
        number("Connections used", "percentunit")
            .about("Open connections of those that max_connections allows.")
            .query("sum(pg_stat_activity_count{@ns}) / max(pg_settings_max_connections{@ns})", "used")
            .warns_at(0.8, 0.95)
            .up_to(1.0),
        number("Found in memory", "percentunit")
            .about("Blocks that did not have to be read from disk.")
            .query(
                &format!(
                    "sum(rate(pg_stat_database_blks_hit{{{DATABASE}}}[5m]))
                     / (sum(rate(pg_stat_database_blks_hit{{{DATABASE}}}[5m])) + \
                         sum(rate(pg_stat_database_blks_read{{{DATABASE}}}[5m])) > 0)"
                ),
                "hits",
            )
            .good_from(0.95, 0.98)
            .up_to(1.0),
        number("Size", "bytes")
            .about(
                "Of the chosen \
            databases.",
            )
            .query(&format!("sum(pg_database_size_bytes{{{DATABASE}}})"), "size")
            .neutral(),
        lines("Connections by state", "short")
            .about("Idle in transaction for long is a client that forgot to commit.")
            .query(&format!("sum by (state) (pg_stat_activity_count{{{DATABASE}}})"), "{{state}}")
            .stacked(),
        lines("Longest transaction", "s")
            .about("Open for minutes, it holds locks and keeps vacuum from its work.")
            .query(
                &format!(
                    "max by (datname) (pg_stat_activity_max_tx_duration{{{DATABASE}, \
                state!=\"idle\"}})"
                ),
                "{{datname}}",
            )
            .warns_at(60.0, 120.0),
    ]
}

fn work(major: u32) -> Vec<Panel> {
    let rate =
        |metric: &str| format!("sum by (datname) (rate(pg_stat_database_{metric}{{{DATABASE}}}[$__rate_interval]))");
    let rows = |metric: &str| format!("sum(rate(pg_stat_database_tup_{metric}{{{DATABASE}}}[$__rate_interval]))");
    let (timed, requested) = if major >= 17 {
        ("pg_stat_checkpointer_num_timed_total", "pg_stat_checkpointer_num_requested_total")
    } else {
        ("pg_stat_bgwriter_checkpoints_timed_total", "pg_stat_bgwriter_checkpoints_req_total")
    };
    vec![
        heading("Work"),
        lines("Transactions", "ops")
            .about("Per second.")
            .query(&rate("xact_commit"), "{{datname}} committed")
            .query(&rate("xact_rollback"), "{{datname}} rolled back"),
        lines("Rows", "ops")
            .about("Per second, read and written.")
            .query(&rows("fetched"), "fetched")
            .query(&rows("inserted"), "inserted")
            .query(&rows("updated"), "updated")
            .query(&rows("deleted"), "deleted"),
        lines("Locks", "short")
            .about("By kind.")
            .query(&format!("sum by (mode) (pg_locks_count{{{DATABASE}}})"), "{{mode}}"),
        lines("Deadlocks and temporary files", "short")
            .about("Deadlocks in an hour; megabytes of sorts and joins that did not fit into work_mem, in an hour.")
            .query(&format!("sum(increase(pg_stat_database_deadlocks{{{DATABASE}}}[1h]))"), "deadlocks")
            .query(&format!("sum(increase(pg_stat_database_temp_bytes{{{DATABASE}}}[1h])) / 1e6"), "temporary MB"),
        lines("Checkpoints", "short")
            .about("In an hour. Requested ones are forced by writes: max_wal_size is small.")
            .query(&format!("sum(increase({timed}{{@ns}}[1h]))"), "timed")
            .query(&format!("sum(increase({requested}{{@ns}}[1h]))"), "requested"),
        lines("Age of the oldest transaction id", "short")
            .about("Autovacuum freezes at 200 million; the server stops writing at two thousand million.")
            .query(
                &format!("max by (datname) (pg_database_wraparound_age_datfrozenxid_seconds{{{DATABASE}}})"),
                "{{datname}}",
            )
            .warns_at(3e8, 1e9),
        bars("Dead rows", "short")
            .about("Tables with most rows that vacuum has to clear.")
            .query(
                &format!("topk(10, sum by (schemaname, relname) (pg_stat_user_tables_n_dead_tup{{{DATABASE}}}))"),
                "{{schemaname}}.{{relname}}",
            )
            .neutral(),
        bars("Largest tables by rows", "short")
            .about("Estimated live rows.")
            .query(
                &format!("topk(10, sum by (schemaname, relname) (pg_stat_user_tables_n_live_tup{{{DATABASE}}}))"),
                "{{schemaname}}.{{relname}}",
            )
            .neutral(),
    ]
}

fn pools() -> Vec<Panel> {
    vec![
        heading("Pools"),
        lines("Connections lent", "short")
            .about("At the most that a pool has, callers wait.")
            .query("sum by (pod, pool) (mainstay_db_pool_lent{@ns})", "{{pod}} {{pool}} lent")
            .query("sum by (pod, pool) (mainstay_db_pool_connections{@ns})", "{{pod}} {{pool}} most"),
        lines("Waiting for a connection: p99", "s")
            .about("Nothing while connections are free.")
            .query(
                "histogram_quantile(0.99, sum by (pool, le) \
                    (rate(mainstay_db_pool_wait_seconds_bucket{@ns}[$__rate_interval])))",
                "{{pool}}",
            )
            .warns_at(0.1, 0.5),
        lines("Idle connections", "short")
            .about("Open and ready to be lent.")
            .query("sum by (pod, pool) (mainstay_db_pool_idle{@ns})", "{{pod}} {{pool}}"),
    ]
}
