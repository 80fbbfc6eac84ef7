//! What a caller asked, checked for sense. What a key is bound to is its fingerprint, in `fingerprint`.

use crate::rules::Id;
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
