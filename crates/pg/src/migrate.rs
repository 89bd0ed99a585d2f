//! The migration runner: forward-only, checksummed, one at a time, each in its own transaction.
//!
//! A migration is a file `NNNN_title.sql`; it runs once, in order of its name. A file that begins with the line
//! `-- mainstay: no-transaction` runs statement by statement outside a transaction, for `CREATE INDEX CONCURRENTLY` and
//! the like; write such files so that they can run again. What ran is kept in `mainstay.migrations`.

use crate::script::{line_at, split};
use crate::{ConnectOptions, Connection, Error, Statement};
use aws_lc_rs::digest::{SHA256, digest};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// First line of a migration that must not run in a transaction.
pub const NO_TRANSACTION: &str = "-- mainstay: no-transaction";

/// The advisory lock that lets one runner at a time through. Any constant will do; this is "mainstay" in ASCII.
const LOCK: i64 = 0x6d61_696e_7374_6179;

/// One migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// File name without `.sql`; orders the migrations of a set.
    pub name: String,
    /// SQL text.
    pub sql: String,
}

/// Why migrating stopped. Migrations before the one named were applied; that one was not.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The folder cannot be read.
    #[error("migrations in {0}: {1}")]
    Folder(String, String),
    /// A migration that was applied has been changed since.
    #[error(
        "migration `{name}` of set `{set}` was changed after it was applied; put the file back as it was and write a new migration for the change"
    )]
    Changed {
        /// Set.
        set: String,
        /// Migration.
        name: String,
    },
    /// PostgreSQL refused a statement.
    #[error("migration `{name}`, line {line}: {problem}\n  in: {statement}{hint}")]
    Refused {
        /// Migration.
        name: String,
        /// Line of the statement (or of the position inside it when PostgreSQL names one).
        line: usize,
        /// PostgreSQL's message with SQLSTATE.
        problem: String,
        /// The beginning of the statement.
        statement: String,
        /// PostgreSQL's hint, when there is one.
        hint: String,
    },
    /// The database is away or refused something else.
    #[error(transparent)]
    Database(#[from] Error),
}

/// What happened to one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Migration.
    pub name: String,
    /// How long it took.
    pub took: Duration,
}

/// A migration that has not been applied yet, or was, as `mainstay migrate --dry-run` and `status` show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Migration.
    pub name: String,
    /// When it was applied; `None` when it is pending.
    pub applied_at: Option<String>,
}

/// Reads the migrations of a folder, ordered by name. A folder that does not exist has none.
///
/// # Errors
/// When the folder or a file cannot be read, or a file is not UTF-8.
pub fn read_folder(folder: &Path) -> Result<Vec<Migration>, MigrateError> {
    let fault = |e: std::io::Error| MigrateError::Folder(folder.display().to_string(), e.to_string());
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut migrations = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.extension().is_some_and(|e| e == "sql")
            && let Some(name) = path.file_stem().and_then(|n| n.to_str())
        {
            let sql = std::fs::read_to_string(&path)
                .map_err(|e| MigrateError::Folder(path.display().to_string(), e.to_string()))?;
            migrations.push(Migration { name: name.to_owned(), sql });
        }
    }
    migrations.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(migrations)
}

/// Applies what is pending of a set, in order. Waits for another runner to finish first.
///
/// # Errors
/// See [`MigrateError`].
pub async fn apply(
    options: &ConnectOptions,
    set: &str,
    migrations: &[Migration],
) -> Result<Vec<Applied>, MigrateError> {
    let mut connection = Connection::open(&Arc::new(options.clone())).await?;
    connection.pipeline(&[Statement::once("select pg_advisory_lock($1::bigint)").bind(LOCK)]).await?;
    if !has_ledger(&mut connection).await? {
        connection.batch(LEDGER).await?;
    }
    let known = ledger(&mut connection, set).await?;
    let mut applied = Vec::new();
    for migration in migrations {
        let checksum = checksum(&migration.sql);
        match known.iter().find(|row| row.name == migration.name) {
            Some(row) if row.checksum == checksum => {}
            Some(_) => return Err(MigrateError::Changed { set: set.to_owned(), name: migration.name.clone() }),
            None => applied.push(apply_one(&mut connection, set, migration, &checksum).await?),
        }
    }
    connection.pipeline(&[Statement::once("select pg_advisory_unlock($1::bigint)").bind(LOCK)]).await?;
    Ok(applied)
}

