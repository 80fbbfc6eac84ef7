-- Who is in the way on the asked tables in the asked window: one row each, told apart by kind. One probe a table: a join would
-- read the past, which is most of what carries a table's id.
select 'blocking_allocation' as kind, al.id, al.resource_id as table_id, al.booking_id as other,
       pg_catalog.lower(al."window") as start_at, pg_catalog.upper(al."window") as end_at,
       coalesce(s.releases_tables, false) as flag, null::timestamptz as until
from pg_catalog.unnest(:tables::uuid[]) t (id)
cross join lateral (
  select x.* from app.allocations x
  where x.restaurant_id = :restaurant and x.resource_type = 'table' and x.resource_id = t.id
    and x."window" && pg_catalog.tstzrange(:start, :end, '[)') and not x.shadow
  offset 0
) al
left join lateral (select x.status from app.bookings x where x.id = al.booking_id offset 0) b on true
left join app.holdfast_booking_statuses s on s.status = b.status
where al.booking_id is distinct from :booking
union all
select 'blocking_assignment', a.id, a.table_id, a.booking_id, a.start_at, a.end_at, coalesce(s.releases_tables, false), null
from pg_catalog.unnest(:tables::uuid[]) t (id)
cross join lateral (
  -- A party that came early or sits past its window has its table now; nobody sits for longer than that.
  select x.*, x.end_at > :start and x.start_at < :end as overlaps from app.booking_table_assignments x
  where x.table_id = t.id and x.booking_id <> :booking
    and x.end_at > case when :start <= :now and :now < :end then least(:start, :now - limit.presence) else :start end
    and x.start_at < case when :start <= :now and :now < :end then greatest(:end, :now + limit.presence) else :end end
  offset 0
) a
cross join lateral (select x.status from app.bookings x where x.id = a.booking_id offset 0) b
left join app.holdfast_booking_statuses s on s.status = b.status
where a.overlaps or s.occupies_tables
union all
select 'blocking_hold', h.id, m.table_id, h.booking_id, h.start_at, h.end_at, null, h.expires_at
from app.table_holds h
cross join lateral (select x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
left join lateral (select x.status from app.bookings x where x.id = h.booking_id offset 0) b on true
left join app.holdfast_booking_statuses s on s.status = b.status
where h.restaurant_id = :restaurant and h.status = 'active' and not coalesce(s.releases_tables, false)
  and pg_catalog.tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)')
    && pg_catalog.tstzrange(:start, :end, '[)')
  and h.expires_at > :now - limit.hold_grace and h.id <> all (:own_holds) and m.table_id = any (:tables)
