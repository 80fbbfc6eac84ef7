-- From what instant on somebody waits for something in this schema, beside holds that run out: automatic attempts to make
-- again (of `retryable` outcomes, after a pause, unless there were too many), and events that are due. What is in quarantine
-- is due when that ends. Each by an index.
select
  (
    select pg_catalog.min(greatest(last.ended_at + pg_catalog.make_interval(secs => :pause_seconds), q.until))
    from app.table_holds h
    join app.bookings b on b.id = h.booking_id
    join app.holdfast_booking_statuses s
      on s.status = b.status and s.holds_tables and not s.is_confirm_target and not s.occupies_tables
    cross join lateral (
      select t.outcome, t.ended_at
      from app.holdfast_attempts t
      where t.booking_id = b.id and t.trigger is not null
      order by t.ended_at desc, t.id desc
      limit 1
    ) last
    left join app.holdfast_quarantine q on q.task = 'retry_attempts' and q.id = b.id
    where h.status = 'active' and h.expires_at > :now - limit.hold_grace
      and last.outcome = any (:retryable)
      and (
        select pg_catalog.count(*) from app.holdfast_attempts t where t.booking_id = b.id and t.trigger = 'background'
      ) < :retries
  ) as retry
--[outbox
  , least(
    (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'pending'),
    (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'processing')
  ) as notify
--|  , null::timestamptz as notify
--]
