//! Files of the rules know each other in one direction.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{File, files_in, rust_code, tokens};
use super::{assert_none, assert_one};

/// `src/rules/hold/mod.rs` and `src/rules/hold.rs` are `rules::hold`.
fn module(path: &str) -> Vec<String> {
    let path = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').map(str::to_owned).collect()
}

/// The modules that a file names by `crate::…` or `super::…`, groups of a `use` included.
fn named(file: &File, modules: &BTreeSet<Vec<String>>) -> BTreeSet<Vec<String>> {
    let own = module(&file.path);
    let code = rust_code(&file.text);
    let words: Vec<&str> = tokens(&code).into_iter().map(|token| token.text).collect();
    let mut found = BTreeSet::new();
    let mut open: Vec<Vec<String>> = Vec::new();
    let mut at = 0;
    while at < words.len() {
        let mut path = match words[at] {
            "crate" => Vec::new(),
            "super" => own[..own.len() - 1].to_vec(),
            "{" => {
                open.push(Vec::new());
                at += 1;
                continue;
            }
            "}" => {
                open.pop();
                at += 1;
                continue;
            }
            _ => match open.last() {
                Some(group) if !group.is_empty() => group.clone(),
                _ => {
                    at += 1;
                    continue;
                }
            },
        };
        if !matches!(words[at], "crate" | "super") {
            path.push(words[at].to_owned());
        }
        at += 1;
        while words.get(at) == Some(&":") && words.get(at + 1) == Some(&":") {
            match words.get(at + 2) {
                Some(&"{") => {
                    open.push(path.clone());
                    at += 3;
                    break;
                }
                Some(&"super") => drop(path.pop()),
                Some(word) => path.push((*word).to_owned()),
                None => break,
            }
            at += 3;
        }
        let longest = (1..=path.len()).rev().find(|length| modules.contains(&path[..*length]));
        found.extend(longest.map(|length| path[..length].to_vec()).filter(|known| *known != own && known.len() > 1));
    }
    found
}

/// Every file that can be reached from itself, with those that it names on the way.
fn circles(files: &[File]) -> Vec<String> {
    let modules: BTreeSet<Vec<String>> = files.iter().map(|file| module(&file.path)).collect();
    let known: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> =
        files.iter().map(|file| (module(&file.path), named(file, &modules))).collect();
    let reached = |from: &Vec<String>| {
        let mut reached: BTreeSet<&Vec<String>> = BTreeSet::new();
        let mut next: Vec<&Vec<String>> = known[from].iter().collect();
        while let Some(module) = next.pop() {
            if reached.insert(module) {
                next.extend(known.get(module).into_iter().flatten());
            }
        }
        reached
    };
    let round = known.keys().filter(|module| reached(module).contains(module));
    round.map(|module| format!("{} is known to what it knows", module.join("::"))).collect()
}

#[test]
fn files_of_the_rules_know_each_other_in_one_direction() {
    assert_none(&circles(&files_in("src/rules/")));
}

/// Folders of the rules that are more than one subject.
fn large(files: &[File]) -> Vec<String> {
    const MOST: usize = 1200;
    let mut lines: BTreeMap<&str, usize> = BTreeMap::new();
    for file in files {
        if let Some((subject, _)) = file.path.trim_start_matches("src/rules/").split_once('/') {
            *lines.entry(subject).or_default() += file.text.lines().count();
        }
    }
    let large = lines.into_iter().filter(|(_, lines)| *lines > MOST);
    large.map(|(subject, lines)| format!("src/rules/{subject} has {lines} lines")).collect()
}

#[test]
fn a_subject_of_the_rules_can_be_read_at_once() {
    assert_none(&large(&files_in("src/rules/")));
    let file = |path: &str| File::new(path, &"\n".repeat(601));
    assert_one(&large(&[file("src/rules/hold/mod.rs"), file("src/rules/hold/a/b.rs")]), "hold has 1202 lines");
}

#[test]
fn a_circle_is_seen() {
    let of = |one: &str, other: &str| {
        let circles = circles(&[File::new("src/rules/hold.rs", one), File::new("src/rules/confirm/check.rs", other)]);
        assert!(circles.len() != 1, "a circle has two");
        circles.into_iter().take(1).collect::<Vec<_>>()
    };
    assert_one(&of("use super::confirm::check;", "use crate::rules::hold::Hold;"), "rules::confirm::check");
    assert_one(
        &of("use crate::rules::{confirm::check::Check};", "fn f() { super::super::hold::g() }"),
        "confirm::check",
    );
    assert_none(&of("use super::confirm::check;", "// use super::hold;"));
}
