-- Gives the booking its tables, each by its allocation.
insert into app.booking_table_assignments (
  booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at, merge_group_id, allocation_id
)
select :booking, al.table_id,
--[slots
--< booking_slot
--|       null,
--]
       :now, :actor, :key, :start, :end, :merge_group, al.id
from rows from (pg_catalog.unnest(:tables::uuid[]), pg_catalog.unnest(:allocations::uuid[])) al (table_id, id)
returning id, table_id
