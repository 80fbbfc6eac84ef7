-- The booking of a hold ($1), without a lock.
select h.booking_id from app.table_holds h where h.id = $1
