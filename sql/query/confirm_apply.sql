-- The whole change in one statement. What must come first is counted by what comes after: old rows are gone
-- before new ones go in (the constraints look), assignments stand before the status moves (guard triggers look).
-- $1 booking, $2 restaurant, $3 tables to add, $4 and $5 window, $6 new merge group or null,
-- $7 allocations to drop, $8 assignments to drop, $9 assignments to take out of their group,
-- $10 actor, $11 key or null, $12 now, $13 from status, $14 target status or null, $15 changed by,
-- $16 reason, $17 metadata, $18 holds to close, $19 their new statuses, $20 request, $21 checksum,
-- $22 hash of the table set, $23 retention end, $24 hold consumed, $25 all tables of the answer,
-- $26 its assignments that already stood, $27 its merge group, $28 metadata of the result or null: none,
-- $29 does the booking's row change, $30 is the window derived from the booking or asked for
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest($8::uuid[]) d (id) where a.id = d.id
  returning a.*
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest($7::uuid[]) d (id) where al.id = d.id
  returning al.*
), cleared as materialized (
  select (select pg_catalog.count(*) from dropped) as dropped, (select pg_catalog.count(*) from freed) as freed
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest($9::uuid[]) d (id) where a.id = d.id
  returning a.id
), allocated as (
  insert into app.allocations (booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select $1, $2, 'table', t.id, pg_catalog.tstzrange($4, $5, '[)'), $10
  from cleared, pg_catalog.unnest($3::uuid[]) t (id)
  order by t.id
  returning id, resource_id
), merged as (
  insert into app.allocations (id, booking_id, restaurant_id, resource_type, resource_id, "window", created_by)
  select $6, $1, $2, 'merge_group', $6, pg_catalog.tstzrange($4, $5, '[)'), $10
  from cleared where $6 is not null
  returning id
), slot as (
--[slots
  select s.id from app.booking_slots s
  join app.bookings b on b.id = $1 and b.booking_date = s.slot_date and b.start_time = s.slot_time
  where s.restaurant_id = $2
  order by s.id
  limit 1
--|  select null::uuid as id where false
--]
), assigned as (
  insert into app.booking_table_assignments (
    booking_id, table_id, slot_id, assigned_at, assigned_by, idempotency_key, start_at, end_at,
    merge_group_id, allocation_id
  )
  select $1, al.resource_id, (select s.id from slot s), $12, $10, $11, $4, $5, $6, al.id
  from allocated al
  order by al.resource_id
  returning id, table_id
), stands as materialized (
  select (select pg_catalog.count(*) from assigned) as assigned, (select pg_catalog.count(*) from merged) as merged
), transitioned as (
  update app.bookings b set status = $14::app.booking_status, updated_at = $12
  from stands where b.id = $1 and $29
  returning b.id
), recorded as (
  insert into app.booking_state_history (
    booking_id, from_status, to_status, changed_by, changed_at, reason
--[history_metadata
    , metadata
--]
  )
  select $1, $13::app.booking_status, $14::app.booking_status, $15, $12, $16
--[history_metadata
         , coalesce($17, '{}'::jsonb)
--]
  where $29
  returning booking_id
), closed as (
  update app.table_holds h
  set status = c.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
  from rows from (pg_catalog.unnest($18::uuid[]), pg_catalog.unnest($19::text[])) c (id, status), stands
  where h.id = c.id and h.booking_id is not null
--[ended_holds
    and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
  returning h.id
), adopted as (
  -- Taken before the booking was known. Apart: an application's trigger may look at every write of this column.
  update app.table_holds h
  set status = c.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp()), booking_id = $1
  from rows from (pg_catalog.unnest($18::uuid[]), pg_catalog.unnest($19::text[])) c (id, status), stands
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
  select h.id, $1, h.restaurant_id, c.status, $11,
         array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
         h.start_at, h.end_at, h.expires_at, $12
  from rows from (pg_catalog.unnest($18::uuid[]), pg_catalog.unnest($19::text[])) c (id, status)
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
  select $1, $11, $25, pg_catalog.tstzrange($4, $5, '[)'), $27,
         -- An application may allow a set of tables one entry with its hash: the first keeps it.
         case when not exists (
           select from app.booking_assignment_idempotency l
           where l.booking_id = $1 and l.table_set_hash = $22 and l.idempotency_key <> $11
         ) then $22 end,
         $21, $23, $12,
         case when $14 is null then 'assigned' else 'confirmed' end, $20, null,
         $26::uuid[] || array(select a.id from assigned a order by a.table_id), $24,
         pg_catalog.pg_current_xact_id()
--[basis
         , pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('window', $30, 'replaced', (
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'id', d.id, 'table_id', d.table_id, 'slot_id', d.slot_id, 'assigned_at', d.assigned_at,
               'assigned_by', d.assigned_by, 'idempotency_key', d.idempotency_key, 'start_at', d.start_at, 'end_at', d.end_at,
               'merge_group_id', d.merge_group_id, 'allocation_id', d.allocation_id) order by d.table_id)
             from dropped d where d.booking_id = $1
           ), 'freed', (
             select pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
               'id', f.id, 'resource_type', f.resource_type, 'resource_id', f.resource_id, 'created_by', f.created_by,
               'start_at', pg_catalog.lower(f."window"), 'end_at', pg_catalog.upper(f."window")) order by f.id)
             from freed f where f.booking_id = $1 and f.resource_type in ('table', 'merge_group') and not f.shadow
           )))
--]
  from stands where $11 is not null
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
  select $1, $11, $24, $2, $25, pg_catalog.tstzrange($4, $5, '[)'), $10, $28, $12
  where $11 is not null and $28 is not null
  returning booking_id
)
--]
select array(select a.id from assigned a order by a.table_id),
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
       ]::bigint[]
