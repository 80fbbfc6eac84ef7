-- Takes a hold.
insert into app.table_holds (
  id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, created_by, metadata, status
)
values (:hold, :booking, :restaurant, :zone, :start, :end, :expires_at, :created_by, :metadata, 'active')
