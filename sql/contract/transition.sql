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

comment on function app.apply_booking_state_transition is
  'Moves a booking along a declared move (holdfast_status_transitions) and writes its history. p_history_from must be the current status (NULL: not checked); p_history_to must be p_status or NULL; p_checked_in_at and p_checked_out_at are set as given; p_updated_at and p_history_changed_at NULL mean now. A status whose needs_tables says so (holdfast_booking_statuses; confirmed and checked_in unless the owner decides otherwise) is reached only while the booking''s tables stand, nobody else has them, and they seat the party. Returns the new columns. Raises P0001 without tables, P0002, P0004 with who has a table in DETAIL, 22023, 23514 for a party that is too large, 40001, 40P01, 55P03, and what the application''s triggers raise. Locks the booking, its holds where the new status holds no tables, and the tables of its assignments: all of them where the status needs tables, else those whose time is now. Not to be repeated blindly: the second call finds another status.';

comment on function app.refresh_table_status is
  'Sets the status of a table to that of now: out_of_service under a running maintenance, which the next call after it takes back, while what a person put out of service stays; occupied when a party sits there, reserved under another live allocation, else available. Returns nothing. Raises P0002. Locks the table. May be repeated.';
