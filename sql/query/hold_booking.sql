-- The booking of a hold, without a lock.
select h.booking_id from app.table_holds h where h.id = :hold
