//! Roles, schemas, helper functions and default grants of a Mainstay database.

use crate::{ConnectOptions, Connection, Error, Ident, Statement};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// The SQL; `{owner}` stands for the quoted owner role.
const BOOTSTRAP: &str = include_str!("../sql/bootstrap.sql");

/// What to set up and with which passwords.
#[derive(Debug, Clone)]
pub struct Bootstrap {
    /// Role that owns the project's objects and runs its migrations. It must exist.
    pub owner: String,
    /// Passwords of login roles, set when given: (role, password).
    pub passwords: Vec<(String, SecretString)>,
}

impl Bootstrap {
    /// Brings a database to the state every migration may rely on. May run any number of times.
    ///
    /// # Errors
    /// When the login of `options` may not create roles, or the database is away.
    pub async fn run(&self, options: &ConnectOptions) -> Result<(), Error> {
        let mut connection = Connection::open(&Arc::new(options.clone())).await?;
        connection.batch(&BOOTSTRAP.replace("{owner}", &Ident::new(&self.owner).to_string())).await?;
        for (role, password) in &self.passwords {
            set_password(&mut connection, role, password).await?;
        }
        Ok(())
    }
}

/// Creates the owner role of a managed server (no superuser) and gives it the database and `public`.
pub(crate) async fn create_owner(
    connection: &mut Connection,
    owner: &str,
    database: &str,
    password: &SecretString,
) -> Result<(), Error> {
    let (owner_id, database) = (Ident::new(owner), Ident::new(database));
    let exists =
        connection.pipeline(&[Statement::once("select 1 from pg_roles where rolname = $1").bind(owner)]).await?;
    if exists[0].is_empty() {
        connection.batch(&format!("create role {owner_id} login createdb createrole bypassrls")).await?;
    }
    set_password(connection, owner, password).await?;
    connection
        .batch(&format!(
            "alter database {database} owner to {owner_id}; alter schema public owner to {owner_id}; \
             grant pg_monitor, pg_signal_backend, pg_read_all_settings to {owner_id}"
        ))
        .await
}

/// Creates or updates a login that may read the server's statistics and nothing else (`pg_monitor`), for an exporter.
///
/// # Errors
/// When the login of `options` may not create roles, or the database is away.
pub async fn create_monitor(options: &ConnectOptions, name: &str, password: &SecretString) -> Result<(), Error> {
    let mut connection = Connection::open(&Arc::new(options.clone())).await?;
    let id = Ident::new(name);
    let exists =
        connection.pipeline(&[Statement::once("select 1 from pg_roles where rolname = $1").bind(name)]).await?;
    if exists[0].is_empty() {
        connection.batch(&format!("create role {id} login connection limit 5")).await?;
    }
    set_password(&mut connection, name, password).await?;
    connection.batch(&format!("grant pg_monitor to {id}")).await
}

/// Sets a role's password as a SCRAM verifier: the password itself never reaches the server, its logs or its views.
pub(crate) async fn set_password(
    connection: &mut Connection,
    role: &str,
    password: &SecretString,
) -> Result<(), Error> {
    let verifier = postgres_protocol::password::scram_sha_256(password.expose_secret().as_bytes());
    // the verifier is made of base64 and `$:`; it holds no quote
    connection.batch(&format!("alter role {} with login password '{verifier}'", Ident::new(role))).await
}

/// Tables of the exposed schemas that no caller can reach because row-level security is off and nothing was granted.
///
/// # Errors
/// When the database is away.
pub async fn exposed_without_policies(options: &ConnectOptions, schemas: &[String]) -> Result<Vec<String>, Error> {
    let mut connection = Connection::open(&Arc::new(options.clone())).await?;
    let query = Statement::once(
        "select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any(string_to_array($1, ',')) and c.relkind in ('r', 'p') and not c.relrowsecurity
           and not has_table_privilege('anon', c.oid, 'select, insert, update, delete')
           and not has_table_privilege('authenticated', c.oid, 'select, insert, update, delete')
           and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e') order by 1",
    );
    let results = connection.pipeline(&[query.bind(schemas.join(","))]).await?;
    Ok(results[0].rows.iter().filter_map(|row| row.text(0)).map(str::to_owned).collect())
}
