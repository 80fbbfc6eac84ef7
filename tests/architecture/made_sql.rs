//! SQL that is made of pieces: where it may be, for there a name has to be quoted by hand.

use super::source::{File, files_in};
use super::{assert_none, assert_one};

/// DDL, which takes no parameters, calls as a caller writes them, and scripts that are printed. Everything else is a file of `sql/query` with parameters.
const MAKERS: &[&str] = &[
    "src/commands/attach.rs",
    "src/rules/adopt/rehearsal.rs",
    "src/rules/attach/",
    "src/rules/doctor/",
    "src/rules/index/",
    "src/rules/legacy/",
    "src/rules/migration/",
    "src/rules/schema/",
    "src/store/legacy.rs",
    "src/store/grants.rs",
    "src/store/rehearsal.rs",
    "src/store/schema.rs",
];

/// What a statement begins with, and how it goes on.
const BEGINNINGS: &[&str] = &[
    "select ",
    "insert into ",
    "update ",
    "delete from ",
    "alter ",
    "create ",
    "drop ",
    "grant ",
    "revoke ",
    "comment on ",
    "set ",
    "lock ",
    "truncate ",
    "execute ",
    "call ",
];

/// Lines on which a macro or an operator puts a statement together.
fn made(file: &File) -> Vec<String> {
    if MAKERS.iter().any(|maker| file.is_in(maker)) {
        return Vec::new();
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim_start).collect();
    let begins = |text: &str| BEGINNINGS.iter().any(|beginning| text.starts_with(beginning));
    let mut complaints = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with("//")) {
        let after = |word: &str| {
            line.split_once(word)
                .map(|(_, rest)| if rest.is_empty() { lines.get(at + 1).copied().unwrap_or_default() } else { rest })
        };
        let formatted = ["format!(", "write!(", "concat!("].iter().filter_map(|word| after(word));
        let is_made = formatted.filter_map(|text| text.split_once('"')).any(|(_, text)| begins(text));
        let joined = line.split_once('"').is_some_and(|(_, text)| begins(text) && text.contains("\" +"));
        if is_made || joined {
            complaints.push(format!(
                "{}:{}: SQL made of pieces; write a file of sql/query with parameters",
                file.path,
                at + 1
            ));
        }
    }
    complaints
}

#[test]
fn sql_is_made_in_few_places() {
    assert_none(&files_in("src/").iter().filter(|file| file.ends(".rs")).flat_map(made).collect::<Vec<_>>());
}

#[test]
fn sql_made_elsewhere_is_seen() {
    let of = |path: &str, text: &str| made(&File::new(path, text));
    assert_one(&of("src/store/hold.rs", "let a = format!(\"select 1 from {b}\");"), "hold.rs:1: SQL made");
    assert_one(&of("src/api/hold.rs", "let a = format!(\n    \"insert into {b}\"\n);"), "hold.rs:1");
    assert_one(
        &of("src/api/hold.rs", "let a = \"drop table \".to_owned() + name; let b = \"drop x\" + y;"),
        "hold.rs:1",
    );
    assert_none(&of("src/store/schema.rs", "format!(\"drop table {a}\")"));
    assert_none(&of(
        "src/api/hold.rs",
        "// format!(\"select 1\")\nformat!(\"no selection {a}\"); const A: &str = \"select 1\";",
    ));
}
