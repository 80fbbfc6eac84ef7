-- Takes allocations away, and says what those of the booking were: an undo brings them back.
delete from app.allocations al
using pg_catalog.unnest(:allocations::uuid[]) d (id)
where al.id = d.id
--< replaced_allocation
