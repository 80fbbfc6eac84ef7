-- Marks events as done that the consumer still has: one that somebody else took over is theirs.
with mine as materialized (
  select o.id
  from pg_catalog.unnest(:events::text[]) g (id)
--[outbox_uuid
  join app.capacity_outbox o on o.id = g.id::uuid
--|  join app.capacity_outbox o on o.id = g.id::bigint
--]
  where o.status = 'processing' and o.claimed_by = :consumer
  order by o.id
  for update of o
)
update app.capacity_outbox o
set status = 'done', next_attempt_at = :now, last_error = null
from mine m
where o.id = m.id
returning o.id::text
