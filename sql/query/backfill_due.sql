-- Live bookings without an answer of ours whose parts do not agree, by id.
select distinct f.booking_id
from app.holdfast_inconsistent_bookings f
where f.booking_id > coalesce(:after, '00000000-0000-0000-0000-000000000000'::uuid) and f.booking_id is not null
  and not exists (
    select from app.booking_assignment_idempotency l
    where l.booking_id = f.booking_id and l.transaction_id is not null
  )
order by f.booking_id
limit :limit
