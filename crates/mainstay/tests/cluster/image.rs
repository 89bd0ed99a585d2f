//! `image`: an archive that engines load, and help that can be read.

use crate::world::Folder;

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("mainstay.toml", "name = \"shop\"\n");
    folder
}

#[test]
fn an_archive_is_written() {
    let folder = project();
    let end = folder.run(&["image", "--json", "--out", "shop.tar"]);
    end.is(0, &[]);
    let built = end.json();
    assert_eq!(built["reference"], "docker.io/library/shop:0.1.0");
    assert!(built["digest"].as_str().unwrap().starts_with("sha256:"), "{built}");
    let size = std::fs::metadata(folder.path().join("shop.tar")).unwrap().len();
    assert!(size > 1_000_000 && built["layers"].as_array().unwrap().len() == 3, "{size} {built}");
    let end = folder.run(&["image", "--tag", "registry.example.com:5000/team/shop:2"]);
    end.is(0, &["minikube image load shop-image.tar", "podman push registry.example.com:5000/team/shop:2"]);
    assert!(folder.path().join("shop-image.tar").exists());
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_left_behind() {
    let folder = project();
    let long = format!("{}:1", "a".repeat(300));
    for tag in ["UPPER:1", "a b:1", "", "a:", "../x:1", "a:1\nb", "a:1@sha256:zz", "{{x}}:1", &long] {
        folder.run(&["image", "--tag", tag, "--out", "i.tar"]).complains(1, &["is no name of an image"]);
    }
    let end = folder.run(&["image", "--out", "nowhere/i.tar"]);
    end.complains(1, &["cannot be written"]);
    assert_eq!(end.err.matches("No such file").count(), 1, "said once: {}", end.err);
    folder.run(&["image", "--out", "."]).complains(1, &["cannot be written"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no half archive is left");
    std::fs::remove_file(folder.path().join("mainstay.toml")).unwrap();
    folder.run(&["image"]).complains(1, &["has no mainstay.toml"]);
}

#[test]
fn every_command_has_help_that_says_what_its_options_are_for() {
    let folder = Folder::new();
    let commands =
        ["render", "lint", "diff", "deploy", "destroy", "rollback", "status", "logs", "open", "image", "doctor"];
    for command in commands {
        let end = folder.run(&[command, "--help"]);
        end.is(0, &["Usage: mainstay"]);
        let text = end.out.split("Options:").nth(1).unwrap().replace("\n          ", "  ");
        for line in text.lines().filter(|line| line.trim_start().starts_with('-') && !line.contains(": ")) {
            let words = line.split_whitespace().filter(|word| !word.starts_with(['-', '<', '['])).count();
            assert!(words >= 2, "{command}: no help for {line:?}");
        }
    }
}
