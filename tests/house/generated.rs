//! Pages that are made from the code: outcomes, findings and tables. `make docs` writes them, and these tests compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use holdfast::rules::reconcile::finding::catalogue::FINDINGS;
use holdfast::rules::refusal::outcome::{CATALOGUE, Disposition};
use holdfast::rules::schema::application_tables::{APPLICATION, ENUMS};
use holdfast::rules::schema::column::{ApplicationColumn, ApplicationTable, HoldfastColumn, HoldfastTable};
use holdfast::rules::schema::ddl;
use holdfast::rules::schema::holdfast_tables::{TRIGGERS, all};

use super::{assert_none, assert_one};

/// The page as it stands, or the new text in its place when it is asked for.
fn assert_page(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name);
    if std::env::var("HOLDFAST_WRITE").is_ok_and(|value| value == "1") {
        fs::write(&path, text).expect("the page is written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == text, "docs/{name} is not what the code says: make docs");
}

/// A row of a Markdown table.
fn row(cells: &[&str]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    format!("| {} |\n", cells.join(" | ").trim_end())
}

fn code(word: &str) -> String {
    format!("`{word}`")
}

fn outcomes() -> String {
    let mut text = "# Outcomes\n\n<!-- Made by `make docs` from src/rules/refusal/outcome.rs. -->\n\n\
        Everything that a call can come to. `select * from holdfast.outcomes` shows the same in the database.\n\
        A native call returns it as a row. A function of the contract raises a refusal with its SQLSTATE, and HINT starts\n\
        with the code unless [the contract](contract.md) fixes the HINT. Errors of the application's own triggers pass\n\
        unchanged.\n\n\
        | disposition | what it means for the next call |\n|---|---|\n"
        .to_owned();
    for (disposition, words) in [
        (Disposition::Success, "It was done. The same call under the same key gets the same answer."),
        (
            Disposition::Final,
            "The same request will be refused again. Returned by a native call under a key, it is bound to that key.",
        ),
        (
            Disposition::Transient,
            "Somebody or something stood in the way. Try again with the same key, in a new transaction.",
        ),
    ] {
        text += &row(&[disposition.name(), words]);
    }
    text += "\nHTTP is the status that a service may answer with. Codes are stable, and no code is ever given to anything else.\n\n\
        | outcome | code | SQLSTATE | disposition | HTTP | meaning | what to do |\n|---|---|---|---|---|---|---|\n";
    for entry in CATALOGUE {
        let http = entry.http_status.to_string();
        let name = code(entry.name);
        let cells = [&name, entry.code, entry.sqlstate, entry.disposition.name(), &http, entry.sentence, entry.advice];
        text += &row(&cells);
    }
    text + "\nSQLSTATE P0004 is `assert_failure` in PL/pgSQL, and `exception when others` does not catch it.\n\
        Name it: `when assert_failure or others`. A gateway that maps P0001 to 400 answers 500 to P0003 and P0004.\n"
}

fn findings() -> String {
    let mut text = "# Findings\n\n<!-- Made by `make docs` from src/rules/reconcile/finding/catalogue.rs. -->\n\n\
        What a reconciliation can come to. `select * from holdfast.findings` shows the same in the database.\n\
        [Reconcile and audit](reconcile-and-audit.md) says how findings come up and how they are mended.\n\n\
        | severity | what to do |\n|---|---|\n\
        | critical | Two guests may stand before one table. Act now. |\n\
        | error | A promise is broken for one booking. Act before its time comes. |\n\
        | warning | The record does not agree, and nobody's table is in danger. |\n\
        | info | A confirm or other code may lead there. No alert. |\n\n\
        | finding | code | severity | promise | what it means | repair |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for entry in FINDINGS {
        let name = code(entry.name);
        text += &row(&[&name, entry.code, entry.severity.name(), entry.promise, entry.sentence, entry.repair]);
    }
    text + "\nWhere `repair` says none, the facts do not decide and a person does.\n"
}

/// What a column of the application's is to us, in the words of the page.
fn label(column: &ApplicationColumn, optional_table: bool) -> String {
    let presence = match () {
        () if column.beside => return "not used by holdfast".to_owned(),
        () if column.added.is_some() => "made by attach",
        () if column.optional => "optional",
        () if column.null => "made by attach",
        () if optional_table => "needed where the table is there",
        () => "needed",
    };
    let written = match () {
        () if column.given && column.null => ", written, NULL allowed",
        () if column.given => ", written",
        () if column.made.is_some() => ", its default fills it",
        () if column.null => ", NULL allowed",
        () => "",
    };
    format!("{presence}{written}")
}

/// A column's name, type, label and meaning, for a table of the application.
fn asked(table: &ApplicationTable) -> String {
    let of = |column: &ApplicationColumn| {
        let kind = if column.beside { column.kind.sql() } else { column.kind.word().to_owned() };
        row(&[&code(column.name), &kind, &label(column, !table.feature.is_empty()), column.about])
    };
    let beside = table.columns.iter().filter(|column| column.beside);
    table.asked().chain(beside).map(of).collect()
}

fn ours(table: &HoldfastTable) -> String {
    let of = |column: &HoldfastColumn| {
        let kind = column.kind.sql().replace("app.", "");
        let null = if column.null { "may be NULL" } else { "" };
        row(&[&code(column.name), &kind, null, column.since.name(), column.about])
    };
    table.columns.iter().map(of).collect()
}

