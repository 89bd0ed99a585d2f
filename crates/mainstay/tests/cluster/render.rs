//! `render`: trees, their upkeep, other formats, and files that are not fit for a cluster.

use crate::world::{Folder, mainstay, root};
use std::collections::{BTreeMap, BTreeSet};

const SHOP: &str = "name = \"shop\"\n";

fn project(file: &str) -> Folder {
    let folder = Folder::new();
    folder.write("mainstay.toml", file);
    folder.write("migrations/0001_start.sql", "create table public.t (id bigint primary key);\n");
    folder
}

#[test]
fn a_tree_is_written_once_and_kept_current() {
    let folder = project(SHOP);
    folder.run(&["render", "--out", "k8s"]).is(0, &[" 0 removed"]);
    let first = folder.files("k8s");
    assert!(first.len() > 30 && first.iter().any(|(path, _)| path == "db/statefulset.yaml"), "{first:?}");
    let secrets: String =
        first.iter().filter(|(path, _)| path.contains("secret")).map(|(_, text)| text.as_str()).collect();
    assert!(!secrets.contains("stringData") && !secrets.contains("\ndata:"), "{secrets}");
    folder.run(&["render", "--out", "k8s"]).is(0, &["k8s: 0 files written, 0 removed"]);
    folder.run(&["render", "--out", "k8s", "--check"]).is(0, &["k8s is current"]);
    assert_eq!(folder.files("k8s"), first);

    folder.write("k8s/db/statefulset.yaml", "edited: true\n");
    folder.write("k8s/old/deployment.yaml", "old: true\n");
    std::fs::remove_file(folder.path().join("k8s/namespace.yaml")).unwrap();
    let end = folder.run(&["render", "--out", "k8s", "--check"]);
    let said = ["changed  db/statefulset.yaml", "missing  namespace.yaml", "extra    old/deployment.yaml", "stale"];
    end.complains(1, &said);
    assert!(folder.path().join("k8s/old/deployment.yaml").exists(), "a check writes nothing");
    folder.run(&["render", "--out", "k8s"]).is(0, &["k8s: 2 files written, 1 removed"]);
    assert_eq!(folder.files("k8s"), first);
    assert!(!folder.path().join("k8s/old").exists(), "an empty folder goes too");

    // what a setting adds is there, and goes with it
    folder.write(
        "mainstay.toml",
        &format!("{SHOP}[services.reports]\nimage = \"r.example.com/reports:1\"\nport = 8081\n"),
    );
    folder.run(&["render", "--out", "k8s"]).is(0, &[]);
    assert!(folder.path().join("k8s/services/reports/deployment.yaml").exists());
    folder.write("mainstay.toml", SHOP);
    folder.run(&["render", "--out", "k8s"]).is(0, &[]);
    assert_eq!(folder.files("k8s"), first);
    folder.run(&["render", "--check"]).is(2, &["--out"]);
}

#[test]
fn folders_of_somebody_else_are_left_alone() {
    let folder = project(SHOP);
    folder.write("theirs/notes.txt", "mine\n");
    folder.write("file", "mine\n");
    for out in ["theirs", "."] {
        let before = folder.files(".");
        folder.run(&["render", "--out", out]).complains(1, &["did not write", "choose another folder"]);
        assert_eq!(folder.files("."), before);
    }
    folder.run(&["render", "--out", "file"]).complains(1, &["file"]);
    assert_eq!(folder.read("file"), "mine\n");
    // a link in a folder of ours leads nowhere else
    folder.run(&["render", "--out", "k8s"]).is(0, &[]);
    std::fs::remove_dir_all(folder.path().join("k8s/db")).unwrap();
    std::os::unix::fs::symlink("../theirs", folder.path().join("k8s/db")).unwrap();
    folder.run(&["render", "--out", "k8s"]).is(0, &["1 removed"]);
    assert_eq!(folder.files("theirs"), [("notes.txt".to_owned(), "mine\n".to_owned())]);
    assert!(folder.path().join("k8s/db/statefulset.yaml").exists());
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    folder.run(&["render", "--out", "empty"]).is(0, &["files written"]);
}

