//! The time zones that `Prefer: timezone=` may name.

use std::collections::HashSet;

use mainstay_pg::{Pool, Statement};
use tokio::sync::OnceCell;

/// PostgreSQL's names, read when the first request asks for a zone: the view reads files, and most projects never ask.
#[derive(Debug, Default)]
pub(crate) struct TimeZones(OnceCell<HashSet<Box<str>>>);

impl TimeZones {
    /// Whether PostgreSQL lists the name, letter by letter.
    ///
    /// # Errors
    /// The names could not be read; the next request tries again.
    pub(crate) async fn knows(&self, pool: &Pool, name: &str) -> Result<bool, mainstay_pg::Error> {
        let names = self.0.get_or_try_init(|| read(pool)).await?;
        Ok(names.contains(name))
    }
}

async fn read(pool: &Pool) -> Result<HashSet<Box<str>>, mainstay_pg::Error> {
    let results = pool.run(&[Statement::once("select name from pg_catalog.pg_timezone_names")]).await?;
    let rows = results.iter().flat_map(|result| &result.rows);
    Ok(rows.filter_map(|row| row.text(0)).map(Box::from).collect())
}
