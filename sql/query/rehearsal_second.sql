-- A table that may be joined with another and is free in a window; none where either stands fixed.
select i.id
from app.table_inventory f
join app.table_inventory i on i.restaurant_id = f.restaurant_id and i.zone_id = f.zone_id and i.id <> f.id
where f.id = :table and i.active and i.status::text <> 'out_of_service'
  and 'movable' = all (array[f.mobility::text, i.mobility::text])
  and not exists (
    select from app.allocations al
    where al.resource_id = i.id and not pg_catalog.isempty(al."window")
      and pg_catalog.lower(al."window") < :end and pg_catalog.upper(al."window") > :start
  )
  and not exists (
    select from app.booking_table_assignments a where a.table_id = i.id and a.start_at < :end and a.end_at > :start
  )
  and not exists (
    select from app.table_hold_members m join app.table_holds h on h.id = m.hold_id
    where m.table_id = i.id and h.start_at < :end and h.end_at > :start
  )
order by i.capacity, i.id
limit 1
