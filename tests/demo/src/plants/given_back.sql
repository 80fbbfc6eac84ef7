-- A table that was given back, refused to the next in line, and stands empty.
insert into evening.heirs (heir_id, table_id)
select b.id, t.id
from bookings b
join table_inventory t on not exists (
  select from allocations a
  where a.resource_id = t.id and lower(a."window") < b.end_at and b.start_at < upper(a."window")
) and not exists (
  select from table_holds h
  join table_hold_members m on m.hold_id = h.id and m.table_id = t.id
  where h.status = 'active' and h.start_at < b.end_at and b.start_at < h.end_at
)
where b.status = 'pending' and not exists (select from evening.heirs h where h.heir_id = b.id)
order by b.id, t.id limit 1;
