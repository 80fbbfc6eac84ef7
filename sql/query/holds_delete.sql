-- Deletes holds that are locked and remembered.
delete from app.table_holds h
using pg_catalog.unnest(:holds::uuid[]) d (id)
where h.id = d.id
