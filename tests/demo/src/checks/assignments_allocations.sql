-- Assignments on one side, allocations of tables on the other: each must find its twin with the same window.
with paired as (
  select a.id as assignment, l.id as allocation, coalesce(a.booking_id, l.booking_id) as booking_id
  from booking_table_assignments a
  full join (select * from allocations where resource_type = 'table' and not is_maintenance) l
    on l.id = a.allocation_id and l.booking_id = a.booking_id and l.resource_id = a.table_id
    and lower(l."window") = a.start_at and upper(l."window") = a.end_at
)
select count(assignment) + count(allocation) as examined,
  count(*) filter (where assignment is null or allocation is null) as violations,
  min(format('%s: %s', g.name, case when assignment is null then 'allocation without assignment'
    else 'assignment without its allocation' end)) filter (where assignment is null or allocation is null) as note
from paired p
join evening.guests g on g.booking_id = p.booking_id
