//! Open holds, and mirrors of holds that are not open.

use super::Finding;
use super::catalogue::FindingKind;
use super::record::{BookingRecord, HOLD_AT_MOST_SECONDS, HOLD_OVERDUE_SECONDS, OpenHold};
use crate::rules::booking::table::Resource;

pub fn decide(record: &BookingRecord) -> Vec<Finding> {
    let open = record.holds.iter().filter_map(|hold| {
        let (kind, detail) = why(record, hold)?;
        Some(Finding::new(kind, detail).row("table_holds", hold.id).about(hold.id))
    });
    let is_open = |id| record.holds.iter().any(|hold| hold.id == id);
    let mirrors = record
        .allocations
        .iter()
        .filter(|allocation| allocation.resource == Resource::Hold && !is_open(allocation.resource_id));
    let mirrors = mirrors.map(|allocation| {
        let detail = format!("Allocation {} mirrors hold {}", allocation.id, allocation.resource_id);
        Finding::new(FindingKind::MirrorWithoutHold, detail).row("allocations", allocation.id).about(allocation.id)
    });
    open.chain(mirrors).collect()
}

/// What is wrong with an open hold: one reason, the heaviest.
fn why(record: &BookingRecord, hold: &OpenHold) -> Option<(FindingKind, String)> {
    let Some(window) = hold.window else {
        return Some((FindingKind::HoldWithoutWindow, format!("Hold {} of {} tables", hold.id, hold.members.len())));
    };
    if let Some(answer) = record.answers.iter().find(|answer| answer.is_success() && answer.hold == Some(hold.id)) {
        return Some((
            FindingKind::HoldOpenAfterConfirmation,
            format!("Hold {} was consumed under key {}", hold.id, answer.key),
        ));
    }
    // A hold that somebody opened again by hand has lost its mirror, and the booking has its tables.
    let given = |table: &_| {
        record.assignments.iter().any(|assignment| assignment.table == *table && assignment.window == Some(window))
    };
    if !hold.mirrored && !hold.members.is_empty() && hold.members.iter().all(given) {
        return Some((
            FindingKind::HoldOpenAfterConfirmation,
            format!("The booking has every table of hold {}", hold.id),
        ));
    }
    let late = hold.expires_at.after_seconds(HOLD_OVERDUE_SECONDS) < record.now;
    let week = record.now.after_seconds(HOLD_AT_MOST_SECONDS);
    let (kind, detail) = if late {
        (FindingKind::HoldPastDeadline, format!("Hold {} expired at {}", hold.id, hold.expires_at))
    } else if hold.members.is_empty() {
        (FindingKind::HoldWithoutTables, format!("Hold {} for {window}", hold.id))
    } else if hold.expires_at > week.max(window.end()) {
        (FindingKind::HoldDeadlineAbsurd, format!("Hold {} lasts until {}", hold.id, hold.expires_at))
    } else {
        return None;
    };
    Some((kind, detail))
}
