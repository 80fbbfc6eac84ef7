//! A call that was not done: refused by us, or failed in the server (an application's trigger, a deadlock …).

use crate::rules::Id;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// An error as the server raised it, whole, so that it reaches the caller unchanged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerError {
    /// Packed as the server packs it, so that every custom code survives.
    pub sqlstate: i32,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub datatype: Option<String>,
    pub constraint: Option<String>,
}

/// What the server says where it ends a statement: sentences in which no name and no value of anybody stands.
const OWN_WORDS: [&str; 6] = [
    "canceling statement due to statement timeout",
    "canceling statement due to lock timeout",
    "canceling statement due to user request",
    "deadlock detected",
    "could not serialize access due to concurrent update",
    "could not serialize access due to read/write dependencies among transactions",
];

impl ServerError {
    /// Its message, where that is one of these.
    #[must_use]
    pub fn own_words(&self) -> Option<&'static str> {
        OWN_WORDS.into_iter().find(|words| *words == self.message)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// Refused before anything was written: it may be returned as well as raised.
    Refused(Refusal),
    /// Found out after writing began: it has to be raised, so that all of it is undone.
    Undone(Refusal),
    Server(Box<ServerError>),
}

impl Failure {
    /// What the attempt is counted as.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Failure::Refused(refusal) | Failure::Undone(refusal) => refusal.outcome,
            Failure::Server(_) => Outcome::Failed,
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Failure {
        Failure::Server(Box::new(error))
    }
}

impl Failure {
    /// Did somebody cancel the statement?
    #[must_use]
    pub fn is_cancel(&self) -> bool {
        matches!(self, Failure::Server(error) if error.sqlstate == sqlstate_pack("57014"))
    }
}

/// The caller is not a member of the role that this takes.
#[must_use]
pub fn privilege_missing(role: &str) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack("42501"),
        message: "permission denied to end a running attempt".to_owned(),
        detail: Some(format!("Only members of the role {role} may do that")),
        ..ServerError::default()
    }
}

/// Code of a schema, a view in the place of a table say, would run with a superuser's rights for somebody who has none.
#[must_use]
pub fn superusers_bookings(schema: &str) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack("42501"),
        message: format!("permission denied: the bookings of schema {schema} belong to a superuser"),
        hint: Some("Call as a superuser, or give the application's tables to an ordinary role.".to_owned()),
        ..ServerError::default()
    }
}

/// Code of a schema that a superuser works on would go on with a superuser's rights.
#[must_use]
pub fn left_behind(left: &[String]) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack("42501"),
        message: "permission denied: code of the schema left something behind in a superuser's session".to_owned(),
        detail: Some(left.join("\n")),
        hint: Some("Call as the owner of the bookings: begin; set local role …; then the call. Or see which trigger leaves it.".to_owned()),
        ..ServerError::default()
    }
}

/// Some statements of a call met one schema, and others another that has its name since: nothing of it may stay.
#[must_use]
pub fn schema_renamed(schema: &str) -> ServerError {
    ServerError {
        sqlstate: sqlstate_pack("40001"),
        message: format!("could not serialize access: schema {schema} was renamed while a call worked in it"),
        hint: Some("HF612: Try again with the same key.".to_owned()),
        ..ServerError::default()
    }
}

/// Takes out what may be returned: a refusal that left nothing behind. The rest has to be raised.
pub fn returned<T>(answer: Result<T, Failure>) -> Result<Result<T, Refusal>, Failure> {
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(Failure::Refused(refusal)) => Ok(Err(refusal)),
        Err(failure) => Err(failure),
    }
}

/// Packs a five-character SQLSTATE: six bits a character, the first lowest.
#[must_use]
pub fn sqlstate_pack(code: &str) -> i32 {
    code.bytes()
        .enumerate()
        .fold(0, |packed, (place, byte)| packed | (i32::from(byte.wrapping_sub(b'0') & 0x3F) << (6 * place)))
}

/// The five characters of a packed SQLSTATE.
#[must_use]
pub fn sqlstate_unpack(packed: i32) -> String {
    (0..5).map(|place| char::from(b'0' + ((packed >> (6 * place)) & 0x3F) as u8)).collect()
}

/// The constraints by which somebody who took none of our locks can still be seen.
#[derive(Debug, Clone, Copy)]
pub struct Collision<'a> {
    pub booking: Id,
    pub tables: &'a [Id],
    pub key: Option<&'a str>,
    /// The table of the ledger and its schema, as the server names them.
    pub schema: &'a str,
}

impl Collision<'_> {
    /// A constraint of the contract that spoke while we wrote means that somebody was faster: the caller gets the
    /// contract's conflict, never a raw 23P01 or 23505. The application's own are not ours to reword: no retry mends them.
    #[must_use]
    pub fn decide(&self, error: ServerError) -> Failure {
        let exclusion = error.sqlstate == sqlstate_pack("23P01");
        let unique = error.sqlstate == sqlstate_pack("23505");
        if !(exclusion || unique)
            || error.schema.as_deref() != Some(self.schema)
            || !is_the_contracts(&error, exclusion)
        {
            return error.into();
        }
        match error.table.as_deref() {
            Some("allocations" | "booking_table_assignments") => {
                let detail = error.detail.as_deref().unwrap_or_default();
                let table = self.tables.iter().find(|id| detail.contains(&id.to_string())).or(self.tables.first());
                match table {
                    Some(table) => {
                        let conflict = refusal::allocation_conflict(self.booking, *table);
                        let theirs = error.detail.as_deref().filter(|_| names_ours(&error));
                        let words = conflict.detail.iter().map(String::as_str).chain(theirs);
                        // The row that was there first is in the server's sentence, its window too.
                        let words = words.collect::<Vec<_>>().join(": ");
                        Failure::Undone(conflict.detail(words))
                    }
                    None => error.into(),
                }
            }
            Some("booking_assignment_idempotency" | "booking_confirmation_results") if unique => match self.key {
                Some(key) => Failure::Undone(refusal::key_in_progress(self.booking, key)),
                None => error.into(),
            },
            _ => error.into(),
        }
    }
}

