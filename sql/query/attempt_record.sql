-- Writes how an attempt ended. Waits for nobody.
-- $1 booking, $2 key or null, $3 hold or null, $4 trigger or null, $5 started, $6 ended, $7 outcome, $8 phase,
-- $9 elapsed, $10 tries, $11 detail
with recorded as (
  insert into app.holdfast_attempts (
    booking_id, idempotency_key, hold_id, trigger, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid, detail
  )
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, pg_catalog.pg_backend_pid(), $11)
  returning id
)
select r.id::text, (select b.restaurant_id from app.bookings b where b.id = $1)
from recorded r
