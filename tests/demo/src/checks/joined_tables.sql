-- Bookings with several tables: one group, one zone, an allocation of the group, and each table beside another.
with sets as (
  select a.booking_id, count(*) as tables, count(distinct a.merge_group_id) as groups, count(a.merge_group_id) as marked,
    count(distinct t.zone_id) as zones,
    count(*) filter (where exists (
      select from table_adjacencies n
      join booking_table_assignments other on other.booking_id = a.booking_id and other.table_id <> a.table_id
      where (n.table_a, n.table_b) in ((a.table_id, other.table_id), (other.table_id, a.table_id))
    )) as beside_another,
    count(distinct l.id) as group_allocations
  from booking_table_assignments a
  join table_inventory t on t.id = a.table_id
  left join allocations l
    on l.resource_type = 'merge_group' and l.booking_id = a.booking_id and l.resource_id = a.merge_group_id
  group by a.booking_id
), judged as (
  select s.*, case when s.tables = 1 then s.marked = 0
    else s.groups = 1 and s.marked = s.tables and s.zones = 1 and s.beside_another = s.tables
      and s.group_allocations = 1 end as sound
  from sets s
)
select coalesce(sum(j.tables), 0)::bigint as examined, count(*) filter (where not j.sound) as violations,
  min(format('%s: %s tables, %s groups', g.name, j.tables, j.groups)) filter (where not j.sound) as note
from judged j
join evening.guests g on g.booking_id = j.booking_id
