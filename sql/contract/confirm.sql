-- Confirm: the tables of a booking become exactly this set, or nothing changes.
create or replace function app.confirm_hold_assignment_with_transition(
  p_booking_id uuid, p_table_ids uuid[], p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_target_status app.booking_status default 'confirmed',
  p_history_changed_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}'
) returns table (table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_hold_assignment_with_transition_wrapper';

create or replace function app.confirm_hold_assignment_tx(
  p_hold_id uuid, p_booking_id uuid, p_idempotency_key text,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_window_start timestamptz default null, p_window_end timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status app.booking_status default null, p_history_reason text default 'auto_assign_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_hold_assignment_tx_wrapper';

create or replace function app.atomic_confirm_and_transition(
  p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_assigned_by uuid default null,
  p_history_reason text default 'auto_assign_atomic_confirm', p_history_metadata jsonb default '{}',
  p_history_changed_by uuid default null, p_target_status app.booking_status default 'confirmed'
) returns table (assignment_id uuid, table_id uuid, start_at timestamptz, end_at timestamptz, merge_group_id uuid)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_atomic_confirm_and_transition_wrapper';

comment on function app.confirm_hold_assignment_with_transition is
  'Sets the tables of a booking to exactly the given set, moves it to the target status with its history, and closes its holds: all or nothing. p_booking_id; p_table_ids one or more, no NULL, duplicates collapse; p_idempotency_key NULL for none, never blank; p_require_adjacency NULL is false; p_assigned_by NULL for an automatic call; p_start_at and p_end_at both or neither, overlapping the booking (NULL: its own window); p_target_status NULL leaves the status; history columns may be NULL. Returns one row a table, ascending. Raises P0001, P0002, P0003, P0004, 22000, 22023, 23503, 23514 (see holdfast.outcomes), 40001, 40P01, 55P03, and what the application''s triggers raise. Locks the booking, its holds, its tables. Retry with the same key: a committed answer comes back.';

comment on function app.confirm_hold_assignment_tx is
  'Confirms the tables of a hold for its window and closes it. p_hold_id; p_booking_id; p_window_start and p_window_end both or neither (NULL: the hold''s window); p_expected_policy_version and p_expected_adjacency_hash NULL expect nothing, else the hold must say the same; p_target_status NULL assigns and consumes the hold but leaves the status; the rest as confirm_hold_assignment_with_transition. Returns one row a table, ascending. Errors, locks and retries as there.';

comment on function app.atomic_confirm_and_transition is
  'Validates the hold (owner, restaurant, members, snapshot, adjacency, expiry by the clock after the last lock), derives window and tables from it, confirms, closes the hold. p_booking_id; p_hold_id; p_idempotency_key NULL for none, never blank; p_assigned_by NULL for an automatic call; history columns may be NULL; p_target_status NULL leaves the status. Returns one row a table, ascending. Errors, locks and retries as confirm_hold_assignment_with_transition.';
