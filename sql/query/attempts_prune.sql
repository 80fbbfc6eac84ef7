-- Forgets attempts that ended before $1, at most $2, oldest first, and remembers which bookings had them.
with doomed as materialized (
  select t.ctid as place
  from app.holdfast_attempts t
  where t.ended_at < $1
  order by t.ended_at
  limit $2
  for update skip locked
), pruned as (
  delete from app.holdfast_attempts t
  where t.ctid = any (array(select d.place from doomed d))
  returning t.booking_id
), forgotten as (
  insert into app.holdfast_pruned as f (booking_id, until)
  select distinct p.booking_id, $1 from pruned p order by p.booking_id
  on conflict (booking_id) do update set until = greatest(f.until, excluded.until)
  returning f.booking_id
)
select array[(select pg_catalog.count(*) from pruned), (select pg_catalog.count(*) from forgotten)]
