-- Closes a hold that is locked: its status and its mirror. $1 hold, $2 new status, $3 booking or null
with closed as (
  update app.table_holds h set status = $2::app.hold_status where h.id = $1
  returning h.id
), unmirrored as (
  delete from app.allocations al
  where al.resource_type = 'hold' and al.resource_id = $1 and al.booking_id = $3
  returning al.id
), unmirrored_anonymous as (
  delete from app.allocations al
  where al.resource_type = 'hold' and al.resource_id = $1 and al.booking_id is null
  returning al.id
)
select array[(select pg_catalog.count(*) from closed)]::bigint[]