const HEAD: &str = "\n| column | type | label | meaning |\n|---|---|---|---|\n";
const OURS: &str = "\n| column | type | | since | meaning |\n|---|---|---|---|---|\n";

fn section(name: &str, words: &str, head: &str, rows: &str) -> String {
    let words = if words.is_empty() { String::new() } else { format!("{words}\n") };
    format!("\n## {name}\n\n{words}{head}{rows}").replace("\n\n\n", "\n\n")
}

fn schema() -> String {
    let mut text = "# Schema\n\n<!-- Made by `make docs` from src/rules/schema. -->\n\n\
        Every table and column that holdfast reads or writes. `holdfast.doctor` compares a schema with this list and says what\n\
        is missing. `holdfast.create_reference_schema` makes all of it for a new application.\n\n\
        | label | meaning |\n|---|---|\n\
        | needed | attach refuses a schema that lacks it |\n\
        | made by attach | attach adds it where it is missing |\n\
        | optional | used when it is there, at attach or later |\n\
        | needed where the table is there | the table may be missing; a table without this column is refused |\n\
        | written | our inserts fill it; without that word, it is read or updated only |\n\
        | NULL allowed | a call may leave it NULL, so the column must allow that; attach drops a NOT NULL |\n\
        | its default fills it | our inserts leave it out, so it needs a default |\n\n\
        Type `enum` is any enum of the application, and `any` is any type. Columns and tables beyond these are the application's\n\
        own, and stay untouched.\n"
        .to_owned();
    text += "\n# Tables of the application\n";
    for table in APPLICATION {
        let optional = if table.feature.is_empty() { "" } else { "Optional: a confirm works without this table." };
        text += &section(&code(table.name), format!("{optional} {}", table.about).trim(), HEAD, &asked(table));
    }
    text += "\n# Tables of holdfast in the application's schema\n\n\
        Attach makes them, owned by the owner of `bookings`. They hold rules that the owner may change, and what upkeep has to remember.\n\
        `holdfast.doctor` compares names, types, NOT NULL and defaults of their columns.\n";
    for table in all() {
        text += &section(&code(table.name), table.about, OURS, &ours(table));
    }
    text += "\n# Enums of the reference schema\n\nAn application may have its own names and labels. What a status means is a row of\n\
        `holdfast_booking_statuses`.\n\n| enum | labels |\n|---|---|\n";
    for (name, labels) in ENUMS {
        let labels: Vec<String> = labels.iter().map(|label| code(label)).collect();
        text += &row(&[&code(name), &labels.join(", ")]);
    }
    text
}

#[test]
fn the_page_of_outcomes_is_the_catalogue() {
    assert_page("outcomes.md", &outcomes());
}

#[test]
fn the_page_of_findings_is_the_catalogue() {
    assert_page("findings.md", &findings());
}

#[test]
fn the_page_of_the_schema_is_what_is_asked_of_it() {
    assert_page("schema.md", &schema());
}

/// Statements as a script, for people to read and for the linters; no code reads it.
fn assert_script(path: &str, statements: &[String]) {
    let said = "-- Made by `make docs` from src/rules/schema, for people to read and for the linters.\n";
    assert_page(&format!("../{path}"), &format!("{said}{};\n", statements.join(";\n\n").replace(";\n;", ";")));
}

#[test]
fn the_scripts_are_what_the_list_makes() {
    assert_script("sql/generated/reference_schema.sql", &ddl::reference_tables());
    let without_rows = all().map(|table| HoldfastTable { rows: None, ..*table });
    let ours: Vec<String> = without_rows.flat_map(|table| ddl::create(&table)).collect();
    assert_script("sql/generated/holdfast_tables.sql", &ours);
    let triggers: Vec<String> = TRIGGERS.iter().flat_map(ddl::create_trigger).collect();
    assert_script("sql/generated/holdfast_triggers.sql", &triggers);
}

/// Columns of the list that the page lacks, by table.
fn missing(page: &str) -> Vec<String> {
    let sections: BTreeMap<&str, &str> = page.split("\n## `").skip(1).filter_map(|part| part.split_once('`')).collect();
    let theirs = APPLICATION.iter().flat_map(|table| table.columns.iter().map(move |column| (table.name, column.name)));
    let ours = all().flat_map(|table| table.columns.iter().map(move |column| (table.name, column.name)));
    let lacks = theirs.chain(ours).filter(|(table, column)| {
        !sections.get(table).is_some_and(|section| section.contains(&format!("| `{column}` |")))
    });
    lacks.map(|(table, column)| format!("{table}.{column} is not on the page")).collect()
}

#[test]
fn every_column_that_is_asked_for_is_on_the_page() {
    let page = schema();
    assert_none(&missing(&page));
    assert_one(&missing(&page.replacen("| `party_size` |", "| `party` |", 1)), "bookings.party_size");
}

#[test]
fn no_column_is_of_a_release_to_come() {
    let parts = |version: &str| version.split('.').flat_map(str::parse::<u32>).collect::<Vec<_>>();
    let newest = all().flat_map(|table| table.columns).map(|column| column.since.name()).max_by_key(|name| parts(name));
    assert!(newest.is_some_and(|newest| parts(newest) <= parts(env!("CARGO_PKG_VERSION"))), "{newest:?}");
}
