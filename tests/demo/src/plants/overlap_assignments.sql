-- A table promised to a second guest in the same hour.
insert into booking_table_assignments (booking_id, table_id, start_at, end_at)
select other.id, a.table_id, a.start_at, a.end_at
from (select b.id from bookings b where b.status = 'confirmed' order by b.id offset 1 limit 1) victim
join booking_table_assignments a on a.booking_id = victim.id
join lateral (
  select b.id from bookings b
  where b.status = 'confirmed' and not exists (
    select from booking_table_assignments x where x.booking_id = b.id and x.table_id = a.table_id)
  order by b.id offset 16 limit 1
) other on true
order by a.id limit 1;
