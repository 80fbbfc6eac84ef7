-- When the next bookings of the pass are due ($1).
update app.holdfast_booking_scans l set pass_at = $1 where l.id
