-- A second allocation of a table in the same hour, once the constraint is out of the way.
alter table allocations drop constraint allocations_no_overlap;
insert into allocations (booking_id, restaurant_id, resource_type, resource_id, "window")
select other.booking_id, a.restaurant_id, 'table', a.resource_id, a."window"
from allocations a
join lateral (
  select o.booking_id from allocations o
  where o.resource_type = 'table' and o.resource_id <> a.resource_id and o.booking_id <> a.booking_id
    and not exists (select from allocations x where x.booking_id = o.booking_id and x.resource_id = a.resource_id)
  order by o.booking_id limit 1
) other on true
where a.resource_type = 'table'
order by a.id limit 1;
