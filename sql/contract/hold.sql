-- Hold: tables are kept for a booking until a deadline, or handed back.
create or replace function app.hold_tables(
  p_booking_id uuid, p_table_ids uuid[], p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_ttl_seconds integer default 180, p_created_by uuid default null, p_metadata jsonb default '{}'
) returns table (
  hold_id uuid, booking_id uuid, table_ids uuid[], start_at timestamptz, end_at timestamptz, expires_at timestamptz
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_hold_tables_wrapper';

create or replace function app.release_hold_and_emit(p_hold_id uuid, p_actor_id uuid default null) returns boolean
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_release_hold_and_emit_wrapper';
