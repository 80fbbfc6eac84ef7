-- The tables that a booking has at this moment.
select a.table_id
from app.booking_table_assignments a
where a.booking_id = $1 and a.start_at <= $2 and a.end_at > $2
order by a.table_id
