-- Confirm within a limit in time: the answer is a row, whatever it is, and nothing is left behind.
create or replace function app.atomic_confirm_and_transition_within(
  p_booking_id uuid, p_hold_id uuid, p_idempotency_key text, p_timeout_ms integer,
  p_assigned_by uuid default null, p_history_reason text default 'auto_assign_atomic_confirm',
  p_history_metadata jsonb default '{}', p_history_changed_by uuid default null,
  p_target_status app.booking_status default 'confirmed'
) returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_atomic_confirm_and_transition_within_wrapper';

comment on function app.atomic_confirm_and_transition_within is
  'atomic_confirm_and_transition with a limit in time: lock waits, slow triggers and everything else up to the last write and its non-deferred triggers have to be done in it, or all of it is taken back, the hold is handed back and the row says timeout_before_confirm. Commit afterwards: the clean-up is part of the transaction, and a success is provisional until then. p_timeout_ms in milliseconds, 1 or more, cut down to a day, NULL is no limit; the other arguments as there. Returns one row: outcome of holdfast.outcomes, phase in which it ended (arguments, replay, booking_lock, hold_lock, table_lock, decide, apply, settle, done), elapsed_ms, attempts (tries inside the limit: a deadlock or a lock timeout is tried again at READ COMMITTED, holdfast.retry_limit times), assignments, code, sqlstate, message, detail and hint of a refusal, retry_after_ms when a new transaction may succeed (serialization_failure and the like; roll back first), replayed, hold_released (false: somebody else had it locked, and its own deadline ends it), receipt. Raises what the application''s triggers raise, 57014 for a cancel or a statement_timeout, 55000, XX000. Locks the booking, its holds, its tables. Retry with the same key.';
