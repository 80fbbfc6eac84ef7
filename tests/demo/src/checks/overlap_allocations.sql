-- Every pair of allocations of one table, compared end by end. The exclusion constraint is not asked.
with held as (
  select a.id, a.booking_id, a.resource_id, lower(a."window") as starts, upper(a."window") as ends
  from allocations a
  where a.resource_type = 'table'
), clash as (
  select one.resource_id, greatest(one.starts, two.starts) as starts, one.booking_id as first, two.booking_id as second
  from held one
  join held two on two.resource_id = one.resource_id and two.id > one.id
  where one.starts < two.ends and two.starts < one.ends
)
select (select count(*) from held) as examined, (select count(*) from clash) as violations,
  (select format('table %s: %s and %s', t.table_number, g.name, h.name)
   from clash c
   join table_inventory t on t.id = c.resource_id
   join evening.guests g on g.booking_id = c.first
   join evening.guests h on h.booking_id = c.second
   order by c.starts, t.table_number limit 1) as note
