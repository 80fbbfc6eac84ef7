-- The answer bound to a key, beside the booking and its assignments as they are now. Takes no lock.
select l.payload_checksum, l.request, l.refusal, l.table_ids,
       pg_catalog.lower(l.assignment_window), pg_catalog.upper(l.assignment_window),
       l.assignment_ids, l.hold_id, l.transaction_id::text,
       b.status::text,
       w.start_at,
       w.end_at,
       a.id, a.table_id, a.start_at, a.end_at, a.merge_group_id
from app.booking_assignment_idempotency l
join app.bookings b on b.id = l.booking_id
join app.restaurants r on r.id = b.restaurant_id
cross join lateral (
  select coalesce(b.start_at, d.start_at) as start_at,
         coalesce(b.end_at, case when d.end_at <= d.start_at and b.end_time > b.start_time
                                 then d.start_at + (b.end_time - b.start_time) else d.end_at end) as end_at
  -- An end before its start is on the next day, until noon. In an hour that the clocks skip, the length counts.
  from (
    select (b.booking_date + b.start_time) at time zone r.timezone as start_at,
           (b.booking_date + b.end_time
             + case when b.end_time < b.start_time and b.end_time <= '12:00' then interval '1 day' else interval '0' end)
             at time zone r.timezone as end_at
  ) d
) w
left join app.booking_table_assignments a on a.booking_id = l.booking_id
where l.booking_id = $1 and l.idempotency_key = $2
order by a.table_id
