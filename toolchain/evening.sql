-- What `make psql` shows first: the demo's evening, a line a table, two letters of a guest's name a quarter of an hour.
\pset border 0
\pset footer off
\pset linestyle ascii
select r.name as restaurant, b.booking_date as evening, count(*) as bookings,
  count(*) filter (where b.status = 'confirmed') as confirmed, count(*) filter (where b.status = 'cancelled') as cancelled,
  (select count(*) from public.booking_assignment_idempotency) as answers, (select count(*) from public.capacity_outbox) as events
from public.bookings b join public.restaurants r on r.id = b.restaurant_id
where exists (select from evening.guests g where g.booking_id = b.id)
group by r.name, b.booking_date;

select z.name as zone, t.table_number as "table", t.capacity as seats,
  string_agg(coalesce(g.initials, ' .'), '' order by q.quarter) as "17:00   18:00   19:00   20:00   21:00   22:00   "
from public.table_inventory t
join public.zones z on z.id = t.zone_id
join public.restaurants r on r.id = t.restaurant_id
cross join generate_series(0, 23) as q (quarter)
cross join (select min(booking_date) as evening from public.bookings) b
left join lateral (
  select g.initials
  from public.booking_table_assignments a join evening.guests g on g.booking_id = a.booking_id
  where a.table_id = t.id and tstzrange(a.start_at, a.end_at)
    @> (b.evening + time '17:00' + q.quarter * interval '15 minutes') at time zone r.timezone
  limit 1
) g on true
group by z.name, t.table_number, t.capacity
order by z.name, t.capacity, t.table_number;
\pset border 1
\pset footer on
