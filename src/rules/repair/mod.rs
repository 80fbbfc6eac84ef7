//! What may be done about a finding, where the facts decide; the rest is for a person.
//!
//! A repair completes what one booking says of itself, or drops what nothing of it stands for. It never takes a table
//! from a booking that has it.

pub mod backfill;

use serde_json::{Value, json};

use crate::rules::Id;
use crate::rules::booking::table::Resource;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::confirm::fingerprint::window_json;
use crate::rules::event::outbox::{self, Tables};
use crate::rules::hold::HoldEnd;
use crate::rules::reconcile::finding::Finding;
use crate::rules::reconcile::finding::catalogue::{FINDINGS, FindingKind};
use crate::rules::reconcile::finding::record::{AllocationRecord, Answered, AssignmentRecord, BookingRecord};
use crate::rules::refusal::{self, Refusal};

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub enum RepairStep {
    DropClaims(Vec<Id>),
    /// Claims the table of an assignment; `frees` are claims of bookings that are over.
    ClaimTable {
        table: Id,
        window: Window,
        frees: Vec<Id>,
    },
    /// Gives a claimed table to the booking.
    SeatTable {
        table: Id,
        window: Window,
        group: Option<Id>,
        key: Option<String>,
    },
    MoveClaim {
        claim: Id,
        window: Window,
        frees: Vec<Id>,
    },
    MoveSeat {
        seat: Id,
        window: Window,
    },
    CloseHold {
        hold: Id,
        end: HoldEnd,
    },
    Dissolve {
        seats: Vec<Id>,
        claims: Vec<Id>,
    },
    ClaimGroup {
        group: Id,
        window: Window,
    },
    /// Moves the status to the one that was answered.
    Advance {
        to: String,
    },
    /// Writes the status as it is into the history.
    BookingRecord,
    Bind {
        key: String,
        tables: Vec<Id>,
        seats: Vec<Id>,
        window: Window,
        group: Option<Id>,
    },
    /// Tells of the commit under a key.
    Emit {
        key: String,
        dedupe_key: String,
        payload: Value,
    },
    Refresh {
        table: Id,
    },
}

/// What is to be done about one finding. No step: a person decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    pub finding: Finding,
    pub step: Option<RepairStep>,
}

impl RepairStep {
    /// In a word, for the plan's row.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            RepairStep::DropClaims(_) => "drop_claims",
            RepairStep::ClaimTable { .. } => "claim_table",
            RepairStep::SeatTable { .. } => "seat_table",
            RepairStep::MoveClaim { .. } => "move_claim",
            RepairStep::MoveSeat { .. } => "move_seat",
            RepairStep::CloseHold { .. } => "close_hold",
            RepairStep::Dissolve { .. } => "dissolve_group",
            RepairStep::ClaimGroup { .. } => "claim_group",
            RepairStep::Advance { .. } => "advance_status",
            RepairStep::BookingRecord => "record_history",
            RepairStep::Bind { .. } => "bind_answer",
            RepairStep::Emit { .. } => "emit_event",
            RepairStep::Refresh { .. } => "refresh_table_status",
        }
    }

    /// With its values, as the statements take it.
    #[must_use]
    pub fn json(&self) -> Value {
        let timed = |window: &Window, rest: Value| merged(window_json(*window), rest);
        match self {
            RepairStep::DropClaims(claims) => json!({"claims": claims}),
            RepairStep::ClaimTable { table, window, frees } => timed(window, json!({"table": table, "frees": frees})),
            RepairStep::SeatTable { table, window, group, key } => {
                timed(window, json!({"table": table, "group": group, "key": key}))
            }
            RepairStep::MoveClaim { claim, window, frees } => timed(window, json!({"claim": claim, "frees": frees})),
            RepairStep::MoveSeat { seat, window } => timed(window, json!({"seat": seat})),
            RepairStep::CloseHold { hold, end } => json!({"hold": hold, "status": end.label()}),
            RepairStep::Dissolve { seats, claims } => json!({"seats": seats, "claims": claims}),
            RepairStep::ClaimGroup { group, window } => timed(window, json!({"group": group})),
            RepairStep::Advance { to } => json!({"status": to}),
            RepairStep::BookingRecord => json!({}),
            RepairStep::Bind { key, tables, seats, window, group } => {
                timed(window, json!({"key": key, "tables": tables, "seats": seats, "group": group}))
            }
            RepairStep::Emit { key, dedupe_key, payload } => {
                json!({"key": key, "dedupe_key": dedupe_key, "payload": payload})
            }
            RepairStep::Refresh { table } => json!({"table": table}),
        }
    }
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// The steps as the statements take them: by name, each with its values. A hold that is closed without its tables
/// becoming the booking's is told to others.
#[must_use]
pub fn by_name(record: &BookingRecord, steps: &[&RepairStep]) -> Value {
    let mut named = serde_json::Map::new();
    for step in steps {
        let event = match step {
            RepairStep::CloseHold { hold, end: HoldEnd::Cancelled | HoldEnd::Expired } => {
                let booking = &record.booking;
                let event = outbox::hold_released(Some(booking.id), booking.restaurant, *hold, None);
                json!({"event": {"dedupe_key": event.dedupe_key, "payload": event.payload.value()}})
            }
            _ => json!({}),
        };
        let list = named.entry(step.name()).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(merged(step.json(), event));
        }
    }
    Value::Object(named)
}

