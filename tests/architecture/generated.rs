//! Pages that are made from the code: outcomes, findings and tables. `make docs` writes them, and these tests compare.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use holdfast::rules::index::key::{EXCLUSION, UNIQUE};
use holdfast::rules::index::needed::{LIVE_HOLDS, NEEDED};
use holdfast::rules::reconcile::finding::catalogue::{FINDINGS, FindingEntry};
use holdfast::rules::refusal::outcome::{Again, CATALOGUE, Disposition};
use holdfast::rules::schema::application_tables::{APPLICATION, ENUMS};
use holdfast::rules::schema::column::{ApplicationColumn, ApplicationTable, HoldfastColumn, HoldfastTable};
use holdfast::rules::schema::ddl;
use holdfast::rules::schema::holdfast_tables::{TRIGGERS, all};
use holdfast::rules::statistics::counter::COUNTERS;

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
        What a call that does something can come to. `select * from holdfast.outcomes` shows the same in the database. The\n\
        answers to *did it happen?*, such as `committed`, stand in [confirm and retry](confirm-and-retry.md).\n\n\
        **Row or error?** A function whose row has a column `outcome` returns it: every call about a booking in schema `holdfast`,\n\
        and of the application's schema those about attempts, `…_within` first. The others raise a refusal with its SQLSTATE.\n\
        A HINT begins with the code, as in `HF202: Take a new hold and confirm that one`. Where\n\
        [the contract](contract.md) fixes the text of a HINT, that of `hold_conflict` say, it has no code: go by SQLSTATE and\n\
        message. What comes up in the middle of the writes is raised by every call, because nothing of it may commit:\n\
        `broken_invariant`, and `not_attached` where a table or a column went since the attach. A conflict that only a constraint saw\n\
        (P0001, 40001) is raised, too, but a call within a time limit returns it. Errors of the application's own triggers pass unchanged.\n\
        What the server raises by itself, such as 57014, is [read by its class](contract.md#sqlstate-and-message-on-each-refusal).\n\n\
        | disposition | what it means for the key |\n|---|---|\n"
        .to_owned();
    for (disposition, words) in [
        (Disposition::Success, "It was done. The same call under the same key gets the same answer."),
        (
            Disposition::Final,
            "Where it was returned as a row, the key is bound to it: the same call gets it again. Where it was raised, its transaction is rolled back and binds nothing.",
        ),
        (Disposition::Transient, "The key is bound to nothing. That is no invitation to a loop: see below."),
    ] {
        text += &row(&[disposition.name(), words]);
    }
    text += "\nOf the final ones, `booking_not_found`, `key_mismatch` and `answer_gone` bind nothing either.\n\
        A new hold after a refused one needs a new key where an actor is named. Without one, as in an automatic call, another\n\
        hold under the same key is looked at anew: so `run_auto_assign` goes on with the booking's key and the next hold.\n\n\
        | same call again | what it means |\n|---|---|\n\
        | at once | Roll back, wait for `retry_after_ms` where the row has it, and call again in a new transaction. Only these belong into a loop. |\n\
        | later | It comes to the same until its cause is gone: another hold has ended, or you took a new hold, other tables, another time. Do what the last column says first. |\n\
        | never | The same call comes to the same. |\n\n\
        The column `transient` of a row is the disposition. A function of schema `holdfast` without a time limit raises what may be\n\
        called again at once (40001, 40P01, 55P03), so no row of it does.\n\n\
        HTTP is the status that a service may answer with. Codes are stable, and no code is ever given to anything else.\n\n\
        | outcome | code | SQLSTATE | disposition | same call again | HTTP | meaning | what to do |\n|---|---|---|---|---|---|---|---|\n";
    for entry in CATALOGUE {
        let http = entry.http_status.to_string();
        let name = code(entry.name);
        let again = match entry.outcome.again() {
            _ if entry.disposition == Disposition::Success => "",
            Again::Never => "never",
            Again::Later => "later",
            Again::AtOnce => "at once",
        };
        let (disposition, sentence) = (entry.disposition.name(), entry.sentence);
        let cells = [&name, entry.code, entry.sqlstate, disposition, again, &http, sentence, entry.advice];
        text += &row(&cells);
    }
    text + "\nSQLSTATE P0004 is `assert_failure` in PL/pgSQL, and `exception when others` does not catch it.\n\
        Name it: `when assert_failure or others`. A gateway that maps P0001 to 400 answers 500 to P0003 and P0004.\n"
}

