-- What every decision looks at, read after the locks that protect it: one row a fact, told apart by kind.
select 'status' as kind, null::uuid as id, null::uuid as table_id, null::uuid as other,
       null::timestamptz as start_at, null::timestamptz as end_at, s.status::text as label,
       null::integer as number, s.is_confirm_target as flag, s.holds_tables as flag2
from app.holdfast_booking_statuses s
where s.status::text = :current or s.status::text = :target
union all
select 'move', null, null, null, null, null, m.from_status::text, null, null, null
from app.holdfast_status_transitions m
where m.to_status::text = :target
union all
select 'policy', null, null, null, null, null, null, p.extra_seats, p.enforce_min_party, null
from app.holdfast_capacity_policies p
where p.restaurant_id = :restaurant
union all
select 'assignment', a.id, a.table_id, a.merge_group_id, a.start_at, a.end_at, null, null, null, null
from app.booking_table_assignments a
where a.booking_id = :booking
union all
select 'allocation', al.id, al.resource_id, null,
       pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), al.resource_type, null, null, null
from app.allocations al
where al.booking_id = :booking
--[first_look
-- Rows that may be in the way; which are, and whose they are, is read where there are any. The windows of a table do not
-- overlap, so that the first to end after the start is the only candidate, or the second, where the one holds the moment at
-- which the other ends. The booking's own, to the end of the window, leaves room for no other. A comparison of rows is nothing
-- that the exclusion's own index could answer; another table's row passes, for it ends the look.
union all
select 'candidate', null, t.id, null, null, null, null, null, null, null
from pg_catalog.unnest(:tables::uuid[]) t (id)
cross join lateral (
  select x.resource_id, x.restaurant_id, x.booking_id,
         pg_catalog.lower(x."window") as start_at, pg_catalog.upper(x."window") as end_at
  from app.allocations x
  where x.resource_type = 'table' and not x.shadow
    and (x.resource_id, coalesce(pg_catalog.upper(x."window"), 'infinity')) >= (t.id, :start)
    and (x.resource_id <> t.id
         or coalesce(pg_catalog.upper(x."window"), 'infinity') > :start or pg_catalog.upper_inc(x."window"))
  order by x.resource_id, coalesce(pg_catalog.upper(x."window"), 'infinity')
  limit 2
) al
where al.resource_id = t.id and (al.restaurant_id <> :restaurant or (al.start_at < :end) is not false)
  and (al.booking_id = :booking and al.restaurant_id = :restaurant and al.end_at >= :end) is not true
union all
select 'candidate', null, a.table_id, null, null, null, null, null, null, null
from pg_catalog.unnest(:tables::uuid[]) t (id)
cross join lateral (
  select x.table_id from app.booking_table_assignments x
  where x.table_id = t.id and x.booking_id <> :booking
    and x.end_at > case when :start <= :now and :now < :end then least(:start, :now - limit.presence) else :start end
    and x.start_at < case when :start <= :now and :now < :end then greatest(:end, :now + limit.presence) else :end end
  offset 0
) a
union all
select 'candidate', null, m.table_id, null, null, null, null, null, null, null
from app.table_holds h
cross join lateral (select x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
where h.restaurant_id = :restaurant and h.status = 'active'
  and pg_catalog.tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)')
    && pg_catalog.tstzrange(:start, :end, '[)')
  and h.expires_at > :now - limit.hold_grace and h.id <> all (:own_holds) and m.table_id = any (:tables)
--]
