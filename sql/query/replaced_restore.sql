-- Gives a booking back the tables that a key had replaced; how many.
with basis as (
  select l.basis from app.booking_assignment_idempotency l
  where l.booking_id = :booking and l.idempotency_key = :key
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
)
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
