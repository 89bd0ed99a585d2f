//! The scripts of the backup CronJobs, run against a real PostgreSQL.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a script as somebody whom PostgreSQL's server programs accept: root they refuse.
fn run(folder: &Path, script: &str) -> (bool, String) {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let mut command = if is_root { Command::new("runuser") } else { Command::new("bash") };
    if is_root {
        command.args(["-u", "postgres", "--", "bash"]);
    }
    let output = command.args(["-c", script]).current_dir(folder).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), text)
}

struct Server {
    folder: PathBuf,
    path: String,
}

impl Server {
    /// A server with a password that must be escaped in a URL and in a password file.
    fn start() -> Self {
        let mut bins: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .expect("PostgreSQL's server programs (Debian: postgresql)")
            .map(|entry| entry.unwrap().path().join("bin"))
            .filter(|bin| bin.join("initdb").exists())
            .collect();
        bins.sort();
        let path = format!("{}:{}", bins.last().unwrap().display(), std::env::var("PATH").unwrap());
        let folder = std::env::temp_dir().join(format!("mainstay-backup-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("scripts")).unwrap();
        for script in ["backup.sh", "verify.sh"] {
            let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/objects/scripts").join(script);
            std::fs::copy(from, folder.join("scripts").join(script)).unwrap();
        }
        let own = format!("chmod 777 {0} && chmod 755 {0}/scripts", folder.display());
        assert!(Command::new("sh").args(["-c", &own]).status().unwrap().success());
        let server = Self { folder, path };
        let (ok, said) = server.run(
            r#"
            mkdir backups run tmp
            printf '%s\n' 'p@s:s\w' > pw
            initdb -D data --username=postgres --auth=scram-sha-256 --pwfile=pw --no-sync > /dev/null
            for port in 54801 54802 54803 54804 54805; do
              options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$PWD/run -c fsync=off"
              if pg_ctl -D data -w -l log -o "$options" start > /dev/null; then break; fi
            done
            echo "postgresql://postgres:p%40s%3As%5Cw@127.0.0.1:$port/postgres?sslmode=prefer" > url
            "#,
        );
        assert!(ok, "{said}");
        server
    }

    fn run(&self, script: &str) -> (bool, String) {
        let head = format!("set -eu; export PATH='{}'; export BACKUP_DIR=$PWD/backups BACKUP_KEEP=2", self.path);
        run(&self.folder, &format!("{head} DATABASE_URL_FILE=$PWD/url\n{script}"))
    }

    fn sql(&self, sql: &str) {
        let (ok, said) =
            self.run(&format!("psql -q --no-psqlrc -v ON_ERROR_STOP=1 \"$(cat url)\" <<'SQL'\n{sql}\nSQL"));
        assert!(ok, "{said}");
    }

    fn backup(&self) -> (bool, String) {
        self.run("rm -f /tmp/pgpass; bash scripts/backup.sh; rm -f /tmp/pgpass")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.run("pg_ctl -D data -m immediate stop > /dev/null");
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn dumps_are_made_kept_counted_and_restored() {
    let server = Server::start();
    let (ok, said) = server.run("bash scripts/verify.sh");
    assert!(!ok && said.contains("there is no dump"), "{said}");
    let (ok, said) = server.backup();
    assert!(ok && said.contains("1 kept"), "an empty database can be dumped: {said}");
    let (ok, said) = server.run("rm -rf /tmp/verify; bash scripts/verify.sh; rm -rf /tmp/verify");
    assert!(ok && said.contains("0 tables"), "{said}");
    server.sql(
        "create role \"odd Owner\"; create role anon; create table notes (id int); insert into notes values (1);
         alter table notes owner to anon; alter table notes enable row level security;
         create policy mine on notes for select to anon using (true)",
    );
    for _ in 0..3 {
        let (ok, said) = server.run("sleep 1.1; rm -f /tmp/pgpass; bash scripts/backup.sh; rm -f /tmp/pgpass");
        assert!(ok, "{said}");
        assert!(!said.contains("p@s:s"), "the password is told: {said}");
    }
    let (_, listed) = server.run("ls backups");
    assert_eq!(listed.lines().filter(|line| line.ends_with(".dump")).count(), 2, "{listed}");
    assert_eq!(listed.lines().filter(|line| line.ends_with(".sha256")).count(), 2, "{listed}");
    let (ok, said) = server.run("rm -rf /tmp/verify; bash scripts/verify.sh; rm -rf /tmp/verify");
    assert!(ok && said.contains("restored: 1 tables"), "{said}");
    // a dump that was damaged on the disk is found
    let damage =
        "newest=$(ls backups/*.dump | tail -n 1); printf x | dd of=$newest bs=1 seek=20 conv=notrunc 2> /dev/null";
    let (ok, said) = server.run(&format!("{damage}; bash scripts/verify.sh; rm -rf /tmp/verify"));
    assert!(!ok && said.contains("FAILED"), "{said}");
    // a server that is away leaves nothing half-written
    let (ok, said) = server.run("pg_ctl -D data -m fast stop > /dev/null; bash scripts/backup.sh");
    assert!(!ok, "{said}");
    let (_, listed) = server.run("ls backups | grep -c dump$ || true");
    assert_eq!(listed.trim(), "2");
}
