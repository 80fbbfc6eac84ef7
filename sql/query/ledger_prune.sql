-- Forgets answers from before the cutoff, oldest first; what somebody has locked is left for the next time. A fence
-- outlives its age. In the same statement: that there was something, for confirm_outcome to say so.
with doomed as materialized (
  select l.ctid as place
  from app.booking_assignment_idempotency l
  where l.created_at < :cutoff and l.outcome <> 'fenced'
  order by l.created_at
  limit :batch
  for update skip locked
), pruned as (
  delete from app.booking_assignment_idempotency l
  where l.ctid = any (array(select d.place from doomed d))
  returning l.booking_id, l.idempotency_key
)
--[results
, unanswered as (
  delete from app.booking_confirmation_results r
  using pruned p
  where r.booking_id = p.booking_id and r.idempotency_key = p.idempotency_key
  returning r.booking_id
)
--]
, forgotten as (
  insert into app.holdfast_pruned as f (booking_id, until)
  select distinct p.booking_id, :cutoff from pruned p order by p.booking_id
  on conflict (booking_id) do update set until = greatest(f.until, excluded.until)
  returning f.booking_id
)
select array[(select pg_catalog.count(*) from pruned), (select pg_catalog.count(*) from forgotten)] as counts
