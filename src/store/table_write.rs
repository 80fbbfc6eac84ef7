//! How a booking gets tables: allocations, groups, assignments, each written directly, or by the statement beside it.

use super::Store;
use super::booking::ReferencedRestaurant;
use super::columns::columns;
use super::parameter::{self, EnumLabel, Ids};
use super::probe::{NotDirect, Reader, probe};
use super::row::{Day, Row, TimeOfDay};
use super::statement::statement;
use super::writer::{RowWrite, written};
use crate::rules::Id;
use crate::rules::booking::table::Assignment;
use crate::rules::booking::window::{Instant, Window};
use crate::rules::refusal::failure::Failure;

columns!(AllocatedRow { id: Id, resource_id: Id });
statement!(
    "allocation_add",
    AllocationAdd {
        booking: Id,
        restaurant: Id,
        table: Id,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    } -> AllocatedRow
);
statement!(
    "allocations_add",
    AllocationsAdd {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    } -> AllocatedRow
);
written!(
    insert "allocations",
    NewAllocation {
        booking_id: Id,
        restaurant_id: Id,
        resource_type: EnumLabel<'static>,
        resource_id: Id,
        window: Window,
        created_by: Option<Id>,
    } -> AllocatedRow
);
statement!(
    "group_add",
    GroupAdd {
        booking: Id,
        restaurant: Id,
        merge_group: Id,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
    }
);
written!(
    insert "allocations",
    NewGroup {
        id: Id,
        booking_id: Id,
        restaurant_id: Id,
        resource_type: EnumLabel<'static>,
        resource_id: Id,
        window: Window,
        created_by: Option<Id>,
    }
);
columns!(AssignedRow { id: Id, table_id: Id });
statement!(
    "assignment_add",
    AssignmentAdd<'a> {
        booking: Id,
        restaurant: Id,
        table: Id,
        allocation: Id,
        merge_group: Option<Id>,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
    } -> AssignedRow
);
statement!(
    "assignments_add",
    AssignmentsAdd<'a> {
        booking: Id,
        restaurant: Id,
        tables: Ids,
        allocations: Ids,
        merge_group: Option<Id>,
        start: Instant,
        end: Instant,
        actor: Option<Id>,
        key: Option<&'a str>,
        now: Instant,
    } -> AssignedRow
);
written!(
    insert "booking_table_assignments",
    NewAssignment<'a> {
        booking_id: Id,
        table_id: Id,
        slot_id: Option<Id>,
        assigned_at: Instant,
        assigned_by: Option<Id>,
        idempotency_key: Option<&'a str>,
        start_at: Instant,
        end_at: Instant,
        merge_group_id: Option<Id>,
        allocation_id: Id,
    } -> AssignedRow
);
columns!(StartsRow { booking_date: Option<Day>, start_time: Option<TimeOfDay> });
probe!(one "bookings", StartsById { id: Id } -> StartsRow);
columns!(SlotRow { id: Id });
probe!(all "booking_slots", SlotAt { restaurant_id: Id, slot_date: Day, slot_time: TimeOfDay } -> SlotRow);

/// For what a row is written: the same in every row of a call.
#[derive(Clone, Copy)]
pub(super) struct WrittenFor<'a> {
    pub booking: Id,
    pub restaurant: Id,
    pub window: Window,
    pub actor: Option<Id>,
    pub key: Option<&'a str>,
    pub now: Instant,
}

