//! Releases are frozen, and the script that leads from the last one to this one leaves nothing out: it is made from
//! what the install scripts have and that release did not. `toolchain/upgrade-sql` writes it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::source::File;
use super::{assert_none, assert_one};

/// The release that this version is reached from.
const LAST: &str = "0.1.0";
/// Repeated after every change: rights are taken from whatever is new.
const GRANTS: &str = "3_grants.sql";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn script_path() -> PathBuf {
    root().join(format!("sql/holdfast--{LAST}--{}.sql", env!("CARGO_PKG_VERSION")))
}

/// The statements of a script as they stand, without the comments before them.
fn statements(text: &str) -> Vec<String> {
    let mut found = vec![];
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        } else if rest.is_empty() {
            return found;
        } else {
            let end = statement_end(rest);
            found.push(rest[..end].trim_end_matches(';').trim_end().to_owned());
            rest = &rest[end..];
        }
    }
}

/// Behind the first semicolon that stands in no string, no body and no comment.
fn statement_end(text: &str) -> usize {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let here = &text[at..];
        let until =
            |mark: &str, from: usize| here[from..].find(mark).map_or(text.len(), |to| at + from + to + mark.len());
        at = match next {
            ';' => return at + 1,
            '\'' => until("'", 1),
            '"' => until("\"", 1),
            '-' if here.starts_with("--") => until("\n", 0),
            '$' => match here[1..].find('$') {
                Some(to) if here[1..=to].chars().all(|c| c.is_alphanumeric() || c == '_') => {
                    until(&here[..to + 2], to + 2)
                }
                _ => at + 1,
            },
            _ => at + next.len_utf8(),
        };
    }
    text.len()
}

/// Kind and name of what a statement creates.
fn created(statement: &str) -> Option<(&'static str, &str)> {
    let rest = statement.strip_prefix("create ")?;
    let rest = rest.strip_prefix("or replace ").unwrap_or(rest);
    let kinds = ["function", "procedure", "view", "table", "type", "event trigger"];
    kinds.into_iter().find_map(|kind| {
        let name = rest.strip_prefix(kind)?.strip_prefix(' ')?;
        Some((kind, name.split(|c: char| c == '(' || c.is_whitespace()).next().unwrap_or_default()))
    })
}

/// What a function takes and returns: all before its language.
fn signature(statement: &str) -> &str {
    statement.split("\nlanguage ").next().unwrap_or(statement)
}

/// The statement for a database that has the last release, and whether it begins with a drop.
fn upgraded(statement: &str, old: &[String]) -> (String, bool) {
    let Some((kind, name)) = created(statement) else { return (statement.to_owned(), false) };
    let Some(before) = old.iter().find(|old| created(old) == Some((kind, name))) else {
        return (statement.to_owned(), false);
    };
    if kind == "view" || kind == "function" && signature(before) == signature(statement) {
        return (statement.replacen(&format!("create {kind}"), &format!("create or replace {kind}"), 1), false);
    }
    (format!("drop {kind} {name};\n\n{statement}"), true)
}

/// The script from the old release to what the fragments install.
fn script(old: &str, fragments: &[File]) -> String {
    let old = statements(old);
    let new: Vec<String> = fragments.iter().flat_map(|fragment| statements(&fragment.text)).collect();
    let names: BTreeSet<_> = new.iter().filter_map(|statement| created(statement)).collect();
    let mut text = format!(
        "-- From holdfast {LAST}: what the install scripts have since then. Written by toolchain/upgrade-sql.\n"
    );
    for (kind, name) in old.iter().rev().filter_map(|statement| created(statement)) {
        if !names.contains(&(kind, name)) {
            text += &format!("\ndrop {kind} {name};\n");
        }
    }
    let mut again = BTreeSet::new();
    for fragment in fragments {
        for statement in statements(&fragment.text) {
            let words: Vec<&str> = statement.split_whitespace().take(4).collect();
            let remark = words.first() == Some(&"comment") && words.get(3).is_some_and(|name| again.contains(*name));
            if old.contains(&statement) && fragment.stem() != "3_grants" && !remark {
                continue;
            }
            let (statement, dropped) = upgraded(&statement, &old);
            if let Some((_, name)) = created(&statement[statement.find("create").unwrap_or(0)..]).filter(|_| dropped) {
                again.insert(name.to_owned());
            }
            text += &format!("\n{statement};\n");
        }
    }
    text
}

/// The install scripts in their order; the grants come last.
fn fragments() -> Vec<File> {
    let install = read(&root().join("src/install.rs"));
    let mut names: Vec<&str> = install
        .split('"')
        .filter_map(|literal| literal.strip_prefix("../sql/install/").filter(|name| name.ends_with(".sql")))
        .collect();
    names.sort_by_key(|name| *name == GRANTS);
    assert!(names.len() > 2 && names.last() == Some(&GRANTS), "src/install.rs names other scripts: {names:?}");
    names.iter().map(|name| File::new(name, &read(&root().join("sql/install").join(name)))).collect()
}

