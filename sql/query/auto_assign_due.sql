-- A booking whose automatic attempt is to be made again, is paused no longer and not in quarantine, with its hold. The most
-- urgent one.
select b.id as booking_id, h.id as hold_id
--< attempt_to_retry
  and last.ended_at <= :paused_since
  and not exists (
    select from app.holdfast_quarantine a where a.task = 'retry_attempts' and a.id = b.id and a.until > :now
  )
order by h.expires_at
limit 1
