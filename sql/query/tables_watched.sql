-- The tables of all schemas in which a change may be something for the worker; 0 for a partitioned one, whose changes are
-- counted elsewhere.
select c.relnamespace as schema, case c.relkind when 'r' then c.oid else 0 end as relation
from pg_catalog.pg_class c
where c.relkind in ('r', 'p') and c.relname = any ('{
  bookings, table_holds, allocations, booking_table_assignments, booking_assignment_idempotency, capacity_outbox,
  booking_state_history, table_hold_members, table_inventory, restaurants, holdfast_attempts, holdfast_quarantine
}')
