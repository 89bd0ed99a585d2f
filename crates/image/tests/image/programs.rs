//! The binary and the libraries it needs.

use crate::support::{Folder, static_program};
use mainstay_image::ImageSpec;

#[test]
fn a_static_program_needs_no_libraries() {
    let folder = Folder::new();
    let spec = ImageSpec::new(folder.write("mainstay", static_program()), "p:1");
    let (built, archive) = folder.build(&spec, "a.tar").unwrap();
    assert_eq!(built.architecture, "amd64");
    let base = archive.layer(&built, "base");
    assert!(base.order.iter().all(|path| !path.contains(".so")), "{:?}", base.order);
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn a_dynamic_program_runs_with_what_is_in_the_image() {
    let folder = Folder::new();
    // this very test; it answers `--list` without doing anything
    let binary = std::env::current_exe().unwrap();
    let (built, archive) = folder.build(&ImageSpec::new(&binary, "p:1"), "a.tar").unwrap();
    let base = archive.layer(&built, "base");
    let loader = base.order.iter().find(|path| path.contains("ld-linux")).expect("the loader");
    let libc = base.order.iter().find(|path| path.ends_with("/libc.so.6")).expect("libc");
    assert_eq!(base.entries[loader].mode, 0o755);
    // only with the image's own libraries: the loader is told not to look elsewhere
    for path in base.order.iter().filter(|path| path.contains(".so")) {
        folder.write(&format!("root/{path}"), &base.entries[path].bytes);
    }
    let libraries = folder.path(&format!("root/{libc}")).parent().unwrap().to_owned();
    let loader = folder.path(&format!("root/{loader}"));
    make_executable(&loader);
    let run = std::process::Command::new(&loader)
        .args(["--inhibit-cache", "--library-path"])
        .arg(&libraries)
        .arg("--list")
        .arg(&binary)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{text} {}", String::from_utf8_lossy(&run.stderr));
    assert!(!text.contains("not found"), "{text}");
    for line in text.lines().filter(|line| line.contains("=> /")) {
        assert!(line.contains(&*folder.path("root").to_string_lossy()), "from this machine: {line}");
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[test]
fn libraries_of_configured_folders_are_found_and_put_where_the_loader_looks_by_itself() {
    let folder = Folder::new();
    let binary = std::env::current_exe().unwrap();
    let (built, archive) = folder.build(&ImageSpec::new(&binary, "p:1"), "a.tar").unwrap();
    let base = archive.layer(&built, "base");
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let library = base.order.iter().find(|path| path.contains("libgcc_s.so")).expect("a library that is not glibc's");
    for path in base.order.iter().filter(|path| path.contains(".so")) {
        let place = if path == library { format!("root/opt/odd/{}", name(path)) } else { format!("root/{path}") };
        folder.write(&place, &base.entries[path].bytes);
    }
    // another architecture's library of the same name, and folders that are not there, come first
    folder.write(&format!("root/opt/foreign/{}", name(library)), static_program_of(183));
    folder.write("root/etc/ld.so.conf", "# where else\ninclude ld.so.conf.d/*.conf\ninclude /etc/ld.so.conf\n");
    folder.write("root/etc/ld.so.conf.d/a.conf", "/opt/none\n/opt/foreign # arm64\n");
    folder.write("root/etc/ld.so.conf.d/b.conf", "/opt/odd\n");
    folder.write("root/etc/ld.so.conf.d/c.off", "/opt/never\n");
    let spec = ImageSpec::new(&binary, "p:1").libraries_below(folder.path("root"));
    let (again, archive) = folder.build(&spec, "b.tar").unwrap();
    let found = archive.layer(&again, "base");
    let libraries = |order: &[String]| order.iter().filter(|path| path.contains(".so")).cloned().collect::<Vec<_>>();
    assert_eq!(libraries(&found.order), libraries(&base.order));
    assert_eq!(found.entries[library], base.entries[library]);
}

fn static_program_of(machine: u16) -> Vec<u8> {
    let mut program = static_program();
    program[18..20].copy_from_slice(&machine.to_le_bytes());
    program
}

#[cfg(unix)]
fn make_executable(path: &std::path::Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_library_that_is_not_there_is_named_with_who_needs_it() {
    let folder = Folder::new();
    std::fs::create_dir_all(folder.path("empty")).unwrap();
    let binary = std::env::current_exe().unwrap();
    let spec = ImageSpec::new(&binary, "p:1").libraries_below(folder.path("empty"));
    let problem = folder.build(&spec, "a.tar").unwrap_err().to_string();
    assert!(problem.contains(".so") && problem.contains(&binary.display().to_string()), "{problem}");
    assert!(problem.contains("Dockerfile"), "{problem}");
}

#[test]
fn what_is_no_linux_program_is_sent_to_the_dockerfile() {
    let folder = Folder::new();
    let mut wide = static_program();
    wide[5] = 2; // big-endian
    let mut small = static_program();
    small[4] = 1; // 32 bits
    let mut other = static_program();
    other[18] = 0xF3;
    other[19] = 0x7F;
    let mut cut = static_program();
    cut[32] = 64; // after the header …
    cut[56] = 40; // … forty segments that are not there
    let cases: [(&str, Vec<u8>, &str); 7] = [
        ("empty", Vec::new(), "Dockerfile"),
        ("script", b"#!/bin/sh\n".to_vec(), "Dockerfile"),
        ("mac", b"\xcf\xfa\xed\xfe\x07\0\0\x01".to_vec(), "Dockerfile"),
        ("big-endian", wide, "Dockerfile"),
        ("32-bit", small, "Dockerfile"),
        ("unknown", other, "Dockerfile"),
        ("cut", cut, "damaged"),
    ];
    for (name, bytes, says) in cases {
        let problem = folder.build(&ImageSpec::new(folder.write(name, bytes), "p:1"), "a.tar").unwrap_err().to_string();
        assert!(problem.contains(name) && problem.contains(says), "{problem}");
    }
    let problem = folder.build(&ImageSpec::new(folder.path("none"), "p:1"), "a.tar").unwrap_err().to_string();
    assert!(problem.contains("none") && problem.contains("cannot be read"), "{problem}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_damaged_program_never_stops_the_process() {
    let folder = Folder::new();
    let whole = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    // headers and the first pages, byte by byte wrong
    let start = &whole[..whole.len().min(64 * 1024)];
    for at in (0..1024).step_by(3) {
        for value in [0, 0x7f, 0xff] {
            let mut damaged = start.to_vec();
            damaged[at] = value;
            let path = folder.write("damaged", damaged);
            let _ = folder.build(&ImageSpec::new(path, "p:1").libraries_below(folder.path("no")), "a.tar");
        }
    }
}
