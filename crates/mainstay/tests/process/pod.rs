//! The journey of a release in pods: wait, migrate, serve, stop; against a server that nobody has prepared.

use crate::support::{Folder, Mainstay, Process, free_port, get, until};
use mainstay_identity::{KeyKind, generate_api_key};
use mainstay_kernel::config::ExposeSecret as _;
use mainstay_pg::ConnectOptions;
use mainstay_pg::managed::{Managed, ManagedSettings};
use std::time::Duration;

const KEY: &str = "geheim-geheim-geheim-geheim-geheim";
const NOTES: &str = "create table public.notes (id int primary key, title text);
    alter table public.notes enable row level security;
    create policy everyone on public.notes for select using (true);
    insert into public.notes values (1, 'kept');";

/// The Secrets of a release and the server that they are for.
struct Release {
    folder: Folder,
    server: Managed,
    owner: String,
    publishable: String,
}

impl Release {
    async fn new() -> Self {
        let folder = Folder::new("pod");
        folder.write(
            "project/mainstay.toml",
            "name = \"pod\"\n[gateway]\nhealth_paths = [\"/nginx-health\", \"/api/health\"]\ndrain_delay = \"1s\"\n",
        );
        folder.write("project/migrations/0001_notes.sql", NOTES);
        folder.write("project/web/index.html", "<!doctype html><title>pod</title>");
        let settings = ManagedSettings {
            folder: folder.path().join("server"),
            bin_dir: None,
            port: free_port(),
            superuser_password: "geheim".to_owned().into(),
            owner_password: "geheim".to_owned().into(),
            durable: false,
            max_connections: 100,
            template_cache: None,
        };
        std::fs::create_dir_all(&settings.folder).unwrap();
        let server = Managed::start(settings).await.unwrap();
        let superuser = ConnectOptions { host: "127.0.0.1".to_owned(), ..server.superuser() };
        let login = |user: &str, password: &str| {
            superuser.as_user(user, password.to_owned().into()).url().expose_secret().to_owned()
        };
        let (data, auth) = (login("authenticator", "geheim-d"), login("supabase_auth_admin", "geheim-a"));
        let (publishable, secret) =
            (generate_api_key(KeyKind::Publishable).unwrap(), generate_api_key(KeyKind::Secret).unwrap());
        let owner = superuser.url().expose_secret().to_owned();
        folder.secret(
            "job",
            &[("DATABASE_URL", &owner), ("MAINSTAY_DATABASE_DATA_URL", &data), ("MAINSTAY_DATABASE_AUTH_URL", &auth)],
        );
        let keys = [
            ("JWT_SECRET", KEY),
            ("MAINSTAY_IDENTITY_PUBLISHABLE_KEY", &publishable),
            ("MAINSTAY_IDENTITY_SECRET_KEY", &secret),
        ];
        folder.secret("keys", &keys);
        folder.secret("logins", &[("DATABASE_URL", &data), ("MAINSTAY_DATABASE_AUTH_URL", &auth)]);
        Self { folder, server, owner, publishable }
    }

    fn project(&self) -> String {
        self.folder.path().join("project").display().to_string()
    }

    /// A command in a pod that mounts these Secrets.
    fn pod(&self, secrets: &[&str], arguments: &[&str]) -> Mainstay {
        let project = self.project();
        let (command, more) = arguments.split_first().unwrap();
        let folders: Vec<_> = secrets.iter().map(|name| self.folder.path().join(name).display().to_string()).collect();
        Mainstay::new(&[&[*command, &project], more].concat())
            .env("MAINSTAY_SECRETS_DIR", &folders.join(":"))
            .env("MAINSTAY_LOG_FORMAT", "json")
            .confined(&self.folder)
    }

