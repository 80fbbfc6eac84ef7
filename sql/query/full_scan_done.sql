-- When the next bookings of the pass are due.
update app.holdfast_booking_scans l set pass_at = :next where l.id
