//! Refusals that an idempotency key, or another attempt under it, is the reason of.

use crate::rules::Id;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::outcome::Outcome;

#[must_use]
pub fn answer_gone(booking: Id) -> Refusal {
    Refusal::new(Outcome::AnswerGone, format!("assign_tables_atomic_v2 returned no assignments for booking {booking}"))
}

#[must_use]
pub fn key_in_progress(booking: Id, key: &str) -> Refusal {
    Refusal::new(
        Outcome::KeyInProgress,
        format!("Another attempt bound the key of booking {booking} at the same moment"),
    )
    .detail(format!("Key {key}"))
}

#[must_use]
pub fn left_over_freed(booking: Id) -> Refusal {
    Refusal::new(
        Outcome::SerializationFailure,
        format!("A table of booking {booking}, or one that it asks for, was freed by somebody else at the same moment"),
    )
}

#[must_use]
pub fn fenced(booking: Id, key: &str) -> Refusal {
    Refusal::new(Outcome::Fenced, format!("The attempt for booking {booking} was given up"))
        .detail(format!("Key {key}"))
}

#[must_use]
pub fn key_blank() -> Refusal {
    Refusal::new(Outcome::KeyBlank, "Idempotency key must not be blank")
}

#[must_use]
pub fn key_too_long(longest: usize, length: usize) -> Refusal {
    Refusal::new(Outcome::KeyTooLong, format!("Idempotency key must not be longer than {longest} bytes"))
        .detail(format!("It has {length}"))
}

/// No answer is bound to the key, and no attempt under it is known.
#[must_use]
pub fn never_seen(booking: Id, key: &str) -> Refusal {
    Refusal::new(Outcome::NeverSeen, format!("No attempt for booking {booking} is known under this key"))
        .detail(format!("Key {key}"))
}

#[must_use]
pub fn undo_undecided(booking: Id, why: String) -> Refusal {
    let message = format!("Taking back what the key did leaves booking {booking} undecided");
    Refusal::new(Outcome::UndoUndecided, message).detail(why)
}
