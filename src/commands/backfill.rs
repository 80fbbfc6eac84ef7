//! Giving live bookings from before adoption what they lack.

use super::repair::{self, Repaired};
use crate::rules::Id;
use crate::rules::refusal::failure::Failure;
use crate::rules::repair::backfill::{BATCH, GIVEN, is_given};
use crate::store::Store;

/// One row of the plan, or of what was done.
pub struct Backfilled {
    pub booking: Id,
    pub row: Repaired,
}

/// Plans the backfill of every such booking, or does that of one batch of them.
pub fn backfill(store: &Store, dry_run: bool) -> Result<Vec<Backfilled>, Failure> {
    let (mut rows, mut after, mut mended) = (Vec::new(), None, 0);
    while mended < BATCH {
        let due = store.backfill_due(after, BATCH)?;
        if due.is_empty() {
            break;
        }
        for booking in due {
            let done = of_booking(store, booking, dry_run)?;
            mended += i32::from(done.iter().any(|row| row.action == "done"));
            rows.extend(done.into_iter().map(|row| Backfilled { booking, row }));
            after = Some(booking);
            if mended == BATCH {
                break;
            }
        }
    }
    Ok(rows)
}

/// What one booking gets, and what about it a person has to decide.
fn of_booking(store: &Store, booking: Id, dry_run: bool) -> Result<Vec<Repaired>, Failure> {
    let mut rows = Vec::new();
    if !dry_run {
        let names = GIVEN.iter().map(|kind| Some(kind.entry().name.to_owned())).collect();
        let done = repair::repair(store, Some(booking), Some(names), false)?;
        rows.extend(done.into_iter().filter(|row| row.action == "done"));
    }
    let left = repair::repair(store, Some(booking), None, true)?;
    rows.extend(left.into_iter().map(|row| {
        let given = is_given(row.finding.kind) && row.action == "planned";
        if given { row } else { Repaired { action: "person", step: None, ..row } }
    }));
    Ok(rows)
}
