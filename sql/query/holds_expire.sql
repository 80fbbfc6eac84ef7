-- Closes holds that are locked and past their deadline ($1), and takes their mirrors away ($2).
with closed as (
  update app.table_holds h set status = 'expired'
  from pg_catalog.unnest($1::uuid[]) d (id) where h.id = d.id
  returning h.id
), unmirrored as (
  delete from app.allocations al
  using pg_catalog.unnest($2::uuid[]) d (id) where al.id = d.id
  returning al.id
)
select array[
  (select pg_catalog.count(*) from closed), (select pg_catalog.count(*) from unmirrored)
]::bigint[]
