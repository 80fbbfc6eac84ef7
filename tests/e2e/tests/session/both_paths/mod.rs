//! The same calls from the same state, once by each access path: they answer the same, and leave the same rows. Every column
//! of every table of the schema is compared, every field of an error, and what the triggers of an application saw.

mod blockers;
mod evenings;
mod indexes;
mod keys;
mod left;
mod random;
mod refresh;
mod rights;
mod shapes;
mod stage;
mod triggers;
mod waits;
mod world;

use holdfast_e2e::{Floor, Session};

use left::{Account, FACTS, Known};

/// How far a step reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// An error ends the transaction.
    Transaction,
    Savepoint,
    /// A savepoint that is rolled back whatever came of it.
    RolledBack,
}

/// A statement, and how far it reaches.
#[derive(Debug, Clone)]
pub struct Step {
    pub sql: String,
    pub within: Within,
}

/// A step of a savepoint's own.
pub fn step(sql: impl Into<String>) -> Step {
    Step { sql: sql.into(), within: Within::Savepoint }
}

/// A session for each path, in one database.
pub struct Pair {
    pub floor: Floor,
    pub by_index: Session,
    pub by_statement: Session,
    known: Known,
    /// Asks for what later transactions left.
    rows: String,
}

impl Pair {
    pub fn new(mut floor: Floor) -> Pair {
        left::prepare(&mut floor);
        let (by_index, by_statement) = (floor.session(), floor.session());
        Pair { floor, by_index, by_statement, known: Known::default(), rows: String::new() }
    }

    /// What stands there now is the state that every case begins from.
    pub fn settle(&mut self) {
        let base: i64 = self.floor.value("select pg_current_xact_id()::text::bigint");
        self.rows = format!("select both_paths.left_by({base})");
        self.known = Known::of(&mut self.floor);
        left::rewind(&mut self.by_index);
        left::rewind(&mut self.by_statement);
    }

    /// What asks for the rows that a transaction left.
    pub fn rows(&self) -> String {
        self.rows.clone()
    }

    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The same, asked by a statement that is planned once: for states that many cases begin from.
    pub fn settle_for_many(&mut self) {
        self.settle();
        let every = self.rows.replace("left_by", "every");
        let every: String = self.floor.value(&every);
        for session in [&mut self.by_index, &mut self.by_statement] {
            session.run(&format!("deallocate all; prepare left_by as {every}"));
        }
        self.rows = "execute left_by".to_owned();
    }

    /// What differs when the steps are done in a transaction of each path, as lines; none if nothing does.
    pub fn differences(&mut self, path: &str, level: &str, steps: &[Step]) -> (Vec<String>, usize) {
        let rows = self.rows.clone();
        let direct = play(&mut self.by_index, path, level, steps, &rows);
        let sql = play(&mut self.by_statement, "sql", level, steps, &rows);
        let (direct, done) = (self.known.mask(&direct), sql.done);
        (left::differences(&direct, &self.known.mask(&sql)), done)
    }
}

/// Does the steps in one transaction, which is rolled back.
fn play(session: &mut Session, path: &str, level: &str, steps: &[Step], rows: &str) -> Account {
    session.run(&format!("begin {level}; set local holdfast.access_path = {path}"));
    let mut account = Account::of(session);
    let (mut ends, mut goes_on) = ("", true);
    for Step { sql, within } in steps {
        let begins = if *within == Within::Transaction { "" } else { "savepoint step;" };
        let answer = session.simple(&format!("{ends}{begins}{sql};{FACTS}"));
        ends = match (within, &answer) {
            (Within::Transaction, Ok(_)) => "",
            (Within::Savepoint, Ok(_)) => "release step;",
            (Within::RolledBack, _) | (Within::Savepoint, Err(_)) => "rollback to step; release step;",
            (Within::Transaction, Err(_)) => {
                goes_on = false;
                ""
            }
        };
        account.answered(answer);
        if !goes_on {
            break;
        }
    }
    if goes_on {
        let checked = session.try_run(&format!("{ends}set constraints all immediate"));
        goes_on = checked.is_ok();
        account.checked(checked);
    }
    if goes_on {
        account.left(session, rows);
    }
    left::rewind(session);
    account
}
