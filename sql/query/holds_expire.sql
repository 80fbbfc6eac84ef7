-- Closes holds that are locked and past their deadline ($1), takes their mirrors away ($2), and tells others at $3:
-- $4 event, $5 to $8 dedupe keys, restaurants, bookings (nil: none) and payloads.
with closed as (
  update app.table_holds h set status = 'expired'
  from pg_catalog.unnest($1::uuid[]) d (id) where h.id = d.id
  returning h.id
), unmirrored as (
  delete from app.allocations al
  using pg_catalog.unnest($2::uuid[]) d (id) where al.id = d.id
  returning al.id
)
--[outbox
, emitted as (
  insert into app.capacity_outbox (
    status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, payload
  )
  select 'pending', $4, e.dedupe_key, 0, $3, e.restaurant_id,
         nullif(e.booking_id, '00000000-0000-0000-0000-000000000000'), e.payload
  from rows from (
    pg_catalog.unnest($5::text[]), pg_catalog.unnest($6::uuid[]), pg_catalog.unnest($7::uuid[]),
    pg_catalog.unnest($8::jsonb[])
  ) e (dedupe_key, restaurant_id, booking_id, payload)
  on conflict do nothing
  returning event_type
)
--]
select array[
  (select pg_catalog.count(*) from closed), (select pg_catalog.count(*) from unmirrored)
--[outbox
  , (select pg_catalog.count(*) from emitted)
--|  , 0
--]
]::bigint[]
