-- What is written down of a booking, of one key alone where one is given: one row a fact, told apart by kind, in no order. Ids,
-- keys and states; nothing that a guest or a person wrote. Takes no lock.
select 'attempt' as kind, a.ended_at as at, a.idempotency_key as key, a.outcome as label, a.phase as label2, a.hold_id as id,
       pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
         'startedAt', a.started_at, 'elapsedMs', a.elapsed_ms, 'tries', a.tries, 'trigger', a.trigger, 'pid', a.pid,
         'message', a.detail #>> '{refusal,message}', 'detail', a.detail #>> '{refusal,detail}',
         'holdReleased', a.detail -> 'holdReleased'
       )) as detail
from app.holdfast_attempts a
where a.booking_id = :booking and (:key::text is null or a.idempotency_key = :key)
union all
select 'answer', l.created_at, l.idempotency_key, l.outcome, null, l.hold_id,
       pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
         'tableIds', l.table_ids, 'receipt', l.transaction_id::text,
         'message', l.refusal ->> 'message', 'detail', l.refusal ->> 'detail'
       ))
from app.booking_assignment_idempotency l
where l.booking_id = :booking and (:key::text is null or l.idempotency_key = :key)
union all
select 'move', c.changed_at, null, c.to_status::text, c.from_status::text, c.changed_by, '{}'::jsonb
from app.booking_state_history c
where c.booking_id = :booking and :key::text is null
union all
select 'hold', h.expires_at, null, h.status::text, null, h.id,
       pg_catalog.jsonb_build_object('tableIds', array(
         select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id
       ))
from (
  -- Each of the two has an index of its own.
  select l.id, l.status, l.expires_at from app.table_holds l where l.booking_id = :booking and l.status = 'active'
  union all
  select e.id, e.status, e.expires_at from app.table_holds e where e.booking_id = :booking and e.status <> 'active'
) h
where :key::text is null
--[ended_holds
union all
select 'ended_hold', e.ended_at, e.idempotency_key, e.ended, null, e.hold_id,
       pg_catalog.jsonb_build_object('tableIds', e.table_ids, 'expiresAt', e.expires_at)
from app.holdfast_ended_holds e
where e.booking_id = :booking and (:key::text is null or e.idempotency_key = :key)
--]
--[outbox
union all
select 'event', o.next_attempt_at, o.idempotency_key, o.event_type, o.status::text, null,
       pg_catalog.jsonb_build_object('dedupeKey', o.dedupe_key, 'attempts', o.attempt_count)
from app.capacity_outbox o
where o.booking_id = :booking and (:key::text is null or o.idempotency_key = :key)
--]
