-- Tells others, in order; a nil booking is none, and so is an empty key. The first of its key keeps it; the same told again is
-- named by its transaction too, and what comes again in there by its version. A version is the moment in microseconds, and
-- later than every one of its booking, whose lock the caller has.
with event as materialized (
  select e.event_type, e.dedupe_key, e.payload, e.restaurant_id, e.place,
         nullif(e.booking_id, '00000000-0000-0000-0000-000000000000') as booking_id,
         nullif(e.idempotency_key, '') as idempotency_key,
         greatest((extract(epoch from :now) * 1000000)::bigint, last.version) + e.place as version
  from rows from (
    pg_catalog.unnest(:event_types::text[]), pg_catalog.unnest(:dedupe_keys::text[]), pg_catalog.unnest(:payloads::jsonb[]),
    pg_catalog.unnest(:restaurants::uuid[]), pg_catalog.unnest(:bookings::uuid[]), pg_catalog.unnest(:keys::text[])
  ) with ordinality e (event_type, dedupe_key, payload, restaurant_id, booking_id, idempotency_key, place)
  cross join lateral (
    select pg_catalog.max(v.version)::bigint as version
    from (
      select case
               when pg_catalog.jsonb_typeof(o.payload -> 'version') = 'number' then (o.payload ->> 'version')::numeric
             end as version
      from app.capacity_outbox o
      where o.booking_id = e.booking_id
    ) v
    where v.version < 9007199254740991
  ) last
)
insert into app.capacity_outbox (
  status, event_type, dedupe_key, attempt_count, next_attempt_at, restaurant_id, booking_id, idempotency_key, payload
)
select 'pending', e.event_type,
       e.dedupe_key || case
         when first.told is null then ''
         when again.told is null then ':' || pg_catalog.pg_current_xact_id()::text
         else ':' || pg_catalog.pg_current_xact_id()::text || ':' || e.version::text
       end,
       0, :now, e.restaurant_id, e.booking_id, e.idempotency_key,
       e.payload || pg_catalog.jsonb_build_object('version', e.version)
from event e
left join lateral (
  select true as told from app.capacity_outbox o where o.dedupe_key = e.dedupe_key limit 1
) first on true
left join lateral (
  select true as told from app.capacity_outbox o
  where first.told and o.dedupe_key = e.dedupe_key || ':' || pg_catalog.pg_current_xact_id()::text limit 1
) again on true
order by e.place
returning 1
