-- Third lock, where locks are taken: tables by id, the asked, the held and those the booking has. Each is fetched
-- by its own index probe, which keeps the plan and locks in order.
with wanted as materialized (
  select t.id, false as held from pg_catalog.unnest(:asked::uuid[]) t (id)
  union all
  select m.table_id, true from app.table_hold_members m where m.hold_id = :hold
  union all
  select a.table_id, false from app.booking_table_assignments a where a.booking_id = :booking
)
select t.id, t.restaurant_id, t.zone_id, t.table_number, t.capacity, t.min_party_size, t.max_party_size,
       t.active, t.status = 'out_of_service' as out_of_service, t.mobility::text, w.held
from (select id, pg_catalog.bool_or(held) as held from wanted group by id order by id) w
cross join lateral (
  select ti.* from app.table_inventory ti where ti.id = w.id limit 1
--[lock
  for no key update of ti
--]
) t
