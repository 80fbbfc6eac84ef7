//! The rules of this code, which keep it one that a newcomer finds their way in: who may call whom, where the
//! dangerous words may stand, how large a file may grow, and that the documentation names everything there is.
//!
//! Each check is a function from text to complaints, and has a test of its own that it can complain.

#[path = "architecture/circles.rs"]
mod circles;
#[path = "architecture/columns.rs"]
mod columns;
#[path = "architecture/crates.rs"]
mod crates;
#[path = "architecture/documents.rs"]
mod documents;
#[path = "architecture/foreign.rs"]
mod foreign;
#[path = "architecture/generated.rs"]
mod generated;
#[path = "architecture/layers.rs"]
mod layers;
#[path = "architecture/made_sql.rs"]
mod made_sql;
#[path = "architecture/pages.rs"]
mod pages;
#[path = "architecture/sizes.rs"]
mod sizes;
#[path = "architecture/source.rs"]
mod source;
#[path = "architecture/sql.rs"]
mod sql;
#[path = "architecture/statements.rs"]
mod statements;
#[path = "architecture/upgrade.rs"]
mod upgrade;
#[path = "architecture/vocabulary.rs"]
mod vocabulary;
#[path = "architecture/words.rs"]
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
