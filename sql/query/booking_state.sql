-- A booking's status, its assignments, and those of them whose table is claimed for the same window.
select b.status::text,
       array[
         pg_catalog.count(a.id),
         pg_catalog.count(a.id) filter (where al."window" = pg_catalog.tstzrange(a.start_at, a.end_at, '[)'))
       ]
from app.bookings b
left join app.booking_table_assignments a on a.booking_id = b.id
left join app.allocations al
  on al.booking_id = b.id and al.resource_type = 'table' and al.resource_id = a.table_id and not al.shadow
where b.id = $1
group by b.id, b.status
