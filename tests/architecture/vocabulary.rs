//! One thing, one word: a type's name stands for one thing in the whole crate, and files have the field's names.

use std::collections::BTreeMap;

use super::source::{File, files, files_in, rust_code, tokens};
use super::{assert_none, assert_one};

/// Private words that this project once had, which a name of a file or of something public must not have again.
const JARGON: &[&str] = &[
    "aside",
    "apart",
    "board",
    "noticeboard",
    "original",
    "originals",
    "look",
    "looks",
    "forgotten",
    "eyes",
    "situation",
    "verdict",
    "visit",
    "util",
    "utils",
    "helper",
    "helpers",
    "common",
    "manager",
    "misc",
];

/// Names of types that more than one place declares.
fn namesakes(files: &[File]) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let code = rust_code(&file.text);
        for pair in tokens(&code).windows(2) {
            let name = pair[1].text;
            // It belongs to its trait.
            let associated = ["Error", "Value"].contains(&name);
            let declares = ["struct", "enum", "trait", "type", "union"].contains(&pair[0].text);
            if declares && name.starts_with(char::is_uppercase) && !associated {
                places.entry(name.to_owned()).or_default().push(format!("{}:{}", file.path, pair[1].line));
            }
        }
    }
    let twice = places.into_iter().filter(|(_, places)| places.len() > 1);
    twice.map(|(name, places)| format!("{name} is declared at {}", places.join(" and "))).collect()
}

/// Files that are called by a word of our own.
fn jargon(files: &[File]) -> Vec<String> {
    let named = files.iter().filter(|file| file.is_in("src/") || file.is_in("sql/"));
    named
        .filter(|file| {
            let name = file.path.rsplit('/').next().unwrap_or_default();
            name.split(['_', '.', '-']).any(|word| JARGON.contains(&word))
        })
        .map(|file| format!("{}: not a word of the field", file.path))
        .collect()
}

#[test]
fn a_name_of_a_type_stands_for_one_thing() {
    assert_none(&namesakes(&files_in("src/")));
}

#[test]
fn a_namesake_is_seen() {
    let of = |texts: &[&str]| {
        let files: Vec<File> = texts.iter().map(|text| File::new("src/a.rs", text)).collect();
        namesakes(&files)
    };
    assert_one(&of(&["pub struct Row;", "type Row = ();"]), "Row is declared at src/a.rs:1 and src/a.rs:1");
    assert_none(&of(&["struct Row;", "enum Rows {}", "// struct Row;\nconst S: &str = \"struct Row\";"]));
}

#[test]
fn files_have_the_names_of_the_field() {
    assert_none(&jargon(&files()));
}

#[test]
fn jargon_is_seen() {
    assert_one(&jargon(&[File::new("src/store/hold_look.rs", "")]), "hold_look.rs");
    assert_none(&jargon(&[File::new("src/store/hold.rs", ""), File::new("tests/look.rs", "")]));
}
