-- Takes a hold: its row, its members, and its mirror among the allocations, which does not block, where that is ours.
with held as (
  insert into app.table_holds (
    id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, created_by, metadata, status
  )
  values (:hold, :booking, :restaurant, :zone, :start, :end, :expires_at, :created_by, :metadata, 'active')
  returning id
), member as (
  insert into app.table_hold_members (hold_id, table_id)
  select held.id, t.id from held, pg_catalog.unnest(:tables::uuid[]) t (id)
  returning table_id
), mirrored as (
  insert into app.allocations (
    booking_id, restaurant_id, resource_type, resource_id, "window", shadow, created_by
  )
  select :booking, :restaurant, 'hold', held.id, pg_catalog.tstzrange(:start, :end, '[)'), true, :created_by
  from held where :mirrored
  returning id
)
select array[
  (select pg_catalog.count(*) from held), (select pg_catalog.count(*) from member),
  (select pg_catalog.count(*) from mirrored)
] as counts
