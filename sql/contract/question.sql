-- Questions: the deterministic key of a booking.
create or replace function app.auto_assign_idempotency_key(
  p_booking_id uuid, p_restaurant_id uuid, p_party_size integer, p_booking_date date, p_start_time time
) returns text
language c immutable parallel safe strict set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_auto_assign_idempotency_key_wrapper';

comment on function app.auto_assign_idempotency_key is
  'The deterministic key of a booking: booking-<id>-auto-assign- and 12 hex digits of the SHA-256 (FIPS 180-4) of id|restaurant|party|dateTtime, the time as HH:MM:SS. NULL when an argument is NULL. Raises nothing, locks nothing.';