/// The status that the repair's entry of the history leads away from: the last that it knows, where it differed.
#[must_use]
pub fn history_from(record: &BookingRecord, steps: &[&RepairStep]) -> String {
    let moves = record.history.iter().filter(|entry| entry.from.as_ref() != Some(&entry.to));
    let recorded = moves.max_by_key(|entry| entry.at).map(|entry| entry.to.clone());
    let differed = steps.iter().any(|step| matches!(step, RepairStep::BookingRecord));
    recorded
        .filter(|recorded| differed && *recorded != record.booking.status)
        .unwrap_or_else(|| record.booking.status.clone())
}

/// When the repair's entry of the history was: now, but not before the entries that others wrote by faster clocks, or it
/// would not be the last.
#[must_use]
pub fn history_at(record: &BookingRecord, now: Instant) -> Instant {
    record.history.iter().map(|entry| entry.at).fold(now, Instant::max)
}

/// The tables whose status of now may change with the repair; all of them are locked.
#[must_use]
pub fn touched(record: &BookingRecord, steps: &[&RepairStep]) -> Vec<Id> {
    let now = |window: Option<Window>| window.is_some_and(|window| window.contains(record.now));
    let marked = steps.iter().filter_map(|step| match step {
        RepairStep::Refresh { table } => Some(*table),
        _ => None,
    });
    let seats = record.seats.iter().filter(|seat| now(seat.window)).map(|seat| seat.table);
    let claims = record.table_claims().filter(|claim| now(claim.window)).map(|claim| claim.resource_id);
    let mut tables: Vec<Id> = marked.chain(seats).chain(claims).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// The findings that a caller wants mended, by name or code; None: all.
pub fn wanted(names: Option<Vec<Option<String>>>) -> Result<Vec<FindingKind>, Refusal> {
    let Some(names) = names else { return Ok(FINDINGS.iter().map(|entry| entry.kind).collect()) };
    let known = |name: Option<String>| {
        let name = name.unwrap_or_else(|| "<NULL>".to_owned());
        FindingKind::named(&name).ok_or_else(|| {
            refusal::argument_invalid(format!("repair_booking does not know the finding {name}"))
                .detail("holdfast.findings lists them")
        })
    };
    names.into_iter().map(known).collect()
}

/// What is to be done, in an order that never undoes itself. What depends on an earlier step waits for the next look.
#[must_use]
pub fn plan(record: &BookingRecord, findings: Vec<Finding>, wanted: &[FindingKind]) -> Vec<Planned> {
    let findings: Vec<Finding> = findings.into_iter().filter(|finding| wanted.contains(&finding.kind)).collect();
    let first: Vec<Planned> = findings
        .into_iter()
        .map(|finding| {
            let step = step(record, &finding);
            Planned { finding, step }
        })
        .collect();
    let seats = first.iter().any(|planned| matches!(planned.step, Some(RepairStep::SeatTable { .. })));
    let advances = first.iter().any(|planned| matches!(planned.step, Some(RepairStep::Advance { .. })));
    let moves = |seat: Option<Id>| {
        first.iter().any(
            |planned| matches!(&planned.step, Some(RepairStep::MoveSeat { seat: moved, .. }) if Some(*moved) == seat),
        )
    };
    let waits = |planned: &Planned| match planned.finding.kind {
        FindingKind::WindowOutsideBooking | FindingKind::WindowDiffersFromBooking | FindingKind::WindowLeftBehind => {
            moves(planned.finding.subject)
        }
        FindingKind::ConfirmedWithoutTables
        | FindingKind::MergeGroupIncomplete
        | FindingKind::LedgerSaysConfirmed
        | FindingKind::PartyExceedsTables => seats,
        FindingKind::HistoryDiffers => advances,
        _ => false,
    };
    first.iter().filter(|planned| !waits(planned)).cloned().collect()
}

fn step(record: &BookingRecord, finding: &Finding) -> Option<RepairStep> {
    let subject = finding.subject.unwrap_or_default();
    match finding.kind {
        FindingKind::AssignmentWithoutAllocation => claim_table(record, seat(record, subject)?),
        FindingKind::AllocationWithoutAssignment => settle_claim(record, claim(record, subject)?),
        FindingKind::WindowDiffersFromAllocation => agree_on_window(record, seat(record, subject)?),
        FindingKind::LedgerSaysConfirmed => advance(record),
        FindingKind::AnswerMissing => bind(record, finding.key.as_deref()?),
        FindingKind::HistoryDiffers => Some(RepairStep::BookingRecord),
        FindingKind::EventMissing => emit(record, finding.key.as_deref()?),
        FindingKind::HoldOpenAfterConfirmation => {
            Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Confirmed })
        }
        FindingKind::HoldWithoutWindow | FindingKind::HoldWithoutTables => {
            Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Cancelled })
        }
        FindingKind::HoldPastDeadline => Some(RepairStep::CloseHold { hold: subject, end: HoldEnd::Expired }),
        FindingKind::MirrorWithoutHold | FindingKind::ClaimOfEndedBooking => {
            Some(RepairStep::DropClaims(vec![subject]))
        }
        FindingKind::MergeGroupIncomplete => Some(dissolve(record, subject)),
        FindingKind::MergeGroupUnclaimed => claim_group(record, subject),
        FindingKind::TableStatusUnexplained => Some(RepairStep::Refresh { table: subject }),
        // A person decides: two bookings, two restaurants, a key given up, or what the floor is to be.
        _ => None,
    }
}

