//! What kustomize makes of the folder. `kubectl` must be installed: it has kustomize in it and works offline here.

use crate::fixture;
use mainstay_deploy::{System, objects, render};
use mainstay_manifest::{Id, yaml};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder below the build folder, removed at the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn of(name: &str, files: &[render::File]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("render-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        for file in files {
            let to = path.join(&file.path);
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, &file.text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Output of a program; fails the test with its error output.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn build(folder: &Folder, overlay: &str) -> BTreeMap<Id, Value> {
    let text = run(Command::new("kubectl").arg("kustomize").arg(folder.0.join(overlay)));
    by_id(&text)
}

pub(crate) fn by_id(text: &str) -> BTreeMap<Id, Value> {
    let documents = yaml::read("output", text).unwrap();
    let count = documents.len();
    let all: BTreeMap<Id, Value> = documents.into_iter().map(|d| (Id::of(&d.value), d.value)).collect();
    assert_eq!(all.len(), count, "an object appears twice");
    all
}

fn expected(system: &System) -> BTreeMap<Id, Value> {
    objects(system).into_iter().map(|object| (object.id(), object.value)).collect()
}

#[test]
fn the_default_overlay_builds_to_the_objects_of_the_tree() {
    for system in fixture::all() {
        let folder = Folder::of(&format!("kustomize-{}", system.project.name), &render::kustomize(&system).unwrap());
        let (built, expected) = (build(&folder, "overlays/default"), expected(&system));
        assert_eq!(built.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (id, value) in &expected {
            assert_eq!(&built[id], value, "{id} of {}", system.project.name);
        }
    }
}

#[test]
fn the_dev_overlay_has_one_pod_of_each_and_images_from_the_node() {
    for system in fixture::all() {
        let folder = Folder::of(&format!("dev-{}", system.project.name), &render::kustomize(&system).unwrap());
        let built = build(&folder, "overlays/dev");
        let mut own = 0;
        for (id, value) in &built {
            assert!(!["HorizontalPodAutoscaler", "PodDisruptionBudget"].contains(&id.kind.as_str()), "{id}");
            if id.kind == "Deployment" {
                assert_eq!(value["spec"]["replicas"], 1, "{id}");
            }
            for list in ["containers", "initContainers"] {
                for container in value
                    .pointer(&format!("/spec/template/spec/{list}"))
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                {
                    let is_own = container["image"] == system.image.as_str();
                    own += usize::from(is_own);
                    assert_eq!(container["imagePullPolicy"] == "Never", is_own, "{id}");
                }
            }
        }
        assert!(own > 0, "no container of ours in {}", system.project.name);
    }
}

#[test]
fn the_base_is_closed_and_components_open_it() {
    let system = fixture::budget_app();
    let folder = Folder::of("base", &render::kustomize(&system).unwrap());
    let base = build(&folder, "base");
    let service = base.iter().find(|(id, _)| id.kind == "Service" && id.name == "gateway").unwrap().1;
    assert_eq!(service["spec"]["type"], "ClusterIP");
    assert!(base.keys().all(|id| id.kind != "NetworkPolicy"));
    assert!(folder.0.join("components/loadbalancer/kustomization.yaml").exists());
    assert!(!folder.0.join("components/autoscaling").exists(), "an option that is off has no component");
}
