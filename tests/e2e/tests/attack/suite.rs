//! The table of attacks: who tries what, how it would look if it succeeded, and what came of it. The run prints it, and
//! writes it to `target/attacks`, a file for each version of the server and each test.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use holdfast_e2e::{Refusal, Session};

use super::ground::House;

/// One attack.
pub struct Attack {
    pub who: &'static str,
    pub what: String,
    /// How it would look if it succeeded.
    pub sign: &'static str,
    /// What came of it.
    pub result: Result<String, String>,
}

/// Runs attacks on one house, one after the other.
pub struct Suite {
    pub house: House,
    name: &'static str,
    attacks: Vec<Attack>,
}

impl Suite {
    /// The name is that of its table.
    pub fn new(name: &'static str) -> Suite {
        Suite { house: House::new(), name, attacks: Vec::new() }
    }

    /// Tries one; `Ok` says how it was kept out, `Err` what was gained. It leaves no trap sprung by a superuser, no role with more than it had.
    pub fn attack(
        &mut self,
        who: &'static str,
        what: impl Into<String>,
        sign: &'static str,
        run: impl FnOnce(&mut House) -> Result<String, String>,
    ) {
        let what = what.into();
        let house = &mut self.house;
        let ran = catch_unwind(AssertUnwindSafe(|| run(house)));
        let result = ran.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned();
            Err(format!("the attack itself failed: {}", text.unwrap_or_default()))
        });
        let result = result.and_then(|kept| self.gained().map_or(Ok(kept), Err));
        self.attacks.push(Attack { who, what, sign, result });
    }

    /// What no attack may leave.
    fn gained(&mut self) -> Option<String> {
        let won: Vec<String> = self.house.floor.column("delete from book.won returning what");
        let ran: Vec<String> = self.house.floor.column(
            "with gone as (delete from book.ran returning *) select what || ' ran as ' || who from gone
             join pg_roles r on r.rolname = gone.who and r.rolsuper",
        );
        let risen: Vec<String> = self
            .house
            .floor
            .column("select rolname::text from pg_roles where rolname like 'holdfast\\_e2e\\_%' and rolsuper");
        let unseen = house_ran(&mut self.house);
        let all: Vec<String> = won.into_iter().chain(ran).chain(risen).chain(unseen).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// Prints and writes the table; returns those that succeeded.
    pub fn report(self, least: usize) -> Vec<String> {
        assert!(self.attacks.len() >= least, "only {} attacks", self.attacks.len());
        report(self.name, &self.attacks)
    }
}

/// Prints and writes a table of attacks; returns those that succeeded.
pub fn report(name: &str, attacks: &[Attack]) -> Vec<String> {
    let mut table = "| who | attack | would look like | result |\n|---|---|---|---|\n".to_owned();
    for attack in attacks {
        assert!(!attack.sign.is_empty(), "{}: how would it look if it succeeded?", attack.what);
        let result = match &attack.result {
            Ok(kept) => format!("kept out: {kept}"),
            Err(gained) => format!("SUCCEEDED: {gained}"),
        };
        let cells = [attack.who, &attack.what, attack.sign, &result].map(|cell| cell.replace(['\n', '|'], " "));
        table += &format!("| {} |\n", cells.join(" | "));
    }
    let succeeded: Vec<String> = attacks
        .iter()
        .filter_map(|attack| Some(format!("{}: {}: {}", attack.who, attack.what, attack.result.as_ref().err()?)))
        .collect();
    table += &format!("\n{} attacks, {} succeeded\n", attacks.len(), succeeded.len());
    println!("{table}");
    let version = std::env::var("HOLDFAST_PG").unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/attacks").join(version);
    fs::create_dir_all(&folder).expect("the folder of the tables");
    fs::write(folder.join(format!("{name}.md")), table).expect("the table");
    succeeded
}

/// It has to be refused, with one of these SQLSTATEs.
pub fn refused(session: &mut Session, sql: &str, with: &[&str]) -> Result<String, String> {
    match session.try_run(sql) {
        Ok(()) => Err(format!("it was done: {}", sql.chars().take(120).collect::<String>())),
        Err(Refusal { sqlstate, .. }) if with.contains(&sqlstate.as_str()) => Ok(sqlstate),
        Err(Refusal { sqlstate, message, .. }) => Err(format!("{sqlstate} {message}, and not one of {with:?}")),
    }
}

/// Whatever it answers: no crash, no internal error, and nothing that callers take for "not installed".
pub fn answered(session: &mut Session, sql: &str) -> Result<String, String> {
    let answer = session.try_run(sql);
    if !session.is_alive("rollback") {
        return Err("the session is gone".to_owned());
    }
    match answer {
        Ok(()) => Ok("answered".to_owned()),
        Err(Refusal { sqlstate, message, .. }) if ["XX000", "42883", "42P01", "57P01"].contains(&sqlstate.as_str()) => {
            Err(format!("{sqlstate} {message}"))
        }
        Err(Refusal { sqlstate, .. }) => Ok(sqlstate),
    }
}

fn house_ran(house: &mut House) -> Option<String> {
    house.superuser_ran().then(|| "a superuser ran a trap, if only in a call that failed".to_owned())
}
