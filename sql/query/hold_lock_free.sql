-- The lock of a hold, if nobody has it, and the restaurant of a booking: no row when somebody does.
select h.booking_id, h.restaurant_id, h.expires_at, h.status::text,
       (select b.restaurant_id from app.bookings b where b.id = :booking) as of_booking
from app.table_holds h
where h.id = :hold
for no key update of h skip locked
