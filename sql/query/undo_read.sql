-- What a key of a booking did that still stands: its tables, the status it led to, the status before; whether its
-- answer stands on rows of other keys, whether it was taken back, and what happened since; what it replaced, and when.
select array(
         select a.table_id from app.booking_table_assignments a
         where a.booking_id = :booking and a.idempotency_key = :key and a.id = any (l.assignment_ids)
         order by a.table_id
       ) as tables,
       l.request ->> 'target_status' as target,
       (select h.from_status::text from app.booking_state_history h
        where h.booking_id = :booking and h.changed_at = l.created_at and h.to_status::text = l.request ->> 'target_status'
        limit 1) as before,
       exists (
         select from app.booking_table_assignments a
         where a.booking_id = :booking and a.idempotency_key is distinct from :key and a.id = any (l.assignment_ids)
       ) as found_standing,
--[history_metadata
       exists (
         select from app.booking_state_history h
         where h.booking_id = :booking and h.changed_at >= l.created_at and h.metadata ->> 'undoneKey' = :key
       ) as undone,
--|       false as undone,
--]
       exists (
         select from app.booking_state_history h
         where h.booking_id = :booking and h.changed_at > l.created_at and h.from_status is distinct from h.to_status
       ) or exists (
         select from app.booking_assignment_idempotency o
         where o.booking_id = :booking and o.created_at > l.created_at and o.outcome in ('confirmed', 'assigned')
       ) as changed_since,
--[basis
       array(
         select r.table_id from pg_catalog.jsonb_to_recordset(l.basis -> 'replaced') r (table_id uuid) order by r.table_id
       ) as replaced,
       (select pg_catalog.min(r.start_at)
        from pg_catalog.jsonb_to_recordset(l.basis -> 'replaced') r (start_at timestamptz)) as replaced_start,
       (select pg_catalog.max(r.end_at)
        from pg_catalog.jsonb_to_recordset(l.basis -> 'replaced') r (end_at timestamptz)) as replaced_end
--|       null::uuid[] as replaced, null::timestamptz as replaced_start, null::timestamptz as replaced_end
--]
from app.booking_assignment_idempotency l
where l.booking_id = :booking and l.idempotency_key = :key and l.refusal is null
