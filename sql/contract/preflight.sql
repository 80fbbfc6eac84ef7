-- Preflight: would this confirm succeed now, and if not, why and because of whom.
create or replace function app.explain_confirm(
  p_booking_id uuid, p_hold_id uuid default null, p_table_ids uuid[] default null, p_idempotency_key text default null,
  p_require_adjacency boolean default false, p_assigned_by uuid default null,
  p_start_at timestamptz default null, p_end_at timestamptz default null,
  p_expected_policy_version text default null, p_expected_adjacency_hash text default null,
  p_target_status app.booking_status default 'confirmed', p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
) returns table (
  check_name text, passed boolean, outcome text, message text, detail text, blocking_table_id uuid,
  blocking_booking_id uuid, blocking_hold_id uuid, blocking_start_at timestamptz, blocking_end_at timestamptz
)
language c stable security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_explain_confirm_wrapper';

comment on function app.explain_confirm is
  'Says what a confirm with these arguments would find now: by hold where p_hold_id is given, else by p_table_ids. Arguments as confirm_hold_assignment_tx and confirm_hold_assignment_with_transition. Returns one row a check that is passed, and one row for each objection where it is not: outcome, message and detail as the confirm would give them, and who blocks (table, booking, hold, window; all NULL for maintenance or where nobody does). A key that was answered decides alone; what cannot be looked at (the tables of a hold that is not there) has no row. A row rollout comes first where a legacy function answers the call, or nobody does. Nothing is counted. Raises nothing but 55000. Locks nothing, writes nothing. May be repeated: what it says is true of the moment.';
