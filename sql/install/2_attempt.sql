-- Attempts with a limit in time, and what became of a key: the native forms, with the rights of the native functions.
create function holdfast.confirm_hold_within(
  p_schema regnamespace, p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_timeout_ms integer,
  p_assigned_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null, p_target_status text default 'confirmed'
)
returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_hold_within_wrapper';
comment on function holdfast.confirm_hold_within is
  'Confirms a hold within a limit in time and returns whatever came of it; the native form of atomic_confirm_and_transition_within, with its row. p_schema the attached schema; p_booking_id; p_hold_id; p_idempotency_key NULL for none, never blank; p_timeout_ms in milliseconds, 1 or more, cut down to a day, NULL is no limit; p_assigned_by NULL for an automatic call; the history columns may be NULL; p_target_status NULL leaves the status. When the limit passes, all is taken back, the hold is handed back, and the row says timeout_before_confirm: commit it. Raises what the application''s triggers raise, 57014, 55000, XX000. Locks the booking, its holds, its tables. Retry with the same key.';

create function holdfast.run_auto_assign(
  p_schema regnamespace, p_booking_id uuid, p_hold_id uuid, p_timeout_ms integer default 4000,
  p_trigger text default 'inline'
)
returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_run_auto_assign_wrapper';
comment on function holdfast.run_auto_assign is
  'The automatic attempt of a booking, under the booking''s own key; the native form of run_auto_assign, with its row: skipped_already_confirmed, skipped_in_progress, no_hold, or what confirm_hold_within answers. p_schema the attached schema; p_booking_id; p_hold_id NULL, closed or expired: the booking''s own live hold; p_timeout_ms as there; p_trigger inline or background, NULL is inline. Raises, locks and may be retried as there.';

create function holdfast.confirm_outcome(p_schema regnamespace, p_booking_id uuid, p_idempotency_key text)
returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_confirm_outcome_wrapper';
comment on function holdfast.confirm_outcome is
  'Did it happen? The native form of confirm_outcome, with its row: exactly one of committed, refused, timed_out, fenced, running, forgotten, never_seen. p_schema the attached schema; p_booking_id and p_idempotency_key not NULL, the key not blank. Raises P0002 for an unknown booking, 22023 and 23514 for a NULL or blank key, 55000. Locks nothing. May be repeated.';

create function holdfast.fence_attempt(
  p_schema regnamespace, p_booking_id uuid, p_idempotency_key text, p_wait_ms integer default 0,
  p_terminate boolean default false
)
returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_fence_attempt_wrapper';
comment on function holdfast.fence_attempt is
  'Gives a key up: its final answer, or a tombstone after which there is none; the native form of fence_attempt, with its row: committed, fenced, or running when whoever has the booking locked did not let go in time. p_schema the attached schema; p_booking_id and p_idempotency_key as confirm_outcome; p_wait_ms milliseconds, 0 or more, NULL is 0; p_terminate NULL is false, true ends the session of a running attempt. Raises P0002, 22023, 23514, 55000, 42501 when p_terminate is set and the caller lacks the role pg_signal_backend, 40001. Locks the booking. May be repeated.';

create function holdfast.undo_confirm(
  p_schema regnamespace, p_booking_id uuid, p_idempotency_key text, p_history_reason text default 'undo_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null
)
returns table (
  outcome text, table_ids uuid[], status text, receipt xid8, code text, sqlstate text, message text, detail text,
  hint text
)
language c volatile set search_path = pg_catalog, pg_temp
as 'MODULE_PATHNAME', 'native_undo_confirm_wrapper';
comment on function holdfast.undo_confirm is
  'Takes back what one key did, and nothing of an earlier success; the native form of undo_confirm, with its row: undone, nothing_to_undo, or a refusal. p_schema the attached schema; p_booking_id; p_idempotency_key not NULL, not blank; history columns may be NULL. Raises what the application''s triggers raise, 55000, 40001, 40P01, 55P03. Locks the booking and its tables. May be repeated.';
