//! Takes tables from bookings.

use super::Store;
use super::columns::columns;
use super::parameter::{self, Ids};
use super::probe::probe;
use super::row::Row;
use super::statement::statement;
use super::writer::written;
use crate::rules::Id;
use crate::rules::booking::allocation::Removal;
use crate::rules::json::Json;
use crate::rules::refusal;
use crate::rules::refusal::failure::Failure;

statement!("assignments_remove", AssignmentsRemove { assignments: Ids });
statement!("allocations_remove", AllocationsRemove { allocations: Ids });
statement!("group_dissolve", GroupDissolve { assignments: Ids });
columns!(ReplacedRow { place: Id, row: Option<Json> });
statement!("assignments_replace", AssignmentsReplace { booking: Id, assignments: Ids } -> ReplacedRow);
statement!("allocation_replace", AllocationReplace { booking: Id, allocation: Id } -> ReplacedRow);
columns!(OwnerRow { booking_id: Option<Id>, shadow: bool });
probe!(one "allocations", AllocationById { id: Id } -> OwnerRow);
written!(delete "allocations", GoneAllocation {});
statement!("allocations_replace", AllocationsReplace { booking: Id, allocations: Ids } -> ReplacedRow);
columns!(StandRow { stand: bool });
statement!("removed_stand", RemovedStand { assignments: Ids, allocations: Ids } -> StandRow);

/// What was taken away: the rows written in the order of [`Removal::expected`], and what an undo brings back.
#[derive(Default)]
pub(super) struct Removed {
    pub counts: [i64; 3],
    pub assignments: Vec<Json>,
    pub allocations: Vec<Json>,
}

impl Store {
    /// Takes tables from a booking; the rows written: assignments, allocations, groups dissolved.
    pub fn tables_remove(&self, removal: &Removal) -> Result<Vec<i64>, Failure> {
        self.at_once(|| Ok(self.remove(removal)?.to_vec()))
    }

    /// The same, as a part of what is written at once.
    pub(super) fn remove(&self, removal: &Removal) -> Result<[i64; 3], Failure> {
        let assignments = self.write_ids(&removal.assignments, |assignments| AssignmentsRemove { assignments })?;
        let allocations = self.write_ids(&removal.allocations, |allocations| AllocationsRemove { allocations })?;
        Ok([assignments, allocations, self.dissolve(removal)?])
    }

    /// The same, where a key may be undone.
    pub(super) fn replace(&self, booking: Id, removal: &Removal) -> Result<Removed, Failure> {
        let mut removed = Removed::default();
        if !removal.assignments.is_empty() {
            let assignments = parameter::ids(&removal.assignments);
            let rows = self.run(AssignmentsReplace { booking, assignments }, |row| (row.place(), row.row()))?;
            (removed.counts[0], removed.assignments) = in_order(rows);
        }
        let rows = match *removal.allocations {
            [] => Vec::new(),
            [allocation] => self.allocation_replace(booking, allocation)?,
            ref allocations => {
                let allocations = parameter::ids(allocations);
                self.run(AllocationsReplace { booking, allocations }, |row| (row.place(), row.row()))?
            }
        };
        (removed.counts[1], removed.allocations) = in_order(rows);
        removed.counts[2] = self.dissolve(removal)?;
        Ok(removed)
    }

    /// One that is not the booking's own, as the mirror of a hold, leaves nothing that an undo brings back.
    fn allocation_replace(&self, booking: Id, allocation: Id) -> Result<Vec<(Id, Option<Json>)>, Failure> {
        let gone = self.connection.write_directly(|reader| {
            let is_mirror = |row: &Row<OwnerRow>| row.shadow() || row.booking_id() != Some(booking);
            reader.delete::<_, _, GoneAllocation>(AllocationById { id: allocation }, is_mirror)
        })?;
        match gone {
            Some(gone) => Ok(if gone > 0 { vec![(allocation, None)] } else { Vec::new() }),
            None => self.run(AllocationReplace { booking, allocation }, |row| (row.place(), row.row())),
        }
    }

    fn dissolve(&self, removal: &Removal) -> Result<i64, Failure> {
        self.write_ids(&removal.dissolved, |assignments| GroupDissolve { assignments })
    }

    /// Rows that were told to go, the first `removed` counts, and were fewer. They are locked by nobody: who takes none of our
    /// locks may have deleted them first, and the next try sees that. Kept by a trigger, they would be at each try.
    pub fn removed_by_others(
        &self,
        booking: Id,
        removal: &Removal,
        expected: &[i64],
        counts: &[i64],
        removed: usize,
    ) -> Result<(), Failure> {
        let fewer = |at: usize| at < removed && counts.get(at) < expected.get(at);
        if !(0..expected.len()).all(|at| expected.get(at) == counts.get(at) || fewer(at)) {
            return Ok(());
        }
        let parameters = RemovedStand {
            assignments: parameter::ids(&removal.assignments),
            allocations: parameter::ids(&removal.allocations),
        };
        let stand = self.run(parameters, |row| row.stand())?;
        if stand == [false] { Err(Failure::Undone(refusal::left_over_freed(booking))) } else { Ok(()) }
    }
}

/// How many rows there were, and what is to be remembered of them.
fn in_order(mut rows: Vec<(Id, Option<Json>)>) -> (i64, Vec<Json>) {
    rows.sort_unstable_by_key(|(place, _)| *place);
    (rows.len() as i64, rows.into_iter().filter_map(|(_, row)| row).collect())
}
