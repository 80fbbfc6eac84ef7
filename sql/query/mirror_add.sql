-- The mirror of a hold among the allocations, which does not block.
insert into app.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", shadow, created_by)
values (:booking, :restaurant, 'hold', :hold, pg_catalog.tstzrange(:start, :end, '[)'), true, :created_by)
