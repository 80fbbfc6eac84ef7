-- How the last attempt under a key ended that wrote it down, and were keys of the booking forgotten. Takes no lock.
select b.id, a.outcome, a.ended_at, a.detail, a.transaction_id::text, f.until as forgotten
from app.bookings b
left join lateral (
  select t.outcome, t.ended_at, t.detail, t.transaction_id
  from app.holdfast_attempts t
  where t.booking_id = b.id and t.idempotency_key = :key
  order by t.ended_at desc, t.id desc limit 1
) a on true
left join app.holdfast_pruned f on f.booking_id = b.id
where b.id = :booking
