-- A table that may be joined with $1 and is free from $2 to $3; none where either stands fixed.
select i.id
from app.table_inventory f
join app.table_inventory i on i.restaurant_id = f.restaurant_id and i.zone_id = f.zone_id and i.id <> f.id
where f.id = $1 and i.active and i.status::text <> 'out_of_service'
  and 'movable' = all (array[f.mobility::text, i.mobility::text])
  and not exists (
    select from app.allocations al
    where al.resource_id = i.id and not pg_catalog.isempty(al."window")
      and pg_catalog.lower(al."window") < $3 and pg_catalog.upper(al."window") > $2
  )
  and not exists (
    select from app.booking_table_assignments a where a.table_id = i.id and a.start_at < $3 and a.end_at > $2
  )
  and not exists (
    select from app.table_hold_members m join app.table_holds h on h.id = m.hold_id
    where m.table_id = i.id and h.start_at < $3 and h.end_at > $2
  )
order by i.capacity, i.id
limit 1
