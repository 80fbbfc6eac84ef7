-- Tables that are marked as out of service, and why: by a refresh, or by a maintenance that is running.
select t.id,
--[out_of_service
       coalesce((select true from app.holdfast_out_of_service o where o.table_id = t.id), false) as kept_out,
--|       false as kept_out,
--]
       coalesce((
         select true from app.allocations al
         where al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id
           and al."window" @> pg_catalog.clock_timestamp() and al.is_maintenance and not al.shadow
         limit 1
       ), false) as maintained
from pg_catalog.unnest(:tables::uuid[]) w (id)
cross join lateral (select x.* from app.table_inventory x where x.id = w.id offset 0) t
where t.status = 'out_of_service'