/// Does a repair leave it alone, at least sometimes?
fn person_decides(entry: &FindingEntry) -> bool {
    entry.repair.split([' ', ':']).any(|word| word == "none")
}

fn findings() -> String {
    let mut text = "# Findings\n\n<!-- Made by `make docs` from src/rules/reconcile/finding/catalogue.rs. -->\n\n\
        What a reconciliation can come to. `select * from holdfast.findings` shows the same in the database.\n\
        [Reconcile and audit](reconcile-and-audit.md) says how findings come up and how they are mended. A name that is a link leads\n\
        to the query that shows the finding and to the statements for a person to choose from.\n\n\
        | severity | what to do |\n|---|---|\n\
        | critical | Two guests may stand before one table, or one before none. Act now. |\n\
        | error | A promise is broken for one booking. Act before its time comes. |\n\
        | warning | The record does not agree, and nobody's table is in danger. |\n\
        | info | A confirm or other code may lead there. No alert. |\n\n\
        | finding | code | severity | promise | what it means | repair |\n|---|---|---|---|---|---|\n"
        .to_owned();
    for entry in FINDINGS {
        let name = if person_decides(entry) {
            format!("[{}](reconcile-and-audit.md#{})", code(entry.name), entry.name)
        } else {
            code(entry.name)
        };
        text += &row(&[&name, entry.code, entry.severity.name(), entry.promise, entry.sentence, entry.repair]);
    }
    text + "\nWhere `repair` says none, the facts do not decide and a person does, in a transaction that can be taken back. The\n\
        others are mended by [`repair_booking`](reconcile-and-audit.md#look-and-mend), which shows its plan first. A row without a\n\
        `booking_id` is [of a table or of a hold of nobody](reconcile-and-audit.md#rows-without-a-booking).\n"
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
        let values: Vec<String> = column.values.iter().map(|value| code(value)).collect();
        let values = if values.is_empty() { String::new() } else { format!("Values: {}. ", values.join(", ")) };
        let meaning = format!("{values}{}", column.about);
        row(&[&code(column.name), &kind, &label(column, !table.feature.is_empty()), meaning.trim()])
    };
    let beside = table.columns.iter().filter(|column| column.beside);
    table.asked().chain(beside).map(of).collect()
}

/// The keys and indexes of a table of the application that a call leans on, with why.
fn keys(table: &ApplicationTable) -> String {
    let name = table.name;
    let unique = UNIQUE.iter().filter(|key| key.table == name);
    let unique =
        unique.map(|key| (format!("unique ({})", key.columns.join(", ")), format!("{} ({}).", key.why, key.promise)));
    let exclusion = (name == "allocations")
        .then(|| (EXCLUSION.to_owned(), "no two live allocations of a table overlap (G2).".to_owned()));
    let indexes = NEEDED.iter().chain([&LIVE_HOLDS]).filter(|index| index.table == name);
    let indexes = indexes.map(|index| {
        let rows = if index.predicate.is_empty() { String::new() } else { format!(" where {}", index.predicate) };
        (format!("index {}({}){rows}", method(index.method), index.built()), format!("{}.", index.why))
    });
    let rows: String = unique.chain(exclusion).chain(indexes).map(|(what, why)| row(&[&code(&what), &why])).collect();
    if rows.is_empty() { rows } else { format!("\n| key or index | why |\n|---|---|\n{rows}") }
}

