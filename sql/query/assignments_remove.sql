-- Takes assignments away.
delete from app.booking_table_assignments a
using pg_catalog.unnest(:assignments::uuid[]) d (id)
where a.id = d.id
