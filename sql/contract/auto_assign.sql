-- The automatic attempt: inline by the request that made the booking, in the background by the worker that comes later.
create or replace function app.run_auto_assign(
  p_booking_id uuid, p_hold_id uuid, p_timeout_ms integer default 4000, p_trigger text default 'inline'
) returns table (
  outcome text, phase text, elapsed_ms integer, attempts integer, assignments jsonb, code text, sqlstate text,
  message text, detail text, hint text, retry_after_ms integer, replayed boolean, idempotency_key text,
  hold_released boolean, receipt xid8
)
language c volatile security definer set search_path = pg_catalog, pg_temp
as '$libdir/holdfast', 'contract_run_auto_assign_wrapper';

comment on function app.run_auto_assign is
  'Confirms a booking by its hold under bookings.auto_assign_idempotency_key, within a limit in time. Looks first: skipped_already_confirmed when it is confirmed with tables, skipped_in_progress when another attempt for it is at work; both touch nothing. p_booking_id; p_hold_id NULL, closed or expired: the booking''s own live hold, else no_hold; p_timeout_ms as atomic_confirm_and_transition_within; p_trigger inline or background, NULL is inline. The key is written by the recipe of auto_assign_idempotency_key when there is none and the booking is not confirmed, and again when party or time changed since; a key of another form is left alone. Keeps bookings.auto_assign_last_result {success, reason, durationMs, attemptId, trigger}, unless somebody has the booking locked. Returns the row of atomic_confirm_and_transition_within. Raises, locks and may be retried as there.';