fn method(method: &str) -> String {
    if method == "btree" { String::new() } else { format!("using {method} ") }
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
        | needed | attach refuses a schema that lacks it. Add it: which value old rows get is yours to say. Its meaning says what NULL would mean; where it does not, give each row a value |\n\
        | made by attach | attach adds it where it is missing |\n\
        | optional | used when it is there, at attach or later |\n\
        | needed where the table is there | the table may be missing; a table without this column is refused |\n\
        | written | our inserts fill it; without that word, it is read or updated only |\n\
        | NULL allowed | a call may leave it NULL, so the column must allow that; attach drops a NOT NULL |\n\
        | its default fills it | our inserts leave it out, so it needs a default |\n\n\
        Type `enum` is any enum of the application, and `any` is any type. Columns and tables beyond these are the application's\n\
        own, and stay untouched. Names are as they stand here: there is no mapping, and [adopt](adopt.md) says what to do then.\n\n\
        **Values.** Where a column lists values, our statements write or compare just these. A label that its enum lacks is a row of\n\
        doctor, with the `alter type … add value` that mends it. Statuses of bookings alone may be called otherwise: what each means is\n\
        a row of `holdfast_booking_statuses`.\n\n\
        **Keys and indexes.** Each is needed, and attach or the migration makes what is missing. What serves as well is as good: a unique key\n\
        on the same columns under any name, an exclusion that is stricter, an index that begins with these columns. Doctor names those\n\
        of the application's own keys that may refuse a write of ours.\n"
        .to_owned();
    text += "\n# Tables of the application\n\n\
        A table may be missing where its section says *Optional*. Attach refuses a schema that lacks another one:\n\
        `sql/generated/reference_schema.sql` has the statement that makes it.\n";
    for table in APPLICATION {
        let optional = if table.feature.is_empty() { "" } else { "Optional: a confirm works without this table." };
        text += &section(
            &code(table.name),
            format!("{optional} {}", table.about).trim(),
            HEAD,
            &(asked(table) + &keys(table)),
        );
    }
    text += "\n# Tables of holdfast in the application's schema\n\n\
        Attach makes them, owned by the owner of `bookings`. They hold rules that the owner may change, and what upkeep has to remember.\n\
        `holdfast.doctor` compares names, types, NOT NULL and defaults of their columns.\n";
    for table in all() {
        text += &section(&code(table.name), table.about, OURS, &ours(table));
    }
    text += "\n# Enums of the reference schema\n\nAn application's enums may have other names and further labels. Those of tables and holds need the labels that stand here;\n\
        what a status of a booking means is a row of `holdfast_booking_statuses`.\n\n| enum | labels |\n|---|---|\n";
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
fn what_a_person_decides_has_its_statements() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reconcile-and-audit.md");
    let page = fs::read_to_string(path).expect("the page");
    let headings: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### ")).collect();
    let decided = FINDINGS.iter().filter(|entry| person_decides(entry));
    let missing = decided.filter(|entry| !headings.contains(&code(entry.name).as_str()));
    assert_none(&missing.map(|entry| format!("no statements for {}", entry.name)).collect::<Vec<_>>());
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

/// Counters that the views do not show in their place, or do not explain.
fn counters_amiss(views: &str) -> Vec<String> {
    let amiss = COUNTERS.iter().enumerate().flat_map(|(at, entry)| {
        let shown = format!("counters[{}] as {}", at + 1, entry.name);
        let said = format!("{}: {}.", entry.name, entry.sentence);
        [(shown, 2), (said, 1)]
    });
    let amiss = amiss.filter(|(words, times)| views.matches(words.as_str()).count() != *times);
    amiss.map(|(words, times)| format!("sql/install/2_stat.sql does not have {times} times: {words}")).collect()
}

#[test]
fn every_counter_is_in_the_views() {
    let views = include_str!("../../sql/install/2_stat.sql");
    assert_none(&counters_amiss(views));
    assert_eq!(views.matches("counters[").count(), 2 * COUNTERS.len(), "a place that no counter has");
    assert_one(&counters_amiss(&views.replacen("counters[2] as retries", "counters[2] as tries", 1)), "as retries");
    assert_one(&counters_amiss(&views.replacen("retries: further", "retries: more", 1)), "further tries");
}

#[test]
fn no_column_is_of_a_release_to_come() {
    let parts = |version: &str| version.split('.').flat_map(str::parse::<u32>).collect::<Vec<_>>();
    let newest = all().flat_map(|table| table.columns).map(|column| column.since.name()).max_by_key(|name| parts(name));
    assert!(newest.is_some_and(|newest| parts(newest) <= parts(env!("CARGO_PKG_VERSION"))), "{newest:?}");
}
