//! A rehearsal: the whole contract, called on the schema's own data and taken back. What is called in which order, and what
//! an answer says about the schema.

use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_unpack};
use crate::rules::refusal::outcome::{Disposition, Outcome};

/// What a step calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Hold,
    HoldForNobody,
    ConfirmByHold {
        key: &'static str,
    },
    ConfirmByTables {
        key: &'static str,
    },
    /// Two tables together: a group's allocation stands beside theirs.
    ConfirmJoined {
        key: &'static str,
    },
    /// The tables of an answered key, and another window.
    OtherWindow {
        key: &'static str,
    },
    Unassign,
    Undo {
        key: &'static str,
    },
    Cancel,
    Release,
    Refresh,
}

/// What has to come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It works; a refusal by a rule says that the booking does not lend itself to a rehearsal.
    DoneOrUnfit,
    /// It works: nothing but the steps before can be in the way.
    Done,
    /// It works, or somebody else's claim is in the way: an application may let a booking hold a table once.
    DoneOrTaken,
    /// The refusal of a key that was used for another request.
    Mismatch,
    /// A legacy function: it may refuse, as it always did, but it has to be able to run.
    Runs,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RehearsalStep {
    pub name: &'static str,
    pub act: Act,
    pub expected: Expected,
    /// The step without which this one says nothing.
    pub needs: Option<&'static str>,
}

const fn step(name: &'static str, act: Act, expected: Expected, needs: Option<&'static str>) -> RehearsalStep {
    RehearsalStep { name, act, expected, needs }
}

const FIRST: &str = "first";
const SECOND: &str = "second";
const JOINED: &str = "joined";

/// What there is to rehearse on, before anything is called.
pub const GROUND: RehearsalStep = step("ground", Act::Refresh, Expected::Done, None);

/// Through ours.
pub const OURS: &[RehearsalStep] = &[
    step("hold", Act::Hold, Expected::DoneOrUnfit, None),
    step("hold again", Act::Hold, Expected::DoneOrTaken, Some("hold")),
    step("confirm by hold", Act::ConfirmByHold { key: FIRST }, Expected::DoneOrUnfit, Some("hold")),
    step("replay", Act::ConfirmByHold { key: FIRST }, Expected::Done, Some("confirm by hold")),
    step("another request under the key", Act::OtherWindow { key: FIRST }, Expected::Mismatch, Some("confirm by hold")),
    step("unassign", Act::Unassign, Expected::Done, Some("confirm by hold")),
    step("confirm two tables", Act::ConfirmJoined { key: JOINED }, Expected::DoneOrUnfit, Some("unassign")),
    step("unassign both", Act::Unassign, Expected::Done, Some("confirm two tables")),
    step("confirm under a new key", Act::ConfirmByTables { key: SECOND }, Expected::Done, Some("unassign")),
    step("undo", Act::Undo { key: SECOND }, Expected::Done, Some("confirm under a new key")),
    step("cancel", Act::Cancel, Expected::Done, Some("undo")),
    step("hold by somebody else", Act::HoldForNobody, Expected::Done, Some("cancel")),
    step("release", Act::Release, Expected::Done, Some("hold by somebody else")),
    step("hold after the release", Act::HoldForNobody, Expected::Done, Some("release")),
];

/// Through the legacy functions, where the application had any.
pub const LEGACY: &[RehearsalStep] = &[
    step("legacy: hold", Act::Hold, Expected::DoneOrUnfit, None),
    step("legacy: confirm by hold", Act::ConfirmByHold { key: FIRST }, Expected::Runs, Some("legacy: hold")),
    step("legacy: unassign", Act::Unassign, Expected::Runs, None),
    step("legacy: confirm by tables", Act::ConfirmByTables { key: SECOND }, Expected::Runs, None),
    step("legacy: refresh", Act::Refresh, Expected::Runs, None),
    step("legacy: cancel", Act::Cancel, Expected::Runs, None),
    step("legacy: hold by somebody else", Act::HoldForNobody, Expected::DoneOrUnfit, None),
    step("legacy: release", Act::Release, Expected::Runs, Some("legacy: hold by somebody else")),
];

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepResult {
    /// None: it says nothing about the schema.
    pub passed: Option<bool>,
    pub sqlstate: Option<String>,
    pub message: Option<String>,
    /// The constraint, policy, right or function that spoke against it.
    pub spoke: Option<String>,
    pub mend: Option<String>,
}

