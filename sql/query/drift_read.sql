-- Everything known of one booking at one moment, in one snapshot: one row a fact, told apart by kind.
-- Whether its facts agree is for the rules to say.
select 'booking' as kind, b.id, b.restaurant_id as subject, b.assigned_zone_id as other,
       w.start_at, w.end_at,
       b.status::text as label, null::text as label2,
       exists (
         select from app.holdfast_booking_statuses s
         where s.status = b.status and pg_catalog.to_jsonb(s) @> '{"needs_tables": false}'
       ) as flag,
       null::boolean as flag2, null::boolean as flag3, null::uuid[] as ids, null::timestamptz as at, b.party_size as number
from app.bookings b
join app.restaurants r on r.id = b.restaurant_id
--< booking_window
where b.id = :booking
union all
select 'status', null, null, null, null, null, s.status::text, null, s.is_confirm_target, s.holds_tables,
       s.releases_tables, null, null, null
from app.holdfast_booking_statuses s
union all
select 'move', null, null, null, null, null, m.from_status::text, m.to_status::text, null, null, null, null, null, null
from app.holdfast_status_transitions m
union all
select 'assignment', a.id, a.table_id, a.merge_group_id, a.start_at, a.end_at, a.idempotency_key, null,
       t.restaurant_id is distinct from b.restaurant_id,
       t.status in ('occupied', 'reserved') and not exists (
         select from app.allocations al
         left join app.bookings o on o.id = al.booking_id
         left join app.holdfast_booking_statuses s on s.status = o.status
         where al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id
           and not al.shadow and al."window" && pg_catalog.tstzrange(:now - limit.table_status_stale, :now, '[]')
           and s.releases_tables is distinct from true
       ),
       coalesce(a.assigned_at > :now - retention.ledger, true)
--[pruned
         and not exists (
           select from app.holdfast_pruned f where f.booking_id = a.booking_id and f.until >= a.assigned_at
         )
--]
       ,
       array[a.allocation_id], null, null
from app.booking_table_assignments a
join app.bookings b on b.id = a.booking_id
left join app.table_inventory t on t.id = a.table_id
where a.booking_id = :booking
union all
select 'allocation', al.id, al.resource_id, al.restaurant_id,
       pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), al.resource_type, null, al.shadow, null, null,
       null, null, null
from app.allocations al
where al.booking_id = :booking
union all
select 'hold', h.id, h.restaurant_id, null, h.start_at, h.end_at, null, null,
       exists (
         select from app.allocations al
         where al.resource_type = 'hold' and al.resource_id = h.id and al.booking_id = h.booking_id
       ),
       exists (
         select from app.table_hold_members m
         join app.table_inventory t on t.id = m.table_id
         where m.hold_id = h.id and t.restaurant_id <> h.restaurant_id
       ),
       null, array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
       h.expires_at, null
from app.table_holds h
where h.booking_id = :booking and h.status = 'active'
union all
select 'history', null, null, null, null, null, c.to_status::text, c.from_status::text, null, null, null, null,
       c.changed_at, null
from app.booking_state_history c
where c.booking_id = :booking
union all
-- What the replaced functions wrote does not say whether the status moved.
select 'answer', l.hold_id, null, null, pg_catalog.lower(l.assignment_window), pg_catalog.upper(l.assignment_window),
       case when l.outcome = 'confirmed' and l.request is null then 'assigned' else l.outcome end, l.idempotency_key,
--[basis
       (l.basis ? 'told_again') is true or
--]
--[outbox
       l.transaction_id is null or l.created_at < :now - interval '1 day' or exists (
         select from app.capacity_outbox o
         where o.dedupe_key = k.dedupe_key || ':' || l.transaction_id::text
            or o.dedupe_key = k.dedupe_key and o.idempotency_key = l.idempotency_key
       )
       -- Where no event is kept that was delivered before, whoever delivers them deletes them.
       or (
         select true from app.capacity_outbox o where o.status = 'done' and o.next_attempt_at <= l.created_at limit 1
       ) is null,
--|       true,
--]
       null, null, l.table_ids, l.created_at, null
from app.booking_assignment_idempotency l
cross join lateral (
  select l.booking_id::text || ':'
         || pg_catalog.to_char(pg_catalog.lower(l.assignment_window) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
         || pg_catalog.rtrim(pg_catalog.rtrim(pg_catalog.to_char(
              pg_catalog.lower(l.assignment_window) at time zone 'UTC', '.US'), '0'), '.') || 'Z:'
         || pg_catalog.to_char(pg_catalog.upper(l.assignment_window) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
         || pg_catalog.rtrim(pg_catalog.rtrim(pg_catalog.to_char(
              pg_catalog.upper(l.assignment_window) at time zone 'UTC', '.US'), '0'), '.') || 'Z:'
         || case
              when pg_catalog.cardinality(l.table_ids) > 8
                then pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.array_to_string(l.table_ids, ','), 'UTF8')), 'hex')
              else pg_catalog.array_to_string(l.table_ids, ',')
            end as dedupe_key
) k
where l.booking_id = :booking
union all
select 'rival_allocation', al.id, al.resource_id, al.booking_id,
       pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), null, null, coalesce(s.releases_tables, false),
       null, null, null, null, null
