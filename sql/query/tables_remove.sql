-- Takes tables from a booking ($1): assignments ($2), allocations ($3), and rows that leave their group ($4).
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest($2::uuid[]) d (id) where a.id = d.id and a.booking_id = $1
  returning a.id
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest($3::uuid[]) d (id) where al.id = d.id and al.booking_id = $1
  returning al.id
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest($4::uuid[]) d (id) where a.id = d.id
  returning a.id
)
select array[
  (select pg_catalog.count(*) from dropped), (select pg_catalog.count(*) from freed),
  (select pg_catalog.count(*) from dissolved)
]
