-- Bookings whose ledger was committed to since the last look, one row each, of a batch of answers; the state of the look
-- is kept in holdfast_commit_scan, which the caller has locked before this snapshot was taken. What an open look has not come
-- to yet is left for the next call. Answers are read in the order of their age: what is still to come is not read, and what
-- was seen is read again for a minute or two, for clocks that were set back.
with moment as materialized (
  -- Who looks is at work too, and may commit an answer after this; the server does not say so of oneself.
  select case when c.own < pg_catalog.pg_snapshot_xmax(c.now_seen)
              then (least(c.own, pg_catalog.pg_snapshot_xmin(c.now_seen))::text || ':'
                    || pg_catalog.pg_snapshot_xmax(c.now_seen)::text || ':' || r.running)::pg_snapshot
              else c.now_seen end as now_seen
  from (
    select pg_catalog.pg_current_snapshot() as now_seen, pg_catalog.pg_current_xact_id() as own
  ) c
  cross join lateral (
    select pg_catalog.string_agg(u.id::text, ',' order by u.id) as running
    from (select pg_catalog.pg_snapshot_xip(c.now_seen) union select c.own) u (id)
  ) r
), state as materialized (
  select v.seen, v.since, v.reach, v.pending, v.pending_at, v.upto, m.now_seen,
         -- Of another cluster (a restored dump), or the first of all: nothing was seen, and ten minutes are looked at.
         v.seen is null or pg_catalog.pg_snapshot_xmax(v.seen) > pg_catalog.pg_snapshot_xmax(m.now_seen) as is_new
  from app.holdfast_commit_scan v cross join moment m where v.id
), own as materialized (
  -- The transaction began before its snapshot was taken: who is not in the snapshot came after that.
  select s.is_new,
         case when s.is_new then '3:3:'::pg_snapshot else s.seen end as seen,
         case when s.is_new then pg_catalog.now() else s.since end as since,
         case when s.is_new then pg_catalog.now() - interval '10 minutes' else s.reach end as reach,
         case when s.is_new or s.pending is null then s.now_seen else s.pending end as pending,
         case when s.is_new or s.pending is null then pg_catalog.now() else s.pending_at end as pending_at,
         case when s.is_new then '-infinity' else s.upto end as upto
  from state s
), due as materialized (
  select l.booking_id, l.created_at
  from own o
  cross join lateral (
    select t.booking_id, t.created_at
    from app.booking_assignment_idempotency t
    where t.outcome <> 'fenced' and t.created_at > greatest(o.reach - interval '1 minute', o.upto)
      and pg_catalog.pg_visible_in_snapshot(t.transaction_id, o.pending)
      and not pg_catalog.pg_visible_in_snapshot(t.transaction_id, o.seen)
    order by t.created_at
    fetch first :batch rows with ties
  ) l
), found as materialized (
  select d.answers, d.answers >= :batch as is_full, d.last,
         -- Whoever is not in `pending` came after `seen`, and that after `since`; or else somebody is there since before.
         d.answers < :batch and pg_catalog.pg_snapshot_xmax(o.seen) > '3'
           and pg_catalog.pg_snapshot_xmin(o.pending) >= pg_catalog.pg_snapshot_xmax(o.seen) as comes_closer
  from (select pg_catalog.count(*) as answers, pg_catalog.max(due.created_at) as last from due) d
  cross join own o
), noted as (
  update app.holdfast_commit_scan v
  set seen = case when f.is_full then o.seen else o.pending end,
      since = case when f.is_full then o.since else o.pending_at end,
      reach = case when f.comes_closer then o.since else o.reach end,
      pending = case when f.is_full then o.pending end,
      pending_at = case when f.is_full then o.pending_at end,
      upto = case when f.is_full then f.last else '-infinity' end,
      commits = v.commits + f.answers
  from own o, found f
  where v.id and (
    f.answers > 0 or o.is_new or v.pending is not null
    -- Nothing came, and what was seen would be read once more by the next.
    or f.comes_closer and exists (
      select from app.booking_assignment_idempotency t
      where t.outcome <> 'fenced' and t.created_at > o.reach - interval '1 minute'
        and t.created_at <= o.since - interval '1 minute'
    )
  )
  returning 1
)
select distinct d.booking_id from due d where exists (select from noted)
