-- Bookings whose ledger was committed to since the last look, one row each, at most $1 transactions; the state of the
-- look is kept in holdfast_verified. What an open look has not come to yet is left for the next call; nobody waits for
-- another who is looking. A look reaches ten minutes back for transactions that were longer than that to commit.
with state as materialized (
  select v.seen, v.since, v.pending, v.pending_at, v.upto
  from app.holdfast_verified v where v.id
  for update skip locked
), own as materialized (
  -- Of another cluster (a restored dump), or the first of all: begin here.
  select s.since, s.upto, pg_catalog.pg_current_snapshot() as now_seen, pg_catalog.clock_timestamp() as now_at,
         case when s.seen is null
                or pg_catalog.pg_snapshot_xmin(s.seen) > pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())
              then pg_catalog.pg_current_snapshot() else s.seen end as seen,
         coalesce(s.pending, pg_catalog.pg_current_snapshot()) as pending,
         coalesce(s.pending_at, pg_catalog.clock_timestamp()) as pending_at
  from state s
), due as materialized (
  select l.booking_id, l.transaction_id
  from own o
  join app.booking_assignment_idempotency l
    on l.outcome <> 'fenced' and l.created_at > coalesce(o.since, o.pending_at) - interval '10 minutes'
  where l.transaction_id > o.upto and pg_catalog.pg_visible_in_snapshot(l.transaction_id, o.pending)
    and not pg_catalog.pg_visible_in_snapshot(l.transaction_id, o.seen)
  order by l.transaction_id
  fetch first $1 rows with ties
), noted as (
  update app.holdfast_verified v
  set seen = case when d.found < $1 then o.pending else o.seen end,
      since = case when d.found < $1 then o.pending_at else coalesce(o.since, o.pending_at) end,
      pending = case when d.found >= $1 then o.pending end,
      pending_at = case when d.found >= $1 then o.pending_at end,
      upto = case when d.found >= $1 then d.last else '0'::xid8 end,
      commits = v.commits + d.found
  from own o, (
    select pg_catalog.count(*) as found, (pg_catalog.array_agg(due.transaction_id order by due.transaction_id desc))[1] as last from due
  ) d
  where v.id and (d.found > 0 or v.seen is null or v.pending is not null)
  returning 1
)
select distinct d.booking_id from due d where exists (select from noted)