#[test]
fn other_formats_and_the_stream() {
    let folder = project(SHOP);
    folder.run(&["render", "--format", "kustomize", "--out", "kustomize"]).is(0, &["files written"]);
    assert!(folder.files("kustomize").iter().any(|(path, _)| path.ends_with("kustomization.yaml")));
    folder.run(&["render", "--format", "helm", "--out", "chart"]).is(0, &["files written"]);
    assert!(folder.read("chart/Chart.yaml").contains("name: shop"));
    folder.run(&["render", "--format", "helm", "--out", "chart", "--check"]).is(0, &["is current"]);
    // one format over another: its files go
    folder.run(&["render", "--out", "chart"]).is(0, &[]);
    assert!(!folder.path().join("chart/Chart.yaml").exists());
    folder.run(&["render", "--format", "docker"]).is(2, &["possible values"]);

    let stream = folder.run(&["render", "--image", "r.example.com/shop:9"]);
    stream.is(0, &["# file: namespace.yaml", "r.example.com/shop:9"]);
    assert_eq!(stream.err, "");
    let objects = stream.out.lines().filter(|line| line.starts_with("kind: ")).count();
    let lint = mainstay(folder.path(), &["lint", "-"], &[], &stream.out);
    lint.is(0, &[&format!("{objects} objects")]);
    folder.run(&["render", "--image", "No Image"]).complains(64, &["--image", "is no image"]);
}

#[test]
fn tables_and_pictures() {
    let folder = project(SHOP);
    folder.run(&["render", "--summary"]).is(0, &["COMPONENT", "gateway", "TOTAL", "QUOTA"]);
    let json = folder.run(&["render", "--summary", "--json"]).json();
    assert!(json.to_string().contains("postgres"), "{json}");
    folder.run(&["render", "--json"]).is(2, &["--summary"]);
    let svg = folder.run(&["render", "--picture", "svg"]);
    svg.is(0, &["</svg>"]);
    assert!(svg.out.starts_with("<svg") || svg.out.starts_with("<?xml"), "{}", svg.out);
    folder.run(&["render", "--picture", "text"]).is(0, &["Namespace shop", "gateway"]);
    folder.run(&["render", "--picture", "text", "--out", "x"]).is(2, &["cannot be used with"]);
}

