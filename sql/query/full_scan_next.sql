-- The next bookings of the pass over all of them, by primary key, and whether each is live. A new pass begins
-- when the last began before the cutoff. Rows that are locked by another who passes are left to them.
with state as materialized (
  select l.pass_began_at is null or l.pass_ended_at is not null as begins, l.pass_after
  from app.holdfast_booking_scans l
  where l.id and l.pass_at <= :now
    and (l.pass_began_at is null or l.pass_ended_at is null or l.pass_began_at <= :cutoff)
  for update skip locked
), next as materialized (
  select n.id, n.live
  from state s
  cross join lateral (
    select o.id, o.live
    from (
      select b.id, coalesce(b.end_at, (b.booking_date + 2)::timestamp at time zone 'UTC', 'infinity') > :now as live
      from app.bookings b
      where b.id > coalesce(
        case when not s.begins then s.pass_after end, '00000000-0000-0000-0000-000000000000'
      )
      order by b.id
      limit 1000
    ) o
    limit :batch
  ) n
), noted as (
  update app.holdfast_booking_scans l
  set pass_began_at = case when s.begins then :now else l.pass_began_at end,
      pass_ended_at = case when f.found < least(:batch, 1000) then :now end,
      pass_after = coalesce(f.last, l.pass_after),
      pass_bookings = f.found + case when s.begins then 0 else l.pass_bookings end
  from state s, (
    select pg_catalog.count(*) as found, (pg_catalog.array_agg(n.id order by n.id desc))[1] as last from next n
  ) f
  where l.id
  returning 1
)
select n.id, n.live from next n where exists (select from noted)
