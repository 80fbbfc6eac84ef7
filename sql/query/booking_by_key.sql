-- The bookings that carry a key; the partial index finds them.
select b.id, b.restaurant_id, b.status,
       w.start_at, w.end_at
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
--< booking_window
where b.auto_assign_idempotency_key = :key and b.auto_assign_idempotency_key is not null
order by b.id
