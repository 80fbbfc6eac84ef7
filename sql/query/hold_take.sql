-- Takes a hold: its row, its members, and its mirror among the allocations, which does not block, where that is ours ($11).
-- $1 hold, $2 booking, $3 restaurant, $4 zone, $5 tables, $6 and $7 window, $8 deadline, $9 taker, $10 metadata
with held as (
  insert into app.table_holds (
    id, booking_id, restaurant_id, zone_id, start_at, end_at, expires_at, created_by, metadata, status
  )
  values ($1, $2, $3, $4, $6, $7, $8, $9, $10, 'active')
  returning id
), member as (
  insert into app.table_hold_members (hold_id, table_id)
  select held.id, t.id from held, pg_catalog.unnest($5::uuid[]) t (id)
  returning table_id
), mirrored as (
  insert into app.allocations (
    booking_id, restaurant_id, resource_type, resource_id, "window", shadow, created_by
  )
  select $2, $3, 'hold', held.id, pg_catalog.tstzrange($6, $7, '[)'), true, $9 from held where $11
  returning id
)
select array[
  (select pg_catalog.count(*) from held), (select pg_catalog.count(*) from member),
  (select pg_catalog.count(*) from mirrored)
]
