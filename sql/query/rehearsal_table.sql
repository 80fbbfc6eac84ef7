-- Any table that stands in a zone and is in use: its restaurant and its seats.
select i.id, i.restaurant_id, greatest(coalesce(i.min_party_size, 1), 1) as party_size
from app.table_inventory i
where i.active and i.zone_id is not null and i.status::text <> 'out_of_service' and i.capacity > 0
  and i.capacity >= coalesce(i.min_party_size, 1)
order by i.id
limit 1
