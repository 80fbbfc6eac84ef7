//! What somebody meets first: `make install` without what it needs, and the lines of a step that takes long.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the clone")
}

fn script(name: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(root().join("toolchain").join(name));
    command.args(arguments).env_remove("PG_CONFIG").env_remove("PG").output().expect("a script")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_installation_without_headers_says_so_before_it_compiles() {
    let folder = std::env::temp_dir().join(format!("holdfast-headers-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let program = folder.join("pg_config");
    let lies = format!("#!/bin/sh\n[ \"$1\" = --version ] && echo 'PostgreSQL 15.3' || echo {}\n", folder.display());
    fs::write(&program, lies).expect("a program");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("to be run");
    let output = Command::new(root().join("toolchain/install"))
        .env("PG_CONFIG", &program)
        .env_remove("PG")
        // Whatever would compile or fetch is not to be found.
        .env("PATH", "/usr/bin:/bin")
        .env("CARGO_HOME", &folder)
        .output()
        .expect("a script");
    fs::remove_dir_all(&folder).expect("the folder goes");
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("the server's headers are missing: no postgres.h in"), "{said}");
    assert!(said.contains("apt-get install postgresql-server-dev-15"), "{said}");
    assert_eq!(said.lines().count(), 1, "and nothing else: {said}");
}

#[test]
fn a_long_step_is_quiet_until_it_fails() {
    let work = |end: &str| format!("echo '   Compiling serde v1.0.0'; echo 'error: no such thing'; exit {end}");
    let well = script("with-progress", &["60", "building", "sh", "-c", &work("0")]);
    assert!(well.status.success() && well.stdout.is_empty() && well.stderr.is_empty(), "{}", said(&well));
    let ill = script("with-progress", &["60", "building", "sh", "-c", &work("1")]);
    let words = said(&ill);
    assert!(!ill.status.success() && words.contains("error: no such thing"), "{words}");
    assert!(words.contains("building: failed after") && !words.contains("Compiling"), "{words}");
}
