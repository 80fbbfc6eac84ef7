-- A table promised to a second guest in the same hour.
insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
select other.booking_id, a.table_id, a.start_at, a.end_at
from booking_table_assignments a
join lateral (
  select o.booking_id from booking_table_assignments o
  where o.booking_id <> a.booking_id and not exists (
    select from booking_table_assignments x where x.booking_id = o.booking_id and x.table_id = a.table_id)
  order by o.booking_id offset 1 limit 1
) other on true
order by a.id offset 1 limit 1;
