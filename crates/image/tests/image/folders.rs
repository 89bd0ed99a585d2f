//! Project folders as they come: with secrets, links, and things that are no files.

use crate::support::Folder;
use mainstay_image::{ImageError, ImageSpec};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;

fn problem(folder: &Folder) -> ImageError {
    folder.image().map(|(built, _)| built).unwrap_err()
}

#[test]
fn secrets_and_leftovers_stay_out() {
    let folder = Folder::new();
    folder.project();
    for name in [
        ".mainstay/secrets.json",
        ".git/config",
        ".env",
        "web/.env",
        "k8s/app/secret.yaml",
        "target/debug/x",
        "node_modules/a/b.js",
        "web/node_modules/a/b.js",
        ".DS_Store",
    ] {
        folder.write(&format!("project/{name}"), "secret");
    }
    for name in ["web/.well-known/security.txt", "web/target/x", "web/k8s/x", "templates/mail.html", "seed.sql"] {
        folder.write(&format!("project/{name}"), "public");
    }
    let (built, archive) = folder.image().unwrap();
    let project = archive.layer(&built, "project");
    assert!(project.entries.values().all(|entry| entry.bytes != b"secret"), "{:?}", project.order);
    assert_eq!(project.entries.values().filter(|entry| entry.bytes == b"public").count(), 5, "{:?}", project.order);
}

#[test]
fn links_that_stay_inside_stay_links() {
    let folder = Folder::new();
    let project = folder.project();
    folder.write("project/web/v1/app.js", "app");
    symlink("v1", project.join("web/current")).unwrap();
    symlink(project.join("web/index.html"), project.join("web/v1/absolute.html")).unwrap();
    symlink("../../project/web/index.html", project.join("web/around.html")).unwrap();
    let (built, archive) = folder.image().unwrap();
    let project = archive.layer(&built, "project");
    let target = |path: &str| project.entries[path].link.clone().unwrap();
    assert_eq!(target("project/web/current"), PathBuf::from("v1"));
    assert_eq!(target("project/web/v1/absolute.html"), PathBuf::from("../index.html"));
    assert_eq!(target("project/web/around.html"), PathBuf::from("index.html"));
}

#[test]
fn links_that_lead_out_are_refused() {
    for target in ["/etc/passwd", "../../outside", "/", "..", "gone", "../.mainstay/secrets.json", "loop", "via"] {
        let folder = Folder::new();
        let project = folder.project();
        folder.write("outside", "x");
        folder.write("project/.mainstay/secrets.json", "x");
        symlink("../../outside", project.join("web/via")).unwrap();
        let link = project.join("web/loop");
        symlink(target, &link).unwrap();
        let problem = problem(&folder);
        assert!(matches!(problem, ImageError::Link { .. }), "{target}: {problem}");
        assert!(!folder.path("image.tar").exists() && !folder.path("image.tar.partial").exists());
    }
}

#[test]
fn a_folder_behind_a_link_is_not_entered_twice() {
    let folder = Folder::new();
    let project = folder.project();
    symlink("..", project.join("web/up")).unwrap();
    let (built, archive) = folder.image().unwrap();
    assert_eq!(archive.layer(&built, "project").entries["project/web/up"].link, Some(PathBuf::from("..")));
}

#[test]
fn a_pipe_does_not_hold_the_build_up() {
    let folder = Folder::new();
    let pipe = folder.project().join("web/pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(problem(&folder), ImageError::Special(path) if path == pipe));
}

#[test]
fn what_is_too_much_is_told_before_anything_is_written() {
    let folder = Folder::new();
    let project = folder.project();
    let huge = std::fs::File::create(project.join("web/huge")).unwrap();
    // a hole: nothing is on the disk
    huge.set_len(1 << 40).unwrap();
    let text = problem(&folder).to_string();
    assert!(text.contains("4096 MiB"), "{text}");
    std::fs::remove_file(project.join("web/huge")).unwrap();

    let mut spec = ImageSpec::new(folder.path("mainstay"), "p:1").project(&project);
    spec.limits.entries = 3;
    let text = folder.build(&spec, "image.tar").unwrap_err().to_string();
    assert!(text.contains("3 files and folders"), "{text}");
}

#[test]
fn a_folder_without_a_project_is_refused() {
    let folder = Folder::new();
    folder.write("project/web/index.html", "x");
    assert!(matches!(problem(&folder), ImageError::NoProject(_)));
    let spec = ImageSpec::new(folder.path("mainstay"), "p:1").project(folder.path("nowhere"));
    let text = folder.build(&spec, "image.tar").unwrap_err().to_string();
    assert!(text.contains("nowhere"), "{text}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let file = folder.project().join("web/locked.html");
    std::fs::write(&file, "x").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o0)).unwrap();
    match folder.image() {
        // root reads everything, and the image makes it readable again
        Ok((built, archive)) => {
            assert!(std::fs::read(&file).is_ok());
            assert_eq!(archive.layer(&built, "project").entries["project/web/locked.html"].mode, 0o644);
        }
        Err(problem) => assert!(problem.to_string().contains("locked.html"), "{problem}"),
    }
}

#[test]
fn odd_names_and_modes_are_kept_and_tamed() {
    let folder = Folder::new();
    let project = folder.project();
    let long = format!("web/{}/{}.html", "d".repeat(200), "f".repeat(200));
    for name in [long.as_str(), "web/a b\nc.html", "web/ünï.html", "web/-rf", "web/run.sh"] {
        folder.write(&format!("project/{name}"), "odd");
    }
    std::fs::set_permissions(project.join("web/run.sh"), std::fs::Permissions::from_mode(0o6777)).unwrap();
    let (built, archive) = folder.image().unwrap();
    let layer = archive.layer(&built, "project");
    assert_eq!(layer.entries.values().filter(|entry| entry.bytes == b"odd").count(), 5);
    assert_eq!(layer.entries["project/web/run.sh"].mode, 0o755, "no set-user-id");
    assert!(layer.entries.contains_key(&format!("project/{long}")));
}

#[test]
fn an_archive_in_the_project_does_not_hold_itself() {
    let folder = Folder::new();
    let project = folder.project();
    let (_, _) = folder.image().unwrap();
    let spec = ImageSpec::new(folder.path("mainstay"), "p:1").project(&project);
    let (first, _) = folder.build(&spec, "project/image.tar").unwrap();
    let (second, archive) = folder.build(&spec, "project/image.tar").unwrap();
    assert_eq!(first, second);
    assert!(!archive.layer(&second, "project").entries.contains_key("project/image.tar"));
}
