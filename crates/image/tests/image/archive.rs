//! What is in an archive.

use crate::support::{Folder, static_program};
use mainstay_image::ImageSpec;
use serde_json::{Value, json};

fn sha256(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

#[test]
fn the_archive_is_an_oci_layout_and_a_docker_archive() {
    let folder = Folder::new();
    folder.project();
    let (built, archive) = folder.image().unwrap();
    assert_eq!(archive.order[..3], ["oci-layout", "index.json", "manifest.json"]);
    assert_eq!(archive.json("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }));

    let index = archive.json("index.json");
    let entry = &index["manifests"][0];
    assert_eq!(index["manifests"].as_array().unwrap().len(), 1);
    assert_eq!(entry["digest"], Value::from(built.digest.clone()));
    assert_eq!(entry["platform"], json!({ "architecture": "amd64", "os": "linux" }));
    assert_eq!(entry["annotations"]["io.containerd.image.name"], "docker.io/library/p:1");
    assert_eq!(entry["annotations"]["org.opencontainers.image.ref.name"], "1");

    let manifest: Value = serde_json::from_slice(archive.blob(&built.digest)).unwrap();
    assert_eq!(manifest["schemaVersion"], 2);
    assert_eq!(manifest["config"]["digest"], Value::from(built.id.clone()));
    for described in
        [&index["manifests"][0], &manifest["config"]].into_iter().chain(manifest["layers"].as_array().unwrap())
    {
        let digest = described["digest"].as_str().unwrap();
        assert_eq!(sha256(archive.blob(digest)), digest);
        assert_eq!(described["size"], Value::from(archive.blob(digest).len()));
    }

    let docker = &archive.json("manifest.json")[0];
    assert_eq!(docker["RepoTags"], json!(["docker.io/library/p:1"]));
    let blob = |digest: &Value| digest.as_str().unwrap().replace("sha256:", "blobs/sha256/");
    assert_eq!(docker["Config"], Value::from(blob(&manifest["config"]["digest"])));
    let layers: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(|layer| blob(&layer["digest"])).collect();
    assert_eq!(docker["Layers"], json!(layers));

    // nothing but what is referred to
    assert_eq!(archive.entries.len(), 5 + 2 + 3);
    assert_eq!(built.size, std::fs::metadata(folder.path("image.tar")).unwrap().len());
    assert!(!folder.path("image.tar.partial").exists());
}

#[test]
fn the_configuration_is_what_containers_need() {
    let folder = Folder::new();
    folder.project();
    let (built, archive) = folder.image().unwrap();
    let config: Value = serde_json::from_slice(archive.blob(&built.id)).unwrap();
    assert_eq!(config["architecture"], "amd64");
    assert_eq!(config["os"], "linux");
    assert_eq!(config["created"], "1970-01-01T00:00:00Z");
    let diffs: Vec<_> = built.layers.iter().map(|layer| layer.digest.clone()).collect();
    assert_eq!(config["rootfs"], json!({ "type": "layers", "diff_ids": diffs }));
    assert_eq!(config["history"].as_array().unwrap().len(), diffs.len());
    let run = &config["config"];
    assert_eq!(run["User"], "65532:65532");
    assert_eq!(run["Entrypoint"], json!(["/usr/local/bin/mainstay"]));
    assert_eq!(run["Cmd"], json!(["serve", "/project", "--roles", "gateway,auth,data,portal"]));
    assert_eq!(run["WorkingDir"], "/project");
    assert_eq!(run["ExposedPorts"], json!({ "8889/tcp": {}, "8890/tcp": {} }));
    assert_eq!(run["StopSignal"], "SIGTERM");
    for variable in ["MAINSTAY_GATEWAY_BIND=0.0.0.0", "MAINSTAY_ADMIN_HOST=0.0.0.0", "MAINSTAY_LOG_FORMAT=json"] {
        assert!(run["Env"].as_array().unwrap().contains(&Value::from(variable)), "{variable}");
    }
    assert_eq!(run["Labels"]["org.opencontainers.image.title"], "project");
}

#[test]
fn everybody_can_read_everything_and_owns_nothing() {
    let folder = Folder::new();
    folder.project();
    let (built, archive) = folder.image().unwrap();
    for name in ["base", "mainstay", "project"] {
        let layer = archive.layer(&built, name);
        let mut sorted = layer.order.clone();
        sorted.sort_by_key(|path| std::path::PathBuf::from(path));
        assert_eq!(layer.order, sorted, "{name} is sorted");
        for (path, entry) in &layer.entries {
            assert_eq!((entry.owner, entry.date), ((0, 0), 0), "{path}");
            let expected = match (entry.kind, path.as_str()) {
                (_, "tmp/") => 0o1777,
                (tar::EntryType::Directory, _) | (_, "usr/local/bin/mainstay") => 0o755,
                _ => 0o644,
            };
            assert_eq!(entry.mode, expected, "{path}");
        }
    }
    let base = archive.layer(&built, "base");
    let text = |path: &str| String::from_utf8(base.entries[path].bytes.clone()).unwrap();
    assert!(text("etc/passwd").contains("nonroot:x:65532:65532:"));
    assert!(text("etc/group").contains("nonroot:x:65532:"));
    assert!(text("etc/nsswitch.conf").contains("hosts: files dns"));
    assert!(base.entries.contains_key("project/"));
    assert_eq!(archive.layer(&built, "mainstay").entries["usr/local/bin/mainstay"].bytes, static_program());
    let project = archive.layer(&built, "project");
    assert_eq!(project.entries["project/web/index.html"].bytes, b"<p>hello</p>\n");
}

#[test]
fn the_same_input_gives_the_same_bytes_and_any_change_another_digest() {
    let folder = Folder::new();
    let project = folder.project();
    let spec = ImageSpec::new(folder.write("mainstay", static_program()), "p:1").project(&project);
    let bytes = |name: &str| std::fs::read(folder.path(name)).unwrap();
    let (first, _) = folder.build(&spec, "a.tar").unwrap();
    // dates and order of creation are those of this machine and must not matter
    std::fs::remove_file(project.join("web/index.html")).unwrap();
    folder.write("project/web/index.html", "<p>hello</p>\n");
    let (second, _) = folder.build(&spec, "b.tar").unwrap();
    assert_eq!(first, second);
    assert_eq!(bytes("a.tar"), bytes("b.tar"));

    let mut dated = spec.clone();
    dated.created = 1_700_000_000;
    let (later, archive) = folder.build(&dated, "c.tar").unwrap();
    assert_ne!(later.digest, first.digest);
    assert!(archive.layer(&later, "project").entries.values().all(|entry| entry.date == 1_700_000_000));

    folder.write("project/web/index.html", "<p>hullo</p>\n");
    let (changed, _) = folder.build(&spec, "d.tar").unwrap();
    assert_ne!(changed.digest, first.digest);
    assert_eq!(changed.layers[..2], first.layers[..2], "only the project's layer is new");
}

#[test]
fn labels_of_the_caller_win_and_a_wrong_name_is_told() {
    let folder = Folder::new();
    let mut spec = ImageSpec::new(folder.write("mainstay", static_program()), "registry.example.com/team/p:2");
    spec.labels.insert("org.opencontainers.image.title".into(), "mine".into());
    spec.labels.insert("org.opencontainers.image.revision".into(), "abc".into());
    let (built, archive) = folder.build(&spec, "a.tar").unwrap();
    assert_eq!(built.reference, "registry.example.com/team/p:2");
    assert_eq!(built.layers.len(), 2);
    let config: Value = serde_json::from_slice(archive.blob(&built.id)).unwrap();
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "mine");
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.revision"], "abc");
    spec.tag = "No Name".into();
    let problem = folder.build(&spec, "b.tar").unwrap_err().to_string();
    assert!(problem.contains("No Name") && problem.contains("budget-app:1.0"), "{problem}");
    assert!(!folder.path("b.tar").exists());
}
