-- What a key ($2) of a booking ($1) did that still stands: its tables, the status it led to, the status before.
select array(
         select a.table_id from app.booking_table_assignments a
         where a.booking_id = $1 and a.idempotency_key = $2 and a.id = any (l.assignment_ids)
         order by a.table_id
       ),
       l.request ->> 'target_status',
       (select h.from_status::text from app.booking_state_history h
        where h.booking_id = $1 and h.changed_at = l.created_at and h.to_status::text = l.request ->> 'target_status'
        limit 1)
from app.booking_assignment_idempotency l
where l.booking_id = $1 and l.idempotency_key = $2 and l.refusal is null
