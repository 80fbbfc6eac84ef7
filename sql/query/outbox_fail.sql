-- Puts an event that is locked back until an instant, or aside as dead where none is given.
with retried as (
  update app.capacity_outbox o set status = 'pending', next_attempt_at = :until, claimed_by = null, last_error = :error
--[outbox_uuid
  where o.id = :event::uuid and :until is not null
--|  where o.id = :event::bigint and :until is not null
--]
  returning o.event_type
), buried as (
  update app.capacity_outbox o set status = 'dead', next_attempt_at = :now, last_error = :error
--[outbox_uuid
  where o.id = :event::uuid and :until is null
--|  where o.id = :event::bigint and :until is null
--]
  returning o.event_type
)
select array[(select pg_catalog.count(*) from retried), (select pg_catalog.count(*) from buried)] as counts
