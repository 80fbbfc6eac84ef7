-- The promises, checked by hand: one row a check, with the rows examined and those that break it. The same questions as
-- holdfast.audit, asked in other words and without it, so that each can be held against the other. Needs nothing but
-- the tables:
--   set search_path = public; set jit = off; \i sql/audit/promises.sql
with confirmable as (select array_agg(status) as labels from holdfast_booking_statuses where is_confirm_target),
since as (select attached_at from holdfast_booking_scans),
ours as (select booking_id from booking_assignment_idempotency where transaction_id is not null),
whole as (
  select g.*, coalesce(g.start_at, own_start) as begins,
         coalesce(g.end_at, case when end_time > start_time and own_end <= own_start
           then own_start + (end_time - start_time) else own_end end) as ends
  from bookings g join restaurants r on r.id = g.restaurant_id,
    timezone(timezone, booking_date + start_time) own_start,
    timezone(timezone, booking_date + (end_time < least(start_time, time '12:00:00.000001'))::int + end_time) own_end
),
past as (select id from whole, since where ends <= attached_at and id not in (select booking_id from ours)),
timed as (
  select * from whole where status not in (select status from holdfast_booking_statuses where releases_tables)
    and id not in (select id from past)
),
going as (select id from timed),
over as (
  select coalesce(array_agg(id), '{}') as ids from bookings where id not in (select id from going)
),
assignment as (select a.*, t.begins, t.ends from booking_table_assignments a join timed t on t.id = a.booking_id),
blocking as (select * from allocations where resource_type = 'table' and shadow is false),
success as (select * from booking_assignment_idempotency where outcome = any ('{confirmed,assigned}')),
step as (select * from booking_state_history where row(from_status) is distinct from row(to_status)),
mine as (
  select t.booking_id, a.id, a.table_id, idempotency_key, tstzrange(a.start_at, a.end_at) as slot, tstzrange(t.begins, t.ends) as time, t.status,
         t.party_size, t.restaurant_id, i.zone_id, active, i.status as state, coalesce(max_party_size, capacity) as chairs
  from (select id as booking_id, * from timed where begins < ends and ends > now()) t
  join booking_table_assignments a on a.booking_id = t.booking_id join table_inventory i on i.id = a.table_id
),
based as (
  select m.*, case when l.basis ->> 'window' = 'asked' then m.slot else m.time end as taken, l.basis ->> 'window' as origin
  from mine m left join success l
    on (l.booking_id, l.idempotency_key) = (m.booking_id, m.idempotency_key) and l.assignment_window = m.slot
),
given as (
  select a.* from booking_table_assignments a join going g on g.id = a.booking_id
  where a.id in (select unnest(assignment_ids) from success where transaction_id is not null and booking_id = a.booking_id)
),
asked (name, examined, broken) as (
  select 'confirmed_with_tables', count(*), count(*) - count(a.booking_id)
  from bookings b
  left join (select distinct booking_id from booking_table_assignments) a on a.booking_id = b.id
  where b.status = any ((select labels from confirmable)::booking_status[]) and b.id not in (select id from past)
    and b.status not in (select status from holdfast_booking_statuses s where row_to_json(s) ->> 'needs_tables' = 'false')
  union all
  select 'assignments_allocated', (select count(*) from assignment), count(*) from (
    select booking_id, table_id, tstzrange(start_at, end_at) from assignment
    except select booking_id, resource_id, "window" from blocking) t
  union all
  select 'allocations_assigned', count(*), count(*) filter (where (c.booking_id, c.resource_id) not in (
    select booking_id, table_id from booking_table_assignments))
  from blocking c join going g on g.id = c.booking_id
  union all
  select 'windows_meet', count(*), count(*) filter (where not tstzrange(start_at, end_at) && tstzrange(begins, ends))
  from assignment where start_at < end_at and begins < ends
  union all
  select 'windows_as_booked', count(*), count(*) filter (where tstzrange(start_at, end_at) <> tstzrange(begins, ends))
  from assignment where tstzrange(start_at, end_at) && tstzrange(begins, ends)
  union all
  select 'windows_follow', count(*), count(*) filter (where slot <> time) from based where origin = 'derived'
  union all
  select 'bookings_apart', count(*), count(*) filter (where exists (
    select 1 from based o where o.table_id = b.table_id and o.id <> b.id and o.taken && b.taken)) from based b
  union all
  select 'parties_fit', count(*), count(*) filter (where party > chairs + coalesce(extra_seats, 0)) from (
    select booking_id, restaurant_id, max(party_size) as party, sum(chairs) as chairs from mine
    where status = any ((select labels from confirmable)::booking_status[]) group by 1, 2) m
  left join holdfast_capacity_policies using (restaurant_id)
  union all
  select 'tables_usable', count(*), count(*) filter (where not active or state = 'out_of_service'
    and table_id not in (select table_id from holdfast_out_of_service)
    and table_id not in (select resource_id from blocking where is_maintenance and "window" @> now())) from mine
  union all
  select 'tables_together', count(*), count(*) filter (where zones <> 1 or zoneless or adjacent and cardinality(tables) > (
    with recursive walk as (
      select tables[1] as at
      union select case e.table_a when w.at then e.table_b else e.table_a end
      from walk w join table_adjacencies e on w.at in (e.table_a, e.table_b)
        and e.table_a = any (tables) and e.table_b = any (tables))
    select count(*) from walk)) from (
    select booking_id, count(distinct zone_id) as zones, bool_or(zone_id is null) as zoneless, array_agg(table_id) as tables,
           coalesce((select (l.request ->> 'require_adjacency')::boolean from success l where l.booking_id = m.booking_id
                     order by created_at desc limit 1), false) as adjacent
    from mine m group by booking_id) t
  union all
  select 'holds_consumed_once', count(*), count(*) filter (where (select count(*) from success o where o.hold_id = l.hold_id) > 1)
  from success l where hold_id is not null
  union all
  select 'holds_whole', count(*), count(*) filter (where id not in (select hold_id from table_hold_members)
    or expires_at - interval '168 hours' > now() and (expires_at <= end_at) is not true)
  from table_holds where status = 'active'
  union all
  select 'keys_kept', count(*), count(*) filter (where idempotency_key is null) from given
  union all
  select 'allocations_named', count(*), count(*) filter (where (allocation_id = c.id) is not true)
  from given g join blocking c on (c.booking_id, c.resource_id) = (g.booking_id, g.table_id)
  union all
  select 'groups_whole', count(*), count(*) filter (where members is null or members < 2 or allocation is null)
  from (select booking_id, merge_group_id as grp, count(*) as members from assignment group by 1, 2 having merge_group_id is not null) m
  full join (select booking_id, resource_id as grp, c.id as allocation from allocations c join going g on g.id = booking_id
             where resource_type = 'merge_group') c using (booking_id, grp)
  union all
  select 'history_ends_with_status', count(*), count(*) filter (where broken) from (
    select coalesce((select bool_and(l.changed_at <= (select max(r.changed_at) from step r where r.booking_id = b.id and r.to_status = b.status))
                     from step l where l.booking_id = b.id and l.from_status = b.status), true) is not true
           or not exists (select 1 from step r where r.booking_id = b.id and r.to_status = b.status) as broken
    from bookings b where b.id in (select booking_id from step) and b.id not in (select id from past)
    union all
    select true from bookings b where b.id not in (select booking_id from booking_state_history) and b.id not in (select id from past) and b.id in (
      select l.booking_id from success l natural join (select booking_id, idempotency_key from booking_table_assignments) a
      where l.outcome = 'confirmed' and l.request is not null)
  ) t
  union all
  select 'answers_stand', count(*), count(*) filter (where not reachable and not explained) from (
    select b.id, exists (
             with recursive r as (
               select status from holdfast_booking_statuses where is_confirm_target
               union select to_status from holdfast_status_transitions join r on from_status = r.status)
             select 1 from r where r.status = b.status) as reachable,
           bool_or(h.booking_id is not null) as explained
    from bookings b
    join (select booking_id, max(created_at) as at from success where outcome = 'confirmed' and request is not null group by 1) l
      on l.booking_id = b.id
    left join booking_state_history h on h.booking_id = b.id and h.to_status = b.status and h.changed_at > l.at
    group by b.id, b.status
  ) t
  union all
  select 'holds_consumed', count(*), count(*) filter (where (h.id, h.booking_id) in (
    select hold_id, booking_id from success where hold_id is not null))
  from table_holds h where status::text = 'active'
  union all
  select 'events_told', count(*), count(*) filter (where not told) from (
    select l.basis ->> 'told_again' = 'true' is true or exists (
      select 1 from capacity_outbox o
      where o.booking_id = l.booking_id and o.event_type = 'capacity.assignment.sync'
        and (o.idempotency_key = l.idempotency_key or o.dedupe_key like '%:' || l.transaction_id)
        and (o.payload ->> 'startAt')::timestamptz = lower(l.assignment_window)
        and (o.payload ->> 'endAt')::timestamptz = upper(l.assignment_window)
        and array(select jsonb_array_elements_text(o.payload -> 'tableIds')::uuid) = l.table_ids) as told
    from success l where transaction_id is not null and created_at > now() - interval '24 hours'
      -- Where no event is kept that was delivered before, whoever delivers them deletes them.
      and created_at >= (select min(o.next_attempt_at) from capacity_outbox o where o.status = 'done')) t
  union all
  select 'tables_apart', count(*), count(*) filter (where exists (
    select 1 from blocking o where o.resource_id = c.resource_id and o.id <> c.id and o."window" && c."window"
      and not coalesce(o.booking_id = any ((select ids from over)::uuid[]), false)))
  from blocking c where not coalesce(c.booking_id = any ((select ids from over)::uuid[]), false)
  union all
  select 'keys_once', count(*), count(*) - count(distinct (booking_id, idempotency_key)) from booking_assignment_idempotency
  union all
  select 'keys_answered', count(*), count(*) filter (where l.idempotency_key is null)
  from assignment a
  left join booking_assignment_idempotency l using (booking_id, idempotency_key)
  left join holdfast_pruned f on f.booking_id = a.booking_id and f.until >= a.assigned_at
  where a.idempotency_key is not null and f.booking_id is null
    and (a.assigned_at is null or a.assigned_at > now() - make_interval(days => coalesce(nullif(current_setting('holdfast.ledger_retention_days', true), ''), '90')::int))
  union all
  select 'answers_whole', count(*), count(*) filter (where table_ids = '{}' or assignment_window = 'empty' or refusal is not null)
  from success
  union all
  select 'fences_hold', count(*), count(*) filter (where used) from (
    select l.booking_id, bool_or(a.id is not null) as used
    from booking_assignment_idempotency l
    left join booking_table_assignments a on (a.booking_id, a.idempotency_key) = (l.booking_id, l.idempotency_key)
    where l.outcome <> all ('{confirmed,assigned}') group by l.booking_id, l.idempotency_key) t
  union all
  select 'holds_in_time', count(*), count(*) filter (where h.expires_at <= l.created_at)
  from success l, table_holds h where h.id = l.hold_id
  union all
  select 'allocations_owned', count(*), count(*) filter (where case
    when resource_type = 'hold' then resource_id not in (select id from table_holds where status = 'active')
      or booking_id not in (select id from bookings)
    when booking_id is null then not is_maintenance and not shadow
    else booking_id not in (select id from bookings) end)
  from allocations
  union all
  select 'assignments_owned', count(*), count(*) filter (where booking_id not in (select id from bookings))
  from booking_table_assignments
  union all
  select 'holds_closed', count(*), count(*) filter (where expires_at + interval '1 minute' < now() or (start_at < end_at) is not true)
  from table_holds where status = 'active'
  union all
  select 'allocations_released', count(*), count(*) filter (where upper("window") > now())
  from blocking where booking_id = any ((select ids from over)::uuid[]) and booking_id not in (select id from past)
  union all
  select 'table_status_explained', count(*), count(*) filter (where t.id not in (
    select resource_id from blocking
    where not coalesce(booking_id = any ((select ids from over)::uuid[]), false)
      and lower("window") <= now() and upper("window") > now() - interval '5 minutes'))
  from table_inventory t where status in ('reserved', 'occupied')
  union all
  select 'moves_declared', count(*), count(*) filter (where (from_status, to_status) not in (
    select from_status, to_status from holdfast_status_transitions))
  from step where from_status is not null and coalesce(reason, '') <> 'reconciliation'
    and metadata ->> 'undoneKey' is null and changed_at >= coalesce((select attached_at from since), '-infinity')
  union all
  select 'tenants_apart', count(*), count(*) filter (where one <> other) from (
    select b.restaurant_id as one, t.restaurant_id as other from bookings b
    join booking_table_assignments a on a.booking_id = b.id join table_inventory t on t.id = a.table_id
    union all select b.restaurant_id, c.restaurant_id from bookings b join allocations c on c.booking_id = b.id
    union all select b.restaurant_id, h.restaurant_id from bookings b join table_holds h on h.booking_id = b.id
    union all select h.restaurant_id, t.restaurant_id from table_holds h
    join table_hold_members m on m.hold_id = h.id join table_inventory t on t.id = m.table_id) t
)
select name, examined, broken from asked order by name
