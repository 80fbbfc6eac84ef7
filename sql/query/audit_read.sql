-- Every promise against every row, in one snapshot, as of now: one row a check, one row a table that was counted,
-- one row for the snapshot itself.
with recursive after_confirmation (status) as (
  -- As an array: the planner takes it for a few, and makes the recursion no table of a million statuses in advance.
  select pg_catalog.unnest(array(select s.status from app.holdfast_booking_statuses s where s.is_confirm_target))
  union
  select m.to_status from after_confirmation a join app.holdfast_status_transitions m on m.from_status = a.status
), booking as materialized (
  select b.id, b.restaurant_id, b.status, b.party_size, coalesce(s.is_confirm_target, false) and not p.is_past as is_target,
         coalesce(s.releases_tables, false) or p.is_past as is_over, p.is_past,
         w.start_at, w.end_at
  from app.bookings b
  join app.restaurants r on r.id = b.restaurant_id
--< booking_window
  left join app.holdfast_booking_statuses s on s.status = b.status
  -- What was over before the schema was attached, and has no answer of ours, is not ours to judge.
  cross join lateral (
--[attached_at
    select (select true from app.holdfast_booking_scans c where w.end_at <= c.attached_at) is true and not exists (
      select from app.booking_assignment_idempotency l where l.booking_id = b.id and l.transaction_id is not null
    ) as is_past
--|    select false as is_past
--]
  ) p
), answer as materialized (
  select l.booking_id, l.idempotency_key, l.table_ids, l.assignment_window, l.refusal, l.hold_id, l.created_at, l.transaction_id,
         l.outcome in ('confirmed', 'assigned') as success, l.outcome = 'confirmed' and l.request is not null as confirmed,
--[basis
         l.basis ->> 'window' as basis, (l.basis ? 'told_again') is true as told_again,
--|         null::text as basis, false as told_again,
--]
         l.assignment_ids, l.request ->> 'require_adjacency' = 'true' as adjacent
  from app.booking_assignment_idempotency l
), going as materialized (
  select b.* from booking b where not b.is_over and b.start_at < b.end_at and b.end_at > :now
), placed as materialized (
  select a.id, a.booking_id, a.table_id, a.start_at, a.end_at, b.start_at as from_at, b.end_at as until_at, b.is_target,
         b.party_size, b.restaurant_id, l.basis, t.zone_id, t.active, coalesce(t.max_party_size, t.capacity) as seats,
         t.status = 'out_of_service' as out_of_service
  from going b
  join app.booking_table_assignments a on a.booking_id = b.id
  join app.table_inventory t on t.id = a.table_id
  left join answer l on l.booking_id = a.booking_id and l.idempotency_key = a.idempotency_key and l.success
    and pg_catalog.lower(l.assignment_window) = a.start_at and pg_catalog.upper(l.assignment_window) = a.end_at
--[adjacency
), joined as materialized (
  select p.booking_id, p.table_id
  from (
    select distinct on (l.booking_id) l.booking_id, l.adjacent
    from answer l where l.success order by l.booking_id, l.created_at desc
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
), check_list (promise, name, notice) as (
  values ('G1', 'confirmed_with_tables', false), ('G1', 'assignments_allocated', false), ('G1', 'allocations_assigned', false),
    ('G1', 'windows_meet', false), ('G1', 'windows_as_booked', true), ('G1', 'groups_whole', false),
    ('G1', 'history_ends_with_status', false), ('G1', 'answers_stand', false), ('G1', 'holds_consumed', false),
    ('G1', 'events_told', false), ('G2', 'tables_apart', false), ('G3', 'keys_once', false), ('G3', 'keys_answered', false),
    ('G4', 'answers_whole', false), ('G5', 'fences_hold', false), ('G6', 'holds_in_time', false),
    ('G7', 'allocations_owned', false), ('G7', 'assignments_owned', false), ('G7', 'holds_closed', false),
    ('G7', 'allocations_released', true), ('G7', 'table_status_explained', true), ('G8', 'moves_declared', false),
    ('G9', 'tenants_apart', false), ('G1', 'windows_follow', false), ('G2', 'bookings_apart', false),
    ('G1', 'parties_fit', false), ('G1', 'tables_usable', false), ('G1', 'tables_together', false),
    ('G3', 'holds_consumed_once', false), ('G7', 'holds_whole', false), ('G3', 'keys_kept', false),
    ('G1', 'allocations_named', false)
), fact (name, id, bad) as (
  select 'confirmed_with_tables', b.id::text,
         not exists (select from app.booking_table_assignments a where a.booking_id = b.id)
  from booking b where b.is_target
    -- A house that seats later says so; a schema that was attached before may lack the column.
    and not exists (
      select from app.holdfast_booking_statuses s
      where s.status = b.status and pg_catalog.to_jsonb(s) @> '{"needs_tables": false}'
    )
  union all
  select 'assignments_allocated', a.id::text, not exists (
    select from app.allocations al
    where al.booking_id = a.booking_id and al.resource_type = 'table' and al.resource_id = a.table_id and not al.shadow
      and pg_catalog.lower(al."window") = a.start_at and pg_catalog.upper(al."window") = a.end_at
  )
  from booking b join app.booking_table_assignments a on a.booking_id = b.id where not b.is_over
  union all
  select 'allocations_assigned', al.id::text, not exists (
    select from app.booking_table_assignments a where a.booking_id = al.booking_id and a.table_id = al.resource_id
  )
  from booking b join app.allocations al on al.booking_id = b.id
  where al.resource_type = 'table' and not al.shadow and not b.is_over
  union all
  select 'windows_meet', a.id::text, not (a.start_at < b.end_at and b.start_at < a.end_at)
  from booking b join app.booking_table_assignments a on a.booking_id = b.id
  where not b.is_over and b.start_at < b.end_at and a.start_at < a.end_at
  union all
  select 'windows_as_booked', a.id::text, a.start_at <> b.start_at or a.end_at <> b.end_at
  from booking b join app.booking_table_assignments a on a.booking_id = b.id
  where not b.is_over and a.start_at < b.end_at and b.start_at < a.end_at
  union all
  select 'windows_follow', p.id::text, p.start_at <> p.from_at or p.end_at <> p.until_at
  from placed p where p.basis = 'derived'
  union all
  -- When a booking takes place at a table: its own time, but where another window was asked for.
  select 'bookings_apart', c.id::text, coalesce(c.taken_until > c.from_at, false) or coalesce(c.next_from < c.until_at, false)
  from (
    select k.id, k.from_at, k.until_at,
           pg_catalog.max(k.until_at) over (
             partition by k.table_id order by k.from_at, k.id rows between unbounded preceding and 1 preceding
           ) as taken_until,
           pg_catalog.lead(k.from_at) over (partition by k.table_id order by k.from_at, k.id) as next_from
    from (
      select p.id, p.table_id, case when p.basis = 'asked' then p.start_at else p.from_at end as from_at,
             case when p.basis = 'asked' then p.end_at else p.until_at end as until_at
      from placed p
    ) k
  ) c
  union all
  select 'parties_fit', g.booking_id::text, g.party_size > g.seats + coalesce(c.extra_seats, 0)
  from (
    select p.booking_id, p.restaurant_id, p.party_size, pg_catalog.sum(p.seats) as seats
    from placed p where p.is_target group by p.booking_id, p.restaurant_id, p.party_size
  ) g
  left join app.holdfast_capacity_policies c on c.restaurant_id = g.restaurant_id
  union all
  select 'tables_usable', p.id::text, not p.active or (p.out_of_service
--[out_of_service
    and not exists (select from app.holdfast_out_of_service o where o.table_id = p.table_id)
--]
    and not exists (
      select from app.allocations al
      where al.restaurant_id = p.restaurant_id and al.resource_type = 'table' and al.resource_id = p.table_id
        and al."window" @> :now and al.is_maintenance and not al.shadow
    ))
  from placed p
  union all
  select 'tables_together', p.booking_id::text, pg_catalog.count(distinct p.zone_id) > 1 or pg_catalog.bool_or(p.zone_id is null)
--[adjacency
         or pg_catalog.bool_or(j.booking_id is not null and r.booking_id is null)
--]
  from placed p
--[adjacency
  left join joined j on j.booking_id = p.booking_id and j.table_id = p.table_id
  left join reached r on r.booking_id = p.booking_id and r.table_id = p.table_id
--]
  group by p.booking_id
  union all
  select 'holds_consumed_once', l.booking_id::text || ' ' || l.idempotency_key,
         pg_catalog.count(*) over (partition by l.hold_id) > 1
  from answer l where l.success and l.hold_id is not null
  union all
  select 'holds_whole', h.id::text, h.expires_at > greatest(h.end_at, :now + limit.hold_longest) or not exists (
    select from app.table_hold_members m where m.hold_id = h.id
  )
  from app.table_holds h where h.status = 'active'
  union all
  select 'keys_kept', a.id::text, a.idempotency_key is null
  from booking b
  join app.booking_table_assignments a on a.booking_id = b.id
  where not b.is_over and exists (
    select from app.booking_assignment_idempotency l
    where l.booking_id = a.booking_id and l.transaction_id is not null and l.outcome in ('confirmed', 'assigned')
      and a.id = any (l.assignment_ids)
  )
  union all
  select 'allocations_named', a.id::text, a.allocation_id is distinct from al.id
  from booking b
  join app.booking_table_assignments a on a.booking_id = b.id
  join app.allocations al
    on al.booking_id = b.id and al.resource_type = 'table' and al.resource_id = a.table_id and not al.shadow
  where not b.is_over and exists (
    select from app.booking_assignment_idempotency l
    where l.booking_id = a.booking_id and l.transaction_id is not null and l.outcome in ('confirmed', 'assigned')
      and a.id = any (l.assignment_ids)
  )
  union all
  select 'groups_whole', g.group_id::text, pg_catalog.sum(g.assignments) < 2 or pg_catalog.sum(g.allocations) = 0
  from (
    select b.id, a.merge_group_id as group_id, 1 as assignments, 0 as allocations
    from booking b join app.booking_table_assignments a on a.booking_id = b.id
    where a.merge_group_id is not null and not b.is_over
    union all
    select b.id, al.resource_id, 0, 1
    from booking b join app.allocations al on al.booking_id = b.id
    where al.resource_type = 'merge_group' and not b.is_over
  ) g
  group by g.id, g.group_id
  union all
  select 'history_ends_with_status', m.id::text, m.reached is null or m.left_at > m.reached
  from (
    select b.id, pg_catalog.max(h.changed_at) filter (where h.to_status = b.status) as reached,
           pg_catalog.max(h.changed_at) filter (where h.from_status = b.status) as left_at
    from booking b join app.booking_state_history h on h.booking_id = b.id
    where h.from_status is distinct from h.to_status and not b.is_past
    group by b.id
  ) m
  union all
  -- A confirm that gave tables has an entry of the history.
  select 'history_ends_with_status', b.id::text, true
  from booking b
  where not b.is_past and not exists (select from app.booking_state_history h where h.booking_id = b.id) and exists (
    select from answer l
    join app.booking_table_assignments a on a.booking_id = l.booking_id and a.idempotency_key = l.idempotency_key
    where l.booking_id = b.id and l.confirmed
  )
  union all
  select 'answers_stand', b.id::text, b.status not in (select a.status from after_confirmation a) and not exists (
    select from app.booking_state_history h
    where h.booking_id = b.id and h.changed_at > l.last_at and h.to_status = b.status
  )
  from booking b
  join (select l.booking_id, pg_catalog.max(l.created_at) as last_at from answer l where l.confirmed group by l.booking_id) l
    on l.booking_id = b.id
  union all
  select 'holds_consumed', h.id::text,
         exists (select from answer l where l.booking_id = h.booking_id and l.hold_id = h.id and l.success)
  from app.table_holds h where h.status = 'active'
--[outbox
  union all
  select 'events_told', l.booking_id::text || ' ' || l.idempotency_key, not exists (
    select from app.capacity_outbox o
    where o.dedupe_key = l.dedupe_key || ':' || l.transaction_id::text
       or o.dedupe_key = l.dedupe_key and o.idempotency_key = l.idempotency_key
  ) and not l.told_again
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
    where l.success and l.transaction_id is not null and l.created_at > :now - interval '1 day'
      -- Where no event is kept that was delivered before, whoever delivers them deletes them.
      and l.created_at >= (select pg_catalog.min(o.next_attempt_at) from app.capacity_outbox o where o.status = 'done')
  ) l
--]
  union all
  select 'tables_apart', c.id::text, coalesce(c.taken_until > c.start_at, false) or coalesce(c.next_from < c.end_at, false)
  from (
    select al.id, pg_catalog.lower(al."window") as start_at, pg_catalog.upper(al."window") as end_at,
           pg_catalog.max(pg_catalog.upper(al."window")) over (
             partition by al.resource_id order by al."window" rows between unbounded preceding and 1 preceding
           ) as taken_until,
           pg_catalog.lead(pg_catalog.lower(al."window")) over (partition by al.resource_id order by al."window") as next_from
    from app.allocations al
    left join booking b on b.id = al.booking_id
    where al.resource_type = 'table' and not al.shadow and b.is_over is distinct from true
  ) c
  union all
  select 'keys_once', l.booking_id::text || ' ' || l.idempotency_key,
         pg_catalog.row_number() over (partition by l.booking_id, l.idempotency_key) > 1
  from answer l
  union all
  select 'keys_answered', a.id::text, not exists (
    select from answer l where l.booking_id = a.booking_id and l.idempotency_key = a.idempotency_key
  )
  from booking b join app.booking_table_assignments a on a.booking_id = b.id
  where a.idempotency_key is not null and not b.is_over and coalesce(a.assigned_at > :now - retention.ledger, true)
--[pruned
    and not exists (
      select from app.holdfast_pruned f where f.booking_id = a.booking_id and f.until >= a.assigned_at
    )
--]
  union all
  select 'answers_whole', l.booking_id::text || ' ' || l.idempotency_key,
         pg_catalog.cardinality(l.table_ids) = 0 or pg_catalog.isempty(l.assignment_window) or l.refusal is not null
  from answer l where l.success
  union all
  select 'fences_hold', l.booking_id::text || ' ' || l.idempotency_key, exists (
    select from app.booking_table_assignments a
    where a.booking_id = l.booking_id and a.idempotency_key = l.idempotency_key
  )
  from answer l where not l.success
  union all
  select 'holds_in_time', h.id::text, l.created_at >= h.expires_at + limit.hold_grace
  from answer l join app.table_holds h on h.id = l.hold_id where l.success
  union all
  select 'allocations_owned', al.id::text,
         al.booking_id is not null and b.id is null
         or al.booking_id is null and not al.is_maintenance and al.resource_type <> 'hold' and not al.shadow
         or al.resource_type = 'hold' and not exists (
           select from app.table_holds h where h.id = al.resource_id and h.status = 'active'
         )
  from app.allocations al left join app.bookings b on b.id = al.booking_id
  union all
  select 'assignments_owned', a.id::text, b.id is null
  from app.booking_table_assignments a left join app.bookings b on b.id = a.booking_id
  union all
  select 'holds_closed', h.id::text,
         h.expires_at < :now - limit.hold_overdue or h.start_at is null or h.end_at is null or h.start_at >= h.end_at
  from app.table_holds h where h.status = 'active'
  union all
  select 'allocations_released', al.id::text, pg_catalog.upper(al."window") > :now
  from booking b join app.allocations al on al.booking_id = b.id
  where b.is_over and not b.is_past and al.resource_type = 'table' and not al.shadow
  union all
  select 'table_status_explained', t.id::text, not exists (
    select from app.allocations al left join booking b on b.id = al.booking_id
    where al.restaurant_id = t.restaurant_id and al.resource_type = 'table' and al.resource_id = t.id and not al.shadow
      and al."window" && pg_catalog.tstzrange(:now - limit.table_status_stale, :now, '[]') and b.is_over is distinct from true
  )
  from app.table_inventory t where t.status in ('occupied', 'reserved')
  union all
  -- What a repair recorded was done by somebody else; what was undone goes back the way it came.
  select 'moves_declared', h.booking_id::text, not exists (
    select from app.holdfast_status_transitions m where m.from_status = h.from_status and m.to_status = h.to_status
  )
  from app.booking_state_history h
  where h.from_status <> h.to_status and h.reason is distinct from 'reconciliation'
--[attached_at
    and h.changed_at >= coalesce((select c.attached_at from app.holdfast_booking_scans c), '-infinity')
--]
--[history_metadata
    and not coalesce(h.metadata ? 'undoneKey', false)
  -- A history without metadata does not say so: what goes back along a declared move may have been undone.
--|    and not exists (
--|      select from app.holdfast_status_transitions m where m.from_status = h.to_status and m.to_status = h.from_status
--|    )
--]
  union all
  select 'tenants_apart', a.id::text, t.restaurant_id <> b.restaurant_id
  from booking b join app.booking_table_assignments a on a.booking_id = b.id join app.table_inventory t on t.id = a.table_id
  union all
  select 'tenants_apart', al.id::text, al.restaurant_id <> b.restaurant_id
  from booking b join app.allocations al on al.booking_id = b.id
  union all
  select 'tenants_apart', h.id::text, h.restaurant_id <> b.restaurant_id
  from booking b join app.table_holds h on h.booking_id = b.id
  union all
  select 'tenants_apart', h.id::text, t.restaurant_id <> h.restaurant_id
  from app.table_holds h join app.table_hold_members m on m.hold_id = h.id join app.table_inventory t on t.id = m.table_id
)
select 'check' as kind, c.promise, c.name, c.notice,
       array[pg_catalog.count(f.id), pg_catalog.count(f.id) filter (where f.bad)] as numbers,
       coalesce(pg_catalog.to_jsonb((pg_catalog.array_agg(f.id order by f.id) filter (where f.bad))[1:10]), '[]') as examples
from check_list c left join fact f on f.name = c.name
group by c.promise, c.name, c.notice
union all
select 'count', null, t.name, null, array[t.rows], null
from (
  select 'bookings' as name, pg_catalog.count(*) as rows from booking
  union all select 'booking_table_assignments', pg_catalog.count(*) from app.booking_table_assignments
  union all select 'allocations', pg_catalog.count(*) from app.allocations
  union all select 'table_holds', pg_catalog.count(*) from app.table_holds
  union all select 'booking_assignment_idempotency', pg_catalog.count(*) from answer
  union all select 'booking_state_history', pg_catalog.count(*) from app.booking_state_history
) t
union all
select 'snapshot', pg_catalog.pg_current_snapshot()::text,
       case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
            else pg_catalog.pg_current_wal_insert_lsn() end::text, null, null, null
