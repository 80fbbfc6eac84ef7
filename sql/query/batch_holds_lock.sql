-- Second locks of many confirms: the holds that were named and the live holds of the bookings, by id.
with wanted as materialized (
  select n.id from pg_catalog.unnest(:holds::uuid[]) n (id)
  union
  select o.id
  from pg_catalog.unnest(:bookings::uuid[]) b (id)
  cross join lateral (
    select x.id from app.table_holds x where x.booking_id = b.id and x.status = 'active' offset 0
  ) o
)
select h.id
from (select w.id from wanted w order by w.id) w
cross join lateral (
  select x.id from app.table_holds x where x.id = w.id limit 1
  for no key update of x
) h
