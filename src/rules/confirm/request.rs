//! What a caller asked, and its canonical form: the one that a key is bound to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::json::Json;
use crate::rules::refusal::outcome::Outcome;
use crate::rules::refusal::{self, Refusal};

/// What becomes of the booking's earlier tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// The booking's tables become exactly this set.
    Confirm,
    /// The tables are added to those it has.
    Assign,
}

impl Intent {
    /// What it comes to when it is done.
    #[must_use]
    pub fn outcome(self) -> Outcome {
        match self {
            Intent::Confirm => Outcome::Confirmed,
            Intent::Assign => Outcome::Assigned,
        }
    }
}

/// How the tables were named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Sorted, without duplicates.
    Tables(Vec<Id>),
    Hold(Id),
}

impl Selection {
    #[must_use]
    pub fn hold(&self) -> Option<Id> {
        match self {
            Selection::Hold(hold) => Some(*hold),
            Selection::Tables(_) => None,
        }
    }

    /// Those that were named; a hold names none.
    #[must_use]
    pub fn tables(&self) -> &[Id] {
        match self {
            Selection::Tables(tables) => tables,
            Selection::Hold(_) => &[],
        }
    }
}

/// What is written to the booking's history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct History {
    pub changed_by: Option<Id>,
    pub reason: Option<String>,
    pub metadata: Option<Json>,
}

/// What the caller believes of the hold; None: it did not say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    pub policy_version: Option<String>,
    pub adjacency_hash: Option<String>,
}

/// The arguments of a confirm or an assign, checked for sense.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub intent: Intent,
    pub booking: Id,
    pub selection: Selection,
    pub key: Option<String>,
    pub window: Option<Window>,
    pub require_adjacency: bool,
    /// None: nobody in particular, an automatic call.
    pub actor: Option<Id>,
    /// None: the status stays as it is.
    pub target: Option<String>,
    pub history: History,
    pub expectation: Expectation,
}

impl Request {
    /// The confirm that a hold is taken for, as far as it is known by then.
    #[must_use]
    pub fn to_hold(booking: Id, tables: Vec<Id>, window: Window) -> Request {
        Request {
            intent: Intent::Confirm,
            booking,
            selection: Selection::Tables(tables),
            key: None,
            window: Some(window),
            require_adjacency: false,
            actor: None,
            target: None,
            history: History::default(),
            expectation: Expectation::default(),
        }
    }
}

/// How a call names its tables, as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named {
    Tables(Option<Vec<Option<Id>>>),
    Hold(Option<Id>),
}

/// The arguments of a confirm or an assign, as given.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    pub intent: Intent,
    pub booking: Option<Id>,
    pub named: Named,
    pub key: Option<String>,
    pub start: Option<Instant>,
    pub end: Option<Instant>,
    pub require_adjacency: Option<bool>,
    pub actor: Option<Id>,
    pub target: Option<String>,
    pub history: History,
    pub expectation: Expectation,
}

impl Arguments {
    /// A confirm of these tables that leaves everything else open.
    #[must_use]
    pub fn by_tables(booking: Option<Id>, tables: Option<Vec<Option<Id>>>, key: Option<String>) -> Arguments {
        Arguments::confirm(booking, Named::Tables(tables), key)
    }

    /// A confirm of what this hold keeps that leaves everything else open.
    #[must_use]
    pub fn by_hold(booking: Option<Id>, hold: Option<Id>, key: Option<String>) -> Arguments {
        Arguments::confirm(booking, Named::Hold(hold), key)
    }

    fn confirm(booking: Option<Id>, named: Named, key: Option<String>) -> Arguments {
        Arguments {
            intent: Intent::Confirm,
            booking,
            named,
            key,
            start: None,
            end: None,
            require_adjacency: None,
            actor: None,
            target: None,
            history: History::default(),
            expectation: Expectation::default(),
        }
    }

