-- The booking with its window; takes no lock.
select b.restaurant_id, b.status::text, b.party_size, b.assigned_zone_id,
       w.start_at, w.end_at
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
--< booking_window
where b.id = :booking
