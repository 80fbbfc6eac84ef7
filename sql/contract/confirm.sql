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