/// Which migrations of a set are applied and which are pending.
///
/// # Errors
/// When the database is away.
pub async fn state(options: &ConnectOptions, set: &str, migrations: &[Migration]) -> Result<Vec<State>, MigrateError> {
    let mut connection = Connection::open(&Arc::new(options.clone())).await?;
    let known = if has_ledger(&mut connection).await? { ledger(&mut connection, set).await? } else { Vec::new() };
    let applied_at = |name: &str| known.iter().find(|row| row.name == name).map(|row| row.applied_at.clone());
    Ok(migrations.iter().map(|m| State { name: m.name.clone(), applied_at: applied_at(&m.name) }).collect())
}

/// For databases that were not bootstrapped; the bootstrap makes the same table.
const LEDGER: &str = "create schema if not exists mainstay;
create table if not exists mainstay.migrations (
    set text not null, name text not null, checksum text not null,
    applied_at timestamptz not null default now(), took_ms bigint not null, primary key (set, name))";

/// Brings the session back to how it was after the login.
const AS_LOGGED_IN: &str = "reset session authorization; reset all";

async fn has_ledger(connection: &mut Connection) -> Result<bool, Error> {
    let exists = connection.pipeline(&[Statement::once("select to_regclass('mainstay.migrations')")]).await?;
    Ok(exists[0].first().and_then(|row| row.text(0)).is_some())
}

struct LedgerRow {
    name: String,
    checksum: String,
    applied_at: String,
}

async fn ledger(connection: &mut Connection, set: &str) -> Result<Vec<LedgerRow>, Error> {
    let query =
        Statement::once("select name, checksum, applied_at::text from mainstay.migrations where set = $1").bind(set);
    let text = |row: &crate::Row, i| row.text(i).unwrap_or_default().to_owned();
    let results = connection.pipeline(&[query]).await?;
    let rows = results[0].rows.iter();
    Ok(rows.map(|row| LedgerRow { name: text(row, 0), checksum: text(row, 1), applied_at: text(row, 2) }).collect())
}

async fn apply_one(
    connection: &mut Connection,
    set: &str,
    migration: &Migration,
    checksum: &str,
) -> Result<Applied, MigrateError> {
    let began = Instant::now();
    // what an earlier migration set for its session (search_path, role, time-outs) is not for this one
    connection.batch(AS_LOGGED_IN).await?;
    let record = |took: Duration| {
        Statement::once(
            "insert into mainstay.migrations (set, name, checksum, took_ms) values ($1, $2, $3, $4::bigint)",
        )
        .bind(set)
        .bind(&migration.name)
        .bind(checksum)
        .bind(u64::try_from(took.as_millis()).unwrap_or(u64::MAX))
    };
    if migration.sql.trim_start().starts_with(NO_TRANSACTION) {
        for piece in split(&migration.sql) {
            connection.batch(piece.text).await.map_err(|error| refusal(migration, error, Some(piece.line)))?;
        }
        connection.batch(AS_LOGGED_IN).await?;
        connection.pipeline(&[record(began.elapsed())]).await?;
    } else {
        connection.batch("begin").await?;
        let ran = connection.batch(&migration.sql).await.map_err(|error| refusal(migration, error, None));
        if let Err(error) = ran {
            connection.batch("rollback").await?;
            return Err(error);
        }
        // deferred constraints may still refuse at commit
        connection
            .pipeline(&[
                Statement::once("reset session authorization"),
                record(began.elapsed()),
                Statement::once("commit"),
            ])
            .await
            .map_err(|error| refusal(migration, error, None))?;
    }
    Ok(Applied { name: migration.name.clone(), took: began.elapsed() })
}

/// Tells which statement of the migration failed, and where.
fn refusal(migration: &Migration, error: Error, alone: Option<usize>) -> MigrateError {
    let Error::Db(report) = error else { return MigrateError::Database(error) };
    let pieces = split(&migration.sql);
    let by_position = report.position.filter(|_| alone.is_none()).map(|position| line_at(&migration.sql, position));
    let piece = match (alone, by_position) {
        (Some(line), _) => pieces.iter().find(|p| p.line == line),
        (None, Some(line)) => pieces.iter().rev().find(|p| p.line <= line),
        (None, None) => pieces.get(report.statement),
    };
    let statement: String = piece.map_or("", |p| p.text).lines().next().unwrap_or_default().chars().take(120).collect();
    let mut problem = format!("{} ({})", report.message, report.code);
    if let Some(detail) = &report.detail {
        let _ = write!(problem, "; {detail}");
    }
    MigrateError::Refused {
        name: migration.name.clone(),
        line: by_position.or(piece.map(|p| p.line)).unwrap_or(1),
        problem,
        statement,
        hint: report.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default(),
    }
}

/// SHA-256 of the text with line ends normalised, in hexadecimal.
fn checksum(sql: &str) -> String {
    let hash = digest(&SHA256, sql.replace("\r\n", "\n").as_bytes());
    hash.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
