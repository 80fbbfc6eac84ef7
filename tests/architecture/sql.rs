//! Functions that SQL can call: what they run under, and that each says what it is for.

use super::source::{File, files_in, sql_code, tokens};
use super::{assert_none, assert_one};

const PINNED: &str = "set search_path = pg_catalog , pg_temp";

/// The statements of a script, each as its tokens joined by single spaces; what stands between dollars is part of
/// its statement.
fn statements(text: &str) -> Vec<String> {
    let code = sql_code(text);
    let mut found = vec![vec![]];
    let mut quote: Option<&str> = None;
    for token in tokens(&code) {
        match quote {
            None if token.text.len() > 1 && token.text.starts_with('$') && token.text.ends_with('$') => {
                quote = Some(token.text);
            }
            Some(open) if token.text == open => quote = None,
            None if token.text == ";" => {
                found.push(vec![]);
                continue;
            }
            _ => {}
        }
        found.last_mut().expect("one at least").push(token.text);
    }
    found.retain(|statement| !statement.is_empty());
    found.into_iter().map(|statement| statement.join(" ")).collect()
}

/// `schema.name` of a statement that creates a function.
fn created(statement: &str) -> Option<String> {
    let rest = statement.strip_prefix("create ")?;
    let rest = rest.strip_prefix("or replace ").unwrap_or(rest);
    let rest = rest.strip_prefix("function ").or_else(|| rest.strip_prefix("procedure "))?;
    rest.split_once(" (").map(|(name, _)| name.replace(' ', ""))
}

/// Every function that the script creates.
pub fn functions(file: &File) -> Vec<String> {
    statements(&file.text).iter().filter_map(|statement| created(statement)).collect()
}

fn search_paths(file: &File) -> Vec<String> {
    statements(&file.text)
        .iter()
        .filter(|statement| statement.contains("security definer") && !statement.contains(PINNED))
        .map(|statement| {
            let name = created(statement).unwrap_or_else(|| statement.chars().take(40).collect());
            format!("{}: {name} does not pin search_path = pg_catalog, pg_temp", file.path)
        })
        .collect()
}

/// Functions of one folder that no script of it comments on.
fn silent(files: &[File]) -> Vec<String> {
    let commented: Vec<String> = files
        .iter()
        .flat_map(|file| statements(&file.text))
        .filter_map(|statement| {
            let rest = statement.strip_prefix("comment on ")?;
            let rest = rest.strip_prefix("function ").or_else(|| rest.strip_prefix("procedure "))?;
            let name = rest.split(['(', ' ']).filter(|word| !word.is_empty()).take(3).collect::<String>();
            Some(name)
        })
        .collect();
    files
        .iter()
        .flat_map(|file| functions(file).into_iter().map(|name| (file.path.clone(), name)))
        .filter(|(_, name)| !commented.contains(name))
        .map(|(path, name)| format!("{path}: {name} has no comment"))
        .collect()
}

#[test]
fn definers_pin_their_search_path() {
    let files = files_in("sql/");
    assert_none(&files.iter().flat_map(search_paths).collect::<Vec<_>>());
    let definers = files.iter().filter(|file| file.text.contains("security definer")).count();
    assert!(definers > 0, "the contract's functions are definers; none was seen");
}

#[test]
fn an_open_search_path_is_seen() {
    let definer = |setting: &str| {
        let text = format!(
            "-- A comment.\ncreate function app.f(a int) returns int language c SECURITY DEFINER {setting}\nas 'f';"
        );
        search_paths(&File::new("sql/a.sql", &text))
    };
    assert_one(&definer(""), "app.f does not pin");
    assert_one(&definer("set search_path = public"), "app.f does not pin");
    assert_one(&definer("-- set search_path = pg_catalog, pg_temp"), "app.f does not pin");
    assert_one(&definer("set search_path = pg_catalog"), "app.f does not pin");
    assert_none(&definer("set search_path = pg_catalog, pg_temp"));
}

#[test]
fn every_function_says_what_it_is_for() {
    let mut complaints = silent(&files_in("sql/install/"));
    complaints.extend(silent(&files_in("sql/contract/")));
    assert_none(&complaints);
}

#[test]
fn a_function_without_a_comment_is_seen() {
    let create = "create or replace function app.f(a int) returns int language sql as $$ select 1; select 2 $$;";
    let of = |rest: &str| silent(&[File::new("sql/contract/a.sql", create), File::new("sql/contract/b.sql", rest)]);
    assert_one(&of(""), "app.f has no comment");
    assert_one(&of("comment on function app.g is 'g'; -- comment on function app.f"), "app.f has no comment");
    assert_none(&of("comment on function app.f(int) is 'f';"));
    assert_none(&of("comment on function app.f is 'f; g';"));
}

#[test]
fn functions_are_found_by_name() {
    let text = "create function holdfast.a() returns int as 'a';\ncreate view v as select 1;\nCREATE OR REPLACE FUNCTION app.b(x int)\nreturns int as 'b'";
    assert_eq!(functions(&File::new("sql/a.sql", text)), ["holdfast.a", "app.b"]);
}
