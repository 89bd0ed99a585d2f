//! Guards: what must stay true of the repository itself.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn mainstay(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_mainstay")).args(arguments).current_dir(root()).output().unwrap()
}

fn dependencies(package: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join("crates").join(package).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let table = manifest["dependencies"].as_table().unwrap();
    table.keys().filter_map(|name| name.strip_prefix("mainstay-")).map(str::to_owned).collect()
}

#[test]
fn crates_depend_downwards_only() {
    for (package, allowed) in [
        ("kernel", &[][..]),
        ("pg", &["kernel"]),
        ("identity", &["kernel"]),
        ("gateway", &["kernel", "identity"]),
        ("auth", &["kernel", "identity", "pg"]),
        ("data", &["kernel", "identity", "pg"]),
        ("portal", &["kernel"]),
        ("manifest", &[]),
        ("monitoring", &["kernel"]),
        ("lint", &["manifest"]),
        ("image", &[]),
        ("deploy", &["kernel", "manifest", "monitoring"]),
        ("cluster", &["kernel", "identity", "manifest"]),
        ("testkit", &["kernel", "identity", "pg"]),
    ] {
        for dependency in dependencies(package) {
            assert!(allowed.contains(&dependency.as_str()), "{package} must not depend on {dependency}");
        }
    }
}

/// The crates that are really built (Cargo.lock also names optional ones), with their licences.
fn tree() -> Vec<(String, String)> {
    let arguments =
        ["tree", "--workspace", "--edges", "normal,build", "--prefix", "none", "--format", "{p}|{l}", "--locked"];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let crates: Vec<_> = text.lines().filter_map(|line| line.split_once('|')).collect();
    assert!(crates.len() > 100, "{}", String::from_utf8_lossy(&output.stderr));
    crates.into_iter().map(|(name, licence)| (name.to_owned(), licence.trim_end_matches(" (*)").to_owned())).collect()
}

#[test]
fn one_tls_provider_and_no_copyleft_crate_is_in_the_tree() {
    for (package, licence) in tree() {
        for banned in ["openssl-sys v", "native-tls v", "ring v", "openssl v"] {
            assert!(!package.starts_with(banned), "{package} is in the tree");
        }
        // a choice with one permissive way is fine
        let copyleft = licence.split(" OR ").all(|choice| choice.contains("GPL") || choice.contains("MPL"));
        assert!(!copyleft, "{package} is licensed {licence}");
    }
}

#[test]
fn every_direct_dependency_has_a_reason() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for line in
        table.lines().filter(|line| line.contains(" = ") && !line.starts_with('#') && !line.starts_with("mainstay-"))
    {
        assert!(line.contains(" # "), "no reason is given for: {line}");
    }
}

#[test]
fn the_reference_pages_are_current() {
    for (file, arguments) in [("configuration.md", ["config", "reference"]), ("errors.md", ["config", "errors"])] {
        let page = std::fs::read_to_string(root().join("docs/reference").join(file)).unwrap();
        assert_eq!(page, String::from_utf8(mainstay(&arguments).stdout).unwrap(), "run `cargo xtask docs`");
    }
}

#[test]
fn error_codes_are_unique_within_a_room() {
    let page = std::fs::read_to_string(root().join("docs/reference/errors.md")).unwrap();
    for room in page.split("\n## ").skip(1) {
        let mut codes: Vec<&str> =
            room.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert!(all > 5 && codes.len() == all, "codes repeat in {}", room.lines().next().unwrap());
    }
}

#[test]
fn help_and_wrong_usage_have_their_exit_codes() {
    assert_eq!(mainstay(&["--help"]).status.code(), Some(0));
    assert_eq!(mainstay(&["frobnicate"]).status.code(), Some(2));
    assert_eq!(mainstay(&["up", "/nowhere/at/all"]).status.code(), Some(1));
    for command in
        ["init", "up", "serve", "migrate", "wait", "status", "keys", "user", "config", "roles", "doctor", "completions"]
    {
        assert_eq!(mainstay(&[command, "--help"]).status.code(), Some(0), "{command}");
    }
}

#[test]
fn a_new_project_is_made_once_and_its_configuration_is_fine() {
    let dir = std::env::temp_dir().join(format!("mainstay-init-{}", std::process::id()));
    let path = dir.to_str().unwrap();
    assert_eq!(mainstay(&["init", path]).status.code(), Some(0));
    assert_eq!(mainstay(&["config", "check", path]).status.code(), Some(0));
    assert_eq!(mainstay(&["init", path]).status.code(), Some(1));
    std::fs::write(dir.join("mainstay.toml"), "name = \"x\"\n[gateway]\nprot = 1\n").unwrap();
    let refused = mainstay(&["config", "check", path]);
    assert_eq!(refused.status.code(), Some(64));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("mainstay.toml:3: unknown key `prot` in [gateway]; did you mean `port`?"), "{said}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn secrets_are_masked_and_refused_in_the_project_file() {
    let dir = std::env::temp_dir().join(format!("mainstay-mask-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("mainstay.toml"), "name = \"x\"\n").unwrap();
    let shown = Command::new(env!("CARGO_BIN_EXE_mainstay"))
        .args(["config", "show", dir.to_str().unwrap()])
        .env("DATABASE_URL", "postgresql://u:geheim@h/d")
        .env("JWT_SECRET", "geheim-geheim-geheim-geheim-geheim")
        .env("GOOGLE_CLIENT_ID", "visible-id")
        .env("GOOGLE_CLIENT_SECRET", "geheim")
        .output()
        .unwrap();
    let text = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.status.success() && !text.contains("geheim"), "{text}");
    assert!(text.contains("# environment variable DATABASE_URL") && text.contains("visible-id"), "{text}");
    std::fs::remove_dir_all(dir).unwrap();
}
