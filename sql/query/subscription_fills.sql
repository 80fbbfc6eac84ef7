-- Does a subscription fill tables of this schema? What is written here as well would stop it.
select true
from pg_catalog.pg_subscription_rel r
where r.srrelid in (
  select c.oid from pg_catalog.pg_class c
  where c.relnamespace = :schema and c.relname = any ('{
    bookings, table_holds, table_hold_members, allocations, booking_table_assignments, booking_assignment_idempotency,
    booking_state_history, capacity_outbox, table_inventory, restaurants, holdfast_attempts
  }')
)
limit 1
