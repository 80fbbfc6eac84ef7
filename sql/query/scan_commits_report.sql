-- Tells the application's own events of a booking ($1) that did not agree after its commit: $2 severity, $3 context.
insert into app.observability_events (source, event_type, severity, context, restaurant_id, booking_id)
select 'capacity.atomic_confirm', 'transaction.reconciled_mismatch', $2, $3, b.restaurant_id, b.id
from app.bookings b where b.id = $1