    /// Refuses nonsense before any row is touched.
    pub fn check(self) -> Result<Request, Refusal> {
        let booking = self.booking.ok_or_else(|| refusal::booking_not_found(None))?;
        let (selection, function) = match self.named {
            Named::Tables(given) => (Selection::Tables(tables(booking, given)?), "assign_tables_atomic_v2"),
            Named::Hold(hold) => {
                let hold = hold.ok_or_else(|| refusal::hold_not_found(None))?;
                (Selection::Hold(hold), "confirm_hold_assignment_tx")
            }
        };
        Ok(Request {
            intent: self.intent,
            booking,
            selection,
            key: key(self.key)?,
            window: window(function, self.start, self.end)?,
            require_adjacency: self.require_adjacency.unwrap_or(false),
            actor: self.actor,
            target: self.target,
            history: self.history,
            expectation: self.expectation,
        })
    }
}

/// A third of an index page, which is what the ledger's primary key can hold, less the booking.
pub const KEY_MAX_BYTES: usize = 2048;

/// NULL means "no key"; an empty or blank one is a caller's mistake (F27), and so is one that no index can hold.
pub fn key(given: Option<String>) -> Result<Option<String>, Refusal> {
    match given {
        Some(key) if key.trim().is_empty() => Err(refusal::key_blank()),
        Some(key) if key.len() > KEY_MAX_BYTES => Err(refusal::key_too_long(KEY_MAX_BYTES, key.len())),
        other => Ok(other),
    }
}

/// The table ids of a call: at least one, no NULL, each once, ascending.
pub fn tables(booking: Id, given: Option<Vec<Option<Id>>>) -> Result<Vec<Id>, Refusal> {
    let given = given.ok_or_else(|| refusal::tables_missing("table id"))?;
    if given.is_empty() {
        return Err(refusal::tables_missing("valid table id"));
    }
    let mut ids = given
        .iter()
        .copied()
        .collect::<Option<Vec<Id>>>()
        .ok_or_else(|| refusal::tables_not_found(booking, &[None]))?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A window of the caller's own: both ends or neither.
pub fn window(function: &str, start: Option<Instant>, end: Option<Instant>) -> Result<Option<Window>, Refusal> {
    match (start, end) {
        (None, None) => Ok(None),
        (Some(start), Some(end)) => {
            Window::new(start, end).map(Some).ok_or_else(|| refusal::window_invalid(function, start, end))
        }
        _ => Err(refusal::window_half_given(function)),
    }
}

/// The fields that make a request the same request, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fingerprint(pub BTreeMap<String, Json>);

/// One field in which two requests under the same key differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub field: String,
    pub first: Json,
    pub this: Json,
}

impl Difference {
    #[must_use]
    pub fn json(&self) -> Json {
        let spelled = |value: &Json| Json::of_text(value.canonical());
        let (first, this) = (spelled(&self.first), spelled(&self.this));
        Json::object([("field", json!(self.field).into()), ("first", first), ("this", this)])
    }
}

impl Fingerprint {
    /// As asked: what the caller left open stays open. Refusals are bound to this.
    #[must_use]
    pub fn literal(request: &Request) -> Fingerprint {
        let (tables, hold) = match &request.selection {
            Selection::Tables(tables) => (json!(tables), Value::Null),
            Selection::Hold(hold) => (Value::Null, json!(hold)),
        };
        let mut fingerprint = Fingerprint::of(request, tables, request.window.map_or(Value::Null, window_json));
        fingerprint.0.insert("hold".to_owned(), hold.into());
        fingerprint
    }

    /// As resolved: the tables and the window that were meant. Answers are bound to this.
    #[must_use]
    pub fn resolved(request: &Request, tables: &[Id], window: Window) -> Fingerprint {
        Fingerprint::of(request, json!(tables), window_json(window))
    }

