-- The bookings that carry a key ($1); the partial index finds them.
select b.id, b.restaurant_id, b.status,
       coalesce(b.start_at, (b.booking_date + b.start_time) at time zone r.timezone),
       coalesce(b.end_at, (b.booking_date + b.end_time) at time zone r.timezone)
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
where b.auto_assign_idempotency_key = $1 and b.auto_assign_idempotency_key is not null
order by b.id