fn seat(record: &BookingRecord, id: Id) -> Option<&AssignmentRecord> {
    record.seats.iter().find(|seat| seat.id == id)
}

fn claim(record: &BookingRecord, id: Id) -> Option<&AllocationRecord> {
    record.claims.iter().find(|claim| claim.id == id)
}

/// Is the table free of others in this window? Then the claims of bookings that are over, which have to make room.
fn room(record: &BookingRecord, table: Id, window: Window) -> Option<Vec<Id>> {
    let meets = |other: Option<Window>| other.is_none_or(|other| other.overlaps(window));
    let here: Vec<_> = record.rivals.iter().filter(|rival| rival.table == table && meets(rival.window)).collect();
    let free = here.iter().all(|rival| rival.released);
    free.then(|| here.iter().filter(|rival| rival.is_claim).map(|rival| rival.id).collect())
}

fn claim_table(record: &BookingRecord, seat: &AssignmentRecord) -> Option<RepairStep> {
    let window = seat.window.filter(|_| !seat.foreign)?;
    Some(RepairStep::ClaimTable { table: seat.table, window, frees: room(record, seat.table, window)? })
}

/// The answers that count: from the last confirm on, which set the tables anew.
fn standing(record: &BookingRecord) -> impl DoubleEndedIterator<Item = &Answered> {
    let from = record.answers.iter().rposition(|answer| answer.outcome == "confirmed").unwrap_or(0);
    record.answers.iter().skip(from).filter(|answer| answer.is_success())
}

/// The last answer that gave this table.
fn answer_of(record: &BookingRecord, table: Id) -> Option<&Answered> {
    standing(record).rev().find(|answer| answer.tables.contains(&table))
}

/// A claim without its table: the last answers decide which half is wrong.
fn settle_claim(record: &BookingRecord, claim: &AllocationRecord) -> Option<RepairStep> {
    let table = claim.resource_id;
    let answer = answer_of(record, table).filter(|answer| answer.window == claim.window);
    let only_one = record.is_confirm_target() && record.seats.is_empty();
    if answer.is_some() || only_one {
        let window = claim.window?;
        room(record, table, window)?;
        let groups = record.claims.iter().filter(|group| group.resource == Resource::MergeGroup);
        let group = groups.into_iter().find(|group| group.window == claim.window).map(|group| group.resource_id);
        return Some(RepairStep::SeatTable { table, window, group, key: answer.map(|answer| answer.key.clone()) });
    }
    standing(record).next().map(|_| RepairStep::DropClaims(vec![claim.id]))
}

