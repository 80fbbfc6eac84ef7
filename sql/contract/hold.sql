-- Hold: tables are kept for a booking until a deadline, or handed back.
create or replace function app.hold_tables(
  p_booking_id uuid, p_table_ids uuid[], p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_ttl_seconds integer default 180, p_created_by uuid default null, p_metadata jsonb default '{}',
  p_idempotency_key text default null, p_wait_ms integer default null
) returns table (
  hold_id uuid, booking_id uuid, table_ids uuid[], start_at timestamptz, end_at timestamptz, expires_at timestamptz
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_hold_tables_under_key_wrapper';

create or replace function app.extend_hold(
  p_hold_id uuid, p_ttl_seconds integer default 180, p_booking_id uuid default null
) returns timestamptz
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_extend_hold_wrapper';

create or replace function app.release_hold_and_emit(p_hold_id uuid, p_actor_id uuid default null) returns boolean
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_release_hold_and_emit_wrapper';

comment on function app.hold_tables is
  'Holds tables for a booking until a deadline, or says who has them. p_booking_id NULL holds for nobody yet and needs a window; p_table_ids one or more, no NULL; p_start_at and p_end_at both or neither (NULL: the booking''s window); p_ttl_seconds 1 to the owner''s longest (holdfast_hold_policy, 604800), NULL is 180; p_created_by and p_metadata may be NULL; p_idempotency_key NULL for none, never blank; p_wait_ms the longest that the call may take, NULL for no limit. Returns the hold. Raises P0001 (who has the table, and until when, is in DETAIL, and as JSON at the end of HINT), P0002, P0003, P0004, 22000, 22023, 23503, 23514, 40001, 40P01, 55P03. Locks the booking, the caller''s own holds and the tables. May be repeated: the same request of the same booking (or of the same p_created_by, without a booking) gets its live hold again; another one on one of its tables takes that hold''s place.';

comment on function app.extend_hold is
  'Gives a live hold more time, never less. p_hold_id; p_ttl_seconds from now, 1 to the owner''s longest (holdfast_hold_policy, 604800), NULL is 180; p_booking_id whose hold it must be, NULL for any. Returns the deadline. Raises P0001, P0002, 22023, 40001, 40P01, 55P03. Locks the hold. May be repeated.';

comment on function app.release_hold_and_emit is
  'Hands a hold back and emits capacity.hold.released. p_hold_id; p_actor_id may be NULL. Returns whether there was a live hold; an unknown or closed one is left alone. Raises 40001, 40P01, 55P03. Locks the hold. May be repeated.';
