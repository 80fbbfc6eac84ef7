-- Moves the booking to another status.
update app.bookings b set status = :status::app.booking_status, updated_at = :now
where b.id = :booking
