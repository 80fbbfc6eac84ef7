-- The answer bound to a key, as it was given. Takes no lock.
select l.outcome, l.refusal, l.table_ids,
       pg_catalog.lower(l.assignment_window), pg_catalog.upper(l.assignment_window),
       l.assignment_ids, l.merge_group_allocation_id, l.transaction_id::text, l.created_at
from app.booking_assignment_idempotency l
where l.booking_id = $1 and l.idempotency_key = $2
