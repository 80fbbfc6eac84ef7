-- A second allocation of a table in the same hour, once the constraint is out of the way.
alter table allocations drop constraint allocations_no_overlap;
insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
select other.id, a.restaurant_id, 'table', a.resource_id, a."window"
from (select b.id from bookings b where b.status = 'confirmed' order by b.id limit 1) victim
join allocations a on a.booking_id = victim.id and a.resource_type = 'table'
join lateral (
  select b.id from bookings b
  where b.status = 'confirmed' and not exists (
    select from allocations x where x.booking_id = b.id and x.resource_id = a.resource_id)
  order by b.id offset 12 limit 1
) other on true
order by a.id limit 1;
