-- Keeps the window of one table for the booking: `allocations_add` without a list to be unfolded.
insert into app.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
values (:booking, :restaurant, 'table', :table, pg_catalog.tstzrange(:start, :end, '[)'), :actor)
returning id, resource_id
