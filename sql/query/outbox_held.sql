-- How often an event ($1) was given away, if the consumer ($2) has it; locks it.
select o.attempt_count
from app.capacity_outbox o
--[outbox_uuid
where o.id = $1::uuid
--|where o.id = $1::bigint
--]
  and o.status = 'processing' and o.claimed_by = $2
for update
