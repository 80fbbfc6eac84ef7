-- Writes how an attempt ended. Waits for nobody.
with recorded as (
  insert into app.holdfast_attempts (
    booking_id, idempotency_key, hold_id, trigger, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid, detail
  )
  values (:booking, :key, :hold, :trigger, :started, :ended, :outcome, :phase, :elapsed_ms, :tries,
          pg_catalog.pg_backend_pid(), :detail)
  returning id
)
select r.id::text, (select b.restaurant_id from app.bookings b where b.id = :booking) as restaurant_id
from recorded r
