-- A booking of a restaurant for a party, far from every other one, in a status that may be confirmed.
insert into app.bookings (
  restaurant_id, party_size, status, start_at, end_at, booking_date, start_time, end_time, updated_at
)
select :restaurant, :party_size, m.from_status, w.at, w.at + interval '2 hours', (w.at at time zone r.timezone)::date,
       (w.at at time zone r.timezone)::time, ((w.at + interval '2 hours') at time zone r.timezone)::time,
       pg_catalog.clock_timestamp()
from app.restaurants r
cross join lateral (
  select (pg_catalog.date_trunc('day', pg_catalog.clock_timestamp() at time zone r.timezone) + interval '360 days 12 hours')
         at time zone r.timezone as at
) w
cross join (
  select t.from_status from app.holdfast_status_transitions t
  join app.holdfast_booking_statuses s on s.status = t.to_status
  where s.is_confirm_target and t.from_status <> t.to_status
  order by t.from_status desc
  limit 1
) m
where r.id = :restaurant
returning id, start_at, end_at
