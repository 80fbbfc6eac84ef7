-- What a repair of a booking takes away, by step: allocations, groups, open holds with their mirrors. Comes before
-- what is added, because the constraints look. Returns each row as it was and as it is.
with gone as (
  select (v.id #>> '{}')::uuid as id from pg_catalog.jsonb_path_query(:steps, '$.*[*].allocations[*]') v (id)
  union
  select (v.id #>> '{}')::uuid from pg_catalog.jsonb_path_query(:steps, '$.*[*].frees[*]') v (id)
), held as (
  select c.hold, c.status
  from pg_catalog.jsonb_to_recordset(:steps -> 'close_hold') c (hold uuid, status text)
), freed as (
  delete from app.allocations al using gone where al.id = gone.id
  returning pg_catalog.to_jsonb(al) as was
), unmirrored as (
  delete from app.allocations al using held
  where al.booking_id = :booking and al.resource_type = 'hold' and al.resource_id = held.hold
  returning pg_catalog.to_jsonb(al) as was
), ungrouped as (
  update app.booking_table_assignments a set merge_group_id = null
  from app.booking_table_assignments w, pg_catalog.jsonb_path_query(:steps, '$.dissolve_group[*].assignments[*]') v (id)
  where a.id = (v.id #>> '{}')::uuid and a.booking_id = :booking and w.id = a.id
  returning pg_catalog.to_jsonb(w) as was, pg_catalog.to_jsonb(a) as now
), closed as (
  update app.table_holds h
  set status = held.status::app.hold_status, expires_at = least(h.expires_at, pg_catalog.clock_timestamp())
  from held, app.table_holds w
  where h.id = held.hold and h.booking_id = :booking and h.status = 'active' and w.id = h.id
--[ended_holds
    and not coalesce((select p.ending = 'delete' from app.holdfast_hold_policy p), false)
--]
  returning pg_catalog.to_jsonb(w) as was, pg_catalog.to_jsonb(h) as now
)
--[ended_holds
, remembered as (
  insert into app.holdfast_ended_holds as r (
    hold_id, booking_id, restaurant_id, ended, table_ids, start_at, end_at, expires_at, ended_at
  )
  select h.id, h.booking_id, h.restaurant_id, held.status,
         array(select m.table_id from app.table_hold_members m where m.hold_id = h.id order by m.table_id),
         h.start_at, h.end_at, h.expires_at, pg_catalog.clock_timestamp()
  from held
  cross join lateral (select x.* from app.table_holds x where x.id = held.hold offset 0) h
  where h.booking_id = :booking and h.status = 'active' and (select p.ending = 'delete' from app.holdfast_hold_policy p)
  on conflict (hold_id) do nothing
), deleted as (
  delete from app.table_holds h
  using held
  where h.id = held.hold and h.booking_id = :booking and h.status = 'active'
    and (select p.ending = 'delete' from app.holdfast_hold_policy p)
  returning pg_catalog.to_jsonb(h) as was
)
--]
select coalesce(
  pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('table', c.name, 'before', c.was, 'after', c.now)), '[]'
) as changes
from (
  select 'allocations' as name, f.was, null::jsonb as now from freed f
  union all select 'allocations', u.was, null from unmirrored u
  union all select 'booking_table_assignments', u.was, u.now from ungrouped u
  union all select 'table_holds', c.was, c.now from closed c
--[ended_holds
  union all select 'table_holds', d.was, null from deleted d
--]
) c
