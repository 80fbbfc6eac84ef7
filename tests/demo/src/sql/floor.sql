-- What stands on the floor: every allocation of a table, and the tables of holds that are live by the clock.
with stays as (
  select a.resource_id as table_id, a.booking_id, false as held,
    exists (select from allocations m where m.booking_id = a.booking_id and m.resource_type = 'merge_group') as joined
  from allocations a
  where a.resource_type = 'table'
  union all
  select m.table_id, h.booking_id, true, false
  from table_holds h
  join table_hold_members m on m.hold_id = h.id
  where h.status = 'active' and h.expires_at > clock_timestamp()
)
select t.table_number, g.initials, g.start_quarter, g.quarters, b.party_size, s.held, s.joined
from stays s
join table_inventory t on t.id = s.table_id
join bookings b on b.id = s.booking_id
join evening.guests g on g.booking_id = s.booking_id
order by t.table_number, g.start_quarter
