-- Transition: a booking's status moves along the declared moves, with its history.
create or replace function app.apply_booking_state_transition(
  p_booking_id uuid, p_status app.booking_status, p_checked_in_at timestamptz, p_checked_out_at timestamptz,
  p_updated_at timestamptz, p_history_from app.booking_status, p_history_to app.booking_status,
  p_history_changed_by uuid, p_history_changed_at timestamptz, p_history_reason text,
  p_history_metadata jsonb default '{}'
) returns table (
  status app.booking_status, checked_in_at timestamptz, checked_out_at timestamptz, updated_at timestamptz
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_apply_booking_state_transition_wrapper';

create or replace function app.refresh_table_status(p_table_id uuid) returns void
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_refresh_table_status_wrapper';
