-- Tells others of one event, unless its key was told before: `outbox_emit` knows by what name it is told again. The payload is
-- a text without its end; its version comes last, and is later than every one of its booking, whose lock the caller has.
insert into app.capacity_outbox (
  status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
)
select 'pending', :event_type, :dedupe_key, 0, :now, :restaurant, :booking, :key,
       (:open_payload || (greatest(:moment_us, (
--< last_version
       )) + 1)::text || '}')::jsonb
where not exists (select from app.capacity_outbox o where o.dedupe_key = :dedupe_key)
