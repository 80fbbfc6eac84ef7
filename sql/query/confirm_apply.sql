-- The whole change in one statement. What must come first is counted by what comes after: old rows are gone
-- before new ones go in (the constraints look), assignments stand before the status moves (guard triggers look).
-- `dissolve` are assignments that leave their group, `merge_group` is one to make; `kept` assignments stood already, and
-- `answer_group` is the group of the answer. Without `key` nothing is bound, without `target` it is an assign, without
-- `result_metadata` no result is kept.
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest(:drop_assignments::uuid[]) d (id) where a.id = d.id
  returning a.*
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest(:drop_allocations::uuid[]) d (id) where al.id = d.id
  returning al.*
), cleared as materialized (
  select (select pg_catalog.count(*) from dropped) as dropped, (select pg_catalog.count(*) from freed) as freed
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest(:dissolve::uuid[]) d (id) where a.id = d.id
  returning a.id
), allocated as (
  insert into app.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select :booking, :restaurant, 'table', t.id, pg_catalog.tstzrange(:start, :end, '[)'), :actor
  from cleared, pg_catalog.unnest(:add::uuid[]) t (id)
  order by t.id
  returning id, resource_id
), merged as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select :merge_group, :booking, :restaurant, 'merge_group', :merge_group, pg_catalog.tstzrange(:start, :end, '[)'), :actor
  from cleared where :merge_group is not null
  returning id
), slot as (
--[slots
  select s.id from app.booking_slots s
  join app.bookings b on b.id = :booking and b.booking_date = s.slot_date and b.start_time = s.slot_time
  where s.restaurant_id = :restaurant
  order by s.id
  limit 1
--|  select null::uuid as id where false
--]
), assigned as (
  insert into app.booking_table_assignments (
    booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at,
    merge_group_id, allocation_id
  )
  select :booking, al.resource_id, (select s.id from slot s), :now, :actor, :key, :start, :end, :merge_group, al.id
  from allocated al
  order by al.resource_id
  returning id, table_id
), stands as materialized (
  select (select pg_catalog.count(*) from assigned) as assigned, (select pg_catalog.count(*) from merged) as merged
), transitioned as (
  update app.bookings b set status = :target::app.booking_status, updated_at = :now
  from stands where b.id = :booking and :moves
  returning b.id
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select :booking, :from::app.booking_status, :target::app.booking_status, :changed_by, :now, :reason
--[history_metadata
         , coalesce(:metadata, '{}'::jsonb)
--]
  where :moves
  returning booking_id
), closed as (
  update app.table_holds h
  set status = c.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
  from rows from (pg_catalog.unnest(:close_holds::uuid[]), pg_catalog.unnest(:close_as::text[])) c (id, status), stands
  where h.id = c.id and h.booking_id is not null
--[ended_holds
    and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
  returning h.id
), adopted as (
  -- Taken before the booking was known. Apart: an application's trigger may look at every write of this column.
  update app.table_holds h
  set status = c.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp()), booking_id = :booking
  from rows from (pg_catalog.unnest(:close_holds::uuid[]), pg_catalog.unnest(:close_as::text[])) c (id, status), stands
  where h.id = c.id and h.booking_id is null
--[ended_holds
    and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
  returning h.id
--[ended_holds
), remembered as (
  insert into app.holdfast_ended_holds as r (
    hold_id, booking_id, restaurant_id, ended, idempotency_key, table_ids, start_at, end_at, expires_at, ended_at
  )
  select h.id, :booking, h.restaurant_id, c.status, :key,
         array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
         h.start_at, h.end_at, h.expires_at, :now
  from rows from (pg_catalog.unnest(:close_holds::uuid[]), pg_catalog.unnest(:close_as::text[])) c (id, status)
  cross join lateral (select x.* from app.table_holds x where x.id = c.id offset 0) h
  where (select p.ending = 'delete' from app.holdfast_hold_policy p)
  on conflict (hold_id) do update set
    booking_id = excluded.booking_id, restaurant_id = excluded.restaurant_id, ended = excluded.ended,
    idempotency_key = excluded.idempotency_key, table_ids = excluded.table_ids, start_at = excluded.start_at,
    end_at = excluded.end_at, expires_at = excluded.expires_at, ended_at = excluded.ended_at
  returning r.hold_id
), deleted as (
  -- Last: what the application's triggers take away with a hold has been taken away by then.
  delete from app.table_holds h
  using stands, remembered r
  where h.id = r.hold_id
  returning h.id
--]
), bound as (
  insert into app.booking_assignment_idempotency (
    booking_id, idempotency_key, table_ids, assignment_window, merge_group_allocation_id, table_set_hash,
    payload_checksum, expires_at, created_at, outcome, request, refusal, assignment_ids, hold_id, transaction_id
--[basis
    , basis
--]
  )
  select :booking, :key, :tables, pg_catalog.tstzrange(:start, :end, '[)'), :answer_group,
         -- An application may allow a set of tables one entry with its hash: the first keeps it.
         case when not exists (
           select from app.booking_assignment_idempotency l
           where l.booking_id = :booking and l.table_set_hash = :table_set_hash and l.idempotency_key <> :key
         ) then :table_set_hash end,
         :checksum, :kept_until, :now,
         case when :target is null then 'assigned' else 'confirmed' end, :request, null,
         :kept::uuid[] || array(select a.id from assigned a order by a.table_id), :hold,
         pg_catalog.pg_current_xact_id()
--[basis
         , pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('window', :basis, 'replaced', (
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'id', d.id, 'table_id', d.table_id, 'slot_id', d.slot_id, 'assigned_at', d.assigned_at,
               'assigned_by', d.assigned_by, 'idempotency_key', d.idempotency_key, 'start_at', d.start_at, 'end_at', d.end_at,
               'merge_group_id', d.merge_group_id, 'allocation_id', d.allocation_id) order by d.table_id)
             from dropped d where d.booking_id = :booking
           ), 'freed', (
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'id', f.id, 'resource_type', f.resource_type, 'resource_id', f.resource_id, 'created_by', f.created_by,
               'start_at', pg_catalog.lower(f."window"), 'end_at', pg_catalog.upper(f."window")) order by f.id)
             from freed f where f.booking_id = :booking and f.resource_type in ('table', 'merge_group') and not f.shadow
           )))
