-- Writes how an attempt ended, and tells others of a timeout. Waits for nobody.
-- $1 booking, $2 key or null, $3 hold or null, $4 trigger or null, $5 started, $6 ended, $7 outcome, $8 phase,
-- $9 elapsed, $10 tries, $11 detail, $12 event or null, $13 its payload
with recorded as (
  insert into app.holdfast_attempts (
    booking_id, idempotency_key, hold_id, trigger, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid, detail
  )
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, pg_catalog.pg_backend_pid(), $11)
  returning id
)
--[outbox
, emitted as (
  insert into app.capacity_outbox (
    status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
  )
  select 'pending', $12, $1::text || ':' || r.id::text || ':attempt.timed_out', 0, $6, b.restaurant_id, $1, $2, $13
  from recorded r
  join app.bookings b on b.id = $1
  where $12 is not null
  returning booking_id
)
--]
select r.id
--[outbox
  , (select pg_catalog.count(*) from emitted)
--|  , 0
--]
from recorded r
