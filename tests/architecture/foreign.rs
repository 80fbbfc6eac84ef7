//! The tests that an application under tests/e2e/foreign is excused from: each is there, and says why.

use super::source::{File, files, files_in};
use super::{assert_none, assert_one};

/// `module::test  reason`, a line each.
fn complaints(lists: &[File], tests: &[File]) -> Vec<String> {
    let is_test = |name: &str| {
        let Some((module, function)) = name.rsplit_once("::") else { return false };
        let module = module.replace("::", "/");
        let file = tests.iter().find(|file| file.path.ends_with(&format!("/{module}.rs")));
        file.is_some_and(|file| file.text.contains(&format!("\nfn {function}() {{")))
    };
    let lines = lists.iter().flat_map(|list| list.text.lines().map(move |line| (list, line)));
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .filter_map(|(list, line)| match line.split_once("  ") {
            Some((name, reason)) if is_test(name) && !reason.trim().is_empty() => None,
            Some((name, _)) if !is_test(name) => Some(format!("{}: no test is called {name}", list.path)),
            _ => Some(format!("{}: no reason in {line:?}", list.path)),
        })
        .collect()
}

#[test]
fn what_an_application_is_excused_from_is_there_and_says_why() {
    let lists: Vec<File> = files().into_iter().filter(|file| file.path.ends_with(".without")).collect();
    assert!(lists.len() == 6, "one list for each application");
    assert_none(&complaints(&lists, &files_in("tests/e2e/tests")));
}

#[test]
fn it_complains() {
    let tests = [File { path: "tests/written.rs".into(), text: "#[test]\nfn a_row() {\n}\n".into() }];
    let list = |text: &str| [File { path: "old.without".into(), text: text.into() }];
    assert_none(&complaints(&list("# a word\nwritten::a_row  no such column"), &tests));
    assert_one(&complaints(&list("written::two_rows  no such column"), &tests), "no test is called written::two_rows");
    assert_one(&complaints(&list("written::a_row"), &tests), "no reason");
}
