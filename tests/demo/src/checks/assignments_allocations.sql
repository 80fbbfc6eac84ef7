-- Assignments on one side, allocations of tables on the other: each must find its twin with the same window. An
-- assignment of a cancelled booking may have lost its allocation to the next guest.
with assigned as (
  select a.*, b.status = 'cancelled' as over
  from booking_table_assignments a
  join bookings b on b.id = a.booking_id
), paired as (
  select a.id as assignment, l.id as allocation, coalesce(a.booking_id, l.booking_id) as booking_id,
    case
      when a.id is null then 'allocation without assignment'
      when l.id is null and not a.over then 'assignment without its allocation'
    end as fault
  from assigned a
  full join (select * from allocations where resource_type = 'table' and not is_maintenance) l
    on l.id = a.allocation_id and l.booking_id = a.booking_id and l.resource_id = a.table_id
    and lower(l."window") = a.start_at and upper(l."window") = a.end_at
)
select count(p.assignment) + count(p.allocation) as examined, count(p.fault) as violations,
  min(format('%s: %s', g.name, p.fault)) filter (where p.fault is not null) as note
from paired p
join evening.guests g on g.booking_id = p.booking_id
