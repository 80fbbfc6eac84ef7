-- The answer bound to a key, as it was given, and when it was taken back. Takes no lock.
select l.outcome, l.refusal, l.table_ids,
       pg_catalog.lower(l.assignment_window) as start_at, pg_catalog.upper(l.assignment_window) as end_at,
       l.assignment_ids, l.merge_group_allocation_id, l.transaction_id::text, l.created_at,
--[history_metadata
       (select pg_catalog.max(h.changed_at) from app.booking_state_history h
        where l.refusal is null and h.booking_id = :booking and h.changed_at >= l.created_at
          and h.metadata ->> 'undoneKey' = :key) as undone_at
--|    null::timestamptz as undone_at
--]
from app.booking_assignment_idempotency l
where l.booking_id = :booking and l.idempotency_key = :key
