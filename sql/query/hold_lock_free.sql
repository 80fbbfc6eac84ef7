-- The lock of a hold ($1), if nobody has it, and the restaurant of a booking ($2): no row when somebody does.
select h.booking_id, h.restaurant_id, h.expires_at, h.status::text,
       (select b.restaurant_id from app.bookings b where b.id = $2)
from app.table_holds h
where h.id = $1
for no key update of h skip locked
