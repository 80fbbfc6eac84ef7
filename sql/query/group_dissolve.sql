-- Assignments leave their merge group.
update app.booking_table_assignments a set merge_group_id = null
from pg_catalog.unnest(:assignments::uuid[]) d (id)
where a.id = d.id