/// What a constraint is about, as the server says in DETAIL: `Key (a, b)=(…)`, in whatever language. None where it hides
/// the values, as it does from those who may not read them.
fn columns(error: &ServerError) -> Option<Vec<&str>> {
    let (_, from) = error.detail.as_deref()?.split_once('(')?;
    let (names, _) = from.split_once(")=(")?;
    Some(names.split(", ").map(|name| name.trim_matches('"')).collect())
}

/// Words of columns, and of what is made of them, that say nothing of a guest.
const OURS: &[&str] =
    &["window", "hold_window", "start_at", "end_at", "resource_type", "shadow", "tstzrange", "tsrange", "text", "uuid"];

/// Does the server's sentence name nothing but ids and times? A constraint of the application's may be about more.
fn names_ours(error: &ServerError) -> bool {
    let names = error.detail.as_deref().and_then(|detail| Some(detail.split_once('(')?.1.split_once(")=(")?.0));
    let is_ours =
        |word: &str| SEEN.contains(&word) || OURS.contains(&word) || word.starts_with(|c: char| c.is_ascii_digit());
    let words = |names: &str| {
        names.split(|c: char| !(c.is_alphanumeric() || c == '_')).all(|word| word.is_empty() || is_ours(word))
    };
    names.is_none_or(words)
}

/// Unique keys of the contract, by the name that they have there or by their columns.
const KEYS: &[(&str, &str, &[&str])] = &[
    ("allocations", "allocations_booking_resource_key", &["booking_id", "resource_type", "resource_id"]),
    ("booking_table_assignments", "booking_table_assignments_booking_table_key", &["booking_id", "table_id"]),
    ("booking_assignment_idempotency", "booking_assignment_idempotency_pkey", &["booking_id", "idempotency_key"]),
    ("booking_confirmation_results", "booking_confirmation_results_pkey", &["booking_id", "idempotency_key"]),
    ("booking_confirmation_results", "booking_confirmation_results_hold_id_key", &["hold_id"]),
];

/// Is it one of the constraints by which the contract keeps two parties from one table, or two answers from one key?
fn is_the_contracts(error: &ServerError, exclusion: bool) -> bool {
    let (table, name) = (error.table.as_deref().unwrap_or_default(), error.constraint.as_deref().unwrap_or_default());
    let columns = columns(error);
    if exclusion {
        let subject = if table == "allocations" { "resource_id" } else { "table_id" };
        return name == "allocations_no_overlap" || columns.is_none_or(|columns| columns.contains(&subject));
    }
    KEYS.iter().filter(|(of, _, _)| *of == table).any(|(_, known, key)| {
        let same = |columns: Vec<&str>| columns.len() == key.len() && key.iter().all(|column| columns.contains(column));
        name == *known || columns.clone().is_some_and(same)
    })
}

/// Columns that name a row which a call of ours has seen, or locked, before it writes one that refers to it.
const SEEN: &[&str] =
    &["booking_id", "restaurant_id", "table_id", "zone_id", "hold_id", "slot_id", "allocation_id", "resource_id"];

/// Above READ COMMITTED a foreign key looks with the transaction's snapshot, our statements with the latest: a row that
/// was committed in between is missing to the one alone. That is a serialization failure, and no fault of the caller's.
#[must_use]
pub fn unseen_reference(error: ServerError) -> ServerError {
    let seen = columns(&error).is_some_and(|columns| columns.iter().all(|column| SEEN.contains(column)));
    if error.sqlstate != sqlstate_pack("23503") || !seen {
        return error;
    }
    let hint = Outcome::SerializationFailure.entry();
    ServerError {
        sqlstate: sqlstate_pack(hint.sqlstate),
        message: "could not serialize access: what is referred to was committed after the transaction began".to_owned(),
        detail: error.detail,
        hint: Some(format!("{}: {}", hint.code, hint.advice)),
        context: error.context,
        ..ServerError::default()
    }
}

/// What the executor's function for one row says where a BEFORE trigger of the update wrote that row, by when it did.
const CHANGED: &[(&str, &str)] =
    &[("XX000", "tuple already updated by self"), ("55000", "attempted to update invisible tuple")];

/// The same as a statement says it.
#[must_use]
pub fn changed_by_its_trigger(error: ServerError) -> ServerError {
    if !CHANGED.contains(&(&sqlstate_unpack(error.sqlstate), &error.message)) {
        return error;
    }
    ServerError {
        sqlstate: sqlstate_pack("27000"),
        message: "tuple to be updated was already modified by an operation triggered by the current command".to_owned(),
        hint: Some(
            "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows."
                .to_owned(),
        ),
        ..error
    }
}

/// A constraint that spoke while a hold was taken: the application keeps windows of holds apart by one of its own, and
/// somebody without our locks has one there. Anything but an exclusion is not ours to reword.
#[must_use]
pub fn hold_collision(error: ServerError, booking: Id, schema: &str) -> Failure {
    if error.sqlstate != sqlstate_pack("23P01") || error.schema.as_deref() != Some(schema) {
        return error.into();
    }
    let detail = error.detail.as_deref().filter(|_| names_ours(&error)).unwrap_or("another hold is in the way");
    let said = format!(
        "Constraint {} of {}: {detail}",
        error.constraint.as_deref().unwrap_or_default(),
        error.table.as_deref().unwrap_or_default()
    );
    Failure::Undone(refusal::hold_window_conflict(booking, &said))
}
