-- Deletes events that nobody could deliver, dead since before the cutoff; skips what others have locked.
with doomed as materialized (
  select o.id
  from app.capacity_outbox o
  where o.status = 'dead' and o.next_attempt_at < :cutoff
  limit :batch
  for update skip locked
)
delete from app.capacity_outbox o
where o.id = any (array(select d.id from doomed d))
returning o.id
