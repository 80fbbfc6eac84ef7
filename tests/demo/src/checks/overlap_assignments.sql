-- Every pair of assignments of one table, compared end by end; a guest who cancelled is promised nothing any more.
with promised as (
  select a.id, a.booking_id, a.table_id, a.start_at, a.end_at
  from booking_table_assignments a
  join bookings b on b.id = a.booking_id and b.status <> 'cancelled'
), clash as (
  select one.table_id, one.start_at, one.booking_id as first, two.booking_id as second
  from promised one
  join promised two on two.table_id = one.table_id and two.id > one.id
  where one.start_at < two.end_at and two.start_at < one.end_at
)
select (select count(*) from promised) as examined, (select count(*) from clash) as violations,
  (select format('table %s: %s and %s', t.table_number, g.name, h.name)
   from clash c
   join table_inventory t on t.id = c.table_id
   join evening.guests g on g.booking_id = c.first
   join evening.guests h on h.booking_id = c.second
   order by c.start_at, t.table_number limit 1) as note
