-- Forgets what became of holds that ended before $1, at most $2, oldest first.
with doomed as materialized (
  select e.ctid as place
  from app.holdfast_ended_holds e
  where e.ended_at < $1
  order by e.ended_at
  limit $2
  for update skip locked
), pruned as (
  delete from app.holdfast_ended_holds e
  where e.ctid = any (array(select d.place from doomed d))
  returning e.hold_id
)
select pg_catalog.count(*) from pruned