/// Values by `Secret/key`.
fn values(yaml: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for document in mainstay_manifest::yaml::read("secrets", yaml).unwrap() {
        let name = document.value["metadata"]["name"].as_str().unwrap().to_owned();
        for (key, value) in document.value["stringData"].as_object().unwrap() {
            found.insert(format!("{name}/{key}"), value.as_str().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn secrets_have_every_key_and_never_the_same_values() {
    let tls = "[expose]\nvia = [\"ingress\"]\nhost = \"shop.example.com\"\n[tls]\nmode = \"manual\"\n";
    let budget = std::fs::read_to_string(root().join("systems/budget-app/mainstay.toml")).unwrap();
    let given = [("GOOGLE_CLIENT_ID", "an-id"), ("GOOGLE_CLIENT_SECRET", "a {secret} \"with: #braces\n")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for file in [SHOP.to_owned(), format!("{SHOP}{tls}"), budget] {
        let folder = project(&file);
        let run = || {
            let end = mainstay(folder.path(), &["render", "--secrets"], &given, "");
            end.is(0, &["never commit them"]);
            values(&end.out)
        };
        let (first, second) = (run(), run());
        // what the Secrets of the tree say that they have is there
        for document in mainstay_manifest::yaml::read("tree", &folder.run(&["render"]).out).unwrap() {
            if document.value["kind"] == "Secret" {
                let name = document.value["metadata"]["name"].as_str().unwrap();
                let keys = document.value["metadata"]["annotations"]["mainstay.dev/keys"].as_str().unwrap();
                for key in keys.split(',') {
                    assert!(first.contains_key(&format!("{name}/{key}")), "{name}/{key}: {:?}", first.keys());
                }
            }
        }
        assert!(first.keys().eq(second.keys()));
        let plain = ["POSTGRES_DB", "POSTGRES_USER", "GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"];
        for (key, value) in first.iter().filter(|(key, _)| !plain.iter().any(|name| key.ends_with(name))) {
            assert_ne!(value, &second[key], "{key}");
            assert!(value.len() >= 30, "{key} is short");
        }
        if let Some(value) = first.get("auth-data-secret/GOOGLE_CLIENT_SECRET") {
            assert_eq!(*value, given[1].1);
        }
        let passwords: BTreeSet<&String> =
            first.iter().filter(|(k, _)| k.ends_with("PASSWORD")).map(|(_, v)| v).collect();
        assert_eq!(passwords.len(), first.keys().filter(|k| k.ends_with("PASSWORD")).count(), "each has its own");
    }
}

#[test]
fn hostile_settings_are_refused_with_their_place() {
    let long = "a".repeat(100);
    let cases: &[(&str, &str)] = &[
        ("name = \"a\\\"b\"", "mainstay.toml:1: `name`"),
        ("name = \"a\\nb: c\"", "mainstay.toml:1: `name`"),
        ("name = \"../../etc\"", "mainstay.toml:1: `name`"),
        ("name = \"{{ .Values.x }}\"", "mainstay.toml:1: `name`"),
        ("name = \"\"", "mainstay.toml:1: `name`"),
        ("name = \"LONG\"", "mainstay.toml:1: `name`"),
        ("name = \"shop\"\n[kubernetes", "mainstay.toml:2: "),
        ("name = \"shop\"\n[kubernetes]\nversoin = \"1.34\"", "mainstay.toml:3: unknown key `versoin`"),
        ("name = \"shop\"\n[kubernetes]\nnamespace = \"a/b\"", "mainstay.toml:3: `kubernetes.namespace`"),
        (
            "name = \"shop\"\n\n[workloads.\"../../etc/passwd\"]\nroles = [\"gateway\"]",
            "mainstay.toml:3: `workloads.../../etc/passwd`",
        ),
        ("name = \"shop\"\n[services.\"../x\"]\nimage = \"a:1\"\nport = 8080", "mainstay.toml:2: `services.../x`"),
        (
            "name = \"shop\"\n[services.x]\nimage = \"a:1\\nprivileged: true\"\nport = 8080",
            "mainstay.toml:2: `services.x`",
        ),
        ("name = \"shop\"\n[services.x]\nimage = \"a:1\"\nport = 80", "mainstay.toml:2: `services.x`"),
        ("name = \"shop\"\n[services.x]\nimage = \"a:1\"\nport = 99999", "mainstay.toml:2: `services`"),
        (
            "name = \"shop\"\n[workloads.gateway]\nreplicas = 100000000000\nroles = [\"gateway\"]",
            "mainstay.toml:2: `workloads`",
        ),
        (
            "name = \"shop\"\n[workloads.gateway]\nroles = [\"gateway\"]\ncpu = \"lots\"",
            "mainstay.toml:2: `workloads.gateway`",
        ),
        (
            "name = \"shop\"\n[workloads.gateway]\nroles = [\"gateway\"]\nconfig_name = \"../../x\"",
            "mainstay.toml:2: `workloads.gateway`",
        ),
        ("name = \"shop\"\n[expose]\nvia = [\"ingress\"]\nhost = \"a b\\\"}\"", "mainstay.toml:4: `expose.host`"),
        ("name = \"shop\"\n[jobs.x]\ncommand = [\"a\"]\nschedule = \"whenever\\n\"", "mainstay.toml:2: `jobs.x`"),
        (
            "name = \"shop\"\n[kubernetes.database]\nuser = \"x\\\";drop table\"",
            "lower-case letters, digits and underscores",
        ),
        ("name = \"shop\"\n[database.storage]\nhost_path = \"../x\"", "absolute path"),
    ];
    for (file, place) in cases {
        let folder = project(&format!("{}\n", file.replace("LONG", &long)));
        for arguments in [&["render", "--out", "k8s"][..], &["lint"], &["image", "--out", "i.tar"]] {
            folder.run(arguments).complains(64, &[place]);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "{file}: nothing is written");
    }
}

#[test]
fn values_of_variables_stay_what_they_are_in_every_format() {
    let value = "x\\n{{ .Values.y }} \\\" : # ---\\n... ${HOME} 'yes' ü";
    let file = format!(
        "{SHOP}[services.x]\nimage = \"r.example.com/a:1\"\nport = 8080\nenv = {{ WISH = \"{value}\", NO = \"no\" }}\n"
    );
    let folder = project(&file);
    let stream = folder.run(&["render"]);
    stream.is(0, &[]);
    let documents = mainstay_manifest::yaml::read("tree", &stream.out).unwrap();
    let all: Vec<String> = documents.iter().map(|d| d.value.to_string()).collect();
    let expected = serde_json::Value::from("x\n{{ .Values.y }} \" : # ---\n... ${HOME} 'yes' ü").to_string();
    assert!(all.iter().any(|text| text.contains(&expected)), "{}", stream.out);
    folder.run(&["lint"]).is(0, &[]);
    folder.run(&["render", "--format", "helm", "--out", "chart"]).is(0, &[]);
    folder.run(&["render", "--format", "kustomize", "--out", "kustomize"]).is(0, &[]);
}
