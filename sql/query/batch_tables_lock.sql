-- Third locks of many confirms: the asked tables, the held and those that the bookings have, by id.
with wanted as materialized (
  select t.id from pg_catalog.unnest(:tables::uuid[]) t (id)
  union
  select m.table_id
  from pg_catalog.unnest(:holds::uuid[]) h (id)
  cross join lateral (select x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
  union
  select a.table_id
  from pg_catalog.unnest(:bookings::uuid[]) b (id)
  cross join lateral (
    select x.table_id from app.booking_table_assignments x where x.booking_id = b.id offset 0
  ) a
)
select t.id
from (select w.id from wanted w order by w.id) w
cross join lateral (
  select x.id from app.table_inventory x where x.id = w.id limit 1
  for no key update of x
) t
