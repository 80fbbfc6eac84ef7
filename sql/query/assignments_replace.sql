-- Takes assignments away, and says what those of the booking were: an undo brings them back.
delete from app.booking_table_assignments a
using pg_catalog.unnest(:assignments::uuid[]) d (id)
where a.id = d.id
returning a.table_id as place,
          case when a.booking_id = :booking then pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
            'id', a.id, 'table_id', a.table_id, 'slot_id', a.slot_id, 'assigned_at', a.assigned_at,
            'assigned_by', a.assigned_by, 'idempotency_key', a.idempotency_key, 'start_at', a.start_at, 'end_at', a.end_at,
            'merge_group_id', a.merge_group_id, 'allocation_id', a.allocation_id)) end as row
