-- What the roles that may call the wrappers read of the view before this one.
-- Compiling this plan just in time takes many times longer than running it, and what it keeps must not go to disk: only a
-- function can say so.
create or replace function app.holdfast_reconciliation_read() returns setof app.holdfast_inconsistent_bookings
language sql stable security definer set search_path = pg_catalog, pg_temp set jit = off set work_mem = '64MB'
begin atomic
  select f.* from app.holdfast_inconsistent_bookings f;
end;

comment on function app.holdfast_reconciliation_read is
  'The rows of holdfast_reconciliation, with just-in-time compilation off; read the view. Raises nothing of its own. Locks nothing. May be repeated.';

create or replace view app.holdfast_reconciliation with (security_barrier = true) as
select f.* from app.holdfast_reconciliation_read() f;

comment on view app.holdfast_reconciliation is
  'Live bookings whose parts do not agree, one row a finding: booking_id (NULL for a table, or a hold of nobody), restaurant_id, booking_state, finding, severity, promise, related_table, related_id. holdfast.findings says what each means; reconcile_booking shows one booking in full, repair_booking mends it.';
