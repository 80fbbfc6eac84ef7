-- The bookings of the coming evening, in the restaurant's own time. $1 restaurant, then one array a column.
with opening as (
  select r.id as restaurant_id, r.timezone, here.today + case when here.now_time < time '17:00' then 0 else 1 end as evening
  from public.restaurants r
  cross join lateral (
    select (now() at time zone r.timezone)::date as today, (now() at time zone r.timezone)::time as now_time
  ) here
  where r.id = $1
), plan as (
  select p.*, o.restaurant_id, o.timezone, o.evening,
    time '17:00' + p.start_quarter * interval '15 minutes' as start_time,
    time '17:00' + (p.start_quarter + p.quarters) * interval '15 minutes' as end_time
  from unnest($2::uuid[], $3::text[], $4::integer[], $5::integer[], $6::integer[])
    with ordinality p (id, name, party_size, start_quarter, quarters, nth)
  cross join opening o
), booked as (
  insert into public.bookings (
    id, restaurant_id, booking_date, start_time, end_time, start_at, end_at, party_size, auto_assign_idempotency_key)
  select p.id, p.restaurant_id, p.evening, p.start_time, p.end_time,
    (p.evening + p.start_time) at time zone p.timezone, (p.evening + p.end_time) at time zone p.timezone, p.party_size,
    public.auto_assign_idempotency_key(p.id, p.restaurant_id, p.party_size, p.evening, p.start_time)
  from plan p
  returning id, booking_date, auto_assign_idempotency_key
), named as (
  insert into evening.guests (nth, booking_id, name, initials, start_quarter, quarters)
  select p.nth, p.id, p.name, (select string_agg(left(word, 1), '' order by at)
    from string_to_table(p.name, ' ') with ordinality w (word, at)), p.start_quarter, p.quarters
  from plan p
)
select b.booking_date, b.auto_assign_idempotency_key as key
from booked b join plan p using (id)
order by p.nth