impl StepResult {
    #[must_use]
    pub fn said(passed: Option<bool>, message: impl Into<String>) -> StepResult {
        StepResult { passed, sqlstate: None, message: Some(message.into()), spoke: None, mend: None }
    }

    fn passed() -> StepResult {
        StepResult { passed: Some(true), sqlstate: None, message: None, spoke: None, mend: None }
    }
}

/// Who calls, and whose rights the calls have.
#[derive(Debug, Clone, Copy)]
pub struct Rights<'a> {
    /// The application's, as SQL quotes it.
    pub schema: &'a str,
    pub owner: &'a str,
    pub caller: &'a str,
}

/// What an answer says about the schema; rows: what the call returned, as text.
#[must_use]
pub fn decide(step: &RehearsalStep, answer: &Result<Vec<Option<String>>, Failure>, rights: Rights) -> StepResult {
    let failure = match answer {
        Ok(rows) => return judge_rows(step, rows),
        Err(failure) => error_of(failure),
    };
    let sqlstate = sqlstate_unpack(failure.sqlstate);
    let outcome = refused_by_ours(&failure);
    let passed = match step.expected {
        _ if is_of_the_moment(&sqlstate, outcome) => None,
        // Its hint is the list of what differs.
        Expected::Mismatch => Some(sqlstate == "P0003"),
        Expected::DoneOrUnfit if outcome.is_some_and(is_rule) => None,
        Expected::DoneOrTaken => Some(outcome.is_some_and(|outcome| outcome.entry().sqlstate == "P0001")),
        Expected::Runs => Some(!["42", "XX", "0A"].iter().any(|class| sqlstate.starts_with(class))),
        Expected::DoneOrUnfit | Expected::Done => Some(false),
    };
    let mend = (passed == Some(false)).then(|| mend(&sqlstate, &failure, rights)).flatten();
    let spoke = spoke(&sqlstate, &failure).filter(|_| passed != Some(true));
    let message = match &failure.detail {
        Some(detail) => format!("{}: {detail}", failure.message),
        None => failure.message,
    };
    StepResult { passed, sqlstate: Some(sqlstate), message: Some(message), spoke, mend }
}

fn judge_rows(step: &RehearsalStep, rows: &[Option<String>]) -> StepResult {
    let first = rows.first().and_then(Option::as_deref);
    match (step.expected, step.act) {
        (Expected::Mismatch, _) => {
            StepResult::said(Some(false), "the key answered another request as if it were its own")
        }
        (Expected::Runs, _) => StepResult::passed(),
        // The booking was confirmed before this key: whether it may stay without a table is a person's to say.
        (_, Act::Undo { .. }) if ![Some("undone"), Some("undo_undecided")].contains(&first) => {
            StepResult::said(Some(false), format!("it came to {}", first.unwrap_or("nothing")))
        }
        (_, Act::Release) if first != Some("true") => {
            StepResult::said(Some(false), "there was no live hold to release")
        }
        _ if rows.is_empty() => StepResult::said(Some(false), "it returned no row"),
        _ => StepResult::passed(),
    }
}

fn error_of(failure: &Failure) -> ServerError {
    match failure {
        Failure::Server(error) => (**error).clone(),
        Failure::Refused(refusal) | Failure::Undone(refusal) => ServerError {
            sqlstate: crate::rules::refusal::failure::sqlstate_pack(refusal.outcome.entry().sqlstate),
            message: refusal.message.clone(),
            detail: refusal.detail.clone(),
            hint: Some(refusal.hint.clone()),
            ..ServerError::default()
        },
    }
}

