-- Forgets events that were delivered before $1, at most $2, oldest first.
with doomed as materialized (
  select o.ctid as place
  from app.capacity_outbox o
  where o.status = 'done' and o.next_attempt_at < $1
  order by o.next_attempt_at
  limit $2
  for update skip locked
), pruned as (
  delete from app.capacity_outbox o
  where o.ctid = any (array(select d.place from doomed d))
  returning o.event_type
)
select array[(select pg_catalog.count(*) from pruned)]
