-- Gives due events to a consumer ($1), at most $2 at $3, until $4: those whose lease ran out first, then by the time
-- that they were due. One that was given away $5 times and never came back is put aside as dead.
with dead as (
  update app.capacity_outbox o
  set status = 'dead', last_error = coalesce(o.last_error, 'its lease ran out in every attempt')
  where o.ctid = any (array(
    select p.ctid from app.capacity_outbox p
    where p.status = 'processing' and p.next_attempt_at <= $3 and p.attempt_count >= $5
    order by p.next_attempt_at
    limit $2
    for update skip locked
  ))
  returning o.event_type
), lapsed as materialized (
  select o.ctid as place
  from app.capacity_outbox o
  where o.status = 'processing' and o.next_attempt_at <= $3 and o.attempt_count < $5
  order by o.next_attempt_at
  limit $2
  for update skip locked
), due as materialized (
  select o.ctid as place
  from app.capacity_outbox o
  where o.status = 'pending' and o.next_attempt_at <= $3
  order by o.next_attempt_at
  limit $2
  for update skip locked
), claimed as (
  update app.capacity_outbox o
  set status = 'processing', attempt_count = o.attempt_count + 1, next_attempt_at = $4, claimed_by = $1
  where o.ctid = any (array(
    select t.place from (select l.place from lapsed l union all select d.place from due d) t limit $2
  ))
  returning o.id, o.event_type, o.dedupe_key, o.attempt_count, o.restaurant_id, o.booking_id, o.idempotency_key,
            o.payload
)
select c.id::text, c.event_type, c.dedupe_key, c.attempt_count, c.restaurant_id, c.booking_id, c.idempotency_key,
       c.payload
from claimed c
order by c.id
