-- A restaurant with a table, for a schema that has none.
with restaurant as (
  insert into app.restaurants (timezone) values ('UTC') returning id
), zone as (
  insert into app.zones (restaurant_id) select r.id from restaurant r returning id, restaurant_id
)
insert into app.table_inventory (restaurant_id, zone_id, table_number, capacity, min_party_size, max_party_size, active)
select z.restaurant_id, z.id, 'rehearsal', 2, 1, 2, true from zone z
returning id, restaurant_id, 1 as party_size
