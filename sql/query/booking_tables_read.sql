-- The tables that a booking has at this moment.
select a.table_id
from app.booking_table_assignments a
where a.booking_id = :booking and a.start_at <= :now and a.end_at > :now
order by a.table_id
