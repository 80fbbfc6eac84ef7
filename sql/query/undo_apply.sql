-- Takes tables back, gives back those that they replaced, and moves the status back, with its history. Old rows are gone
-- before earlier ones come back, and those stand before the status moves.
-- `dissolved` are assignments that leave their group; `before` is the status to go back to, null: it stays.
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest(:assignments::uuid[]) d (id) where a.id = d.id
  returning a.id
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest(:allocations::uuid[]) d (id) where al.id = d.id
  returning al.id
), cleared as materialized (
  select (select pg_catalog.count(*) from dropped) as dropped, (select pg_catalog.count(*) from freed) as freed
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest(:dissolved::uuid[]) d (id) where a.id = d.id
  returning a.id
--[basis
), basis as (
  select l.basis from app.booking_assignment_idempotency l, cleared
  where l.booking_id = :booking and l.idempotency_key = :key and :restores
), allocated as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select c.id, :booking, :restaurant, 'table', c.resource_id, pg_catalog.tstzrange(c.start_at, c.end_at, '[)'), c.created_by
  from basis b, pg_catalog.jsonb_to_recordset(b.basis -> 'freed') c (
    id uuid, resource_type text, resource_id uuid, start_at timestamptz, end_at timestamptz, created_by uuid
  )
  where c.resource_type = 'table'
  returning id
), merged as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select c.id, :booking, :restaurant, 'merge_group', c.resource_id, pg_catalog.tstzrange(c.start_at, c.end_at, '[)'), c.created_by
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
  select c.id, :booking, c.table_id, c.slot_id, c.assigned_at, c.assigned_by, c.idempotency_key, c.start_at, c.end_at,
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
  update app.bookings b set status = :before::app.booking_status, updated_at = :now
  from stands where b.id = :booking and :before is not null
  returning b.id
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select :booking, :status::app.booking_status, coalesce(:before, :status)::app.booking_status, :changed_by, :now, :reason
--[history_metadata
         , :metadata
--]
  returning booking_id
)
select array[
  (select dropped from cleared), (select freed from cleared), (select pg_catalog.count(*) from dissolved),
  (select restored from stands), (select pg_catalog.count(*) from moved),
  (select pg_catalog.count(*) from recorded)
]::bigint[] as counts
