-- Everything a decision looks at, read after the locks that protect it: one row a fact, told apart by kind.
select 'status' as kind, null::uuid as id, null::uuid as table_id, null::uuid as other,
       null::timestamptz as start_at, null::timestamptz as end_at, s.status::text as label,
       null::integer as number, s.is_confirm_target as flag, s.holds_tables as flag2, null::timestamptz as until
from app.holdfast_booking_statuses s
where s.status::text = :current or s.status::text = :target
union all
select 'move', null, null, null, null, null, m.from_status::text, null, null, null, null
from app.holdfast_status_transitions m
where m.to_status::text = :target
union all
select 'policy', null, null, null, null, null, null, p.extra_seats, p.enforce_min_party, null, null
from app.holdfast_capacity_policies p
where p.restaurant_id = :restaurant
union all
select 'assignment', a.id, a.table_id, a.merge_group_id, a.start_at, a.end_at, null, null, null, null, null
from app.booking_table_assignments a
where a.booking_id = :booking
union all
select 'allocation', al.id, al.resource_id, null,
       pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), al.resource_type, null, null, null, null
from app.allocations al
where al.booking_id = :booking
union all
select 'mirror', al.id, null, null, null, null, null, null, null, null, null
from pg_catalog.unnest(:own_holds::uuid[]) h (id)
cross join lateral (
  select x.id from app.allocations x
  where x.booking_id is null and x.resource_type = 'hold' and x.resource_id = h.id
  offset 0
) al
union all
select 'member', m.hold_id, m.table_id, null, null, null, null, null, null, null, null
from pg_catalog.unnest(:own_holds::uuid[]) h (id)
cross join lateral (select x.hold_id, x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
union all
select 'blocking_allocation', al.id, al.resource_id, al.booking_id,
       pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), null, null, coalesce(s.releases_tables, false), null, null
from pg_catalog.unnest(:tables::uuid[]) t (id)
-- One probe a table, here and below: a join would read the past, which is most of what carries a table's id.
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
select 'blocking_assignment', a.id, a.table_id, a.booking_id, a.start_at, a.end_at, null, null,
       coalesce(s.releases_tables, false), null, null
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
select 'blocking_hold', h.id, m.table_id, h.booking_id, h.start_at, h.end_at, null, null, null, null, h.expires_at
from app.table_holds h
cross join lateral (select x.table_id from app.table_hold_members x where x.hold_id = h.id offset 0) m
left join lateral (select x.status from app.bookings x where x.id = h.booking_id offset 0) b on true
left join app.holdfast_booking_statuses s on s.status = b.status
where h.restaurant_id = :restaurant and h.status = 'active' and not coalesce(s.releases_tables, false)
  and pg_catalog.tstzrange(least(h.start_at, h.end_at), greatest(h.start_at, h.end_at), '[)')
    && pg_catalog.tstzrange(:start, :end, '[)')
  and h.expires_at > :now - limit.hold_grace and h.id <> all (:own_holds) and m.table_id = any (:tables)
--[adjacency
union all
select 'edge', null, e.table_a, e.table_b, null, null, null, null, null, null, null
from pg_catalog.unnest(:tables::uuid[]) t (id)
join app.table_adjacencies e on e.table_a = t.id
where :edges_wanted and e.table_b = any (:tables)
--]
