//! What must be true when the evening is over. Each question is a file of plain SQL over the tables, and has a plant:
//! a file that makes it false, so that the check can be seen to fail.

use crate::server::{explain, run};
use postgres::Client;

pub struct Question {
    pub words: &'static str,
    /// How the answer is found.
    pub how: &'static str,
    query: &'static str,
    plant: &'static str,
}

pub struct Finding {
    pub question: &'static Question,
    pub examined: i64,
    pub violations: i64,
    pub note: Option<String>,
}

impl Finding {
    /// A check that looked at nothing has found nothing out.
    pub fn holds(&self) -> bool {
        self.examined > 0 && self.violations == 0
    }
}

macro_rules! question {
    ($name:literal, $words:literal, $how:literal) => {
        Question {
            words: $words,
            how: $how,
            query: include_str!(concat!("checks/", $name, ".sql")),
            plant: include_str!(concat!("plants/", $name, ".sql")),
        }
    };
}

pub const QUESTIONS: &[Question] = &[
    question!(
        "overlap_allocations",
        "Does any table have two bookings at the same time?",
        "allocations joined with themselves by table, windows compared end by end"
    ),
    question!(
        "overlap_assignments",
        "Was any table promised to two guests at the same time?",
        "assignments joined with themselves by table, times compared"
    ),
    question!(
        "confirmed_without_seats",
        "Is a confirmed guest without a table, or with too few seats?",
        "confirmed bookings with the seats of the tables they have all the time"
    ),
    question!(
        "tables_without_confirm",
        "Does anybody keep a table without being confirmed?",
        "all that keeps a table, beside the booking's status and ledger"
    ),
    question!(
        "given_back",
        "Is a table blocked by a guest who cancelled or came too late?",
        "each table given back, beside who has it in those hours"
    ),
    question!(
        "assignments_allocations",
        "Is an assignment without its allocation, or an allocation alone?",
        "full join of both by id, booking, table and window"
    ),
    question!(
        "joined_tables",
        "Are joined tables scattered, or without their group?",
        "the tables of each booking by group, zone and neighbourhood"
    ),
    question!(
        "holds",
        "Does a hold outlive its confirm, its session or its deadline?",
        "every hold beside the server's clock, its mirror and the killed sessions"
    ),
    question!(
        "keys_one_effect",
        "Did any key take effect twice, or unseen?",
        "per key: ledger, results, events and moves to confirmed, each must be one"
    ),
    question!(
        "answers_match",
        "Was anybody told something else than the tables say?",
        "each row of each answer beside the assignments, and answers to one key compared"
    ),
    question!(
        "killed_left_nothing",
        "Did a killed transaction leave anything?",
        "status of each transaction id, and the rows of eight tables by their xmin"
    ),
    question!(
        "expectations",
        "Was a request against the rules let through, or a retry turned down?",
        "the answers beside the ones that were known beforehand"
    ),
    question!(
        "history",
        "Has any booking a status that its history does not explain?",
        "the moves of each booking in their order"
    ),
];

pub fn ask_all(client: &mut Client) -> Result<Vec<Finding>, String> {
    QUESTIONS.iter().map(|question| ask(client, question)).collect()
}

fn ask(client: &mut Client, question: &'static Question) -> Result<Finding, String> {
    let row =
        client.query_one(question.query, &[]).map_err(|error| format!("{}: {}", question.words, explain(&error)))?;
    Ok(Finding { question, examined: row.get("examined"), violations: row.get("violations"), note: row.get("note") })
}

/// Breaks what each question asks about, past every trigger.
pub fn plant_all(client: &mut Client) -> Result<(), String> {
    run(client, "set session_replication_role = replica")?;
    for question in QUESTIONS {
        run(client, question.plant)?;
    }
    run(client, "reset session_replication_role")
}
