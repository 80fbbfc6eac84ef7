//! The documents name everything there is: outcomes, findings, functions, settings. The README stays a front page, and no
//! link leads nowhere.

use holdfast::rules::reconcile::finding::catalogue::FINDINGS;
use holdfast::rules::refusal::outcome::{CATALOGUE, OutcomeEntry};
use holdfast::rules::schema::holdfast_tables::HOLDFAST;

use super::source::{File, files, files_in};
use super::{assert_none, assert_one, sql};

/// The front page and what it leads to.
fn pages() -> Vec<File> {
    let is_page = |file: &File| file.path == "README.md" || file.path.starts_with("docs/") || is_at_the_top(file);
    files().into_iter().filter(|file| file.path.ends_with(".md") && is_page(file)).collect()
}

fn is_at_the_top(file: &File) -> bool {
    !file.path.contains('/')
}

fn documents() -> String {
    pages().into_iter().map(|page| page.text).collect::<Vec<_>>().join("\n")
}

/// Links to files that are not there, beside the page that has them.
fn broken_links(page: &File, is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let folder = page.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let targets = page.text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
    let local = targets.filter(|target| !target.is_empty() && !target.contains("://"));
    let path = |target: &str| match target.strip_prefix("../") {
        Some(above) => above.to_owned(),
        None => format!("{folder}{target}"),
    };
    local.map(path).filter(|path| !is_there(path)).map(|path| format!("{}: no {path}", page.path)).collect()
}

/// Rows of the README's tables, as their cells without back-quotes.
fn rows(readme: &str) -> Vec<Vec<String>> {
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    readme.lines().map(str::trim).filter(|line| line.starts_with('|')).map(cells).collect()
}

/// Codes are unique and ascend; each has one row, with its name, SQLSTATE and HTTP status, in the same order.
fn outcomes(catalogue: &[OutcomeEntry], readme: &str) -> Vec<String> {
    let rows = rows(readme);
    let mut complaints = vec![];
    let mut place = None;
    for (at, entry) in catalogue.iter().enumerate() {
        if at > 0 && catalogue[at - 1].code >= entry.code {
            complaints.push(format!("{}: codes are unique and ascend", entry.code));
        }
        let status = entry.http_status.to_string();
        let words = [entry.code, entry.name, entry.sqlstate, &status];
        let of_code: Vec<usize> =
            (0..rows.len()).filter(|row| rows[*row].iter().any(|cell| cell == entry.code)).collect();
        match of_code[..] {
            [row] if words.iter().all(|word| rows[row].iter().any(|cell| cell == word)) => {
                if place.is_some_and(|place| row < place) {
                    complaints.push(format!("the documents: {} stands before a lower code", entry.code));
                }
                place = Some(row);
            }
            [_] => {
                complaints.push(format!("the documents: the row of {} lacks one of {}", entry.code, words.join(", ")))
            }
            _ => complaints.push(format!("the documents: {} rows for {} {}", of_code.len(), entry.code, entry.name)),
        }
    }
    complaints
}

/// Names that the documents do not say as words of their own.
fn unnamed<'a>(names: impl IntoIterator<Item = &'a str>, readme: &str) -> Vec<String> {
    let words: Vec<&str> = readme.split(|c: char| !(c.is_alphanumeric() || c == '_')).collect();
    let missing = names.into_iter().filter(|name| !words.contains(name));
    missing.map(|name| format!("no document names {name}")).collect()
}

/// The last part of every function's name in these scripts.
fn functions(files: &[File]) -> Vec<String> {
    let last = |name: String| name.rsplit('.').next().unwrap_or_default().to_owned();
    files.iter().flat_map(sql::functions).map(last).collect()
}

/// The rows of `settings!`: `int retry_limit = …`.
fn settings<'a>(text: &'a str) -> Vec<&'a str> {
    let row = |line: &'a str| ["bool ", "int ", "text "].iter().find_map(|kind| line.strip_prefix(kind));
    text.lines().filter_map(|line| row(line.trim_start())?.split_once(" = ")).map(|(name, _)| name).collect()
}

