-- Closes a hold that is locked: its status, its mirror, and the event that others wait for.
-- $1 hold, $2 new status, $3 booking or null, $4 restaurant, $5 now, $6 event, $7 dedupe key, $8 payload
with closed as (
  update app.table_holds h set status = $2::app.hold_status where h.id = $1
  returning h.id
), unmirrored as (
  delete from app.allocations al
  where al.resource_type = 'hold' and al.resource_id = $1 and al.booking_id = $3
  returning al.id
), unmirrored_anonymous as (
  delete from app.allocations al
  where al.resource_type = 'hold' and al.resource_id = $1 and al.booking_id is null
  returning al.id
)
--[outbox
, emitted as (
  insert into app.capacity_outbox (
    status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, payload
  )
  select 'pending', $6, $7, 0, $5, $4, $3, $8
  returning booking_id
)
--]
select array[
  (select pg_catalog.count(*) from closed)
--[outbox
  , (select pg_catalog.count(*) from emitted)
--|  , 0
--]
]::bigint[]
