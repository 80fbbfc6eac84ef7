-- Takes away the mirrors of holds among the allocations. A nil booking is none.
with mirror as materialized (
  select m.id
  from rows from (pg_catalog.unnest(:holds::uuid[]), pg_catalog.unnest(:bookings::uuid[])) e (id, booking_id)
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id = e.booking_id and al.resource_type = 'hold' and al.resource_id = e.id
    offset 0
  ) m
  union all
  select m.id
  from rows from (pg_catalog.unnest(:holds::uuid[]), pg_catalog.unnest(:bookings::uuid[])) e (id, booking_id)
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id is null and al.resource_type = 'hold' and al.resource_id = e.id
    offset 0
  ) m
)
delete from app.allocations al using mirror m where al.id = m.id
