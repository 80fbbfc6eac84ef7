-- The booking as booking_lock reads it, without a lock.
select b.restaurant_id, b.status::text, b.party_size, b.assigned_zone_id,
       coalesce(b.start_at, (b.booking_date + b.start_time) at time zone r.timezone),
       coalesce(b.end_at, (b.booking_date + b.end_time) at time zone r.timezone)
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
where b.id = $1
