-- Takes tables back, gives back those that they replaced, and moves the status back, with its history. Old rows are gone
-- before earlier ones come back, and those stand before the status moves.
-- $1 booking, $2 restaurant, $3 assignments, $4 allocations, $5 assignments that leave their group, $6 status now,
-- $7 status before or null, $8 now, $9 changed by, $10 reason, $11 metadata, $12 key,
-- $13 does what the key replaced come back
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest($3::uuid[]) d (id) where a.id = d.id
  returning a.id
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest($4::uuid[]) d (id) where al.id = d.id
  returning al.id
), cleared as materialized (
  select (select pg_catalog.count(*) from dropped) as dropped, (select pg_catalog.count(*) from freed) as freed
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest($5::uuid[]) d (id) where a.id = d.id
  returning a.id
--[basis
), basis as (
  select l.basis from app.booking_assignment_idempotency l, cleared
  where l.booking_id = $1 and l.idempotency_key = $12 and $13
), allocated as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select c.id, $1, $2, 'table', c.resource_id, pg_catalog.tstzrange(c.start_at, c.end_at, '[)'), c.created_by
  from basis b, pg_catalog.jsonb_to_recordset(b.basis -> 'freed') c (
    id uuid, resource_type text, resource_id uuid, start_at timestamptz, end_at timestamptz, created_by uuid
  )
  where c.resource_type = 'table'
  returning id
), merged as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select c.id, $1, $2, 'merge_group', c.resource_id, pg_catalog.tstzrange(c.start_at, c.end_at, '[)'), c.created_by
  from basis b, pg_catalog.jsonb_to_recordset(b.basis -> 'freed') c (
    id uuid, resource_type text, resource_id uuid, start_at timestamptz, end_at timestamptz, created_by uuid
  )
  where c.resource_type = 'merge_group'
  returning id
), restored as (
  insert into app.booking_table_assignments (
    id, booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at, merge_group_id,
    allocation_id
  )
  select c.id, $1, c.table_id, c.slot_id, c.assigned_at, c.assigned_by, c.idempotency_key, c.start_at, c.end_at,
         c.merge_group_id, c.allocation_id
  from (select (select pg_catalog.count(*) from allocated), (select pg_catalog.count(*) from merged)) done (tables, merged),
    basis b, pg_catalog.jsonb_to_recordset(b.basis -> 'replaced') c (
      id uuid, table_id uuid, slot_id uuid, assigned_at timestamptz, assigned_by uuid, idempotency_key text,
      start_at timestamptz, end_at timestamptz, merge_group_id uuid, allocation_id uuid
    )
  where done.tables >= 0 and done.merged >= 0
  returning id
--]
), stands as materialized (
--[basis
  select pg_catalog.count(*) as restored from restored
--|  select 0::bigint as restored from cleared
--]
), moved as (
  update app.bookings b set status = $7::app.booking_status, updated_at = $8
  from stands where b.id = $1 and $7 is not null
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
select array[
  (select dropped from cleared), (select freed from cleared), (select pg_catalog.count(*) from dissolved),
  (select restored from stands), (select pg_catalog.count(*) from moved),
  (select pg_catalog.count(*) from recorded)
]::bigint[]
