-- Tells who listens to holdfast_outbox that this schema ($2) has events that are due at $1, or that came back.
select pg_catalog.pg_notify('holdfast_outbox', $2)
from (
  select from app.capacity_outbox o where o.status = 'pending' and o.next_attempt_at <= $1
  union all
  select from app.capacity_outbox o where o.status = 'processing' and o.next_attempt_at <= $1
  limit 1
) d
