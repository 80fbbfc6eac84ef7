-- Writes down, once, an attempt whose session ended before it; on the booking too when it was automatic and nothing has
-- come to an end since, unless somebody has the booking locked.
-- `transaction` is the one that was rolled back, if that is known; `last_result` is null where the attempt was not automatic.
with recorded as (
  insert into app.holdfast_attempts (
    booking_id, idempotency_key, hold_id, trigger, started_at, ended_at, outcome, phase, elapsed_ms, tries, pid, detail,
    transaction_id
  )
  select :booking, :key, :hold, :trigger, :started, :ended, :outcome, :phase, :elapsed_ms, 1, :pid, :detail,
         coalesce(:transaction::xid8, pg_catalog.pg_current_xact_id())
  where exists (select from app.bookings b where b.id = :booking)
    and not exists (
      select from app.holdfast_attempts t
      where t.booking_id = :booking and t.idempotency_key = :key and t.pid = :pid
        and t.started_at = :started and t.ended_at = :ended
    )
  returning id
), noted as (
  update app.bookings b set auto_assign_last_result = :last_result
  where :last_result is not null
    and b.id in (select f.id from app.bookings f where f.id = :booking for no key update skip locked)
    and not exists (
      select from app.holdfast_attempts t where t.booking_id = :booking and t.trigger is not null and t.ended_at >= :ended
    )
    and not exists (
      select from app.booking_assignment_idempotency l where l.booking_id = :booking and l.created_at >= :ended
    )
  returning b.id
)
select (select pg_catalog.count(*) from recorded), (select pg_catalog.count(*) from noted)
