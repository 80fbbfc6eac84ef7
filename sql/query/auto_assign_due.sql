-- A booking whose last automatic attempt came to something that may pass, is paused no longer, and was not tried in the
-- background too often yet: if it is unconfirmed still and has a hold that is live. The most urgent one.
select b.id as booking_id, h.id as hold_id
from app.table_holds h
join app.bookings b on b.id = h.booking_id
join app.holdfast_booking_statuses s
  on s.status = b.status and s.holds_tables and not s.is_confirm_target and not s.occupies_tables
cross join lateral (
  select t.outcome, t.ended_at
  from app.holdfast_attempts t
  where t.booking_id = b.id and t.trigger is not null
  order by t.ended_at desc, t.id desc
  limit 1
) last
where h.status = 'active' and h.expires_at > :now - limit.hold_grace
  and last.outcome = any (:retryable) and last.ended_at <= :paused_since
  and (
    select pg_catalog.count(*) from app.holdfast_attempts t where t.booking_id = b.id and t.trigger = 'background'
  ) < :retries
  and not exists (
    select from app.holdfast_quarantine a where a.task = 'retry_attempts' and a.id = b.id and a.until > :now
  )
order by h.expires_at
limit 1