    fn serve(&self, secrets: &[&str], roles: &str, more: &[(&str, String)]) -> (Process, u16, u16) {
        let (port, admin) = (free_port(), free_port());
        let mut command = self.pod(secrets, &["serve", "--roles", roles]);
        command = command.env("HOST", "0.0.0.0").env("PORT", &port);
        command = command.env("MAINSTAY_ADMIN_HOST", "0.0.0.0").env("MAINSTAY_ADMIN_PORT", &admin);
        for (name, value) in more {
            command = command.env(name, value);
        }
        let mut process = command.start();
        process.says("is ready at");
        (process, port, admin)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_goes_up_and_down() {
    let release = Release::new().await;
    waiting_for_the_bootstrap(&release);
    migrations_and_their_exit_codes(&release);
    roles_in_pods(&release);
    assert!(!release.folder.path().join("project/.mainstay").exists(), "nothing is written");
    release.server.stop().await;
}

fn waiting_for_the_bootstrap(release: &Release) {
    let wait =
        |timeout| release.pod(&["logins"], &["wait", "--roles", "auth,data", "--timeout", timeout, "--every", "200ms"]);
    let early = wait("1s").run();
    early.is(1, "supabase_auth_admin at 127.0.0.1");
    early.is(1, "authenticator at 127.0.0.1");
    let mut waiting = wait("60s").start();
    waiting.says("still waiting");
    // two at once, and nothing is there yet
    let both = [(); 2].map(|()| release.pod(&["job"], &["migrate", "--wait", "30"]).start());
    let ends = both.map(Process::end);
    for end in &ends {
        end.is(0, "the database is up to date");
    }
    assert_eq!(ends.iter().filter(|end| end.said.contains("migration 0001_notes")).count(), 1);
    waiting.end().is(0, "PostgreSQL answers");
}

fn migrations_and_their_exit_codes(release: &Release) {
    release
        .folder
        .write("project/migrations/0002_slow.sql", "select pg_sleep(0.5); create table public.once (id int);");
    let both = [(); 3].map(|()| release.pod(&["job"], &["migrate"]).start());
    let ends = both.map(Process::end);
    for end in &ends {
        end.is(0, "the database is up to date");
    }
    assert_eq!(ends.iter().filter(|end| end.said.contains("migration 0002_slow")).count(), 1);

    release.folder.write("project/migrations/0003_wrong.sql", "select 1;\nselect nonsense;");
    release.pod(&["job"], &["migrate"]).run().is(42, "migration `0003_wrong`, line 2");
    std::fs::remove_file(release.folder.path().join("project/migrations/0003_wrong.sql")).unwrap();
    release.folder.write("project/migrations/0001_notes.sql", &format!("{NOTES}\n-- changed"));
    release.pod(&["job"], &["migrate"]).run().is(42, "migration `0001_notes` of set `project` was changed");
    release.folder.write("project/migrations/0001_notes.sql", NOTES);
    // passwords that nobody gave would have to be kept
    let alone = Mainstay::new(&["migrate", &release.project()]).env("DATABASE_URL", &release.owner);
    let end = alone.confined(&release.folder).run();
    if rustix::process::getuid().is_root() {
        end.is(1, "MAINSTAY_DATABASE_DATA_URL and MAINSTAY_DATABASE_AUTH_URL");
    }
    release.pod(&["job"], &["migrate"]).run().is(0, "the database is up to date");
    let _ = std::fs::remove_dir_all(release.folder.path().join("project/.mainstay"));
}

fn roles_in_pods(release: &Release) {
    let (roles, port, admin) = release.serve(&["keys", "logins"], "auth,data", &[]);
    for path in ["/readyz", "/livez", "/metrics", "/api/health", "/nginx-health"] {
        assert_eq!(get(admin, path, "").0, 200, "{path}");
    }
    let url = |prefix: &str| format!("http://localhost:{port}{prefix}");
    let more = [("MAINSTAY_GATEWAY_DATA_URL", url("/rest/v1")), ("MAINSTAY_GATEWAY_AUTH_URL", url("/auth/v1"))];
    let (gateway, entry, gateway_admin) = release.serve(&["keys"], "gateway,portal", &more);
    let key = format!("apikey: {}\r\n", release.publishable);
    let (status, body) = get(entry, "/rest/v1/notes?select=title", &key);
    assert_eq!(status, 200, "{body}");
    assert!(body.contains(r#"[{"title":"kept"}]"#), "{body}");
    assert_eq!(get(entry, "/auth/v1/settings", &key).0, 200);
    let (status, page) = get(entry, "/", "");
    assert!(status == 200 && page.contains("<title>pod</title>"), "{status} {page}");

    // readiness turns first, while requests are still answered and the process is alive
    roles.terminate();
    until("draining", || get(admin, "/readyz", "").0 == 503);
    assert_eq!(get(admin, "/livez", "").0, 200);
    assert_eq!(get(entry, "/rest/v1/notes?select=title", &key).0, 200);
    let end = roles.end();
    end.is(0, "stopping");
    assert!(end.took < Duration::from_secs(5), "{:?}", end.took);
    assert!([502, 503].contains(&get(entry, "/rest/v1/notes", &key).0));
    assert_eq!(get(gateway_admin, "/livez", "").0, 200);

    // the roles come back at the same address, and the gateway finds them by itself
    let again = release.pod(&["keys", "logins"], &["serve", "--roles", "auth,data"]);
    let mut roles = again.env("HOST", "0.0.0.0").env("PORT", &port).env("MAINSTAY_ADMIN_PORT", &admin).start();
    roles.says("is ready at");
    assert_eq!(get(entry, "/rest/v1/notes?select=title", &key).0, 200);
    for process in [gateway, roles] {
        process.terminate();
        process.end().is(0, "stopping");
    }
}
