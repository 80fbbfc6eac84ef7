-- Keys that will not do what their booking expects: carried by several bookings, blank, or made for another party or
-- time than the booking has now. The last only before the booking is confirmed: later the key stands for what was.
select 'duplicate' as finding, b.id, b.auto_assign_idempotency_key as idempotency_key,
       pg_catalog.format('carried by %s bookings', d.bookings) as detail
from (
  select k.auto_assign_idempotency_key as idempotency_key, pg_catalog.count(*) as bookings
  from app.bookings k
  where k.auto_assign_idempotency_key is not null
  group by 1 having pg_catalog.count(*) > 1
) d
join app.bookings b on b.auto_assign_idempotency_key = d.idempotency_key
union all
select 'blank', b.id, b.auto_assign_idempotency_key, 'carried by a booking'
from app.bookings b
where b.auto_assign_idempotency_key !~ '\S'
union all
select 'blank', l.booking_id, l.idempotency_key, 'in the ledger'
from app.booking_assignment_idempotency l
where l.idempotency_key !~ '\S'
union all
select 'stale', b.id, b.auto_assign_idempotency_key, pg_catalog.format('the recipe now says %s', r.idempotency_key)
from app.bookings b
join app.holdfast_booking_statuses s on s.status = b.status and s.holds_tables and not s.is_confirm_target
     and not s.occupies_tables
cross join lateral (
  select app.auto_assign_idempotency_key(
    b.id, b.restaurant_id, b.party_size, b.booking_date, b.start_time
  ) as idempotency_key
) r
where b.auto_assign_idempotency_key like 'booking-%-auto-assign-%'
  and b.auto_assign_idempotency_key <> r.idempotency_key
order by 1, 3, 2
