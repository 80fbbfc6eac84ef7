-- What is kept the longest in this schema of answers, attempts, ended holds and delivered events. Each by an index.
select
  (select pg_catalog.min(l.created_at) from app.booking_assignment_idempotency l where l.outcome <> 'fenced') as ledger,
  (select pg_catalog.min(t.ended_at) from app.holdfast_attempts t) as attempts
--[ended_holds
  , (select pg_catalog.min(e.ended_at) from app.holdfast_ended_holds e) as ended_holds
--|  , null::timestamptz as ended_holds
--]
--[outbox
  , (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'done') as outbox
--|  , null::timestamptz as outbox
--]
