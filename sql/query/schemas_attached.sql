-- Schemas that attach bound, with the owner of their bookings.
select n.oid, n.nspname::text as name, b.relowner as owner
from holdfast.attachment a
join pg_catalog.pg_class b on b.oid = a.bookings and b.relname = 'bookings' and b.relkind in ('r', 'p')
join pg_catalog.pg_namespace n on n.oid = b.relnamespace
order by n.oid
