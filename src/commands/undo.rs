//! Compensation: what one key did is taken back in one call.

use crate::rules::Id;
use crate::rules::allocation;
use crate::rules::attempt;
use crate::rules::failure::Failure;
use crate::rules::outbox;
use crate::rules::outcome::Outcome;
use crate::rules::refusal;
use crate::rules::request::History;
use crate::rules::undo::{self, Undoing};
use crate::store::{Store, TakingBack};

/// What an undo came to.
pub struct Undone {
    pub outcome: Outcome,
    pub tables: Vec<Id>,
    /// The booking's status afterwards.
    pub status: Option<String>,
    pub receipt: Option<u64>,
}

pub fn undo(store: &Store, booking: Option<Id>, key: Option<String>, history: History) -> Result<Undone, Failure> {
    let id = booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let key = attempt::key(key)?;
    let booking = store.booking_lock(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    store.tables_lock(Some(id), None, &[])?;
    let now = store.clock();
    let done = store.undo_read(id, &key)?;
    let Undoing::TakeBack { status } = undo::decide(&booking.status, done.as_ref())? else {
        let (outcome, status) = (Outcome::NothingToUndo, Some(booking.status));
        return Ok(Undone { outcome, tables: Vec::new(), status, receipt: None });
    };
    let tables = done.unwrap_or_default().tables;
    let goes = |table: Id| tables.contains(&table);
    let (assignments, allocations) = store.booking_claims(id)?;
    let removal = allocation::remove(&assignments, &allocations, goes);
    let count = |rows: &[Id]| rows.len() as i64;
    let expected = [
        count(&removal.assignments),
        count(&removal.allocations),
        count(&removal.dissolved),
        i64::from(status.is_some()),
        1,
        i64::from(store.has_outbox()),
    ];
    let history = History { metadata: Some(undo::metadata(history.metadata, &key, &tables)), ..history };
    let written = store.undo_apply(TakingBack {
        booking: &booking,
        key: &key,
        removal: &removal,
        status: status.as_deref(),
        now,
        history: &history,
        event: outbox::assignment_undone(id, booking.restaurant, &tables, status.as_deref()),
    })?;
    super::assert_written("Undo", &expected, &written)?;
    let seated = assignments.iter().filter(|row| row.window.is_some_and(|window| window.contains(now)));
    let seated: Vec<Id> = seated.map(|row| row.table).filter(|table| goes(*table)).collect();
    super::refresh(store, &seated)?;
    let receipt = Some(store.transaction_id());
    Ok(Undone { outcome: Outcome::Undone, tables, status: Some(status.unwrap_or(booking.status)), receipt })
}
