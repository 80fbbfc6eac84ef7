//! Crates that others wrote: each from crates.io, with a sum in the lock file, under a licence that lets us use it. What
//! `cargo deny check licenses bans sources` looks at, without a program that has to be fetched; advisories need the network
//! (CONTRIBUTING.md).

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{assert_none, assert_one};

/// Licences that ask for nothing but their text.
const ALLOWED: &[&str] =
    &["MIT", "Apache-2.0", "BSD-3-Clause", "BSL-1.0", "PostgreSQL", "Unicode-3.0", "Unlicense", "Zlib"];
/// An exception from a licence only adds rights.
const EXCEPTION: &str = " WITH LLVM-exception";
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// What the extension itself may stand on; what only tests need lives in crates of their own.
const DIRECT: &[&str] =
    &["cee-scape", "jiff", "pgrx", "pgrx-pg-sys", "pgrx-tests", "serde", "serde_json", "sha2", "uuid"];

/// Does an SPDX expression leave a choice that is allowed? `/` is how it was written before.
fn is_allowed(expression: &str) -> bool {
    let text = expression.replace(EXCEPTION, "").replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = text.split_whitespace().peekable();
    let allowed = any_of(&mut words);
    allowed && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: &mut Words) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words) -> bool {
    if words.next_if_eq(&"(").is_none() {
        return words.next().is_some_and(|word| ALLOWED.contains(&word));
    }
    let allowed = any_of(words);
    allowed && words.next() == Some(")")
}

fn complaints(package: &Value) -> Vec<String> {
    let text = |name: &str| package[name].as_str().unwrap_or_default();
    let named = format!("{} {}", text("name"), text("version"));
    let mut found = Vec::new();
    // Ours have no source.
    if !package["source"].is_null() && text("source") != REGISTRY {
        found.push(format!("{named} comes from {}", text("source")));
    }
    if !is_allowed(text("license")) {
        found.push(format!("{named} has the licence {:?}", text("license")));
    }
    let dependencies = package["dependencies"].as_array().map_or(&[][..], Vec::as_slice);
    let wild = dependencies.iter().filter(|on| on["req"] == "*" && on["path"].is_null() && package["source"].is_null());
    found.extend(wild.map(|on| format!("{named} takes any version of {}", on["name"])));
    if package["name"] == "holdfast" {
        let names = dependencies.iter().filter(|on| on["kind"].is_null()).filter_map(|on| on["name"].as_str());
        found.extend(names.filter(|name| !DIRECT.contains(name)).map(|name| format!("{named} stands on {name}")));
    }
    found
}

#[test]
fn crates_of_others_may_be_used() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1"])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("cargo metadata");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 50, "{}", packages.len());
    assert_none(&packages.iter().flat_map(complaints).collect::<Vec<_>>());
}

#[test]
fn a_crate_that_may_not_be_used_is_seen() {
    let of = |source: Value, licence: &str| {
        complaints(&serde_json::json!({"name": "a", "version": "1", "source": source, "license": licence}))
    };
    assert_none(&of(REGISTRY.into(), "(MIT OR Apache-2.0) AND Unicode-3.0"));
    assert_none(&of(REGISTRY.into(), "MIT/GPL-3.0"));
    assert_none(&of(Value::Null, "Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    assert_one(&of(REGISTRY.into(), "MIT AND GPL-3.0"), "licence");
    assert_one(&of(REGISTRY.into(), ""), "licence");
    assert_one(&of("git+https://example.org/a".into(), "MIT"), "comes from");
    let ours = serde_json::json!({"name": "holdfast", "version": "1", "source": null, "license": "PostgreSQL",
        "dependencies": [{"name": "openssl", "req": "*", "kind": null}]});
    assert_eq!(complaints(&ours).len(), 2, "any version, and one that is not on the list");
}
