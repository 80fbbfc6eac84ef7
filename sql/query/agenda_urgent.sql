-- From what instant on somebody waits for something in this schema, beside holds that run out: automatic attempts to make
-- again (of `retryable` outcomes, after a pause, unless there were too many), and events that are due. What is in quarantine
-- is due when that ends. Each by an index.
select
  (
    select pg_catalog.min(greatest(
      last.ended_at + pg_catalog.make_interval(secs => :pause_seconds),
      (select q.until from app.holdfast_quarantine q where q.task = 'retry_attempts' and q.id = b.id)
    ))
--< attempt_to_retry
  ) as retry
--[outbox
  , least(
    (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'pending'),
    (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'processing')
  ) as notify
--|  , null::timestamptz as notify
--]
