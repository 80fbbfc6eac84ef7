-- Every pair of assignments of one table, compared end by end.
with clash as (
  select one.table_id, one.start_at, one.booking_id as first, two.booking_id as second
  from booking_table_assignments one
  join booking_table_assignments two on two.table_id = one.table_id and two.id > one.id
  where one.start_at < two.end_at and two.start_at < one.end_at
)
select (select count(*) from booking_table_assignments) as examined, (select count(*) from clash) as violations,
  (select format('table %s: %s and %s', t.table_number, g.name, h.name)
   from clash c
   join table_inventory t on t.id = c.table_id
   join evening.guests g on g.booking_id = c.first
   join evening.guests h on h.booking_id = c.second
   order by c.start_at, t.table_number limit 1) as note
