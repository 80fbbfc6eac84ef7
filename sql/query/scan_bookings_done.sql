-- When the next look at all live bookings is due.
update app.holdfast_booking_scans l set look_at = :next where l.id
