-- Live holds (h) of unconfirmed bookings (b) whose last automatic attempt (last) came to something that may pass, and that were
-- not tried in the background too often yet.
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
  and last.outcome = any (:retryable)
  and (
    select pg_catalog.count(*) from app.holdfast_attempts t where t.booking_id = b.id and t.trigger = 'background'
  ) < :retries
