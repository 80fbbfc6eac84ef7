-- Everything that keeps a table for a booking, beside that booking's status and ledger. What a cancelled booking
-- still names keeps nobody away (the next question looks at that), but it must have been confirmed before.
with kept as (
  select a.booking_id, 'assignment' as what from booking_table_assignments a
  union all
  select a.booking_id, 'allocation' from allocations a where not a.shadow and a.booking_id is not null
), judged as (
  select k.booking_id, k.what, b.status,
    b.status in ('confirmed', 'cancelled') and exists (
      select from booking_assignment_idempotency l where l.booking_id = b.id and l.outcome = 'confirmed'
    ) as entitled
  from kept k
  join bookings b on b.id = k.booking_id
)
select count(*) as examined, count(*) filter (where not j.entitled) as violations,
  coalesce(
    min(format('%s is %s and keeps an %s', g.name, j.status, j.what)) filter (where not j.entitled),
    format('%s cancelled bookings still name the tables that they had',
      nullif(count(distinct j.booking_id) filter (where j.status = 'cancelled'), 0))
  ) as note
from judged j
join evening.guests g on g.booking_id = j.booking_id
