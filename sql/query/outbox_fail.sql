-- Puts an event ($1) that is locked back until $2, or aside as dead when $2 is null; $3 is why, $4 now.
with retried as (
  update app.capacity_outbox o set status = 'pending', next_attempt_at = $2, claimed_by = null, last_error = $3
--[outbox_uuid
  where o.id = $1::uuid and $2 is not null
--|  where o.id = $1::bigint and $2 is not null
--]
  returning o.event_type
), buried as (
  update app.capacity_outbox o set status = 'dead', next_attempt_at = $4, last_error = $3
--[outbox_uuid
  where o.id = $1::uuid and $2 is null
--|  where o.id = $1::bigint and $2 is null
--]
  returning o.event_type
)
select array[(select pg_catalog.count(*) from retried), (select pg_catalog.count(*) from buried)]
