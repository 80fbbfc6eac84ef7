-- Tells the application's own events of a booking that did not agree after its commit.
insert into app.observability_events (source, event_type, severity, context, restaurant_id, booking_id)
select 'capacity.atomic_confirm', 'transaction.reconciled_mismatch', :severity, :context, b.restaurant_id, b.id
from app.bookings b where b.id = :booking
