//! The catalog queries, in one transaction.

use mainstay_pg::{Pool, Rows, Statement};
use serde::de::DeserializeOwned;

use super::Catalog;
use super::derive::derive;
use super::raw::RawCatalog;
use crate::sql::array_literal;

/// Reads and derives a catalog.
///
/// # Errors
/// A sentence for the log: the database is away, refused, or answered what we cannot read.
pub(super) async fn load(pool: &Pool, schemas: &[String]) -> Result<Catalog, LoadError> {
    let exposed = array_literal(schemas.iter().map(String::as_str));
    let statements = [
        // one state of the database for all queries, and names printed with their schema
        Statement::once("begin isolation level repeatable read read only"),
        Statement::once("select set_config('search_path', '', true)"),
        Statement::once(include_str!("sql/tables.sql")).bind(exposed.clone()),
        Statement::once(include_str!("sql/foreign_keys.sql")),
        Statement::once(include_str!("sql/routines.sql")).bind(exposed),
        Statement::once(include_str!("sql/computed.sql")),
        Statement::once(include_str!("sql/views.sql")),
        Statement::once(include_str!("sql/roles.sql")),
        Statement::once("commit"),
    ];
    let results = pool.run(&statements).await?;
    let raw = RawCatalog {
        tables: read(&results[2])?,
        foreign_keys: read(&results[3])?,
        routines: read(&results[4])?,
        computed: read(&results[5])?,
        views: read(&results[6])?,
        roles: read(&results[7])?,
    };
    Ok(derive(raw, schemas))
}

fn read<T: DeserializeOwned>(rows: &Rows) -> Result<Vec<T>, LoadError> {
    let json = rows.first().and_then(|row| row.bytes(0)).map(AsRef::as_ref).unwrap_or(b"[]");
    Ok(serde_json::from_slice(json)?)
}

/// Why a load failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum LoadError {
    #[error("the catalog queries failed: {0}")]
    Query(#[from] mainstay_pg::Error),
    #[error("a catalog query answered something unexpected: {0}")]
    Shape(#[from] serde_json::Error),
}
