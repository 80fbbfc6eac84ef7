-- How often an event was given away, if the consumer has it; locks it.
select o.attempt_count
from app.capacity_outbox o
--[outbox_uuid
where o.id = :event::uuid
--|where o.id = :event::bigint
--]
  and o.status = 'processing' and o.claimed_by = :consumer
for update
