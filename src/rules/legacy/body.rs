//! What a function's body gives away: habits that are known to go wrong in a confirm.

use crate::rules::catalogue::facts::Facts;
use crate::rules::catalogue::function::FunctionFacts;
use crate::rules::doctor::finding::{DoctorFinding, State};

/// A habit: how it is recognized in a plain body, and what comes of it.
struct Habit {
    name: &'static str,
    promise: &'static str,
    seen: fn(&str) -> bool,
    why: &'static str,
}

const HABITS: &[Habit] = &[
    Habit {
        name: "shifts the clock by the session's time zone",
        promise: "G6",
        seen: shifts_the_clock,
        why: "an instant loses its zone and is read back in the session's: live holds look expired, dead ones are accepted, history is off by hours",
    },
    Habit {
        name: "judges a deadline by the start of the transaction",
        promise: "G6",
        seen: old_deadline,
        why: "now() stands still while the call waits for a lock: a hold that expires meanwhile is accepted",
    },
    Habit {
        name: "creates a temporary table",
        promise: "G1",
        seen: |body| {
            ["create temp ", "create temporary ", "create local temp", "create unlogged temp"]
                .iter()
                .any(|words| body.contains(words))
        },
        why: "each call bloats the catalogue, and the transaction cannot be prepared (2PC)",
    },
    Habit {
        name: "swallows errors",
        promise: "G1",
        seen: swallows,
        why: "what failed is lost without a word, and the rest is committed",
    },
    Habit {
        name: "asks information_schema",
        promise: "",
        seen: |body| body.contains("information_schema."),
        why: "each call reads large catalogue views, and a missing table is found out in the middle",
    },
    Habit {
        name: "calls pgcrypto without its schema",
        promise: "G1",
        seen: |body| ["digest(", "hmac(", "gen_random_bytes("].iter().any(|call| calls_bare(body, call)),
        why: "with pgcrypto in another schema it fails with 42883, which callers take for \"not installed\"",
    },
    Habit {
        name: "locks the restaurant's row",
        promise: "",
        seen: |body| {
            body.split(';').any(|statement| {
                names(statement, "restaurants")
                    && (statement.contains("for update") || statement.contains("for no key update"))
            })
        },
        why: "every confirm in a restaurant waits for every other, and they deadlock",
    },
    Habit {
        name: "takes an advisory lock",
        promise: "",
        seen: |body| body.contains("pg_advisory_"),
        why: "confirms of disjoint tables wait for one another",
    },
    Habit {
        name: "lets a session setting decide",
        promise: "G9",
        seen: |body| {
            body.split("current_setting('")
                .skip(1)
                .any(|rest| rest.split('\'').next().is_some_and(|name| name.contains('.')))
        },
        why: "whoever calls can switch the check off",
    },
    Habit {
        name: "deletes the hold",
        promise: "G4",
        seen: |body| body.split("delete from ").skip(1).any(|rest| names(first_word(rest), "table_holds")),
        why: "a caller who lost the answer and asks again is told that the hold is not found",
    },
];

pub(crate) fn findings(facts: &Facts) -> Vec<DoctorFinding> {
    facts.routines().filter(|function| is_concerned(facts, function)).flat_map(of_function).collect()
}

fn of_function(function: &FunctionFacts) -> Vec<DoctorFinding> {
    let body = plain(&function.body);
    let seen = HABITS.iter().filter(|habit| (habit.seen)(&body));
    seen.map(|habit| {
        let what = format!("body of {} {}", function.signature, habit.name);
        let why = format!("{}; a body is its author's to mend, holdfast's own functions do not", habit.why);
        DoctorFinding::new(what, State::Risky, habit.promise, why)
    })
    .collect()
}

/// Does it write, or decide on, what the promises are about?
pub(crate) fn is_concerned(facts: &Facts, function: &FunctionFacts) -> bool {
    !function.ours && (facts.ours.iter().any(|ours| ours.name == function.name) || names_a_table(&function.body))
}

/// Tables whose writers and readers are looked at.
const TABLES: &[&str] = &[
    "bookings",
    "allocations",
    "booking_table_assignments",
    "booking_assignment_idempotency",
    "table_holds",
    "booking_state_history",
    "table_inventory",
];

