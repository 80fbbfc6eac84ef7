-- The answer bound to a key, beside the booking and its assignments as they are now. Takes no lock.
select l.payload_checksum, l.request, l.refusal, l.table_ids,
       pg_catalog.lower(l.assignment_window) as answer_start, pg_catalog.upper(l.assignment_window) as answer_end,
       l.assignment_ids, l.hold_id, l.transaction_id::text,
       b.status::text,
       w.start_at,
       w.end_at,
       a.id as assignment_id, a.table_id, a.start_at as table_start, a.end_at as table_end, a.merge_group_id
from app.booking_assignment_idempotency l
join app.bookings b on b.id = l.booking_id
join app.restaurants r on r.id = b.restaurant_id
--< booking_window
left join app.booking_table_assignments a on a.booking_id = l.booking_id
where l.booking_id = :booking and l.idempotency_key = :key
order by a.table_id
