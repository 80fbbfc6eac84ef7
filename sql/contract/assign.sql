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

comment on function app.assign_tables_atomic_v2 is
  'Adds tables to a booking without touching its status. Arguments as confirm_hold_assignment_with_transition. Returns one row for each given table, ascending. Raises P0001, P0002, P0003, P0004, 22000, 22023, 23503, 23514 (see holdfast.outcomes), 40001, 40P01, 55P03. Locks the booking, its holds, its tables. Retry with the same key.';

comment on function app.assign_single_table is
  'Adds one table to a booking. p_assigned_by and p_idempotency_key may be NULL. Returns nothing. Errors, locks and retries as assign_tables_atomic_v2.';

comment on function app.assign_merged_tables is
  'Adds joined tables to a booking; they have to stand side by side unless p_require_adjacency is false. Returns nothing. Errors, locks and retries as assign_tables_atomic_v2.';

comment on function app.unassign_tables_atomic is
  'Takes the given tables (NULL: all) from a booking and leaves its status. Returns the ids that were taken, ascending. Raises P0002, 40001, 40P01, 55P03. Locks the booking and its tables. May be repeated: what is gone is not returned again.';
