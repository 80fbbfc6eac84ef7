-- Is it time to look at all live bookings? Locked until it is done; nobody waits for another who is looking.
select true from app.holdfast_booking_scans l where l.id and l.look_at <= :now for update skip locked
