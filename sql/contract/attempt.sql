-- What became of a key, and giving it up.
create or replace function app.confirm_outcome(p_booking_id uuid, p_idempotency_key text)
returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_confirm_outcome_wrapper';

create or replace function app.fence_attempt(
  p_booking_id uuid, p_idempotency_key text, p_wait_ms integer default 0, p_terminate boolean default false
) returns table (
  outcome text, receipt xid8, decided_at timestamptz, undone_at timestamptz, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, pid integer, gid text
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_fence_attempt_wrapper';

comment on function app.confirm_outcome is
  'Did it happen? p_booking_id and p_idempotency_key, not NULL, the key not blank. Returns one row with exactly one outcome: committed (receipt, assignments as they were given; undone_at when undo_confirm took them back later, NULL otherwise), refused (also an attempt that was cut off with its session: failed; also a call that raised and was rolled back, while the server remembers it: HINT says so, and the key is free), timed_out, fenced (code, sqlstate, message, detail and hint say why), running (pid of the session, gid of a prepared transaction), forgotten (keys of this booking were pruned), never_seen (nothing with this key has committed, nothing is running, no refusal is remembered). It never guesses: what may still change is running; so is, on a standby, whatever has not arrived there. Attempts of the caller''s own transaction are answered as if it had committed. The receipt is the transaction: pg_xact_status says on the primary how it ended, pg_visible_in_snapshot(receipt, pg_current_snapshot()) on a standby whether it has arrived. Raises P0002 for an unknown booking, 22023 and 23514 for a NULL or blank key. Locks nothing. May be repeated.';

comment on function app.fence_attempt is
  'Makes the answer final: returns committed or fenced if it is, else plants a tombstone after which no attempt with the key ever confirms, wherever it is now; that holds once this transaction has committed, and as long as the booking exists. p_booking_id and p_idempotency_key as confirm_outcome; p_wait_ms milliseconds to wait for whoever has the booking locked, 0 or more, NULL is 0; p_terminate NULL is false, true ends the session of a running attempt. Returns the row of confirm_outcome; running (pid, or gid of a prepared transaction) when the lock was not granted in time. Raises P0002, 22023, 23514, 42501 when p_terminate is set and the caller lacks the role pg_signal_backend, 40001. Locks the booking. May be repeated.';
