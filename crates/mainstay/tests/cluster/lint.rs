//! `lint`: what it reads, what it says, and its exit codes.

use crate::world::{Folder, mainstay, root};

const POD: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: other}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:1.0
        envFrom: [{configMapRef: {name: missing}}]
";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("pods/web.yaml", POD);
    folder
}

#[test]
fn errors_end_with_1_and_what_is_fine_with_0() {
    let folder = folder();
    let end = folder.run(&["lint", "pods/web.yaml"]);
    end.is(1, &["error ML", "pods/web.yaml:", "ConfigMap \"missing\"", "→ "]);
    assert!(!end.err.contains("error:"), "the findings are said, and nothing else: {}", end.err);
    folder.run(&["lint", "pods"]).is(1, &["pods/web.yaml:"]);
    let input = mainstay(folder.path(), &["lint", "-"], &[], POD);
    input.is(1, &["standard input:"]);
    let json = folder.run(&["lint", "pods", "--json"]);
    json.is(1, &[]);
    let json = json.json();
    assert!(json["errors"].as_u64() > Some(0) && json["objects"] == 1, "{json}");
    let finding = &json["findings"][0];
    assert!(finding["code"].as_str().unwrap().starts_with("ML"), "{finding}");

    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: missing, namespace: shop}\ndata: {A: b}\n";
    folder.write("only/map.yaml", map);
    folder.run(&["lint", "only"]).is(0, &["1 object"]);
}

#[test]
fn codes_are_left_out_and_warnings_can_fail() {
    let folder = folder();
    let json = folder.run(&["lint", "pods", "--json"]).json();
    let of = |severity: &str| {
        let findings = json["findings"].as_array().unwrap().iter().filter(|f| f["severity"] == severity);
        let mut codes: Vec<&str> = findings.map(|f| f["code"].as_str().unwrap()).collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(",")
    };
    let (errors, warnings) = (of("error"), of("warning"));
    assert!(!errors.is_empty() && !warnings.is_empty(), "{json}");
    folder.run(&["lint", "pods", "--ignore", &errors]).is(0, &["warning"]);
    folder.run(&["lint", "pods", "--ignore", &errors.to_lowercase()]).is(0, &[]);
    folder.run(&["lint", "pods", "--ignore", &errors, "--strict"]).is(1, &["warning"]);
    folder.run(&["lint", "pods", "--ignore", &format!("{errors},{warnings}"), "--strict"]).is(0, &[]);
    folder.run(&["lint", "pods", "--ignore", "ML101,NOPE"]).complains(1, &["no check \"NOPE\"", "lint --checks"]);
}

#[test]
fn projects_are_rendered_first() {
    let budget = root().join("systems/budget-app");
    let end = mainstay(&budget, &["lint", "--strict"], &[], "");
    end.is(0, &[" objects"]);
    let folder = folder();
    let path = budget.display().to_string();
    folder.run(&["lint", &path, "pods"]).is(1, &["pods/web.yaml"]);
    folder.run(&["lint", &format!("{path}/k8s")]).is(0, &[]);
}

#[test]
fn what_cannot_be_read_is_named_with_its_line() {
    let folder = folder();
    folder.write("broken/a.yaml", "apiVersion: v1\nkind: Service\n  metadata: [\n");
    folder.write("tabs.yaml", "a:\n\tb: c\n");
    folder.write("empty.yaml", "");
    folder.write("comment.yaml", "# nothing\n---\n");
    folder.write("text.yaml", "just: text\n");
    std::fs::create_dir(folder.path().join("nothing")).unwrap();
    std::fs::write(folder.path().join("binary.yaml"), [0xff, 0xfe, 0, 1]).unwrap();
    folder.run(&["lint", "broken"]).complains(1, &["broken/a.yaml:3: "]);
    folder.run(&["lint", "tabs.yaml"]).complains(1, &["tabs.yaml:2: "]);
    for empty in ["empty.yaml", "comment.yaml", "nothing"] {
        folder.run(&["lint", empty]).complains(1, &["there is no Kubernetes object"]);
    }
    folder.run(&["lint", "binary.yaml"]).complains(1, &["binary.yaml"]);
    folder.run(&["lint", "nowhere.yaml"]).complains(1, &["nowhere.yaml: No such file"]);
    folder.run(&["lint", "text.yaml"]).is(1, &["ML001", "text.yaml:1"]);
    mainstay(folder.path(), &["lint", "-"], &[], "a: [").complains(1, &["standard input:1: "]);
    // an alias bomb is no reason to go down
    let mut bomb = String::from("a: &a [x,x,x,x,x,x,x,x,x]\n");
    for (one, next) in ('a'..'j').zip('b'..) {
        bomb.push_str(&format!("{next}: &{next} [*{one},*{one},*{one},*{one},*{one},*{one},*{one},*{one},*{one}]\n"));
    }
    folder.write("bomb.yaml", &bomb);
    let end = folder.run(&["lint", "bomb.yaml"]);
    assert!(end.code == Some(1) && end.took.as_secs() < 10, "{:?} {}", end.took, end.err);
    folder.write("deep.yaml", &"[".repeat(100_000));
    assert_eq!(folder.run(&["lint", "deep.yaml"]).code, Some(1));
}

#[test]
fn the_list_of_checks_is_the_page() {
    let folder = Folder::new();
    let end = folder.run(&["lint", "--checks"]);
    end.is(0, &["| ML001 | error |"]);
    let page = std::fs::read_to_string(root().join("docs/reference/lint.md")).unwrap();
    assert_eq!(page.trim_end(), end.out.trim_end(), "run `cargo xtask docs`");
}
