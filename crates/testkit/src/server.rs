//! The PostgreSQL server that all test processes of a checkout share.

use mainstay_pg::managed::{Managed, ManagedSettings};
use mainstay_pg::{Bootstrap, ConnectOptions, Connection, Ident, Statement};
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Password of every login role of the test server.
pub(crate) const PASSWORD: &str = "only-for-tests";
/// The database that fresh ones are cloned from.
const TEMPLATE: &str = "mainstay_template";
/// Changes when the bootstrap does, so that an old template is made anew.
const BOOTSTRAP: &str = include_str!("../../pg/sql/bootstrap.sql");

/// How to reach the server.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) owner: ConnectOptions,
    pub(crate) superuser: ConnectOptions,
}

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// The server, started when nobody has yet.
pub(crate) async fn server() -> Server {
    SERVER.get_or_init(start).await.clone()
}

/// The database that [`crate::Database::fresh`] clones.
pub(crate) fn template() -> &'static str {
    TEMPLATE
}

async fn start() -> Server {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testkit");
    std::fs::create_dir_all(&folder).unwrap();
    let gate = File::options().create(true).truncate(false).write(true).open(folder.join("gate")).unwrap();
    // waits for another test process that is starting the server right now
    tokio::task::spawn_blocking(move || {
        rustix::fs::flock(&gate, rustix::fs::FlockOperation::LockExclusive).unwrap();
        gate
    })
    .await
    .map(|gate| async move {
        let settings = ManagedSettings {
            folder,
            bin_dir: None,
            port: 55_322,
            superuser_password: PASSWORD.to_owned().into(),
            owner_password: PASSWORD.to_owned().into(),
            durable: false,
            max_connections: 300,
            template_cache: None,
        };
        // dropped at once: the server stays, the folder's lock does not
        let managed = Managed::start(settings).await.unwrap();
        let server = Server { owner: managed.owner(), superuser: managed.superuser() };
        make_template(&server).await;
        drop_orphans(&server).await;
        drop(gate);
        server
    })
    .unwrap()
    .await
}

async fn make_template(server: &Server) {
    let mut admin = Connection::open(&Arc::new(server.superuser.clone())).await.unwrap();
    let mark = format!("bootstrap {:x}", BOOTSTRAP.bytes().fold(5381_u64, |h, b| h.wrapping_mul(33) ^ u64::from(b)));
    let found = admin
        .pipeline(&[Statement::once(
            "select shobj_description(oid, 'pg_database') from pg_database where datname = $1",
        )
        .bind(TEMPLATE)])
        .await
        .unwrap();
    if found[0].first().and_then(|row| row.text(0)) == Some(&mark) {
        return;
    }
    admin.batch(&format!("drop database if exists {TEMPLATE}")).await.unwrap();
    admin.batch(&format!("create database {TEMPLATE} owner postgres")).await.unwrap();
    let mut inside = Connection::open(&Arc::new(server.superuser.with_database(TEMPLATE))).await.unwrap();
    inside.batch("alter schema public owner to postgres").await.unwrap();
    drop(inside);
    let logins = ["authenticator", "supabase_auth_admin", "supabase_storage_admin"];
    let passwords = logins.map(|role| (role.to_owned(), PASSWORD.to_owned().into())).to_vec();
    let bootstrap = Bootstrap { owner: "postgres".to_owned(), passwords };
    bootstrap.run(&server.superuser.with_database(TEMPLATE)).await.unwrap();
    admin.batch(&format!("comment on database {TEMPLATE} is '{mark}'")).await.unwrap();
}

/// Drops databases of test processes that have ended; their names carry the process id.
async fn drop_orphans(server: &Server) {
    let mut admin = Connection::open(&Arc::new(server.superuser.clone())).await.unwrap();
    let found = admin
        .pipeline(&[Statement::once("select datname from pg_database where datname like 'test\\_%'")])
        .await
        .unwrap();
    for row in &found[0].rows {
        let name = row.text(0).unwrap();
        let pid = name.split('_').nth(1).and_then(|pid| pid.parse().ok()).and_then(rustix::process::Pid::from_raw);
        if pid.is_none_or(|pid| rustix::process::test_kill_process(pid).is_err()) {
            let _ = admin.batch(&format!("drop database if exists {} with (force)", Ident::new(name))).await;
        }
    }
}
