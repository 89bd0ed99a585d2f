//! Starting the binary, asking it over HTTP, and the confinement of a pod.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The user and group of every container of ours.
const UID: u32 = 65532;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

/// A running binary. It is killed when the test ends.
pub(crate) struct Process {
    child: Child,
    said: Arc<Mutex<String>>,
    confined: bool,
}

/// How a command ended and all that it said.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) said: String,
    pub(crate) took: Duration,
}

/// A command of the binary with an environment that has nothing but what is given.
#[derive(Clone)]
pub(crate) struct Mainstay {
    arguments: Vec<String>,
    environment: BTreeMap<String, String>,
    confined: Option<PathBuf>,
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Status and body of a GET; status 0 when nobody answers.
pub(crate) fn get(port: u16, path: &str, headers: &str) -> (u16, String) {
    ask(port, path, headers).unwrap_or_default()
}

fn ask(port: u16, path: &str, headers: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}\r\n").ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {LONG:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("mainstay-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn text(&self) -> String {
        self.0.display().to_string()
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// A mounted Secret: files behind a link, for one group only. The folder's path.
    pub(crate) fn secret(&self, name: &str, files: &[(&str, &str)]) -> String {
        let mount = self.0.join(name);
        let data = mount.join("..data");
        std::fs::create_dir_all(&data).unwrap();
        for (file, text) in files {
            std::fs::write(data.join(file), text).unwrap();
            std::fs::set_permissions(data.join(file), PermissionsExt::from_mode(0o440)).unwrap();
            let _ = chown(data.join(file), None, Some(UID));
            std::os::unix::fs::symlink(format!("..data/{file}"), mount.join(file)).unwrap();
        }
        mount.display().to_string()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

// === impl Mainstay ===

impl Mainstay {
    pub(crate) fn new(arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        Self { arguments, environment: BTreeMap::new(), confined: None }
    }

    pub(crate) fn env(mut self, name: &str, value: &(impl ToString + ?Sized)) -> Self {
        self.environment.insert(name.to_owned(), value.to_string());
        self
    }

    /// As in a pod: uid 65532 that no passwd file knows, no capabilities, process 1, nothing writable, no HOME. What
    /// needs root is left out without it. `folder` takes a copy of the binary that this uid can reach.
    pub(crate) fn confined(mut self, folder: &Folder) -> Self {
        let copy = folder.path().join("mainstay");
        if !copy.exists() {
            std::fs::copy(env!("CARGO_BIN_EXE_mainstay"), &copy).unwrap();
        }
        self.confined = Some(copy);
        self
    }

    fn command(&self) -> (Command, bool) {
        let binary = self.confined.as_deref().unwrap_or(Path::new(env!("CARGO_BIN_EXE_mainstay")));
        let mut command = match confinement() {
            Confinement::Pod if self.confined.is_some() => {
                let mut command = Command::new("unshare");
                let first = "for mount in / /tmp /var/tmp /dev/shm; do mount -o remount,ro,bind $mount 2>/dev/null; done; \
                             exec \"$@\"";
                command.args([
                    "--mount",
                    "--pid",
                    "--fork",
                    "--mount-proc",
                    "--kill-child",
                    "--propagation",
                    "private",
                ]);
                command.args(["sh", "-c", first, "sh", "setpriv", "--reuid", "65532", "--regid", "65532"]);
                command.args(["--clear-groups", "--no-new-privs", "--bounding-set=-all", "env", "-i"]);
                command
            }
            Confinement::User if self.confined.is_some() => {
                let mut command = Command::new("setpriv");
                command.args(["--reuid", "65532", "--regid", "65532", "--clear-groups", "--no-new-privs", "env", "-i"]);
                command
            }
            _ => {
                let mut command = Command::new("env");
                command.arg("-i");
                command
            }
        };
        command.args(self.environment.iter().map(|(name, value)| format!("{name}={value}")));
        command.arg(binary).args(&self.arguments);
        (command, self.confined.is_some() && matches!(confinement(), Confinement::Pod))
    }

    pub(crate) fn start(&self) -> Process {
        let (mut command, confined) = self.command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let said = Arc::new(Mutex::new(String::new()));
        listen(child.stdout.take().unwrap(), said.clone());
        listen(child.stderr.take().unwrap(), said.clone());
        Process { child, said, confined }
    }

    /// Runs to the end.
    pub(crate) fn run(&self) -> End {
        self.start().end()
    }
}

fn listen(mut stream: impl std::io::Read + Send + 'static, said: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            said.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..count]));
        }
    });
}

/// What this machine lets us confine.
#[derive(Clone, Copy)]
enum Confinement {
    Pod,
    User,
    Nothing,
}

#[allow(clippy::print_stderr, reason = "a test that is not run must say so")]
fn confinement() -> Confinement {
    let succeeds = |program: &str, arguments: &[&str]| {
        Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
    };
    if !rustix::process::getuid().is_root() {
        eprintln!("not root: the uid, the read-only root and process 1 are not tested here");
        Confinement::Nothing
    } else if succeeds("unshare", &["--mount", "--pid", "--fork", "sh", "-c", "mount -o remount,ro,bind /"]) {
        Confinement::Pod
    } else {
        eprintln!("no namespaces may be made: the read-only root and process 1 are not tested here, the uid is");
        Confinement::User
    }
}

// === impl Process ===

impl Process {
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until the binary has said this.
    pub(crate) fn says(&mut self, text: &str) {
        until(text, || {
            let ended = self.child.try_wait().unwrap();
            self.said().contains(text) || ended.is_some_and(|status| panic!("{status}: {}", self.said()))
        });
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Sends SIGTERM to the binary itself, which is process 1 of its own world when it is confined.
    pub(crate) fn terminate(&self) {
        let outer = i32::try_from(self.child.id()).unwrap();
        let mut pid = outer;
        if self.confined {
            let children = format!("/proc/{outer}/task/{outer}/children");
            until("a child", || {
                let text = std::fs::read_to_string(&children).unwrap_or_default();
                text.split_whitespace().next().and_then(|child| child.parse().ok()).is_some_and(|child| {
                    pid = child;
                    true
                })
            });
        }
        let pid = rustix::process::Pid::from_raw(pid).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> End {
        let began = Instant::now();
        let mut status: Option<ExitStatus> = None;
        until("the end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let took = began.elapsed();
        std::thread::sleep(Duration::from_millis(50));
        End { code: status.unwrap().code(), said: self.said(), took }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// === impl End ===

impl End {
    /// Asserts the exit code and that the binary said this, and no password.
    pub(crate) fn is(&self, code: i32, said: &str) {
        assert!(
            self.code == Some(code) && self.said.contains(said),
            "{:?}, not {code} {said:?}:\n{}",
            self.code,
            self.said
        );
        assert!(!self.said.contains("geheim"), "{}", self.said);
    }
}
