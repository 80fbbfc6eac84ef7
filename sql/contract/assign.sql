-- Assign: tables are added to a booking (or taken away) without touching its status.
create or replace function app.assign_tables_atomic_v2(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text default null,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_tables_atomic_v2_wrapper';

create or replace function app.assign_single_table(
  p_booking_id uuid, p_table_id uuid, p_assigned_by uuid default null, p_idempotency_key text default null
) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_single_table_wrapper';

create or replace function app.assign_merged_tables(
  p_booking_id uuid, p_table_ids uuid[], p_require_adjacency boolean default true,
  p_assigned_by uuid default null, p_idempotency_key text default null
) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_assign_merged_tables_wrapper';

create or replace function app.unassign_tables_atomic(p_booking_id uuid, p_table_ids uuid[] default null)
returns table (table_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_unassign_tables_atomic_wrapper';
