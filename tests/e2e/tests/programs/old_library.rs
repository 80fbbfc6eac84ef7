//! The SQL of today on a library that does not have all of it yet: a session that began before the new library was
//! installed. The older library is made of today's: it lacks the symbols that the release before did not name.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use holdfast_e2e::{Cluster, Session, confirm};

const RELEASED: &str =
    concat!(include_str!("../../../upgrade/holdfast--0.1.0.sql"), include_str!("../../../upgrade/attached--0.1.0.sql"));

/// Gives each of the symbols another name of the same length, so that it is not found.
fn without(library: &[u8], symbols: &[String]) -> Vec<u8> {
    let wanted: HashSet<&[u8]> = symbols.iter().map(String::as_bytes).collect();
    let (mut older, mut found) = (Vec::with_capacity(library.len() + 1), HashSet::new());
    for text in library.split(|byte| *byte == 0) {
        let from = older.len();
        older.extend_from_slice(text);
        older.push(0);
        // The linker may keep a name as the end of the longer one.
        let name = text.strip_prefix(b"pg_finfo_").unwrap_or(text);
        if wanted.contains(name) {
            older[from + text.len() - name.len()] = b'X';
            found.insert(name);
        }
    }
    older.pop();
    assert_eq!(found.len(), wanted.len(), "every symbol is in the library");
    older
}

/// The library under another name, where the server can read it.
fn older_library(programs: &Path, new: &[String]) -> PathBuf {
    let output = Command::new(programs.join("pg_config")).arg("--pkglibdir").output().expect("pg_config");
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let older = std::env::temp_dir().join(format!("holdfast_older_{}.so", std::process::id()));
    let library = std::fs::read(folder.join("holdfast.so")).expect("the library");
    std::fs::write(&older, without(&library, new)).expect("an older library");
    older
}

#[test]
fn new_sql_on_an_older_library_fails_cleanly_and_loses_nothing() {
    let cluster = Cluster::start();
    let mut session = cluster.install("app");
    let symbols: Vec<String> =
        session.column("select distinct prosrc from pg_proc where probin like '%holdfast%' order by 1");
    let (old, new): (Vec<String>, Vec<String>) =
        symbols.into_iter().partition(|symbol| RELEASED.contains(&format!("'{symbol}'")));
    assert!(old.len() > 20 && new.len() > 20, "{} old, {} new", old.len(), new.len());
    let older = older_library(&cluster.server.programs, &new);
    // As sessions see it that loaded the library before it was replaced.
    session.run(&format!("update pg_proc set probin = '{}' where probin like '%holdfast%'", older.display()));
    drop(session);

    let mut session = Session::new(cluster.connect("app"));
    let room = session.room(2);
    let (first, second) = (session.booking(room.restaurant), session.booking(room.restaurant));
    // What the release had works.
    let answer = session.done(&confirm(first, &room.tables[..1], "key"));
    assert_eq!(answer.len(), 1);
    // What it did not have says so, in the server's words, each of them.
    for symbol in &new {
        let named = format!("select fmgr_c_validator(oid) from pg_proc where prosrc = '{symbol}' limit 1");
        let refusal = session.try_run(&named).expect_err(symbol);
        assert_eq!(refusal.sqlstate, "42883", "{symbol}: {refusal:?}");
        assert!(refusal.message.starts_with("could not find function"), "{symbol}: {refusal:?}");
    }
    // In the middle of a transaction it takes back what that transaction did, and no more.
    session.run("begin");
    session.done(&confirm(second, &room.tables[1..], "key"));
    let outcome = format!("select * from public.confirm_outcome('{first}', 'key')");
    assert_eq!(session.try_run(&outcome).expect_err("it is new").sqlstate, "42883");
    session.run("rollback");
    assert_eq!(session.done(&confirm(first, &room.tables[..1], "key")), answer, "the session and its answer are there");
    assert_eq!(session.count("booking_table_assignments", "true"), 1);
    assert_eq!(session.done(&confirm(second, &room.tables[1..], "key")).len(), 1);
    // A session that begins once the library is the new one has all of it.
    session.run(&format!("update pg_proc set probin = '$libdir/holdfast' where probin = '{}'", older.display()));
    drop(session);
    let mut session = Session::new(cluster.connect("app"));
    assert_eq!(session.value::<String>(&outcome.replace('*', "outcome")), "committed");
    assert_eq!(session.done(&confirm(first, &room.tables[..1], "key")), answer);
    std::fs::remove_file(older).expect("the older library");
}
