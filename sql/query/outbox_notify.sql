-- Tells who listens to holdfast_outbox that events are due, or came back. Whoever may connect may listen: no name is said.
select pg_catalog.pg_notify('holdfast_outbox', '')
from (
  select from app.capacity_outbox o where o.status = 'pending' and o.next_attempt_at <= :now
  union all
  select from app.capacity_outbox o where o.status = 'processing' and o.next_attempt_at <= :now
  limit 1
) d
