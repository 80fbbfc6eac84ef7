-- A table's status is a view of now: maintenance, then a party that sits there, then any other live allocation.
-- It never leaves out_of_service that a person set, nor occupied for reserved; another day changes nothing. What it set
-- itself it takes back.
with seen as (
  select t.id, t.status,
--[out_of_service
         exists (select from app.holdfast_out_of_service o where o.table_id = t.id) as ours,
--|         false as ours,
--]
         coalesce(pg_catalog.bool_or(al.is_maintenance), false) as maintenance,
         coalesce(pg_catalog.bool_or(s.occupies_tables), false) as occupied,
         coalesce(pg_catalog.bool_or(al.id is not null and s.releases_tables is distinct from true), false) as reserved
  from pg_catalog.unnest(:tables::uuid[]) w (id)
  join app.table_inventory t on t.id = w.id
  left join app.allocations al
    on al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id
    and al."window" && pg_catalog.tstzrange(:now, :now, '[]') and not al.shadow
  left join app.bookings b on b.id = al.booking_id
  left join app.holdfast_booking_statuses s on s.status = b.status
  group by t.id, t.status
)
--[out_of_service
, forgotten as (
  delete from app.holdfast_out_of_service o
  using seen where o.table_id = seen.id and not seen.maintenance
), marked as (
  insert into app.holdfast_out_of_service (table_id)
  select seen.id from seen where seen.maintenance and seen.status <> 'out_of_service' and not seen.ours
  on conflict do nothing
)
--]
update app.table_inventory t
set status = v.status
from (
  select seen.id,
         case
           when seen.maintenance then 'out_of_service'
           when seen.occupied then 'occupied'
           when seen.reserved then 'reserved'
           else 'available'
         end::app.table_status as status
  from seen
  where seen.status <> 'out_of_service' or seen.ours
) v
where t.id = v.id and t.status <> v.status and not (t.status = 'occupied' and v.status = 'reserved')
returning t.id