#[test]
fn every_outcome_stands_in_the_readme() {
    assert_none(&outcomes(CATALOGUE, &documents()));
}

#[test]
fn a_missing_outcome_is_seen() {
    let catalogue = &CATALOGUE[..2];
    let row = |entry: &OutcomeEntry| {
        format!("| `{}` | {} | {} | {} | words |\n", entry.code, entry.name, entry.sqlstate, entry.http_status)
    };
    let (one, two) = (row(&catalogue[0]), row(&catalogue[1]));
    assert_one(&outcomes(catalogue, &one), "0 rows for HF002");
    assert_one(&outcomes(catalogue, &format!("{one}{two}{two}")), "2 rows for HF002");
    assert_one(&outcomes(catalogue, &format!("{two}{one}")), "HF002 stands before");
    assert_one(&outcomes(catalogue, &format!("{one}{}", two.replace("00000", "P0001"))), "row of HF002 lacks");
    assert_none(&outcomes(catalogue, &format!("{one}{two}")));
    let backwards = [catalogue[1], catalogue[0]];
    assert_one(&outcomes(&backwards, &format!("{two}{one}")), "HF001: codes are unique and ascend");
}

#[test]
fn every_finding_stands_in_the_readme() {
    let readme = documents();
    assert_none(&unnamed(FINDINGS.iter().map(|entry| entry.name), &readme));
    assert_none(&unnamed(FINDINGS.iter().map(|entry| entry.code), &readme));
}

#[test]
fn every_function_stands_in_the_readme() {
    let mut names = functions(&files_in("sql/install/"));
    names.extend(functions(&files_in("sql/contract/")));
    assert!(names.len() > 10, "few functions were found: {names:?}");
    assert_none(&unnamed(names.iter().map(String::as_str), &documents()));
}

/// What stays after `back.sql` is dropped by its names: a pattern would meet tables of the application.
#[test]
fn the_tables_that_stay_are_dropped_by_name() {
    let page = files_in("docs/adopt.md").into_iter().map(|file| file.text).collect::<String>();
    let (_, statement) = page.split_once("drop table ").expect("the statement");
    let (statement, _) = statement.split_once(';').expect("its end");
    let named: Vec<&str> = statement.split(',').map(str::trim).collect();
    assert_eq!(named, HOLDFAST.iter().map(|table| table.name).collect::<Vec<_>>());
}

#[test]
fn every_setting_stands_in_the_readme() {
    let text = files_in("src/settings.rs").into_iter().map(|file| file.text).collect::<String>();
    assert_none(&unnamed(settings(&text), &documents()));
}

#[test]
fn a_missing_name_is_seen() {
    assert_one(&unnamed(["hold_tables", "attach"], "call `holdfast.attach(…)`, hold_tables_v2"), "names hold_tables");
    assert_none(&unnamed(["hold_tables"], "`hold_tables(…)`"));
    assert_eq!(functions(&[File::new("sql/a.sql", "create function app.f() returns int as 'f';")]), ["f"]);
    assert_eq!(settings("settings! {\n    bool enabled = true, Suset;\n        \"Says\", \"more\";\n}"), ["enabled"]);
}

#[test]
fn the_readme_is_a_front_page() {
    let readme = files().into_iter().find(|file| file.path == "README.md").expect("the README");
    assert!(
        readme.text.len() <= 6 * 1024,
        "README.md has {} bytes: what is long belongs into docs/",
        readme.text.len()
    );
}

#[test]
fn no_link_leads_nowhere() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    assert!(pages.len() > 10, "few pages were found");
    assert_none(&pages.iter().flat_map(|page| broken_links(page, |path| root.join(path).exists())).collect::<Vec<_>>());
    let page = File::new("docs/a.md", "[b](b.md#c) [up](../README.md) [out](https://example.org) [self](#x)");
    assert_none(&broken_links(&page, |path| ["docs/b.md", "README.md"].contains(&path)));
    assert_one(&broken_links(&page, |path| path == "README.md"), "docs/a.md: no docs/b.md");
}
