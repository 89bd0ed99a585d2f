//! A project folder, a cluster that is a double, and the binary between them. Whatever the binary says is kept, and no
//! value of a Secret may be in it, in a ConfigMap, in an object or in a release record: the end of every world looks.

use crate::double::Double;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The token of the kubeconfig, a secret as well.
const TOKEN: &str = "geheim-token-of-the-kubeconfig";
/// Keys that lie in a Secret and are none: names of databases and users, certificates.
const PLAIN: [&str; 3] = ["POSTGRES_DB", "POSTGRES_USER", "tls.crt"];

/// A folder that goes when the test ends.
pub(crate) struct Folder(PathBuf);

/// How a command ended.
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

pub(crate) struct World {
    pub(crate) double: Double,
    pub(crate) folder: Folder,
    said: RefCell<String>,
    given: RefCell<Vec<(String, String)>>,
    /// Ends last: the double lives in it.
    _runtime: tokio::runtime::Runtime,
}

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs the binary with nothing in its environment but what is given; standard input is no terminal.
pub(crate) fn mainstay(folder: &Path, arguments: &[&str], environment: &[(String, String)], input: &str) -> End {
    let began = Instant::now();
    let mut child = start(folder, arguments, environment);
    // who does not read its input closes it
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    end_of(child, began)
}

fn start(folder: &Path, arguments: &[&str], environment: &[(String, String)]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .envs(environment.iter().cloned())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end_of(child: Child, began: Instant) -> End {
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let end =
        End { code: output.status.code(), out: text(output.stdout), err: text(output.stderr), took: began.elapsed() };
    for sign in ["panicked at", "RUST_BACKTRACE", "stack backtrace"] {
        assert!(!end.err.contains(sign), "{}", end.err);
    }
    end
}

// === impl Folder ===

impl Folder {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("mainstay-cluster-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path.canonicalize().unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, file: &str, text: &str) {
        let path = self.0.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }

    /// Replaces a text in a file, which must have it.
    pub(crate) fn replace(&self, file: &str, old: &str, new: &str) {
        let text = self.read(file);
        assert!(text.contains(old), "{file} has no {old}");
        self.write(file, &text.replace(old, new));
    }

    /// Every file with its text, by path.
    pub(crate) fn files(&self, folder: &str) -> Vec<(String, String)> {
        let mut open = vec![self.0.join(folder)];
        let mut found = Vec::new();
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(next).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else {
                    let name = path.strip_prefix(self.0.join(folder)).unwrap().display().to_string();
                    found.push((name, std::fs::read_to_string(&path).unwrap()));
                }
            }
        }
        found.sort();
        found
    }

    /// Runs the binary here.
    pub(crate) fn run(&self, arguments: &[&str]) -> End {
        mainstay(&self.0, arguments, &[], "")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

// === impl World ===

impl World {
    /// A world with a project of this file and one migration.
    pub(crate) fn new(file: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let double = runtime.block_on(Double::start());
        let world = Self {
            double,
            folder: Folder::new(),
            said: RefCell::default(),
            given: RefCell::default(),
            _runtime: runtime,
        };
        world.equip();
        world.folder.write("mainstay.toml", file);
        world.folder.write("migrations/0001_start.sql", "create table public.t (id bigint primary key);\n");
        world.folder.write("kubeconfig", &kubeconfig(&world.double.address.to_string()));
        world
    }

    /// What every cluster has: a node, a storage class, a network that enforces policies.
    fn equip(&self) {
        self.double.create(
            "nodes",
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}, "status": {
                "conditions": [{"type": "Ready", "status": "True"}], "nodeInfo": {"architecture": "amd64"},
                "addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}),
        );
        self.double.create(
            "storageclasses",
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x", "metadata":
                {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}),
        );
        self.double.create(
            "daemonsets",
            json!({"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": "cilium", "namespace": "kube-system"},
                "spec": {"template": {"spec": {"containers": [{"name": "cilium", "image": "cilium"}]}}}}),
        );
    }

    /// A world with a copy of the budget app.
    pub(crate) fn budget_app() -> Self {
        let source = root().join("systems/budget-app");
        let world = Self::new(&std::fs::read_to_string(source.join("mainstay.toml")).unwrap());
        std::fs::remove_dir_all(world.folder.path().join("migrations")).unwrap();
        std::fs::create_dir(world.folder.path().join("migrations")).unwrap();
        for entry in std::fs::read_dir(source.join("migrations")).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, world.folder.path().join("migrations").join(path.file_name().unwrap())).unwrap();
        }
        world
    }

    /// Sets an environment variable for every command from now on.
    pub(crate) fn set(&self, name: &str, value: &str) {
        let mut given = self.given.borrow_mut();
        given.retain(|(known, _)| known != name);
        given.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn unset(&self, name: &str) {
        self.given.borrow_mut().retain(|(known, _)| known != name);
    }

    fn environment(&self) -> Vec<(String, String)> {
        let mut environment = self.given.borrow().clone();
        let path = self.folder.path().join("kubeconfig").display().to_string();
        environment.push(("KUBECONFIG".to_owned(), path));
        environment
    }

    /// Runs the binary in the project's folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> End {
        let end = mainstay(self.folder.path(), arguments, &self.environment(), "");
        self.heard(&end.said());
        end
    }

    /// Starts the binary in the project's folder.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        start(self.folder.path(), arguments, &self.environment())
    }

    /// Waits for the end of what was started.
    pub(crate) fn end(&self, child: Child) -> End {
        let end = end_of(child, Instant::now());
        self.heard(&end.said());
        end
    }

    /// Keeps what was said, to look for secrets in it.
    pub(crate) fn heard(&self, said: &str) {
        self.said.borrow_mut().push_str(said);
    }

    /// Deploys, which must go well, and returns what standard error said.
    pub(crate) fn deploy(&self) -> String {
        let end = self.run(&["deploy", "--yes"]);
        end.is(0, &[]);
        end.err
    }

    /// The value of a key of a live Secret.
    pub(crate) fn value(&self, namespace: &str, secret: &str, key: &str) -> String {
        let live = self.double.get("secrets", namespace, secret).unwrap();
        decoded(&live["data"][key])
    }

    /// Everything on the double, without what controllers write and without times.
    pub(crate) fn picture(&self) -> Vec<(String, Value)> {
        let state = self.double.state();
        let quiet = ["events", "pods", "replicasets", "leases", "resourcequotas", "daemonsets"];
        state
            .objects
            .iter()
            .filter(|((plural, ..), _)| !quiet.contains(plural))
            .map(|((plural, namespace, name), object)| {
                let mut object = object.clone();
                for path in ["/metadata/managedFields", "/metadata/resourceVersion", "/status"] {
                    let (parent, name) = path.rsplit_once('/').unwrap();
                    if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
                        parent.remove(name);
                    }
                }
                (format!("{plural} {namespace}/{name}"), object)
            })
            .collect()
    }

    /// Asserts that no value of a Secret was seen anywhere.
    fn has_seen_no_secret(&self) {
        let state = self.double.state();
        let mut shown = self.said.borrow().clone();
        shown.push_str(&state.requests.join("\n"));
        for ((plural, ..), object) in &state.objects {
            if *plural != "secrets" {
                shown.push_str(&object.to_string());
            } else if object["type"] == "mainstay.dev/release.v1" {
                shown.push_str(&decoded(&object["data"]["record"]));
            }
        }
        assert!(!shown.contains(TOKEN), "the kubeconfig's token was seen");
        for (name, value) in self.given.borrow().iter().filter(|(_, value)| value.starts_with("geheim")) {
            assert!(!shown.contains(value), "{name} was seen");
        }
        for secret in state.all("secrets", None).iter().filter(|s| s["type"] != "mainstay.dev/release.v1") {
            for (key, value) in secret["data"].as_object().into_iter().flatten() {
                let plain = decoded(value);
                let seen = shown.contains(&plain) || shown.contains(value.as_str().unwrap());
                assert!(!seen || PLAIN.contains(&key.as_str()), "{}/{key} was seen", secret["metadata"]["name"]);
            }
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.has_seen_no_secret();
        }
    }
}