    fn of(request: &Request, tables: Value, window: Value) -> Fingerprint {
        let intent = match request.intent {
            Intent::Confirm => "confirm",
            Intent::Assign => "assign",
        };
        let mut fields = BTreeMap::from([
            ("booking".to_owned(), json!(request.booking).into()),
            ("tables".to_owned(), tables.into()),
            ("window".to_owned(), window.into()),
            ("intent".to_owned(), json!(intent).into()),
            ("target_status".to_owned(), json!(request.target).into()),
            ("require_adjacency".to_owned(), json!(request.require_adjacency).into()),
            ("actor".to_owned(), json!(request.actor).into()),
        ]);
        // Automatic paths share a key and bring holds and words of their own; a person's call is taken literally.
        if request.actor.is_some() {
            fields.insert("hold".to_owned(), json!(request.selection.hold()).into());
            fields.insert("reason".to_owned(), json!(request.history.reason).into());
            fields.insert("metadata".to_owned(), request.history.metadata.clone().unwrap_or_default());
            fields.insert("changed_by".to_owned(), json!(request.history.changed_by).into());
        }
        Fingerprint(fields)
    }

    /// The checksum of the canonical form: keys sorted, no white space.
    #[must_use]
    pub fn checksum(&self) -> String {
        sha256_hex(&self.json().canonical())
    }

    #[must_use]
    pub fn json(&self) -> Json {
        Json::object(self.0.iter().map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// What a ledger entry keeps of an answered request: not what its own columns say, nor what is null or false.
    #[must_use]
    pub fn stored(&self) -> Json {
        let no = Json::from(Value::from(false));
        let columns = ["booking", "tables", "window"];
        let says =
            |(name, value): &(&String, &Json)| !columns.contains(&name.as_str()) && !value.is_null() && **value != no;
        Json::object(self.0.iter().filter(says).map(|(name, value)| (name.as_str(), value.clone())))
    }

    /// The whole of what was stored, with what the entry's columns say.
    #[must_use]
    pub fn completed(mut self, booking: Id, tables: &[Id], window: Option<Window>) -> Fingerprint {
        let columns = [
            ("booking", json!(booking)),
            ("tables", json!(tables)),
            ("window", window.map_or(Value::Null, window_json)),
            ("require_adjacency", Value::from(false)),
        ];
        for (name, value) in columns {
            self.0.entry(name.to_owned()).or_insert_with(|| value.into());
        }
        self
    }

    /// The fields in which this request is not the first one.
    #[must_use]
    pub fn differences(&self, first: &Fingerprint) -> Vec<Difference> {
        let absent = Json::default();
        let names: BTreeSet<&String> = first.0.keys().chain(self.0.keys()).collect();
        names
            .into_iter()
            .map(|name| (name, first.0.get(name).unwrap_or(&absent), self.0.get(name).unwrap_or(&absent)))
            .filter(|(_, first, this)| first != this)
            .map(|(name, first, this)| Difference { field: name.clone(), first: first.clone(), this: this.clone() })
            .collect()
    }
}

#[must_use]
pub fn window_json(window: Window) -> Value {
    json!({"start": window.start().to_string(), "end": window.end().to_string()})
}

/// A request with its tables and window resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedRequest {
    /// Sorted, without duplicates.
    pub tables: Vec<Id>,
    pub window: Window,
    pub fingerprint: Fingerprint,
}

impl ResolvedRequest {
    /// Is the window the booking's own? A caller who passes that very window asks for nothing else.
    #[must_use]
    pub fn is_as_booked(&self, booking: &Booking) -> bool {
        (booking.window.start, booking.window.end) == (Some(self.window.start()), Some(self.window.end()))
    }

    #[must_use]
    pub fn new(request: &Request, tables: Vec<Id>, window: Window) -> ResolvedRequest {
        let fingerprint = Fingerprint::resolved(request, &tables, window);
        ResolvedRequest { tables, window, fingerprint }
    }

    /// The hash of the table set alone.
    #[must_use]
    pub fn table_set_hash(&self) -> String {
        table_set_hash(&self.tables)
    }
}

#[must_use]
pub fn table_set_hash(tables: &[Id]) -> String {
    let ids: Vec<String> = tables.iter().map(Id::to_string).collect();
    sha256_hex(&ids.join(","))
}

/// The first 64 bits of the hash: a number that stands for the text.
#[must_use]
pub fn sha256_prefix(text: &str) -> i64 {
    Sha256::digest(text.as_bytes()).iter().take(8).fold(0, |number, byte| (number << 8) | i64::from(*byte))
}

#[must_use]
pub fn sha256_hex(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
