-- Makes several tables one group.
insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
values (
  :merge_group, :booking, :restaurant, 'merge_group', :merge_group, pg_catalog.tstzrange(:start, :end, '[)'), :actor
)
