-- Every live booking whose parts do not agree: one row a finding (see holdfast.findings). Live is what ends in the future;
-- the past is the audit's. Plain set-based SQL, told apart from reconcile_booking by nothing but its speed. OFFSET 0 and
-- LIMIT 1 in what follows make the planner probe an index once a row of what is live: a join would read the past.
create or replace view app.holdfast_inconsistent_bookings with (security_barrier = true) as
with recursive after_confirmation (status) as (
  -- As an array: the planner takes it for a few, and makes the recursion no table of a million statuses in advance.
  select pg_catalog.unnest(array(select s.status from app.holdfast_booking_statuses s where s.is_confirm_target))
  union
  select m.to_status from after_confirmation a join app.holdfast_status_transitions m on m.from_status = a.status
), live as materialized (
  select b.id, b.restaurant_id, b.status, b.party_size, coalesce(s.is_confirm_target, false) as is_confirm_target,
         coalesce(s.releases_tables, false) as is_over,
         w.start_at, w.end_at
  from app.bookings b
  join app.restaurants r on r.id = b.restaurant_id
--< booking_window
  left join app.holdfast_booking_statuses s on s.status = b.status
  where coalesce(b.end_at, (b.booking_date + 2)::timestamp at time zone 'UTC', 'infinity') > pg_catalog.now()
  -- So that neighbours in the indexes are asked for one after the other.
  order by b.id
), assignment as materialized (
  select a.id, a.booking_id, a.table_id, a.start_at, a.end_at, a.merge_group_id, a.idempotency_key, a.assigned_at,
         a.allocation_id, b.is_over
  from live b
  cross join lateral (select t.* from app.booking_table_assignments t where t.booking_id = b.id offset 0) a
), allocation as materialized (
  select al.id, al.booking_id, al.restaurant_id, al.resource_type, al.resource_id, al."window", al.shadow, b.is_over
  from live b
  cross join lateral (select t.* from app.allocations t where t.booking_id = b.id offset 0) al
), answer as materialized (
  select l.booking_id, l.idempotency_key, l.table_ids, l.assignment_window, l.hold_id, l.created_at, l.transaction_id,
         l.assignment_ids, l.request ->> 'require_adjacency' = 'true' as adjacent,
--[basis
         l.basis ->> 'window' as basis, (l.basis ? 'told_again') is true as told_again,
--|         null::text as basis, false as told_again,
--]
         case when l.outcome = 'confirmed' and l.request is null then 'assigned' else l.outcome end as outcome
  from live b
  cross join lateral (select t.* from app.booking_assignment_idempotency t where t.booking_id = b.id offset 0) l
), moved as materialized (
  select b.id,
         pg_catalog.max(h.changed_at) filter (where h.to_status = b.status and h.from_status is distinct from h.to_status) as reached,
         pg_catalog.max(h.changed_at) filter (where h.from_status = b.status and h.from_status <> h.to_status) as left_at,
         pg_catalog.bool_or(h.from_status is distinct from h.to_status) as moved
  from live b
  cross join lateral (select t.* from app.booking_state_history t where t.booking_id = b.id offset 0) h
  group by b.id
), open_hold as materialized (
  select h.id, h.booking_id, h.restaurant_id, h.start_at, h.end_at, h.expires_at,
         h.start_at is null or h.end_at is null or h.start_at >= h.end_at
           or not pg_catalog.isfinite(h.start_at) or not pg_catalog.isfinite(h.end_at) as windowless
  from app.table_holds h where h.status = 'active'
), hold_finding as (
  select h.booking_id, h.restaurant_id, h.id,
         case
           when h.windowless then 'hold_without_window'
           when answered.id is not null then 'hold_open_after_confirmation'
           when mirror.id is null and member.id is not null and waiting.is_so is null then 'hold_open_after_confirmation'
           when h.expires_at < pg_catalog.now() - limit.hold_overdue then 'hold_past_deadline'
           when member.id is null then 'hold_without_tables'
           when h.expires_at > greatest(h.end_at, pg_catalog.now() + limit.hold_longest) then 'hold_deadline_absurd'
         end as finding
  from open_hold h
  left join lateral (
    select l.hold_id as id from app.booking_assignment_idempotency l
    where l.booking_id = h.booking_id and l.hold_id = h.id and l.outcome in ('confirmed', 'assigned') limit 1
  ) answered on true
  left join lateral (
    select al.id from app.allocations al
    where al.booking_id = h.booking_id and al.resource_type = 'hold' and al.resource_id = h.id limit 1
  ) mirror on true
  left join lateral (
    select m.hold_id as id from app.table_hold_members m where m.hold_id = h.id limit 1
  ) member on true
  -- A table of it that its booking does not have in its window.
  left join lateral (
    select true as is_so from app.table_hold_members m
    left join app.booking_table_assignments a
      on a.booking_id = h.booking_id and a.table_id = m.table_id and a.start_at = h.start_at and a.end_at = h.end_at
    where m.hold_id = h.id and a.id is null limit 1
  ) waiting on true
), taken as materialized (
  -- One stretch a booking and table: a first look for those that could meet.
  select t.booking_id, t.table_id, t.start_at, t.end_at,
         pg_catalog.max(t.end_at) over (
           partition by t.table_id order by t.start_at, t.end_at rows between unbounded preceding and 1 preceding
         ) > t.start_at or pg_catalog.lead(t.start_at) over (partition by t.table_id order by t.start_at, t.end_at) < t.end_at
           as meets
  from (
    select u.booking_id, u.table_id, pg_catalog.min(u.start_at) as start_at, pg_catalog.max(u.end_at) as end_at
    from (
      select s.booking_id, s.table_id, s.start_at, s.end_at from assignment s where not s.is_over
      union all
      select c.booking_id, c.resource_id, pg_catalog.lower(c."window"), pg_catalog.upper(c."window")
      from allocation c where c.resource_type = 'table' and not c.shadow and not c.is_over
      union all
      select null, al.resource_id, pg_catalog.lower(al."window"), pg_catalog.upper(al."window")
      from app.allocations al
      where al.booking_id is null and al.resource_type = 'table' and not al.shadow and pg_catalog.upper(al."window") > pg_catalog.now()
    ) u
    group by u.booking_id, u.table_id, case when u.booking_id is null then u.start_at end
  ) t
), meeting as materialized (
  select distinct t.table_id, t.booking_id from taken t where t.meets
), stretch as materialized (
  select s.id, s.booking_id, s.table_id, s.start_at, s.end_at, false as is_allocation
  from meeting m join assignment s on s.table_id = m.table_id and s.booking_id = m.booking_id where not s.is_over
  union all
  select c.id, c.booking_id, c.resource_id, pg_catalog.lower(c."window"), pg_catalog.upper(c."window"), true
  from meeting m join allocation c on c.resource_id = m.table_id and c.booking_id = m.booking_id
  where c.resource_type = 'table' and not c.shadow and not c.is_over
  union all
  select al.id, al.booking_id, al.resource_id, pg_catalog.lower(al."window"), pg_catalog.upper(al."window"), true
  from meeting m join app.allocations al on al.resource_id = m.table_id
  where m.booking_id is null and al.booking_id is null and al.resource_type = 'table' and not al.shadow
), member as materialized (
  select g.booking_id, g.group_id, pg_catalog.sum(g.assignments) as assignments, pg_catalog.sum(g.allocations) as allocations
  from (
    select s.booking_id, s.merge_group_id as group_id, 1 as assignments, 0 as allocations
    from assignment s where s.merge_group_id is not null and not s.is_over
    union all
    select c.booking_id, c.resource_id, 0, 1 from allocation c where c.resource_type = 'merge_group' and not c.is_over
  ) g
  group by g.booking_id, g.group_id
), going as materialized (
  select b.* from live b where not b.is_over and b.start_at < b.end_at and b.end_at > pg_catalog.now()
), placed as materialized (
  -- The number of seats is read from the whole row, so that the view does not stand in the way of a change of its type.
  select s.id, s.booking_id, s.table_id, b.is_confirm_target, b.party_size, b.restaurant_id, t.zone_id, t.active,
         coalesce(pg_catalog.to_jsonb(t) ->> 'max_party_size', pg_catalog.to_jsonb(t) ->> 'capacity')::bigint as seats,
         t.status = 'out_of_service' as out_of_service
  from going b join assignment s on s.booking_id = b.id join app.table_inventory t on t.id = s.table_id
), booked as materialized (
  -- When a booking takes place at a table: its own time, but where another window was asked for.
  select s.id, s.booking_id, s.table_id, s.start_at, s.end_at,
         case when l.booking_id is null then b.start_at else s.start_at end as from_at,
         case when l.booking_id is null then b.end_at else s.end_at end as until_at
  from going b join assignment s on s.booking_id = b.id
  left join answer l on l.booking_id = s.booking_id and l.idempotency_key = s.idempotency_key and l.basis = 'asked'
    and pg_catalog.lower(l.assignment_window) = s.start_at and pg_catalog.upper(l.assignment_window) = s.end_at
), crowded as materialized (
  select distinct c.table_id
  from (
    select k.table_id, k.from_at,
           pg_catalog.max(k.until_at) over (
             partition by k.table_id order by k.from_at rows between unbounded preceding and 1 preceding
           ) as taken_until
    from booked k
  ) c
  where c.taken_until > c.from_at
--[adjacency
), joined as materialized (
  select p.booking_id, p.table_id from (
    select distinct on (l.booking_id) l.booking_id, l.adjacent
    from answer l where l.outcome in ('confirmed', 'assigned') order by l.booking_id, l.created_at desc
  ) l
  join placed p on p.booking_id = l.booking_id where l.adjacent
), reached (booking_id, table_id) as (
  select j.booking_id, (pg_catalog.array_agg(j.table_id order by j.table_id))[1] from joined j group by j.booking_id
  union
  select r.booking_id, j.table_id
  from reached r
  join joined j on j.booking_id = r.booking_id
  where exists (
    select from app.table_adjacencies e
    where e.table_a = r.table_id and e.table_b = j.table_id or e.table_a = j.table_id and e.table_b = r.table_id
  )
--]
), finding (booking_id, restaurant_id, finding, related_table, related_id) as (
  select distinct o.booking_id, null::uuid, 'bookings_overlap', 'booking_table_assignments', r.id::text
  from crowded c
  join booked o on o.table_id = c.table_id
  join booked r on r.table_id = o.table_id and r.booking_id <> o.booking_id and r.from_at < o.until_at and o.from_at < r.until_at
  where r.end_at > pg_catalog.now() and not (r.start_at < o.end_at and o.start_at < r.end_at)
  union all
  select p.booking_id, null, case when p.active then 'table_out_of_service' else 'table_inactive' end,
         'booking_table_assignments', p.id::text
  from placed p
  where not p.active or (p.out_of_service
--[out_of_service
    and (select true from app.holdfast_out_of_service o where o.table_id = p.table_id) is null
--]
    and (
      select true from app.allocations al
      where al.restaurant_id = p.restaurant_id and al.resource_type = 'table' and al.resource_id = p.table_id
        and al."window" @> pg_catalog.now() and al.is_maintenance and not al.shadow limit 1
    ) is null)
  union all
  select g.booking_id, null, 'party_exceeds_tables', 'bookings', g.booking_id::text
  from (
    select p.booking_id, p.restaurant_id, p.party_size, pg_catalog.sum(p.seats) as seats
    from placed p where p.is_confirm_target group by p.booking_id, p.restaurant_id, p.party_size
  ) g
  left join app.holdfast_capacity_policies c on c.restaurant_id = g.restaurant_id
  where g.party_size > g.seats + coalesce(c.extra_seats, 0)
  union all
  select p.booking_id, null, 'tables_in_two_zones', 'bookings', p.booking_id::text
  from placed p group by p.booking_id
  having pg_catalog.count(distinct p.zone_id) > 1 or pg_catalog.bool_or(p.zone_id is null)
--[adjacency
  union all
  select distinct j.booking_id, null::uuid, 'tables_not_adjacent', 'bookings', j.booking_id::text
  from joined j left join reached r on r.booking_id = j.booking_id and r.table_id = j.table_id
  where r.table_id is null
--]
  union all
  select l.booking_id, null, 'hold_consumed_twice', 'booking_assignment_idempotency', l.idempotency_key
  from (
    select a.booking_id, a.idempotency_key, a.hold_id, pg_catalog.count(*) over (partition by a.booking_id, a.hold_id) as times
    from answer a where a.outcome in ('confirmed', 'assigned') and a.hold_id is not null
  ) l
  where l.times > 1 or (select true from app.table_holds h where h.id = l.hold_id and h.booking_id <> l.booking_id)
  union all
  select distinct s.booking_id, null::uuid, case when s.idempotency_key is null then 'key_lost' else 'allocation_lost' end,
         'booking_table_assignments', s.id::text
  from assignment s
  join answer l on l.booking_id = s.booking_id and l.transaction_id is not null and l.outcome in ('confirmed', 'assigned')
    and s.id = any (l.assignment_ids)
  left join allocation c on c.booking_id = s.booking_id and c.resource_type = 'table' and c.resource_id = s.table_id and not c.shadow
  where not s.is_over and (s.idempotency_key is null or c.id <> s.allocation_id or c.id is not null and s.allocation_id is null)
  union all
  select distinct o.booking_id, null::uuid, 'double_booked',
         case when r.is_allocation then 'allocations' else 'booking_table_assignments' end, r.id::text
  from stretch o
  join stretch r on r.table_id = o.table_id and r.start_at < o.end_at and o.start_at < r.end_at
    and r.booking_id is distinct from o.booking_id
  where o.booking_id is not null
  union all
  select s.booking_id, null, 'other_tenant', 'booking_table_assignments', s.id::text
  from assignment s join live b on b.id = s.booking_id join app.table_inventory t on t.id = s.table_id
  where t.restaurant_id <> b.restaurant_id
  union all
  select c.booking_id, null, 'other_tenant', 'allocations', c.id::text
  from allocation c join live b on b.id = c.booking_id
  where c.restaurant_id <> b.restaurant_id
  union all
  select h.booking_id, h.restaurant_id, 'other_tenant', 'table_holds', h.id::text
  from open_hold h
  cross join lateral (select x.restaurant_id from app.bookings x where x.id = h.booking_id offset 0) b
  where h.restaurant_id <> b.restaurant_id or exists (
    select from app.table_hold_members m join app.table_inventory t on t.id = m.table_id
    where m.hold_id = h.id and t.restaurant_id <> h.restaurant_id
  )
  union all
  select distinct s.booking_id, null::uuid,
         case when l.outcome is null then 'answer_missing' else 'fenced_key_used' end, 'bookings', s.booking_id::text
  from assignment s
  left join answer l on l.booking_id = s.booking_id and l.idempotency_key = s.idempotency_key
  where s.idempotency_key is not null and not s.is_over
    and coalesce(s.assigned_at > pg_catalog.now() - retention.ledger, true)
    and (l.outcome is null or l.outcome not in ('confirmed', 'assigned'))
--[pruned
    and not exists (
      select from app.holdfast_pruned f where f.booking_id = s.booking_id and f.until >= s.assigned_at
    )
--]
  union all
  select b.id, null, 'confirmed_without_tables', 'bookings', b.id::text
  from live b left join assignment s on s.booking_id = b.id
  where b.is_confirm_target and s.id is null
    -- A house that seats later says so. Asked of the row, so that the view keeps no column of it from anybody.
    and not exists (
      select from app.holdfast_booking_statuses r
      where r.status = b.status and pg_catalog.to_jsonb(r) @> '{"needs_tables": false}'
    )
  union all
  select s.booking_id, null,
         case when c.id is null then 'assignment_without_allocation' else 'window_differs_from_allocation' end,
         'booking_table_assignments', s.id::text
  from assignment s
  left join allocation c
    on c.booking_id = s.booking_id and c.resource_type = 'table' and c.resource_id = s.table_id and not c.shadow
  where not s.is_over and (c.id is null or s.start_at is distinct from pg_catalog.lower(c."window")
    or s.end_at is distinct from pg_catalog.upper(c."window"))
  union all
  select c.booking_id, null,
         case when c.is_over then 'allocation_of_ended_booking' else 'allocation_without_assignment' end, 'allocations', c.id::text
  from allocation c
  left join assignment s on s.booking_id = c.booking_id and s.table_id = c.resource_id and not s.is_over
  where c.resource_type = 'table' and not c.shadow and s.id is null
    and (not c.is_over or coalesce(pg_catalog.upper(c."window"), 'infinity') > pg_catalog.now())
  union all
  select s.booking_id, null,
         case when s.start_at >= b.end_at or b.start_at >= s.end_at then 'window_outside_booking'
              when l.booking_id is not null then 'window_left_behind'
              else 'window_differs_from_booking' end,
         'booking_table_assignments', s.id::text
  from assignment s join live b on b.id = s.booking_id
  left join answer l on l.booking_id = s.booking_id and l.idempotency_key = s.idempotency_key and l.basis = 'derived'
    and pg_catalog.lower(l.assignment_window) = s.start_at and pg_catalog.upper(l.assignment_window) = s.end_at
  where not s.is_over and s.start_at < s.end_at and b.start_at < b.end_at and (s.start_at <> b.start_at or s.end_at <> b.end_at)
  union all
  select b.id, null, 'ledger_says_confirmed', 'bookings', b.id::text
  from live b
  join (
    select a.booking_id, pg_catalog.max(a.created_at) as created_at
    from answer a where a.outcome = 'confirmed' group by a.booking_id
  ) l on l.booking_id = b.id
  left join lateral (
    select h.booking_id from app.booking_state_history h
    where h.booking_id = b.id and h.changed_at > l.created_at and h.to_status = b.status limit 1
  ) h on true
  where b.status not in (select a.status from after_confirmation a) and h.booking_id is null
  union all
  select m.id, null, 'history_differs', 'bookings', m.id::text
  from moved m where m.moved and (m.reached is null or m.left_at > m.reached)
  union all
  select distinct l.booking_id, null::uuid, 'history_differs', 'bookings', l.booking_id::text
  from answer l join assignment s on s.booking_id = l.booking_id and s.idempotency_key = l.idempotency_key
  left join moved m on m.id = l.booking_id
  where l.outcome = 'confirmed' and m.id is null
--[outbox
  union all
  select l.booking_id, null, 'event_missing', 'booking_assignment_idempotency', l.idempotency_key
  from (
    select l.*, l.booking_id::text
           || ':' || pg_catalog.to_char(pg_catalog.lower(l.assignment_window) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || pg_catalog.rtrim(pg_catalog.rtrim(pg_catalog.to_char(
                pg_catalog.lower(l.assignment_window) at time zone 'UTC', '.US'), '0'), '.')
           || 'Z:' || pg_catalog.to_char(pg_catalog.upper(l.assignment_window) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || pg_catalog.rtrim(pg_catalog.rtrim(pg_catalog.to_char(
                pg_catalog.upper(l.assignment_window) at time zone 'UTC', '.US'), '0'), '.')
           || 'Z:' || case
             when pg_catalog.cardinality(l.table_ids) > 8
               then pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(pg_catalog.array_to_string(l.table_ids, ','), 'UTF8')), 'hex')
             else pg_catalog.array_to_string(l.table_ids, ',')
           end as dedupe_key
    from answer l
    where l.outcome in ('confirmed', 'assigned') and l.transaction_id is not null
      and l.created_at > pg_catalog.now() - interval '1 day'
      -- Where no event is kept that was delivered before, whoever delivers them deletes them.
      and l.created_at >= (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'done')
  ) l
  -- The second is asked of those that the first does not know.
  left join lateral (
    select true as is_so from app.capacity_outbox o
    where o.dedupe_key = l.dedupe_key || ':' || l.transaction_id::text limit 1
  ) told on true
  left join lateral (
    select true as is_so from app.capacity_outbox o
    where told.is_so is null and o.dedupe_key = l.dedupe_key and o.idempotency_key = l.idempotency_key limit 1
  ) told_first on true
  where told.is_so is null and told_first.is_so is null and not l.told_again
--]
  union all
  select h.booking_id, h.restaurant_id, h.finding, 'table_holds', h.id::text from hold_finding h where h.finding is not null
  union all
  select c.booking_id, c.restaurant_id, 'mirror_without_hold', 'allocations', c.id::text
  from (
    select c.booking_id, c.restaurant_id, c.id, c.resource_id from allocation c where c.resource_type = 'hold'
    union all
    select null, al.restaurant_id, al.id, al.resource_id from app.allocations al
    where al.booking_id is null and al.resource_type = 'hold'
  ) c
  where not exists (select from open_hold h where h.id = c.resource_id)
  union all
  select m.booking_id, null, case when m.assignments < 2 then 'merge_group_incomplete' else 'merge_group_without_allocation' end,
         case when m.allocations > 0 then 'allocations' else 'booking_table_assignments' end, m.group_id::text
  from member m where m.assignments < 2 or m.allocations = 0
  union all
  select null, t.restaurant_id, 'table_status_unexplained', 'table_inventory', t.id::text
  from app.table_inventory t
  left join lateral (
    select al.id from app.allocations al
    left join app.bookings o on o.id = al.booking_id
    left join app.holdfast_booking_statuses s on s.status = o.status
    where al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id and not al.shadow
      and al."window" && pg_catalog.tstzrange(pg_catalog.now() - limit.table_status_stale, pg_catalog.now(), '[]')
      and s.releases_tables is distinct from true
    limit 1
  ) reason on true
  where t.status in ('occupied', 'reserved') and reason.id is null
), catalogue (finding, severity, promise) as (
  values ('double_booked', 'critical', 'G2'), ('other_tenant', 'critical', 'G9'), ('fenced_key_used', 'critical', 'G5'),
    ('confirmed_without_tables', 'critical', 'G1'), ('assignment_without_allocation', 'error', 'G1'),
    ('allocation_without_assignment', 'error', 'G1'), ('window_differs_from_allocation', 'error', 'G1'),
    ('window_outside_booking', 'error', 'G1'), ('window_differs_from_booking', 'info', 'G1'),
    ('ledger_says_confirmed', 'error', 'G4'), ('answer_missing', 'warning', 'G3'), ('history_differs', 'warning', 'G1'),
    ('event_missing', 'error', 'G1'), ('hold_open_after_confirmation', 'warning', 'G1'),
    ('hold_without_window', 'warning', 'G7'), ('hold_past_deadline', 'info', 'G7'), ('mirror_without_hold', 'info', 'G7'),
    ('allocation_of_ended_booking', 'info', 'G7'), ('merge_group_incomplete', 'warning', 'G1'),
    ('merge_group_without_allocation', 'warning', 'G1'), ('table_status_unexplained', 'info', 'G7'),
    ('window_left_behind', 'error', 'G1'), ('bookings_overlap', 'critical', 'G2'), ('party_exceeds_tables', 'error', 'G1'),
    ('table_inactive', 'error', 'G1'), ('table_out_of_service', 'error', 'G1'), ('tables_in_two_zones', 'error', 'G1'),
    ('tables_not_adjacent', 'error', 'G1'), ('hold_consumed_twice', 'critical', 'G3'), ('hold_without_tables', 'warning', 'G7'),
    ('hold_deadline_absurd', 'warning', 'G7'), ('key_lost', 'warning', 'G3'), ('allocation_lost', 'warning', 'G1')
)
select f.booking_id, coalesce(f.restaurant_id, b.restaurant_id) as restaurant_id, b.status::text as booking_state,
       f.finding, c.severity, c.promise, f.related_table, f.related_id
from finding f
join catalogue c on c.finding = f.finding
left join lateral (select x.restaurant_id, x.status from app.bookings x where x.id = f.booking_id offset 0) b on true;

comment on view app.holdfast_inconsistent_bookings is
  'The query behind holdfast_reconciliation, for its owner; read that one.';
