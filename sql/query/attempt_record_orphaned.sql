-- Writes down, once, an attempt whose session ended before it; on the booking too when it was automatic and nothing has
-- come to an end since, unless somebody has the booking locked.
-- $1 booking, $2 key, $3 hold or null, $4 trigger or null, $5 started, $6 ended, $7 outcome, $8 phase, $9 elapsed, $10 pid,
-- $11 detail, $12 the transaction that was rolled back or null, $13 the last result or null
with recorded as (
  insert into app.holdfast_attempts (
    booking_id, idempotency_key, hold_id, trigger, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid, detail,
    transaction_id
  )
  select $1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, coalesce($12::xid8, pg_catalog.pg_current_xact_id())
  where exists (select from app.bookings b where b.id = $1)
    and not exists (
      select from app.holdfast_attempts t
      where t.booking_id = $1 and t.idempotency_key = $2 and t.pid = $10 and t.started_at = $5 and t.ended_at = $6
    )
  returning id
), noted as (
  update app.bookings b set auto_assign_last_result = $13
  where $13 is not null
    and b.id in (select f.id from app.bookings f where f.id = $1 for no key update skip locked)
    and not exists (
      select from app.holdfast_attempts t where t.booking_id = $1 and t.trigger is not null and t.ended_at >= $6
    )
    and not exists (
      select from app.booking_assignment_idempotency l where l.booking_id = $1 and l.created_at >= $6
    )
  returning b.id
)
select (select pg_catalog.count(*) from recorded), (select pg_catalog.count(*) from noted)
