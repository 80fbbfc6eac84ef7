//! The rules of the house, which keep it one that a newcomer finds their way in: who may call whom, where the
//! dangerous words may stand, how large a file may grow, and that the documentation names everything there is.
//!
//! Each check is a function from text to complaints, and has a test of its own that it can complain.

#[path = "house/circles.rs"]
mod circles;
#[path = "house/columns.rs"]
mod columns;
#[path = "house/crates.rs"]
mod crates;
#[path = "house/documents.rs"]
mod documents;
#[path = "house/foreign.rs"]
mod foreign;
#[path = "house/generated.rs"]
mod generated;
#[path = "house/made_sql.rs"]
mod made_sql;
#[path = "house/pages.rs"]
mod pages;
#[path = "house/rooms.rs"]
mod rooms;
#[path = "house/sizes.rs"]
mod sizes;
#[path = "house/source.rs"]
mod source;
#[path = "house/sql.rs"]
mod sql;
#[path = "house/statements.rs"]
mod statements;
#[path = "house/upgrade.rs"]
mod upgrade;
#[path = "house/vocabulary.rs"]
mod vocabulary;
#[path = "house/words.rs"]
mod words;

/// Fails with every complaint on a line of its own.
#[track_caller]
fn assert_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Fails unless the bad sample drew exactly one complaint, with these words in it.
#[track_caller]
fn assert_one(complaints: &[String], words: &str) {
    assert!(complaints.len() == 1 && complaints[0].contains(words), "{words}: {complaints:?}");
}
