//! Two answers to one call: that of the application's own function, which counts, and what ours would have said.

pub mod fault;
pub mod record;

use std::collections::BTreeSet;

use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::request::Intent;
use crate::rules::refusal::Refusal;
use crate::rules::refusal::failure::{Failure, ServerError, sqlstate_unpack};
use crate::rules::refusal::outcome::Outcome;
use fault::Fault;

/// One table of an answer. Ids that a call makes up differ between two that agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnswerRow {
    pub table: Id,
    /// Start and end.
    pub window: Option<(Instant, Instant)>,
    /// One of several that are joined.
    pub merged: bool,
}

/// The seats of an answer, by table.
#[must_use]
pub fn seats(rows: &[Assignment]) -> Vec<AnswerRow> {
    let mut seats: Vec<AnswerRow> = rows
        .iter()
        .map(|row| AnswerRow {
            table: row.table,
            window: row.window.map(|window| (window.start(), window.end())),
            merged: row.merge_group.is_some(),
        })
        .collect();
    seats.sort_unstable();
    seats
}

/// The seats that a call stands for, which nobody has yet.
#[must_use]
pub fn seats_of(tables: &[Id], window: Window) -> Vec<AnswerRow> {
    let seat = |table: &Id| AnswerRow {
        table: *table,
        window: Some((window.start(), window.end())),
        merged: tables.len() > 1,
    };
    tables.iter().map(seat).collect()
}

/// What a call that is done says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallResult {
    Seats(Vec<AnswerRow>),
    /// Where the booking landed.
    Status(String),
    /// The function returns nothing.
    Nothing,
}

/// What ours would have done.
#[derive(Debug, Clone, PartialEq)]
pub enum Ours {
    Done(Doing),
    /// The check that is not passed, by its name.
    Refused(Refusal, &'static str),
    /// The schema raised it while ours wrote: a trigger, a constraint, a policy, a right.
    Failed(Box<ServerError>),
}

impl Ours {
    /// It failed because of the moment and not of the request.
    #[must_use]
    pub fn is_of_the_moment(&self) -> bool {
        match self {
            Ours::Failed(error) => of_the_moment(&sqlstate_unpack(error.sqlstate)),
            Ours::Refused(refusal, "writing") => of_the_moment(refusal.outcome.entry().sqlstate),
            _ => false,
        }
    }
}

fn of_the_moment(sqlstate: &str) -> bool {
    ["40", "53", "57", "58"].iter().any(|class| sqlstate.starts_with(class)) || sqlstate == "55P03"
}

#[derive(Debug, Clone, PartialEq)]
pub struct Doing {
    pub answer: CallResult,
    /// An answer that the key is bound to.
    pub replayed: bool,
    /// Claims of bookings that are over would have made room (F9).
    pub frees: bool,
    /// The deadline of the hold that was named.
    pub hold_until: Option<Instant>,
}

/// What the original did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Theirs {
    Done(CallResult),
    Raised { sqlstate: String, message: String, detail: Option<String> },
}

impl Theirs {
    #[must_use]
    pub fn raised(failure: &Failure) -> Theirs {
        match failure {
            Failure::Refused(refusal) | Failure::Undone(refusal) => Theirs::Raised {
                sqlstate: refusal.outcome.entry().sqlstate.to_owned(),
                message: refusal.message.clone(),
                detail: refusal.detail.clone(),
            },
            Failure::Server(error) => Theirs::Raised {
                sqlstate: sqlstate_unpack(error.sqlstate),
                message: error.message.clone(),
                detail: error.detail.clone(),
            },
        }
    }

    /// It failed because of the moment and not of the request: there is nothing to agree on.
    #[must_use]
    pub fn is_of_the_moment(&self) -> bool {
        matches!(self, Theirs::Raised { sqlstate, .. } if of_the_moment(sqlstate))
    }
}

/// What the booking is left with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BookingAfter {
    pub status: String,
    pub tables: BTreeSet<Id>,
    /// Its holds that are still open.
    pub open_holds: Vec<Id>,
}

