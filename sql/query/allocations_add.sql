-- Keeps the window of each table for the booking.
insert into app.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
select :booking, :restaurant, 'table', t.id, pg_catalog.tstzrange(:start, :end, '[)'), :actor
from pg_catalog.unnest(:tables::uuid[]) t (id)
returning id, resource_id
