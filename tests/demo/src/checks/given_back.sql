-- Each table of a guest who cancelled or came too late, beside who sits there now in those hours: the next in line,
-- or somebody who was quicker. A set of tables that nobody got is blocked by a booking that is over.
with judged as (
  select e.heir_id, t.table_number, exists (
      select from allocations a
      join bookings b on b.id = a.booking_id and b.status = 'confirmed'
      where a.resource_id = e.table_id and lower(a."window") < w.end_at and w.start_at < upper(a."window")
    ) or exists (
      select from table_holds h
      join table_hold_members m on m.hold_id = h.id and m.table_id = e.table_id
      where h.status = 'active' and h.expires_at > clock_timestamp() and h.start_at < w.end_at and w.start_at < h.end_at
    ) as taken
  from evening.heirs e
  join bookings w on w.id = e.heir_id
  join table_inventory t on t.id = e.table_id
), blocked as (
  -- One taken table of a joined set is reason enough to be refused.
  select j.heir_id, min(j.table_number) as table_number from judged j group by j.heir_id having not bool_or(j.taken)
)
select (select count(*) from judged) as examined, (select count(*) from blocked) as violations,
  (select format('table %s was given back, %s did not get it, and nobody has it', b.table_number, g.name)
   from blocked b join evening.guests g on g.booking_id = b.heir_id
   order by b.table_number limit 1) as note