fn names_a_table(body: &str) -> bool {
    let body = plain(body);
    TABLES.iter().any(|table| names(&body, table))
}

/// Lower case, without comments, one space where there was any, none beside brackets, commas and comparisons.
#[must_use]
pub fn plain(body: &str) -> String {
    let mut plain = String::with_capacity(body.len());
    for word in uncommented(body).to_lowercase().split_whitespace() {
        let tight = |c: char| "(),<>=".contains(c);
        if !plain.is_empty() && !plain.ends_with(tight) && !word.starts_with(tight) {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    plain
}

fn uncommented(body: &str) -> String {
    let mut kept = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find(['-', '/', '\'']) {
        let (before, from) = rest.split_at(at);
        kept.push_str(before);
        rest = if let Some(comment) = from.strip_prefix("--") {
            kept.push(' ');
            comment.find('\n').map_or("", |end| &comment[end..])
        } else if let Some(comment) = from.strip_prefix("/*") {
            kept.push(' ');
            comment.split_once("*/").map_or("", |(_, after)| after)
        } else if let Some(text) = from.strip_prefix('\'') {
            // A literal may hold what looks like a comment; what it says is kept, it may be SQL that is executed.
            let end = text.find('\'').map_or(text.len(), |end| end + 1);
            kept.push('\'');
            kept.push_str(&text[..end]);
            &text[end..]
        } else {
            kept.push_str(&from[..1]);
            &from[1..]
        };
    }
    kept.push_str(rest);
    kept
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Does the text have this name as a word of its own, whatever schema stands before it?
fn names(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(is_word) && !after.is_some_and(is_word)
    })
}

fn first_word(text: &str) -> &str {
    text.split(' ').find(|word| *word != "only").unwrap_or_default()
}

/// A call that is not qualified by a schema.
fn calls_bare(body: &str, call: &str) -> bool {
    body.match_indices(call).any(|(at, _)| {
        let before = body[..at].chars().next_back();
        !before.is_some_and(|c| is_word(c) || c == '.' || c == '"')
    })
}

const CLOCKS: &[&str] =
    &["now()", "current_timestamp", "clock_timestamp()", "statement_timestamp()", "transaction_timestamp()"];

fn shifts_the_clock(body: &str) -> bool {
    let zoned = |clock: &&str| {
        body.contains(&format!("{clock} at time zone"))
            || body.contains(&format!("{clock}at time zone"))
            || body.split("timezone(").skip(1).any(|rest| {
                let argument = rest.split_once(',').map_or("", |(_, second)| second);
                argument.starts_with(*clock) || argument.starts_with(&format!("pg_catalog.{clock}"))
            })
    };
    names(body, "localtimestamp") || CLOCKS.iter().any(zoned) || body.contains("now()::timestamp without")
}

fn old_deadline(body: &str) -> bool {
    ["<=", ">=", "<", ">"].iter().any(|operator| {
        ["now()", "current_timestamp", "transaction_timestamp()"].iter().any(|clock| {
            body.contains(&format!("expires_at{operator}{clock}"))
                || body.contains(&format!("expires_at{operator}pg_catalog.{clock}"))
                || body.contains(&format!("{clock}{operator}expires_at"))
                || body
                    .split(&format!("{clock}{operator}"))
                    .skip(1)
                    .any(|rest| first_word(rest).trim_end_matches([';', ')']).ends_with(".expires_at"))
        })
    })
}

/// A handler whose statements raise nothing.
fn swallows(body: &str) -> bool {
    body.split(" exception when ").skip(1).any(|handlers| {
        let handlers = handlers.split(" exception when ").next().unwrap_or_default();
        let ours = handlers.split(" end;").next().unwrap_or_default();
        ours.split(" when ").any(|handler| {
            let statements = handler.split_once(" then").map_or("", |(_, statements)| statements);
            !statements.contains("raise exception") && !ends_by_raising(statements)
        })
    })
}

fn ends_by_raising(statements: &str) -> bool {
    let raises = |statement: &str| {
        let statement = statement.trim();
        statement == "raise" || statement.starts_with("raise using") || statement.starts_with("raise sqlstate")
    };
    statements.split(';').any(raises)
}
