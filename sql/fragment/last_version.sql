-- The last version that others were told of the booking.
    select pg_catalog.max(v.version)::bigint as version
    from (
      select case
               when pg_catalog.jsonb_typeof(o.payload -> 'version') = 'number' then (o.payload ->> 'version')::numeric
             end as version
      from app.capacity_outbox o
      where o.booking_id = :booking
    ) v
    where v.version < 9007199254740991