/// A call, as far as the comparison needs to know it.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene<'a> {
    /// None: a status move.
    pub intent: Option<Intent>,
    pub target: Option<&'a str>,
    /// The session's clock shows another time than UTC.
    pub zone_is_shifted: bool,
    /// None: there is no such booking, or nobody could look.
    pub before: Option<&'a BookingAfter>,
    /// None: the original raised, or nobody could look.
    pub after: Option<&'a BookingAfter>,
    /// When the original was done.
    pub ended_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisagreementKind {
    /// The original refuses what ours would do.
    TheirsRefused,
    /// The original does what ours would refuse.
    TheirsDone,
    /// The original does what ours would fail at: the schema speaks against it.
    OursFailed,
    /// Both refuse, for reasons that a caller would take for different ones.
    RefusalsDiffer,
    /// Both do it, and say different things.
    AnswersDiffer,
    /// Both say the same, and the original leaves something else behind.
    EffectsDiffer,
    /// Both refuse in the same words, and the caller has no way on.
    Stuck,
}

impl DisagreementKind {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DisagreementKind::TheirsRefused => "theirs_refused",
            DisagreementKind::TheirsDone => "theirs_done",
            DisagreementKind::OursFailed => "ours_failed",
            DisagreementKind::RefusalsDiffer => "refusals_differ",
            DisagreementKind::AnswersDiffer => "answers_differ",
            DisagreementKind::EffectsDiffer => "effects_differ",
            DisagreementKind::Stuck => "stuck",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disagreement {
    pub kind: DisagreementKind,
    /// The known faults that it shows; none: it is another difference.
    pub faults: Vec<Fault>,
}

/// Do the two agree?
#[must_use]
pub fn compare(scene: &Scene, ours: &Ours, theirs: &Theirs) -> Option<Disagreement> {
    match (ours, theirs) {
        (Ours::Done(doing), Theirs::Done(answer)) => both_done(scene, doing, answer),
        (Ours::Refused(refusal, check), Theirs::Done(answer)) => {
            let mut faults: Vec<Fault> = fault_of_acceptance(refusal.outcome, check, scene).into_iter().collect();
            faults.extend(lost(scene));
            let swallowed = *answer == CallResult::Nothing && !gained(scene);
            faults.extend(swallowed.then_some(Fault::F24));
            Some(Disagreement { kind: DisagreementKind::TheirsDone, faults })
        }
        (Ours::Failed(_), Theirs::Done(_)) => {
            Some(Disagreement { kind: DisagreementKind::OursFailed, faults: Vec::new() })
        }
        (Ours::Failed(error), Theirs::Raised { sqlstate, message, .. }) => {
            let same = sqlstate_unpack(error.sqlstate) == *sqlstate && shape(&error.message) == shape(message);
            (!same).then(|| Disagreement { kind: DisagreementKind::RefusalsDiffer, faults: Vec::new() })
        }
        (_, Theirs::Raised { sqlstate, message, .. }) => both_or_theirs_refused(scene, ours, sqlstate, message),
    }
}

fn both_or_theirs_refused(scene: &Scene, ours: &Ours, sqlstate: &str, message: &str) -> Option<Disagreement> {
    // The answer is gone because somebody took the tables, and the booking is still what the answer made it.
    let without_tables = scene.before.is_some_and(|left| left.tables.is_empty());
    let stranded = without_tables && sqlstate == "P0003" && message.contains(" returned no assignments ");
    let fault = if stranded { Some(Fault::F4) } else { fault_of_refusal(ours, sqlstate, message) };
    let found = |kind| Some(Disagreement { kind, faults: fault.into_iter().collect() });
    let Ours::Refused(refusal, check) = ours else { return found(DisagreementKind::TheirsRefused) };
    if refusal.outcome.entry().sqlstate != sqlstate || shape(&refusal.message) != shape(message) {
        return found(DisagreementKind::RefusalsDiffer);
    }
    // The key has its answer, and nothing is left that says which hold it was for.
    let hold_gone = refusal.outcome == Outcome::HoldNotFound && *check == "key";
    let stuck = if hold_gone { Some(Fault::F1) } else { stranded.then_some(Fault::F4) };
    stuck.map(|fault| Disagreement { kind: DisagreementKind::Stuck, faults: vec![fault] })
}

fn both_done(scene: &Scene, doing: &Doing, answer: &CallResult) -> Option<Disagreement> {
    let faults = effects(scene, doing);
    let same = match (&doing.answer, answer) {
        (_, CallResult::Nothing) => gained(scene) || doing.replayed,
        (ours, theirs) => ours == theirs,
    };
    let landed = scene.target.is_none_or(|target| scene.after.is_none_or(|after| after.status == target));
    let kind = if !same {
        DisagreementKind::AnswersDiffer
    } else if !faults.is_empty() || !landed {
        DisagreementKind::EffectsDiffer
    } else {
        return None;
    };
    Some(Disagreement { kind, faults })
}

/// What the original left behind and ours would not have; a replay changes nothing.
fn effects(scene: &Scene, doing: &Doing) -> Vec<Fault> {
    let (Some(after), false) = (scene.after, doing.replayed) else { return Vec::new() };
    let mut faults = Vec::new();
    let request: BTreeSet<Id> = match &doing.answer {
        CallResult::Seats(seats) => seats.iter().map(|seat| seat.table).collect(),
        _ => return faults,
    };
    if scene.intent == Some(Intent::Confirm) {
        faults.extend(after.tables.difference(&request).next().map(|_| Fault::F6));
        faults.extend(after.open_holds.first().map(|_| Fault::F25));
    }
    if scene.intent == Some(Intent::Assign) {
        faults.extend(lost(scene));
        faults.extend((!request.is_subset(&after.tables)).then_some(Fault::F24));
    }
    let expired = doing.hold_until.is_some_and(|until| until <= scene.ended_at);
    faults.extend(expired.then_some(Fault::F13));
    faults
}

/// Tables of an earlier success are gone, though nobody asked for that.
fn lost(scene: &Scene) -> Option<Fault> {
    let (before, after) = (scene.before?, scene.after?);
    let kept = scene.intent == Some(Intent::Assign) && !before.tables.is_subset(&after.tables);
    kept.then_some(Fault::F28)
}

/// Did the booking get a table that it did not have?
fn gained(scene: &Scene) -> bool {
    match (scene.before, scene.after) {
        (Some(before), Some(after)) => !after.tables.is_subset(&before.tables),
        _ => true,
    }
}

/// A sentence without its values: words with a digit in them are ids, instants and numbers.
fn shape(message: &str) -> Vec<&str> {
    let mut shape: Vec<&str> = message
        .split_whitespace()
        .map(|word| if word.contains(|c: char| c.is_ascii_digit()) { "%" } else { word })
        .collect();
    // An instant may have one word or two.
    shape.dedup_by(|one, other| *one == "%" && *other == "%");
    shape
}

/// The original does what ours would refuse for this reason.
fn fault_of_acceptance(refused: Outcome, check: &str, scene: &Scene) -> Option<Fault> {
    Some(match refused {
        Outcome::KeyMismatch => Fault::F2,
        Outcome::StatusConflict if scene.intent.is_none() => return None,
        Outcome::StatusConflict if check == "key" => Fault::F5,
        Outcome::StatusConflict => Fault::F7,
        Outcome::TargetNotConfirmable => Fault::F8,
        Outcome::HoldExpired if scene.zone_is_shifted => Fault::F12,
        Outcome::HoldExpired => Fault::F13,
        Outcome::TablesNotAdjacent => Fault::F14,
        Outcome::PartyTooLarge | Outcome::PartyTooSmall | Outcome::TableOutOfService => Fault::F15,
        Outcome::WindowOutsideBooking => Fault::F16,
        Outcome::HoldNotFound | Outcome::PolicyVersionChanged | Outcome::AdjacencySnapshotChanged => Fault::F17,
        Outcome::KeyBlank => Fault::F27,
        _ => return None,
    })
}

/// The original refuses in this way; ours would do it, or refuse in another.
fn fault_of_refusal(ours: &Ours, sqlstate: &str, message: &str) -> Option<Fault> {
    let (done, refused) = match ours {
        Ours::Done(doing) => (Some(doing), None),
        Ours::Refused(refusal, _) => (None, Some(refusal.outcome)),
        Ours::Failed(_) => (None, None),
    };
    let by_hold = done.is_some_and(|doing| doing.hold_until.is_some());
    let says = |begin: &str| message.starts_with(begin);
    Some(match sqlstate {
        "P0002" if says("Hold ") && done.is_some_and(|doing| doing.replayed) => Fault::F1,
        "P0001" if says("Hold ") && message.contains(" expired at ") => Fault::F12,
        "P0001" if says("Hold conflict") && by_hold => Fault::F10,
        "P0001" if done.is_some_and(|doing| doing.frees) => Fault::F9,
        "22023" if by_hold || refused == Some(Outcome::HoldConflict) => Fault::F10,
        "23505" => Fault::F3,
        "23502" if by_hold => Fault::F26,
        "42702" => Fault::F11,
        "42883" => Fault::F18,
        _ => return None,
    })
}
