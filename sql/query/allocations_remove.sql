-- Takes allocations away.
delete from app.allocations al
using pg_catalog.unnest(:allocations::uuid[]) d (id)
where al.id = d.id
