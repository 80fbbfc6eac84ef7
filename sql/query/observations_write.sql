-- Writes rows of the application's own events, in order, about one booking.
insert into app.observability_events (source, event_type, severity, context, restaurant_id, booking_id)
select e.source, e.event_type, e.severity, e.context, b.restaurant_id, b.id
from app.bookings b
cross join lateral rows from (
  pg_catalog.unnest(:sources::text[]), pg_catalog.unnest(:event_types::text[]), pg_catalog.unnest(:severities::text[]),
  pg_catalog.unnest(:contexts::jsonb[])
) with ordinality e (source, event_type, severity, context, place)
where b.id = :booking
order by e.place
