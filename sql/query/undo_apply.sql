-- Takes tables back and moves the status back, with its history and the event that others wait for.
-- $1 booking, $2 restaurant, $3 assignments, $4 allocations, $5 assignments that leave their group, $6 status now,
-- $7 status before or null, $8 now, $9 changed by, $10 reason, $11 metadata, $12 event, $13 its payload, $14 key
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest($3::uuid[]) d (id) where a.id = d.id and a.booking_id = $1
  returning a.id
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest($4::uuid[]) d (id) where al.id = d.id and al.booking_id = $1
  returning al.id
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest($5::uuid[]) d (id) where a.id = d.id
  returning a.id
), moved as (
  update app.bookings b set status = $7::app.booking_status, updated_at = $8
  where b.id = $1 and $7 is not null
  returning b.id
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select $1, $6::app.booking_status, coalesce($7, $6)::app.booking_status, $9, $8, $10
--[history_metadata
         , $11
--]
  returning booking_id
)
--[outbox
, emitted as (
  insert into app.capacity_outbox (
    status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
  )
  select 'pending', $12, $1::text || ':' || pg_catalog.pg_current_xact_id()::text || ':assignment.undone', 0, $8, $2,
         $1, $14, $13
  returning booking_id
)
--]
select array[
  (select pg_catalog.count(*) from dropped), (select pg_catalog.count(*) from freed),
  (select pg_catalog.count(*) from dissolved), (select pg_catalog.count(*) from moved),
  (select pg_catalog.count(*) from recorded)
--[outbox
  , (select pg_catalog.count(*) from emitted)
--|  , 0
--]
]::bigint[]
