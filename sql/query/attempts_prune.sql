-- Forgets attempts that ended before the cutoff, oldest first, and remembers which bookings had them.
with doomed as materialized (
  select t.ctid as place
  from app.holdfast_attempts t
  where t.ended_at < :cutoff
  order by t.ended_at
  limit :batch
  for update skip locked
), pruned as (
  delete from app.holdfast_attempts t
  where t.ctid = any (array(select d.place from doomed d))
  returning t.booking_id
), forgotten as (
  insert into app.holdfast_pruned as f (booking_id, until)
  select distinct p.booking_id, :cutoff from pruned p order by p.booking_id
  on conflict (booking_id) do update set until = greatest(f.until, excluded.until)
  returning f.booking_id
)
select array[(select pg_catalog.count(*) from pruned), (select pg_catalog.count(*) from forgotten)] as counts