/// Our own refusals carry their code in the hint, or are told by text where the contract gives the hint.
fn refused_by_ours(error: &ServerError) -> Option<Outcome> {
    let hint = error.hint.as_deref()?;
    let entries = crate::rules::refusal::outcome::CATALOGUE.iter();
    let by_code = entries.clone().find(|entry| hint.split(':').next() == Some(entry.code));
    let entry = by_code.or_else(|| entries.clone().find(|entry| !entry.advice.is_empty() && hint == entry.advice))?;
    Some(entry.outcome)
}

/// Somebody else was in the way. Nobody else knows a key of a rehearsal, so that one is the schema's doing.
fn is_of_the_moment(sqlstate: &str, outcome: Option<Outcome>) -> bool {
    outcome != Some(Outcome::KeyInProgress)
        && (["40", "53", "57", "58"].iter().any(|class| sqlstate.starts_with(class)) || sqlstate == "55P03")
}

/// A rule of ours spoke, and not the schema.
fn is_rule(outcome: Outcome) -> bool {
    let entry = outcome.entry();
    entry.disposition != Disposition::Success
        && !matches!(
            outcome,
            Outcome::NotAttached | Outcome::BrokenInvariant | Outcome::KeyInProgress | Outcome::Failed
        )
}

/// The words between the first pair of quotes.
fn in_quotes(text: &str) -> Option<&str> {
    text.split('"').nth(1)
}

fn spoke(sqlstate: &str, error: &ServerError) -> Option<String> {
    let table = error.table.as_deref().map_or(String::new(), |table| format!(" on {table}"));
    if let Some(constraint) = &error.constraint {
        return Some(format!("constraint {constraint}{table}"));
    }
    if sqlstate == "42501" {
        return Some(match in_quotes(&error.message).filter(|_| error.message.contains("policy")) {
            Some(policy) => format!("policy {policy}"),
            None => format!("right: {}", error.message),
        });
    }
    if let Some(column) = &error.column {
        return Some(format!("column {column}{table}"));
    }
    let function = error.context.as_deref()?.lines().find_map(|line| {
        let rest = line.strip_prefix("PL/pgSQL function ").or_else(|| line.strip_prefix("SQL function "))?;
        Some(rest.split(" line ").next().unwrap_or(rest).trim_matches('"').to_owned())
    })?;
    Some(format!("function {function}"))
}

fn mend(sqlstate: &str, error: &ServerError, rights: Rights) -> Option<String> {
    let words: Vec<&str> = error.message.split_whitespace().collect();
    if sqlstate != "42501" || !error.message.starts_with("permission denied for ") {
        return None;
    }
    let object = words.last()?.trim_matches('"');
    // A wrapper is called by the caller; everything below it is reached by the owner of the bookings.
    let below = |context: &str| context.contains("/* holdfast.") || context.contains("function ");
    let role = if error.context.as_deref().is_some_and(below) { rights.owner } else { rights.caller };
    let qualified = if object.contains('.') { object.to_owned() } else { format!("{}.{object}", rights.schema) };
    Some(match *words.get(3)? {
        "schema" => format!("grant usage on schema {object} to {role}"),
        "function" => format!("grant execute on function {qualified} to {role}"),
        "sequence" => format!("grant usage on sequence {qualified} to {role}"),
        "table" | "view" => format!("grant select, insert, update, delete on {qualified} to {role}"),
        _ => return None,
    })
}

/// What speaks against a schema, as attach lists it.
#[must_use]
pub fn objections(rows: &[(&'static str, StepResult)]) -> Vec<String> {
    let failed = rows.iter().filter(|(name, row)| row.passed == Some(false) && !name.starts_with("legacy: "));
    failed
        .map(|(name, row)| {
            let said =
                [row.sqlstate.as_deref(), row.message.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let by = row.spoke.as_deref().map_or(String::new(), |spoke| format!(" ({spoke})"));
            let mend = row.mend.as_deref().map_or(String::new(), |mend| format!("; mend: {mend}"));
            format!("{name}: {said}{by}{mend}")
        })
        .collect()
}
