-- When the next look at all live bookings is due ($1).
update app.holdfast_booking_scans l set look_at = $1 where l.id
