-- Moves the booking's status, with the times that go with it.
update app.bookings b
set status = :to::app.booking_status, checked_in_at = :checked_in_at, checked_out_at = :checked_out_at, updated_at = :updated_at
where b.id = :booking
returning b.status, b.checked_in_at, b.checked_out_at, b.updated_at
