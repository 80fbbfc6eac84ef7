-- First locks of many confirms: their bookings, by id.
select b.id
from (select distinct w.id from pg_catalog.unnest(:bookings::uuid[]) w (id) order by w.id) w
cross join lateral (
  select x.id from app.bookings x where x.id = w.id limit 1
  for no key update of x
) b
