-- What a booking is left with: its status, its tables, its open holds. Takes no lock.
select b.status::text,
       array(select a.table_id from app.booking_table_assignments a where a.booking_id = b.id order by a.table_id) as tables,
       array(select h.id from app.table_holds h where h.booking_id = b.id and h.status = 'active' order by h.id) as open_holds
from app.bookings b
where b.id = :booking
