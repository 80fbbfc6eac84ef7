-- Gives due events to a consumer, until an instant: those whose lease ran out first, then by the time
-- that they were due. Those of one booking in the order of their versions: the first that is open, and what follows it
-- and is due, to the same consumer. One that was given away `attempts` times and never came back is put aside as dead.
with dead as (
  update app.capacity_outbox o
  set status = 'dead', last_error = coalesce(o.last_error, 'its lease ran out in every attempt')
  where o.ctid = any (array(
    select p.ctid from app.capacity_outbox p
    where p.status = 'processing' and p.next_attempt_at <= :now and p.attempt_count >= :attempts
    order by p.next_attempt_at
    limit :limit
    for update skip locked
  ))
  returning o.event_type
), lapsed as materialized (
  select o.ctid as place, o.booking_id, v.version
  from app.capacity_outbox o
  cross join lateral (
    select case when pg_catalog.jsonb_typeof(o.payload -> 'version') = 'number' then (o.payload ->> 'version')::numeric end
  ) v (version)
  left join lateral (
    select true as waits from app.capacity_outbox e
    where e.booking_id = o.booking_id and e.status in ('pending', 'processing')
      and case when pg_catalog.jsonb_typeof(e.payload -> 'version') = 'number' then (e.payload ->> 'version')::numeric end < v.version
    limit 1
  ) before on true
  where o.status = 'processing' and o.next_attempt_at <= :now and o.attempt_count < :attempts and before.waits is null
  order by o.next_attempt_at
  limit :limit
  for update of o skip locked
), due as materialized (
  select o.ctid as place, o.booking_id, v.version
  from app.capacity_outbox o
  cross join lateral (
    select case when pg_catalog.jsonb_typeof(o.payload -> 'version') = 'number' then (o.payload ->> 'version')::numeric end
  ) v (version)
  left join lateral (
    select true as waits from app.capacity_outbox e
    where e.booking_id = o.booking_id and e.status in ('pending', 'processing')
      and case when pg_catalog.jsonb_typeof(e.payload -> 'version') = 'number' then (e.payload ->> 'version')::numeric end < v.version
    limit 1
  ) before on true
  where o.status = 'pending' and o.next_attempt_at <= :now and before.waits is null
  order by o.next_attempt_at
  limit :limit
  for update of o skip locked
), first as materialized (
  select l.* from lapsed l
  union all
  select d.* from due d
  limit :limit
), follower as materialized (
  -- Nobody else takes one of these: whoever does has the first of them locked.
  select n.place
  from first f
  cross join lateral (
    select e.place, e.version,
           pg_catalog.bool_and(e.is_due) over (order by e.version rows unbounded preceding) as in_turn
    from (
      select o.ctid as place, o.status = 'pending' and o.next_attempt_at <= :now as is_due,
             case when pg_catalog.jsonb_typeof(o.payload -> 'version') = 'number' then (o.payload ->> 'version')::numeric end as version
      from app.capacity_outbox o
      where o.booking_id = f.booking_id and o.status in ('pending', 'processing')
    ) e
    where e.version > f.version
  ) n
  where n.in_turn
  order by n.version
  limit greatest(:limit - (select pg_catalog.count(*) from first), 0)
), claimed as (
  update app.capacity_outbox o
  set status = 'processing', attempt_count = o.attempt_count + 1, next_attempt_at = :until, claimed_by = :consumer
  where o.ctid = any (array(
    select f.place from first f union all select n.place from follower n
  )) and o.status in ('pending', 'processing')
  returning o.id, o.event_type, o.dedupe_key, o.attempt_count, o.restaurant_id, o.booking_id, o.idempotency_key,
            o.payload
)
select c.id::text, c.event_type, c.dedupe_key, c.attempt_count, c.restaurant_id, c.booking_id, c.idempotency_key,
       c.payload
from claimed c
order by case when pg_catalog.jsonb_typeof(c.payload -> 'version') = 'number' then (c.payload ->> 'version')::numeric end,
         c.id
