-- The tables that a booking has and its allocations: one row each, told apart by kind.
select 'assignment' as kind, a.id, null::text as resource_type, a.table_id as subject, a.merge_group_id, a.start_at, a.end_at
from app.booking_table_assignments a
where a.booking_id = :booking
union all
select 'allocation', al.id, al.resource_type, al.resource_id, null, pg_catalog.lower(al."window"), pg_catalog.upper(al."window")
from app.allocations al
where al.booking_id = :booking
