-- Forgets what became of holds that ended before the cutoff, oldest first.
with doomed as materialized (
  select e.ctid as place
  from app.holdfast_ended_holds e
  where e.ended_at < :cutoff
  order by e.ended_at
  limit :batch
  for update skip locked
), pruned as (
  delete from app.holdfast_ended_holds e
  where e.ctid = any (array(select d.place from doomed d))
  returning e.hold_id
)
select pg_catalog.count(*) as count from pruned
