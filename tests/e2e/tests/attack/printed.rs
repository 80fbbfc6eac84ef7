//! What is printed for psql: no name of a schema can say anything to psql. Each hostile name is a schema's, a constraint's, an
//! index's, a function's, a trigger's, a column's, a type's label and a role's; all that is printed goes into a real psql, in an
//! empty folder in which a file would appear.

use std::fs;
use std::path::{Path, PathBuf};

use holdfast_e2e::{Floor, Session};

/// What a name tries to have psql do.
const DEEDS: &[&str] = &[
    r"\! touch won",
    r"\i won",
    r"\copy (select 1) to won",
    r"\o won",
    r"\w won",
    r"\g won",
    r"\g |touch won",
    r"\gexec",
    r"\setenv X `touch won`",
    r"`touch won`",
    r"$s$; \! touch won",
    r"$holdfast$; \! touch won",
    r"$only0$; \! touch won",
    r"$swap$; \! touch won",
    r"\unrestrict only0",
    r"only0",
    r#"'; \! touch won"#,
    r#""; \! touch won"#,
    r"''\! touch won",
    r"--\! touch won",
    r"/* \! touch won",
    r"*/ \! touch won",
    r":won :'won' :{?won}",
    "%s %I %1$s {weaker}",
    "x'||y.e()||'",
    "a$$b",
    "x.app.y",
    "\u{feff}\u{ff07}\u{200b}\u{5c}! \u{e9}",
];

/// What stands before it, to end a literal or a name.
const BEFORE: &[&str] = &["", "'", "\"", "\\", "$s$", "--", ";", "''"];
/// And what would end a line: nothing is printed for these.
const BREAKS: &[&str] =
    &["\n", "\r", "\r\n", "'\n", "\"\r", "$s$\n", "$holdfast$\r", "\u{2028}", "\u{85}", "\u{b}", "\t"];

fn is_control(c: char) -> bool {
    c.is_control() || c == '\u{2028}'
}

