-- Forgets events that were delivered before the cutoff, oldest first.
with doomed as materialized (
  select o.ctid as place
  from app.capacity_outbox o
  where o.status = 'done' and o.next_attempt_at < :cutoff
  order by o.next_attempt_at
  limit :batch
  for update skip locked
), pruned as (
  delete from app.capacity_outbox o
  where o.ctid = any (array(select d.place from doomed d))
  returning o.event_type
)
select pg_catalog.count(*) as count from pruned