/// The checksums that the list has, against those of the files.
fn changed(list: &str, files: &[(String, Vec<u8>)]) -> Vec<String> {
    let sum = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let listed = |name: &str| list.lines().find_map(|line| line.strip_suffix(&format!("  {name}")));
    let mut complaints: Vec<String> = files
        .iter()
        .filter_map(|(name, bytes)| match listed(name) {
            None => Some(format!("tests/upgrade/{name} is not in frozen.sha256")),
            Some(expected) if expected != sum(bytes) => Some(format!(
                "tests/upgrade/{name} is what a release installed: it must not change; say what is new in sql/install"
            )),
            Some(_) => None,
        })
        .collect();
    let gone =
        list.lines().filter_map(|line| line.split_once("  ")).filter(|(_, name)| files.iter().all(|f| f.0 != *name));
    complaints.extend(gone.map(|(_, name)| format!("tests/upgrade/{name} is gone")));
    complaints
}

fn frozen() -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(root().join("tests/upgrade")).expect("the releases");
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| name.ends_with(".sql"))
        .map(|(name, path)| (name, fs::read(path).expect("a release")))
        .collect();
    files.sort();
    files
}

#[test]
fn a_release_is_not_changed() {
    let list = read(&root().join("tests/upgrade/frozen.sha256"));
    assert!(!list.is_empty());
    assert_none(&changed(&list, &frozen()));
}

#[test]
fn a_changed_release_is_seen() {
    let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let list = format!("{sum}  a.sql\n");
    let file = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    assert_none(&changed(&list, &[file("a.sql", "abc")]));
    assert_one(&changed(&list, &[file("a.sql", "abd")]), "a.sql is what a release installed");
    assert_one(&changed(&list, &[file("a.sql", "abc"), file("b.sql", "")]), "b.sql is not in frozen.sha256");
    assert_one(&changed(&list, &[]), "a.sql is gone");
}

/// With HOLDFAST_WRITE set, it is written.
#[test]
fn the_way_from_the_last_release_is_complete() {
    let made = script(&read(&root().join(format!("tests/upgrade/holdfast--{LAST}.sql"))), &fragments());
    if std::env::var_os("HOLDFAST_WRITE").is_some() {
        fs::write(script_path(), &made).expect("the script can be written");
    }
    let stands = fs::read_to_string(script_path()).unwrap_or_default();
    let (stands, made) = (statements(&stands), statements(&made));
    let missing = made.iter().filter(|statement| !stands.contains(statement)).map(|s| ("lacks", s));
    let left = stands.iter().filter(|statement| !made.contains(statement)).map(|s| ("should not have", s));
    let complaints: Vec<String> = missing
        .chain(left)
        .map(|(word, s)| {
            format!("the upgrade script {word}: {} …; run toolchain/upgrade-sql", s.lines().next().unwrap_or_default())
        })
        .collect();
    assert_none(&complaints);
    assert!(stands == made, "the upgrade script has another order; run toolchain/upgrade-sql");
}

#[test]
fn what_is_new_changed_or_gone_is_in_the_script() {
    let old = "/* made */ -- a;\ncreate function h.a(x int) returns int\nlanguage c as 'a;';\ncomment on function h.a is 'a';\n\
               create function h.b() returns int\nlanguage c as 'b';\ncreate view h.v as select 1;\ncreate function h.gone()\nreturns int\nlanguage c as 'c';";
    let of = |text: &str| {
        let script = script(old, &[File::new("2_native.sql", text), File::new(GRANTS, "revoke all on x from public;")]);
        statements(&script).join(" | ")
    };
    let same = "create function h.a(x int) returns int\nlanguage c as 'a;'; comment on function h.a is 'a';\n\
                create function h.b() returns int\nlanguage c as 'b'; create view h.v as select 1;";
    let rest = "drop function h.gone | revoke all on x from public";
    assert_eq!(
        of(&format!("{same} create function h.gone()\nreturns int\nlanguage c as 'c';")),
        "revoke all on x from public"
    );
    assert_eq!(of(same), rest);
    let body = same.replace("'b'", "'b2'").replace("select 1", "select 2");
    assert_eq!(
        of(&body),
        "drop function h.gone | create or replace function h.b() returns int\nlanguage c as 'b2' | \
         create or replace view h.v as select 2 | revoke all on x from public"
    );
    let argument = same.replace("x int", "x int, y int");
    assert_eq!(
        of(&argument),
        "drop function h.gone | drop function h.a | create function h.a(x int, y int) returns int\nlanguage c as 'a;' | \
         comment on function h.a is 'a' | revoke all on x from public"
    );
    let new = of(&format!("{same} create table h.t (a text default $x$;$x$); comment on table h.t is 'it''s; new';"));
    assert!(
        new.contains("create table h.t (a text default $x$;$x$) | comment on table h.t is 'it''s; new' | revoke"),
        "{new}"
    );
}
