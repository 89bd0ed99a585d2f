//! The PostgreSQL exporter: flags and environment.

use crate::facts::Postgres;

/// Port that the exporter listens on.
pub const POSTGRES_EXPORTER_PORT: u16 = 9187;

/// Arguments of `postgres_exporter` (0.17 or newer): the collectors that rules and panels need beside the default ones.
#[must_use]
pub fn postgres_exporter_args(postgres: &Postgres) -> Vec<String> {
    let mut args = vec![
        format!("--web.listen-address=:{POSTGRES_EXPORTER_PORT}"),
        "--collector.database_wraparound".to_owned(),
        "--collector.postmaster".to_owned(),
        "--log.format=json".to_owned(),
    ];
    if postgres.major >= 17 {
        // from 17 on the view pg_stat_bgwriter has lost the columns that this collector asks for
        args.push("--no-collector.stat_bgwriter".to_owned());
        args.push("--collector.stat_checkpointer".to_owned());
    }
    args
}

/// Environment of `postgres_exporter`: where the server is, and the files with name and password in `secrets_dir`.
/// `database` is the one that holds the project's tables. `sslmode` is `disable`, `require`, `verify-ca` or `verify-full`:
/// the exporter's driver refuses libpq's `prefer` (postgres_exporter issue 897). The login needs no more than `pg_monitor`.
#[must_use]
pub fn postgres_exporter_env(
    postgres: &Postgres,
    database: &str,
    sslmode: &str,
    secrets_dir: &str,
) -> Vec<(String, String)> {
    let dir = secrets_dir.trim_end_matches('/');
    vec![
        ("DATA_SOURCE_URI".to_owned(), format!("{}:5432/{database}?sslmode={sslmode}", postgres.service)),
        ("DATA_SOURCE_USER_FILE".to_owned(), format!("{dir}/DATA_SOURCE_USER")),
        ("DATA_SOURCE_PASS_FILE".to_owned(), format!("{dir}/DATA_SOURCE_PASS")),
    ]
}
