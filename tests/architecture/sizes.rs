//! Files and functions that fit into one view, under names that say something.

use super::source::{File, files, rust_code, sql_code, tokens};
use super::{assert_none, assert_one};

const FILE_LINES: usize = 400;
const FUNCTION_LINES: usize = 70;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "manager", "misc", "stuff"];

fn is_ours(file: &File) -> bool {
    [".rs", ".sql", ".py", ".spec"].iter().any(|extension| file.ends(extension)) || file.is_shell()
}

fn file_size(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    if lines > FILE_LINES { vec![format!("{}: {lines} lines, more than {FILE_LINES}", file.path)] } else { vec![] }
}

/// A function's name and its first and last line.
type Function = (String, usize, usize);

fn functions(file: &File) -> Vec<Function> {
    if file.ends(".rs") {
        rust_functions(&file.text)
    } else if file.ends(".sql") {
        sql_functions(&file.text)
    } else if file.is_shell() {
        shell_functions(&file.text)
    } else {
        vec![]
    }
}

fn rust_functions(text: &str) -> Vec<Function> {
    let code = rust_code(text);
    let tokens = tokens(&code);
    let mut found = vec![];
    for (at, pair) in tokens.windows(2).enumerate() {
        let named = pair[1].text.starts_with(|c: char| c.is_alphabetic() || c == '_');
        if pair[0].text != "fn" || !named {
            continue;
        }
        let mut depth = 0_i32;
        for token in &tokens[at..] {
            depth += match token.text {
                "{" | "(" | "[" => 1,
                "}" | ")" | "]" => -1,
                _ => 0,
            };
            // The body ends; a declaration has none.
            if depth == 0 && ["}", ";"].contains(&token.text) {
                found.push((pair[1].text.to_owned(), pair[0].line, token.line));
                break;
            }
        }
    }
    found
}

/// From `create function` to the statement's end; what stands between dollars is part of it.
fn sql_functions(text: &str) -> Vec<Function> {
    let code = sql_code(text);
    let tokens = tokens(&code);
    let mut found = vec![];
    for (at, token) in tokens.iter().enumerate() {
        let made = |back: usize| at.checked_sub(back).map_or("", |at| tokens[at].text);
        if !["function", "procedure"].contains(&token.text) || !(made(1) == "create" || made(1) == "replace") {
            continue;
        }
        let mut quote: Option<&str> = None;
        for (place, end) in tokens.iter().enumerate().skip(at) {
            match quote {
                None if end.text.starts_with('$') && end.text.ends_with('$') => quote = Some(end.text),
                Some(open) if end.text == open => quote = None,
                None if end.text == ";" || place + 1 == tokens.len() => {
                    let name: String = tokens[at + 1..].iter().map(|t| t.text).take_while(|t| *t != "(").collect();
                    found.push((name, token.line, end.line));
                    break;
                }
                _ => {}
            }
        }
    }
    found
}

/// From `name() {` to the brace at the same depth of indentation.
fn shell_functions(text: &str) -> Vec<Function> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = vec![];
    for (at, line) in lines.iter().enumerate() {
        let Some((name, rest)) = line.split_once("()") else { continue };
        let word = |c: char| c.is_alphanumeric() || "_-".contains(c);
        if !rest.trim_start().starts_with('{') || !name.trim().chars().all(word) {
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let closes = |line: &&str| line.trim_end() == format!("{indent}}}");
        let end = lines[at..].iter().position(closes).map_or(at, |offset| at + offset);
        found.push((name.trim().to_owned(), at + 1, end + 1));
    }
    found
}

fn function_sizes(file: &File) -> Vec<String> {
    let long = functions(file).into_iter().filter(|(_, first, last)| last - first + 1 > FUNCTION_LINES);
    long.map(|(name, first, last)| {
        format!("{}:{first}: {name} has {} lines, more than {FUNCTION_LINES}", file.path, last - first + 1)
    })
    .collect()
}

fn names(file: &File) -> Vec<String> {
    let empty = |name: &str| name.split(['_', '-']).any(|word| EMPTY_NAMES.contains(&word));
    let folders = file.path.rsplit_once('/').map_or("", |(folders, _)| folders);
    let mut wrong: Vec<String> =
        folders.split('/').chain([file.stem()]).filter(|name| empty(name)).map(str::to_owned).collect();
    if file.ends(".rs") {
        let code = rust_code(&file.text);
        let tokens = tokens(&code);
        let modules = tokens.windows(2).filter(|pair| pair[0].text == "mod" && empty(pair[1].text));
        wrong.extend(modules.map(|pair| format!("mod {}", pair[1].text)));
    }
    wrong.into_iter().map(|name| format!("{}: {name} says nothing", file.path)).collect()
}

fn complaints(check: impl Fn(&File) -> Vec<String>) -> Vec<String> {
    files().iter().filter(|file| is_ours(file)).flat_map(check).collect()
}

#[test]
fn files_fit_into_one_view() {
    assert_none(&complaints(file_size));
}

#[test]
fn a_long_file_is_seen() {
    assert_one(&file_size(&File::new("sql/a.sql", &"\n".repeat(401))), "401 lines");
    assert_none(&file_size(&File::new("sql/a.sql", &"\n".repeat(400))));
}

#[test]
fn functions_fit_into_one_view() {
    assert_none(&complaints(function_sizes));
    // The tests, the rules and the scripts are among those that were looked at.
    let found = |path: &str| files().iter().any(|file| file.path == path && !functions(file).is_empty());
    assert!(
        found("src/rules/confirm/check.rs")
            && found("tests/rules/tests/confirm.rs")
            && found("sql/contract/confirm.sql")
    );
}

#[test]
fn a_long_function_is_seen() {
    let long = |path: &str, before: &str, after: &str, lines: usize| {
        function_sizes(&File::new(path, &format!("\n{before}\n{}{after}\n", "    x\n".repeat(lines))))
    };
    let rust = "fn f() -> [u8; 1] {\n    struct S { a: fn(u8) }";
    assert_one(&long("src/a.rs", rust, "}", 68), "src/a.rs:2: f has 71 lines");
    assert_none(&long("src/a.rs", rust, "}", 67));
    let sql = "create or replace function app.f(a int) returns void as $body$\nbegin;";
    assert_one(&long("sql/a.sql", sql, "end; $body$ language plpgsql;", 68), "app.f has 71 lines");
    assert_none(&long("sql/a.sql", sql, "end; $body$ language plpgsql;", 67));
    assert_one(&long("toolchain/a.sh", "f() {", "}", 69), "f has 71 lines");
    assert_none(&long("toolchain/a.sh", "f() {", "}\n\ng() {\n}", 68));
    assert_one(
        &long("toolchain/a", "", "", 0).into_iter().chain(long("t/a.sh", "  f_g () {", "  }", 69)).collect::<Vec<_>>(),
        "f_g",
    );
}

#[test]
fn names_say_something() {
    assert_none(&complaints(names));
}

#[test]
fn an_empty_name_is_seen() {
    assert_one(&names(&File::new("src/util.rs", "")), "util says nothing");
    assert_one(&names(&File::new("src/store/row_helper.rs", "")), "row_helper says nothing");
    assert_one(&names(&File::new("tests/common/mod.rs", "")), "common says nothing");
    assert_one(&names(&File::new("src/lib.rs", "mod helpers { }")), "mod helpers says nothing");
    assert_none(&names(&File::new("src/commands/commonly.rs", "mod utility;")));
}
