-- The same of two events of one booking, in order; neither if the key of one was told before.
insert into app.capacity_outbox (
  status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
)
select 'pending', e.event_type, e.dedupe_key, 0, :now, :restaurant, :booking, :key,
       (e.open_payload || (greatest(:moment_us, (
--< last_version
       )) + e.place)::text || '}')::jsonb
from (
  values (1, :event_type, :dedupe_key, :open_payload), (2, :next_type, :next_key, :next_payload)
) e (place, event_type, dedupe_key, open_payload)
where not exists (select from app.capacity_outbox o where o.dedupe_key = :dedupe_key)
  and not exists (select from app.capacity_outbox o where o.dedupe_key = :next_key)