/// Waits for something that another process does.
pub(crate) fn until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(crate) fn decoded(value: &Value) -> String {
    String::from_utf8(STANDARD.decode(value.as_str().unwrap()).unwrap()).unwrap()
}

pub(crate) fn kubeconfig(address: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: test\n\
         clusters: [{{name: test, cluster: {{server: \"http://{address}\"}}}}]\n\
         users: [{{name: ann, user: {{token: {TOKEN}}}}}]\n\
         contexts: [{{name: test, context: {{cluster: test, user: ann}}}}]\n"
    )
}

// === impl End ===

impl End {
    /// Asserts the exit code, and that each of these was said.
    #[track_caller]
    pub(crate) fn is(&self, code: i32, said: &[&str]) {
        let all = self.said();
        assert_eq!(self.code, Some(code), "{all}");
        for text in said {
            assert!(all.contains(text), "not said: {text}\n{all}");
        }
    }

    /// Like [`End::is`], for a failure: the complaint is the last thing, it begins with `error:`, and it came quickly.
    #[track_caller]
    pub(crate) fn complains(&self, code: i32, said: &[&str]) {
        self.is(code, said);
        let complaints = self.err.lines().filter(|line| line.starts_with("error: ")).count();
        assert_eq!(complaints, 1, "{}", self.err);
        assert!(self.took < Duration::from_secs(30), "{:?}", self.took);
    }

    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.said()))
    }

    /// Standard output as JSON lines.
    #[track_caller]
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        let line = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        self.out.lines().map(line).collect()
    }
}
