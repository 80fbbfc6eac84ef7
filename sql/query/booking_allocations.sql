-- The tables that a booking has and what it claims: one row each, told apart by kind.
select 'assignment' as kind, a.id, a.table_id, a.merge_group_id, a.start_at, a.end_at
from app.booking_table_assignments a
where a.booking_id = :booking
union all
select al.resource_type, al.id, al.resource_id, null, pg_catalog.lower(al."window"), pg_catalog.upper(al."window")
from app.allocations al
where al.booking_id = :booking
