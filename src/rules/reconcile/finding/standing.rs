//! The booking's status against its history, the ledger's answers and what others were told.

use std::collections::BTreeSet;

use super::Finding;
use super::catalogue::FindingKind;
use super::record::{Answered, AssignmentRecord, BookingRecord};

const LEDGER: &str = "booking_assignment_idempotency";

pub fn decide(record: &BookingRecord) -> Vec<Finding> {
    let mut findings = keys(record);
    findings.extend(record.assignments.iter().filter_map(|assignment| lost(record, assignment)));
    let shared = record.answers.iter().filter(|answer| answer.is_success() && answer.hold_shared);
    findings.extend(shared.map(|answer| {
        let hold = answer.hold.unwrap_or_default();
        let detail = format!("Hold {hold} was consumed under key {} and by another answer", answer.key);
        Finding::new(FindingKind::HoldConsumedTwice, detail).row(LEDGER, &answer.key).under(&answer.key)
    }));
    findings.extend(unconfirmed(record));
    findings.extend(history(record));
    let untold = record.answers.iter().filter(|answer| answer.is_success() && !answer.told);
    findings.extend(untold.map(|answer| {
        let detail = format!("The commit under key {} has no capacity.assignment.sync", answer.key);
        Finding::new(FindingKind::EventMissing, detail).row(LEDGER, &answer.key).under(&answer.key)
    }));
    findings
}

/// Every table that was given under a key has an answer under that key. A booking that is over keeps its tables as
/// a record only.
fn keys(record: &BookingRecord) -> Vec<Finding> {
    let assignments = record.assignments.iter().filter(|assignment| !record.is_over() && assignment.recent);
    let keys: BTreeSet<&str> = assignments.filter_map(|assignment| assignment.key.as_deref()).collect();
    keys.into_iter()
        .filter_map(|key| {
            let answer = record.answers.iter().find(|answer| answer.key == key);
            let (kind, detail) = match answer {
                Some(answer) if answer.is_success() => return None,
                Some(answer) => (FindingKind::FencedKeyUsed, format!("Key {key} was answered {}", answer.outcome)),
                None => (FindingKind::AnswerMissing, format!("Key {key} has no answer")),
            };
            let finding = Finding::new(kind, detail).row("bookings", record.booking.id).under(key);
            let given = record.assignments.iter().filter(|assignment| assignment.key.as_deref() == Some(key));
            Some(given.fold(finding, |finding, assignment| finding.row("booking_table_assignments", assignment.id)))
        })
        .collect()
}

/// What was given under a key bears it, and names its allocation.
fn lost(record: &BookingRecord, assignment: &AssignmentRecord) -> Option<Finding> {
    let given = |answer: &&Answered| answer.is_success() && answer.ours && answer.assignments.contains(&assignment.id);
    let answer = record.answers.iter().find(given).filter(|_| !record.is_over())?;
    let (kind, detail) = if assignment.key.is_none() {
        (FindingKind::KeyLost, format!("Table {} was given under key {}", assignment.table, answer.key))
    } else {
        let allocation =
            record.allocation_of(assignment).filter(|allocation| assignment.allocation != Some(allocation.id))?;
        (FindingKind::AllocationLost, format!("Table {} has allocation {}", assignment.table, allocation.id))
    };
    Some(
        Finding::new(kind, detail)
            .row("booking_table_assignments", assignment.id)
            .about(assignment.id)
            .under(&answer.key),
    )
}

/// A confirm was answered; since then the booking may have moved on, along the declared moves or with an entry of
/// its history that says so.
fn unconfirmed(record: &BookingRecord) -> Option<Finding> {
    let answer = record.last_confirm()?;
    if record.is_after_confirmation() || moved_on(record, answer) {
        return None;
    }
    let detail = format!("Key {} was answered confirmed, the status is {}", answer.key, record.booking.status);
    let finding = Finding::new(FindingKind::LedgerSaysConfirmed, detail);
    Some(finding.row("bookings", record.booking.id).row(LEDGER, &answer.key).under(&answer.key))
}

fn moved_on(record: &BookingRecord, answer: &Answered) -> bool {
    record.history.iter().any(|entry| entry.at > answer.at && entry.to == record.booking.status)
}

/// Is the status one that the history leads to, and leads away from no more? Entries bear the clocks of those who
/// wrote them, so their order is only asked for where a status was left and reached again. An entry from a status to
/// itself, as a repair leaves it, leads nowhere.
fn history(record: &BookingRecord) -> Option<Finding> {
    let status = &record.booking.status;
    let moves = || record.history.iter().filter(|entry| entry.from.as_ref() != Some(&entry.to));
    let reached = moves().filter(|entry| entry.to == *status).map(|entry| entry.at).max();
    let left = moves().filter(|entry| entry.from.as_ref() == Some(status)).map(|entry| entry.at).max();
    let differs = match (reached, left) {
        (Some(reached), Some(left)) => left > reached,
        (Some(_), None) => false,
        // Never moved, as far as the history knows: but a confirm that gave tables has an entry.
        (None, _) => moves().next().is_some() || record.history.is_empty() && confirmed_by_key(record),
    };
    let last = moves().max_by_key(|entry| entry.at).map_or("no entry", |entry| entry.to.as_str());
    let detail = format!("The status is {status}, the history ends with {last}");
    differs.then(|| Finding::new(FindingKind::HistoryDiffers, detail).row("bookings", record.booking.id))
}

fn confirmed_by_key(record: &BookingRecord) -> bool {
    let given =
        |answer: &Answered| record.assignments.iter().any(|assignment| assignment.key.as_deref() == Some(&answer.key));
    record.answers.iter().any(|answer| answer.outcome == "confirmed" && given(answer))
}