--]
  from stands where :key is not null
  on conflict (booking_id, idempotency_key) do update set
    table_ids = excluded.table_ids, assignment_window = excluded.assignment_window,
    merge_group_allocation_id = excluded.merge_group_allocation_id, table_set_hash = excluded.table_set_hash,
    payload_checksum = excluded.payload_checksum, expires_at = excluded.expires_at,
    created_at = excluded.created_at, outcome = excluded.outcome, request = excluded.request, refusal = null,
    assignment_ids = excluded.assignment_ids, hold_id = excluded.hold_id,
    transaction_id = excluded.transaction_id
--[basis
    , basis = excluded.basis
--]
  where booking_assignment_idempotency.refusal is not null and booking_assignment_idempotency.outcome <> 'fenced'
  returning booking_id
)
--[results
, answered as (
  insert into app.booking_confirmation_results (
    booking_id, idempotency_key, hold_id, restaurant_id, table_ids, assignment_window, actor_id, metadata, created_at
  )
  select :booking, :key, :hold, :restaurant, :tables, pg_catalog.tstzrange(:start, :end, '[)'), :actor, :result_metadata, :now
  where :key is not null and :result_metadata is not null
  returning booking_id
)
--]
select array(select a.id from assigned a order by a.table_id) as ids,
       array[
         (select dropped from cleared), (select freed from cleared), (select pg_catalog.count(*) from dissolved),
         (select assigned from stands), (select merged from stands),
         (select pg_catalog.count(*) from transitioned), (select pg_catalog.count(*) from recorded),
         (select pg_catalog.count(*) from closed) + (select pg_catalog.count(*) from adopted)
--[ended_holds
         + (select pg_catalog.count(*) from deleted)
--]
         , (select pg_catalog.count(*) from bound)
--[results
         , (select pg_catalog.count(*) from answered)
--|         , 0
--]
       ]::bigint[] as counts