/// Two windows of one table: the answer's counts, else the booking's.
fn agree_on_window(record: &BookingRecord, seat: &AssignmentRecord) -> Option<RepairStep> {
    let claim = record.claim_of(seat)?;
    let truth = answer_of(record, seat.table).map_or_else(|| record.window(), |answer| answer.window)?;
    if seat.window == Some(truth) {
        return Some(RepairStep::MoveClaim { claim: claim.id, window: truth, frees: room(record, seat.table, truth)? });
    }
    (claim.window == Some(truth)).then_some(RepairStep::MoveSeat { seat: seat.id, window: truth })
}

/// The answer's tables all stand, so only the status was left behind; it moves where a declared move leads.
fn advance(record: &BookingRecord) -> Option<RepairStep> {
    let answer = record.last_confirm()?;
    let stands = |table: &Id| {
        record.seat_on(*table).is_some_and(|seat| {
            seat.window == answer.window && record.claim_of(seat).is_some_and(|claim| claim.window == seat.window)
        })
    };
    let targets = || record.statuses.iter().filter(|rule| rule.is_confirm_target).map(|rule| rule.status.as_str());
    let recorded = record.history.iter().rev().map(|entry| entry.to.as_str()).find(|to| targets().any(|t| t == *to));
    let to = recorded.or_else(|| targets().next().filter(|_| targets().count() == 1))?;
    let declared = record.moves.iter().any(|(from, next)| *from == record.booking.status && next == to);
    let whole = !answer.tables.is_empty() && answer.tables.iter().all(stands);
    (whole && declared).then(|| RepairStep::Advance { to: to.to_owned() })
}

fn bind(record: &BookingRecord, key: &str) -> Option<RepairStep> {
    let mut seats: Vec<&AssignmentRecord> =
        record.seats.iter().filter(|seat| seat.key.as_deref() == Some(key)).collect();
    seats.sort_unstable_by_key(|seat| seat.table);
    let window = one_window(&seats)?;
    Some(RepairStep::Bind {
        key: key.to_owned(),
        tables: seats.iter().map(|seat| seat.table).collect(),
        seats: seats.iter().map(|seat| seat.id).collect(),
        window,
        group: seats.first().and_then(|seat| seat.merge_group),
    })
}

fn one_window(seats: &[&AssignmentRecord]) -> Option<Window> {
    let window = seats.first()?.window?;
    seats.iter().all(|seat| seat.window == Some(window)).then_some(window)
}

fn emit(record: &BookingRecord, key: &str) -> Option<RepairStep> {
    let answer = record.answers.iter().find(|answer| answer.key == key)?;
    let booking = &record.booking;
    let seat = record.seats.iter().find(|seat| seat.key.as_deref() == Some(key));
    let event = outbox::tables_changed(&Tables {
        booking: booking.id,
        restaurant: booking.restaurant,
        tables: &answer.tables,
        freed: &[],
        window: Some(answer.window?),
        merge_group: seat.and_then(|seat| seat.merge_group),
        status: &booking.status,
        key: Some(key),
    });
    Some(RepairStep::Emit { key: key.to_owned(), dedupe_key: event.dedupe_key, payload: event.payload.value() })
}

fn dissolve(record: &BookingRecord, group: Id) -> RepairStep {
    let seats = record.seats.iter().filter(|seat| seat.merge_group == Some(group)).map(|seat| seat.id);
    let of_group = |claim: &&AllocationRecord| claim.resource == Resource::MergeGroup && claim.resource_id == group;
    RepairStep::Dissolve {
        seats: seats.collect(),
        claims: record.claims.iter().filter(of_group).map(|claim| claim.id).collect(),
    }
}

fn claim_group(record: &BookingRecord, group: Id) -> Option<RepairStep> {
    let seats: Vec<&AssignmentRecord> = record.seats.iter().filter(|seat| seat.merge_group == Some(group)).collect();
    Some(RepairStep::ClaimGroup { group, window: one_window(&seats)? })
}
