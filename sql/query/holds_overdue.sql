-- Open holds past their deadline, locked with their mirrors; what somebody has locked is left for the
-- next time, a hold with such a mirror too, and what was set aside. A hold that changed meanwhile is judged again as it is now.
with due as materialized (
  select h.id, h.booking_id, h.restaurant_id
  from app.table_holds h
  where h.status = 'active' and h.expires_at <= :now - limit.hold_grace and not exists (
    select from app.holdfast_quarantine a where a.task = 'expire_holds' and a.id = h.id and a.until > :now
  )
  order by h.expires_at
  limit :batch
  for no key update skip locked
), mirror as materialized (
  select d.id as hold_id, m.id
  from due d
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id = d.booking_id and al.resource_type = 'hold' and al.resource_id = d.id
    for update skip locked
  ) m
), anonymous as materialized (
  select d.id as hold_id, m.id
  from due d
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id is null and al.resource_type = 'hold' and al.resource_id = d.id
    for update skip locked
  ) m
), locked as materialized (
  select m.hold_id, m.id from mirror m union all select a.hold_id, a.id from anonymous a
)
select d.id, d.booking_id, d.restaurant_id, array(select l.id from locked l where l.hold_id = d.id) as mirrors
from due d
where (select pg_catalog.count(*) from locked l where l.hold_id = d.id)
  = (select pg_catalog.count(*) from app.allocations al
     where al.booking_id = d.booking_id and al.resource_type = 'hold' and al.resource_id = d.id)
  + (select pg_catalog.count(*) from app.allocations al
     where al.booking_id is null and al.resource_type = 'hold' and al.resource_id = d.id)
