-- Each key that was answered with a confirm, beside what it left: one row in the ledger, one in the results,
-- one event, and one move to confirmed in the booking's history.
with keys as (
  select distinct a.booking_id, a.idempotency_key as key from evening.answers a
  union
  select l.booking_id, l.idempotency_key from booking_assignment_idempotency l
), effects as (
  select k.booking_id, k.key,
    (select count(*) from booking_assignment_idempotency l
     where l.booking_id = k.booking_id and l.idempotency_key = k.key and l.outcome = 'confirmed') as ledger,
    (select count(*) from booking_confirmation_results r
     where r.booking_id = k.booking_id and r.idempotency_key = k.key) as results,
    (select count(*) from capacity_outbox o
     where o.booking_id = k.booking_id and o.idempotency_key = k.key
       and o.event_type = 'capacity.assignment.sync') as events,
    (select count(*) from booking_state_history h
     where h.booking_id = k.booking_id and h.to_status = 'confirmed') as moves,
    exists (select from evening.answers a where a.booking_id = k.booking_id and a.idempotency_key = k.key) as answered
  from keys k
), judged as (
  select e.*, e.ledger = 1 and e.results = 1 and e.events = 1 and e.moves = 1 and e.answered as once from effects e
)
select count(*) as examined, count(*) filter (where not j.once) as violations,
  min(format('%s: %s in ledger, %s results, %s events, %s moves%s', g.name, j.ledger, j.results, j.events, j.moves,
    case when j.answered then '' else ', never answered' end)) filter (where not j.once) as note
from judged j
join evening.guests g on g.booking_id = j.booking_id
