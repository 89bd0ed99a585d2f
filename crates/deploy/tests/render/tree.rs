//! One object per file.

use crate::fixture;
use mainstay_deploy::{objects, render};
use mainstay_manifest::{Phase, yaml};

#[test]
fn every_object_is_in_the_file_it_names() {
    for system in fixture::all() {
        let files = render::tree(&system).unwrap();
        let objects = objects(&system);
        assert_eq!(files.len(), objects.len() + 1);
        for object in objects {
            let file = files.iter().find(|file| file.path == object.path).unwrap();
            let read = yaml::read(&file.path, &file.text).unwrap();
            assert_eq!(read.len(), 1, "{}", file.path);
            assert_eq!(read[0].value, object.value, "{}", file.path);
            assert!(file.text.starts_with("# "), "{} has no comment", file.path);
        }
    }
}

#[test]
fn the_readme_names_every_file_and_applies_all_but_empty_secrets() {
    for system in fixture::all() {
        let files = render::tree(&system).unwrap();
        let readme = &files[0];
        assert_eq!(readme.path, "README.md");
        for object in objects(&system) {
            assert!(readme.text.contains(&format!("[{0}]({0})", object.path)), "{}", object.path);
            let applied = readme.text.contains(&format!("-f {}\n", object.path))
                || readme.text.contains(&format!("-f {} ", object.path));
            assert_eq!(applied, object.kind() != "Secret", "{}", object.path);
        }
        let order: Vec<_> = ["The namespace and its bounds.", "The roles and services."]
            .map(|purpose| readme.text.find(purpose).unwrap())
            .to_vec();
        assert!(order.is_sorted());
        assert!(readme.text.contains("kubectl create -f secrets.yaml"));
    }
}

#[test]
fn the_readme_waits_where_the_next_phase_needs_it() {
    let readme = render::tree(&fixture::budget_app()).unwrap()[0].text.clone();
    let at = |text: &str| readme.find(text).unwrap_or_else(|| panic!("{text} is missing:\n{readme}"));
    assert!(at("rollout status statefulset/postgres") < at("wait --for=condition=complete job/db-init"));
    assert!(at("wait --for=condition=complete job/db-init") < at("rollout status deployment/gateway"));
    assert!(
        render::tree(&fixture::operated()).unwrap()[0]
            .text
            .contains("wait --for=condition=Ready clusters.postgresql.cnpg.io/postgres")
    );
    assert!(objects(&fixture::budget_app()).iter().any(|object| object.phase == Phase::Init));
}

#[test]
fn the_same_system_gives_the_same_bytes() {
    for (one, two) in fixture::all().into_iter().zip(fixture::all()) {
        assert_eq!(render::tree(&one).unwrap(), render::tree(&two).unwrap());
        assert_eq!(render::kustomize(&one).unwrap(), render::kustomize(&two).unwrap());
        assert_eq!(render::helm(&one).unwrap(), render::helm(&two).unwrap());
        assert_eq!(render::picture_svg(&one), render::picture_svg(&two));
        assert_eq!(render::picture_text(&one), render::picture_text(&two));
    }
}