fn names(before: &[&str]) -> Vec<String> {
    let names: Vec<String> =
        DEEDS.iter().flat_map(|deed| before.iter().map(move |before| format!("{before}{deed}"))).collect();
    assert!(names.len() >= 200 && names.iter().all(|name| name.len() < 50), "{}", names.len());
    names
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A schema of which each finding that names something names one of these.
fn plant(session: &mut Session, schema: &str, name: &str) {
    let literal = name.replace('\'', "''");
    let (s, n) = (quoted(schema), quoted(name));
    let of = |suffix: &str| quoted(&format!("{name}{suffix}"));
    let (again, check) = (of("2"), of("3"));
    session.run(&format!(
        "create schema {s};
         create type {s}.booking_status as enum ('pending', '{literal}');
         create type {s}.{n} as enum ('active', '{literal}');
         create table {s}.bookings (id uuid primary key, restaurant_id uuid, status {s}.booking_status, booking_date date,
           {n} integer not null, start_at timestamptz, end_at timestamptz);
         alter table {s}.bookings add constraint {check} check ({n} > 0) not valid;
         create index {n} on {s}.bookings (booking_date); create index {again} on {s}.bookings (booking_date);
         create table {s}.table_holds (id uuid, booking_id uuid, start_at timestamptz, end_at timestamptz, expires_at timestamptz,
           status {s}.{n}, constraint {check} check (expires_at >= end_at));
         create table {s}.allocations (id uuid primary key, booking_id uuid, restaurant_id uuid, resource_type text,
           resource_id uuid, \"window\" tstzrange, shadow boolean,
           constraint {check} exclude using gist (resource_id with =, \"window\" with &&) where (not shadow and resource_type <> '{literal}'));
         create function {s}.{n}(a {s}.{n}) returns integer language sql security definer as 'select 1';
         create function {s}.confirm_hold_assignment_tx(a {s}.{n}) returns integer language sql security definer as 'select 1';
         create function {s}.spring() returns trigger language plpgsql as 'begin return new; end';
         create trigger {n} before insert on {s}.bookings for each row execute function {s}.spring();
         alter table {s}.bookings disable trigger {n}"
    ));
}

/// An empty folder of this test, which has to stay empty.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("holdfast-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        Folder(folder)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn files(&self) -> usize {
        fs::read_dir(&self.0).expect("the folder").count()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Lines that psql takes for its own commands and that are none of ours.
fn foreign_commands(script: &str) -> Vec<&str> {
    const OURS: &[&str] = &["set", "if", "elif", "else", "endif", "echo", "restrict", "unrestrict"];
    let word = |line: &str| line.trim_start().strip_prefix('\\')?.split(' ').next().map(str::to_owned);
    // psql ends a line at these as well, when it reads a comment.
    script.split(['\n', '\r']).filter(|line| word(line).is_some_and(|word| !OURS.contains(&word.as_str()))).collect()
}

/// The names one after the other, as a part of everything in a schema, and each second also as the schema's own.
fn each(names: &[String], mut look: impl FnMut(&mut Floor, usize, &str, &str)) {
    let mut floor = Floor::bare();
    floor.run("set client_min_messages = warning; create extension holdfast cascade");
    for (number, name) in names.iter().enumerate() {
        let schema = if number % 2 == 0 { name.clone() } else { format!("house {number}") };
        plant(&mut floor, &schema, name);
        let literal = quoted(&schema).replace('\'', "''");
        look(&mut floor, number, name, &literal);
        floor.run(&format!("drop schema {} cascade", quoted(&schema)));
    }
}

#[test]
fn no_name_says_anything_to_psql() {
    let folder = Folder::new("printed");
    let mut printed = 0;
    each(&names(BEFORE), |floor, number, name, schema| {
        for form in ["dry_run", if number % 4 < 2 { "run" } else { "back" }] {
            let script: String = floor.value(&format!("select holdfast.migration('{schema}', '{form}')"));
            assert_eq!(foreign_commands(&script), Vec::<&str>::new(), "{name:?}");
            let pinned = script.find("set client_encoding = 'UTF8';").unwrap_or_default();
            assert!(pinned > 0 && script[..pinned].is_ascii(), "a name before the encoding: {name:?}");
            // On past every error, so that every line is read; by either way of the exclusion.
            let script = script.replace("\\set ON_ERROR_STOP on", "\\set ON_ERROR_STOP off");
            let way = if number % 3 == 0 { "overlap=swap" } else { "overlap=window" };
            floor.server().psql_in(folder.path(), &floor.name, &script, &[way]);
            assert_eq!(folder.files(), 0, "{form} of {name:?} wrote a file:\n{script}");
            printed += 1;
        }
    });
    println!("{printed} scripts of hostile names were run by psql; lines of psql's own that are not ours: 0");
}

#[test]
fn nothing_is_printed_for_a_name_with_a_control_character() {
    each(&names(BREAKS), |floor, _, name, schema| {
        let mends: Vec<String> = floor.column(&format!(
            "select concat_ws(' ', what, why, mend) from holdfast.doctor('{schema}') where mend is not null"
        ));
        let shown: Vec<&String> =
            mends.iter().filter(|mend| mend.chars().any(|c| c != '\n' && is_control(c))).collect();
        assert_eq!(shown, Vec::<&String>::new(), "{name:?}");
        for form in ["dry_run", "run", "back"] {
            let sql = format!("select holdfast.migration('{schema}', '{form}')");
            let refusal = floor.try_run(&sql).expect_err(name);
            assert_eq!(refusal.sqlstate, "22023", "{name:?}: {refusal:?}");
            assert!(!refusal.message.chars().any(is_control), "{refusal:?}");
        }
    });
}

/// The test has to be able to find one.
#[test]
fn a_name_that_says_something_is_found() {
    let floor = Floor::bare();
    let folder = Folder::new("found");
    let script = "-- index a\r\\! touch won\nselect 1;\n";
    assert_eq!(foreign_commands(script), ["\\! touch won"]);
    floor.server().psql_in(folder.path(), &floor.name, script, &[]);
    assert_eq!(folder.files(), 1, "psql reads a carriage return in a comment as the end of it");
}
