//! Columns that readers ask for stand in the texts of their statements, and so do the kinds of rows.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{File, files_in, tokens};
use super::statements::queries;
use super::{assert_none, assert_one};

/// What one reader asks for.
#[derive(Debug, Default)]
struct Reader {
    columns: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

fn code(file: &File) -> String {
    let code: Vec<&str> = file.text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    code.join("\n")
}

/// `columns!(BookingRow { status: String })` and `facts!(Fact { "edge" Edge { a: Id = subject } })`.
fn readers(store: &[File]) -> BTreeMap<String, Reader> {
    let mut found = BTreeMap::new();
    for code in store.iter().map(code) {
        for (mark, is_facts) in [("columns!(", false), ("facts!(", true)] {
            for declared in code.split(mark).skip(1) {
                let Some((name, rest)) = declared.split_once('{') else { continue };
                let body = rest.split("});").next().unwrap_or_default();
                let column = |field: &str| {
                    let (name, kind) = field.split_once(": ")?;
                    let column = if is_facts { kind.split_once(" = ")?.1 } else { name };
                    Some(column.trim_end_matches([' ', '}']).trim().to_owned())
                };
                let fields = body.split([',', '{', '\n']);
                let reader = Reader {
                    columns: fields.filter_map(column).collect(),
                    kinds: body.split('"').skip(1).step_by(2).map(str::to_owned).collect(),
                };
                // The macros themselves have no name there.
                let is_name = name.trim().chars().all(char::is_alphanumeric);
                found.extend(is_name.then(|| (name.trim().to_owned(), reader)));
            }
        }
    }
    found
}

/// The texts that each reader reads: `statement!("hold_read", HoldRead { hold: Id } -> HeldRow)`.
fn read_by(queries: &[File], store: &[File]) -> BTreeMap<String, Vec<(String, String)>> {
    let mut read: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for code in store.iter().map(code) {
        for mention in code.split("statement!(").skip(1) {
            let mention = mention.split(");").next().unwrap_or_default();
            let Some((head, reader)) = mention.rsplit_once("->") else { continue };
            let name = head.split('{').next().unwrap_or_default().split('"').skip(1).step_by(2).last();
            let query = queries.iter().find(|query| Some(query.stem()) == name);
            if let Some(query) = query {
                let text = (query.path.clone(), query.text.clone());
                read.entry(reader.trim().to_owned()).or_default().push(text);
            }
        }
    }
    read
}

fn missing(queries: &[File], store: &[File]) -> Vec<String> {
    let mut complaints = vec![];
    let read = read_by(queries, store);
    for (name, reader) in readers(store) {
        let texts = read.get(&name).map_or(&[][..], Vec::as_slice);
        for (path, text) in texts {
            let words: BTreeSet<&str> = tokens(text).into_iter().map(|token| token.text).collect();
            let absent = reader.columns.iter().filter(|column| !words.contains(column.as_str()));
            complaints.extend(absent.map(|column| format!("{path}: no column {column}, which {name} reads")));
            if reader.kinds.is_empty() {
                continue;
            }
            for branch in text.lines().filter_map(|line| line.strip_prefix("select '")) {
                let kind = branch.split('\'').next().unwrap_or_default();
                if !reader.kinds.contains(kind) {
                    complaints.push(format!("{path}: {name} knows no kind {kind}"));
                }
            }
        }
        let said = |kind: &&String| texts.iter().any(|(_, text)| text.contains(&format!("'{kind}'")));
        let unsaid = reader.kinds.iter().filter(|kind| !said(kind));
        complaints.extend(unsaid.map(|kind| format!("{name}: no statement says {kind}")));
    }
    complaints
}

/// A place in a row is looked up in one file.
fn by_number(store: &[File]) -> Vec<String> {
    let others = store.iter().filter(|file| !["columns", "row"].contains(&file.stem()));
    let reads = others.filter(|file| file.text.contains("column_at(") || file.text.contains("SPI_getbinval"));
    reads.map(|file| format!("{}: reads a column by its number", file.path)).collect()
}

#[test]
fn columns_and_kinds_stand_in_the_statements() {
    let store = files_in("src/store/");
    assert!(readers(&store).len() > 50, "readers were not found");
    assert_none(&missing(&queries(), &store));
}

#[test]
fn a_missing_column_or_kind_is_seen() {
    let store = "columns!(ARow { id: Id, end_at: Option<Instant> });\nstatement!(\"a\", A { id: Id } -> ARow);\n\
                 facts!(Fact {\n    \"b\" B { c: Id = d }\n    \"e\" E {}\n});\nstatement!(\"f\", F {} -> Fact);";
    let of = |a: &str, f: &str| {
        let queries = [File::new("sql/query/a.sql", a), File::new("sql/query/f.sql", f)];
        missing(&queries, &[File::new("src/store/a.rs", store)])
    };
    let (a, f) = ("select x.id, x.y as end_at", "select 'b' as kind, d\nunion all\nselect 'e', null");
    assert_none(&of(a, f));
    assert_one(&of("select x.id", f), "a.sql: no column end_at");
    assert_one(&of(a, "select 'b' as kind, d"), "no statement says e");
    assert_one(&of(a, "select 'b' as kind, 1\nunion all\nselect 'e', 2"), "f.sql: no column d");
    assert_one(&of(a, &format!("{f}\nunion all\nselect 'g', null")), "knows no kind g");
}

#[test]
fn rows_are_read_by_name() {
    assert_none(&by_number(&files_in("src/store/")));
}

#[test]
fn a_read_by_number_is_seen() {
    assert_one(&by_number(&[File::new("src/store/a.rs", "row.column_at(1)")]), "by its number");
    assert_none(&by_number(&[File::new("src/store/row.rs", "self.column_at(0)")]));
}
