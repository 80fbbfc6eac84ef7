//! Dependencies between the layers of `src` point down only.

use super::source::{File, Token, files_in, rust_code, tokens};
use super::{assert_none, assert_one};

/// A layer, and the layers that it may name. The types of the rules are the language of the crate: whoever may call
/// a command may also say what it is about.
const LAYERS: &[(&str, &[&str])] = &[
    (
        "lib",
        &[
            "api",
            "commands",
            "errors",
            "in_server_tests",
            "install",
            "worker_slots",
            "rules",
            "settings",
            "shared_memory",
            "store",
            "telemetry",
            "timer",
            "transaction_end",
            "unguarded",
            "worker",
        ],
    ),
    ("install", &[]),
    ("api", &["commands", "errors", "rules"]),
    ("worker", &["commands", "worker_slots", "telemetry", "timer", "settings", "rules"]),
    ("commands", &["rules", "store", "worker_slots", "telemetry", "settings"]),
    ("store", &["rules", "settings", "timer", "unguarded"]),
    ("telemetry", &["rules", "settings", "shared_memory", "unguarded"]),
    ("errors", &["rules"]),
    ("settings", &["rules"]),
    // What sessions and worker share: numbers that mean nothing to it.
    ("worker_slots", &["shared_memory", "unguarded"]),
    ("shared_memory", &[]),
    ("transaction_end", &["telemetry", "worker_slots"]),
    ("timer", &["rules"]),
    // The server itself, where it raises nothing.
    ("unguarded", &[]),
    ("rules", &[]),
    // Tests that run inside the server; they speak SQL to the finished extension.
    ("in_server_tests", &[]),
];

/// `src/api/hold.rs` is in `api`, `src/errors.rs` is `errors`.
fn layer(path: &str) -> &str {
    let inside = path.strip_prefix("src/").unwrap_or(path);
    inside.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// Every `crate::…` of the tokens: line and layer, groups in braces taken apart.
fn named_rooms<'a>(tokens: &[Token<'a>]) -> Vec<(usize, &'a str)> {
    let mut named = vec![];
    for (at, window) in tokens.windows(4).enumerate() {
        let [root, one, two, first] = window else { continue };
        if !root.text.ends_with("crate") || one.text != ":" || two.text != ":" {
            continue;
        }
        if first.text != "{" {
            named.push((first.line, first.text));
            continue;
        }
        let (mut depth, mut expected) = (0, true);
        for token in &tokens[at + 3..] {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                "," => expected = depth == 1,
                word if expected && depth == 1 => {
                    named.push((token.line, word));
                    expected = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    named
}

fn dependencies(file: &File) -> Vec<String> {
    let layer = layer(&file.path);
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        return vec![format!("{}: there is no layer {layer}", file.path)];
    };
    let code = rust_code(&file.text);
    let tokens = tokens(&code);
    let mut complaints: Vec<String> = named_rooms(&tokens)
        .into_iter()
        .filter(|(_, named)| *named != layer && !allowed.contains(named))
        .map(|(line, named)| format!("{}:{line}: {layer} must not know {named}", file.path))
        .collect();
    let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
    if layer != "lib" && words.windows(4).any(|window| window == ["super", ":", ":", "super"]) {
        complaints.push(format!("{}: leaves its layer by super::super; say crate::…", file.path));
    }
    complaints
}

#[test]
fn dependencies_point_down_only() {
    let files = files_in("src/");
    assert!(files.len() > 20, "few files were found: {}", files.len());
    assert_none(&files.iter().filter(|file| file.ends(".rs")).flat_map(dependencies).collect::<Vec<_>>());
}

#[test]
fn a_dependency_that_points_up_is_seen() {
    let complain = |path: &str, text: &str| dependencies(&File::new(path, text));
    assert_one(&complain("src/rules/hold.rs", "use crate::store::Store;"), "rules must not know store");
    assert_one(&complain("src/store/plan.rs", "fn f() {\n    crate::commands::confirm();\n}"), "plan.rs:2: store");
    assert_one(&complain("src/api/hold.rs", "use crate::{errors, store::{self, Plan}};"), "api must not know store");
    assert_one(&complain("src/api/hold.rs", "use crate::{\n    commands::{store, hold},\n    worker,\n};"), ":3: api");
    assert_one(&complain("src/errors.rs", "use crate::api;"), "errors must not know api");
    assert_one(
        &complain("src/store/plan.rs", "macro_rules! m { () => { $crate::api::f() } }"),
        "store must not know api",
    );
    assert_one(&complain("src/attic/old.rs", ""), "no layer attic");
    assert_one(&complain("src/store/plan.rs", "use super::super::api;"), "super::super");
    assert_none(&complain("src/store/plan.rs", "// crate::api\nuse crate::{rules::api, store};\nuse super::row;"));
    assert_none(&complain("src/commands/hold.rs", "use crate::store::Store; const S: &str = \"crate::api\";"));
}
