-- What belongs to the holds of a booking, their tables and mirrors that no booking was known for, and which of the asked tables
-- stand side by side: one row each, told apart by kind.
select 'member' as kind, m.hold_id as id, m.table_id, null::uuid as other
from pg_catalog.unnest(:own_holds::uuid[]) h (id)
cross join lateral (select x.hold_id, x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
union all
select 'mirror', al.id, null, null
from pg_catalog.unnest(:own_holds::uuid[]) h (id)
cross join lateral (
  select x.id from app.allocations x
  where x.booking_id is null and x.resource_type = 'hold' and x.resource_id = h.id
  offset 0
) al
--[adjacency
union all
select 'edge', null, e.table_a, e.table_b
from pg_catalog.unnest(:tables::uuid[]) t (id)
join app.table_adjacencies e on e.table_a = t.id
where :edges_wanted and e.table_b = any (:tables)
--]
