-- Keys: the booking behind one.
create or replace function app.booking_by_idempotency_key(p_key text)
returns table (
  booking_id uuid, restaurant_id uuid, status app.booking_status, start_at timestamptz, end_at timestamptz
)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_booking_by_idempotency_key_wrapper';

comment on function app.booking_by_idempotency_key is
  'Finds the booking that carries a key (bookings.auto_assign_idempotency_key). p_key; NULL finds nothing. Returns a row for each: one, unless the key was given twice (see holdfast.idempotency_conflicts); the window is that of the booking in instants, or NULL. Raises nothing. Locks nothing. May be repeated.';
