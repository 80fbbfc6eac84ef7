-- Ends holds that are locked, and takes their mirrors away. Where the application deletes its holds, so do we, and what
-- became of each is remembered; else the row is closed, and no reader of its deadline sees a live one.
-- A nil booking is none.
with ending as materialized (
  select e.id, nullif(e.booking_id, '00000000-0000-0000-0000-000000000000') as booking_id, e.status
  from rows from (
    pg_catalog.unnest(:holds::uuid[]), pg_catalog.unnest(:bookings::uuid[]), pg_catalog.unnest(:ends::text[])
  ) e (id, booking_id, status)
), mirror as materialized (
  select m.id
  from ending e
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id = e.booking_id and al.resource_type = 'hold' and al.resource_id = e.id
    offset 0
  ) m
  union all
  select m.id
  from ending e
  cross join lateral (
    select al.id from app.allocations al
    where al.booking_id is null and al.resource_type = 'hold' and al.resource_id = e.id
    offset 0
  ) m
), unmirrored as (
  delete from app.allocations al using mirror m where al.id = m.id
  returning al.id
), bare as materialized (
  -- Triggers of the application may take mirrors away when a hold goes: ours comes first.
  select pg_catalog.count(*) as mirrors from unmirrored
), closed as (
  update app.table_holds h
  set status = e.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
  from bare, ending e
  where h.id = e.id
--[ended_holds
    and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
  returning h.id
)
--[ended_holds
, remembered as (
  insert into app.holdfast_ended_holds as r (
    hold_id, booking_id, restaurant_id, ended, table_ids, start_at, end_at, expires_at, ended_at
  )
  select h.id, h.booking_id, h.restaurant_id, e.status,
         array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
         h.start_at, h.end_at, h.expires_at, :now
  from ending e
  cross join lateral (select x.* from app.table_holds x where x.id = e.id offset 0) h
  where (select p.ending = 'delete' from app.holdfast_hold_policy p)
  on conflict (hold_id) do update set
    booking_id = excluded.booking_id, restaurant_id = excluded.restaurant_id, ended = excluded.ended,
    idempotency_key = null, table_ids = excluded.table_ids, start_at = excluded.start_at, end_at = excluded.end_at,
    expires_at = excluded.expires_at, ended_at = excluded.ended_at
  returning r.hold_id
), deleted as (
  delete from app.table_holds h
  using bare, remembered r
  where h.id = r.hold_id
  returning h.id
)
--]
select array[
  (select pg_catalog.count(*) from closed)
--[ended_holds
  + (select pg_catalog.count(*) from deleted)
--]
  , (select b.mirrors from bare b)
]::bigint[] as counts