impl Store {
    /// Keeps the window of each table for the booking; allocations with their tables.
    pub(super) fn allocations_add(&self, given: &WrittenFor, tables: &[Id]) -> Result<Vec<(Id, Id)>, Failure> {
        let WrittenFor { booking, restaurant, window, actor, .. } = *given;
        let row = |row: &Row<AllocatedRow>| (row.id(), row.resource_id());
        let rows = tables.iter().map(|table| NewAllocation {
            booking_id: booking,
            restaurant_id: restaurant,
            resource_type: EnumLabel("table"),
            resource_id: *table,
            window,
            created_by: actor,
        });
        let added = self.connection.write_directly(|reader| {
            reader.hold_for(NewAllocation::TARGET, ReferencedRestaurant { id: restaurant })?;
            reader.insert(rows, row)
        })?;
        if let Some(added) = added {
            return Ok(added);
        }
        let (start, end) = (window.start(), window.end());
        match *tables {
            [table] => self.run(AllocationAdd { booking, restaurant, table, start, end, actor }, row),
            _ => {
                let tables = parameter::ids(tables);
                self.run(AllocationsAdd { booking, restaurant, tables, start, end, actor }, row)
            }
        }
    }

    /// Keeps the window for the group of tables; how many rows.
    pub(super) fn group_add(&self, given: &WrittenFor, merge_group: Id) -> Result<i64, Failure> {
        let WrittenFor { booking, restaurant, window, actor, .. } = *given;
        let row = NewGroup {
            id: merge_group,
            booking_id: booking,
            restaurant_id: restaurant,
            resource_type: EnumLabel("merge_group"),
            resource_id: merge_group,
            window,
            created_by: actor,
        };
        let added = self.connection.write_directly(|reader| reader.insert_all([row]))?;
        if let Some(added) = added {
            return Ok(added);
        }
        let (start, end) = (window.start(), window.end());
        self.write(GroupAdd { booking, restaurant, merge_group, start, end, actor })
    }

    /// Gives the booking its tables, each by its allocation.
    pub(super) fn assignments_add(
        &self,
        given: &WrittenFor,
        allocated: &[(Id, Id)],
        merge_group: Option<Id>,
    ) -> Result<Vec<Assignment>, Failure> {
        let WrittenFor { booking, restaurant, window, actor, key, now } = *given;
        let (start, end) = (window.start(), window.end());
        let row = |row: &Row<AssignedRow>| Assignment {
            id: row.id(),
            table: row.table_id(),
            window: Some(window),
            merge_group,
        };
        let has_slots = self.attachment.has("slots");
        let added = self.connection.write_directly(|reader| {
            let slot_id = if has_slots { slot(reader, given)? } else { None };
            let rows = allocated.iter().map(|(allocation, table)| NewAssignment {
                booking_id: booking,
                table_id: *table,
                slot_id,
                assigned_at: now,
                assigned_by: actor,
                idempotency_key: key,
                start_at: start,
                end_at: end,
                merge_group_id: merge_group,
                allocation_id: *allocation,
            });
            reader.insert(rows, row)
        })?;
        match (added, allocated) {
            (Some(added), _) => Ok(added),
            (None, [(allocation, table)]) => {
                let (allocation, table) = (*allocation, *table);
                let parameters =
                    AssignmentAdd { booking, restaurant, table, allocation, merge_group, start, end, actor, key, now };
                self.run(parameters, row)
            }
            (None, allocated) => {
                let tables = parameter::ids(allocated.iter().map(|(_, table)| table));
                let allocations = parameter::ids(allocated.iter().map(|(id, _)| id));
                let parameters = AssignmentsAdd {
                    booking,
                    restaurant,
                    tables,
                    allocations,
                    merge_group,
                    start,
                    end,
                    actor,
                    key,
                    now,
                };
                self.run(parameters, row)
            }
        }
    }
}

/// The slot of the restaurant that the booking is for.
fn slot(reader: &Reader, given: &WrittenFor) -> Result<Option<Id>, NotDirect> {
    let starts = reader.rows(StartsById { id: given.booking }, |row| row.booking_date().zip(row.start_time()))?;
    let Some((slot_date, slot_time)) = starts.into_iter().next().flatten() else {
        reader.looks_at::<_, SlotAt>()?;
        return Ok(None);
    };
    let key = SlotAt { restaurant_id: given.restaurant, slot_date, slot_time };
    Ok(reader.rows(key, |row| row.id())?.into_iter().min())
}
