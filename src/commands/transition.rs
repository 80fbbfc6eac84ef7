//! A status move with its history.

use crate::rules::Id;
use crate::rules::booking::Booking;
use crate::rules::failure::Failure;
use crate::rules::refusal;
use crate::rules::request::History;
use crate::rules::transition::{self, Move};
use crate::rules::window::Instant;
use crate::store::{GivenMove, Landed, Landing, Store};

/// The arguments of a transition, as given.
pub struct Wanted {
    pub booking: Option<Id>,
    pub to: Option<String>,
    pub checked_in_at: Option<Instant>,
    pub checked_out_at: Option<Instant>,
    /// None: now, as for `changed_at`.
    pub updated_at: Option<Instant>,
    pub changed_at: Option<Instant>,
    pub history_from: Option<String>,
    pub history_to: Option<String>,
    pub history: History,
}

impl Wanted {
    pub fn as_given(&self) -> GivenMove<'_> {
        GivenMove {
            booking: self.booking,
            to: self.to.as_deref(),
            checked_in_at: self.checked_in_at,
            checked_out_at: self.checked_out_at,
            updated_at: self.updated_at,
            changed_at: self.changed_at,
            history_from: self.history_from.as_deref(),
            history_to: self.history_to.as_deref(),
            history: &self.history,
        }
    }
}

/// Decides a move of a booking that is read in the given way; the booking and its target.
fn decide<'a>(
    store: &Store,
    wanted: &'a Wanted,
    read: impl FnOnce(Id) -> Result<Option<Booking>, Failure>,
) -> Result<(Booking, &'a str), Failure> {
    let id = wanted.booking.ok_or_else(|| refusal::booking_not_found(None))?;
    let asked = Move {
        to: wanted.to.as_deref(),
        history_from: wanted.history_from.as_deref(),
        history_to: wanted.history_to.as_deref(),
    };
    let target = transition::check_arguments(&asked)?;
    let booking = read(id)?.ok_or_else(|| refusal::booking_not_found(Some(id)))?;
    let rules = store.status_rules(&booking.status, target)?;
    transition::decide(&asked, target, &booking.status, &rules)?;
    Ok((booking, target))
}

/// Where the booking would land, decided without a lock.
pub(super) fn look(store: &Store, wanted: &Wanted) -> Result<String, Failure> {
    decide(store, wanted, |id| store.booking_look(id)).map(|(_, target)| target.to_owned())
}

pub fn transition(store: &Store, wanted: &Wanted) -> Result<Landed, Failure> {
    let (booking, target) = decide(store, wanted, |id| store.booking_lock(id))?;
    let id = booking.id;
    let now = store.clock();
    let seated = store.tables_seated(id, now)?;
    if !seated.is_empty() {
        store.tables_lock(None, None, &seated)?;
    }
    let landed = store.transition_apply(&Landing {
        booking: id,
        from: &booking.status,
        to: target,
        checked_in_at: wanted.checked_in_at,
        checked_out_at: wanted.checked_out_at,
        updated_at: wanted.updated_at.unwrap_or(now),
        changed_at: wanted.changed_at.unwrap_or(now),
        history: &wanted.history,
    })?;
    let landed = landed.ok_or_else(|| Failure::Undone(refusal::broken_invariant("Transition", &[1], &[0])))?;
    super::refresh(store, &seated)?;
    Ok(landed)
}
