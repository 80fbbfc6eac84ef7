-- Gives the booking one table by its allocation: `assignments_add` without lists to be unfolded.
insert into app.booking_table_assignments (
  booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at, merge_group_id, allocation_id
)
values (:booking, :table,
--[slots
--< booking_slot
--|       null,
--]
       :now, :actor, :key, :start, :end, :merge_group, :allocation)
returning id, table_id
