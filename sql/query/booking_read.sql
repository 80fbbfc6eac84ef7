-- The booking with its window, and whether a key is bound to an answer; takes no lock.
select b.restaurant_id, b.status::text, b.party_size, b.assigned_zone_id,
       w.start_at, w.end_at,
       coalesce((
         select true from app.booking_assignment_idempotency l where l.booking_id = b.id and l.idempotency_key = :key
       ), false) as is_bound
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
--< booking_window
where b.id = :booking
