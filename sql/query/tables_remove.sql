-- Takes tables from a booking: assignments, allocations, and rows that leave their group.
with dropped as (
  delete from app.booking_table_assignments a
  using pg_catalog.unnest(:assignments::uuid[]) d (id) where a.id = d.id and a.booking_id = :booking
  returning a.id
), freed as (
  delete from app.allocations al
  using pg_catalog.unnest(:allocations::uuid[]) d (id) where al.id = d.id and al.booking_id = :booking
  returning al.id
), dissolved as (
  update app.booking_table_assignments a set merge_group_id = null
  from pg_catalog.unnest(:dissolved::uuid[]) d (id) where a.id = d.id
  returning a.id
)
select array[
  (select pg_catalog.count(*) from dropped), (select pg_catalog.count(*) from freed),
  (select pg_catalog.count(*) from dissolved)
] as counts
