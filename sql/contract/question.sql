-- Questions: the deterministic key of a booking, and what state it is in.
create or replace function app.auto_assign_idempotency_key(
  p_booking_id uuid, p_restaurant_id uuid, p_party_size integer, p_booking_date date, p_start_time time
) returns text
language c immutable parallel safe strict set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_auto_assign_idempotency_key_wrapper';

create or replace function app.reconcile_booking(p_booking_id uuid)
returns table (booking_state text, assignment_state text)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_reconcile_booking_wrapper';
