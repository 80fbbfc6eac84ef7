-- Does whoever runs this see the booking? Run as the caller, under the caller's row security.
select exists (select from app.bookings b where b.id = :booking) as visible