from app.bookings b
cross join lateral (
  -- Wherever the booking, its tables and its allocations say that they are: one of them may be of another restaurant.
  select a.table_id, least(a.start_at, a.end_at) as start_at, greatest(a.start_at, a.end_at) as end_at, r.id as restaurant_id
  from app.booking_table_assignments a
  left join app.table_inventory t on t.id = a.table_id
  cross join lateral (values (b.restaurant_id), (t.restaurant_id)) r (id)
  where a.booking_id = b.id
  union
  select c.resource_id, pg_catalog.lower(c."window"), pg_catalog.upper(c."window"), c.restaurant_id
  from app.allocations c where c.booking_id = b.id and c.resource_type = 'table' and not c.shadow
) m
-- One probe a table, here and below: a join would read the past, which is most of what carries a table's id.
cross join lateral (
  select x.* from app.allocations x
  where x.restaurant_id = m.restaurant_id and x.resource_type = 'table' and x.resource_id = m.table_id
    and x."window" && pg_catalog.tstzrange(m.start_at, m.end_at, '[)') and not x.shadow
  offset 0
) al
left join lateral (select x.status from app.bookings x where x.id = al.booking_id offset 0) o on true
left join app.holdfast_booking_statuses s on s.status = o.status
where b.id = :booking and al.booking_id is distinct from b.id
union all
select 'rival_assignment', a.id, a.table_id, a.booking_id, a.start_at, a.end_at, null, null,
       coalesce(s.releases_tables, false), null, null, null, null, null
from (
  select c.table_id, c.start_at, c.end_at from app.booking_table_assignments c where c.booking_id = :booking
  union
  select c.resource_id, pg_catalog.lower(c."window"), pg_catalog.upper(c."window")
  from app.allocations c where c.booking_id = :booking and c.resource_type = 'table' and not c.shadow
) m
cross join lateral (
  select x.* from app.booking_table_assignments x
  where x.table_id = m.table_id and x.end_at > m.start_at and x.start_at < m.end_at and x.booking_id <> :booking
  offset 0
) a
cross join lateral (select x.status from app.bookings x where x.id = a.booking_id offset 0) o
left join app.holdfast_booking_statuses s on s.status = o.status
union all
-- Of each answer: where its window came from, its assignments, did it ask for tables side by side, is its hold another's too.
select 'basis', null, null, null, null, null,
--[basis
       l.basis ->> 'window',
--|       null,
--]
       l.idempotency_key, l.request ->> 'require_adjacency' = 'true',
       (select true from app.table_holds h where h.id = l.hold_id and h.booking_id <> l.booking_id) is true
         or (select true from app.booking_assignment_idempotency o
             where o.booking_id = l.booking_id and o.hold_id = l.hold_id and o.idempotency_key <> l.idempotency_key
               and o.outcome in ('confirmed', 'assigned') limit 1) is true,
       l.transaction_id is not null, l.assignment_ids, null, null
from app.booking_assignment_idempotency l
where l.booking_id = :booking
union all
select 'table', t.id, null, t.zone_id, null, null, null, null, t.active,
       t.status = 'out_of_service' and (
         select true from app.allocations al
         where al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id
           and al."window" @> :now and al.is_maintenance and not al.shadow
         limit 1
       ) is null
--[out_of_service
         and (select true from app.holdfast_out_of_service o where o.table_id = t.id) is null
--]
       ,
       null, null, null, coalesce(t.max_party_size, t.capacity)
from app.table_inventory t
where t.id in (select a.table_id from app.booking_table_assignments a where a.booking_id = :booking)
union all
select 'policy', null, null, null, null, null, null, null, null, null, null, null, null, p.extra_seats
from app.bookings b
join app.holdfast_capacity_policies p on p.restaurant_id = b.restaurant_id
where b.id = :booking
--[adjacency
union all
select 'edge', null, e.table_a, e.table_b, null, null, null, null, null, null, null, null, null, null
from app.booking_table_assignments a
join app.table_adjacencies e on e.table_a = a.table_id
join app.booking_table_assignments o on o.booking_id = a.booking_id and o.table_id = e.table_b
where a.booking_id = :booking
--]
union all
-- Assignments of others on its tables that do not meet its own, and when their bookings take place.
select 'neighbour', x.id, x.table_id, x.booking_id,
       case when x.was_asked or o.start_at is null then x.start_at else o.start_at end,
       case when x.was_asked or o.start_at is null then x.end_at else o.end_at end,
       null, null, false, null, null, null, null, null
from app.booking_table_assignments m
cross join lateral (
  select y.*,
--[basis
         (select true from app.booking_assignment_idempotency l
          where l.booking_id = y.booking_id and l.idempotency_key = y.idempotency_key and l.basis ->> 'window' = 'asked'
            and pg_catalog.lower(l.assignment_window) = y.start_at and pg_catalog.upper(l.assignment_window) = y.end_at
         ) is true as was_asked
--|         false as was_asked
--]
  from app.booking_table_assignments y
  where y.table_id = m.table_id and y.booking_id <> m.booking_id and y.end_at > :now
    and not (y.end_at > m.start_at and y.start_at < m.end_at)
  offset 0
) x
cross join lateral (
  select case when w.start_at < w.end_at then w.start_at end as start_at, w.end_at
  from app.bookings b
  join app.restaurants r on r.id = b.restaurant_id
--< booking_window
  left join app.holdfast_booking_statuses s on s.status = b.status
  where b.id = x.booking_id and s.releases_tables is distinct from true and w.end_at > :now
  offset 0
) o
where m.booking_id = :booking
