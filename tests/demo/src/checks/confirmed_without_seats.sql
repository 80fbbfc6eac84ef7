-- Every confirmed booking with the seats of its tables in its own window.
with seated as (
  select b.id, b.party_size, coalesce(sum(t.capacity), 0) as seats
  from bookings b
  left join booking_table_assignments a
    on a.booking_id = b.id and a.start_at <= b.start_at and a.end_at >= b.end_at
  left join table_inventory t on t.id = a.table_id
  where b.status = 'confirmed'
  group by b.id
)
select count(*) as examined, count(*) filter (where s.seats < s.party_size) as violations,
  min(format('%s: party of %s, %s seats', g.name, s.party_size, s.seats)) filter (where s.seats < s.party_size) as note
from seated s
join evening.guests g on g.booking_id = s.id
